//! The order in which candidates get the places of a beam.

use std::cmp::Reverse;

use crate::candidates::Candidate;

/// A candidate and the bank that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Banked {
    pub(crate) candidate: Candidate,
    /// Tokens of required phrases that it has met.
    pub(crate) bank: usize,
    /// Its place in the bank.
    place: usize,
}

impl Banked {
    pub(crate) fn new(candidate: Candidate, bank: usize) -> Self {
        Self { candidate, bank, place: 0 }
    }
}

/// Dynamic beam allocation (Post and Vilar 2018, section 3.2): targets that have met as much of
/// their phrases compete among themselves. The places are dealt to the banks in turn, the fullest
/// first, each giving its best; a bank that runs out leaves its share to the others.
///
/// A candidate may be offered twice; it is dealt once.
pub(crate) fn deal(offered: &mut Vec<Banked>) {
    offered
        .sort_unstable_by(|a, b| b.bank.cmp(&a.bank).then_with(|| a.candidate.order(&b.candidate)));
    let name = |banked: &Banked| (banked.candidate.parent, banked.candidate.token);
    offered.dedup_by(|a, b| name(a) == name(b));
    let mut previous = None;
    for banked in offered.iter_mut() {
        banked.place = match previous {
            Some((bank, place)) if bank == banked.bank => place + 1,
            _ => 0,
        };
        previous = Some((banked.bank, banked.place));
    }
    offered.sort_unstable_by_key(|banked| (banked.place, Reverse(banked.bank)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bank_gives_its_best_in_turn() {
        let banked = |bank, parent, rank| {
            Banked::new(Candidate { rank, log_prob: rank, parent, token: 0 }, bank)
        };
        let mut offered = vec![
            banked(0, 0, -1.0),
            banked(0, 1, -2.0),
            banked(0, 2, -3.0),
            banked(2, 3, -9.0),
            banked(0, 1, -2.0),
            banked(1, 4, -5.0),
            banked(1, 5, -4.0),
        ];
        deal(&mut offered);
        let parents: Vec<u32> = offered.iter().map(|banked| banked.candidate.parent).collect();
        assert_eq!(parents, [3, 5, 0, 4, 1, 2]);
    }
}
