//! The matrices that are trained: rows padded to whole vectors, shared by all threads.

use std::ops::Range;

use memmap2::MmapMut;
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::error::{EmbeddingError, Result};
use crate::simd::LANES;

/// Rows that one stream of random numbers fills: the same for any number of threads.
const ROWS_A_STREAM: usize = 1024;

/// A matrix whose rows start at multiples of 64 bytes, in large pages where the system has them: a
/// row far away then costs its cache lines and no walk through page tables.
pub(crate) struct Matrix {
    map: MmapMut,
    rows: usize,
    dim: usize,
    stride: usize,
}

impl Matrix {
    /// Zeros.
    pub(crate) fn zeros(rows: usize, dim: usize) -> Result<Self> {
        let stride = dim.next_multiple_of(LANES);
        let bytes = rows.checked_mul(stride).and_then(|floats| floats.checked_mul(4));
        let refused = |source| {
            EmbeddingError::Setting(format!(
                "no memory for {rows} rows of {dim} numbers ({source}); take fewer words \
                 (--min-count, --vocabulary-size), fewer buckets or fewer dimensions"
            ))
        };
        let Some(bytes) = bytes.filter(|&bytes| bytes <= isize::MAX as usize) else {
            return Err(refused("too many".into()));
        };
        let map = MmapMut::map_anon(bytes.max(64)).map_err(|error| refused(error.to_string()))?;
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self { map, rows, dim, stride })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    fn floats(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.map)[..self.rows * self.stride]
    }

    fn floats_mut(&mut self) -> &mut [f32] {
        let floats = self.rows * self.stride;
        &mut bytemuck::cast_slice_mut(&mut self.map)[..floats]
    }

    /// Fills the rows from `first` on with numbers between `-limit` and `limit`.
    pub(crate) fn randomize(&mut self, first: usize, limit: f32, seed: u64) {
        let (dim, stride) = (self.dim, self.stride);
        let parts = self.floats_mut().par_chunks_mut(ROWS_A_STREAM * stride).enumerate();
        parts.for_each(|(part, rows)| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(part as u64);
            for (row, numbers) in rows.chunks_mut(stride).enumerate() {
                if part * ROWS_A_STREAM + row >= first {
                    numbers[..dim].fill_with(|| (random.random::<f32>() * 2.0 - 1.0) * limit);
                }
            }
        });
    }

    /// A row without its padding.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.floats()[row * self.stride..][..self.dim]
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let (dim, stride) = (self.dim, self.stride);
        &mut self.floats_mut()[row * stride..][..dim]
    }

    /// The matrix for threads that all write to it.
    pub(crate) fn shared(&mut self) -> Shared<'_> {
        let stride = self.stride;
        Shared {
            first: self.floats_mut().as_mut_ptr(),
            stride,
            rows: self.rows,
            lifetime: std::marker::PhantomData,
        }
    }
}

/// A matrix that several threads write to without locks (Niu et al., "Hogwild!", 2011): an update may
/// be lost where two threads change one row at the same time, which the method allows.
///
/// The rows are reached by raw pointers alone, in whole vectors: no reference to them exists while
/// threads run.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    first: *mut f32,
    stride: usize,
    rows: usize,
    lifetime: std::marker::PhantomData<&'a mut [f32]>,
}

// SAFETY: floats have no invalid bits; whatever mixture of two updates a thread reads is a number.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

/// Where the rows of a matrix are.
pub(crate) trait Rows: Copy {
    /// Where a row starts.
    fn row(&self, row: u32) -> *mut f32;
}

impl Rows for Shared<'_> {
    #[inline(always)]
    fn row(&self, row: u32) -> *mut f32 {
        debug_assert!((row as usize) < self.rows);
        self.first.wrapping_add(row as usize * self.stride)
    }
}

/// A matrix some of whose rows are copied elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct WithCopies<'a> {
    matrix: Shared<'a>,
    /// The first of the rows that are copied, and how many they are.
    first: u32,
    copied: u32,
    /// Where row 0 would be if all rows were copied.
    copies: *mut f32,
}

impl Rows for WithCopies<'_> {
    #[inline(always)]
    fn row(&self, row: u32) -> *mut f32 {
        if row.wrapping_sub(self.first) < self.copied {
            self.copies.wrapping_add(row as usize * self.matrix.stride)
        } else {
            self.matrix.row(row)
        }
    }
}

impl<'a> Shared<'a> {
    /// The matrix with copies of these rows, which lie as the matrix' own.
    pub(crate) fn with_copies(self, rows: Range<u32>, copies: *mut f32) -> WithCopies<'a> {
        WithCopies {
            matrix: self,
            first: rows.start,
            copied: rows.end - rows.start,
            copies: copies.wrapping_sub(rows.start as usize * self.stride),
        }
    }

    /// Vectors of 16 floats of a row.
    #[inline(always)]
    pub(crate) fn vectors(&self) -> usize {
        self.stride / LANES
    }
}
