//! What can be asked of a translation: samples, words, lengths, a language model beside, a mean of
//! checkpoints; and the picture of where it looks.

mod pairs;
mod program;

use std::fs;

use pairs::trained;
use program::{Place, checkpoints};
use serde_json::Value;

fn translated(place: &Place, arguments: &[&str], input: &str) -> String {
    let all = [&["translate", "run"], arguments].concat();
    place.run_with_stdin(&all, input.as_bytes()).expect(0).stdout
}

/// The best target of one line.
fn best(place: &Place, arguments: &[&str], line: &str) -> Value {
    let out = translated(place, &[arguments, &["--json"]].concat(), &format!("{line}\n"));
    serde_json::from_str::<Value>(&out).unwrap()["targets"][0].clone()
}

fn refused(place: &Place, arguments: &[&str], says: &[&str]) {
    let all = [&["translate", "run"], arguments].concat();
    place.run_with_stdin(&all, b"a b\n").expect(2).says(says);
}

#[test]
fn samples_hang_on_the_line_its_number_and_the_options_alone() {
    let place = trained();
    let drawn = ["--sample", "--temperature", "3", "--n-best", "4", "--seed", "7"];
    let alone = translated(&place, &drawn, "a b c d\n");
    assert_eq!(alone.lines().count(), 4);
    let more = translated(&place, &drawn, "a b c d\nb b\n\nc\n");
    assert!(more.starts_with(&alone), "{alone}\n{more}");
    assert_eq!(
        more,
        translated(&place, &[&drawn[..], &["--threads", "1"]].concat(), "a b c d\nb b\n\nc\n")
    );
    let other = [&drawn[..6], &["8"]].concat();
    assert_ne!(alone, translated(&place, &other, "a b c d\n"));
    // The same sentence on another line has other streams.
    let twice = translated(&place, &drawn, "a b c d\na b c d\n");
    let texts = |number: &str| -> Vec<String> {
        let of = twice.lines().filter(|line| line.starts_with(number));
        of.map(|line| line[2..].to_owned()).collect()
    };
    assert_ne!(texts("0"), texts("1"));

    let lines = "a b c\nd\ne d c b\n";
    let greedy = translated(&place, &["--beam", "1"], lines);
    for only in [["--temperature", "0"], ["--top-k", "1"], ["--min-p", "1"], ["--top-p", "1e-6"]] {
        assert_eq!(
            translated(&place, &[&["--sample"], &only[..]].concat(), lines),
            greedy,
            "{only:?}"
        );
    }
    refused(&place, &["--sample", "--beam", "2"], &["--beam", "--sample"]);
    refused(&place, &["--sample", "--require", "a"], &["--require"]);
    refused(&place, &["--temperature", "0.5"], &["--sample"]);
    refused(&place, &["--sample", "--top-p", "2"], &["2"]);
    refused(&place, &["--sample", "--n-best", "0"], &["--n-best"]);
}

#[test]
fn words_lengths_and_groups_are_as_asked() {
    let place = trained();
    let words = |out: &str| out.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let e = best(&place, &["--require", "e", "--require", "d a"], "a b");
    let text = e["text"].as_str().unwrap();
    assert!(text.contains('e') && text.contains("d a"), "{e}");
    let target = translated(&place, &["--prefix", "e d"], "a b\n");
    assert!(target.starts_with("e d"), "{target}");
    assert!(words(&translated(&place, &["--min-ratio", "3"], "a b\n")).len() >= 6);
    assert_eq!(words(&translated(&place, &["--max-length", "2"], "a b c\n")).len(), 2);
    assert!(words(&translated(&place, &["--max-ratio", "0"], "a b\n")).len() <= 10);

    let groups = ["--beam", "4", "--groups", "2", "--diversity", "5", "--n-best", "4"];
    let found = translated(&place, &groups, "a b c\n");
    let mut texts: Vec<&str> =
        found.lines().map(|line| line.split(" ||| ").nth(1).unwrap()).collect();
    assert_eq!(texts.len(), 4, "{found}");
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), 4, "all different: {found}");
    let plain = translated(&place, &["--beam", "4", "--n-best", "4"], "a b c\n");
    assert_ne!(found, plain, "groups steer the beam");

    let required = ["translate", "run", "--require", "d", "--forbid", "d"];
    let none = place.run_with_stdin(&required, b"a b\n").expect(1);
    none.says(&["standard input:1: no target can hold \"d\""]);
    place
        .run_with_stdin(&["translate", "run", "--ctc"], b"a b\n")
        .expect(1)
        .says(&["no CTC head", "model.ctc"]);

    for (arguments, says) in [
        (["--beam=5", "--groups=2"], "2"),
        (["--prefix=zebra", "--beam=1"], "zebra"),
        (["--require=zebra", "--beam=1"], "zebra"),
        (["--min-ratio=3", "--max-ratio=2"], "--min-ratio 3 to --max-ratio 2"),
        (["--min-length=3", "--max-length=2"], "--min-length 3 to --max-length 2"),
        (["--length-penalty", "-1"], "--length-penalty: the length penalty is -1"),
        (["--length-penalty", "nan"], "--length-penalty: the length penalty is NaN"),
        (["--length-power", "nan"], "--length-power: "),
        (["--word-reward", "inf"], "--word-reward: "),
        (["--repeat-penalty", "-1"], "--repeat-penalty: "),
        (["--min-ratio", "-1"], "--min-ratio: a length of -1 times the source"),
        (["--max-ratio", "nan"], "--max-ratio: a length of NaN times the source"),
        (["--groups=1", "--diversity=1"], "--groups 2 or more"),
        (["--require= ", "--beam=1"], "holds no words"),
        (["--beam=0", "--n-best=1"], "--beam"),
        (["--beam=2", "--n-best=3"], "--n-best"),
        (["--no-repeat-ngram=0", "--beam=1"], "--no-repeat-ngram"),
    ] {
        refused(&place, &arguments, &[says]);
    }
}

#[test]
fn each_line_may_ask_for_itself() {
    let place = trained();
    let input = r#"{"text": "a b"}
{"text": "a b", "prefix": "e"}
{"text": "a b", "require": ["d"], "forbid": ["a"]}

{"text": "a b", "prefix": "zebra"}
{"text": "a b", "prefix": "a a a a a a a a a a a a a a a a a a a a"}
{"txt": "a b"}
a b
{"text": "c d"}
"#;
    let arguments = ["translate", "run", "--json-lines", "--beam", "4"];
    let done = place.run_with_stdin(&arguments, input.as_bytes()).expect(1);
    let out: Vec<&str> = done.stdout.split_terminator('\n').collect();
    assert_eq!(out.len(), 9, "{out:?}");
    assert_eq!(
        [out[0], out[3], out[4], out[5], out[6], out[7], out[8]],
        ["b a", "", "", "", "", "", "d c"]
    );
    assert!(out[1].starts_with('e'), "{out:?}");
    assert!(out[2].contains('d') && !out[2].contains('a'), "{out:?}");
    done.says(&[
        "standard input:5: prefix \"zebra\"",
        "standard input:6: its prefix has 20 tokens",
        "standard input:7: --json-lines: unknown field `txt`",
        "standard input:8: --json-lines: no JSON object",
    ]);
}

#[test]
fn a_language_model_beside_adds_its_log_probabilities() {
    let place = trained();
    let lm = "[data]\nsource = \"text\"\ntrain = \"train.b\"\n[model]\nembedding = 8\nhidden = 8\n\
              [budget]\nepochs = 1\n";
    let device = std::env::var("LAMPWICK_DEVICE").unwrap_or_default();
    place.write("lm.toml", format!("device = {device:?}\n{lm}"));
    place.run(&["train", "lm.toml", "--out", "lm"]).expect(0);
    place.run(&["ngram", "train", "-o", "2", "--out", "lm.arpa", "train.b"]).expect(0);
    let own = |arguments: &[&str], line: &str| -> f64 {
        let out = place.run_with_stdin(arguments, format!("{line}\n").as_bytes()).expect(0).stdout;
        out.trim().parse().unwrap()
    };
    let query = |line: &str| -> f64 {
        let arguments = ["ngram", "query", "lm.arpa", "--json"];
        let out = place.run_with_stdin(&arguments, format!("{line}\n").as_bytes()).expect(0).stdout;
        let object: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        object["ln"].as_f64().unwrap()
    };
    for (model, weight) in [("lm", 0.5), ("lm.arpa", 0.25)] {
        let weighted = format!("--lm-weight={weight}");
        let fused = ["--lm", model, &weighted, "--length-penalty", "0", "--threads", "2"];
        let fused = best(&place, &fused, "a b c");
        let text = fused["text"].as_str().unwrap();
        let pair = own(&["score", "run"], &format!("a b c\t{text}"));
        let beside = if model == "lm" { own(&["score", "lm"], text) } else { query(text) };
        let sum = pair + weight * beside;
        assert!(
            (fused["log_prob"].as_f64().unwrap() - sum).abs() < 2e-3,
            "{fused} {pair} {beside}"
        );
        // Where it alone is asked, the language model's favourite is written.
        let ruled = best(&place, &["--lm", model, "--lm-weight", "1000"], "a b c");
        assert_ne!(ruled["text"], "c b a", "{ruled}");
    }
    // And beside an ensemble.
    let both = ["translate", "run", "run", "--lm", "lm.arpa"];
    assert_eq!(place.run_with_stdin(&both, b"a b\n").expect(0).stdout.lines().count(), 1);

    place.write("few.txt", "a b\nc b\n".repeat(20));
    place.run(&["ngram", "train", "-o", "1", "--out", "few.arpa", "few.txt"]).expect(0);
    // What an n-gram model lacks is an unknown word to it; a model of other words is refused.
    let apart = place.run_with_stdin(&["translate", "run", "--lm", "few.arpa"], b"a\n").expect(0);
    apart.says(&["few.arpa", "2 of the target's", "unknown to it"]);
    place.write("other.txt", "lamp wick\n".repeat(20));
    place.run(&["ngram", "train", "-o", "1", "--out", "other.arpa", "other.txt"]).expect(0);
    let other = place.run_with_stdin(&["translate", "run", "--lm", "other.arpa"], b"a\n").expect(1);
    other.says(&["other.arpa", "lacks 5 of the target's", "lampwick tokenize"]);
    place.run_with_stdin(&["translate", "run", "--lm", "run"], b"a\n").expect(1);
    place.run_with_stdin(&["translate", "run", "--lm", "none"], b"a\n").expect(1).says(&["none"]);
    refused(&place, &["--lm-weight", "0.5"], &["--lm"]);
    refused(&place, &["--lm", "-"], &["standard input is the text here"]);
    let negative = ["translate", "run", "--lm", "lm.arpa", "--lm-weight=-1"];
    place.run_with_stdin(&negative, b"a\n").expect(2).says(&["-1"]);
}

#[test]
fn a_mean_of_checkpoints_is_a_model_and_another_architecture_is_refused() {
    let place = trained();
    let keep = ["train", "pairs.toml", "checkpoint.keep=3", "budget.epochs=4", "--out", "kept"];
    place.run(&keep).expect(0);
    let translate = |average: &str| {
        place.run_with_stdin(&["translate", "kept", "--json", "--average", average], b"a b c\n")
    };
    let newest =
        place.run_with_stdin(&["translate", "kept", "--json", "--newest"], b"a b c\n").expect(0);
    assert_eq!(translate("1").expect(0).stdout, newest.stdout, "the mean of one is that one");
    assert_ne!(translate("3").expect(0).stdout, newest.stdout);
    place.run_with_stdin(&["score", "kept", "--average", "2"], b"a b\tb a\n").expect(0);
    translate("9").expect(1).says(&["9 checkpoints", "checkpoint.keep=9"]);
    translate("0").expect(2);

    let other = ["train", "pairs.toml", "model.decoder.hidden=24", "budget.epochs=1"];
    place.run(&[&other[..], &["--out", "other"]].concat()).expect(0);
    let from = checkpoints(&place.path("other")).pop().unwrap();
    let to = place.path("kept/checkpoints/step-999999999999");
    fs::create_dir(&to).unwrap();
    for file in fs::read_dir(&from).unwrap().flatten() {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    translate("2").expect(1).says(&["does not fit this run"]);
}

#[test]
fn the_report_shows_where_the_decoder_looks() {
    let place = trained();
    let looks: Value =
        serde_json::from_slice(&fs::read(place.path("run/attention.json")).unwrap()).unwrap();
    assert_eq!(looks["epoch"], 12);
    let look = &looks["translations"][0];
    let (source, target) = (look["source"].as_array().unwrap(), look["target"].as_array().unwrap());
    assert_eq!(target.last().unwrap(), "</s>");
    let rows = look["attention"].as_array().unwrap();
    assert_eq!(rows.len(), target.len());
    for row in rows {
        let row: Vec<f64> = row.as_array().unwrap().iter().map(|w| w.as_f64().unwrap()).collect();
        assert_eq!(row.len(), source.len());
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 0.01, "{row:?}");
    }
    let page = fs::read_to_string(place.path("run/report.html")).unwrap();
    let map = &page[page.find("Where the decoder looks").expect("a heading")..];
    let map = &map[map.find("<svg class=\"heat\"").unwrap()..map.find("</svg>").unwrap()];
    for (class, words) in [("column", source), ("row", target)] {
        let labels = map.matches(&format!("<text class=\"{class}\"")).count();
        assert_eq!(labels, words.len(), "{map}");
    }
    assert!(map.contains("&lt;&#x2f;s&gt;</text>"), "labels are escaped: {map}");
    assert!(map.contains("class=\"cell\""), "{map}");
    assert!(!page.contains("src=") && !page.contains("<script"), "self-contained");

    // Without attention there is nothing to show.
    let blind = ["train", "pairs.toml", "model.attention=none", "budget.epochs=1"];
    place.run(&[&blind[..], &["--out", "blind"]].concat()).expect(0);
    assert!(!place.path("blind/attention.json").exists());
    let page = fs::read_to_string(place.path("blind/report.html")).unwrap();
    assert!(!page.contains("Where the decoder looks"));
    for runs in [["run", "blind"], ["blind", "run"]] {
        let both = [&["translate", "--alignments"][..], &runs].concat();
        place.run_with_stdin(&both, b"a b\n").expect(2).says(&["that of blind does not"]);
    }
    let no_text = ["translate", "run", "--json-lines"];
    let no_text = place.run_with_stdin(&no_text, b"{\"require\": [\"a\"]}\n").expect(1);
    no_text.says(&["standard input:1: --json-lines: missing field `text`"]);
    for option in [&["--alignments"][..], &["--coverage-penalty", "0.2"]] {
        let asked = [&["translate", "blind"], option].concat();
        place
            .run_with_stdin(&asked, b"a b\n")
            .expect(2)
            .says(&[option[0], "model.attention is none"]);
    }
}
