//! Watching runs from outside: TensorBoard, several runs in one report, a folder of runs.

mod events;
mod program;

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Stdio;

use program::{Place, tiny_config};

/// `tiny.toml` with many lines in its logs.
fn talkative() -> Place {
    let place = Place::new().with_tiny_config();
    place.write("tiny.toml", format!("{}\n[report]\nlog_every = 7\n", tiny_config()));
    place
}

/// A run with event files that was interrupted, torn as by a kill, and resumed.
#[cfg(unix)]
fn resumed_with_events() -> Place {
    let place = talkative();
    place.write(
        "tiny.toml",
        format!("{}\n[report]\nlog_every = 7\ntensorboard = true\n", tiny_config()),
    );
    place.interrupt("TERM", 2).expect(143);
    let [before] = events::files(&place.path("run")).try_into().unwrap();
    OpenOptions::new().append(true).open(before).unwrap().write_all(b"torn record").unwrap();
    let info = std::fs::read(place.path("run/run.json")).unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info).unwrap();
    place.shorten(info["epochs"].as_u64().unwrap() as usize + 1);
    place.run(&["train", "--resume", "run"]).expect(0);
    place
}

#[cfg(unix)]
#[test]
fn an_event_file_says_what_the_logs_say_also_after_an_interruption() {
    let place = resumed_with_events();
    let run = place.path("run");
    assert_eq!(events::files(&run).len(), 1, "one session's file, with the past in it");
    let found = events::decoded(&run);
    assert_eq!(found, events::of_logs(&run));
    for tag in ["loss/train", "perplexity/valid", "perplexity/test", "sample/2"] {
        assert!(found.contains_key(tag), "no {tag}: {:?}", found.keys());
    }
    for (tag, values) in &found {
        let steps: Vec<u64> = values.iter().map(|pair| pair[0].as_u64().unwrap()).collect();
        assert!(steps.is_sorted_by(|a, b| a < b), "{tag}: {steps:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_resumed_runs_events_are_read_back_by_tensorboard() {
    let Some(python) = std::env::var_os("LAMPWICK_TENSORBOARD_PYTHON").map(PathBuf::from) else {
        println!("skipped: LAMPWICK_TENSORBOARD_PYTHON names no Python with tensorboard");
        return;
    };
    let run = resumed_with_events();
    let run = run.path("run");
    assert_eq!(events::by_tensorboard(&run, &python), events::of_logs(&run));
}

#[test]
fn tensorboard_is_asked_for_by_an_option_or_by_the_config() {
    let place = talkative();
    place.run(&["train", "tiny.toml", "--out", "plain"]).expect(0);
    assert!(events::files(&place.path("plain")).is_empty());
    let done = place.run(&["train", "tiny.toml", "--out", "run", "--tensorboard"]).expect(0);
    done.says(&["report.tensorboard: false -> true"]);
    let run = place.path("run");
    assert_eq!(events::decoded(&run), events::of_logs(&run));
    place.run(&["train", "--resume", "run", "--tensorboard"]).expect(2).says(&["--resume"]);
}

#[cfg(unix)]
#[test]
fn runs_lists_a_folder_of_runs_with_state_best_and_speed() {
    let place = Place::new().with_tiny_config();
    place.interrupt("INT", 1).expect(130);
    let train = |out: &str, more: &[&str]| {
        place.run(&[&["train", "tiny.toml", "--out", out], more].concat())
    };
    std::fs::rename(place.path("run"), place.path("stopped")).unwrap();
    std::fs::create_dir(place.path("runs")).unwrap();
    std::fs::rename(place.path("stopped"), place.path("runs/stopped")).unwrap();
    train("runs/deep/er/done", &[]).expect(0);
    train("runs/wild", &["optimizer={ name = \"sgd\", lr = 1e30 }"]).expect(1);
    train("runs/torn", &[]).expect(0);
    place.interrupt("KILL", 1).expect(-1);
    std::fs::rename(place.path("run"), place.path("runs/killed")).unwrap();
    place.write("runs/torn/run.json", "{\"version\": ");
    place.write("runs/notes.txt", "no run");

    let table = place.run(&["runs"]).expect(0).stdout;
    let row = |name: &str| {
        let row = program::lines(&table).into_iter().find(|line| line.starts_with(name));
        row.unwrap_or_else(|| panic!("no {name} in\n{table}"))
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    assert_eq!(row("run ")[1..4], ["state", "valid", "test"]);
    assert_eq!(row("deep/er/done")[1], "finished");
    assert_eq!(row("deep/er/done")[4..6], ["word", "1"], "the unit, one epoch");
    assert_eq!(row("stopped")[1], "interrupted");
    assert_eq!(row("killed")[1], "interrupted", "run.json still says running");
    assert_eq!(row("wild")[1], "failed");
    assert_eq!(row("torn")[1..], ["unreadable"]);
    assert!(table.contains("runs/wild: "), "why it failed:\n{table}");
    assert!(table.contains("run.json"), "why it is unreadable:\n{table}");

    let json = place.run(&["runs", "runs", "--json"]).expect(0).stdout;
    let list: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let of = |name: &str| list.iter().find(|run| run["run"] == name).unwrap();
    let trained = std::fs::read(place.path("runs/deep/er/done/run.json")).unwrap();
    let trained: serde_json::Value = serde_json::from_slice(&trained).unwrap();
    let done = of("runs/deep/er/done");
    for key in ["best_valid_perplexity", "test_perplexity", "epochs", "tokens_per_second"] {
        assert_eq!(done[key], trained[key], "{key}");
        assert!(done[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(of("runs/wild")["state"], "failed");
    assert!(of("runs/wild")["why"].as_str().unwrap().contains("step"), "{}", of("runs/wild"));

    // While a process holds its lock, a run is running.
    let arguments = ["train", "tiny.toml", "budget.epochs=100000", "--out", "live"];
    let mut live =
        place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let out = BufReader::new(live.stdout.take().unwrap());
    out.lines().find(|line| line.as_ref().unwrap().starts_with("epoch 1: valid")).unwrap().unwrap();
    let table = place.run(&["runs", "live"]).expect(0).stdout;
    live.kill().unwrap();
    live.wait().unwrap();
    assert!(table.contains("running"), "{table}");

    // A run itself is a list of one; a folder without runs is no error; no folder is.
    assert!(place.run(&["runs", "runs/stopped"]).expect(0).stdout.contains("interrupted"));
    place.run(&["runs", "runs/deep/er/done/checkpoints"]).expect(0).says(&["no run in"]);
    place.run(&["runs", "nowhere"]).expect(1).says(&["nowhere"]);
}

#[test]
fn report_of_several_runs_is_one_page_that_holds_them_against_each_other() {
    let place = Place::new().with_tiny_config();
    std::fs::create_dir(place.path("runs")).unwrap();
    let train = |out: &str, changes: &[&str]| {
        place.run(&[&["train", "tiny.toml", "--out", out], changes].concat()).expect(0);
    };
    train("runs/lstm", &[]);
    train("runs/gru", &["model.cell=gru", "budget.epochs=2", "name=\"<b>\""]);
    let done = place.run(&["report", "runs/lstm", "runs/gru"]).expect(0);
    assert_eq!(done.stdout.trim(), "runs/comparison.html");
    let page = std::fs::read_to_string(place.path("runs/comparison.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="));
    assert_eq!(page.matches("<svg").count(), 4, "validation and training, by step and by time");
    for legend in ["</i>runs&#x2f;lstm", "</i>runs&#x2f;gru"] {
        assert_eq!(page.matches(legend).count(), 4, "{legend} in each plot");
    }
    // Only what differs: the cell and the epochs, with each run's value in its own column.
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("<tr><td><code>")).collect();
    let row = |key: &str| rows.iter().find(|row| row.contains(&format!("<code>{key}</code>")));
    assert!(row("model.cell").unwrap().contains("lstm"), "{rows:?}");
    let epochs = "<td><code>1</code></td><td><code>2</code></td>";
    assert!(row("budget.epochs").unwrap().contains(epochs), "{rows:?}");
    for same in ["seed", "batches.size", "data.train", "name", "run.json: version"] {
        assert!(row(same).is_none(), "{same} does not differ: {rows:?}");
    }
    // The table's best figures are those of run.json.
    for run in ["lstm", "gru"] {
        let info = std::fs::read(place.path("runs").join(run).join("run.json")).unwrap();
        let info: serde_json::Value = serde_json::from_slice(&info).unwrap();
        let best = format!("{:.2} per word", info["best_valid_perplexity"].as_f64().unwrap());
        assert!(page.contains(&best), "no {best}");
    }
    assert!(!page.contains("do not compare"));

    // Another text: what cannot be compared is said, and no run is called the best.
    place.write("other.txt", "other words on other lines\nand more of them\n".repeat(90));
    train("runs/other", &["data.train=other.txt"]);
    let both = ["report", "runs/lstm/", "runs/other", "--out", "deep/page.html"];
    place.run(&both).expect(0);
    let page = std::fs::read_to_string(place.path("deep/page.html")).unwrap();
    assert!(page.contains("differ in vocabulary and validation text"), "{page}");
    assert!(!page.contains("class=\"best\""));

    place.run(&["report", "runs/lstm", "--out", "x.html"]).expect(2).says(&["--out"]);
    place.run(&["report", "runs/lstm", "runs/none"]).expect(1).says(&["runs/none"]);
}
