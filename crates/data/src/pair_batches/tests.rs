//! Batches of pairs.

use super::*;

fn pairs(count: usize) -> IdPairs {
    let mut pairs = IdPairs::default();
    for index in 0..count {
        let source: Vec<u32> = (0..1 + index * 7 % 13).map(|n| n as u32 + 1).collect();
        let target: Vec<u32> = (0..index * 5 % 11).map(|n| n as u32 + 1).collect();
        pairs.push(&source, &target);
    }
    pairs
}

#[test]
fn a_batch_is_padded_time_major() {
    let mut pairs = IdPairs::default();
    pairs.push(&[5, 6], &[7]);
    pairs.push(&[8], &[9, 4, 3]);
    let batch = PairBatch::new(&pairs, vec![1, 0], 2);
    assert_eq!(batch.source, [8, 5, 0, 6]);
    assert_eq!(batch.source_lengths, [1, 2]);
    assert_eq!(batch.inputs, [2, 2, 9, 7, 4, 0, 3, 0]);
    assert_eq!(batch.targets, [9, 7, 4, 2, 3, -1, 2, -1]);
    assert_eq!(batch.target_lengths, [4, 2]);
}

#[test]
fn an_epoch_holds_every_pair_once_and_no_batch_too_much() {
    let pairs = pairs(1000);
    for size in [BatchSize::Sentences(7), BatchSize::Tokens(60), BatchSize::Tokens(3)] {
        let mut batches = PairBatches::new(&pairs, size, 1).unwrap();
        let mut orders = Vec::new();
        for _ in 0..2 {
            let all: Vec<Vec<usize>> = batches.by_ref().collect();
            assert_eq!(all.len(), batches.per_epoch());
            for batch in &all {
                let steps = batch.iter().map(|&i| pairs.steps(i)).max().unwrap();
                assert!(match size {
                    BatchSize::Sentences(n) => batch.len() <= n,
                    BatchSize::Tokens(n) => batch.len() * steps <= n || batch.len() == 1,
                });
            }
            let order: Vec<usize> = all.into_iter().flatten().collect();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
            orders.push(order);
            batches.start_epoch();
        }
        assert_ne!(orders[0], orders[1], "each epoch has an order of its own");
    }
}

#[test]
fn a_restored_position_gives_the_same_batches() {
    let pairs = pairs(300);
    let mut batches = PairBatches::new(&pairs, BatchSize::Tokens(50), 9).unwrap();
    batches.start_epoch();
    batches.by_ref().take(5).for_each(drop);
    let mut again = PairBatches::new(&pairs, BatchSize::Tokens(50), 9).unwrap();
    again.restore(batches.position()).unwrap();
    assert_eq!(again.collect::<Vec<_>>(), batches.collect::<Vec<_>>());
    let mut other = PairBatches::new(&pairs, BatchSize::Tokens(50), 9).unwrap();
    assert!(other.restore(PairPosition { epoch: 1, taken: 1 << 30 }).is_err());
    assert!(PairBatches::new(&IdPairs::default(), BatchSize::Tokens(50), 9).is_err());
    assert!(PairBatches::new(&pairs, BatchSize::Sentences(0), 9).is_err());
}

#[test]
fn the_shuffle_is_uniform() {
    let mut counts = [0u32; 6];
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..60_000 {
        let mut items = [0, 1, 2];
        shuffle(&mut items, &mut rng);
        counts[items[0] * 2 + usize::from(items[1] > items[2])] += 1;
    }
    assert!(counts.iter().all(|&n| n.abs_diff(10_000) < 500), "{counts:?}");
}
