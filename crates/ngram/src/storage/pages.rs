//! Memory of the budget.

use std::sync::atomic::Ordering::Relaxed;

use memmap2::MmapMut;

use super::Storage;

/// A part of the budget that is taken.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: u64,
    storage: Storage,
}

/// Memory of the budget, zeros at first.
///
/// Pages that the system gives, and gets back as soon as they are dropped: an allocator keeps what was
/// freed for others, and arrays that grow side by side then leave holes.
#[derive(Debug)]
pub(crate) struct Pages {
    pub(super) map: MmapMut,
    _held: Held,
}

impl Storage {
    /// Takes `bytes` of the budget for what is in memory whatever is left.
    fn hold(&self, bytes: u64) -> Held {
        let used = self.shared.memory.fetch_add(bytes, Relaxed);
        debug_assert!(used.checked_add(bytes).is_some(), "more than any memory");
        Held { bytes, storage: self.clone() }
    }

    /// Takes `bytes` of the budget if they are left.
    fn reserve(&self, bytes: u64) -> Option<Held> {
        let fits = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= self.shared.budget);
        self.shared.memory.fetch_update(Relaxed, Relaxed, fits).ok()?;
        Some(Held { bytes, storage: self.clone() })
    }

    /// Memory, if the budget has room for it and the system gives it.
    pub(super) fn pages(&self, bytes: usize) -> Option<Pages> {
        let held = self.reserve(bytes as u64)?;
        Some(Pages { map: MmapMut::map_anon(bytes).ok()?, _held: held })
    }

    /// Memory, if the system gives it.
    pub(super) fn pages_whatever_is_left(&self, bytes: usize) -> Option<Pages> {
        let map = MmapMut::map_anon(bytes).ok().filter(|map| !map.is_empty())?;
        Some(Pages { map, _held: self.hold(bytes as u64) })
    }
}

impl Pages {
    /// The first `bytes` of some blocks in one piece, which becomes memory as they are let go of.
    /// Where the system does not give it, the blocks stay.
    pub(super) fn joined(blocks: &mut Vec<Self>, bytes: usize, storage: &Storage) -> Option<Self> {
        let mut map = MmapMut::map_anon(bytes).ok()?;
        let mut at = 0;
        for block in blocks.drain(..) {
            let length = block.map.len().min(bytes - at);
            map[at..at + length].copy_from_slice(&block.map[..length]);
            at += length;
        }
        // Not more than the blocks held.
        Some(Self { map, _held: storage.hold(bytes as u64) })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.storage.shared.memory.fetch_sub(self.bytes, Relaxed);
    }
}
