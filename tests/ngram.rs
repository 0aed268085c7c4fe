//! `lampwick ngram`, spawned: every command, and what it says of bad input.

mod program;

use std::fs;

use program::{Place, lines, tiny_text};

#[test]
fn a_model_is_trained_built_and_asked() {
    let place = Place::with_ngram_models();
    // stdin and stdout do as well as files.
    let piped = place.run_with_stdin(&["ngram", "train", "-o", "3"], tiny_text().as_bytes());
    assert_eq!(piped.stdout, fs::read_to_string(place.path("model.arpa")).unwrap());
    let piped = piped.expect(0);
    piped.says(&["300 sentences", "D1 D2 D3+", "temporary files"]);

    let perplexity = |model: &str| {
        let done = place.run(&["ngram", "perplexity", model, "text.txt", "--json"]).expect(0);
        serde_json::from_str::<serde_json::Value>(&done.stdout).unwrap()
    };
    let expected = perplexity("model.arpa");
    assert_eq!((expected["sentences"].as_u64(), expected["oov"].as_u64()), (Some(300), Some(0)));
    place.run(&["ngram", "build", "--kind", "compact", "model.arpa", "compact.bin"]).expect(0);
    for model in ["hash.bin", "trie.bin", "compact.bin"] {
        let found = perplexity(model);
        let near = |key: &str| {
            (found[key].as_f64().unwrap() - expected[key].as_f64().unwrap()).abs() < 1e-4
        };
        assert!(near("perplexity") && near("perplexity_without_oov"), "{found}");
    }
    // `lampwick evaluate` says the same.
    let evaluated = place.run(&["evaluate", "trie.bin", "text.txt", "--json"]).expect(0);
    let evaluated: serde_json::Value = serde_json::from_str(&evaluated.stdout).unwrap();
    assert_eq!(evaluated["tokens"], expected["tokens"]);
}

#[test]
fn query_gives_a_line_for_each_line() {
    let place = Place::with_ngram_models();
    let text = b"the lamp burns here\nthe unicorn\n\n";
    let all = place.run_with_stdin(&["ngram", "query", "hash.bin"], text).expect(0);
    let all = lines(&all.stdout);
    assert_eq!(all.len(), 3);
    let fields: Vec<&str> = all[1].split('\t').collect();
    assert_eq!(fields[2..], ["3", "1"], "three tokens with </s>, one of them unknown");
    let (log10, ln): (f64, f64) = (fields[0].parse().unwrap(), fields[1].parse().unwrap());
    assert!((log10 * std::f64::consts::LN_10 - ln).abs() < 1e-3);
    let words = place.run_with_stdin(&["ngram", "query", "trie.bin", "--words"], text).expect(0);
    assert!(words.stdout.contains("unicorn\t") && words.stdout.contains("\tOOV\n"));
    assert_eq!(words.stdout.matches("\n\n").count(), 3);
    let json = place.run_with_stdin(&["ngram", "query", "trie.bin", "--json"], text).expect(0);
    let first: serde_json::Value = serde_json::from_str(lines(&json.stdout)[0]).unwrap();
    assert_eq!(first["tokens"], 5);
}

#[test]
fn info_convert_generate_and_interpolate() {
    let place = Place::with_ngram_models();
    let info = place.run(&["ngram", "info", "trie.bin", "--verify"]).expect(0);
    assert!(info.stdout.contains("3-grams") && info.stdout.contains("all right"));
    place.run(&["ngram", "convert", "trie.bin", "again.arpa"]).expect(0);
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    assert!(read("again.arpa") == read("model.arpa"));
    let smallest = ["ngram", "build", "--kind", "compact", "--quantize", "8", "trie.bin", "8.bin"];
    place.run(&smallest).expect(0);
    let info = place.run(&["ngram", "info", "8.bin", "--verify"]).expect(0);
    assert!(info.stdout.contains("compact trie, 8 bits"));
    place.run(&["ngram", "convert", "8.bin", "rounded.arpa"]).expect(0);
    let printed = place.run(&["ngram", "convert", "trie.bin", "-"]).expect(0);
    assert!(printed.stdout.as_bytes() == read("model.arpa") && !place.path("-").exists());
    place.run(&["ngram", "convert", "trie.bin", "again.arpa.gz"]).expect(0);
    assert!(read("again.arpa.gz").starts_with(&[0x1f, 0x8b]));
    place.run(&["ngram", "info", "again.arpa.gz"]).expect(0);

    let some = |seed: &str| {
        let options = ["ngram", "generate", "trie.bin", "-n", "20", "--prompt", "the", "--seed"];
        place.run(&[&options[..], &[seed]].concat()).expect(0).stdout
    };
    assert_eq!(some("1"), some("1"));
    assert_ne!(some("1"), some("2"));
    assert!(
        lines(&some("1")).iter().all(|line| line.starts_with("the ") && !line.contains("<unk>"))
    );

    place.write("other.txt", "the moon waits\nno moon burns here\n".repeat(40));
    place.run(&["ngram", "train", "-o", "2", "--out", "other.arpa", "other.txt"]).expect(0);
    let mixing =
        ["ngram", "interpolate", "model.arpa", "other.arpa", "--tune", "text.txt", "--json"];
    let mixed = place.run(&[&mixing[..], &["--out", "mixed.arpa"]].concat()).expect(0);
    let mixed: serde_json::Value = serde_json::from_str(&mixed.stdout).unwrap();
    assert!(mixed["weights"][0].as_f64().unwrap() > 0.9, "the text is the first model's: {mixed}");
    place.run(&["ngram", "perplexity", "mixed.arpa", "other.txt"]).expect(0);

    // Each model has words that the other lacks: the perplexity that is told is the mixture's.
    place.write("left.txt", "oak\nelm\nash\nfir\n");
    place.write("right.txt", "owl\njay\ntit\nemu\n");
    for side in ["left", "right"] {
        let (text, model) = (format!("{side}.txt"), format!("{side}.arpa"));
        place.run(&["ngram", "train", "-o", "1", "--out", &model, &text]).expect(0);
    }
    let both = b"oak owl\nelm jay\nash tit\nfir emu\n";
    place.write("both.txt", both);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, both).unwrap();
    place.write("both.txt.gz", packed.finish().unwrap());
    let value = |arguments: &[&str]| {
        let said: serde_json::Value =
            serde_json::from_str(&place.run(arguments).expect(0).stdout).unwrap();
        said["perplexity"].as_f64().unwrap()
    };
    let mixing = ["ngram", "interpolate", "left.arpa", "right.arpa", "--json", "--tune"];
    let told = value(&[&mixing[..], &["both.txt.gz", "--out", "both.arpa.gz"]].concat());
    assert!(read("both.arpa.gz").starts_with(&[0x1f, 0x8b]));
    let found = value(&["ngram", "perplexity", "both.arpa.gz", "both.txt", "--json"]);
    assert!((told / found - 1.0).abs() < 1e-4, "told {told}, found {found}");
    let wrong = ["ngram", "interpolate", "model.arpa", "other.arpa", "--weights", "0.3,0.8"];
    assert_eq!(place.run(&wrong).expect(2).stdout, "");
}

#[test]
fn what_is_wrong_is_said_with_the_mend() {
    let place = Place::with_ngram_models();
    place.run(&["ngram", "train", "nowhere.txt"]).expect(1).says(&["nowhere.txt"]);
    place.write("empty.txt", "");
    place.run(&["ngram", "train", "empty.txt"]).expect(1).says(&["empty.txt", "is empty"]);
    let mut damaged = fs::read(place.path("trie.bin")).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    place.write("damaged.bin", damaged);
    place.run(&["ngram", "convert", "damaged.bin", "d.arpa"]).expect(1).says(&["damaged.bin: "]);
    place
        .run(&["ngram", "convert", "hash.bin", "d.arpa"])
        .expect(1)
        .says(&["hash.bin: hash tables"]);
    place.run(&["ngram", "perplexity", "model.arpa", "empty.txt"]).expect(1).says(&["is empty"]);
    let fallback = ["ngram", "train", "--fallback", "0.4,1,1.4", "--out", "f.arpa", "text.txt"];
    place.run(&fallback).expect(0);
    for wrong in ["1,2", "a,1,1,1"] {
        let refused = place.run(&["ngram", "train", "--fallback", wrong, "text.txt"]).expect(2);
        refused.says(&["0.5,1,1.5"]);
    }
    place.run(&["ngram", "train", "--add", "0.5", "text.txt"]).expect(2).says(&["add-k"]);
    place.run(&["ngram", "train", "-o", "12", "text.txt"]).expect(2).says(&["order 12", "1 to 9"]);
    place.run(&["ngram", "train", "-S", "lots", "text.txt"]).expect(2).says(&["2G"]);
    place.run(&["ngram", "train", "--prune", "2,1", "text.txt"]).expect(2).says(&["fall"]);
    place.write("small.txt", "a b a b\n");
    let small = place.run(&["ngram", "train", "--out", "small.arpa", "small.txt"]).expect(0);
    small.says(&["warning", "order 1", "--fallback"]);
    assert_eq!(small.stderr.matches("warning").count(), 1);
    place
        .run(&["ngram", "train", "--strict", "small.txt"])
        .expect(1)
        .says(&["order 1", "--strict"]);
    place.run(&["ngram", "info", "text.txt"]).expect(1).says(&["text.txt", "no ARPA file"]);
    let cut = fs::read(place.path("trie.bin")).unwrap();
    place.write("cut.bin", &cut[..cut.len() / 2]);
    place.run(&["ngram", "info", "cut.bin"]).expect(1).says(&["cut.bin", "was it cut?"]);
    let mut damaged = cut.clone();
    let at = damaged.windows(4).position(|window| window == b"lamp").unwrap();
    damaged[at] = b'L';
    place.write("damaged.bin", damaged);
    place.run(&["ngram", "info", "damaged.bin", "--verify"]).expect(1).says(&["checksum"]);
    place.run(&["ngram", "convert", "hash.bin", "x.arpa"]).expect(1).says(&["hash tables", "ARPA"]);
    place.run(&["ngram", "build", "--quantize", "8", "model.arpa", "x"]).expect(2).says(&["trie"]);
    place.run(&["evaluate", "hash.bin"]).expect(2).says(&["n-gram model"]);
    let prompt = place.run(&["ngram", "generate", "trie.bin", "--prompt", "the unicorn"]);
    prompt.expect(1).says(&["unicorn"]);
}

#[test]
fn sentence_marks_in_a_text_that_is_scored() {
    let place = Place::new();
    place.write("text.txt", "the lamp burns\nthe lamp waits here\na wick burns\n".repeat(8));
    place.run(&["ngram", "train", "-o", "3", "--out", "model.arpa", "text.txt"]).expect(0);
    let answer = |text: &str, options: &[&str]| {
        let all = [&["ngram", "query", "model.arpa"], options].concat();
        let done = place.run_with_stdin(&all, text.as_bytes()).expect(0);
        (lines(&done.stdout).into_iter().map(str::to_owned).collect::<Vec<_>>(), done.stderr)
    };
    let (all, told) = answer("the lamp burns\n<s> the lamp burns </s>\n", &[]);
    assert_eq!(all[0], all[1], "what is put around each line may stand there");
    assert!(told.contains("notice: <s> or </s> stands 2 times"), "{told}");
    assert!(!answer("the lamp burns\n", &[]).1.contains("notice"));
    // What `echo 'the lamp </s> burns' | query` gives each word, of KenLM, whose `lmplz -o 3
    // --discount_fallback` gives the same model; and, behind <s>, of `the <s> lamp burns`.
    let log10s = |text: &str| -> Vec<f64> {
        let (all, _) = answer(text, &["--words"]);
        let rows = all.iter().filter(|row| !row.is_empty());
        rows.map(|row| row.split('\t').nth(1).unwrap().parse().unwrap()).collect()
    };
    let near = |found: &[f64], expected: &[f64]| {
        let same = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(found.len() == expected.len() && same, "{found:?}");
    };
    let kenlm = [-0.209_46, -0.018_60, -1.836_14, -0.808_11, -0.238_24];
    near(&log10s("the lamp </s> burns\n"), &kenlm);
    near(&log10s("the <s> lamp burns\n"), &[-0.209_46, -1.879_61, -0.484_42, -0.035_82]);
    // Without marks of ours, one writes them.
    let (free, told) = answer("<s> the lamp burns </s>\nthe\n", &["--no-sentences"]);
    assert_eq!((&free[0], told.contains("notice")), (&all[0], false));

    place.write("marked.txt", "<s> the lamp burns </s>\n<s> a wick </s> <s> burns\n");
    place.write("plain.txt", "the lamp burns\na wick\nburns\n");
    let perplexity = |file: &str| {
        let done = place.run(&["ngram", "perplexity", "model.arpa", file, "--json"]).expect(0);
        let value: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        (value["perplexity"].as_f64().unwrap(), value["tokens"].as_u64().unwrap())
    };
    assert_eq!(perplexity("marked.txt"), perplexity("plain.txt"));
    let tuned = |file: &str| {
        let models = ["ngram", "interpolate", "model.arpa", "model.arpa", "--tune", file];
        place.run(&models).expect(0).stdout
    };
    assert_eq!(tuned("marked.txt"), tuned("plain.txt"));

    let prompt = |text: &str| place.run(&["ngram", "generate", "model.arpa", "--prompt", text]);
    assert!(prompt("<s> the lamp").expect(0).stdout.starts_with("the lamp "));
    prompt("the </s>").expect(1).says(&["--prompt", "`</s>`", "leave it out"]);
    prompt("the <s> lamp").expect(1).says(&["`<s>`"]);
}

#[test]
fn unk_in_the_text_is_kept_with_one_notice_or_left_out_or_an_error() {
    let place = Place::new();
    place.write("text.txt", "a <unk> b\na b <unk>\n");
    let train = |options: &[&str]| {
        place
            .run(&[&["ngram", "train", "-o", "2", "--out", "m.arpa", "text.txt"], options].concat())
    };
    let told = train(&[]).expect(0).stderr;
    assert_eq!(told.matches("notice").count(), 1, "{told}");
    assert!(told.contains("notice: <unk> stands 2 times in the text: kept as a word"), "{told}");
    train(&["--unk-in-text", "drop"]).expect(0).says(&["4 words", "2 times", "left out"]);
    train(&["--unk-in-text", "error"]).expect(1).says(&["text.txt:1", "--unk-in-text"]);
}

#[test]
fn a_limited_vocabulary_says_what_it_leaves_out() {
    let place = Place::new();
    place.write("text.txt", "a b c\n".repeat(3) + "a b\na\n");
    let train = |options: &[&str]| {
        place
            .run(&[&["ngram", "train", "-o", "2", "--out", "m.arpa", "text.txt"], options].concat())
    };
    assert!(!train(&[]).expect(0).stderr.contains("limits"));
    let told = "leave out 1 different words, 3 of the text's words (25.00 %)";
    train(&["--vocabulary-size", "2"]).expect(0).says(&[told]);
    train(&["--vocabulary-min-count", "4"]).expect(0).says(&[told]);
    place.write("words.txt", "a\nb\nunseen\n");
    train(&["--vocabulary", "words.txt"]).expect(0).says(&[told, "vocabulary of 6"]);
    train(&["--vocabulary-min-count", "9"]).expect(1).says(&["3 words", "lower"]);
    for nothing in ["", " \n", "<s>\n</s> <unk>\n"] {
        place.write("words.txt", nothing);
        train(&["--vocabulary", "words.txt"]).expect(1).says(&["words.txt: holds no word"]);
    }
}

#[test]
fn budgets_that_cannot_be_kept_are_refused() {
    let place = Place::new();
    place.write("text.txt", tiny_text());
    for (amount, word) in [("10M", "at least 64"), ("0%", "at least 64"), ("1e30G", "more than")] {
        place.run(&["ngram", "train", "-S", amount, "text.txt"]).expect(2).says(&[amount, word]);
    }
    place.run(&["ngram", "train", "-S", "64M", "--out", "m.arpa", "text.txt"]).expect(0);
}

#[test]
fn a_perplexity_beyond_all_measure_is_a_power_of_ten() {
    let place = Place::new();
    let model =
        "\\data\\\nngram 1=4\n\n\\1-grams:\n-40\t<unk>\n0\t<s>\n-40\t</s>\n-1\ta\n\n\\end\\\n";
    place.write("model.arpa", model);
    place.write("text.txt", "unknown\n");
    let shown = place.run(&["ngram", "perplexity", "model.arpa", "text.txt"]).expect(0).stdout;
    assert!(shown.contains(" 1.0000e40 per word"), "{shown}");
    let shown = place.run(&["evaluate", "model.arpa", "text.txt"]).expect(0).stdout;
    assert!(shown.contains("1.0000e40"), "{shown}");
    let mixing = ["ngram", "interpolate", "model.arpa", "model.arpa", "--tune", "text.txt"];
    let shown = place.run(&mixing).expect(0).stdout;
    assert!(shown.contains("1.0000e40"), "{shown}");
}

#[test]
fn what_is_no_text_is_not_trained_on() {
    let place = Place::new();
    let utf16: Vec<u8> =
        "\u{feff}\u{43b}\u{430}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes, mend) in [
        ("text.bz2", &b"BZh91AY&SY\x12\x34"[..], "bzcat"),
        ("text.xz", b"\xfd7zXZ\0\0\x04", "xzcat"),
        ("text.utf16", &utf16, "iconv"),
    ] {
        place.write(name, bytes);
        place.run(&["ngram", "train", name]).expect(1).says(&[name, mend]);
    }
    // Text may begin with the same letters.
    place.write("text.txt", "BZh9 is a magic number\n");
    place.run(&["ngram", "train", "--out", "m.arpa", "text.txt"]).expect(0);
}

#[test]
fn an_arpa_file_without_unk_is_read_with_one_notice() {
    let place = Place::new();
    let arpa = include_str!("../crates/ngram/tests/fixtures/no_unk.arpa");
    place.write("model.arpa", arpa);
    let asked = place.run_with_stdin(&["ngram", "query", "model.arpa"], b"a z\n").expect(0);
    asked.says(&["notice: ", "model.arpa", "no `<unk>`", "-100"]);
    assert_eq!(asked.stderr.matches("notice").count(), 1, "{}", asked.stderr);
    place.write("model.arpa", arpa.replace("</s>", "z"));
    place.run(&["ngram", "info", "model.arpa"]).expect(1).says(&["model.arpa:", "`</s>`"]);
}
