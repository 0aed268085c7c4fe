//! Every form of pairs that an encoder-decoder is trained on, by the program.

mod program;

use std::fs;

use lampwick::data::scenes::{Pictures, SceneConfig};
use program::{Finished, Place, on_a_cpu};

const MODEL: &str = r#"
task = "encoder_decoder"
seed = 1
[model]
embedding = 8
[model.encoder]
hidden = 8
[model.decoder]
hidden = 16
[batches]
size = { sentences = 8 }
[optimizer]
name = "adam"
lr = 0.01
[budget]
epochs = 2
"#;

/// A config of these sections after the common ones.
fn config(place: &Place, sections: &str) {
    let device = std::env::var("LAMPWICK_DEVICE").unwrap_or_default();
    place.write("config.toml", format!("device = {device:?}\n{MODEL}{sections}"));
}

fn train(place: &Place, more: &[&str]) -> Finished {
    place.run(&[&["train", "config.toml"], more].concat())
}

/// The one test line of a run's metrics.
fn test_line(place: &Place, run: &str) -> serde_json::Value {
    let metrics = fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
    let last = metrics.lines().last().unwrap();
    let line: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(line["kind"], "test", "{last}");
    line
}

#[test]
fn tab_separated_pairs_are_trained_on_and_a_line_of_another_form_is_named() {
    let place = Place::new();
    let pairs: String = (0..60).map(|n| format!("a {} b\tb {} a\n", n % 7, n % 7)).collect();
    place.write("train.tsv", format!("{pairs}lonely\t\n"));
    place.write("valid.tsv", &pairs[..pairs.len() / 2]);
    config(&place, "[data]\nformat = \"tsv\"\ntrain = \"train.tsv\"\nvalid = \"valid.tsv\"\n");
    train(&place, &["--out", "run"])
        .expect(0)
        .says(&["train: 61 pairs read, 60 kept, 1 left out for an empty side"]);
    place.write("valid.tsv", "a\tb\nno tab\n");
    train(&place, &["--out", "other"]).expect(1).says(&["valid.tsv:2:", "one tab"]);
    train(&place, &["data.valid=", "--out", "other"]).expect(2).says(&["data.valid", "is empty"]);
    assert!(!place.path("other").exists());
}

#[test]
fn published_tasks_are_read_from_their_own_files() {
    let place = Place::new();
    let lines = |turns: std::ops::Range<usize>| -> String {
        let line = |n: usize| format!("IN: walk {n} left OUT: I_TURN I_WALK_{}\n", n % 3);
        turns.map(line).collect()
    };
    place.write("tasks_train_simple.txt", lines(0..200));
    place.write("tasks_test_simple.txt", lines(200..220));
    config(&place, "[data]\nformat = \"corpus\"\ncorpus = \"scan_simple\"\nfolder = \".\"\n");
    train(&place, &["--out", "run"]).expect(0);
    let test = test_line(&place, "run");
    assert_eq!((&test["quality"]["name"], &test["scored"]), (&"exact match".into(), &60.into()));
    // The test is searched by a beam; what greedy search finds stands beside it.
    assert_eq!(test["also"][0]["name"], "exact match (greedy)");
    place.write("tasks_test_simple.txt", "walk\n");
    train(&place, &["--out", "no"]).expect(1).says(&["tasks_test_simple.txt:1:", "IN:"]);
    train(&place, &["data.corpus=scam", "--out", "no"]).expect(2).says(&["scam", "scan_simple"]);
}

#[test]
fn pictures_become_captions_and_the_same_bytes_for_any_threads() {
    let place = Place::new();
    let sections = "[validation]\nlongest_per_source = 1.0\n[data]\nformat = \"pictures\"\ntrain = 60\nvalid = 10\n";
    config(&place, sections);
    let reads = "model.reads={ image = { height = 24, width = 24, channels = [4, 6] } }";
    let runs = [("one", "1"), ("two", "2")];
    for (run, threads) in runs {
        let told = train(&place, &[reads, "--threads", threads, "--out", run]).expect(0);
        assert!(told.stdout.contains("picture 0 =>"), "{}", told.stdout);
    }
    if on_a_cpu() {
        let [one, two] =
            runs.map(|(run, _)| fs::read(place.path(run).join("metrics.jsonl")).unwrap());
        assert!(one == two);
    }
    train(&place, &["--out", "no"]).expect(2).says(&["model.reads", "does not read images"]);
    let oblong = "model.reads={ image = { height = 24, width = 32, channels = [4] } }";
    train(&place, &[oblong, "--out", "no"]).expect(2).says(&["model.reads", "squares"]);
    let image = |side: usize, channels: &str| {
        format!(
            "model.reads={{ image = {{ height = {side}, width = {side}, channels = {channels} }} }}"
        )
    };
    for (given, says) in [
        ("data.objects=9", "data.objects: is 9"),
        ("data.noise=2.0", "data.noise: is 2"),
        (&*image(8, "[4]"), "sides of 8"),
        (&*image(24, "[]"), "model.reads.image.channels is empty"),
    ] {
        train(&place, &[given, "--out", "no"]).expect(2).says(&[says]);
    }
    // What is read are the names of PNG files.
    let scenes = SceneConfig { side: 24, ..SceneConfig::default() };
    let pictures = Pictures::new(scenes).unwrap();
    pictures.picture(1).write_png(place.path("a.png")).unwrap();
    pictures.picture(2).write_png(place.path("b.png")).unwrap();
    let translate = |lines: &str| place.run_with_stdin(&["translate", "one"], lines.as_bytes());
    let together = translate("a.png\n\nb.png\n").expect(0).stdout;
    let alone = [translate("a.png\n"), translate("b.png\n")].map(|done| done.expect(0).stdout);
    assert_eq!(together, alone.join("\n"));
    let broken = translate("a.png\na line of text\n").expect(1);
    broken.says(&["standard input:2: a line of text: "]);
    assert_eq!(broken.stdout, format!("{}\n", alone[0]));
    let scored = place.run_with_stdin(&["score", "one"], b"a.png\ta small red circle\n").expect(0);
    assert!(scored.stdout.trim().parse::<f64>().unwrap() < 0.0);
    // Each token looks at the cells of the grid: 24 pixels a side, halved twice.
    let seen = looked_at(&place, "one");
    assert_eq!((seen.len(), &*seen[0], &*seen[35]), (36, "1.1", "6.6"));
    let cells = attention_rows(&place, "one", "a.png\n");
    assert!(cells.iter().all(|row| row.len() == 6 * 6), "{cells:?}");
}

/// Where the tokens of one line's best target looked, in a search that punishes what is not looked at.
fn attention_rows(place: &Place, run: &str, line: &str) -> Vec<Vec<f64>> {
    let asked = ["translate", run, "--alignments", "--coverage-penalty", "0.2", "--json"];
    let found = place.run_with_stdin(&asked, line.as_bytes()).expect(0).stdout;
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let rows: Vec<Vec<f64>> =
        serde_json::from_value(found["targets"][0]["attention"].clone()).unwrap();
    assert!(rows.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-4), "{rows:?}");
    rows
}

/// The names of the positions that the report's first heat map shows.
fn looked_at(place: &Place, run: &str) -> Vec<String> {
    let looks = fs::read(place.path(run).join("attention.json")).unwrap();
    let looks: serde_json::Value = serde_json::from_slice(&looks).unwrap();
    let look = &looks["translations"][0];
    let names: Vec<String> = serde_json::from_value(look["source"].clone()).unwrap();
    let rows: Vec<Vec<f64>> = serde_json::from_value(look["attention"].clone()).unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.len() == names.len()), "{rows:?}");
    let page = fs::read_to_string(place.path(run).join("report.html")).unwrap();
    assert!(page.contains("<svg class=\"heat\""));
    names
}

/// A mono WAV file of 16 bits: `seconds` of a tone.
fn tone(rate: u32, hertz: f32, seconds: f32) -> Vec<u8> {
    let count = (rate as f32 * seconds) as u32;
    let sample = |n: u32| (n as f32 / rate as f32 * hertz * std::f32::consts::TAU).sin() * 1e4;
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + 2 * count).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    bytes.extend([rate, 2 * rate].map(u32::to_le_bytes).concat());
    bytes.extend([2_u16, 16].map(u16::to_le_bytes).concat());
    bytes.extend(b"data");
    bytes.extend((2 * count).to_le_bytes());
    bytes.extend((0..count).flat_map(|n| (sample(n) as i16).to_le_bytes()));
    bytes
}

#[test]
fn spoken_digits_become_text_by_attention_and_by_ctc() {
    let place = Place::new();
    fs::create_dir(place.path("recordings")).unwrap();
    for digit in 0..10 {
        for index in [0, 5, 10, 11] {
            let name = format!("recordings/{digit}_tone_{index}.wav");
            place.write(&name, tone(8000, 200.0 + 150.0 * digit as f32, 0.1));
        }
    }
    config(
        &place,
        "longest_per_source = 0.5\nmetric = \"word_error_rate\"\n[data]\nformat = \"digits\"\n\
         folder = \".\"\ntrain = 40\nvalid = 6\nshortest = 1\nlongest = 2\n"
            .replace("longest_per", "[validation]\nlongest_per")
            .as_str(),
    );
    let reads = "model.reads={ frames = { features = 20, joined = [2] } }";
    let frames =
        |features| format!("model.reads={{ frames = {{ features = {features}, joined = [2] }} }}");
    for (given, says) in [
        ("data.shortest=9", "data.longest: is 2, less than data.shortest, 9"),
        ("data.shortest=0", "data.shortest: is 0"),
        (&*frames(0), "model.reads.frames.features is 0"),
        (&*frames(4000), "4000 features"),
    ] {
        train(&place, &[given, "--out", "no"]).expect(2).says(&[says]);
    }
    let given = [reads, "model.ctc=0.5"];
    let told = train(&place, &[&given[..], &["--out", "run"]].concat()).expect(0);
    assert!(told.stdout.contains("recording 0 =>"), "{}", told.stdout);
    let test = test_line(&place, "run");
    let also: Vec<&str> =
        test["also"].as_array().unwrap().iter().map(|q| q["name"].as_str().unwrap()).collect();
    let searched = ["exact match", "WER (greedy)", "WER (CTC, best path)", "WER (CTC, 8 prefixes)"];
    assert_eq!((test["quality"]["name"].as_str(), also), (Some("WER"), searched.to_vec()));

    // The report shows the seconds at which the positions begin: frames 10 ms apart, joined by two.
    let seen = looked_at(&place, "run");
    assert_eq!(&seen[..3], ["0.00", "0.02", "0.04"], "{seen:?}");

    // What is read are the names of WAV files.
    let names = b"recordings/3_tone_0.wav\nrecordings/4_tone_0.wav\n";
    let heard = place.run_with_stdin(&["translate", "run"], names).expect(0).stdout;
    let one = place.run_with_stdin(&["translate", "run"], &names[24..]).expect(0).stdout;
    assert!(heard.ends_with(&one) && heard.lines().count() == 2, "{heard:?} {one:?}");
    let [short, long] = ["recordings/3_tone_0.wav\n", "recordings/4_tone_0.wav\n"]
        .map(|name| attention_rows(&place, "run", name)[0].len());
    assert!(short > 0 && long > 0);
    // The CTC head alone, by prefixes or by its best path.
    let by_ctc = |more: &[&str]| {
        let all = [&["translate", "run", "--ctc", "--json"], more].concat();
        let found = place.run_with_stdin(&all, names).expect(0).stdout;
        let first = serde_json::from_str::<serde_json::Value>(found.lines().next().unwrap());
        assert_eq!(found.lines().count(), 2);
        first.unwrap()["targets"].as_array().unwrap().clone()
    };
    let log_prob = |target: &serde_json::Value| target["log_prob"].as_f64().unwrap();
    let (best_path, prefixes) = (by_ctc(&["--beam", "1"]), by_ctc(&["--n-best", "2"]));
    assert_eq!((best_path.len(), prefixes.len()), (1, 2));
    // A model that has learnt nothing likes every label; these are none.
    let all = by_ctc(&["--beam", "40", "--n-best", "40"]);
    let tokens = all.iter().flat_map(|target| target["tokens"].as_array().unwrap());
    assert!(tokens.into_iter().all(|token| token != "<unk>" && token != "</s>"), "{all:?}");
    // One alignment is at most as likely as all of the likeliest labels.
    assert!(log_prob(&best_path[0]) <= log_prob(&prefixes[0]) + 1e-6, "{best_path:?} {prefixes:?}");
    assert!(log_prob(&prefixes[0]) >= log_prob(&prefixes[1]) && log_prob(&prefixes[0]) < 0.0);
    place.run(&["translate", "run", "--ctc", "--alignments"]).expect(2).says(&["--alignments"]);

    place.write("fast.wav", tone(16_000, 300.0, 0.1));
    let fast = place.run_with_stdin(&["translate", "run"], b"fast.wav\nnone.wav\n").expect(1);
    fast.says(&["standard input:1: fast.wav: 16000", "standard input:2: none.wav: "]);
    assert_eq!(fast.stdout, "\n\n");

    let refused = |wrong: Vec<u8>, parts: &[&str]| {
        place.write("recordings/3_tone_0.wav", wrong);
        train(&place, &[&given[..], &["--out", "no"]].concat()).expect(1).says(parts);
    };
    refused(tone(16_000, 300.0, 0.1), &["3_tone_0.wav", "16000", "8000"]);
    refused(tone(8000, 300.0, 0.1)[..300].to_vec(), &["3_tone_0.wav"]);
    refused(b"no sound at all".to_vec(), &["3_tone_0.wav"]);
    train(&place, &["--out", "no"]).expect(2).says(&["model.reads", "does not read frames"]);
}

#[test]
fn text_is_nothing_to_a_model_of_pictures() {
    let place = Place::new();
    config(&place, "[data]\nformat = \"reversal\"\ntrain = 20\nvalid = 5\n");
    let reads = "model.reads={ image = { height = 24, width = 24, channels = [4] } }";
    train(&place, &[reads, "--out", "no"]).expect(2).says(&["model.reads", "the data are text"]);
}
