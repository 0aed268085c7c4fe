//! The grammar, unrolled to a finite automaton.
//!
//! A state is the stack of symbols still to be written; an edge writes one word class. Leftmost
//! expansion makes this exact: the probability of an edge is the sum over the ways in which the stack
//! can be expanded until a word comes first. Nesting is bounded, so the stacks are finitely many.

use std::collections::HashMap;

use super::grammar::{Symbol, WordClass, rules};

/// One step: write a word of `class`, go to `next`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) probability: f64,
    /// Index into [`Automaton::classes`].
    pub(super) class: u32,
    pub(super) next: u32,
}

/// States are numbered; 0 is the beginning of a sentence. A state without edges is its end.
#[derive(Debug)]
pub(super) struct Automaton {
    pub(super) edges: Vec<Vec<Edge>>,
    pub(super) classes: Vec<WordClass>,
}

/// The symbol to be written first is last.
type Stack = Vec<Symbol>;

impl Automaton {
    pub(super) fn new(start: Symbol) -> Self {
        let (mut classes, mut class_ids) = (Vec::new(), HashMap::new());
        let mut ids: HashMap<Stack, u32> = HashMap::from([(vec![start], 0)]);
        let mut stacks = vec![vec![start]];
        let mut edges = Vec::new();
        while edges.len() < stacks.len() {
            let mut merged: Vec<Edge> = Vec::new();
            for (probability, class, rest) in first_words(&stacks[edges.len()]) {
                let next = *ids.entry(rest).or_insert_with_key(|rest| {
                    stacks.push(rest.clone());
                    stacks.len() as u32 - 1
                });
                let class = *class_ids.entry(class).or_insert_with(|| {
                    classes.push(class);
                    classes.len() as u32 - 1
                });
                match merged.iter_mut().find(|edge| (edge.class, edge.next) == (class, next)) {
                    Some(edge) => edge.probability += probability,
                    None => merged.push(Edge { probability, class, next }),
                }
            }
            edges.push(merged);
        }
        Self { edges, classes }
    }

    /// Expected number of words written from the start, exactly: the sum over t of the probability
    /// that a t-th word is written.
    pub(super) fn mean_length(&self) -> f64 {
        let mut mass = vec![0.0; self.edges.len()];
        mass[0] = 1.0;
        let mut length = 0.0;
        loop {
            let mut after = vec![0.0; mass.len()];
            for (mass, edges) in mass.iter().zip(&self.edges) {
                for edge in edges {
                    after[edge.next as usize] += mass * edge.probability;
                }
            }
            let written: f64 = after.iter().sum();
            if written == 0.0 {
                return length;
            }
            length += written;
            mass = after;
        }
    }
}

/// The classes that a stack can write first, each with its probability and the stack left.
fn first_words(stack: &Stack) -> Vec<(f64, WordClass, Stack)> {
    let mut found = Vec::new();
    let mut open = vec![(1.0, stack.clone())];
    while let Some((probability, mut stack)) = open.pop() {
        match stack.pop() {
            None => {}
            Some(Symbol::Word(class)) => found.push((probability, class, stack)),
            Some(symbol) => {
                for (rule, right) in rules(symbol) {
                    let mut expanded = stack.clone();
                    expanded.extend(right.into_iter().rev());
                    open.push((probability * rule, expanded));
                }
            }
        }
    }
    found
}
