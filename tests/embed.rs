//! `lampwick embed`, spawned: every training, and files of vectors turned into others.

mod program;
mod themes;

use std::fs;

use program::Place;
use themes::themes;

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
    // What is not asked for is as in the first training, whatever the defaults are.
    let first = ["--sample", "1e-2", "--epochs", "3", "--lr", "0.04", "--seed", "7"];
    let files = ["--deterministic", "text.txt", "-o", "c.lwv"];
    place.run(&[&train[..], &first, &files].concat()).expect(0);
    let go_on = |out: &str, more: &[&str]| {
        let on = ["embed", "train", "--deterministic", "--from", "c.lwv"];
        place.run(&[&on[..], &["more.txt", "-o", out], more].concat()).expect(0);
        fs::read(place.path(out)).unwrap()
    };
    let inherited = go_on("d.vec", &[]);
    assert!(inherited == go_on("e.vec", &[&first[..], &["--min-count", "1"]].concat()));
    for other in first.chunks(2).map(|option| option[0]) {
        let default = match other {
            "--sample" => "1e-3",
            "--epochs" => "5",
            "--lr" => "0.025",
            _ => "1",
        };
        assert!(inherited != go_on("f.vec", &[other, default]), "{other}");
    }
    // The words of the projector lie beside its numbers.
    place.run(&["embed", "convert", "c.lwv", "g.tsv.gz"]).expect(0);
    assert!(place.path("g.words.tsv").exists());
    let beside =
        ["embed", "train", "--min-count", "1", "--from", "g.tsv.gz", "more.txt", "-o", "g.vec"];
    place.run(&beside).expect(0).says(&["g.tsv.gz holds vectors only", "1 new word"]);
    let wrong = [&on[..], &["--dim", "13"]].concat();
    place.run(&wrong).expect(1).says(&["12 dimensions", "cannot change"]);
    let tree = [&on[..], &["--loss", "hs"]].concat();
    place.run(&tree).expect(0).says(&["what words are predicted by begins at zero"]);
    // A model of fastText holds less.
    place.run(&["embed", "convert", "c.lwv", "c.bin", "--to", "fasttext"]).expect(0);
    let on = ["embed", "train", "--from", "c.bin", "more.txt", "-o", "j.lwv"];
    place.run(&on).expect(0).says(&["c.bin does not say --lr, --power and --seed"]);
    let info = |file: &str| place.run(&["embed", "info", file]).expect(0).stdout;
    assert!(info("c.lwv").contains("--lr 0.04 --seed 7"), "{}", info("c.lwv"));
    assert!(!info("c.bin").contains("--lr"), "{}", info("c.bin"));
    assert!(info("j.lwv").contains("--lr 0.025 --seed 1 --power 0.75"), "{}", info("j.lwv"));
    let tree = [&train[..], &["--loss", "hs", "text.txt", "-o", "h.lwv"]].concat();
    place.run(&tree).expect(0);
    let said =
        "--model skipgram --window 5 --epochs 5 --sample 0.001 --min-count 1 --loss hs --lr 0.025";
    assert!(info("h.lwv").contains(said), "{}", info("h.lwv"));
    for (option, says) in [("--power", "--loss ns"), ("--negative", "trained with hs")] {
        let on = ["embed", "train", "--from", "h.lwv", "more.txt", "-o", "i.vec", option, "3"];
        place.run(&on).expect(2).says(&[option, says]);
    }
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
    // What is not asked for is as in the first training.
    let first = ["--epochs", "3", "--lr", "0.04", "--seed", "7", "--x-max", "9"];
    train(&[&first[..], &["text.txt", "--checkpoint", "brief", "-o", "brief.vec"]].concat())
        .expect(0);
    let on = |out: &str, more: &[&str]| {
        train(&[&["more.txt", "--from", "brief", "-o", out], more].concat()).expect(0);
        read(out)
    };
    assert!(on("inherited.vec", &[]) == on("asked.vec", &first));
    assert!(read("inherited.vec") != on("other.vec", &["--epochs", "15"]));
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
