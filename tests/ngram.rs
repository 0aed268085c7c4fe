//! `lampwick ngram`, spawned: every command, and what it says of bad input.

mod program;

use std::fs;

use program::{Place, lines, tiny_text};

/// A folder with the text of lamps, a model of it as ARPA, and binary ones.
fn with_models() -> Place {
    let place = Place::new();
    place.write("text.txt", tiny_text());
    place.run(&["ngram", "train", "-o", "3", "--out", "model.arpa", "text.txt"]).expect(0);
    place.run(&["ngram", "build", "model.arpa", "hash.bin"]).expect(0);
    place.run(&["ngram", "build", "--kind", "trie", "model.arpa", "trie.bin"]).expect(0);
    place
}

#[test]
fn a_model_is_trained_built_and_asked() {
    let place = with_models();
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
    for model in ["hash.bin", "trie.bin"] {
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
    let place = with_models();
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
    let place = with_models();
    let info = place.run(&["ngram", "info", "trie.bin", "--verify"]).expect(0);
    assert!(info.stdout.contains("3-grams") && info.stdout.contains("all right"));
    place.run(&["ngram", "convert", "trie.bin", "again.arpa"]).expect(0);
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    assert!(read("again.arpa") == read("model.arpa"));
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
    let place = with_models();
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
    place.run(&["ngram", "train", "--fallback", "1,2", "text.txt"]).expect(2).says(&["0.5,1,1.5"]);
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
