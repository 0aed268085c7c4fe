//! Rows that nearly every window changes: each thread has copies of its own.
//!
//! The root of a Huffman tree stands on every word's way, the nodes below it on every second and fourth. Where
//! several threads write to such a row at each window, its cache lines go from core to core all the time, and
//! threads wait for them more than they compute. So a thread changes a copy, and after a few changes adds what
//! it changed to the shared row, and takes over what the others have (Dean et al. 2012, "Downpour SGD", with a
//! row for a model). Between, it does not see their changes, as it does not see those of a window that is
//! under way; a row's changes are few enough that this is the same descent.

use std::ops::Range;

use super::matrix::{Rows, Shared, WithCopies};
use super::step::Aligned;
use super::unit::Outputs;
use crate::simd::{Isa, LANES, Simd, Task};

/// The most rows that are copied: threads seldom meet at those below.
const MOST_ROWS: u32 = 256;

/// Words of a unit for each row: a unit begins by copying all.
const WORDS_A_ROW: usize = 8;

/// Changes of a row, by all threads together, that a thread may miss.
const MISSED: usize = 32;

/// A thread's copies of some rows.
pub(super) struct Hot {
    rows: Range<u32>,
    vectors: usize,
    isa: Isa,
    /// Changes after which a copy is merged.
    most: u32,
    /// Of each row: its copy.
    copies: Vec<Aligned>,
    /// Of each row: the shared one when it was copied.
    before: Vec<Aligned>,
    /// Of each copy: its changes.
    changes: Vec<u32>,
}

impl Hot {
    /// For one of so many threads, which train units of so many words: copies of the heaviest nodes of the
    /// tree, none where the thread is alone.
    pub(super) fn new(outputs: &Outputs, unit: usize, threads: usize, vectors: usize) -> Self {
        let rows = match outputs {
            Outputs::Codes(codes) if threads > 1 => {
                codes.heaviest(MOST_ROWS.min((unit / WORDS_A_ROW) as u32))
            }
            _ => 0..0,
        };
        let copies = vec![Aligned::default(); rows.len() * vectors];
        Self {
            vectors,
            isa: Isa::best(),
            most: (MISSED / threads).max(1) as u32,
            before: copies.clone(),
            copies,
            changes: vec![0; rows.len()],
            rows,
        }
    }

    /// Whether no row is copied.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The matrix with the copies in place of its own rows, which they equal now.
    pub(super) fn enter<'a>(&mut self, matrix: Shared<'a>) -> WithCopies<'a> {
        for copy in 0..self.changes.len() {
            self.merge(copy, matrix);
        }
        matrix.with_copies(self.rows.clone(), self.copies.as_mut_ptr().cast())
    }

    /// Counts the changes of a window.
    pub(super) fn changed(&mut self, outputs: &[u32], matrix: Shared<'_>) {
        if self.is_empty() {
            return;
        }
        let Range { start, end } = self.rows;
        for &row in outputs {
            let copy = row.wrapping_sub(start);
            if copy < end - start {
                let copy = copy as usize;
                self.changes[copy] += 1;
                if self.changes[copy] >= self.most {
                    self.merge(copy, matrix);
                }
            }
        }
    }

    /// Adds all that is left to the matrix.
    pub(super) fn leave(&mut self, matrix: Shared<'_>) {
        for copy in 0..self.changes.len() {
            if self.changes[copy] > 0 {
                self.merge(copy, matrix);
            }
        }
    }

    fn merge(&mut self, copy: usize, matrix: Shared<'_>) {
        let changed = std::mem::take(&mut self.changes[copy]) > 0;
        let (at, vectors) = (copy * self.vectors, self.vectors);
        // By pointers, for the copies are reached by one from outside.
        let merge = Merge {
            shared: matrix.row(self.rows.start + copy as u32),
            copy: self.copies.as_mut_ptr().wrapping_add(at).cast(),
            before: self.before.as_mut_ptr().wrapping_add(at).cast(),
            vectors,
            changed,
        };
        // SAFETY: the row is one of the matrix, whose rows have `vectors` vectors, as the copies have.
        unsafe { self.isa.run(merge) };
    }
}

/// `shared += copy - before`, and both are what is shared then.
struct Merge {
    shared: *mut f32,
    copy: *mut f32,
    before: *mut f32,
    vectors: usize,
    changed: bool,
}

impl Task for Merge {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { shared, copy, before, vectors, changed } = self;
        for at in (0..vectors).map(|v| v * LANES) {
            // SAFETY: the caller's promise.
            unsafe {
                let mut row = S::load(shared.add(at));
                if changed {
                    row = S::add(row, S::sub(S::load(copy.add(at)), S::load(before.add(at))));
                    S::store(shared.add(at), row);
                }
                S::store(copy.add(at), row);
                S::store(before.add(at), row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::huffman::Codes;
    use super::super::matrix::Matrix;
    use super::*;

    #[test]
    fn what_two_threads_add_to_copies_is_all_in_the_matrix() {
        const CHANGES: usize = 101;
        let mut matrix = Matrix::zeros(40, 20).unwrap();
        matrix.row_mut(38).fill(3.0);
        let outputs = Outputs::Codes(Codes::new(&[1; 41]));
        {
            let shared = matrix.shared();
            let mut threads = [1.0, 10.0].map(|step| {
                let mut hot = Hot::new(&outputs, 80, 2, shared.vectors());
                let copied = hot.enter(shared);
                (hot, copied, step)
            });
            // Ten rows are copied; row 29 is none of them.
            assert_eq!(threads[0].1.row(29), shared.row(29));
            assert_ne!(threads[0].1.row(30), shared.row(30));
            for _ in 0..CHANGES {
                for (hot, copied, step) in &mut threads {
                    for row in [39, 38] {
                        // SAFETY: a row of 20 numbers, and nothing else reads or writes it.
                        let numbers =
                            unsafe { std::slice::from_raw_parts_mut(copied.row(row), 20) };
                        numbers.iter_mut().for_each(|x| *x += *step);
                    }
                    hot.changed(&[39, 38], shared);
                }
            }
            // What a thread has not merged is less than what it may keep.
            // SAFETY: as above.
            let seen = unsafe { *shared.row(39) };
            let most = (CHANGES * 11) as f32;
            assert!(seen < most && seen > most - (MISSED / 2 * 11) as f32, "{seen}");
            threads.iter_mut().for_each(|(hot, ..)| hot.leave(shared));
        }
        assert_eq!(matrix.row(39), [(CHANGES * 11) as f32; 20]);
        assert_eq!(matrix.row(38), [(CHANGES * 11 + 3) as f32; 20]);
        assert_eq!(matrix.row(37), [0.0; 20]);
    }

    #[test]
    fn a_thread_alone_has_no_copies() {
        let outputs = Outputs::Codes(Codes::new(&[1; 41]));
        assert!(Hot::new(&outputs, 80, 1, 2).is_empty());
        let outputs = Outputs::Codes(Codes::new(&[1]));
        assert!(Hot::new(&outputs, 80, 2, 2).is_empty());
    }
}
