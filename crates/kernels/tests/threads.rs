//! The same bits whatever the number of threads.

mod common;

use common::{Case, all_cells};
use lampwick_kernels::{Direction, Sequence, recurrent};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn layers_give_the_same_bits_for_any_number_of_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for cell in all_cells() {
        // Large enough that the scan itself is shared, too.
        let case = Case::random(&mut rng, cell, [6, 24, 40, 300]);
        for direction in [Direction::Forward, Direction::Reverse] {
            let sequence = Sequence { direction, lengths: None };
            let results: Vec<_> = [1, 2, 3, 8]
                .into_iter()
                .map(|threads| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    pool.expect("threads")
                        .install(|| case.values_and_gradients(recurrent, sequence))
                })
                .collect();
            for other in &results[1..] {
                assert_eq!(&results[0], other, "{cell:?}");
            }
        }
    }
}
