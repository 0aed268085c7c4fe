//! A real disk that fills: a tmpfs of four megabytes, most of them taken, in a mount namespace of its own.

#![cfg(target_os = "linux")]

mod program;

use std::process::Command;

use program::Place;

/// `unshare` with what a mount needs; users other than root get it where the kernel lets them.
fn namespace() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]);
    command
}

/// Whether this machine lets a test mount something.
fn can_mount() -> bool {
    let script = "mount -t tmpfs -o size=64k none /tmp";
    namespace().args(["sh", "-c", script]).output().is_ok_and(|output| output.status.success())
}

/// Trains on a full disk, looks at what is left, makes room and resumes. Prints as `name: value`.
const SCRIPT: &str = r#"
set -u
mount -t tmpfs -o size=4m none disk || exit 99
head -c 4091904 /dev/zero > disk/ballast
"$0" train tiny.toml "$@" --out disk/run > /dev/null 2> errors
echo "code: $?"
echo "unfinished: $(find disk/run -name '.writing-*' | wc -l)"
echo "checkpoints: $(ls disk/run/checkpoints | grep -c '^step-')"
"$0" evaluate disk/run text.txt > /dev/null 2> evaluation
echo "evaluate: $? $(wc -c < evaluation)"
rm disk/ballast
"$0" train --resume disk/run > /dev/null 2> errors-resumed
echo "resumed: $?"
cp -r disk/run run
"#;

#[test]
fn the_old_checkpoint_stays_and_a_resume_with_room_ends_the_same_on_tmpfs() {
    if !can_mount() {
        println!("skipped: cannot mount");
        return;
    }
    let place = Place::new().with_tiny_config();
    std::fs::create_dir(place.path("disk")).unwrap();
    // Checkpoints and logs that grow until nothing fits.
    let settings = [
        "budget.epochs=8",
        "checkpoint.every_steps=20",
        "checkpoint.every_minutes=0.0",
        "checkpoint.keep=30",
        "report.log_every=1",
    ];
    let script = namespace()
        .args(["sh", "-c", SCRIPT, env!("CARGO_BIN_EXE_lampwick")])
        .args(settings)
        .current_dir(place.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8(script.stdout).unwrap();
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap_or_default();
    let all = format!("{said}\n{}{}", read("errors"), read("errors-resumed"));
    let value = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {all}")).to_owned()
    };
    assert_eq!(value("code"), "1", "{all}");
    for part in ["cannot write disk/run/", "No space left on device", "--resume disk/run"] {
        assert!(read("errors").contains(part), "no {part:?} in {all}");
    }
    assert_eq!(value("unfinished"), "0", "{all}");
    assert_ne!(value("checkpoints"), "0", "{all}");
    assert_eq!(value("evaluate"), "0 0", "the checkpoint loads, without a warning: {all}");
    assert_eq!(value("resumed"), "0", "{all}");

    let whole = [&["train", "tiny.toml", "--out", "whole"][..], &settings].concat();
    place.run(&whole).expect(0);
    let (run, whole) = (place.path("run"), place.path("whole"));
    assert!(program::contents(&run) == program::contents(&whole) || !program::on_a_cpu());
}

/// Counts on a full disk: the folder of temporary files, then the one of the model.
const NGRAM_SCRIPT: &str = r#"
set -u
mount -t tmpfs -o size=1m none disk || exit 99
"$0" ngram train -o 5 -S 64M -T disk --out model.arpa text.txt 2> errors-temporary
echo "temporary: $? $(find disk -type f | wc -l) $(ls model.arpa 2> /dev/null | wc -l)"
"$0" ngram train -o 5 --out disk/model.arpa text.txt 2> errors-model
echo "model: $? $(find disk -type f | wc -l)"
"#;

#[test]
fn counting_says_where_the_disk_was_full_and_leaves_nothing_on_tmpfs() {
    if !can_mount() {
        println!("skipped: cannot mount");
        return;
    }
    let place = Place::new();
    std::fs::create_dir(place.path("disk")).unwrap();
    // More than the smallest budget holds.
    let words = 0..1_500_000_u64;
    let words = words.map(|n| format!("w{}{}", n * n % 7919, [" ", "\n"][n as usize % 11 / 10]));
    place.write("text.txt", words.collect::<String>());
    let script = namespace()
        .args(["sh", "-c", NGRAM_SCRIPT, env!("CARGO_BIN_EXE_lampwick")])
        .current_dir(place.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8(script.stdout).unwrap();
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    let (temporary, model) = (read("errors-temporary"), read("errors-model"));
    assert_eq!(said, "temporary: 1 0 0\nmodel: 1 0\n", "{temporary}\n{model}");
    for part in
        ["temporary files in disk", "No space left on device", "MiB were on disk", "--temporary"]
    {
        assert!(temporary.contains(part), "no {part:?} in {temporary}");
    }
    for part in ["disk/model.arpa", "No space left on device"] {
        assert!(model.contains(part), "no {part:?} in {model}");
    }
}
