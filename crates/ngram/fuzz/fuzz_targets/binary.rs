//! The binary reader: any bytes are refused, or can be asked without harm.
#![no_main]

use lampwick_ngram::{Distribution, Model};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Sealed, or no change behind the header's own hash would ever be reached.
    let mut sealed = bytes.to_vec();
    lampwick_ngram::fuzzing::seal(&mut sealed);
    for bytes in [bytes, &sealed] {
        let Ok(model) = Model::from_bytes(bytes, "fuzz") else { continue };
        let _ = model.verify();
        let mut state = model.start();
        for word in 0..40 {
            model.advance(&mut state, word);
            model.vocabulary().word(word);
        }
        model.vocabulary().id(b"the");
        let (mut room, mut row) = (Distribution::default(), Vec::new());
        model.distribution(&state, &mut room, &mut row);
        let _ = model.to_table();
    }
});
