//! One sentence's beam.

use lampwick_models::Attention;

use super::BeamOptions;
use super::deal::Banked;
use super::group::{Group, Live};
use super::history::{Ending, History, ROOT};
use crate::bans::{Bans, Position};
use crate::candidates::Best;
use crate::error::DecodingError;
use crate::hypothesis::{Hypothesis, counted};
use crate::penalties::Bounds;
use crate::phrases::Phrases;
use crate::sentence::{Asked, Rules, check_source};

/// What all sentences share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search<'a> {
    pub(super) rules: &'a Rules,
    pub(super) common: &'a Phrases,
    pub(super) options: &'a BeamOptions,
    pub(super) bounds: &'a Bounds,
    pub(super) vocabulary: usize,
}

impl Search<'_> {
    /// Whether it is of interest where the model looks.
    pub(super) fn attends(&self) -> bool {
        self.rules.attention || self.options.scoring.needs_coverage()
    }

    /// Places of a group.
    pub(super) fn places(&self) -> usize {
        self.options.width / self.options.groups
    }

    /// Hypotheses that each group keeps.
    fn kept(&self) -> usize {
        self.options.n_best.div_ceil(self.options.groups)
    }
}

/// The beam of a sentence between two steps.
#[derive(Debug)]
pub(super) struct SentenceBeam<'a> {
    index: usize,
    pub(super) asked: Asked<'a>,
    pub(super) groups: Vec<Group>,
    pub(super) history: History,
    /// Tokens of every live hypothesis.
    pub(super) length: usize,
    /// The model's next rows; empty when the sentence is done.
    pub(super) rows: Vec<Row>,
    /// `[rows, S]`, attention summed over the tokens scored; with this step's in `covered`.
    coverage: Vec<f64>,
    covered: Vec<f64>,
    /// The best that could not go on, where nothing is finished, and its tokens of phrases met.
    unfinished: Option<(usize, Ending)>,
    pub(super) room: Room,
}

/// A row of the batch: it continues row `parent` of the last one by `token`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) parent: usize,
    pub(super) token: u32,
}

/// What a step needs, kept so that it is allocated once.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) best: Best,
    pub(super) offered: Vec<Banked>,
    pub(super) next: Vec<Live>,
    pub(super) tokens: Vec<u32>,
    /// Tokens that earlier groups have chosen at this step, and how often.
    pub(super) chosen: Vec<(u32, u32)>,
}

impl<'a> SentenceBeam<'a> {
    pub(super) fn new(
        index: usize,
        asked: Asked<'a>,
        search: &Search<'_>,
    ) -> Result<Self, DecodingError> {
        if search.attends() && asked.sentence.source.is_none() {
            return Err(DecodingError::NoSource { sentence: index });
        }
        let root = Live {
            row: 0,
            token: search.rules.start,
            node: ROOT,
            log_prob: 0.0,
            position: Position::default(),
        };
        let group = Group { live: vec![root], finished: Vec::new() };
        let positions = asked.sentence.source.filter(|_| search.attends()).unwrap_or(0);
        Ok(Self {
            index,
            asked,
            groups: vec![group; search.options.groups],
            history: History::new(positions),
            length: 0,
            rows: vec![Row { parent: index, token: search.rules.start }],
            coverage: vec![0.0; positions],
            covered: Vec::new(),
            unfinished: None,
            room: Room::default(),
        })
    }

    /// Continues every hypothesis by `log_probs` `[rows, V]`, which are the batch's from row `first`
    /// on. What may not follow is overwritten there.
    pub(super) fn step(
        &mut self,
        search: &Search<'_>,
        first: usize,
        log_probs: &mut [f32],
        attention: Option<Attention<'_>>,
    ) -> Result<(), DecodingError> {
        let looks = self.history.looks();
        if let Some(attention) = attention {
            self.look(first, attention, search.rules.attention)?;
        }
        match self.asked.sentence.prefix.get(self.length) {
            Some(&token) => self.force(search, token, log_probs, looks)?,
            None => {
                self.room.chosen.clear();
                for group in 0..self.groups.len() {
                    self.offer(search, group, log_probs)?;
                    self.choose(search, group, log_probs, looks);
                }
                self.retire(search);
            }
        }
        self.length += 1;
        self.number_rows(first);
        Ok(())
    }

    /// Adds what each hypothesis looked at, and keeps it where it is to be told.
    fn look(
        &mut self,
        first: usize,
        attention: Attention<'_>,
        keep: bool,
    ) -> Result<(), DecodingError> {
        let source = self.asked.sentence.source.unwrap_or(0);
        check_source(self.index, source, attention)?;
        self.covered.clear();
        for row in 0..self.rows.len() {
            let weights = &attention.row(first + row)[..source];
            if keep {
                self.history.look(weights);
            }
            let before = &self.coverage[row * source..(row + 1) * source];
            let sums = before.iter().zip(weights).map(|(sum, &weight)| sum + f64::from(weight));
            self.covered.extend(sums);
        }
        Ok(())
    }

    /// A row's coverage before or after this step.
    fn of_row<'c>(&self, coverage: &'c [f64], row: usize) -> &'c [f64] {
        let size = coverage.len() / self.rows.len();
        &coverage[row * size..(row + 1) * size]
    }

    pub(super) fn bans<'b>(&'b self, search: &Search<'b>) -> Bans<'b> {
        Bans { rules: search.rules, common: search.common, asked: &self.asked }
    }

    /// Continues the one hypothesis that there is by the prefix.
    fn force(
        &mut self,
        search: &Search<'_>,
        token: u32,
        log_probs: &[f32],
        look: u32,
    ) -> Result<(), DecodingError> {
        let log_prob = counted(log_probs[token as usize]);
        if !log_prob.is_finite() {
            let (sentence, position) = (self.index, self.length);
            return Err(DecodingError::ImpossiblePrefix { sentence, position, token });
        }
        let mut live = self.groups[0].live[0];
        live.position = self.bans(search).advance(live.position, token);
        live.node = self.history.push(live.node, token, log_prob, look);
        live.log_prob += f64::from(log_prob);
        live.token = token;
        self.groups.iter_mut().for_each(|group| group.live[0] = live);
        Ok(())
    }

    /// Gives the places: finishes what ends, and leaves in the group what goes on.
    fn choose(&mut self, search: &Search<'_>, group: usize, log_probs: &[f32], looks: u32) {
        let places = search.places();
        let mut room = std::mem::take(&mut self.room);
        room.next.clear();
        for (place, banked) in room.offered.iter().enumerate() {
            let candidate = banked.candidate;
            let ends = candidate.token == search.rules.end;
            if ends && place >= places {
                continue;
            }
            let parent = self.groups[group].live[candidate.parent as usize];
            let look = if self.covered.is_empty() { 0 } else { looks + parent.row as u32 };
            let at = parent.row * search.vocabulary + candidate.token as usize;
            let node =
                self.history.push(parent.node, candidate.token, counted(log_probs[at]), look);
            if ends {
                let coverage = self.of_row(&self.covered, parent.row);
                let log_prob = candidate.log_prob;
                let score = search.options.scoring.score(log_prob, self.length + 1, coverage);
                let ending = Ending { node, log_prob, score, group };
                self.groups[group].finish(ending, search.kept());
                if places == 1 {
                    break; // greedy: where the end is the likeliest, the target is found
                }
            } else {
                let position = self.bans(search).advance(parent.position, candidate.token);
                let (row, token) = (parent.row, candidate.token);
                let log_prob = candidate.log_prob;
                room.next.push(Live { row, token, node, log_prob, position });
                if room.next.len() == places {
                    break;
                }
            }
        }
        if room.next.is_empty() && self.groups[group].finished.is_empty() {
            self.keep_unfinished(search, group);
        }
        let steering = if self.groups.len() > 1 { &room.next[..] } else { &[] };
        for next in steering {
            match room.chosen.iter_mut().find(|(token, _)| *token == next.token) {
                Some((_, times)) => *times += 1,
                None => room.chosen.push((next.token, 1)),
            }
        }
        std::mem::swap(&mut self.groups[group].live, &mut room.next);
        self.room = room;
    }

    /// Remembers the best of a group that has nothing finished and cannot go on.
    fn keep_unfinished(&mut self, search: &Search<'_>, group: usize) {
        for live in &self.groups[group].live {
            let coverage = self.of_row(&self.coverage, live.row);
            let score = search.options.scoring.score(live.log_prob, self.length, coverage);
            let met = self.asked.phrases.tokens_met(live.position.own);
            let (node, log_prob) = (live.node, live.log_prob);
            let better = self.unfinished.is_none_or(|(best_met, best)| {
                met > best_met || met == best_met && score > best.score
            });
            if better {
                self.unfinished = Some((met, Ending { node, log_prob, score, group }));
            }
        }
    }

    /// Lets go of what cannot enter the result any more.
    fn retire(&mut self, search: &Search<'_>) {
        if search.options.exhaustive {
            return;
        }
        let (next, longest) = (self.length + 2, self.asked.max + 1);
        let upper = |live: &Live| search.bounds.upper(live.log_prob, next, longest);
        let alone = self.groups.len() == 1 && !self.asked.phrases.require();
        for index in (0..self.groups.len()).rev() {
            let Some(worst) = self.groups[index].worst(search.kept()) else { break };
            let reach = |live: &Live| {
                upper(live) + search.options.scoring.lasting(self.of_row(&self.covered, live.row))
            };
            if self.groups[index].live.iter().all(|live| reach(live) <= worst) {
                self.groups[index].live.clear();
            } else if alone {
                // The bound rises with the log-probability, so what is let go ranks below all that
                // may still matter, and so does all that would follow it: no place changes hands.
                self.groups[index].live.retain(|live| upper(live) > worst);
            } else {
                // A group that goes on is steered by those before it.
                break;
            }
        }
    }

    /// Names the rows that go on, and moves their coverage along.
    fn number_rows(&mut self, first: usize) {
        let positions = self.covered.len() / self.rows.len();
        self.coverage.clear();
        self.rows.clear();
        let forced = self.length <= self.asked.sentence.prefix.len();
        let groups = if forced { 1 } else { self.groups.len() }; // one hypothesis, shared
        for group in &mut self.groups[..groups] {
            for live in &mut group.live {
                let covered = live.row * positions..(live.row + 1) * positions;
                self.coverage.extend_from_slice(&self.covered[covered]);
                self.rows.push(Row { parent: first + live.row, token: live.token });
                live.row = self.rows.len() - 1;
            }
        }
    }

    /// The sentence's result.
    pub(super) fn hypotheses(&self, search: &Search<'_>) -> Vec<Hypothesis> {
        let mut finished: Vec<Ending> =
            self.groups.iter().flat_map(|group| &group.finished).copied().collect();
        finished.sort_by(|a, b| b.score.total_cmp(&a.score)); // stable: the first group first
        let looks = search.rules.attention;
        let mut all: Vec<Hypothesis> = Vec::with_capacity(search.options.n_best);
        for ending in finished {
            let hypothesis = self.history.hypothesis(&ending, true, looks);
            if all.len() == search.options.n_best {
                break;
            }
            let alone = self.groups.len() == 1; // groups may agree
            if alone || all.iter().all(|other| other.tokens != hypothesis.tokens) {
                all.push(hypothesis);
            }
        }
        if all.is_empty()
            && let Some((_, ending)) = &self.unfinished
        {
            all.push(self.history.hypothesis(ending, false, looks));
        }
        all
    }
}
