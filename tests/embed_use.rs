//! `lampwick embed`, spawned: neighbours, evaluation, bias and maps of vectors that are there.

mod program;

use std::fs;

use program::Place;

/// `king` is `man` and `queen` `woman` with something more.
const ROYAL: &str = "7 3
man 1 0 0
woman -1 0 0
king 1 1 0.1
queen -1 1 0.1
lamp 0.3 0 1
nurse -0.5 0.1 0.8
Oil 0 -1 0.2
";

#[test]
fn neighbours_analogies_and_similarities_are_given() {
    let place = Place::new();
    place.write("a.vec", ROYAL);
    let analogy =
        place.run(&["embed", "analogy", "a.vec", "man", "king", "woman", "-k", "1"]).expect(0);
    assert!(analogy.stdout.starts_with("queen\t0.9"), "{}", analogy.stdout);
    let found =
        place.run_with_stdin(&["embed", "nn", "a.vec", "-k", "1"], b"lamp\nwoman").expect(0);
    let lines: Vec<&str> = found.stdout.lines().collect();
    assert!(lines[0].starts_with("lamp\tnurse\t") && lines[1].starts_with("woman\tqueen\t"));
    let partly = place.run(&["embed", "nn", "a.vec", "wick", "man", "-k", "1"]).expect(1);
    partly.says(&["`wick` has no vector"]);
    assert!(partly.stdout.starts_with("man\tking\t"), "what has one is answered");
    let cosine = place.run(&["embed", "similarity", "a.vec", "man", "woman"]).expect(0);
    assert_eq!(cosine.stdout, "-1.000000\n");
    place.run(&["embed", "similarity", "a.vec", "man", "wick"]).expect(1).says(&["wick"]);
}

#[test]
fn neighbours_are_found_by_a_graph_that_goes_with_the_vectors() {
    let place = Place::new();
    place.write("a.vec", ROYAL);
    let none = place.run(&["embed", "nn", "a.vec", "--approximate", "lamp"]).expect(1);
    none.says(&["a.vec has no graph", "lampwick embed index a.vec"]);
    let index = place.run(&["embed", "index", "a.vec", "a.lwv", "--threads", "1"]).expect(0);
    index.says(&["7 words", "of the 10 nearest of 7 words 100.00 % are found"]);
    let of = |vectors, more: &[&str]| {
        let run = [&["embed", "nn", vectors, "lamp", "queen", "-k", "3"], more].concat();
        place.run(&run).expect(0).stdout
    };
    let words = |found: &str| -> Vec<String> {
        found.lines().map(|line| line.rsplit_once('\t').unwrap().0.to_owned()).collect()
    };
    assert_eq!(words(&of("a.lwv", &["--approximate"])), words(&of("a.vec", &[])));
    let royal = ["embed", "analogy", "a.lwv", "man", "king", "woman", "-k", "1", "--approximate"];
    assert!(place.run(&royal).expect(0).stdout.starts_with("queen\t"));
    assert!(place.run(&["embed", "info", "a.lwv"]).expect(0).stdout.contains("graph "));
    // What other rows are made of does not keep the graph of these.
    place.run(&["embed", "export", "a.lwv", "few.lwv", "--first", "4"]).expect(0);
    place.run(&["embed", "nn", "few.lwv", "--approximate", "man"]).expect(1).says(&["no graph"]);
    place.run(&["embed", "index", "a.vec", "a.bin"]).expect(2).says(&[".lwv"]);
    place.run(&["embed", "index", "a.vec", "b.lwv", "--m", "1"]).expect(1).says(&["--m"]);
    place.run(&["embed", "nn", "a.lwv", "lamp", "--ef", "5"]).expect(2).says(&["--approximate"]);
    place.write("zeros.vec", "2 2\nlamp 0 0\nwick 0 0\n");
    let zeros = place.run(&["embed", "index", "zeros.vec", "z.lwv"]).expect(1);
    zeros.says(&["no row has a direction"]);
}

#[test]
fn vectors_are_evaluated() {
    let place = Place::new();
    place.write("a.vec", ROYAL);
    place
        .write("q.txt", ": royals\nMan King woman Queen\nman king woman wick\n: gram1\nman lamp\n");
    place.write("p.tsv", "man\tking\t8\nman\twoman\t1\nlamp\toil\t4\nlamp\twick\t9\nno pair\n");
    let run = ["embed", "evaluate", "a.vec", "--analogies", "q.txt", "--pairs", "p.tsv", "--json"];
    let result = place.run(&run).expect(0);
    result.says(&["q.txt:5: not four words", "p.tsv:5: not two words"]);
    let result: serde_json::Value = serde_json::from_str(&result.stdout).unwrap();
    let all = &result["analogies"]["all"];
    assert_eq!((&all["asked"], &all["skipped"]), (&1.into(), &1.into()));
    assert_eq!((&all["add"], &all["mul"]), (&1.into(), &1.into()));
    assert_eq!(result["pairs"][0]["unknown"], 1);
    assert!(result["pairs"][0]["spearman"].as_f64().unwrap() > 0.999_999);
    let table = place.run(&run[..7]).expect(0);
    assert!(table.stdout.contains("semantic") && table.stdout.contains("100.00"));
    place.write("one-hot.vec", "4 4\nman 1 0 0 0\nking 0 1 0 0\nwoman 0 0 1 0\nlamp 0 0 0 1\n");
    let none = place.run(&["embed", "evaluate", "one-hot.vec", "--pairs", "p.tsv"]).expect(0);
    assert!(none.stdout.contains("all known pairs are equally similar"), "{}", none.stdout);
    place.run(&["embed", "evaluate", "a.vec"]).expect(2).says(&["--analogies"]);
    place.write("bad.txt", "a b c d\n");
    let refused = place.run(&["embed", "evaluate", "a.vec", "--analogies", "bad.txt"]).expect(1);
    refused.says(&["bad.txt:1:"]);
}

#[test]
fn bias_is_measured_and_taken_out() {
    let place = Place::new();
    place.write("a.vec", ROYAL);
    place.write(
        "sets.json",
        r#"{"m": ["man", "king"], "w": ["woman", "queen"], "x": ["Lamp", "Oil"], "y": ["nurse"],
            "gone": ["wick", "nurse"]}"#,
    );
    place.write("pairs.json", r#"[["woman", "man"], ["queen", "king"]]"#);
    place.write("professions.json", r#"[["nurse", 0, -1], ["lamp", 0, 0.5], ["smith", 0, 1]]"#);
    let run = [
        "embed",
        "bias",
        "a.vec",
        "--sets",
        "sets.json",
        "--test",
        "m,w,x,y",
        "--pairs",
        "pairs.json",
        "--professions",
        "professions.json",
        "--plot",
        "where.html",
        "--json",
    ];
    let result = place.run(&run).expect(0);
    let result: serde_json::Value = serde_json::from_str(&result.stdout).unwrap();
    let weat = &result["tests"][0]["measures"]["weat"];
    assert!(weat["effect_size"].as_f64().unwrap() > 1.5 && weat["exact"] == true);
    assert_eq!(
        result["professions"]["words"][1][0], "nurse",
        "it lies at the first words of pairs"
    );
    let page = fs::read_to_string(place.path("where.html")).unwrap();
    assert!(page.contains("[\"nurse\",0.") && page.contains(",-1.0]"));
    let withheld = ["embed", "bias", "a.vec", "--sets", "sets.json", "--test", "m,w,x,gone"];
    let withheld = place.run(&withheld).expect(1);
    withheld.says(&["gone: missing 1 of 2 words: wick"]);
    assert!(withheld.stdout.contains("withheld"));
    place.run(&["embed", "bias", "a.vec"]).expect(2).says(&["--sets"]);

    let run = [
        "embed",
        "debias",
        "a.vec",
        "b.vec",
        "--pairs",
        "pairs.json",
        "--sets",
        "sets.json",
        "--test",
        "m,w,x,y",
        "--json",
    ];
    let result = place.run(&run).expect(0);
    let result: serde_json::Value = serde_json::from_str(&result.stdout).unwrap();
    let statistic = |state: &str| {
        result[state]["tests"][0]["measures"]["weat"]["statistic"].as_f64().unwrap().abs()
    };
    assert!(statistic("after") < 1e-6 && statistic("before") > 1.0);
    assert_eq!((&result["neutralised"], &result["equalised"]), (&3.into(), &2.into()));
    let cosine = place.run(&["embed", "similarity", "b.vec", "nurse", "man"]).expect(0);
    let other = place.run(&["embed", "similarity", "b.vec", "nurse", "woman"]).expect(0);
    let number = |text: &str| text.trim().parse::<f64>().unwrap();
    assert!((number(&cosine.stdout) - number(&other.stdout)).abs() < 2e-6);
}

#[test]
fn a_map_is_drawn() {
    let place = Place::new();
    place.write("a.vec", ROYAL);
    place.write("list.txt", "man\nwoman\nking\nwick\n");
    let run = ["embed", "plot", "a.vec", "-o", "map.html", "--only", "list.txt"];
    place.run(&run).expect(0).says(&["left out 1 word without a vector", "wick"]);
    let page = fs::read_to_string(place.path("map.html")).unwrap();
    assert!(page.contains("[\"king\",") && !page.contains("[\"lamp\","));
    place.run(&["embed", "plot", "a.vec", "-o", "map.png"]).expect(2).says(&[".html"]);
    let few = place.run(&["embed", "plot", "a.vec", "-o", "few.html", "--projection", "tsne"]);
    few.expect(1).says(&["7 of 7 words", "at least 10"]);
    let rows = (0..30).map(|n| format!("w{n} {} {} 0.5\n", n % 3, n * n % 7)).collect::<String>();
    place.write("b.vec", format!("30 3\n{rows}"));
    let page = |name: &str| {
        let run = ["embed", "plot", "b.vec", "-o", name, "--projection", "tsne"];
        place.run(&run).expect(0);
        fs::read_to_string(place.path(name)).unwrap()
    };
    let first = page("first.html");
    assert!(first.contains("t-SNE, perplexity 10") && first == page("second.html"));
}
