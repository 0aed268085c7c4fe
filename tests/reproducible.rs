//! What a run depends on, and what not: threads, the working folder, a second process.

mod program;

use std::process::Stdio;

use program::{Place, contents, on_a_cpu};

#[test]
fn one_two_and_eight_threads_give_the_same_bytes() {
    let place = Place::new().with_tiny_config();
    // Wide enough that every kernel splits its work: the scan's step alone has 4 x 32 x 256 x 256
    // multiplications.
    let wide = [
        "model.embedding=128",
        "model.hidden=256",
        "model.layers=2",
        "model.dropout_output=0.2",
        "batches.size=32",
        "batches.bptt.fixed=8",
        "budget.epochs=0",
        "budget.steps=12",
        "report.log_every=1",
        "regularization.clip_norm=1.0",
        "checkpoint.every_steps=5",
    ];
    let run = |threads: &str| {
        let arguments =
            [&["train", "tiny.toml", "--threads", threads, "--out", threads][..], &wide].concat();
        place.run(&arguments).expect(0);
        contents(&place.path(threads))
    };
    let one = run("1");
    assert!(one.keys().any(|name| name.ends_with("model.safetensors")));
    for threads in ["2", "8"] {
        let other = run(threads);
        assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (name, bytes) in &one {
            let same = *bytes == other[name];
            assert!(same || !on_a_cpu(), "{name} differs with {threads} threads");
        }
    }
}

#[test]
fn a_run_is_evaluated_and_resumed_from_another_folder() {
    let place = Place::new().with_tiny_run();
    std::fs::create_dir(place.path("elsewhere")).unwrap();
    let from_elsewhere = |arguments: &[&str]| {
        let output =
            place.command(arguments).current_dir(place.path("elsewhere")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        from_elsewhere(&["evaluate", "../run"]),
        place.run(&["evaluate", "run"]).expect(0).stdout
    );
    from_elsewhere(&["train", "--resume", "../run"]);
    // The one checkpoint is both the best and the newest.
    assert_eq!(
        place.run(&["evaluate", "run", "--newest"]).expect(0).stdout,
        place.run(&["evaluate", "run"]).expect(0).stdout
    );
}

#[cfg(unix)]
#[test]
fn a_second_process_is_refused_and_a_signal_ends_the_first_with_its_json() {
    let place = Place::new().with_tiny_config();
    let first = place
        .command(&["train", "tiny.toml", "budget.epochs=100000", "--json", "--out", "run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The run is under way once a first checkpoint is there.
    let is_there = || {
        let entries = std::fs::read_dir(place.path("run/checkpoints"));
        entries.is_ok_and(|mut entries| {
            entries.any(|e| e.is_ok_and(|e| e.file_name().to_string_lossy().starts_with("step-")))
        })
    };
    while !is_there() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = first.id().to_string();
    let second = place.run(&["train", "--resume", "run"]).expect(1);
    second.says(&["run is being written by process", &pid, "since 20", "wait for its end"]);
    place.run(&["evaluate", "run", "text.txt"]).expect(0);

    let kill = std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap();
    assert!(kill.success());
    let output = first.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&object["state"], &object["signal"]), (&"interrupted".into(), &15.into()));
    assert!(object["steps"].as_u64().unwrap() > 0, "{object}");

    // What a dead process left in the lock stops nobody.
    let text = std::fs::read_to_string(place.path("run/lock")).unwrap();
    assert!(text.contains(&pid), "{text}");
    place.shorten(1);
    place.run(&["train", "--resume", "run"]).expect(0);
}
