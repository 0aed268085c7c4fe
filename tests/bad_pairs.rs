//! What an encoder-decoder is given that is no good, to train on and to translate.

mod pairs;
mod program;

use lampwick::data::{Tokenizer, TokenizerKind, VocabularyLimits};
use pairs::{trained, with_pairs};
use program::Place;
use serde_json::Value;

/// Trains for an epoch on these two files.
fn train(place: &Place, source: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> program::Finished {
    place.write("x.a", source);
    place.write("x.b", target);
    let _ = std::fs::remove_dir_all(place.path("x"));
    place.run(&[
        "train",
        "pairs.toml",
        "data.train_source=x.a",
        "data.train_target=x.b",
        "budget.epochs=1",
        "--out",
        "x",
    ])
}

#[test]
fn what_is_no_text_is_named_with_its_line() {
    let place = with_pairs();
    let good = "a b\n".repeat(40);
    for (bad, says) in [(&b"a b\na\0b\n"[..], "NUL"), (b"a b\ncaf\xe9\n", "not UTF-8")] {
        let bad = [bad, "a b\n".repeat(38).as_bytes()].concat();
        train(&place, &bad, &good).expect(1).says(&["x.a:2", says]);
        train(&place, &good, &bad).expect(1).says(&["x.b:2", says]);
        assert!(!place.path("x").exists(), "nothing is left behind");
    }
    train(&place, &good, &good[4..]).expect(1).says(&["x.a has 40 lines", "x.b 39"]);
    train(&place, &good, "").expect(1).says(&["x.b"]);
}

#[test]
fn a_limit_that_leaves_no_pair_is_named() {
    let place = with_pairs();
    let none = ["train", "pairs.toml", "tokenizers.longest=1", "--out", "x"];
    let lines = "a b\n".repeat(40);
    place.write("train.a", &lines);
    place.write("train.b", &lines);
    place.run(&none).expect(2).says(&["tokenizers.longest", "is 1", "raise it"]);
    assert!(!place.path("x").exists());
}

#[test]
fn a_dry_run_tells_what_is_left_out() {
    let place = with_pairs();
    let run = ["train", "pairs.toml", "tokenizers.longest=3", "--dry-run"];
    place.run(&run).expect(0).says(&["pairs are left out: more than 3 tokens"]);
}

#[test]
fn pairs_that_ctc_cannot_align_are_counted_as_a_run_begins() {
    let place = with_pairs();
    // A blank must stand between equal tokens: 3 positions, where the source has 2.
    let lines = |one: &str, other: &str| [one.repeat(30), other.repeat(10)].concat();
    place.write("x.a", "a b\n".repeat(40));
    place.write("x.b", lines("b a\n", "a a\n"));
    place.write("v.b", "b a b\n".repeat(40));
    let run = [
        "train",
        "pairs.toml",
        "data.train_source=x.a",
        "data.train_target=x.b",
        "data.valid_source=x.a",
        "data.valid_target=v.b",
        "--dry-run",
    ];
    let done = place.run(&[&run[..], &["model.ctc=0.3"]].concat()).expect(0);
    done.says(&[
        "train: 10 of 40 pairs: their targets do not fit their sources for CTC",
        "only the decoder learns from them",
        "valid: 40 of 40 pairs",
    ]);
    let without = place.run(&run).expect(0);
    assert!(!without.stderr.contains("CTC") && !without.stdout.contains("CTC"));
    let alone = [&run[..], &["model.ctc=1"]].concat();
    place.run(&alone).expect(2).says(&["model.ctc is 1", "below 1", "translate --ctc"]);
}

#[test]
fn probabilities_of_scheduled_sampling_lie_between_0_and_1() {
    let place = with_pairs();
    for (key, wrong) in [("floor", "1.5"), ("floor", "nan"), ("k", "inf"), ("k", "0.5")] {
        let key = format!("loss.scheduled_sampling.{key}");
        let given = format!("{key}={wrong}");
        let decay = "loss.scheduled_sampling.decay=inverse_sigmoid";
        place.run(&["train", "pairs.toml", decay, &given, "--out", "x"]).expect(2).says(&[&key]);
    }
    // Without a decay they would say nothing.
    for given in ["floor=0.5", "k=100", "feed=gumbel"] {
        let given = format!("loss.scheduled_sampling.{given}");
        let says = [given.split('=').next().unwrap(), "decay is none"];
        place.run(&["train", "pairs.toml", &given, "--out", "x"]).expect(2).says(&says);
    }
    assert!(!place.path("x").exists());
}

#[test]
fn what_is_only_odd_is_trained_on() {
    let place = with_pairs();
    let good = "a b\n".repeat(40);
    // A byte order mark, carriage returns, and a separator that is no end of a line.
    let marked = format!("\u{feff}{}", good.replace('\n', "\r\n"));
    train(&place, &marked, &good).expect(0);
    let words = std::fs::read_to_string(place.path("x/tokenizer/source/vocabulary.txt"));
    if let Ok(words) = words {
        assert!(!words.contains('\u{feff}') && !words.contains('\r'), "{words:?}");
    }
    let separated = good.replacen("a b", "a\u{2028}b", 3);
    train(&place, &separated, &good).expect(0);
    // An empty line, and one of 10,000 words, which is left out and told.
    let long = format!("\n{}\n{}", "a ".repeat(10_000), "a b\n".repeat(38));
    let done = train(&place, &long, &good).expect(0);
    done.says(&["left out", "tokenizers.longest"]);
    // Validation sources of unknown words alone.
    place.write("unknown", "x y z\n".repeat(5));
    let unknown = ["train", "pairs.toml", "data.valid_source=unknown", "data.valid_target=unknown"];
    place.run(&[&unknown[..], &["budget.epochs=1", "--out", "u"]].concat()).expect(0);
}

#[test]
fn every_line_gives_a_line_whatever_it_holds() {
    let place = trained();
    let lines: [&[u8]; 12] = [
        b"",
        &b"a ".repeat(10_000),
        b"unknown words only",
        b"a\0b",
        b"\xef\xbb\xbfa b",
        b"a b\r",
        "a\u{2028}b".as_bytes(),
        b"caf\xe9",
        b"\xff\xfe\xfd",
        b"\t",
        "\u{0301}\u{200d}".as_bytes(),
        b"a b",
    ];
    let input = lines.join(&b'\n');
    let more: [&[&str]; 6] = [
        &[],
        &["--beam", "1", "--alignments"],
        &["--json"],
        &["--sample"],
        &["--max-length", "3"],
        &["run"],
    ];
    for arguments in more {
        let all = [&["translate", "run"], arguments].concat();
        let done = place.run_with_stdin(&all, &input).expect(1);
        let out: Vec<&str> = done.stdout.split_terminator('\n').collect();
        assert_eq!(out.len(), lines.len(), "{arguments:?}: {out:?}");
        let problems = done.stderr.matches("left empty").count();
        assert_eq!(problems, 3, "{arguments:?}: {}", done.stderr);
    }
    let told = place.run_with_stdin(&["translate", "run", "--json"], b"\xff\n\n").expect(1).stdout;
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        told[0]["error"].as_str().unwrap().contains("not UTF-8") && told[1].get("error").is_none()
    );
    // The last line without an end, and nothing at all.
    assert_eq!(place.run_with_stdin(&["translate", "run"], b"a b").expect(0).stdout, "b a\n");
    assert_eq!(place.run_with_stdin(&["translate", "run"], b"\n").expect(0).stdout, "\n");
}

#[test]
fn what_does_not_end_by_itself_within_the_limit_ends_there_and_is_told() {
    let place = trained();
    let short = ["translate", "run", "--json", "--beam", "1", "--max-length", "1"];
    let done = place.run_with_stdin(&short, b"a b c d\nb c\n").expect(0);
    done.says(&["notice: 2 of 2 targets are as long as they may be", "--max-length"]);
    let out: Vec<Value> =
        done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(out.len(), 2);
    for line in out {
        let best = &line["targets"][0];
        assert_eq!(best["tokens"].as_array().unwrap().len(), 1, "{line}");
        assert_eq!(best["finished"], true, "{line}");
    }
    // A sample is none any more if its end is forced.
    let sampled = ["translate", "run", "--json", "--sample", "--max-length", "1"];
    let done = place.run_with_stdin(&sampled, &b"a b c d\n".repeat(20)).expect(0);
    done.says(&["targets did not end within the longest length", "as far as they go"]);
    assert!(done.stdout.contains("\"finished\":false"), "{}", done.stdout);
    // Every sample counts, not the first of a source alone; one that drew its end did not want to say more.
    let several = [&sampled[..], &["--n-best", "5"]].concat();
    let done = place.run_with_stdin(&several, &b"a b c d\n".repeat(4)).expect(0);
    let unfinished = done.stdout.matches("\"finished\":false").count();
    assert!(unfinished > 4, "{}", done.stdout);
    done.says(&[&format!("notice: {unfinished} of 20 targets did not end")]);
    assert!(!done.stderr.contains("might have said more"), "{}", done.stderr);
    // What is asked for is not told.
    let exact = ["translate", "run", "--beam", "2", "--min-length", "2", "--max-length", "2"];
    let done = place.run_with_stdin(&exact, b"a b c d\n").expect(0);
    assert!(!done.stderr.contains("notice"), "{}", done.stderr);
    let ratio = ["translate", "run", "--min-ratio", "1", "--max-length", "3"];
    let done = place.run_with_stdin(&ratio, b"a b c\n").expect(0);
    assert!(!done.stderr.contains("notice"), "{}", done.stderr);
    // It is not the length that ends what no token may follow.
    let stuck = ["translate", "run", "--no-repeat-ngram", "1", "--min-length", "9"];
    let done = place.run_with_stdin(&stuck, b"a b c\n").expect(0);
    done.says(&["1 of 1 targets can neither end nor go on as asked"]);
    assert!(!done.stderr.contains("--max-length"), "{}", done.stderr);
    // A required word of more tokens than there is room for.
    let narrow = ["translate", "run", "--require", "a b c", "--max-length", "2"];
    let done = place.run_with_stdin(&narrow, b"a b c\nc\n").expect(1);
    assert_eq!(done.stdout, "\n\n");
    done.says(&["standard input:1", "standard input:2"]);
}

#[test]
fn a_tokenizer_of_another_run_is_noticed() {
    let place = trained();
    let folder = place.path("run/tokenizer/target");
    let old = Tokenizer::load(&folder).unwrap();
    let others = "v w x y z ".repeat(9);
    let limits = VocabularyLimits::default();
    let other =
        Tokenizer::train(&TokenizerKind::Words, others.as_bytes(), "others", &limits).unwrap();
    assert_eq!(other.vocabulary().len(), old.vocabulary().len());
    std::fs::remove_dir_all(&folder).unwrap();
    other.save(&folder).unwrap();
    let done = place.run_with_stdin(&["translate", "run"], b"a b\n").expect(1);
    done.says(&["tokenizer", "holds other words than the run was trained with", "restore"]);
}
