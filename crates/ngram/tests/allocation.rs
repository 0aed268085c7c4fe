//! A query asks for no memory: not one word, not a batch, not a whole distribution.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{order, random_text, trained};
use lampwick_ngram::{BuildKind, Distribution, Model, Score};

/// The system's allocator, which counts what each thread asks for.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: each call is the system allocator's own, with what the caller vouches for. What is not here
// (zeroed memory, another size) comes by the trait's own ways through `alloc`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller's; `alloc` gave the pointer.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[test]
fn queries_do_not_allocate() {
    let table = trained(random_text(41, 800, 80), &order(5)).table;
    for kind in [
        BuildKind::Probing,
        BuildKind::Trie { quantize: false },
        BuildKind::Trie { quantize: true },
        BuildKind::Compact { quantize: false },
        BuildKind::Compact { quantize: true },
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
        let before = ASKED.get();
        assert!(before > 0, "what models are built in was asked for");
        run();
        assert_eq!(ASKED.get() - before, 0, "{kind:?}");
    }
}
