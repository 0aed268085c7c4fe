//! Pictures of coloured shapes as PNG files, their captions on stdout: what `configs/seq2seq/caption.toml`
//! learns from, to look at and to caption.
//!
//! ```sh
//! cargo run --release --example draw_pictures -- pictures 5
//! ls pictures/*.png | lampwick translate runs/caption
//! ```

use std::path::PathBuf;

use lampwick::data::scenes::{Pictures, SceneConfig};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: draw_pictures FOLDER COUNT";
    let folder = PathBuf::from(arguments.next().ok_or_else(|| anyhow::anyhow!(usage))?);
    let count: u64 =
        arguments.next().unwrap_or_default().parse().map_err(|_| anyhow::anyhow!(usage))?;
    let pictures = Pictures::new(SceneConfig { seed: 1_000_000, ..SceneConfig::default() })?;
    for number in 0..count {
        let picture = pictures.picture(number);
        picture.write_png(folder.join(format!("{number}.png")))?;
        println!("{number}.png\t{}", picture.caption);
    }
    Ok(())
}
