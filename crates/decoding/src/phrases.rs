//! Phrases that targets must or must not contain, followed token by token.

use crate::error::DecodingError;

/// The most phrases that one sentence may require.
pub(crate) const MOST_REQUIRED: usize = 64;

/// The automaton of Aho and Corasick (1975) over a sentence's phrases. A node stands for the longest
/// beginning of a phrase with which a target ends now; so phrases that overlap are all seen, which
/// counting tokens off one phrase at a time (Post and Vilar 2018) would miss.
#[derive(Clone, Debug)]
pub(crate) struct Phrases {
    nodes: Vec<Node>,
    /// Length of each required phrase.
    required: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    depth: usize,
    /// Sorted by token.
    children: Vec<(u32, u32)>,
    /// The longest proper suffix that begins a phrase too.
    suffix: u32,
    /// Required phrases that begin with this node, as bits.
    through: u64,
    /// Required phrases that are this node.
    ends: u64,
    /// Whether a forbidden phrase is this node.
    forbidden: bool,
}

/// How far a target has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    node: u32,
    /// Required phrases that it contains, as bits.
    met: u64,
}

impl Phrases {
    /// `sentence` is named in errors.
    pub(crate) fn new(
        required: &[Vec<u32>],
        forbidden: &[Vec<u32>],
        sentence: Option<usize>,
    ) -> Result<Self, DecodingError> {
        if required.len() > MOST_REQUIRED {
            let (sentence, count) = (sentence.unwrap_or_default(), required.len());
            return Err(DecodingError::TooManyPhrases { sentence, count });
        }
        if required.iter().chain(forbidden).any(Vec::is_empty) {
            return Err(DecodingError::EmptyPhrase { sentence });
        }
        let lengths = required.iter().map(Vec::len).collect();
        let mut phrases = Self { nodes: vec![Node::default()], required: lengths };
        for (index, phrase) in required.iter().enumerate() {
            let last = phrases.insert(phrase, 1 << index);
            phrases.nodes[last].ends |= 1 << index;
        }
        for phrase in forbidden {
            let last = phrases.insert(phrase, 0);
            phrases.nodes[last].forbidden = true;
        }
        phrases.link();
        Ok(phrases)
    }

    fn insert(&mut self, phrase: &[u32], bit: u64) -> usize {
        let mut node = 0;
        for &token in phrase {
            let child = match self.nodes[node].children.binary_search_by_key(&token, |c| c.0) {
                Ok(at) => self.nodes[node].children[at].1 as usize,
                Err(at) => {
                    let child = self.nodes.len();
                    let depth = self.nodes[node].depth + 1;
                    self.nodes.push(Node { depth, ..Node::default() });
                    self.nodes[node].children.insert(at, (token, child as u32));
                    child
                }
            };
            self.nodes[child].through |= bit;
            node = child;
        }
        node
    }

    /// Gives each node its suffix: shorter nodes first, as a node's is found through its parent's.
    fn link(&mut self) {
        let mut queue = vec![0u32];
        let mut read = 0;
        while let Some(&node) = queue.get(read) {
            read += 1;
            for (token, child) in self.nodes[node as usize].children.clone() {
                if node != 0 {
                    self.nodes[child as usize].suffix =
                        self.follow(self.nodes[node as usize].suffix, token);
                }
                queue.push(child);
            }
        }
    }

    fn child(&self, node: u32, token: u32) -> Option<u32> {
        let children = &self.nodes[node as usize].children;
        let at = children.binary_search_by_key(&token, |child| child.0).ok()?;
        Some(children[at].1)
    }

    fn follow(&self, mut node: u32, token: u32) -> u32 {
        loop {
            match self.child(node, token) {
                Some(child) => return child,
                None if node == 0 => return 0,
                None => node = self.nodes[node as usize].suffix,
            }
        }
    }

    /// A node and its suffixes, the root last.
    fn chain(&self, node: u32) -> impl Iterator<Item = &Node> {
        let next = |&node: &u32| (node != 0).then(|| self.nodes[node as usize].suffix);
        std::iter::successors(Some(node), next).map(|node| &self.nodes[node as usize])
    }

    /// After one more token.
    pub(crate) fn advance(&self, progress: Progress, token: u32) -> Progress {
        if self.nodes.len() == 1 {
            return progress;
        }
        let node = self.follow(progress.node, token);
        let met = self.chain(node).fold(progress.met, |met, node| met | node.ends);
        Progress { node, met }
    }

    /// Tokens that would complete a forbidden phrase.
    pub(crate) fn bans(&self, progress: Progress) -> impl Iterator<Item = u32> {
        let children = self.chain(progress.node).flat_map(|node| &node.children);
        children.filter(|&&(_, child)| self.nodes[child as usize].forbidden).map(|child| child.0)
    }

    /// Whether a phrase holds a forbidden one.
    pub(crate) fn forbids_within(&self, phrase: &[u32]) -> bool {
        let mut node = 0;
        phrase.iter().any(|&token| {
            node = self.follow(node, token);
            self.chain(node).any(|node| node.forbidden)
        })
    }

    /// Whether any phrase is required.
    pub(crate) fn require(&self) -> bool {
        !self.required.is_empty()
    }

    /// Whether every required phrase is met.
    pub(crate) fn complete(&self, progress: Progress) -> bool {
        progress.met.count_ones() as usize == self.required.len()
    }

    /// Tokens of required phrases that stand: those of the phrases met, and of the longest beginning
    /// of another with which the target ends.
    pub(crate) fn tokens_met(&self, progress: Progress) -> usize {
        let lengths = self.required.iter().enumerate();
        let met = lengths.filter(|(index, _)| progress.met >> index & 1 == 1);
        let begun = self.chain(progress.node).find(|node| node.through & !progress.met != 0);
        met.map(|(_, length)| length).sum::<usize>() + begun.map_or(0, |node| node.depth)
    }

    /// Tokens that begin or continue a required phrase that is not met; one may come twice.
    pub(crate) fn advancing(&self, progress: Progress) -> impl Iterator<Item = u32> {
        let children = self.chain(progress.node).flat_map(|node| &node.children);
        let open = move |child: u32| self.nodes[child as usize].through & !progress.met != 0;
        children.filter(move |&&(_, child)| open(child)).map(|child| child.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every string of five over three tokens, against looking for the phrases in it.
    #[test]
    fn it_sees_what_the_text_contains() {
        let required = vec![vec![1, 2], vec![2, 1, 2], vec![0], vec![1, 2]];
        let forbidden = vec![vec![2, 2], vec![1, 1, 0], vec![0, 1, 1]];
        let phrases = Phrases::new(&required, &forbidden, None).unwrap();
        for code in 0..3u32.pow(5) {
            let text: Vec<u32> = (0..5).map(|i| code / 3u32.pow(i) % 3).collect();
            let contains = |text: &[u32], phrase: &[u32]| {
                text.windows(phrase.len()).any(|window| window == phrase)
            };
            let mut progress = Progress::default();
            for (read, &token) in text.iter().enumerate() {
                let bans: Vec<u32> = phrases.bans(progress).collect();
                let ends_forbidden = |phrase: &Vec<u32>| text[..=read].ends_with(phrase);
                assert_eq!(bans.contains(&token), forbidden.iter().any(ends_forbidden));
                let before = phrases.tokens_met(progress);
                let advancing: Vec<u32> = phrases.advancing(progress).collect();
                progress = phrases.advance(progress, token);
                if phrases.tokens_met(progress) > before {
                    assert!(advancing.contains(&token), "{text:?} at {read}");
                }
            }
            assert_eq!(
                phrases.forbids_within(&text),
                forbidden.iter().any(|phrase| contains(&text, phrase))
            );
            for (index, phrase) in required.iter().enumerate() {
                assert_eq!(progress.met >> index & 1 == 1, contains(&text, phrase), "{text:?}");
            }
        }
    }
}
