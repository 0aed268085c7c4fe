//! Counts as Parquet shards, so that a cluster can count what one machine cannot.
//!
//! A row says how often the text has what begins at a position and goes on for `order` words, or to
//! the end of the sentence. For a sentence `a b` and order 3 the rows are `<s> a b`, `a b </s>`,
//! `b </s>` and `</s>`.
//!
//! | column | type | |
//! |---|---|---|
//! | `w1` | BYTE_ARRAY, with or without STRING | the first word, never null |
//! | `w2` .. `wN` | the same | the next words; null behind `</s>` |
//! | `count` | INT64 | how often, at least 1 |
//!
//! `<s>` stands in `w1` only, `</s>` is the last word. The number of word columns is the order. Rows
//! of one n-gram may stand in many shards, and several times in one: counts are added. What is written
//! here is sorted by the words' bytes, behind `<unk>`, `<s>` and `</s>`; what is read needs no order.
//!
//! DataFusion, and so Ballista, counts a table `text(line)` for order 3 by
//!
//! ```sql
//! SELECT w[p] AS w1, w[p + 1] AS w2, w[p + 2] AS w3, count(*) AS count
//! FROM (SELECT w, unnest(range(1, CAST(array_length(w) AS BIGINT) + 1)) AS p
//!       FROM (SELECT array_append(array_prepend('<s>',
//!                        array_remove_all(string_to_array(line, ' '), '')), '</s>') AS w
//!             FROM text))
//! GROUP BY w1, w2, w3
//! ```
//!
//! (`datafusion/tests/counts.rs` beside this crate holds that against [`write_shards`](crate::write_shards)),
//! and Spark by
//!
//! ```sql
//! WITH sentences AS (
//!   SELECT concat(array('<s>'), filter(split(line, '[ \\t]+'), w -> w <> ''), array('</s>')) AS w
//!   FROM text),
//! positions AS (SELECT w, explode(sequence(0, size(w) - 1)) AS i FROM sentences)
//! SELECT w[i] AS w1, get(w, i + 1) AS w2, get(w, i + 2) AS w3, count(*) AS count
//! FROM positions GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
//! ```
//!
//! - [`write`](mod@write): a text as shards
//! - [`read`](mod@read): shards, made by anyone, as a model

pub mod read;
pub mod write;

/// The name of the column of the n-th word, from 1.
fn word_column(n: usize) -> String {
    format!("w{n}")
}

/// The name of the column of counts.
const COUNT: &str = "count";
