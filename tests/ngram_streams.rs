//! `lampwick ngram`, spawned: pipes, packed text, places that cannot be, and signals.

mod program;

use std::fs;

use program::{Place, tiny_text};

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_named() {
    let place = Place::with_ngram_models();
    let commands: [&[&str]; 4] = [
        &["train", "text.txt"],
        &["perplexity", "trie.bin", "text.txt"],
        &["info", "trie.bin"],
        &["generate", "trie.bin"],
    ];
    for command in commands {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_lampwick"))
            .arg("ngram")
            .args(command)
            .current_dir(place.path(""))
            .stdout(full)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{command:?}: {told}");
        assert!(told.contains("cannot write to stdout: No space left"), "{command:?}: {told}");
    }
}

#[test]
fn packed_text_is_unpacked_on_stdin_too_and_a_cut_one_named() {
    let place = Place::with_ngram_models();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, tiny_text().as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    place.write("text.gz", &packed);
    let plain = place.run(&["ngram", "perplexity", "model.arpa", "text.txt"]).expect(0).stdout;
    let asked = ["ngram", "perplexity", "model.arpa"];
    assert_eq!(place.run_with_stdin(&asked, &packed).expect(0).stdout, plain);
    assert_eq!(place.run(&[&asked[..], &["text.gz"]].concat()).expect(0).stdout, plain);
    let queried = |text: &[u8]| {
        place.run_with_stdin(&["ngram", "query", "model.arpa"], text).expect(0).stdout
    };
    assert_eq!(queried(&packed), queried(tiny_text().as_bytes()));
    place.write("cut.gz", &packed[..packed.len() - 5]);
    for command in [
        &["ngram", "perplexity", "model.arpa", "text.txt", "cut.gz"][..],
        &["evaluate", "model.arpa", "cut.gz"],
        &["ngram", "interpolate", "model.arpa", "model.arpa", "--tune", "cut.gz"],
    ] {
        place.run(command).expect(1).says(&["cannot read cut.gz"]);
    }
    place.run_with_stdin(&asked, &packed[..60]).expect(1).says(&["cannot read standard input"]);
}

#[test]
fn arpa_comes_through_a_pipe_and_a_binary_model_by_its_name() {
    let place = Place::with_ngram_models();
    let [arpa, binary] =
        ["model.arpa", "trie.bin"].map(|model| fs::read(place.path(model)).unwrap());
    place.run_with_stdin(&["ngram", "build", "--kind", "trie", "-", "piped.bin"], &arpa).expect(0);
    assert_eq!(fs::read(place.path("piped.bin")).unwrap(), binary);
    let piped = ["ngram", "perplexity", "/dev/stdin", "text.txt"];
    let named = place.run(&["ngram", "perplexity", "model.arpa", "text.txt"]).expect(0);
    assert_eq!(place.run_with_stdin(&piped, &arpa).expect(0).stdout, named.stdout);
    let refused = place.run_with_stdin(&["ngram", "info", "-"], &binary).expect(1);
    refused.says(&["standard input: holds a binary model", "name its file"]);
    for command in [
        &["ngram", "query", "-"][..],
        &["ngram", "perplexity", "/dev/stdin"],
        &["ngram", "perplexity", "-", "-"],
        &["evaluate", "-", "-"],
    ] {
        place.run_with_stdin(command, &arpa).expect(2).says(&["cannot be the model too"]);
    }
    for command in [
        &["ngram", "train", "-", "text.txt", "-"][..],
        &["ngram", "interpolate", "model.arpa", "-", "--tune", "/dev/stdin"],
    ] {
        place.run_with_stdin(command, &arpa).expect(2).says(&["read once only"]);
    }
    let evaluated = place.run_with_stdin(&["evaluate", "/dev/stdin", "text.txt"], &arpa).expect(0);
    let text = tiny_text();
    let same = place.run_with_stdin(&["evaluate", "trie.bin", "-"], text.as_bytes()).expect(0);
    let perplexity =
        |stdout: &str| stdout.lines().find(|l| l.contains("perplexity")).unwrap().to_owned();
    assert_eq!(perplexity(&evaluated.stdout), perplexity(&same.stdout));
    let info = place.run_with_stdin(&["ngram", "info", "-"], &arpa).expect(0).stdout;
    assert!(info.contains("3-grams") && !info.contains("size"), "{info}");
    let stdout =
        place.run(&["ngram", "train", "-o", "3", "--out", "-", "text.txt"]).expect(0).stdout;
    assert_eq!(stdout.as_bytes(), arpa);
}

/// Whoever asks line by line gets each answer before the next line.
#[test]
fn query_answers_a_line_before_the_next_one_comes() {
    use std::io::{BufRead, BufReader, Write};
    let place = Place::with_ngram_models();
    let mut query = std::process::Command::new(env!("CARGO_BIN_EXE_lampwick"))
        .args(["ngram", "query", "trie.bin"])
        .current_dir(place.path(""))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let (mut ask, answers) = (query.stdin.take().unwrap(), query.stdout.take().unwrap());
    let mut answers = BufReader::new(answers).lines();
    for line in ["a\n", "the lamp burns here by the window\n", "\n"] {
        ask.write_all(line.as_bytes()).unwrap();
        assert_eq!(answers.next().unwrap().unwrap().split('\t').count(), 4);
    }
    drop(ask);
    assert!(query.wait().unwrap().success());
}

#[test]
fn places_that_cannot_be_or_would_cost_the_text_are_refused_at_once() {
    let place = Place::new();
    place.write("text.txt", tiny_text());
    let out = place.run(&["ngram", "train", "--out", "./text.txt", "text.txt"]).expect(2);
    out.says(&["./text.txt: is read by this command (text.txt)"]);
    place.write("words.txt", "the lamp");
    place.write("dev.txt", "the lamp burns\n");
    place.run(&["ngram", "train", "--out", "model.arpa", "text.txt"]).expect(0);
    let before = fs::read(place.path("model.arpa")).unwrap();
    for command in [
        &["train", "--vocabulary", "words.txt", "--out", "words.txt", "text.txt"][..],
        &["build", "model.arpa", "model.arpa"],
        &["convert", "model.arpa", "./model.arpa"],
        &["interpolate", "model.arpa", "model.arpa", "--tune", "dev.txt", "--out", "dev.txt"],
    ] {
        let refused = place.run(&[&["ngram"], command].concat()).expect(2);
        refused.says(&["is read by this command", "give another name"]);
    }
    assert_eq!(fs::read(place.path("model.arpa")).unwrap(), before);
    for (command, why) in [
        (&["build", "model.arpa", "-"][..], "cannot go to stdout"),
        (&["convert", "model.arpa", "m.zst"], "also as gzip"),
        (&["train", "text.txt", "--out", "m.arpa.XZ"], "also as gzip"),
        (&["train", "text.txt", "--out", "/dev/null"], "device"),
        (
            &["interpolate", "model.arpa", "model.arpa", "--tune", "dev.txt", "--out", "-"],
            "name a file",
        ),
    ] {
        place.run(&[&["ngram"], command].concat()).expect(2).says(&[why]);
    }
    assert_eq!(fs::read_to_string(place.path("text.txt")).unwrap(), tiny_text());
    let folder = place.run(&["ngram", "train", "-T", "text.txt", "text.txt"]).expect(2);
    folder.says(&["-T text.txt: is no folder"]);
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_no_unfinished_model() {
    let place = Place::new();
    let mut state = 1u64;
    let mut word = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{} ", state >> 52)
    };
    let text: String =
        (0..40_000).map(|_| (0..10).map(|_| word()).collect::<String>() + "\n").collect();
    place.write("text.txt", text);
    let mut command = place.command(&["ngram", "train", "--out", "model.arpa.gz", "text.txt"]);
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    let names = || -> Vec<String> {
        let folder = fs::read_dir(place.path("")).unwrap();
        folder.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    while !names().iter().any(|name| name.starts_with(".writing-")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    program::send("INT", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(names(), ["text.txt"]);
}
