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
    place.run(&["embed", "convert", "b.vec.gz", "c.txt"]).expect(0);
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
