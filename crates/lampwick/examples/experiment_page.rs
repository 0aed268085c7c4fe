//! Writes the results of `cargo xtask experiment`, which sends them as one JSON object on stdin.
//! Not meant to be run by hand.

use std::io::Read;
use std::path::Path;

use lampwick::training::report::results::{self, ResultsPage};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let mut question: Value = serde_json::from_str(&text)?;
    let page: ResultsPage = serde_json::from_value(question["page"].take())?;
    let folder = question["folder"].as_str().ok_or("no folder")?;
    let markdown = question["markdown"].as_str().ok_or("no markdown")?;
    results::write(Path::new(folder), &page, markdown)?;
    Ok(())
}
