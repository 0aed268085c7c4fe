//! What `lampwick embed` says of bad input, and of files whose numbers are none.

mod program;
mod themes;

use std::fs;

use program::Place;
use themes::themes;

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
    place.write("t.tsv", "1\t2\n");
    place.write("pairs.txt", "one\ttwo\t3\n");
    for command in [
        "train bytes.txt -o ./bytes.txt",
        "train bytes.txt -o v.vec --checkpoint ./bytes.txt",
        "train t.words.tsv -o t.tsv --min-count 1",
        "train --model glove --counts-out rare.txt --vocabulary rare.txt bytes.txt",
        "train --from v.lwv bytes.txt -o v.lwv",
        "phrases rare.txt bytes.txt -o rare.txt",
        "convert v.lwv v.lwv",
        "convert t.tsv t.words.tsv --to word2vec",
        "export t.tsv t.words.tsv --to word2vec --only rare.txt",
        "train --from t.tsv bytes.txt -o t.words.tsv --to word2vec",
        "export v.lwv rare.txt --only rare.txt",
        "quantize v.lwv v.lwv",
        "index v.lwv v.lwv",
        "debias v.lwv rare.txt --pairs rare.txt",
    ] {
        let over: Vec<&str> = ["embed"].into_iter().chain(command.split(' ')).collect();
        place.run(&over).expect(2).says(&["read by this command", "another name"]);
    }
    // Nor one result over another.
    #[cfg(unix)]
    {
        place.write("r.tsv", "");
        std::os::unix::fs::symlink(place.path("r.tsv"), place.path("r.words.tsv")).unwrap();
        place.run(&["embed", "convert", "v.lwv", "r.tsv"]).expect(2).says(&["where its words go"]);
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
        ("train --model glove bytes.txt -o g.lwv --checkpoint ./g.lwv", "one file"),
        ("train bytes.txt -o g.tsv --checkpoint g.words.tsv", "one file"),
        ("train bytes.txt -o w.vec --checkpoint v.lwv", "v.lwv: is there already"),
        ("train bytes.txt -o w.vec --checkpoint rare.txt", "rare.txt: is there already"),
        ("train --model glove --counts-out c bytes.txt --min-count 3", "--min-count goes with"),
        ("train --model glove --counts-out c --vocabulary -", "once only"),
        ("evaluate v.lwv --pairs pairs.txt --subwords", "v.lwv: has no vectors of n-grams"),
        ("train --model glove --counts-in c --vocabulary rare.txt -o w.vec", "cannot be used with"),
        ("plot v.lwv -o p.html --perplexity 5", "--projection tsne"),
        ("evaluate v.lwv --analogies rare.txt --subwords", "--subwords goes with --pairs"),
        ("nn v.lwv lamp --restrict 0", "at least 1"),
        ("bias v.lwv --sets rare.txt --may-lack nan", "from 0 to 1"),
        ("bias v.lwv --pairs rare.txt --permutations 7", "--sets"),
        ("bias v.lwv --pairs rare.txt --ends 7", "--professions"),
        ("debias v.lwv w.lwv --pairs rare.txt --seed 7", "--sets"),
        ("debias v.lwv w.lwv --pairs rare.txt --restrict 9", "--restrict goes with --analogies"),
        ("bias v.lwv --pairs rare.txt --unit", "--sets"),
        ("train --model one-hot bytes.txt -o w.vec --seed 3", "--seed goes with"),
        ("info v.lwv --dim 3", "v.lwv: has 100 dimensions"),
    ] {
        let all: Vec<&str> = ["embed"].into_iter().chain(command.split(' ')).collect();
        place.run(&all).expect(2).says(&[says]);
    }
    place.run(&["embed", "convert", "v.lwv", "w.lwv.gz"]).expect(2).says(&["cannot be packed"]);
    let piped = ["embed", "info", "-"];
    let native = fs::read(place.path("v.lwv")).unwrap();
    place.run_with_stdin(&piped, &native).expect(1).says(&["mapped", "name the file itself"]);
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
