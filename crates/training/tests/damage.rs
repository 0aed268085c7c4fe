//! A checkpoint of which any byte is not what it was is refused with a typed error, and the run goes
//! on from the one before it.

mod common;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI32;

use common::copy_folder;
use lampwick_data::files::faults::with_fault;
use lampwick_training::checkpoint::{CheckpointError, Files, list, newest_valid};
use lampwick_training::{
    Config, Error, Event, RunConfig, TrainedModel, Which, device, resume, train,
};
use sha2::{Digest, Sha256};

/// A run that ends within its second epoch, with checkpoints on the way.
fn trained(dir: &Path, optimizer: &str) -> Config {
    let text = format!(
        r#"
        device = "flex"
        [model]
        embedding = 3
        hidden = 3
        layers = 1
        dropout_output = 0.1
        [data]
        source = "synthetic"
        train_tokens = 80
        valid_tokens = 30
        test_tokens = 0
        language = {{ topics = 1, words = 1, depth = 0 }}
        [batches]
        size = 4
        bptt = {{ fixed = 5 }}
        [optimizer]
        {optimizer}
        [budget]
        epochs = 3
        [checkpoint]
        every_steps = 1
        every_minutes = 0.0
        keep = 3
        [sampling]
        count = 0
        count_per_epoch = 0
        "#
    );
    let config = Config::parse(&text, "damage.toml", &[]).unwrap().config;
    let stop = AtomicI32::new(0);
    let mut watch = |event: &Event<'_>| {
        if matches!(event, Event::Step(step) if step.epoch == 2 && step.step_in_epoch == 2) {
            stop.store(15, std::sync::atomic::Ordering::Relaxed);
        }
    };
    train(&config, dir, &stop, &mut watch).unwrap();
    config
}

const ADAM: &str = "name = \"adam\"\nlr = 0.01";
const AVERAGED: &str = "name = \"asgd\"\nlr = 1.0";

/// The files of a checkpoint by name.
fn files(checkpoint: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(checkpoint).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

fn newest(run: &Path) -> PathBuf {
    list(&run.join("checkpoints")).pop().unwrap()
}

#[test]
fn every_byte_of_every_file_cut_off_or_flipped() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for (name, optimizer) in [("adam", ADAM), ("averaged", AVERAGED)] {
        let run = dir.path().join(name);
        trained(&run, optimizer);
        let checkpoint = newest(&run);
        for (file, whole) in files(&checkpoint) {
            // The others are the same as the first run's.
            if name == "averaged" && file != "average.safetensors" {
                continue;
            }
            let path = checkpoint.join(&file);
            let refused = |what: &str, at: usize| match Files::read(&checkpoint) {
                Err(CheckpointError::Damaged { .. } | CheckpointError::Newer { .. }) => {}
                other => panic!("{file}, {what} {at}: {other:?}"),
            };
            // In place: a file that is written anew for each byte takes the disk minutes.
            let mut open = OpenOptions::new().write(true).open(&path).unwrap();
            let mut put = |at: usize, byte: u8| {
                open.seek(SeekFrom::Start(at as u64)).unwrap();
                open.write_all(&[byte]).unwrap();
            };
            for (at, &byte) in whole.iter().enumerate() {
                put(at, byte ^ (1 << (at % 8)));
                refused("flipped at", at);
                put(at, byte);
            }
            put(whole.len(), b'\n');
            refused("longer by one than", whole.len());
            for at in (0..whole.len()).rev() {
                open.set_len(at as u64).unwrap();
                refused("cut off at", at);
            }
            std::fs::remove_file(&path).unwrap();
            assert!(matches!(Files::read(&checkpoint), Err(CheckpointError::Read { .. })));
            std::fs::write(&path, whole).unwrap();
            seen.push(file);
        }
        Files::read(&checkpoint).unwrap();
    }
    for file in ["state.json", "model.safetensors", "optimizer.bpk", "average.safetensors"] {
        assert!(seen.iter().any(|seen| seen == file), "no {file} among {seen:?}");
    }
    assert!(["carry.safetensors", "manifest.json"].iter().all(|f| seen.iter().any(|s| s == f)));
}

#[test]
fn whichever_file_is_damaged_the_run_goes_on_from_the_checkpoint_before() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    trained(&run, ADAM);
    let before = list(&run.join("checkpoints")).into_iter().rev().nth(1).unwrap();
    for (file, whole) in files(&newest(&run)) {
        let copy = dir.path().join(format!("without-{file}"));
        copy_folder(&run, &copy);
        std::fs::write(newest(&copy).join(&file), &whole[..whole.len() / 2]).unwrap();
        let (found, refused) = newest_valid(&copy.join("checkpoints")).unwrap();
        assert_eq!(found.path().file_name(), before.file_name());
        assert!(refused[0].to_string().contains(&format!("{file} is damaged")), "{}", refused[0]);
        let model =
            TrainedModel::load(&copy, Which::Newest, &device::parse("flex").unwrap()).unwrap();
        assert_eq!(model.checkpoint.file_name(), before.file_name());
        assert_eq!(model.warnings.len(), 1, "{:?}", model.warnings);
        let mut warnings = Vec::new();
        let mut watch = |event: &Event<'_>| {
            if let Event::Warning(text) = event {
                warnings.push((*text).to_string());
            }
        };
        resume(&copy, &AtomicI32::new(0), &mut watch).unwrap();
        assert!(warnings[0].contains("falling back to an older checkpoint"), "{warnings:?}");
    }
}

/// What the hashes vouch for but no run has written: the contents are then at fault, never the reader.
#[test]
fn contents_that_do_not_fit_are_errors_and_no_panics() {
    let dir = tempfile::tempdir().unwrap();
    for (name, optimizer) in [("adam", ADAM), ("averaged", AVERAGED)] {
        let run = dir.path().join(name);
        trained(&run, optimizer);
        let whole = files(&newest(&run));
        for file in whole.keys().filter(|file| *file != "manifest.json") {
            let length = whole[file].len();
            // Heads are what readers trust; of the numbers a few will do.
            let step = |at: usize| if at < 400 { 17 } else { 1 + length / 8 };
            let mut at = 0;
            while at < length {
                let mut flipped = whole[file].clone();
                flipped[at] ^= 0x15;
                for bytes in [flipped, whole[file][..at].to_vec()] {
                    let mut changed = whole.clone();
                    changed.insert(file.clone(), bytes);
                    open_and_resume(dir.path(), &run, changed);
                }
                at += step(at);
            }
            // A file that nothing knows, and one that is not there.
            let mut without = whole.clone();
            without.remove(file);
            let error = open_and_resume(dir.path(), &run, without.clone());
            assert!(error.is_some_and(|error| error.contains(file)), "{file}");
            without.insert("moments.bin".into(), whole[file].clone());
            assert!(open_and_resume(dir.path(), &run, without).is_some());
        }
    }
}

/// Opens and resumes a copy of `run` whose newest checkpoint has these contents under right hashes;
/// the error, if there was one.
fn open_and_resume(
    place: &Path,
    run: &Path,
    contents: BTreeMap<String, Vec<u8>>,
) -> Option<String> {
    let copy = place.join("copy");
    copy_folder(run, &copy);
    let checkpoint = newest(&copy);
    std::fs::remove_dir_all(&checkpoint).unwrap();
    std::fs::create_dir(&checkpoint).unwrap();
    for (name, bytes) in signed(contents) {
        std::fs::write(checkpoint.join(name), bytes).unwrap();
    }
    Files::read(&checkpoint).unwrap();
    let _ = TrainedModel::load(&copy, Which::Newest, &device::parse("flex").unwrap());
    // Nothing is flushed: no power is cut here.
    let resumed = || resume(&copy, &AtomicI32::new(15), &mut |_: &Event<'_>| {});
    let (outcome, _) = with_fault(None, resumed);
    std::fs::remove_dir_all(&copy).unwrap();
    outcome.err().map(|error| error.to_string())
}

/// The files with a manifest that vouches for them.
fn signed(mut contents: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let hash = |bytes: &[u8]| -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    contents.remove("manifest.json");
    let entry = |bytes: &[u8]| serde_json::json!({"size": bytes.len(), "sha256": hash(bytes)});
    let files: BTreeMap<_, _> =
        contents.iter().map(|(name, bytes)| (name.clone(), entry(bytes))).collect();
    let version = env!("CARGO_PKG_VERSION");
    let sha256 = hash(serde_json::json!([1, version, files]).to_string().as_bytes());
    let entries: Vec<String> = contents
        .iter()
        .map(|(name, bytes)| {
            format!(
                "    \"{name}\": {{\n      \"size\": {},\n      \"sha256\": \"{}\"\n    }}",
                bytes.len(),
                hash(bytes)
            )
        })
        .collect();
    let manifest = format!(
        "{{\n  \"format\": 1,\n  \"version\": \"{version}\",\n  \"files\": {{\n{}\n  }},\n  \
         \"sha256\": \"{sha256}\"\n}}\n",
        entries.join(",\n")
    );
    contents.insert("manifest.json".into(), manifest.into_bytes());
    contents
}

#[test]
fn a_later_versions_checkpoint_is_named_as_such_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    trained(&run, ADAM);
    let path = newest(&run).join("manifest.json");
    let later = "{\"format\": 2, \"version\": \"9.1.0\", \"new\": [\"keys\"]}";
    std::fs::write(&path, later).unwrap();
    let error = resume(&run, &AtomicI32::new(0), &mut |_: &Event<'_>| {}).unwrap_err();
    assert!(matches!(error, Error::Checkpoint(CheckpointError::Newer { format: 2, .. })));
    let text = error.to_string();
    assert!(text.contains("lampwick 9.1.0") && text.contains("use that version"), "{text}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), later, "it is still the newest");
}
