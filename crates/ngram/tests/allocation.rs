//! A query asks for no memory: not one word, not a batch, not a whole distribution.

mod common;

use std::alloc::System;

use common::{order, random_text, trained};
use lampwick_ngram::{BuildKind, Distribution, Model, Score};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn queries_do_not_allocate() {
    let table = trained(random_text(41, 800, 80), &order(5)).table;
    for kind in [
        BuildKind::Probing,
        BuildKind::Trie { quantize: false },
        BuildKind::Trie { quantize: true },
    ] {
        let model = Model::from_table(&table, kind).unwrap();
        let (mut room, mut row) = (Distribution::default(), Vec::new());
        let (mut states, mut scores) = (vec![model.start(); 20], vec![Score::default(); 20]);
        let sentences: Vec<u32> = (0..60).map(|n| n % 50).collect();
        let (ends, mut of_sentences) = ([20, 20, 31, 60], Vec::new());
        let mut run = || {
            let mut state = model.start();
            for &word in &sentences {
                state = model.score(&state, model.vocabulary().id(table.words().word(word))).1;
                model.distribution(&state, &mut room, &mut row);
            }
            model.score_batch(&mut states, &sentences[..20], &mut scores);
            model.score_sentences(&sentences, &ends, &mut of_sentences);
        };
        // Room for a distribution and for scores is the caller's, and made once.
        run();
        let region = Region::new(COUNTED);
        run();
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{kind:?}");
    }
}
