//! The same bytes whatever the threads: weights, optimiser, metrics, samples.

mod program;

use program::{Place, contents, on_a_cpu};

#[test]
fn one_two_and_eight_threads_give_the_same_bytes() {
    let place = Place::new().with_tiny_config();
    // Wide enough that every kernel splits its work: the scan's step alone has 4 x 32 x 256 x 256
    // multiplications.
    let wide = [
        "model.embedding=128",
        "model.hidden=256",
        "model.layers=2",
        "model.dropout_output=0.2",
        "batches.size=32",
        "batches.bptt.fixed=8",
        "budget.epochs=0",
        "budget.steps=12",
        "report.log_every=1",
        "regularization.clip_norm=1.0",
        "checkpoint.every_steps=5",
    ];
    let run = |threads: &str| {
        let arguments =
            [&["train", "tiny.toml", "--threads", threads, "--out", threads][..], &wide].concat();
        place.run(&arguments).expect(0);
        contents(&place.path(threads))
    };
    let one = run("1");
    assert!(one.keys().any(|name| name.ends_with("model.safetensors")));
    for threads in ["2", "8"] {
        let other = run(threads);
        assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (name, bytes) in &one {
            let same = *bytes == other[name];
            assert!(same || !on_a_cpu(), "{name} differs with {threads} threads");
        }
    }
}
