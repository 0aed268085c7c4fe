//! Who may import whom, as ARCHITECTURE.md draws it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::{cargo, metadata, root};

/// Each crate and the crates of this workspace that it may import.
const MAY_IMPORT: [(&str, &[&str]); 10] = [
    ("lampwick-kernels", &[]),
    ("lampwick-models", &["lampwick-kernels"]),
    ("lampwick-data", &[]),
    ("lampwick-metrics", &[]),
    ("lampwick-ngram", &[]),
    ("lampwick-embeddings", &["lampwick-ngram"]),
    ("lampwick-decoding", &["lampwick-models", "lampwick-metrics", "lampwick-ngram"]),
    (
        "lampwick-training",
        &["lampwick-models", "lampwick-data", "lampwick-metrics", "lampwick-decoding"],
    ),
    (
        "lampwick",
        &[
            "lampwick-kernels",
            "lampwick-models",
            "lampwick-data",
            "lampwick-metrics",
            "lampwick-ngram",
            "lampwick-embeddings",
            "lampwick-decoding",
            "lampwick-training",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that know nothing of Burn at all.
const WITHOUT_BURN: [&str; 4] =
    ["lampwick-metrics", "lampwick-ngram", "lampwick-embeddings", "xtask"];

/// Crates that may build tensors but know no training code of Burn.
const WITHOUT_BURN_TRAINING: [&str; 1] = ["data"];

/// What a program that fetches something would be built on.
const NETWORK: [&str; 8] =
    ["reqwest", "ureq", "hyper", "curl", "isahc", "rustls", "native-tls", "tokio"];

pub(crate) fn check() -> Result<String> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    let mut wrong = violations(packages);
    for folder in WITHOUT_BURN_TRAINING {
        training_code(&root().join("crates").join(folder).join("src"), &mut wrong)?;
    }
    for folder in ["data", "training"] {
        changes_of_the_disk(&root().join("crates").join(folder).join("src"), &mut wrong)?;
    }
    network(&mut wrong)?;
    if !wrong.is_empty() {
        bail!("the layering of ARCHITECTURE.md is broken:\n  {}", wrong.join("\n  "));
    }
    Ok(format!("{} crates", packages.len()))
}

/// What changes a disk past `data::files`, where a test can make it fail.
const PAST_THE_FILES: [&str; 8] = [
    "fs::write(",
    "fs::rename(",
    "fs::remove_",
    "fs::create_dir",
    " File::create(",
    ":File::create(",
    "OpenOptions",
    "set_len(",
];

/// Every such line outside `data::files` and outside tests.
fn changes_of_the_disk(folder: &Path, wrong: &mut Vec<String>) -> Result<()> {
    for path in super::rust_files(folder)? {
        let is_test = path.file_name().is_some_and(|name| name == "tests.rs");
        if is_test || path.components().any(|part| part.as_os_str() == "files") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let found = PAST_THE_FILES.iter().find(|call| line.contains(**call));
            if let Some(call) = found.filter(|_| !line.trim_start().starts_with("//")) {
                let place = path.strip_prefix(root()).unwrap_or(&path).display();
                wrong.push(format!("{place}:{}: {call} past lampwick_data::files", number + 1));
            }
        }
    }
    Ok(())
}

/// Every import that the table does not allow. Development dependencies count too: a test that
/// needs an upper layer belongs in that layer.
fn violations(packages: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("{name} is not in the table: add it to xtask/src/ci/layering.rs"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            let ours = MAY_IMPORT.iter().any(|(known, _)| *known == used);
            if ours && !allowed.contains(&used) {
                wrong.push(format!("{name} imports {used}"));
            }
            if used.starts_with("burn") && WITHOUT_BURN.contains(&name) {
                wrong.push(format!("{name} imports {used}, and should know no Burn"));
            }
        }
    }
    wrong
}

/// Looks for network clients among all that the program is linked from.
fn network(wrong: &mut Vec<String>) -> Result<()> {
    let tree = cargo(&["tree", "--package", "lampwick", "--edges", "normal", "--prefix", "none"])
        .output()?;
    if !tree.status.success() {
        bail!("`cargo tree` failed: {}", String::from_utf8_lossy(&tree.stderr));
    }
    let tree = String::from_utf8_lossy(&tree.stdout);
    for name in tree.lines().filter_map(|line| line.split_whitespace().next()) {
        if NETWORK.contains(&name) {
            wrong.push(format!("the program is linked with {name}, and nothing of it may fetch"));
        }
    }
    Ok(())
}

/// Looks for Burn's training modules in the sources below `folder`.
fn training_code(folder: &Path, wrong: &mut Vec<String>) -> Result<()> {
    for path in super::sizes::rust_files(folder)? {
        let text = fs::read_to_string(&path)?;
        for (number, line) in text.lines().enumerate() {
            if ["burn::train", "burn::optim", "burn::lr_scheduler"].iter().any(|x| line.contains(x))
            {
                let place = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                wrong.push(format!("{place}:{} uses Burn's training code", number + 1));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lower_layer_may_not_import_a_higher_one() {
        let packages = [
            json!({"name": "lampwick-kernels", "dependencies": [{"name": "lampwick-models"}]}),
            json!({"name": "lampwick-metrics", "dependencies": [{"name": "burn"}]}),
            json!({"name": "lampwick-models", "dependencies": [{"name": "lampwick-kernels"}]}),
            json!({"name": "stranger", "dependencies": []}),
        ];
        let wrong = violations(&packages);
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].contains("lampwick-kernels imports lampwick-models"));
        assert!(wrong[1].contains("should know no Burn"));
        assert!(wrong[2].contains("not in the table"));
    }

    #[test]
    fn the_workspace_keeps_its_layers() {
        check().unwrap();
    }
}
