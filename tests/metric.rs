//! `lampwick metric`: hypotheses on stdin against references, and every bad input.

mod program;

use program::{Place, lines};

const REFERENCE: &str =
    "The lamp burns by the window.\nThe boat waits near the harbour.\nIt is late.\n";
const HYPOTHESIS: &str =
    "The lamp burns near the window.\nThe boat waits by the harbour.\nIt is late.\n";

fn place() -> Place {
    let place = Place::new();
    place.write("ref.txt", REFERENCE);
    place
}

#[test]
fn scores_are_printed_as_sacrebleu_prints_them() {
    // sacrebleu ref.txt -m bleu chrf ter -w 2 -f text < hyp.txt
    let place = place();
    for (measure, line) in [
        (
            "bleu",
            "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0 = 43.62 \
             88.9/73.3/50.0/11.1 (BP = 1.000 ratio = 1.000 hyp_len = 18 ref_len = 18)\n",
        ),
        ("chrf", "chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0 = 78.20\n"),
        (
            "ter",
            "TER|nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:2.6.0 = 13.33 (2 \
             edits, ref_len = 15.0)\n",
        ),
        ("wer", "WER|nrefs:1|case:mixed|tok:none = 13.33 (S = 2 D = 0 I = 0 of 15)\n"),
        ("exact-match", "exact match|nrefs:1|case:mixed|tok:none = 33.33 (1 of 3)\n"),
    ] {
        let command = ["metric", measure, "--ref", "ref.txt"];
        let done = place.run_with_stdin(&command, HYPOTHESIS.as_bytes()).expect(0);
        assert_eq!(done.stdout, line);
    }
    let rouge = ["metric", "rouge", "--ref", "ref.txt"];
    let rouge = place.run_with_stdin(&rouge, HYPOTHESIS.as_bytes()).expect(0).stdout;
    let rouge = lines(&rouge);
    let names = rouge.iter().map(|line| line.split('|').next().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["ROUGE-1", "ROUGE-2", "ROUGE-L"]);
}

#[test]
fn sentences_source_lengths_and_json() {
    let place = place();
    place.write("source.txt", "a b c d e f\na b c d e f\na b c\n");
    let command = ["metric", "bleu", "--ref", "ref.txt"];
    let run = |more: &[&str]| {
        place.run_with_stdin(&[&command, more].concat(), HYPOTHESIS.as_bytes()).expect(0)
    };
    let done = run(&["--sentences"]);
    assert_eq!(lines(&done.stdout).len(), 3);
    assert_eq!(lines(&done.stdout)[2], "100.00");
    done.says(&["BLEU|nrefs:1", "= 43.62"]);

    let table = run(&["--source", "source.txt"]).stdout;
    let rows: Vec<Vec<&str>> =
        table.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["source", "words", "lines", "BLEU"]);
    assert_eq!((rows[1][0], rows[1][1], rows[1][2]), ("0-5", "1", "100.00"));
    assert_eq!((rows[2][0], rows[2][1], rows.len()), ("6-10", "2", 3));
    let one = run(&["--source", "source.txt", "--lengths", "100"]).stdout;
    assert!(one.contains("0-100") && one.trim_end().ends_with("43.62"), "{one}");

    let json = run(&["--sentences", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!((json["score"].as_f64().unwrap() - 43.62).abs() < 0.01, "{json}");
    assert_eq!(json["counts"]["correct"], serde_json::json!([16, 11, 6, 1]));
    assert_eq!(json["sentences"].as_array().unwrap().len(), 3);
}

#[test]
fn unequal_files_are_named_with_their_counts_and_the_line() {
    let place = Place::new();
    let text: Vec<String> = (0..50_usize).map(|it| "word ".repeat(it * it % 19 + 1)).collect();
    place.write("ref.txt", text.join("\n"));
    let mut less = text.clone();
    less.remove(30);
    let command = ["metric", "chrf", "--ref", "ref.txt"];
    place
        .run_with_stdin(&command, less.join("\n").as_bytes())
        .expect(1)
        .says(&["standard input has 49 lines and ref.txt 50", "line 31"]);
    let cut = text[..40].join("\n");
    place.run_with_stdin(&command, cut.as_bytes()).expect(1).says(&["40 lines", "before line 41"]);
}

#[test]
fn what_is_no_text_is_named_and_a_line_ends_at_a_newline_only() {
    let place = place();
    let command = ["metric", "bleu", "--ref", "ref.txt"];
    place.run_with_stdin(&command, b"").expect(1).says(&["standard input", "is empty"]);
    let latin = b"The lamp\ncaf\xe9\nIt is late.\n";
    place
        .run_with_stdin(&command, latin)
        .expect(1)
        .says(&["standard input:2: not UTF-8 at byte 12"]);
    place.run_with_stdin(&command, b"a\nb\nc\0\n").expect(1).says(&["standard input:3: NUL"]);
    place.write("empty.txt", "");
    let empty = ["metric", "bleu", "--ref", "ref.txt", "--ref", "empty.txt"];
    place.run_with_stdin(&empty, HYPOTHESIS.as_bytes()).expect(1).says(&["empty.txt: is empty"]);
    let nowhere = ["metric", "bleu", "--ref", "nowhere.txt"];
    place.run(&nowhere).expect(1).says(&["nowhere.txt: no such file"]);
    place.run(&["metric", "bleu"]).expect(2).says(&["--ref"]);

    // A separator within a line, a mark at the beginning and \r\n part no lines and change no score.
    let windows = format!("\u{feff}{}", HYPOTHESIS.replace('\n', "\r\n"));
    let odd = windows.replacen("lamp ", "lamp\u{2028}", 1);
    let done = place.run_with_stdin(&command, odd.as_bytes()).expect(0);
    assert!(done.stdout.contains(" = 43.62 "), "{}", done.stdout);
    // Empty lines are lines.
    let done = place.run_with_stdin(&command, b"\n\n\n").expect(0);
    assert!(done.stdout.contains(" = 0.00 "), "{}", done.stdout);
}

#[test]
fn a_line_of_ten_thousand_words_is_scored() {
    let place = Place::new();
    let words: Vec<String> = (0..10_000).map(|it| format!("w{}", it * it % 97)).collect();
    place.write("ref.txt", words.join(" "));
    let half = words[..5000].join(" ");
    for measure in ["bleu", "chrf", "ter", "rouge", "wer", "exact-match"] {
        let command = ["metric", measure, "--ref", "ref.txt"];
        let done = place.run_with_stdin(&command, half.as_bytes()).expect(0);
        assert!(done.stdout.contains(" = "), "{}", done.stdout);
    }
}
