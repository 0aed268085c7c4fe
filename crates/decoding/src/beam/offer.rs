//! What a group's hypotheses may become, in the order in which it gets places.

use super::deal::{Banked, deal};
use super::group::Live;
use super::sentence::{Room, Search, SentenceBeam};
use crate::candidates::Candidate;
use crate::error::DecodingError;
use crate::hypothesis::counted;
use crate::phrases::Phrases;

impl SentenceBeam<'_> {
    /// Fills the room's `offered`.
    pub(super) fn offer(
        &mut self,
        search: &Search<'_>,
        group: usize,
        log_probs: &mut [f32],
    ) -> Result<(), DecodingError> {
        let mut room = std::mem::take(&mut self.room);
        room.offered.clear();
        let live = &self.groups[group].live;
        let bans = self.bans(search);
        for hypothesis in live {
            if search.rules.no_repeat_ngram.is_some() {
                self.history.tokens(hypothesis.node, &mut room.tokens);
            }
            let values = &mut log_probs[hypothesis.values(search.vocabulary)];
            bans.apply(hypothesis.position, self.length, &room.tokens, values);
            if self.length == self.asked.max {
                only(search.rules.end, values);
            }
        }
        let phrases = &self.asked.phrases;
        if phrases.require() {
            offer_by_bank(search, phrases, live, log_probs, &mut room);
        } else {
            // Each hypothesis may end once, and a price moves each token chosen before.
            room.best.clear(2 * search.places() + room.chosen.len() * live.len());
            for (parent, hypothesis) in live.iter().enumerate() {
                let values = &log_probs[hypothesis.values(search.vocabulary)];
                room.best.scan(parent as u32, hypothesis.log_prob, values);
            }
            room.offered.extend(room.best.sorted().iter().map(|&best| Banked::new(best, 0)));
        }
        for banked in &mut room.offered {
            let candidate = &mut banked.candidate;
            let chosen = room.chosen.iter().find(|(token, _)| *token == candidate.token);
            if let Some((_, times)) = chosen {
                candidate.rank -= search.options.diversity * f64::from(*times);
            }
        }
        if phrases.require() || !room.chosen.is_empty() {
            deal(&mut room.offered);
        }
        let broken = |hypothesis: &Live| {
            log_probs[hypothesis.values(search.vocabulary)].iter().any(|p| p.is_nan())
        };
        if room.offered.is_empty() && !live.is_empty() && live.iter().all(broken) {
            return Err(DecodingError::NothingToChoose);
        }
        self.room = room;
        Ok(())
    }
}

/// Leaves of a distribution one token: of the longest targets only the ends are looked at, of each that
/// may end, whatever else would be likelier.
fn only(token: u32, log_probs: &mut [f32]) {
    let value = log_probs[token as usize];
    log_probs.fill(f32::NEG_INFINITY);
    log_probs[token as usize] = value;
}

/// Where phrases are required, each hypothesis offers its own likeliest tokens, so that no bank goes
/// without, and every token that begins or continues a phrase that it lacks.
fn offer_by_bank(
    search: &Search<'_>,
    phrases: &Phrases,
    live: &[Live],
    log_probs: &[f32],
    room: &mut Room,
) {
    for (parent, hypothesis) in live.iter().enumerate() {
        let values = &log_probs[hypothesis.values(search.vocabulary)];
        let parent = parent as u32;
        let position = hypothesis.position.own;
        let bank = |token| phrases.tokens_met(phrases.advance(position, token));
        room.best.clear(search.places() + 1 + room.chosen.len());
        room.best.scan(parent, hypothesis.log_prob, values);
        let best = room.best.sorted().iter();
        room.offered.extend(best.map(|&best| Banked::new(best, bank(best.token))));
        for token in phrases.advancing(position) {
            let value = values[token as usize];
            if value.is_finite() {
                let sum = hypothesis.log_prob + f64::from(counted(value));
                let candidate = Candidate { rank: sum, log_prob: sum, parent, token };
                room.offered.push(Banked::new(candidate, bank(token)));
            }
        }
    }
}
