//! Where commands read and write: standard input once, and nothing over what it is made from.

use std::path::{Path, PathBuf};

use lampwick::data::atomic;
use same_file::Handle;

use crate::exit::Usage;

/// What standard input is called.
const STDIN: [&str; 4] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// Whether a path is that of standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    STDIN.iter().any(|name| path.as_os_str() == *name)
}

/// Refuses a command line that reads standard input more than once: it gives its bytes once only.
pub(super) fn stdin_once(inputs: impl IntoIterator<Item: AsRef<Path>>) -> anyhow::Result<()> {
    if inputs.into_iter().filter(|path| is_stdin(path.as_ref())).count() > 1 {
        let problem = "standard input can be read once only: name files for the others";
        return Err(Usage(problem.into()).into());
    }
    Ok(())
}

/// Whether two paths lead to one place, at which nothing has to be yet.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    place(one) == place(other)
}

/// A path without links and turns, as far as it leads to something.
fn place(path: &Path) -> PathBuf {
    if let Ok(there) = path.canonicalize() {
        return there;
    }
    let path = &atomic::behind_links(path.to_owned());
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if folder.as_os_str().is_empty() => {
            place(Path::new(".")).join(name)
        }
        (Some(folder), Some(name)) => place(folder).join(name),
        _ => path.to_owned(),
    }
}

/// Refuses to write over one of the files that the result is made from.
pub(super) fn expect_other<I>(out: &Path, inputs: I) -> anyhow::Result<()>
where
    I: IntoIterator<Item: AsRef<Path>>,
{
    // Opening a pipe would wait for its other end.
    let file = |path: &Path| path.is_file().then(|| Handle::from_path(path).ok()).flatten();
    let Some(there) = file(out) else { return Ok(()) };
    let input = |path: &Path| match is_stdin(path) {
        true => Handle::stdin().ok(),
        false => file(path),
    };
    let same = inputs.into_iter().find(|path| input(path.as_ref()).as_ref() == Some(&there));
    let Some(path) = same else { return Ok(()) };
    let (out, path) = (out.display(), path.as_ref().display());
    let problem =
        format!("{out}: is read by this command ({path}) and would be replaced; give another name");
    Err(Usage(problem).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_many_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir(at("sub")).unwrap();
        std::fs::write(at("there"), "").unwrap();
        for (one, other) in [("there", "sub/../there"), ("new", "./new"), ("new", "sub/../new")] {
            assert!(is_same(&at(one), &at(other)), "{one} {other}");
        }
        assert!(is_same(&at("no/a"), &at("sub/../no/a")));
        assert!(is_same(Path::new("new"), Path::new("./new")));
        for (one, other) in [("there", "new"), ("new", "sub/new"), ("new", "newer")] {
            assert!(!is_same(&at(one), &at(other)), "{one} {other}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("sub"), at("link")).unwrap();
            assert!(is_same(&at("sub/new"), &at("link/new")));
            std::os::unix::fs::symlink("new", at("to_new")).unwrap();
            assert!(is_same(&at("new"), &at("to_new")));
            std::os::unix::fs::symlink("round", at("round")).unwrap();
            assert!(!is_same(&at("new"), &at("round")));
        }
    }
}
