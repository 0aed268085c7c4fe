//! Scratch memory on cache-line boundaries, kept for the next call.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Vectors are loaded whole from one cache line when panels start on its boundary.
const ALIGN: usize = 64;

/// The most buffers kept, and the most floats in them: what a training step of a few layers uses.
const KEPT: usize = 64;
const KEPT_FLOATS: usize = 1 << 27;

static KEEP: Mutex<Vec<Buffer>> = Mutex::new(Vec::new());

/// Gives the memory that the kernels keep for their next call, at most 512 MiB, back to the
/// allocator.
pub fn release_memory() {
    KEEP.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// Memory for floats. Dropped buffers are kept and given out again, since the operating
/// system clears every page that a program takes anew, which costs more than a pass over the memory.
#[derive(Debug)]
struct Buffer {
    pointer: *mut f32,
    capacity: usize,
}

// SAFETY: a buffer owns its memory.
unsafe impl Send for Buffer {}
// SAFETY: through a shared buffer one only gets at its address.
unsafe impl Sync for Buffer {}

impl Buffer {
    fn allocate(len: usize) -> Self {
        let capacity = len.max(ALIGN);
        // Zeroed once, so that any float in it is one that was written.
        // SAFETY: the layout is not empty.
        let pointer = unsafe { alloc_zeroed(Self::layout(capacity)) }.cast::<f32>();
        if pointer.is_null() {
            handle_alloc_error(Self::layout(capacity));
        }
        Self { pointer, capacity }
    }

    fn layout(capacity: usize) -> Layout {
        Layout::from_size_align(capacity * size_of::<f32>(), ALIGN)
            .expect("a size below isize::MAX")
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: made by `allocate` with this layout.
        unsafe { dealloc(self.pointer.cast(), Self::layout(self.capacity)) }
    }
}

/// A buffer on loan, `len` floats of it in use; their values are unspecified.
#[derive(Debug)]
pub(crate) struct Scratch {
    buffer: Option<Buffer>,
    len: usize,
}

impl Scratch {
    /// At least `len` floats.
    pub(crate) fn new(len: usize) -> Self {
        let mut kept = KEEP.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that fits, unless it is far too large.
        let fits = |b: &Buffer| b.capacity >= len && b.capacity / 4 <= len.max(1 << 14);
        let best = (0..kept.len()).filter(|&i| fits(&kept[i])).min_by_key(|&i| kept[i].capacity);
        let buffer = match best {
            Some(i) => kept.remove(i),
            None => Buffer::allocate(len),
        };
        Self { buffer: Some(buffer), len }
    }

    /// Its start.
    pub(crate) fn pointer(&self) -> Shared {
        Shared(self.buffer.as_ref().expect("present until drop").pointer)
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `len` floats were asked for, and all were zeroed when allocated.
        unsafe { std::slice::from_raw_parts(self.pointer().at(0), self.len) }
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the loan is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.pointer().at(0), self.len) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut kept = KEEP.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(self.buffer.take());
        let floats = |kept: &[Buffer]| kept.iter().map(|b| b.capacity).sum::<usize>();
        while kept.len() > KEPT || floats(&kept) > KEPT_FLOATS {
            kept.remove(0); // the one unused for longest
        }
    }
}

/// A pointer that threads write through, each to places of its own.
#[derive(Clone, Copy)]
pub(crate) struct Shared(*mut f32);

// SAFETY: who makes one vouches that threads touch disjoint places, or only read.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// For writing, by threads in disjoint places.
    pub(crate) fn writing(slice: &mut [f32]) -> Self {
        Self(slice.as_mut_ptr())
    }

    /// For reading only.
    pub(crate) fn reading(slice: &[f32]) -> Self {
        Self(slice.as_ptr().cast_mut())
    }

    /// `offset` floats further.
    #[inline(always)]
    pub(crate) fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }

    /// The same, still shared.
    #[inline(always)]
    pub(crate) fn from(self, offset: usize) -> Self {
        Self(self.0.wrapping_add(offset))
    }
}
