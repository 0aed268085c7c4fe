use super::*;

fn numbers(n: u32) -> Tokens {
    (0..n).collect::<Vec<_>>().into()
}

/// Reads the streams back out of the windows.
fn streams(batches: impl Iterator<Item = BpttBatch>) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for window in batches {
        inputs.resize(window.batch, Vec::new());
        targets.resize(window.batch, Vec::new());
        assert_eq!(window.inputs.len(), window.steps * window.batch);
        for (i, (&input, &target)) in window.inputs.iter().zip(&window.targets).enumerate() {
            inputs[i % window.batch].push(input);
            targets[i % window.batch].push(target);
        }
    }
    (inputs, targets)
}

#[test]
fn a_window_is_dealt_stream_by_stream() {
    let whole = BpttBatches::new(numbers(103), 5, BpttLength::Fixed(7), 3).unwrap().next().unwrap();
    let parts = [whole.streams(0..2), whole.streams(2..5)];
    assert_eq!((parts[0].batch, parts[1].batch, parts[1].steps), (2, 3, 7));
    for t in 0..7 {
        let rows = |of: fn(&BpttBatch) -> &[u32]| {
            let row = |part: &BpttBatch| of(part)[t * part.batch..(t + 1) * part.batch].to_vec();
            assert_eq!([row(&parts[0]), row(&parts[1])].concat(), row(&whole));
        };
        rows(|batch| &batch.inputs);
        rows(|batch| &batch.targets);
    }
}

#[test]
fn streams_are_contiguous_and_targets_come_next() {
    for length in [BpttLength::Fixed(1), BpttLength::Fixed(7), BpttLength::random(9)] {
        let batches = BpttBatches::new(numbers(103), 4, length, 3).unwrap();
        assert_eq!((batches.tokens_per_epoch(), batches.tokens_cut_off()), (96, 3));
        let (inputs, targets) = streams(batches);
        for b in 0..4_u32 {
            assert!(inputs[b as usize].iter().copied().eq(b * 25..b * 25 + 24));
            assert!(targets[b as usize].iter().copied().eq(b * 25 + 1..b * 25 + 25));
        }
    }
}

#[test]
fn a_restored_position_continues_with_identical_batches() {
    let new = || BpttBatches::new(numbers(5000), 3, BpttLength::random(20), 11).unwrap();
    let mut running = new();
    for _ in 0..2 {
        running.by_ref().for_each(drop);
        running.start_epoch();
    }
    running.nth(17);
    let saved = serde_json::to_string(&running.position()).unwrap();
    let mut resumed = new();
    resumed.restore(&serde_json::from_str(&saved).unwrap()).unwrap();
    for _ in 0..3 {
        assert!(running.by_ref().eq(resumed.by_ref()));
        assert_eq!(running.position(), resumed.position());
        running.start_epoch();
        resumed.start_epoch();
    }
    let mut other = BpttBatches::new(numbers(4000), 3, BpttLength::random(20), 11).unwrap();
    assert!(other.restore(&running.position()).is_err());
}

#[test]
fn random_lengths_follow_their_law() {
    // Enough windows for the mean: .95 * 70 + .05 * 35 = 68.25, minus .5 for the floor.
    let mut batches = BpttBatches::new(numbers(300_000), 1, BpttLength::random(70), 5).unwrap();
    let mut lengths: Vec<_> = batches.by_ref().map(|window| window.steps).collect();
    lengths.pop();
    let n = lengths.len() as f64;
    let mean = lengths.iter().sum::<usize>() as f64 / n;
    assert!((mean - 67.75).abs() < 0.8, "{mean}");
    let short = lengths.iter().filter(|&&length| length < 52).count() as f64 / n;
    assert!((short - 0.05).abs() < 0.012, "{short}");
    let long: Vec<_> = lengths.iter().filter(|&&length| length >= 52).map(|&l| l as f64).collect();
    let centre = long.iter().sum::<f64>() / long.len() as f64;
    let variance = long.iter().map(|l| (l - centre).powi(2)).sum::<f64>() / long.len() as f64;
    assert!((variance.sqrt() - 5.0).abs() < 0.3, "{variance}");
    assert!((batches.windows_per_epoch() as f64 / n - 1.0).abs() < 0.02);
    let tiny = BpttLength::Random { mean: 1, short_probability: 0.5, std: 3.0, min: 5 };
    let windows = BpttBatches::new(numbers(400), 1, tiny, 5).unwrap();
    let steps: Vec<_> = windows.map(|window| window.steps).collect();
    assert!(steps[..steps.len() - 1].iter().all(|&length| length >= 5));
}

#[test]
fn impossible_settings_are_errors_with_a_mend() {
    let new = |n, batch, length| BpttBatches::new(numbers(n), batch, length, 0);
    let error = new(100, 10, BpttLength::Fixed(10)).unwrap_err();
    assert!(error.to_string().contains("batch of at most 9"), "{error}");
    assert!(matches!(error, DataError::StreamTooShort { stream: 10, needed: 11, .. }));
    assert!(new(110, 10, BpttLength::Fixed(10)).is_ok());
    assert!(new(100, 10, BpttLength::random(10)).is_err());
    assert!(new(0, 1, BpttLength::Fixed(1)).is_err());
    for (batch, length) in [
        (0, BpttLength::Fixed(1)),
        (1, BpttLength::Fixed(0)),
        (1, BpttLength::random(0)),
        (1, BpttLength::Random { mean: 9, short_probability: f64::NAN, std: 1.0, min: 1 }),
        (1, BpttLength::Random { mean: 9, short_probability: 0.1, std: -1.0, min: 1 }),
        (1, BpttLength::Random { mean: 9, short_probability: 0.1, std: 1.0, min: 0 }),
    ] {
        assert!(matches!(new(100, batch, length), Err(DataError::Setting { .. })));
    }
}

#[test]
fn evaluation_scores_each_token_once_after_its_predecessor() {
    for (n, batch, length) in [(1, 1, 5), (40, 1, 7), (43, 4, 3), (12, 12, 1), (41, 2, 100)] {
        let batches = EvaluationBatches::new(numbers(n), batch, length, Some(999)).unwrap();
        let (scored, windows) = (batches.tokens_scored(), batches.windows());
        assert_eq!(batches.tokens_cut_off(), n as usize % batch);
        assert_eq!(windows, batches.clone().count());
        let (inputs, targets) = streams(batches);
        assert!(targets.concat().into_iter().eq(0..scored as u32));
        let before = |target: u32| if target == 0 { 999 } else { target - 1 };
        assert!(inputs.concat().into_iter().eq((0..scored as u32).map(before)));
    }
    let without = EvaluationBatches::new(numbers(10), 3, 2, None).unwrap();
    assert_eq!((without.tokens_scored(), without.tokens_cut_off()), (9, 1));
    assert!(streams(without).1.concat().into_iter().eq(1..10));
    assert!(EvaluationBatches::new(numbers(1), 1, 2, None).is_err());
    assert!(EvaluationBatches::new(numbers(9), 1, 0, None).is_err());
    assert!(EvaluationBatches::new(numbers(0), 1, 3, Some(0)).is_err());
}

#[test]
fn tensors_are_time_major() {
    let mut batches = BpttBatches::new(numbers(11), 2, BpttLength::Fixed(3), 0).unwrap();
    let (inputs, targets) = batches.next().unwrap().to_tensors(&burn::tensor::Device::default());
    assert_eq!(inputs.dims(), [3, 2]);
    assert_eq!(inputs.try_into_vec_as::<i64>().unwrap(), [0, 5, 1, 6, 2, 7]);
    assert_eq!(targets.try_into_vec_as::<i64>().unwrap(), [1, 6, 2, 7, 3, 8]);
}
