//! Many words at once.

use pulp::NullaryFnOnce;

use super::model::{Model, Structure};
use super::state::{LANES, Score, State};
use super::walk::{Level, Walked};

/// One query to a trie.
pub(super) struct Advance<'a, 'b, L> {
    pub(super) trie: &'a Walked<'a, L>,
    pub(super) state: &'b mut State,
    pub(super) word: u32,
}

impl<'a, L: Level<'a>> NullaryFnOnce for Advance<'a, '_, L> {
    type Output = Score;

    #[inline(always)]
    fn call(self) -> Score {
        self.trie.advance(self.state, self.word)
    }
}

impl Model {
    /// Scores word `i` in state `i`, and puts the state behind it in its place. Several sequences
    /// at once are faster than one after the other in hash tables: none waits for another's memory.
    ///
    /// # Panics
    ///
    /// When the slices differ in length.
    pub fn score_batch(&self, states: &mut [State], words: &[u32], scores: &mut [Score]) {
        assert!(states.len() == words.len() && words.len() == scores.len(), "lengths differ");
        match &self.parts().structure {
            Structure::Probing(probing) => {
                let all = states.chunks_mut(LANES).zip(words.chunks(LANES));
                for ((states, words), scores) in all.zip(scores.chunks_mut(LANES)) {
                    probing.advance_all(states, words, scores);
                }
            }
            Structure::Trie(_) | Structure::Compact(_) => {
                for ((state, &word), score) in states.iter_mut().zip(words).zip(scores) {
                    *score = self.advance(state, word);
                }
            }
        }
    }

    /// Scores sentences, side by side where that is faster (see [`Self::score_batch`]): `sentences` are
    /// the ids of each without `<s>`, one behind the other, and `ends` where each ends. `scores` is
    /// cleared, and gets a score for each word.
    ///
    /// # Panics
    ///
    /// When the ends fall, or lie behind the ids.
    pub fn score_sentences(&self, sentences: &[u32], ends: &[usize], scores: &mut Vec<Score>) {
        scores.clear();
        scores.resize(sentences.len(), Score::default());
        let start = self.start();
        if let Structure::Trie(_) | Structure::Compact(_) = self.parts().structure {
            let mut from = 0;
            for &end in ends {
                let mut state = start;
                for (&word, score) in sentences[from..end].iter().zip(&mut scores[from..end]) {
                    *score = self.advance(&mut state, word);
                }
                from = end;
            }
            return;
        }
        let mut spans = std::iter::once(0).chain(ends.iter().copied()).zip(ends.iter().copied());
        let mut waiting = spans.by_ref().filter(|(from, to)| from < to);
        // Lanes that have a sentence are in front; where each one is, and its end.
        let (mut places, mut busy) = ([(0, 0); LANES], 0);
        let mut states = [start; LANES];
        let (mut words, mut row) = ([0; LANES], [Score::default(); LANES]);
        loop {
            while busy < LANES
                && let Some(span) = waiting.next()
            {
                (places[busy], states[busy]) = (span, start);
                busy += 1;
            }
            if busy == 0 {
                return;
            }
            for (word, &(at, _)) in words.iter_mut().zip(&places[..busy]) {
                *word = sentences[at];
            }
            self.score_batch(&mut states[..busy], &words[..busy], &mut row[..busy]);
            for lane in (0..busy).rev() {
                let (at, end) = places[lane];
                scores[at] = row[lane];
                places[lane].0 = at + 1;
                if at + 1 == end {
                    busy -= 1;
                    (places[lane], states[lane]) = (places[busy], states[busy]);
                }
            }
        }
    }
}
