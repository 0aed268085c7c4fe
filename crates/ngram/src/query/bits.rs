//! Numbers in few bits: groups in unary, and small numbers of one width.

use crate::binary::{SectionWriter, Sections};

/// Groups of which a place is noted.
const HINT: usize = 64;

/// The sizes of groups in unary: for each group, as many ones as it has elements, and a zero.
///
/// The elements of all groups are numbered through; a group is found by finding the zero before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unary<'a> {
    bits: &'a [u64],
    /// Where every 64th group starts.
    hints: &'a [u32],
}

impl<'a> Unary<'a> {
    pub(crate) fn open(sections: &mut Sections<'a>) -> Result<Self, String> {
        Ok(Self { bits: sections.take()?, hints: sections.take()? })
    }

    /// The bit at which a group starts; `None` where there is no such group.
    #[inline(always)]
    fn start(&self, group: usize) -> Option<usize> {
        let mut at = *self.hints.get(group / HINT)? as usize;
        let mut left = (group % HINT) as u32;
        if left == 0 {
            return Some(at);
        }
        let mut zeros = !*self.bits.get(at / 64)? & (!0 << (at % 64));
        loop {
            let here = zeros.count_ones();
            if left <= here {
                return Some(at / 64 * 64 + nth_one(zeros, left - 1) as usize + 1);
            }
            left -= here;
            at = at / 64 * 64 + 64;
            zeros = !*self.bits.get(at / 64)?;
        }
    }

    /// The number of a group's first element, and how many it has.
    #[inline(always)]
    pub(crate) fn group(&self, group: usize) -> Option<(usize, usize)> {
        let start = self.start(group)?;
        let first = start.checked_sub(group)?;
        let mut length = 0;
        let mut at = start;
        loop {
            let word = *self.bits.get(at / 64)? >> (at % 64);
            let ones = word.trailing_ones() as usize;
            length += ones;
            if ones < 64 - at % 64 {
                return Some((first, length));
            }
            at += ones;
        }
    }

    /// The number of a group's first element.
    #[inline(always)]
    pub(crate) fn first(&self, group: usize) -> Option<usize> {
        self.start(group)?.checked_sub(group)
    }
}

/// The position of the n-th one, from 0; there have to be so many.
#[inline(always)]
fn nth_one(mut word: u64, n: u32) -> u32 {
    let mut left = n;
    let mut at = 0;
    for width in [32, 16, 8] {
        let low = (word & ((1 << width) - 1)).count_ones();
        if left >= low {
            left -= low;
            word >>= width;
            at += width;
        }
    }
    for _ in 0..left {
        word &= word - 1;
    }
    at + word.trailing_zeros()
}

/// Writes the sizes of groups.
pub(crate) fn write_unary(
    sizes: impl Iterator<Item = usize>,
    sections: &mut SectionWriter,
) -> Result<(), String> {
    let (mut bits, mut hints, mut at) = (Vec::new(), Vec::new(), 0usize);
    let mut groups = 0usize;
    let mut push = |ones: usize, zeros: usize| {
        for _ in 0..ones {
            bits.resize(bits.len().max(at / 64 + 1), 0u64);
            bits[at / 64] |= 1 << (at % 64);
            at += 1;
        }
        at += zeros;
        at
    };
    for size in sizes {
        if groups.is_multiple_of(HINT) {
            let start = push(0, 0);
            hints.push(u32::try_from(start).map_err(|_| "more n-grams than a trie can hold")?);
        }
        push(size, 1);
        groups += 1;
    }
    // The end of the last group may be asked for.
    if groups.is_multiple_of(HINT) {
        hints.push(u32::try_from(push(0, 0)).map_err(|_| "more n-grams than a trie can hold")?);
    }
    let length = push(0, 0) / 64 + 1;
    bits.resize(length, 0);
    sections.add(&bits);
    sections.add(&hints);
    Ok(())
}

/// Numbers of one width, at most 56 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'a> {
    bytes: &'a [u8],
    width: u32,
}

impl<'a> Packed<'a> {
    pub(crate) fn open(width: u32, sections: &mut Sections<'a>) -> Result<Self, String> {
        let bytes = sections.take()?;
        if width > 56 {
            return Err(format!("numbers of {width} bits; build the model again"));
        }
        Ok(Self { bytes, width })
    }

    /// A number; 0 behind the end.
    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> u64 {
        let bit = index * self.width as usize;
        let from = bit / 8;
        let Some(bytes) = self.bytes.get(from..from + 8) else { return 0 };
        let word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        word >> (bit % 8) & ((1 << self.width) - 1)
    }
}

/// Writes numbers of one width.
pub(crate) fn write_packed(
    numbers: impl Iterator<Item = u64>,
    width: u32,
    sections: &mut SectionWriter,
) {
    let mut bytes: Vec<u8> = Vec::new();
    let (mut pending, mut filled) = (0u64, 0);
    for number in numbers {
        pending |= number << filled;
        filled += width;
        while filled >= 8 {
            bytes.push(pending as u8);
            pending >>= 8;
            filled -= 8;
        }
    }
    // Eight bytes are read at a time, the last number's included.
    bytes.extend(pending.to_le_bytes());
    bytes.extend([0; 8]);
    sections.add(&bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binary::{Header, Kind};

    fn written(sections: &SectionWriter) -> (Vec<u8>, Header) {
        let mut file = Vec::new();
        sections.write(Kind::Trie, 3, &mut file).unwrap();
        let header = Header::from_bytes(&file).unwrap();
        (file, header)
    }

    #[test]
    fn groups_are_found_by_number() {
        let sizes: Vec<usize> =
            (0..1000).map(|n| if n % 97 == 5 { 300 } else { n * 7 % 4 }).collect();
        let mut sections = SectionWriter::default();
        write_unary(sizes.iter().copied(), &mut sections).unwrap();
        let (file, header) = written(&sections);
        let file = crate::binary::Backing::copy(&file).unwrap();
        let unary = Unary::open(&mut Sections::new(file.bytes(), &header)).unwrap();
        let mut first = 0;
        for (group, &size) in sizes.iter().enumerate() {
            assert_eq!(unary.group(group), Some((first, size)), "group {group}");
            assert_eq!(unary.first(group), Some(first));
            first += size;
        }
        assert_eq!(unary.first(1000), Some(first));
        assert_eq!(unary.group(5000), None);
    }

    #[test]
    fn numbers_of_every_width() {
        for width in 0..=56 {
            let mask = (1u64 << width) - 1;
            let number = |n: u64| n.wrapping_mul(0xd6e8_feb8_6659_fd93) & mask;
            let mut sections = SectionWriter::default();
            write_packed((0..100).map(number), width, &mut sections);
            let (file, header) = written(&sections);
            let file = crate::binary::Backing::copy(&file).unwrap();
            let packed = Packed::open(width, &mut Sections::new(file.bytes(), &header)).unwrap();
            assert!((0..100).all(|n| packed.get(n as usize) == number(n)), "width {width}");
            assert_eq!(packed.get(1 << 40), 0);
        }
    }

    #[test]
    fn the_nth_one() {
        let word = 0x8000_0401_0030_0101u64;
        let ones: Vec<u32> = (0..64u32).filter(|&bit| word >> bit & 1 == 1).collect();
        for (n, &at) in ones.iter().enumerate() {
            assert_eq!(nth_one(word, n as u32), at);
        }
    }
}
