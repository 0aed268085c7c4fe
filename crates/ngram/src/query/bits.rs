//! Numbers in few bits: groups in unary, and small numbers of one width.

use crate::binary::{SectionWriter, Sections};

/// Groups of which a place is noted.
const HINT: usize = 64;

/// Words that are searched at a time, without a branch.
const AT_ONCE: usize = 4;

/// Bits of [`HINT`] groups from which on the place of each is noted: nothing is searched far.
const LONG: usize = 1024;

/// Marks a hint that says where the places are noted.
const NOTED: u32 = 1 << 31;

/// The sizes of groups in unary: a zero, and for each group as many ones as it has elements, and a
/// zero.
///
/// The elements of all groups are numbered through; a group is found by finding the zero before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unary<'a> {
    bits: &'a [u64],
    zeros: Select<'a, false>,
}

impl<'a> Unary<'a> {
    pub(crate) fn open(sections: &mut Sections<'a>) -> Result<Self, String> {
        Ok(Self { bits: sections.take()?, zeros: Select::open(sections)? })
    }

    pub(crate) fn bits(&self) -> &'a [u64] {
        self.bits
    }

    /// The number of a group's first element, and how many it has; `None` where there is no such group.
    #[inline(always)]
    pub(crate) fn group(&self, group: usize) -> Option<(usize, usize)> {
        let bit = self.zeros.behind(self.bits, group)?;
        let (word, within) = (bit / 64, bit % 64);
        let &[low, high] = self.bits.get(word..word + 2)?.as_array()?;
        let ones = (low >> within | high << 1 << (63 - within)).trailing_ones() as usize;
        let length = match ones < 64 {
            true => ones,
            false => self.zeros.behind(self.bits, group + 1)?.checked_sub(bit + 1)?,
        };
        Some((bit.checked_sub(group + 1)?, length))
    }
}

/// Where the zeros of some bits are, or with `ONE` their ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Select<'a, const ONE: bool> {
    /// Where every 64th is, or, marked, which part of `noted` is for it and those up to the next.
    hints: &'a [u32],
    /// The bits behind each of 64.
    noted: &'a [u32],
}

impl<'a, const ONE: bool> Select<'a, ONE> {
    pub(crate) fn open(sections: &mut Sections<'a>) -> Result<Self, String> {
        Ok(Self { hints: sections.take()?, noted: sections.take()? })
    }

    /// The bit behind the n-th of them, from 0.
    #[inline(always)]
    pub(crate) fn behind(&self, bits: &[u64], n: usize) -> Option<usize> {
        let hint = *self.hints.get(n / HINT)?;
        if hint & NOTED != 0 {
            let place = (hint & !NOTED) as usize * HINT + n % HINT;
            return self.noted.get(place).map(|&bit| bit as usize);
        }
        Self::behind_near(bits, hint as usize, (n % HINT) as u32)
    }

    /// The bit behind the n-th, from 0, at bit `at` or behind it.
    #[inline(always)]
    fn behind_near(bits: &[u64], at: usize, n: u32) -> Option<usize> {
        let word = at / 64;
        let words: &[u64; AT_ONCE] = bits.get(word..word + AT_ONCE)?.as_array()?;
        let mut own = words.map(Self::own);
        own[0] &= !0 << (at % 64);
        // Which of the words holds it: how many end before it.
        let (mut index, mut before, mut sum) = (0, 0, 0);
        for own in own {
            sum += own.count_ones();
            let past = sum <= n;
            index += usize::from(past);
            before = if past { sum } else { before };
        }
        match own.get(index) {
            Some(&own) => Some((word + index) * 64 + nth_one(own, n - before) as usize + 1),
            None => Self::behind_far(bits, word + AT_ONCE, n - before),
        }
    }

    /// As [`Self::behind_near`], from the beginning of a word, for what is far.
    #[cold]
    fn behind_far(bits: &[u64], first: usize, mut n: u32) -> Option<usize> {
        for (word, &bits) in bits.get(first..)?.iter().enumerate() {
            let own = Self::own(bits);
            let here = own.count_ones();
            if n < here {
                return Some((first + word) * 64 + nth_one(own, n) as usize + 1);
            }
            n -= here;
        }
        None
    }

    /// Those of a word, as ones.
    #[inline(always)]
    fn own(word: u64) -> u64 {
        if ONE { word } else { !word }
    }
}

/// The position of the n-th one, from 0; there have to be so many.
///
/// Without a branch (Vigna 2008, "Broadword implementation of rank/select queries"): bytes are counted
/// and summed side by side; those whose sum is at most n lie before the one.
#[inline(always)]
fn nth_one(word: u64, n: u32) -> u32 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let pairs = word - (word >> 1 & 0x5555_5555_5555_5555);
    let fours = (pairs & 0x3333_3333_3333_3333) + (pairs >> 2 & 0x3333_3333_3333_3333);
    let sums = ((fours + (fours >> 4)) & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(ONES);
    let before = (((u64::from(n) * ONES) | HIGH) - (sums & !HIGH)) & HIGH;
    let byte = (before.count_ones() * 8).min(56);
    let left = n - ((sums << 8) >> byte & 0xff) as u32;
    byte + u32::from(IN_BYTE[(left as usize & 7) << 8 | (word >> byte & 0xff) as usize])
}

/// `IN_BYTE[n << 8 | byte]`: the position of the n-th one of a byte; 0 where there is none.
static IN_BYTE: [u8; 8 << 8] = {
    let mut table = [0; 8 << 8];
    let mut byte = 0;
    while byte < 256 {
        let (mut n, mut bit) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[n << 8 | byte] = bit;
                n += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// Writes the sizes of groups.
pub(crate) fn write_unary(
    sizes: impl Iterator<Item = usize>,
    sections: &mut SectionWriter,
) -> Result<(), String> {
    let mut bits = vec![0u64];
    // Where the elements of each group begin, and of the one behind the last: its end may be asked for.
    let mut starts = Vec::new();
    let mut at = 1usize;
    for size in sizes {
        starts.push(at as u32);
        at += size;
        if at >= NOTED as usize {
            return Err("more n-grams than a trie can hold".into());
        }
        bits.resize(at / 64 + 1, 0);
        for bit in at - size..at {
            bits[bit / 64] |= 1 << (bit % 64);
        }
        at += 1;
    }
    starts.push(at as u32);
    // Some words are read at a time, the last one's included.
    bits.resize(at / 64 + 1 + AT_ONCE, 0);
    sections.add(&bits);
    write_select(&starts, at as u32, sections);
    Ok(())
}

/// Writes where bits of one kind are: the bits behind each, and the last of all.
pub(crate) fn write_select(behind: &[u32], at: u32, sections: &mut SectionWriter) {
    let (mut hints, mut noted) = (Vec::new(), Vec::new());
    for (block, some) in behind.chunks(HINT).enumerate() {
        let end = behind.get((block + 1) * HINT).copied().unwrap_or(at);
        if (end - some[0]) as usize <= LONG {
            hints.push(some[0] - 1);
        } else {
            hints.push((noted.len() / HINT) as u32 | NOTED);
            noted.extend_from_slice(some);
            noted.resize(noted.len().next_multiple_of(HINT), 0);
        }
    }
    sections.add(&hints);
    sections.add(&noted);
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
            first += size;
        }
        assert_eq!(unary.group(1000), Some((first, 0)));
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
        let mut word = 0x8000_0401_0030_0101u64;
        for round in 0..200 {
            let ones: Vec<u32> = (0..64u32).filter(|&bit| word >> bit & 1 == 1).collect();
            for (n, &at) in ones.iter().enumerate() {
                assert_eq!(nth_one(word, n as u32), at, "{word:x}");
            }
            word =
                if round == 0 { !0 } else { word.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ word >> 29 };
        }
    }
}
