//! The spawned program, killed by SIGKILL at random instants and resumed each time, ends with the
//! bytes of a run that nobody touched: every checkpoint, the metrics, the samples.
//!
//! LAMPWICK_KILLS sets how many kills (`cargo xtask torture`), LAMPWICK_SEED which instants.

mod program;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use program::{Place, contents, on_a_cpu};

/// Small steps and many checkpoints: of a process's life, most is writing.
const STEPS: [&str; 6] = [
    "budget.epochs=6",
    "checkpoint.every_steps=10",
    "checkpoint.every_minutes=0.0",
    "report.log_every=3",
    "sampling.count_per_epoch=1",
    "model.dropout_output=0.2",
];

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a whole number"))
}

/// SplitMix64 (Steele et al. 2014), in `[0, 1)`.
fn random(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Begins the run, or goes on with it where it has begun.
fn spawn(place: &Place, run: &str) -> Child {
    let resume = ["train", "--resume", run];
    let train = [&["train", "tiny.toml", "--out", run][..], &STEPS].concat();
    let begun = place.path(run).join("config.toml").exists();
    let mut command = place.command(if begun { &resume } else { &train });
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits, and panics unless it ended well by itself.
#[track_caller]
fn expect_end(child: Child, seed: u64) {
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "seed {seed}: {}\n{errors}", output.status);
}

#[test]
fn killed_at_random_instants_a_run_ends_with_the_bytes_of_one_that_was_not() {
    let (kills, seed) = (number("LAMPWICK_KILLS", 20), number("LAMPWICK_SEED", 1));
    let place = Place::new().with_tiny_config();
    let begin = Instant::now();
    expect_end(spawn(&place, "whole"), seed);
    let mut whole = begin.elapsed();
    let expected = contents(&place.path("whole"));
    assert!(expected.keys().any(|name| name.ends_with("optimizer.bpk")), "{:?}", expected.keys());

    let begin = Instant::now();
    let (mut killed, mut runs, mut state) = (0, 0, seed);
    while killed < kills {
        let run = format!("run-{runs}");
        // To the end of the run, or until it has been killed often enough.
        loop {
            let begun = place.path(&run).exists();
            let start = Instant::now();
            let mut child = spawn(&place, &run);
            if killed < kills {
                std::thread::sleep(Duration::from_secs_f64(
                    0.4 * whole.as_secs_f64() * random(&mut state),
                ));
                if child.try_wait().unwrap().is_none() {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    killed += 1;
                    if killed % 50 == 0 {
                        let seconds = begin.elapsed().as_secs();
                        println!("{killed} of {kills} kills, {runs} runs ended, {seconds} s");
                    }
                    continue;
                }
            }
            expect_end(child, seed);
            if !begun {
                whole = whole.min(start.elapsed()); // the first process of all is slower
            }
            break;
        }
        let found = contents(&place.path(&run));
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>(),
            "seed {seed}, {killed} kills: other files"
        );
        for (name, bytes) in &expected {
            let same = found[name] == *bytes;
            assert!(same || !on_a_cpu(), "seed {seed}, {killed} kills: {run}/{name} differs");
        }
        std::fs::remove_dir_all(place.path(&run)).unwrap();
        runs += 1;
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{killed} kills over {runs} runs in {seconds:.0} s (seed {seed}; a run alone takes {:.2} s): \
         every run ended with the same {} files",
        whole.as_secs_f64(),
        expected.len()
    );
}
