//! Encoder-decoders by the program: trained, resumed, and used on whatever comes.

mod pairs;
mod program;

use std::fs;

use pairs::{trained, with_pairs};
use program::on_a_cpu;

#[test]
fn one_line_comes_out_for_each_line_in_whatever_it_holds() {
    let place = trained();
    let info: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path("run/run.json")).unwrap()).unwrap();
    assert_eq!(info["test_quality"]["name"], "exact match");
    assert!(info["test_quality"]["value"].as_f64().unwrap() > 90.0, "{info}");

    let long = "a ".repeat(10_000);
    let lines: [(&[u8], &str); 8] = [
        (b"a b", "b a"),
        (b"", ""),
        (b"c d e", "e d c"),
        ("\u{feff}a b".as_bytes(), "b a"),
        (b"a b\r", "b a"),
        ("a\u{2028}b".as_bytes(), "b a"),
        (b"   ", ""),
        (b"d", "d"),
    ];
    let input: Vec<u8> = lines.iter().flat_map(|(line, _)| [line, &b"\n"[..]].concat()).collect();
    let done = place.run_with_stdin(&["translate", "run"], &input).expect(0);
    let expected: Vec<&str> = lines.iter().map(|(_, target)| *target).collect();
    assert_eq!(done.stdout.split_terminator('\n').collect::<Vec<_>>(), expected);

    let hostile =
        [long.as_bytes(), b"unknown words only", b"a\0b", b"caf\xe9", b"a b"].join(&b'\n');
    let done = place.run_with_stdin(&["translate", "run", "--beam", "2"], &hostile).expect(1);
    let out: Vec<&str> = done.stdout.split_terminator('\n').collect();
    assert_eq!(out.len(), 5, "{out:?}");
    assert_eq!([out[2], out[3], out[4]], ["", "", "b a"]);
    done.says(&["standard input:3: NUL at byte 1", "standard input:4: not UTF-8 at byte 3"]);
    assert_eq!(place.run_with_stdin(&["translate", "run"], b"").expect(0).stdout, "");
}

#[test]
fn a_translation_does_not_hang_on_the_lines_beside_it() {
    let place = trained();
    let lines = ["a b c d", "e", "b b", "d c", "e d c", "a"];
    let all = |order: &[usize]| -> Vec<String> {
        let input: String = order.iter().map(|&n| format!("{}\n", lines[n])).collect();
        let done =
            place.run_with_stdin(&["translate", "run", "--json"], input.as_bytes()).expect(0);
        let targets = done.stdout.lines().map(|line| {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            object["targets"].to_string()
        });
        targets.collect()
    };
    let together = all(&[0, 1, 2, 3, 4, 5]);
    let shuffled = all(&[3, 5, 0, 2, 1, 4]);
    for (place, line) in [3, 5, 0, 2, 1, 4].into_iter().enumerate() {
        assert_eq!(shuffled[place], together[line], "to the last digit of its scores");
        assert_eq!(all(&[line])[0], together[line]);
    }
}

#[test]
fn n_best_alignments_and_limits() {
    let place = trained();
    let run = |arguments: &[&str]| {
        let all = [&["translate", "run"], arguments].concat();
        place.run_with_stdin(&all, b"a b c\n").expect(0).stdout
    };
    let best = run(&["--beam", "4", "--n-best", "3"]);
    let lines: Vec<Vec<&str>> = best.lines().map(|line| line.split(" ||| ").collect()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0][..2], ["0", "c b a"]);
    let scores: Vec<f64> = lines.iter().map(|line| line[2].parse().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert_eq!(run(&["--alignments"]).split('\t').count(), 2);
    assert_eq!(run(&["--max-length", "1"]).split_whitespace().count(), 1);
    assert!(run(&["--min-length", "6"]).split_whitespace().count() >= 6);
    assert!(!run(&["--forbid", "b"]).contains('b'));
    for (arguments, says) in [
        (["--beam", "0"], "beam"),
        (["--n-best", "9"], "9"),
        (["--length-penalty", "-1"], "-1"),
        (["--forbid", "zebra"], "zebra"),
    ] {
        let all = [&["translate", "run"], &arguments[..]].concat();
        place.run_with_stdin(&all, b"a\n").expect(2).says(&[says]);
    }
}

#[test]
fn a_score_is_the_searchs_own_and_an_ensemble_is_one_model() {
    let place = trained();
    let best = place.run_with_stdin(&["translate", "run", "--json"], b"a b c\n").expect(0).stdout;
    let best: serde_json::Value = serde_json::from_str(&best).unwrap();
    let best = &best["targets"][0];
    let pair = format!("a b c\t{}\nno tab\n", best["text"].as_str().unwrap());
    let scored = place.run_with_stdin(&["score", "run"], pair.as_bytes()).expect(1);
    scored.says(&["standard input:2: no tab"]);
    let lines: Vec<&str> = scored.stdout.lines().collect();
    let log_prob: f64 = lines[0].parse().unwrap();
    assert!((log_prob - best["log_prob"].as_f64().unwrap()).abs() < 1e-4, "{lines:?} {best}");

    // A model and itself are that model.
    let twice = ["translate", "run", "run", "--combine"];
    for combine in ["linear", "log-linear"] {
        let twice = [&twice[..], &[combine, "--json"]].concat();
        let twice = place.run_with_stdin(&twice, b"a b c\n").expect(0).stdout;
        let twice: serde_json::Value = serde_json::from_str(&twice).unwrap();
        assert_eq!(twice["targets"][0]["text"], best["text"]);
        let close = twice["targets"][0]["log_prob"].as_f64().unwrap() - log_prob;
        assert!(close.abs() < 1e-3, "{twice} {log_prob}");
    }
    let other = ["train", "pairs.toml", "tokenizers.source=characters", "budget.epochs=1"];
    place.run(&[&other[..], &["--out", "other"]].concat()).expect(0);
    let apart = place.run_with_stdin(&["translate", "run", "other"], b"a\n").expect(1);
    apart.says(&["other: its source vocabulary", "an ensemble shares its vocabularies"]);
    let alone = ["translate", "run", "--combine", "log-linear"];
    place.run_with_stdin(&alone, b"a\n").expect(2).says(&["--combine is of several runs"]);
}

#[test]
fn what_does_not_fit_is_named() {
    let place = trained();
    fs::copy(place.path("valid.b"), place.path("short.b")).unwrap();
    let unequal = place.run(&["train", "pairs.toml", "data.train_target=short.b", "--out", "x"]);
    unequal.expect(1).says(&["train.a has 1500 lines", "short.b 50"]);
    place
        .write("lm.toml", "[data]\nsource = \"text\"\ntrain = \"train.a\"\n[budget]\nepochs = 1\n");
    place.run(&["train", "lm.toml", "--out", "lm"]).expect(0);
    place.run(&["translate", "lm"]).expect(1).says(&["a language model", "lampwick generate"]);
    for asked in
        [&["generate", "run"][..], &["evaluate", "run"], &["translate", "run", "--lm", "run"]]
    {
        let done = place.run(asked).expect(1);
        done.says(&["run is a run of an encoder-decoder", "lampwick translate"]);
        assert!(!done.stderr.contains("no run directory"), "{}", done.stderr);
    }
    let apart = ["train", "pairs.toml", "model.copying=true", "tokenizers.source=characters"];
    let apart = [&apart[..], &["--out", "y"]].concat();
    place.run(&apart).expect(2).says(&["model.copying", "tokenizers.joint=true"]);
    let wrong = place.run(&["train", "pairs.toml", "data.longest=3", "--out", "y"]);
    wrong.expect(2).says(&["data.longest", "unknown key"]);
    let other = place.run(&["train", "pairs.toml", "start_from=lm", "--out", "y"]);
    other.expect(1).says(&["lm is a run of a language model, and not of an encoder-decoder"]);
    let other = ["train", "pairs.toml", "start_from=run", "tokenizers.source=characters"];
    let other = place.run(&[&other[..], &["--out", "y"]].concat()).expect(1);
    other.says(&["start_from: ", "another; train on that run's data"]);
    assert!(!place.path("y").exists(), "nothing is left behind");
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    if !on_a_cpu() {
        return;
    }
    let place = with_pairs();
    let weights = |threads: &str| {
        let run = format!("run{threads}");
        let arguments =
            ["train", "pairs.toml", "budget.epochs=2", "--threads", threads, "--out", &run];
        place.run(&arguments).expect(0);
        let metrics = fs::read(place.path(&format!("{run}/metrics.jsonl"))).unwrap();
        let checkpoint = program::checkpoints(&place.path(&run)).pop().unwrap();
        (metrics, fs::read(checkpoint.join("model.safetensors")).unwrap())
    };
    let one = weights("1");
    assert!(weights("2") == one && weights("8") == one);
}
