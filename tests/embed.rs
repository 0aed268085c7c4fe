//! `lampwick embed`, spawned: every command, and what it says of bad input.

mod program;

use std::fs;

use program::Place;

const TEXT: &str = "3 2\nlamp 0.5 -1\nwick 0.25 2e-9\nNew York 3 4\n";

#[test]
fn vectors_are_converted_and_described() {
    let place = Place::new();
    place.write("a.vec", TEXT);
    place.run(&["embed", "convert", "a.vec", "b.vec.gz"]).expect(0);
    let spaced = place.run(&["embed", "convert", "b.vec.gz", "c.txt"]).expect(0);
    spaced.says(&["c.txt: 1 of 3 words hold spaces, such as \"New York\""]);
    assert_eq!(fs::read_to_string(place.path("c.txt")).unwrap(), TEXT);
    let info = place.run(&["embed", "info", "b.vec.gz", "--json"]).expect(0);
    let info: serde_json::Value = serde_json::from_str(&info.stdout).unwrap();
    assert_eq!((info["words"].as_u64(), info["dim"].as_u64()), (Some(3), Some(2)));
    // The binary format cannot say a word with a space.
    let refused = place.run(&["embed", "convert", "a.vec", "d.bin"]).expect(1);
    refused.says(&["New York", "another format"]);
    assert!(!place.path("d.bin").exists());
    place.write("one.vec", "1 2\nlamp 0.5 -1\n");
    place.run(&["embed", "convert", "one.vec", "one.bin"]).expect(0);
    assert_eq!(fs::read(place.path("one.bin")).unwrap(), b"1 2\nlamp \0\0\0\x3f\0\0\x80\xbf\n");
    place.run(&["embed", "convert", "one.bin", "two.vec"]).expect(0);
    assert_eq!(fs::read_to_string(place.path("two.vec")).unwrap(), "1 2\nlamp 0.5 -1\n");
}

/// Two themes whose words never stand together.
fn themes() -> String {
    let mut text = String::new();
    for n in 0..600u32 {
        let words = if n % 2 == 0 {
            ["lamp", "wick", "oil", "glow"]
        } else {
            ["ship", "sail", "sea", "mast"]
        };
        for k in 0..9 {
            text += words[((n / 2 * 7 + k * (n % 5 + 1)) % 4) as usize];
            text.push(' ');
        }
        text.push('\n');
    }
    text
}

#[test]
fn every_model_is_trained_and_told_of() {
    let place = Place::new();
    place.write("text.txt", themes());
    for model in ["skipgram", "cbow", "fasttext", "fasttext-cbow", "glove", "one-hot"] {
        let mut arguments =
            vec!["embed", "train", "--model", model, "text.txt", "-o", "v.lwv", "--min-count", "1"];
        if model.starts_with("fasttext") {
            arguments.extend(["--bucket", "500"]);
        }
        let told = place.run(&arguments).expect(0);
        told.says(&["5,400 words in 600 lines", "8 different; trained: 8, at", "v.lwv: 8 vectors"]);
        let info = place.run(&["embed", "info", "v.lwv", "--verify", "--json"]).expect(0);
        let info: serde_json::Value = serde_json::from_str(&info.stdout).unwrap();
        assert_eq!(info["words"], 8, "{model}");
        assert_eq!(info["ngrams"].is_object(), model.starts_with("fasttext"));
        let oov = place.run(&["embed", "oov", "v.lwv", "lamp", "lamps"]);
        let (code, lines) = if model.starts_with("fasttext") { (0, 2) } else { (1, 1) };
        assert_eq!(oov.expect(code).stdout.lines().count(), lines, "{model}");
    }
}

#[test]
fn a_training_is_the_same_for_any_threads_from_any_source_and_after_an_interruption() {
    let place = Place::new();
    place.write("text.txt", themes());
    let options = ["embed", "train", "--min-count", "1", "--deterministic", "--dim", "30"];
    let train = |more: &[&str]| place.run(&[&options[..], more].concat());
    train(&["text.txt", "-o", "one.lwv", "--threads", "1"]).expect(0);
    train(&["text.txt", "-o", "two.lwv", "--threads", "2"]).expect(0);
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    assert!(read("one.lwv") == read("two.lwv"));
    let piped = [&options[..], &["-o", "three.lwv"]].concat();
    place.run_with_stdin(&piped, themes().as_bytes()).expect(0);
    assert!(read("one.lwv") == read("three.lwv"));
    // A checkpoint after each unit of work, the last of them before the end: its rest is trained again.
    let checkpoint =
        ["text.txt", "-o", "four.lwv", "--checkpoint", "part", "--checkpoint-every", "0"];
    train(&checkpoint).expect(0);
    assert!(read("one.lwv") == read("four.lwv"));
    fs::remove_file(place.path("four.lwv")).unwrap();
    train(&[&checkpoint[..], &["--resume"]].concat()).expect(0).says(&["resumed at 9"]);
    assert!(read("one.lwv") == read("four.lwv"));
    // The checkpoint's settings hold, whatever is asked for beside it.
    let other = ["embed", "train", "--resume", "--epochs", "5", "--loss", "hs", "--seed", "3"];
    let other = [&other[..], &checkpoint[..], &["--min-count", "1", "--dim", "31"]].concat();
    place.run(&other).expect(0).says(&["--dim 30, not 31; --seed 1, not 3; --loss ns, not hs"]);
    assert!(read("one.lwv") == read("four.lwv"));
    // Another text is refused.
    place.write("other.txt", "lamp lamp oil\n");
    let other = ["other.txt", "-o", "x.lwv", "--checkpoint", "part", "--resume"];
    train(&other).expect(1).says(&["not the one of the checkpoint"]);
}

#[test]
fn training_goes_on_with_more_text() {
    let place = Place::new();
    place.write("text.txt", themes());
    place.write("more.txt", themes().replace("mast", "spar"));
    let train = ["embed", "train", "--min-count", "1", "--dim", "12"];
    place.run(&[&train[..], &["text.txt", "-o", "a.lwv"]].concat()).expect(0);
    let on = ["embed", "train", "--min-count", "1", "--from", "a.lwv", "more.txt", "-o", "b.vec"];
    let told = place.run(&on).expect(0);
    told.says(&["8 different; trained: 9, at", "1 new word", "b.vec: 9 vectors of 12"]);
    // What is not asked for is as in the first training.
    let steady = [&train[..], &["--deterministic", "text.txt", "--sample", "1e-2", "-o", "c.lwv"]];
    place.run(&steady.concat()).expect(0);
    let go_on = |out: &str, more: &[&str]| {
        let on = ["embed", "train", "--min-count", "1", "--deterministic", "--from", "c.lwv"];
        place.run(&[&on[..], &["more.txt", "-o", out], more].concat()).expect(0);
        fs::read(place.path(out)).unwrap()
    };
    let inherited = go_on("d.vec", &[]);
    assert!(inherited == go_on("e.vec", &["--sample", "1e-2"]));
    assert!(inherited != go_on("f.vec", &["--sample", "1e-3"]));
    let wrong = [&on[..], &["--dim", "13"]].concat();
    place.run(&wrong).expect(1).says(&["12 dimensions", "cannot change"]);
    let tree = [&on[..], &["--loss", "hs"]].concat();
    place.run(&tree).expect(0).says(&["what words are predicted by begins at zero"]);
    // Before the text is read.
    let nowhere =
        ["embed", "train", "--from", "a.lwv", "--dim", "13", "nowhere.txt", "-o", "x.vec"];
    place.run(&nowhere).expect(1).says(&["12 dimensions", "cannot change"]);
}

#[test]
fn a_training_of_glove_goes_on() {
    let place = Place::new();
    place.write("text.txt", themes());
    place.write("more.txt", themes().replace("mast", "spar"));
    let options = ["embed", "train", "--model", "glove", "--min-count", "1", "--deterministic"];
    let train = |more: &[&str]| place.run(&[&options[..], more].concat());
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    train(&["text.txt", "-o", "one.vec"]).expect(0);
    let kept = ["text.txt", "--checkpoint", "part", "--checkpoint-every", "0", "-o", "two.vec"];
    train(&kept).expect(0);
    assert!(read("one.vec") == read("two.vec"));
    // A finished checkpoint still has the vectors, whatever became of their file.
    fs::remove_file(place.path("two.vec")).unwrap();
    train(&[&kept[..], &["--resume"]].concat()).expect(0).says(&["was finished", "--from"]);
    assert!(read("one.vec") == read("two.vec"));
    let on = train(&["more.txt", "--from", "part", "-o", "more.vec"]).expect(0);
    on.says(&["1 new word", "more.vec: 9 vectors of 100"]);
    // A checkpoint is known for what it is.
    let unnamed = ["embed", "train", "--deterministic", "--min-count", "1", "--from", "part"];
    place.run(&[&unnamed[..], &["more.txt", "-o", "same.vec"]].concat()).expect(0);
    place.run(&["embed", "info", "part"]).expect(1).says(&["part: is a checkpoint of a GloVe"]);
    assert!(read("same.vec") == read("more.vec"));
    fs::remove_file(place.path("two.vec")).unwrap();
    let unnamed = ["embed", "train", "text.txt", "--checkpoint", "part", "-o", "two.vec"];
    let resumed = place.run(&[&unnamed[..], &["--resume", "--epochs", "9"]].concat()).expect(0);
    resumed.says(&["--epochs 15, not 9", "was finished"]);
    assert!(read("one.vec") == read("two.vec"));
    let other = [&unnamed[..], &["--resume", "--model", "cbow"]].concat();
    place.run(&other).expect(2).says(&["part: is a checkpoint of a GloVe training"]);
    let anew = ["text.txt", "--checkpoint", "none", "--resume", "-o", "y.vec", "--dim", "5"];
    train(&anew).expect(0).says(&["none is not there: the training begins anew"]);
    train(&["text.txt", "--checkpoint", "z", "-o", "z", "--to", "glove"])
        .expect(2)
        .says(&["one file"]);
    place.write("cut", &read("part")[..500]);
    train(&["text.txt", "--checkpoint", "cut", "--resume", "-o", "x.vec"])
        .expect(1)
        .says(&["cut: ends too early"]);
}

/// A zstd frame of raw blocks (RFC 8878): packed without a packer.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    const MOST: usize = 1 << 17;
    // Magic number; a window of 2 MiB, no checksum; then the blocks, the last of them marked.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    let blocks: Vec<&[u8]> = bytes.chunks(MOST).collect();
    for (n, block) in blocks.iter().enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(n + 1 == blocks.len());
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}

#[test]
fn packed_texts_and_very_long_lines_count_whole() {
    let place = Place::new();
    let train = |file: &str, out: &str| {
        place.run(&[
            "embed",
            "train",
            "--deterministic",
            "--dim",
            "8",
            "--epochs",
            "1",
            file,
            "-o",
            out,
        ])
    };
    // 24 MB and four million words in one line, and a word of three million bytes.
    let mut line = "lamp wick oil glow ship sail ".repeat(700_000);
    line += &"x".repeat(3_000_000);
    line += "\nlamp wick\n";
    place.write("long.txt", &line);
    place.write("long.zst", zstd(line.as_bytes()));
    let told = train("long.txt", "a.lwv").expect(0);
    told.says(&["4,200,003 words in 2 lines", "7 different; trained: 6, at"]);
    train("long.zst", "b.lwv").expect(0).says(&["4,200,003 words in 2 lines"]);
    assert!(fs::read(place.path("a.lwv")).unwrap() == fs::read(place.path("b.lwv")).unwrap());
}

#[test]
fn counts_of_parts_add_up_and_phrases_are_joined() {
    let place = Place::new();
    let text = themes();
    let middle = text.match_indices('\n').nth(250).unwrap().0 + 1;
    let (one, two) = text.split_at(middle);
    place.write("text.txt", &text);
    place.write("one.txt", one);
    place.write("two.txt", two);
    let glove = ["embed", "train", "--model", "glove", "--deterministic"];
    let run = |more: &[&str]| place.run(&[&glove[..], more].concat()).expect(0);
    run(&["text.txt", "-o", "whole.vec"]);
    run(&["one.txt", "--counts-out", "one.coo"]).says(&["8 words"]);
    run(&["two.txt", "--counts-out", "two.coo"]);
    run(&["--counts-in", "one.coo,two.coo", "-o", "merged.vec"]);
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    assert!(read("whole.vec") == read("merged.vec"));

    // Rare words take no places in windows where the words of the whole text are given.
    let rare = |text: &str| -> String {
        let line = |(n, line): (usize, &str)| line.replacen(' ', &format!(" rare{n} "), 1) + "\n";
        text.lines().enumerate().map(line).collect()
    };
    place.write("text.txt", rare(one) + &rare(two));
    place.write("one.txt", rare(one));
    place.write("two.txt", rare(two));
    place.write("words.txt", "lamp 9\nwick 8\noil\nglow\n\nship\nsail\nsea\nmast\nlamp\n");
    run(&["text.txt", "-o", "whole.vec"]);
    for part in ["one", "two"] {
        let (text, counts) = (format!("{part}.txt"), format!("{part}.coo"));
        run(&[&text, "--counts-out", &counts, "--vocabulary", "words.txt"]).says(&["8 words"]);
    }
    run(&["--counts-in", "one.coo,two.coo", "-o", "merged.vec"]);
    assert!(read("whole.vec") == read("merged.vec"));

    place.write("new.txt", "new york is new\nin new york\n".repeat(5));
    let list = ["embed", "phrases", "new.txt", "--list", "--threshold", "1", "--min-count", "1"];
    let list = place.run(&list).expect(0);
    assert!(list.stdout.contains("\t10\tnew_york\n"), "{}", list.stdout);
    let join = ["embed", "phrases", "new.txt", "--threshold", "2", "--min-count", "1"];
    let joined = place.run(&join).expect(0);
    assert!(joined.stdout.starts_with("new_york is new\nin new_york\n"), "{}", joined.stdout);
    place.run(&["embed", "phrases", "-"]).expect(2).says(&["read twice"]);
}

#[test]
fn words_are_exported_and_vectors_quantised() {
    let place = Place::new();
    place.write("text.txt", themes());
    let train = ["embed", "train", "--model", "fasttext", "--bucket", "800", "--min-count", "1"];
    place.run(&[&train[..], &["text.txt", "-o", "v.lwv"]].concat()).expect(0);
    place.run(&["embed", "export", "v.lwv", "p.tsv", "--first", "3"]).expect(0);
    let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    assert_eq!((read("p.tsv").lines().count(), read("p.words.tsv").lines().count()), (3, 3));
    place.run(&["embed", "info", "p.tsv", "--words", "p.words.tsv"]).expect(0);
    place.write("only.txt", "lamp\nlamps\n");
    place.run(&["embed", "export", "v.lwv", "o.vec", "--only", "only.txt", "--unit"]).expect(0);
    let only = read("o.vec");
    assert!(only.starts_with("2 100\nlamp ") && only.contains("\nlamps "));
    let size = |name: &str| fs::metadata(place.path(name)).unwrap().len();
    for out in ["small.lwv", "small.ftz"] {
        place
            .run(&["embed", "quantize", "v.lwv", out])
            .expect(0)
            .says(&["are lost", "mean cosine"]);
        assert!(size(out) * 2 < size("v.lwv"));
        place.run(&["embed", "oov", out, "lampwick"]).expect(0);
    }
    place.run(&["embed", "quantize", "v.lwv", "x.vec"]).expect(2).says(&[".lwv"]);
    place.run(&["embed", "convert", "v.lwv", "m.bin", "--to", "fasttext"]).expect(0);
    place.run(&["embed", "convert", "m.bin", "again.lwv"]).expect(0);
    let of = |name: &str| place.run(&["embed", "oov", name, "lampwick"]).expect(0).stdout;
    assert_eq!(of("again.lwv"), of("v.lwv"));
}

#[test]
fn bad_input_ends_in_a_message_that_mends() {
    let place = Place::new();
    place.write("empty.txt", "");
    place.write("blank.txt", " \n\n");
    place.write("rare.txt", "one two three\n");
    place.write("bytes.txt", b"caf\xe9 \0\0 caf\xe9 <unk> <unk> </s>\n".repeat(5));
    let train = |file: &str| place.run(&["embed", "train", file, "-o", "v.lwv"]);
    train("empty.txt").expect(1).says(&["empty.txt", "no words"]);
    train("blank.txt").expect(1).says(&["no words"]);
    train("rare.txt").expect(1).says(&["with a count of 1", "--min-count"]);
    train("nowhere.txt").expect(1).says(&["nowhere.txt"]);
    train("bytes.txt").expect(0);
    for to in ["v.vec", "v.bin", "v.safetensors"] {
        place.run(&["embed", "convert", "v.lwv", to]).expect(0);
        place.run(&["embed", "info", to]).expect(0);
    }
    place.run(&["embed", "train", "bytes.txt", "-o", "v.xyz"]).expect(2).says(&["v.xyz", "--to"]);
    let wrong = |more: &[&str], says: &str| {
        let all = [&["embed", "train", "bytes.txt", "-o", "w.lwv"], more].concat();
        place.run(&all).expect(2).says(&[says]);
    };
    wrong(&["--dim", "0"], "--dim");
    wrong(&["--minn", "2"], "--model fasttext");
    wrong(&["--loss", "hs", "--negative", "3"], "--negative");
    wrong(&["--model", "one-hot", "--from", "v.lwv"], "--from");
    let glove =
        ["embed", "train", "--model", "glove", "bytes.txt", "-o", "w.lwv", "--from", "v.lwv"];
    place.run(&glove).expect(1).says(&["v.lwv", "no checkpoint of a GloVe training"]);
    wrong(&["--counts-out", "x"], "--model glove");
    wrong(&["--x-max", "3"], "--x-max goes with --model glove");
    wrong(&["--model", "glove", "--loss", "hs"], "--loss goes with Word2Vec");
    wrong(&["--model", "one-hot", "--sample", "0"], "--sample goes with Word2Vec");
    wrong(&["--temporary", "nowhere"], "nowhere");
    place.run(&["embed", "nn", "v.lwv", "-k", "0", "lamp"]).expect(2).says(&["at least 1"]);
    // Before the text is read.
    let early = place.run(&["embed", "train", "nowhere.txt", "-o", "w.lwv", "--dim", "0"]);
    early.expect(2).says(&["--dim"]);
    wrong(&["--sample", "7"], "--sample");
    wrong(&["--lr", "-1"], "--lr");
    // A place that cannot be is known before anything is read.
    let nowhere = ["embed", "train", "nowhere.txt", "-o", "empty.txt/w.lwv"];
    place.run(&nowhere).expect(2).says(&["cannot write empty.txt/w.lwv"]);
    place.run(&["embed", "convert", "nowhere.vec", "."]).expect(2);
    assert!(!place.path("w.lwv").exists());
    // Nothing is written over a text.
    place.write("t.words.tsv", "lamp wick\n");
    for command in [
        "train bytes.txt -o ./bytes.txt",
        "train bytes.txt -o v.vec --checkpoint ./bytes.txt",
        "train t.words.tsv -o t.tsv --min-count 1",
        "train --model glove --counts-out rare.txt --vocabulary rare.txt bytes.txt",
        "train --from v.lwv bytes.txt -o v.lwv",
        "phrases rare.txt bytes.txt -o rare.txt",
        "convert v.lwv v.lwv",
        "export v.lwv rare.txt --only rare.txt",
        "quantize v.lwv v.lwv",
        "index v.lwv v.lwv",
        "debias v.lwv rare.txt --pairs rare.txt",
    ] {
        let over: Vec<&str> = ["embed"].into_iter().chain(command.split(' ')).collect();
        place.run(&over).expect(2).says(&["read by this command", "another name"]);
    }
    // What would be silently ignored is refused.
    for (command, says) in [
        ("train --model glove --counts-out c bytes.txt -o v.vec", "--out goes with a training"),
        ("train --model glove --counts-out c bytes.txt --epochs 3", "--epochs goes with"),
        ("train --model one-hot bytes.txt -o w.vec --dim 3", "--dim goes with Word2Vec"),
        ("train bytes.txt -o w.vec -S 1G", "--memory goes with --model glove"),
        ("train bytes.txt -o w.vec --vocabulary-size 0", "at least 1"),
        ("train - - -o w.vec", "once only"),
        ("train bytes.txt -o w.vec --loss hs --power 1", "--power goes with --loss ns"),
        ("train --model glove bytes.txt -o o.tsv --checkpoint o.words.tsv", "one file"),
        ("train --model glove --counts-in c --vocabulary rare.txt -o w.vec", "cannot be used with"),
        ("plot v.lwv -o p.html --perplexity 5", "--projection tsne"),
        ("evaluate v.lwv --analogies rare.txt --subwords", "--subwords goes with --pairs"),
        ("nn v.lwv lamp --restrict 0", "at least 1"),
        ("bias v.lwv --sets rare.txt --may-lack nan", "from 0 to 1"),
    ] {
        let all: Vec<&str> = ["embed"].into_iter().chain(command.split(' ')).collect();
        place.run(&all).expect(2).says(&[says]);
    }
    place.write("cut.bin", b"5 3\nlamp \x01\x02\x03\0");
    place.run(&["embed", "info", "cut.bin"]).expect(1).says(&["cut.bin", "row 1", "cut"]);
    place.write("nan.vec", "1 2\nlamp 1 nan\n");
    place.run(&["embed", "info", "nan.vec"]).expect(1).says(&["nan.vec:2", "lamp"]);
}

/// Our own file is mapped: what is wrong in it is found where it is read.
#[test]
fn a_mapped_file_with_a_nan_gives_no_numbers() {
    let place = Place::new();
    place.write("a.vec", "3 2\nlamp 1 2\nwick 3 4\noil 5 6\n");
    place.run(&["embed", "convert", "a.vec", "a.lwv"]).expect(0);
    let mut bytes = fs::read(place.path("a.lwv")).unwrap();
    let at = bytes.windows(4).position(|four| four == 4f32.to_le_bytes()).unwrap();
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    place.write("a.lwv", bytes);
    let refused: [&[&str]; 5] = [
        &["convert", "a.lwv", "b.vec"],
        &["similarity", "a.lwv", "lamp", "wick"],
        &["nn", "a.lwv", "lamp"],
        &["oov", "a.lwv", "wick"],
        &["quantize", "a.lwv", "b.lwv"],
    ];
    for command in refused {
        let said = place.run(&[&["embed"], command].concat()).expect(1);
        said.says(&["the vector of `wick` holds", "NaN", "--skip-not-finite"]);
    }
    assert!(!place.path("b.vec").exists());
    let left = place.run(&["embed", "convert", "a.lwv", "b.vec", "--skip-not-finite"]).expect(0);
    left.says(&["left out 1 row with a NaN"]);
    assert_eq!(fs::read_to_string(place.path("b.vec")).unwrap(), "2 2\nlamp 1 2\noil 5 6\n");
    let info = place.run(&["embed", "info", "a.lwv"]).expect(0);
    assert!(
        info.stdout.contains("not finite  rows with a NaN or an infinity: 1 of words, 0 of"),
        "{}",
        info.stdout
    );
    // The graph numbers all rows.
    place.run(&["embed", "index", "b.vec", "graph.lwv"]).expect(0);
    let mut bytes = fs::read(place.path("graph.lwv")).unwrap();
    let at = bytes.windows(4).position(|four| four == 5f32.to_le_bytes()).unwrap();
    bytes[at..at + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    place.write("graph.lwv", bytes);
    let left =
        place.run(&["embed", "convert", "graph.lwv", "c.lwv", "--skip-not-finite"]).expect(0);
    left.says(&["left out 1 row", "left out what hangs on", "the graph of neighbours"]);
    // The projector's words lie beside its numbers.
    place.run(&["embed", "convert", "b.vec", "p.tsv"]).expect(0);
    let first = place.run(&["embed", "convert", "p.tsv", "c.vec"]).expect(0);
    assert_eq!(first.stdout, "");
    assert_eq!(fs::read(place.path("c.vec")).unwrap(), fs::read(place.path("b.vec")).unwrap());
}

/// Whoever uses every row of a model with n-grams looks at every row.
#[test]
fn a_nan_among_ngrams_goes_nowhere() {
    let place = Place::new();
    place.write("text.txt", themes());
    let train = ["embed", "train", "--model", "fasttext", "--bucket", "5000", "--min-count", "1"];
    place.run(&[&train[..], &["--dim", "8", "text.txt", "-o", "m.ftz"]].concat()).expect(0);
    // The last bucket's row stands before the rows of what is predicted, one a word.
    let mut bytes = fs::read(place.path("m.ftz")).unwrap();
    let at = bytes.len() - (1 + 8 + 8 + 8 * 8 * 4) - 4;
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    place.write("m.ftz", bytes);
    place.run(&["embed", "export", "m.ftz", "words.vec"]).expect(0);
    let refused: [&[&str]; 5] = [
        &["convert", "m.ftz", "out.lwv"],
        &["convert", "m.ftz", "out.bin", "--to", "fasttext"],
        &["quantize", "m.ftz", "out.lwv"],
        &["index", "m.ftz", "out.lwv"],
        &["train", "text.txt", "--from", "m.ftz", "-o", "out.lwv"],
    ];
    for command in refused {
        let said = place.run(&[&["embed"], command].concat()).expect(1);
        said.says(&["row 5008 of the input matrix holds a NaN", "--skip-not-finite"]);
    }
    assert!(!place.path("out.lwv").exists() && !place.path("out.bin").exists());
    let info = place.run(&["embed", "info", "m.ftz"]).expect(0);
    assert!(info.stdout.contains("0 of words, 1 of the input matrix"), "{}", info.stdout);
    let left = place.run(&["embed", "convert", "m.ftz", "out.lwv", "--skip-not-finite"]).expect(0);
    left.says(&["the n-grams, what a training goes on from"]);
}
