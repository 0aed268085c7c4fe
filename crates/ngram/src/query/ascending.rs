//! Ascending numbers in few bits (Elias 1974, Fano 1971): the high part of each in unary.
//!
//! Numbers of one high part are neighbours, so that they are the groups of a [`Unary`]. The low parts are
//! elsewhere: beside what belongs to each number.

use super::bits::{Select, Unary, write_select, write_unary};
use crate::binary::{SectionWriter, Sections};

/// The high parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ascending<'a> {
    groups: Unary<'a>,
    ones: Select<'a, true>,
}

impl<'a> Ascending<'a> {
    pub(crate) fn open(sections: &mut Sections<'a>) -> Result<Self, String> {
        Ok(Self { groups: Unary::open(sections)?, ones: Select::open(sections)? })
    }

    /// The high part of a number.
    #[inline(always)]
    pub(crate) fn high(&self, index: usize) -> Option<usize> {
        // Before its one are the ones of those before it, and a zero for each high part and in front.
        let behind = self.ones.behind(self.groups.bits(), index)?;
        behind.checked_sub(index + 2)
    }

    /// The first of the numbers with a high part, and how many there are.
    #[inline(always)]
    pub(crate) fn equal(&self, high: usize) -> Option<(usize, usize)> {
        self.groups.group(high)
    }
}

/// Bits of the low parts of so many numbers up to `largest` with which all take the fewest.
pub(crate) fn low_bits(numbers: usize, largest: u64) -> u32 {
    (largest / numbers.max(1) as u64).checked_ilog2().unwrap_or(0)
}

/// Writes the high parts of ascending numbers.
pub(crate) fn write_ascending(
    highs: impl Iterator<Item = usize>,
    sections: &mut SectionWriter,
) -> Result<(), String> {
    let mut sizes: Vec<usize> = Vec::new();
    for high in highs {
        if sizes.len() <= high {
            sizes.resize(high + 1, 0);
        }
        sizes[high] += 1;
    }
    write_unary(sizes.iter().copied(), sections)?;
    let mut at = 1u32;
    let mut behind = Vec::new();
    for size in sizes {
        for _ in 0..size {
            at += 1;
            behind.push(at);
        }
        at += 1;
    }
    write_select(&behind, at, sections);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binary::{Backing, Header, Kind};

    #[test]
    fn numbers_are_found_by_place_and_places_by_number() {
        let mut highs = Vec::new();
        let mut high = 0;
        for n in 0..3000usize {
            high += match n % 100 {
                7 => 500, // gaps and crowds longer than what is searched at a time
                20..90 => 0,
                _ => n * 7 % 3,
            };
            highs.push(high);
        }
        let mut sections = SectionWriter::default();
        write_ascending(highs.iter().copied(), &mut sections).unwrap();
        let mut file = Vec::new();
        sections.write(Kind::CompactTrie, 3, &mut file).unwrap();
        let header = Header::from_bytes(&file).unwrap();
        let file = Backing::copy(&file).unwrap();
        let ascending = Ascending::open(&mut Sections::new(file.bytes(), &header)).unwrap();
        for (index, &high) in highs.iter().enumerate() {
            assert_eq!(ascending.high(index), Some(high), "number {index}");
        }
        for high in 0..=highs[highs.len() - 1] {
            let first = highs.partition_point(|&other| other < high);
            let count = highs.partition_point(|&other| other <= high) - first;
            assert_eq!(ascending.equal(high), Some((first, count)), "high part {high}");
        }
        assert_eq!((ascending.high(9000), ascending.equal(1 << 40)), (None, None));
        assert_eq!((low_bits(100, 99), low_bits(100, 401), low_bits(0, 0)), (0, 2, 0));
    }
}
