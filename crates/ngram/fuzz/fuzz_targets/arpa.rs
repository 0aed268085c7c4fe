//! The ARPA reader: any bytes are a model or an error, and a model can be asked and written.
#![no_main]

use lampwick_ngram::{BuildKind, Model, Silent, Source, arpa};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(table) = arpa::read(Source::bytes("fuzz", bytes), &Silent) else { return };
    let mut text = Vec::new();
    arpa::write(&table, &mut text, &Silent).unwrap();
    let again = arpa::read(Source::bytes("written", text), &Silent).unwrap();
    assert_eq!(again.counts(), table.counts());
    let size = table.words().len() as u32;
    let tries = [BuildKind::Trie { quantize: false }, BuildKind::Compact { quantize: true }];
    for kind in [BuildKind::Probing].into_iter().chain(tries) {
        let model = Model::from_table(&table, kind).unwrap();
        let mut state = model.start();
        let mut context = vec![1];
        for word in (0..size).take(20).chain([2, 0]) {
            let score = model.advance(&mut state, word);
            let (expected, length) = table.log10(&context, word);
            // Backoffs may be of any size, and sums of many are rounded in either order.
            let near = (score.log10 - expected).abs() <= 1e-3 * (1.0 + expected.abs());
            assert!(near || !expected.is_finite(), "{score:?}, not {expected}");
            assert_eq!(score.ngram as usize, length);
            context.push(word);
        }
    }
});
