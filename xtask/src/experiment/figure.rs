//! A measured figure beside its reference: within the tolerance, or not.

/// What a figure is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reference {
    /// A published perplexity; ours may differ by this share of it, to either side: one that is far
    /// better comes from another recipe.
    Near { value: f64, share: f64 },
    /// It must not be larger.
    AtMost(f64),
    /// It must not be smaller.
    AtLeast(f64),
    /// Known from elsewhere under other conditions: shown, not judged.
    Beside(f64),
    /// Nothing is published: shown alone.
    None,
}

/// One row of the table of figures.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What was measured, with its unit.
    pub(crate) what: String,
    /// `None`: the runs have not come so far.
    pub(crate) measured: Option<f64>,
    pub(crate) reference: Reference,
    /// Where the reference comes from; empty for none.
    pub(crate) source: String,
}

/// How a figure stands to its reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Within,
    Outside,
    /// There is a reference but no figure yet.
    NotMeasured,
    /// There is nothing to be held against.
    Shown,
}

impl Figure {
    /// Whether the figure keeps to its reference.
    pub(crate) fn verdict(&self) -> Verdict {
        let judged = |within: fn(f64, f64) -> bool, bound: f64| match self.measured {
            None => Verdict::NotMeasured,
            // A NaN is not within anything.
            Some(measured) if within(measured, bound) => Verdict::Within,
            Some(_) => Verdict::Outside,
        };
        match self.reference {
            Reference::Near { value, share } => match self.measured {
                None => Verdict::NotMeasured,
                // The last digit of the division must not decide.
                Some(measured) if (measured / value - 1.0).abs() <= share + 1e-9 => Verdict::Within,
                Some(_) => Verdict::Outside,
            },
            Reference::AtMost(bound) => judged(|measured, bound| measured <= bound, bound),
            Reference::AtLeast(bound) => judged(|measured, bound| measured >= bound, bound),
            Reference::Beside(_) | Reference::None => Verdict::Shown,
        }
    }

    /// The row: what, reference, tolerance, measured, difference, verdict.
    pub(crate) fn row(&self) -> Vec<String> {
        let (reference, tolerance) = match self.reference {
            Reference::Near { value, share } => (shown(value), format!("±{:.0} %", 100.0 * share)),
            Reference::AtMost(bound) => (shown(bound), "at most".into()),
            Reference::AtLeast(bound) => (shown(bound), "at least".into()),
            Reference::Beside(value) => (shown(value), "-".into()),
            Reference::None => ("-".into(), "-".into()),
        };
        let difference = match (self.reference, self.measured) {
            (Reference::Near { value, .. } | Reference::Beside(value), Some(measured)) => {
                format!("{:+.1} %", 100.0 * (measured / value - 1.0))
            }
            _ => "-".into(),
        };
        let verdict = match self.verdict() {
            Verdict::Within => "within",
            Verdict::Outside => "OUTSIDE",
            Verdict::NotMeasured => "not measured",
            Verdict::Shown => "-",
        };
        let measured = self.measured.map_or("-".into(), shown);
        vec![self.what.clone(), reference, tolerance, measured, difference, verdict.into()]
    }
}

/// Four significant figures or so.
pub(crate) fn shown(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => value.to_string(),
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        size if size >= 1e-3 || size == 0.0 => format!("{value:.4}"),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(measured: Option<f64>, reference: Reference) -> Verdict {
        Figure { what: "x".into(), measured, reference, source: String::new() }.verdict()
    }

    #[test]
    fn a_figure_is_within_its_tolerance_or_outside() {
        let near = Reference::Near { value: 100.0, share: 0.05 };
        for (measured, expected) in [
            (Some(105.0), Verdict::Within),
            (Some(95.0), Verdict::Within),
            (Some(105.1), Verdict::Outside),
            (Some(94.9), Verdict::Outside),
            (Some(f64::NAN), Verdict::Outside),
            (None, Verdict::NotMeasured),
        ] {
            assert_eq!(verdict(measured, near), expected, "{measured:?}");
        }
        assert_eq!(verdict(Some(117.5), Reference::AtMost(117.5)), Verdict::Within);
        assert_eq!(verdict(Some(117.6), Reference::AtMost(117.5)), Verdict::Outside);
        assert_eq!(verdict(Some(f64::NAN), Reference::AtMost(117.5)), Verdict::Outside);
        assert_eq!(verdict(Some(0.9), Reference::AtLeast(1.0)), Verdict::Outside);
        assert_eq!(verdict(None, Reference::AtLeast(1.0)), Verdict::NotMeasured);
        assert_eq!(verdict(Some(1e9), Reference::Beside(1.0)), Verdict::Shown);
    }

    #[test]
    fn a_row_says_reference_tolerance_measured_and_difference() {
        let figure = Figure {
            what: "valid, epoch 1".into(),
            measured: Some(182.4),
            reference: Reference::Near { value: 180.0, share: 0.05 },
            source: "a log".into(),
        };
        let row = figure.row();
        assert_eq!(row, ["valid, epoch 1", "180.0", "±5 %", "182.4", "+1.3 %", "within"]);
    }
}
