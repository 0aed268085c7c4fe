//! A few threads that go through the same sequence of phases together.
//!
//! Every thread runs the same code; [`Crew::phase`] splits a phase's tasks into one range a thread,
//! each thread takes its own range first (so the weights that it streams stay in its cache from one
//! time step to the next), then helps with what the others have not begun. A phase ends when all
//! its tasks are done. Nobody waits for a thread that has not started, so a busy core or an occupied
//! thread pool costs time but never a deadlock; and as a task computes the same whoever runs it, the
//! results do not depend on the number of threads.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many times a waiting thread looks again before it lets others run.
const SPINS: usize = 4096;

/// A counter on cache lines of its own, so that threads do not disturb each other's.
#[repr(align(128))]
#[derive(Default)]
struct Counter(AtomicUsize);

/// What the threads share.
struct Shared {
    /// Tasks begun in each thread's range, over all phases.
    begun: Vec<Counter>,
    /// Tasks finished by anyone, over all phases.
    finished: Counter,
    /// A task panicked: nobody may wait for it.
    failed: AtomicBool,
}

/// Tells the others when its thread unwinds out of a task.
struct Tell<'a>(&'a AtomicBool);

impl Drop for Tell<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

/// One thread's view of the crew.
pub(crate) struct Crew<'a> {
    shared: Option<&'a Shared>,
    rank: usize,
    /// Where this phase's tasks start in each range's count: the same on every thread.
    base: Vec<Cell<usize>>,
    /// What `finished` must reach for the phases so far.
    target: Cell<usize>,
}

impl Crew<'_> {
    /// A crew of one, for a product inside a task.
    pub(crate) fn alone() -> Self {
        Crew { shared: None, rank: 0, base: Vec::new(), target: Cell::new(0) }
    }

    /// Runs `work` on up to `threads` threads: the caller's and the global rayon pool's.
    ///
    /// `work` may touch shared memory only inside the tasks of [`Crew::phase`], and must enter the
    /// same phases with the same numbers of tasks on every thread.
    pub(crate) fn run(threads: usize, work: impl Fn(&Crew<'_>) + Sync) {
        if threads <= 1 {
            return work(&Crew::alone());
        }
        let begun = (0..threads).map(|_| Counter::default()).collect();
        let shared = Shared { begun, finished: Counter::default(), failed: AtomicBool::new(false) };
        let member = |rank| {
            let base = (0..threads).map(|_| Cell::new(0)).collect();
            work(&Crew { shared: Some(&shared), rank, base, target: Cell::new(0) });
        };
        rayon::in_place_scope(|scope| {
            for rank in 1..threads {
                scope.spawn(move |_| member(rank));
            }
            member(0);
        });
    }

    /// Runs `task(0..tasks)`, each once, and returns when all have been run.
    pub(crate) fn phase(&self, tasks: usize, task: impl Fn(usize)) {
        self.turning_phase(tasks, false, task);
    }

    /// The same, each thread's tasks from last to first when `backward`: phases that go through the
    /// same memory and turn each time find what they used last still in the cache.
    pub(crate) fn turning_phase(&self, tasks: usize, backward: bool, task: impl Fn(usize)) {
        let Some(shared) = self.shared else {
            let turned = |i| if backward { tasks - 1 - i } else { i };
            return (0..tasks).map(turned).for_each(task);
        };
        let _tell = Tell(&shared.failed);
        let threads = self.base.len();
        let start = |range: usize| range * tasks / threads;
        for turn in 0..threads {
            let range = (self.rank + turn) % threads;
            let (first, count) = (start(range), start(range + 1) - start(range));
            let base = self.base[range].get();
            while let Some(i) = claim(&shared.begun[range].0, base, count) {
                task(first + if backward { count - 1 - i } else { i });
                shared.finished.0.fetch_add(1, Ordering::Release);
            }
            self.base[range].set(base + count);
        }
        self.target.set(self.target.get() + tasks);
        let mut looks = 0;
        while shared.finished.0.load(Ordering::Acquire) < self.target.get() {
            assert!(!shared.failed.load(Ordering::Acquire), "another thread of the crew panicked");
            looks += 1;
            if looks % SPINS == 0 {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

/// Takes the next of the tasks `base..base + count` of a range, if one is left.
fn claim(begun: &AtomicUsize, base: usize, count: usize) -> Option<usize> {
    let next = begun.load(Ordering::Relaxed);
    if next >= base + count {
        return None;
    }
    let mut next = next;
    loop {
        match begun.compare_exchange_weak(next, next + 1, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return Some(next - base),
            Err(now) if now >= base + count => return None,
            Err(now) => next = now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_and_phases_do_not_overlap() {
        for threads in [1, 2, 3, 8] {
            let phases = 50;
            let runs: Vec<AtomicUsize> = (0..phases * 7).map(|_| AtomicUsize::new(0)).collect();
            Crew::run(threads, |crew| {
                for phase in 0..phases {
                    crew.phase(7, |i| {
                        for before in &runs[..phase * 7] {
                            assert_eq!(before.load(Ordering::SeqCst), 1);
                        }
                        runs[phase * 7 + i].fetch_add(1, Ordering::SeqCst);
                    });
                }
            });
            assert!(runs.iter().all(|count| count.load(Ordering::SeqCst) == 1));
        }
    }

    #[test]
    fn a_panic_in_a_task_ends_the_crew() {
        let crew = || {
            Crew::run(4, |crew| {
                crew.phase(8, |i| assert!(i != 5, "task 5 fails"));
                crew.phase(8, |_| {});
            });
        };
        assert!(std::panic::catch_unwind(crew).is_err());
    }

    #[test]
    fn works_inside_the_pool_while_other_crews_run() {
        let total = AtomicUsize::new(0);
        rayon::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|_| {
                    Crew::run(4, |crew| {
                        for _ in 0..20 {
                            crew.phase(5, |_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            });
                        }
                    });
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), 8 * 20 * 5);
    }
}
