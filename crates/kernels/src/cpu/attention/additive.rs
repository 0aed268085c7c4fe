//! The additive score, `v·tanh(q + k [+ w c])`.

use super::super::buffer::Shared;
use super::super::simd::{Simd, Task, math};
use super::{Additive, Attention, To};

impl Attention<'_> {
    /// Scores of one source, rows of `[T, S]` `B*S` apart.
    pub(super) fn additive_scores(&self, additive: &Additive<'_>, sequence: usize, scores: Shared) {
        for step in 0..self.steps {
            for position in 0..self.lengths[sequence] {
                let pair = self.pair(additive, sequence, step, position);
                // SAFETY: rows of `D` values; the score is this source's own.
                unsafe {
                    let score = self.isa.run(ScorePair(pair));
                    *scores.at(step * self.batch() * self.source + position) = score;
                }
            }
        }
    }

    /// Gradients of queries, keys, energy and coverage; `scores`: `[T, length]`.
    pub(super) fn additive_back(
        &self,
        additive: &Additive<'_>,
        sequence: usize,
        scores: Shared,
        to: To,
    ) {
        let (batch, features, length) = (self.batch(), self.features, self.lengths[sequence]);
        let [energy, coverage] =
            [to.energy, to.coverage].map(|sums| sums.from(sequence * features));
        let at = |time: usize| (time * batch + sequence) * features;
        // SAFETY: rows of `D` values, this source's own.
        unsafe {
            for step in 0..self.steps {
                to.queries.at(at(step)).write_bytes(0, features);
            }
            for position in 0..length {
                to.keys.at(at(position)).write_bytes(0, features);
            }
            energy.at(0).write_bytes(0, features);
            if additive.coverage.is_some() {
                coverage.at(0).write_bytes(0, features);
            }
        }
        for step in 0..self.steps {
            for position in 0..length {
                // SAFETY: the scratch is `[T, length]`, written before.
                let gradient = unsafe { *scores.at(step * length + position) };
                let back = PairBack {
                    pair: self.pair(additive, sequence, step, position),
                    gradient,
                    query: to.queries.at(at(step)),
                    key: to.keys.at(at(position)),
                    energy: energy.at(0),
                    coverage: coverage.at(0),
                };
                // Nothing came back: a step past the target's end.
                let covered = if gradient == 0.0 {
                    0.0
                } else {
                    // SAFETY: rows of `D` values, those written to this source's own.
                    unsafe { self.isa.run(back) }
                };
                if additive.coverage.is_some() {
                    let place = (step * batch + sequence) * self.source + position;
                    // SAFETY: this source's own.
                    unsafe { *to.covered.at(place) = covered };
                }
            }
            if additive.coverage.is_some() {
                let row = to.covered.at((step * batch + sequence) * self.source + length);
                // SAFETY: the rest of a row of `S`.
                unsafe { row.write_bytes(0, self.source - length) };
            }
        }
    }

    fn pair(&self, additive: &Additive<'_>, sequence: usize, step: usize, position: usize) -> Pair {
        let at = |time: usize| (time * self.batch() + sequence) * self.features;
        let covered =
            |covered: &[f32]| covered[(step * self.batch() + sequence) * self.source + position];
        Pair {
            query: self.queries[at(step)..].as_ptr(),
            key: self.keys[at(position)..].as_ptr(),
            energy: additive.energy.as_ptr(),
            coverage: additive.coverage.map(|[c, weight]| (covered(c), weight.as_ptr())),
            features: self.features,
        }
    }
}

/// A query and a position.
#[derive(Clone, Copy)]
struct Pair {
    query: *const f32,
    key: *const f32,
    energy: *const f32,
    /// How far the position is covered, and the weight of that.
    coverage: Option<(f32, *const f32)>,
    features: usize,
}

impl Pair {
    /// `tanh(q + k [+ w c])` of `n` features from `at` on; anything behind.
    #[inline(always)]
    unsafe fn tanh<S: Simd>(&self, at: usize, n: usize) -> S::V {
        // SAFETY: the caller vouches for rows of `features` values.
        unsafe {
            let sum = S::add(load::<S>(self.query.add(at), n), load::<S>(self.key.add(at), n));
            math::tanh::<S>(match self.coverage {
                None => sum,
                Some((c, weight)) => S::fma(S::splat(c), load::<S>(weight.add(at), n), sum),
            })
        }
    }
}

/// `n` floats, zeros behind.
#[inline(always)]
unsafe fn load<S: Simd>(p: *const f32, n: usize) -> S::V {
    // SAFETY: the caller vouches for `n` floats.
    unsafe { if n == S::LANES { S::load(p) } else { S::load_first(p, n) } }
}

/// `n` floats of memory, `by` added.
#[inline(always)]
unsafe fn add<S: Simd>(p: *mut f32, by: S::V, n: usize) {
    // SAFETY: the caller vouches for `n` floats.
    unsafe {
        if n == S::LANES {
            S::store(p, S::add(S::load(p), by));
        } else {
            S::store_first(p, S::add(S::load_first(p, n), by), n);
        }
    }
}

/// A score.
struct ScorePair(Pair);

impl Task for ScorePair {
    type Output = f32;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> f32 {
        let Self(pair) = self;
        // SAFETY: the caller vouches for rows of `features` values.
        unsafe {
            let mut sum = S::splat(0.0);
            for at in (0..pair.features).step_by(S::LANES) {
                let n = S::LANES.min(pair.features - at);
                sum = S::fma(load::<S>(pair.energy.add(at), n), pair.tanh::<S>(at, n), sum);
            }
            S::sum(sum)
        }
    }
}

/// `dx = dscore v (1 - tanh² x)` goes to query and key, `c dx` to the coverage's weight, `w·dx` back,
/// and `dscore tanh x` to the energy.
struct PairBack {
    pair: Pair,
    gradient: f32,
    query: *mut f32,
    key: *mut f32,
    energy: *mut f32,
    coverage: *mut f32,
}

impl Task for PairBack {
    /// The gradient of how far the position is covered.
    type Output = f32;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> f32 {
        let pair = self.pair;
        // SAFETY: the caller vouches for rows of `features` values.
        unsafe {
            let (gradient, one) = (S::splat(self.gradient), S::splat(1.0));
            let mut covered = S::splat(0.0);
            for at in (0..pair.features).step_by(S::LANES) {
                let n = S::LANES.min(pair.features - at);
                let tanh = pair.tanh::<S>(at, n);
                let scaled = S::mul(gradient, load::<S>(pair.energy.add(at), n));
                let inner = S::mul(scaled, S::sub(one, S::mul(tanh, tanh)));
                add::<S>(self.query.add(at), inner, n);
                add::<S>(self.key.add(at), inner, n);
                add::<S>(self.energy.add(at), S::mul(gradient, tanh), n);
                if let Some((c, weight)) = pair.coverage {
                    add::<S>(self.coverage.add(at), S::mul(S::splat(c), inner), n);
                    covered = S::fma(load::<S>(weight.add(at), n), inner, covered);
                }
            }
            S::sum(covered)
        }
    }
}
