//! The probabilistic grammar. Nesting is bounded: every nested phrase is one level shallower than the
//! phrase around it, so there are finitely many sentence patterns.
//!
//! ```text
//! Sentence   -> Clause . | do NP[pl] VP[pl] ? | does NP[sg] VP[pl] ?
//!             | if Clause then Clause . | either Clause or Clause .         (then </s>)
//! Clause     -> NP[n] VP[n]                                                  n = sg or pl
//! NP[sg]     -> Name | Det[sg] Adj* Noun[sg] After[sg]
//! NP[pl]     -> Det[pl] Adj* Noun[pl] After[pl]
//! After[n]   -> nothing | that VP[n] | that NP[m] Transitive[m] | Prep NP[m]
//!             | ( NP[m] ) | [ NP[m] ]
//! VP[n]      -> Intransitive[n] Adverb? | Transitive[n] NP[m] | Clausal[n] that Clause
//! ```

use super::lexicon;

/// Grammatical number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Number {
    Singular,
    Plural,
}

use Number::{Plural, Singular};

/// A class of words: a terminal symbol of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum WordClass {
    Determiner(Number),
    Adjective,
    Noun(Number),
    Name,
    Intransitive(Number),
    Transitive(Number),
    Clausal(Number),
    Adverb,
    Preposition,
    /// A class of one word.
    Fixed(&'static str),
}

/// A symbol of the grammar. `usize` is how much deeper phrases may nest below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Symbol {
    Word(WordClass),
    Sentence(usize),
    Clause(usize),
    NounPhrase(Number, usize),
    /// A noun phrase of either number.
    AnyNounPhrase(usize),
    Adjectives,
    AfterNoun(Number, usize),
    VerbPhrase(Number, usize),
    Adverbial,
}

/// Probability and right-hand side of a rule.
pub(super) type Rule = (f64, Vec<Symbol>);

/// A noun is singular this often.
const SINGULAR: f64 = 0.55;

/// The rules of a symbol that is no word; their probabilities sum to 1.
pub(super) fn rules(symbol: Symbol) -> Vec<Rule> {
    use Symbol::*;
    use WordClass::*;
    let fixed = |word| Word(Fixed(word));
    let eos = fixed(crate::vocabulary::EOS);
    match symbol {
        Word(_) => vec![],
        Sentence(0) => vec![(1.0, vec![Clause(0), fixed("."), eos])],
        Sentence(d) => vec![
            (0.66, vec![Clause(d), fixed("."), eos]),
            // The verb of a question is the bare form, which is the plural's; `do` agrees instead,
            // and the first word decides the last.
            (
                0.09,
                vec![
                    fixed("does"),
                    NounPhrase(Singular, d),
                    VerbPhrase(Plural, d),
                    fixed("?"),
                    eos,
                ],
            ),
            (
                0.07,
                vec![fixed("do"), NounPhrase(Plural, d), VerbPhrase(Plural, d), fixed("?"), eos],
            ),
            (0.10, vec![fixed("if"), Clause(d - 1), fixed("then"), Clause(d - 1), fixed("."), eos]),
            (
                0.08,
                vec![fixed("either"), Clause(d - 1), fixed("or"), Clause(d - 1), fixed("."), eos],
            ),
        ],
        Clause(d) => vec![
            (SINGULAR, vec![NounPhrase(Singular, d), VerbPhrase(Singular, d)]),
            (1.0 - SINGULAR, vec![NounPhrase(Plural, d), VerbPhrase(Plural, d)]),
        ],
        AnyNounPhrase(d) => vec![
            (SINGULAR, vec![NounPhrase(Singular, d)]),
            (1.0 - SINGULAR, vec![NounPhrase(Plural, d)]),
        ],
        NounPhrase(n, d) => {
            let full = vec![Word(Determiner(n)), Adjectives, Word(Noun(n)), AfterNoun(n, d)];
            match n {
                Singular => vec![(0.12, vec![Word(Name)]), (0.88, full)],
                Plural => vec![(1.0, full)],
            }
        }
        Adjectives => vec![
            (0.70, vec![]),
            (0.24, vec![Word(Adjective)]),
            (0.06, vec![Word(Adjective), Word(Adjective)]),
        ],
        AfterNoun(_, 0) => vec![(1.0, vec![])],
        AfterNoun(n, d) => vec![
            (0.58, vec![]),
            (0.15, vec![fixed("that"), VerbPhrase(n, d - 1)]),
            (0.06, vec![fixed("that"), NounPhrase(Singular, d - 1), Word(Transitive(Singular))]),
            (0.06, vec![fixed("that"), NounPhrase(Plural, d - 1), Word(Transitive(Plural))]),
            (0.09, vec![Word(Preposition), AnyNounPhrase(d - 1)]),
            (0.03, vec![fixed("("), AnyNounPhrase(d - 1), fixed(")")]),
            (0.03, vec![fixed("["), AnyNounPhrase(d - 1), fixed("]")]),
        ],
        VerbPhrase(n, 0) => vec![
            (0.45, vec![Word(Intransitive(n)), Adverbial]),
            (0.55, vec![Word(Transitive(n)), AnyNounPhrase(0)]),
        ],
        VerbPhrase(n, d) => vec![
            (0.41, vec![Word(Intransitive(n)), Adverbial]),
            (0.51, vec![Word(Transitive(n)), AnyNounPhrase(d - 1)]),
            (0.08, vec![Word(Clausal(n)), fixed("that"), Clause(d - 1)]),
        ],
        Adverbial => vec![(0.65, vec![]), (0.35, vec![Word(Adverb)])],
    }
}

/// The words of a class in one topic, most frequent first before the seed shuffles them; closed
/// classes have the same words in each topic.
pub(super) fn words(class: WordClass, topic: usize) -> Vec<&'static str> {
    use WordClass::*;
    let topic = &lexicon::TOPICS[topic];
    let form = |pairs: &[(&'static str, &'static str)], number| -> Vec<&'static str> {
        pairs.iter().map(|pair| if number == Singular { pair.0 } else { pair.1 }).collect()
    };
    match class {
        Determiner(Singular) => lexicon::SINGULAR_DETERMINERS.to_vec(),
        Determiner(Plural) => lexicon::PLURAL_DETERMINERS.to_vec(),
        Adjective => topic.adjectives.to_vec(),
        Noun(number) => form(&topic.nouns, number),
        Name => lexicon::NAMES.to_vec(),
        Intransitive(number) => form(&topic.intransitive, number),
        Transitive(number) => form(&topic.transitive, number),
        Clausal(number) => form(&lexicon::CLAUSAL_VERBS, number),
        Adverb => lexicon::ADVERBS.to_vec(),
        Preposition => lexicon::PREPOSITIONS.to_vec(),
        Fixed(word) => vec![word],
    }
}

impl WordClass {
    /// Whether the words differ from topic to topic.
    pub(super) fn is_open(self) -> bool {
        matches!(
            self,
            Self::Adjective | Self::Noun(_) | Self::Intransitive(_) | Self::Transitive(_)
        )
    }
}
