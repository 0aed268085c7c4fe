use super::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const ALL: [Task; 4] = [
    Task::Adding { steps: 100 },
    Task::Adding { steps: 7 },
    Task::Copy { steps: 50 },
    Task::TemporalOrder { steps: 100 },
];

fn draw(task: Task, batch: usize) -> TaskBatch {
    task.check().unwrap();
    task.batch(batch, &mut ChaCha8Rng::seed_from_u64(5))
}

/// The symbol of each step of sequence `b`.
fn symbols(task: Task, drawn: &TaskBatch, b: usize) -> Vec<usize> {
    let width = task.inputs();
    (0..drawn.steps)
        .map(|t| {
            let step = &drawn.inputs[(t * drawn.batch + b) * width..][..width];
            assert_eq!(step.iter().sum::<f32>(), 1.0, "one symbol a step");
            step.iter().position(|&x| x == 1.0).unwrap()
        })
        .collect()
}

#[test]
fn the_seed_decides_and_shapes_are_as_said() {
    for task in ALL {
        let drawn = draw(task, 3);
        assert_eq!(drawn, draw(task, 3));
        assert_eq!(drawn.steps, task.steps());
        let tensor = drawn.input_tensor(&Device::flex());
        assert_eq!(tensor.dims(), [task.steps(), 3, task.inputs()]);
    }
    assert!(Task::Adding { steps: 1 }.check().is_err());
    assert!(Task::TemporalOrder { steps: 9 }.check().is_err());
    assert!(Task::Copy { steps: 0 }.check().is_err());
}

/// Monte Carlo: the mean squared error of the best constant is 1/6, within four standard errors.
#[test]
fn the_adding_problems_chance_is_the_best_constants_error() {
    let drawn = draw(Task::Adding { steps: 20 }, 40_000);
    let Targets::Value(sums) = &drawn.targets else { panic!("adding asks for values") };
    let n = sums.len() as f64;
    let mean = sums.iter().map(|&s| f64::from(s)).sum::<f64>() / n;
    assert!((mean - 1.0).abs() < 4.0 * (1.0 / 6.0 / n).sqrt(), "{mean}");
    let errors: Vec<f64> = sums.iter().map(|&s| (f64::from(s) - 1.0).powi(2)).collect();
    let error = errors.iter().sum::<f64>() / n;
    let variance = errors.iter().map(|e| (e - error).powi(2)).sum::<f64>() / n;
    let chance = Task::Adding { steps: 20 }.chance();
    assert!((error - chance).abs() < 4.0 * (variance / n).sqrt(), "{error} {chance}");
}

#[test]
fn the_marked_numbers_of_each_half_add_up() {
    let task = Task::Adding { steps: 9 };
    let drawn = draw(task, 50);
    let Targets::Value(sums) = &drawn.targets else { panic!("adding asks for values") };
    for (b, sum) in sums.iter().enumerate() {
        let step = |t: usize| &drawn.inputs[(t * 50 + b) * 2..][..2];
        let marked: Vec<usize> = (0..9).filter(|&t| step(t)[1] == 1.0).collect();
        assert!(marked.len() == 2 && marked[0] < 4 && marked[1] >= 4, "{marked:?}");
        assert_eq!(*sum, step(marked[0])[0] + step(marked[1])[0]);
        assert!((0..9).all(|t| (0.0..1.0).contains(&step(t)[0])));
    }
}

/// Monte Carlo: whoever knows when, but not what, pays the logarithm of what the symbols' observed
/// frequencies say: the formula, as the symbols are uniform and independent.
#[test]
fn copys_chance_is_the_cost_of_guessing_ten_symbols_of_eight() {
    let task = Task::Copy { steps: 50 };
    let drawn = draw(task, 4000);
    let Targets::Classes(targets) = &drawn.targets else { panic!("copy asks at each step") };
    let asked: Vec<u32> = targets.iter().copied().filter(|&symbol| symbol < 8).collect();
    assert_eq!(asked.len(), 10 * 4000);
    let mut entropy = 0.0;
    for symbol in 0..8 {
        let p = asked.iter().filter(|&&s| s == symbol).count() as f64 / asked.len() as f64;
        entropy -= p * p.ln();
    }
    let found = 10.0 * entropy / drawn.steps as f64;
    assert!((found / task.chance() - 1.0).abs() < 1e-3, "{found} {}", task.chance());
    assert!((Task::Copy { steps: 100 }.chance() - 0.1733).abs() < 1e-4, "as published");
}

#[test]
fn copy_asks_for_the_first_ten_symbols_at_the_end() {
    let task = Task::Copy { steps: 5 };
    let drawn = draw(task, 20);
    let Targets::Classes(targets) = &drawn.targets else { panic!("copy asks at each step") };
    for b in 0..20 {
        let seen = symbols(task, &drawn, b);
        assert_eq!(seen.len(), 25);
        assert!(seen[..10].iter().all(|&symbol| symbol < 8));
        assert_eq!(seen[14], 9, "the sign to begin, eleven steps before the end");
        assert!((10..25).filter(|&t| t != 14).all(|t| seen[t] == 8), "blanks");
        let asked: Vec<usize> = (0..25).map(|t| targets[t * 20 + b] as usize).collect();
        assert!(asked[..15].iter().all(|&symbol| symbol == 8));
        assert_eq!(asked[15..], seen[..10]);
    }
}

#[test]
fn temporal_orders_classes_are_equally_likely_and_right() {
    let task = Task::TemporalOrder { steps: 100 };
    let n = 8000;
    let drawn = draw(task, n);
    let Targets::Class(classes) = &drawn.targets else { panic!("one class a sequence") };
    let mut entropy = 0.0;
    for class in 0..4 {
        let p = classes.iter().filter(|&&c| c == class).count() as f64 / n as f64;
        entropy -= p * p.ln();
    }
    assert!((entropy / task.chance() - 1.0).abs() < 1e-3, "{entropy} {}", task.chance());
    assert!((task.chance() - 1.3863).abs() < 1e-4, "ln 4");
    for (b, &asked) in classes.iter().enumerate().take(100) {
        let seen = symbols(task, &drawn, b);
        let told: Vec<usize> = (0..100).filter(|&t| seen[t] == 4 || seen[t] == 5).collect();
        assert!(told.len() == 2 && (10..20).contains(&told[0]) && (50..60).contains(&told[1]));
        assert_eq!((seen[0], seen[99]), (6, 7));
        let class = 2 * (seen[told[0]] - 4) + (seen[told[1]] - 4);
        assert_eq!(class, asked as usize);
    }
}
