//! Codes of words for the hierarchical softmax: the more frequent, the shorter (Morin and Bengio 2005;
//! Mikolov et al. 2013).

use std::ops::Range;

/// The way of each word from the root of a Huffman tree.
pub(crate) struct Codes {
    /// Where each word's way ends.
    ends: Vec<u64>,
    /// Inner nodes on the way, the root first.
    points: Vec<u32>,
    /// The label of each: 1 where the way goes to the heavier child.
    labels: Vec<f32>,
}

impl Codes {
    /// The tree of fastText: of equal counts an inner node is taken before a word, and of equally frequent
    /// words the later one. The root is the last of the `words - 1` inner nodes.
    pub(crate) fn new(counts: &[u64]) -> Self {
        let words = counts.len();
        let nodes = (2 * words).saturating_sub(1);
        let mut weight = counts.to_vec();
        let mut parent = vec![0u32; nodes];
        let mut label = vec![0.0f32; nodes];
        let mut leaves: Vec<usize> = (0..words).collect();
        leaves.sort_by_key(|&word| std::cmp::Reverse(counts[word]));
        let mut first = words; // of the inner nodes that have no parent yet
        for inner in words..nodes {
            let mut lightest = || {
                let leaf = leaves.last().copied();
                let before = |leaf: usize| first == inner || counts[leaf] < weight[first];
                if let Some(leaf) = leaf.filter(|&leaf| before(leaf)) {
                    leaves.pop();
                    return leaf;
                }
                first += 1;
                first - 1
            };
            let (left, right) = (lightest(), lightest());
            parent[left] = inner as u32;
            parent[right] = inner as u32;
            label[right] = 1.0;
            weight.push(weight[left].saturating_add(weight[right]));
        }
        let mut codes = Self { ends: Vec::new(), points: Vec::new(), labels: Vec::new() };
        let mut way = Vec::new();
        for word in 0..words {
            way.clear();
            let mut node = word;
            while node + 1 < nodes {
                let up = parent[node] as usize;
                way.push((up - words, label[node]));
                node = up;
            }
            for &(point, label) in way.iter().rev() {
                codes.points.push(point as u32);
                codes.labels.push(label);
            }
            codes.ends.push(codes.points.len() as u64);
        }
        codes
    }

    /// So many of the inner nodes that most ways lead through, or all: the later one is made, the heavier.
    pub(crate) fn heaviest(&self, nodes: u32) -> Range<u32> {
        let inner = (self.ends.len() as u32).saturating_sub(1);
        inner.saturating_sub(nodes)..inner
    }

    /// A word's inner nodes and their labels.
    #[inline(always)]
    pub(crate) fn of(&self, word: u32) -> (&[u32], &[f32]) {
        let word = word as usize;
        let start = if word == 0 { 0 } else { self.ends[word - 1] as usize };
        let end = self.ends[word] as usize;
        (&self.points[start..end], &self.labels[start..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_words_are_short_and_the_code_is_optimal() {
        // Huffman's own example has weights whose optimal mean length is known.
        let counts = [45, 16, 13, 12, 9, 5];
        let codes = Codes::new(&counts);
        let length = |word| codes.of(word).0.len() as u64;
        let bits: u64 = counts.iter().zip(0..).map(|(&count, word)| count * length(word)).sum();
        assert_eq!(bits, 224);
        assert_eq!((length(0), length(5)), (1, 4));
        // Kraft's equality: the code is complete and free of prefixes.
        let kraft: f64 = (0..6).map(|word| 0.5f64.powi(length(word) as i32)).sum();
        assert!((kraft - 1.0).abs() < 1e-12);
        assert_eq!((codes.of(0).1, codes.of(3).0.len()), (&[0.0][..], 3));
        assert_eq!(codes.of(3).0[0], 4, "every way begins at the root");
        assert_eq!((codes.heaviest(2), codes.heaviest(9)), (3..5, 0..5));
        assert_eq!((Codes::new(&[3]).of(0).0.len(), Codes::new(&[3]).heaviest(4)), (0, 0..0));
    }
}
