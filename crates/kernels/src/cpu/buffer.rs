//! Scratch memory on cache-line boundaries, kept for the next call.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::sync::Mutex;

/// Vectors are loaded whole from one cache line when panels start on its boundary.
const ALIGN: usize = 64;

/// The most buffers kept: as many as one backward pass uses.
const KEPT: usize = 16;

static KEEP: Mutex<Vec<Buffer>> = Mutex::new(Vec::new());

/// Floats of unspecified value. Dropped buffers are kept and given out again, since the kernel
/// clears every page that a program takes anew, which costs as much as a pass over the memory.
pub(crate) struct Buffer {
    pointer: *mut f32,
    capacity: usize,
}

// SAFETY: a buffer owns its memory.
unsafe impl Send for Buffer {}
// SAFETY: through a shared buffer one only gets at its address.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// At least `len` floats.
    pub(crate) fn new(len: usize) -> Scratch {
        let mut kept = KEEP.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The smallest that fits, unless it is far too large.
        let fits = |b: &Buffer| b.capacity >= len && b.capacity / 4 <= len.max(1 << 14);
        let best = (0..kept.len()).filter(|&i| fits(&kept[i])).min_by_key(|&i| kept[i].capacity);
        Scratch(Some(match best {
            Some(i) => kept.swap_remove(i),
            None => Buffer::allocate(len),
        }))
    }

    fn allocate(len: usize) -> Self {
        let capacity = len.max(ALIGN);
        // SAFETY: the layout is not empty.
        let pointer = unsafe { alloc(Self::layout(capacity)) }.cast::<f32>();
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

/// A [`Buffer`] on loan.
pub(crate) struct Scratch(Option<Buffer>);

impl Scratch {
    /// Its start.
    pub(crate) fn pointer(&self) -> Shared {
        Shared(self.0.as_ref().expect("present until drop").pointer)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut kept = KEEP.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() == KEPT {
            // Let the smallest go: it is the cheapest to make again.
            let smallest = (0..KEPT).min_by_key(|&i| kept[i].capacity);
            smallest.map(|i| kept.swap_remove(i));
        }
        kept.extend(self.0.take());
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
