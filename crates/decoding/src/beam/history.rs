//! The tree of all that a sentence's beam has held.

use crate::hypothesis::{AttentionMatrix, Hypothesis};

/// The empty target.
pub(crate) const ROOT: u32 = u32::MAX;

/// Each node is a target: its parent's and one more token.
#[derive(Debug)]
pub(crate) struct History {
    nodes: Vec<Node>,
    /// `[rows, S]`: every row of attention that a step gave, where they are kept.
    attention: Vec<f32>,
    positions: usize,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: u32,
    token: u32,
    log_prob: f32,
    /// Its row of the attention.
    look: u32,
}

impl History {
    pub(crate) fn new(positions: usize) -> Self {
        Self { nodes: Vec::new(), attention: Vec::new(), positions }
    }

    pub(crate) fn push(&mut self, parent: u32, token: u32, log_prob: f32, look: u32) -> u32 {
        self.nodes.push(Node { parent, token, log_prob, look });
        (self.nodes.len() - 1) as u32
    }

    /// Keeps a row of attention `[S]` and gives its number.
    pub(crate) fn look(&mut self, row: &[f32]) {
        self.attention.extend_from_slice(row);
    }

    /// Rows of attention that are kept.
    pub(crate) fn looks(&self) -> u32 {
        (self.attention.len() / self.positions.max(1)) as u32
    }

    /// From the last token to the first.
    fn back(&self, node: u32) -> impl Iterator<Item = &Node> {
        let at = |node: u32| self.nodes.get(node as usize);
        std::iter::successors(at(node), move |node| at(node.parent))
    }

    /// The tokens of a target, into `tokens`.
    pub(crate) fn tokens(&self, node: u32, tokens: &mut Vec<u32>) {
        tokens.clear();
        tokens.extend(self.back(node).map(|node| node.token));
        tokens.reverse();
    }

    /// The whole of a target. The last token of a finished one is its end.
    pub(crate) fn hypothesis(&self, ending: &Ending, finished: bool, looks: bool) -> Hypothesis {
        let mut nodes: Vec<&Node> = self.back(ending.node).collect();
        nodes.reverse();
        let scored = nodes.len();
        let tokens = nodes.iter().take(scored - usize::from(finished)).map(|node| node.token);
        let attention = looks.then(|| {
            let mut matrix = AttentionMatrix::new(self.positions);
            for node in &nodes {
                let start = node.look as usize * self.positions;
                matrix.push(&self.attention[start..start + self.positions]);
            }
            matrix
        });
        Hypothesis {
            tokens: tokens.collect(),
            log_probs: nodes.iter().map(|node| node.log_prob).collect(),
            log_prob: ending.log_prob,
            score: ending.score,
            finished,
            group: ending.group,
            attention,
        }
    }
}

/// A target that is not continued.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    pub(crate) node: u32,
    pub(crate) log_prob: f64,
    pub(crate) score: f64,
    pub(crate) group: usize,
}
