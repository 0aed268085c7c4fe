//! Recurrent weights, packed once for all steps of a scan.

use super::buffer::{Scratch, Shared};
use super::crew::Crew;
use super::gemm::blocks;
use super::layer::Units;
use super::pack::{Matrix, PackPanel};
use super::simd::Isa;
use super::tile::width;

/// Panels of `k` rows: for each share of the hidden units, one for each of `parts` matrices, so that
/// a task of a step reads all its weights in one run.
#[derive(Debug)]
pub(crate) struct PackedWeights {
    isa: Isa,
    data: Scratch,
    k: usize,
    parts: usize,
}

impl PackedWeights {
    /// Room for `parts` matrices `[k, hidden]`.
    pub(crate) fn new(isa: Isa, k: usize, hidden: usize, parts: usize) -> Self {
        let width = 2 * isa.lanes();
        Self { isa, data: Scratch::new(hidden.div_ceil(width) * width * k * parts), k, parts }
    }

    /// Packs the matrices, as one phase of the crew.
    pub(crate) fn pack(&self, crew: &Crew<'_>, units: &[Units], part: impl Fn(usize) -> Matrix) {
        let k_blocks: Vec<_> = blocks(self.k).collect();
        let panels = units.len() * self.parts;
        crew.phase(panels * k_blocks.len(), |task| {
            let (panel, k) = (task / k_blocks.len(), &k_blocks[task % k_blocks.len()]);
            let (index, of) = (panel / self.parts, panel % self.parts);
            let units = units[index];
            let width = width(self.isa, units.count);
            let task = PackPanel {
                source: part(of).from(k.start, units.first),
                k: k.len(),
                columns: units.count,
                width,
                panel: self.panel(index, of, units).at(k.start * width),
            };
            // SAFETY: each task writes rows of its own.
            unsafe { self.isa.run(task) };
        });
    }

    /// The panel of matrix `part` for the `index`-th share of the units.
    pub(crate) fn panel(&self, index: usize, part: usize, units: Units) -> Shared {
        let before = index * self.parts * 2 * self.isa.lanes();
        let width = width(self.isa, units.count);
        self.data.pointer().from((before + part * width) * self.k)
    }
}
