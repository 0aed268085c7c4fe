//! Encoder-decoders: pairs of a source and a target.
//!
//! - this file: `scan`, `g2p`, `dialogue`, `summarise`, `caption`, `digits`, `scheduled-sampling`: some
//!   runs each, judged by what they write;
//! - [`multi30k`]: translation, with attention and without, by the length of the source; [`pytorch`]: the
//!   same recipe there; [`beam`]: what larger beams do to it; [`decoded`]: the program's `translate` and
//!   `metric` for all of them.

use anyhow::Result;

use super::figure::{Figure, Reference};
use super::results::{Axis, Chart, Curve, Results, Table};
use super::session::{Run, Session};
use super::trained::{Quality, Trained};

pub(super) mod beam;
mod decoded;
pub(super) mod multi30k;
mod pytorch;

/// An experiment of some runs, each judged by the measure of its test.
struct Suite {
    title: &'static str,
    notes: &'static str,
    /// Below LAMPWICK_DATA; empty: nothing is read.
    needs: &'static str,
    parts: &'static [Part],
}

/// One run of a suite.
struct Part {
    name: &'static str,
    folder: &'static str,
    config: &'static str,
    overrides: &'static [&'static str],
    /// Of the measure that decides, on the test.
    reference: Reference,
    source: &'static str,
}

const LAKE: &str = "Lake and Baroni 2018, LSTM 2x200: simple 99.8 %, length 13.8 %";
const WEN: &str =
    "Wen et al. 2016, encoder-decoder: .740 (restaurant), .855 (hotel), by their own scorer";

const SCAN: Suite = Suite {
    title: "scan: commands to actions",
    notes: "Exact match on the test commands. `length` is trained on up to 22 actions and tested on 24 to \
            48: what an encoder-decoder does not learn.",
    needs: "scan/tasks_train_simple.txt",
    parts: &[
        Part {
            name: "simple",
            folder: "scan/simple",
            config: "scan",
            overrides: &[],
            reference: Reference::AtLeast(99.0),
            source: LAKE,
        },
        Part {
            name: "length",
            folder: "scan/length",
            config: "scan",
            overrides: &["data.corpus=scan_length"],
            reference: Reference::Beside(13.8),
            source: LAKE,
        },
    ],
};

const G2P: Suite = Suite {
    title: "g2p: letters to phonemes, CMUdict",
    notes: "Word error: a word is right if it is one of its pronunciations, stress aside. Words are split \
            90/5/5 by their SHA-256; published splits are others.",
    needs: "cmudict/cmudict.dict",
    parts: &[Part {
        name: "LSTM 2x512",
        folder: "g2p/lstm",
        config: "g2p",
        overrides: &[],
        reference: Reference::AtMost(31.0),
        source: "published for LSTMs of 2x512 (31.1 %) and 2x64 (39.6 %)",
    }],
};

const DIALOGUE: Suite = Suite {
    title: "dialogue: acts to sentences, RNNLG",
    notes: "BLEU of sentences with names and numbers filled in, against all sentences of the same act.",
    needs: "rnnlg/restaurant/train.json",
    parts: &[
        Part {
            name: "restaurant",
            folder: "dialogue/restaurant",
            config: "dialogue",
            overrides: &[],
            reference: Reference::Beside(74.0),
            source: WEN,
        },
        Part {
            name: "hotel",
            folder: "dialogue/hotel",
            config: "dialogue",
            overrides: &["data.folder=${LAMPWICK_DATA}/rnnlg/hotel"],
            reference: Reference::Beside(85.5),
            source: WEN,
        },
    ],
};

const SUMMARISE: Suite = Suite {
    title: "summarise: e-mails to subject lines, AESLC",
    notes: "ROUGE-L, F, of the first 80 words' summary; no scorer's stemming.",
    needs: "aeslc/train.email",
    parts: &[
        Part {
            name: "with copying",
            folder: "summarise/copying",
            config: "summarise",
            overrides: &[],
            reference: Reference::None,
            source: "",
        },
        Part {
            name: "without",
            folder: "summarise/plain",
            config: "summarise",
            overrides: &["model.copying=false"],
            reference: Reference::None,
            source: "",
        },
    ],
};

const CAPTION: Suite = Suite {
    title: "caption: drawn pictures to sentences",
    notes: "Exact match on pictures never trained on; a caption says the shapes' size, colour, form and how \
            they lie to each other.",
    needs: "",
    parts: &[Part {
        name: "show, attend and tell",
        folder: "caption/attention",
        config: "caption",
        overrides: &[],
        reference: Reference::AtLeast(95.0),
        source: "the aim that is set here; Xu et al. 2015 (the model)",
    }],
};

const DIGITS: Suite = Suite {
    title: "digits: spoken strings of digits",
    notes: "Word error on strings of one to seven digits, put together from recordings that no training \
            string holds.",
    needs: "fsdd/recordings/0_jackson_0.wav",
    parts: &[Part {
        name: "attention and CTC",
        folder: "digits/attention-ctc",
        config: "digits",
        overrides: &[],
        reference: Reference::AtMost(5.0),
        source: "the aim that is set here; Chan et al. 2016, Watanabe et al. 2017 (the model)",
    }],
};

const SCHEDULED_SAMPLING: Suite = Suite {
    title: "scheduled-sampling: reading one's own words while learning",
    notes: "SCAN, the length split; exact match on the test commands.",
    needs: "scan/tasks_train_simple.txt",
    parts: &[
        Part {
            name: "length, teacher forcing",
            folder: "scan/length",
            config: "scan",
            overrides: &["data.corpus=scan_length"],
            reference: Reference::None,
            source: "",
        },
        Part {
            name: "length, inverse sigmoid",
            folder: "scheduled-sampling/length",
            config: "scan",
            overrides: &[
                "data.corpus=scan_length",
                "loss.scheduled_sampling.decay=inverse_sigmoid",
                "loss.scheduled_sampling.k=300",
                "loss.scheduled_sampling.floor=0.5",
            ],
            reference: Reference::None,
            source: "Bengio et al. 2015",
        },
    ],
};

pub(super) fn scan(session: &Session) -> Result<Results> {
    SCAN.run(session)
}

pub(super) fn g2p(session: &Session) -> Result<Results> {
    G2P.run(session)
}

pub(super) fn dialogue(session: &Session) -> Result<Results> {
    DIALOGUE.run(session)
}

pub(super) fn summarise(session: &Session) -> Result<Results> {
    SUMMARISE.run(session)
}

pub(super) fn caption(session: &Session) -> Result<Results> {
    CAPTION.run(session)
}

pub(super) fn digits(session: &Session) -> Result<Results> {
    DIGITS.run(session)
}

pub(super) fn scheduled_sampling(session: &Session) -> Result<Results> {
    SCHEDULED_SAMPLING.run(session)
}

impl Suite {
    fn run(&self, session: &Session) -> Result<Results> {
        if !self.needs.is_empty() {
            session.needs(self.needs)?;
        }
        let runs: Vec<Run> = self.parts.iter().map(Part::run).collect();
        let trained = session.train(&runs)?;
        let mut results = Results::new(self.title);
        results.notes.push(self.notes.into());
        let parts = self.parts.iter().zip(&trained);
        let named: Vec<(&Part, &Trained)> =
            parts.filter_map(|(part, run)| Some((part, run.as_ref()?))).collect();
        for part in self.parts {
            let run = named.iter().find(|(one, _)| one.folder == part.folder).map(|(_, run)| *run);
            results.figures.extend(part.figures(run));
        }
        let runs: Vec<(&str, &Trained)> =
            named.iter().map(|(part, run)| (part.name, *run)).collect();
        results.charts.extend(validation_chart(&runs));
        results.tables.push(run_table(&runs));
        Ok(results)
    }
}

impl Part {
    fn run(&self) -> Run {
        Run {
            folder: self.folder.into(),
            config: format!("configs/seq2seq/{}.toml", self.config),
            overrides: self.overrides.iter().map(ToString::to_string).collect(),
        }
    }

    /// The test's measures, the one that decides first.
    fn figures(&self, run: Option<&Trained>) -> Vec<Figure> {
        let test = run.and_then(|run| run.test.as_ref());
        let deciding = test.and_then(|test| test.quality.as_ref());
        let name = deciding.map_or("test", |quality| quality.name.as_str());
        let mut figures = vec![Figure {
            what: format!("{}, {name}", self.name),
            measured: deciding.map(|quality| quality.value),
            reference: self.reference,
            source: self.source.into(),
        }];
        figures.extend(test.into_iter().flat_map(|test| &test.also).map(|quality| Figure {
            what: format!("{}, {}", self.name, quality.name),
            measured: Some(quality.value),
            reference: Reference::None,
            source: String::new(),
        }));
        figures
    }
}

/// The deciding measure of the validation by epoch.
fn validation_chart(runs: &[(&str, &Trained)]) -> Option<Chart> {
    let quality = |run: &Trained| run.valid.iter().find_map(|line| line.quality.clone());
    let Quality { name, .. } = runs.iter().find_map(|(_, run)| quality(run))?;
    let curve = |run: &Trained| -> Vec<(f64, f64)> {
        run.valid
            .iter()
            .filter_map(|line| Some((line.epoch as f64, line.quality.as_ref()?.value)))
            .collect()
    };
    Some(Chart {
        title: "Validation".into(),
        caption: "by epoch".into(),
        x: Axis::linear("epoch"),
        y: Axis::linear(&name),
        curves: runs.iter().map(|(name, run)| Curve::marked(name, curve(run))).collect(),
    })
}

/// State, size, best validation and speed of each run.
fn run_table(runs: &[(&str, &Trained)]) -> Table {
    let head =
        ["run", "state", "parameters", "epochs", "best valid", "minutes", "tokens/s", "device"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (name, run) in runs {
        let best = run.best().and_then(|line| line.quality.as_ref());
        rows.push(vec![
            (*name).into(),
            run.info.state.clone(),
            run.info.parameters.to_string(),
            run.info.epochs.to_string(),
            best.map_or("-".into(), |quality| format!("{:.2}", quality.value)),
            format!("{:.0}", run.minutes()),
            format!("{:.0}", run.info.tokens_per_second),
            run.info.device.clone(),
        ]);
    }
    Table { title: "Runs".into(), rows }
}
