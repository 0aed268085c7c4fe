//! `y = a x^b` through points, by least squares of the logarithms.

/// A fitted power law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PowerLaw {
    /// `a`.
    pub(crate) factor: f64,
    /// `b`.
    pub(crate) exponent: f64,
    /// Standard error of `b` (0 through two points, which leave none to judge by).
    pub(crate) exponent_error: f64,
    /// Root mean square of `ln y - ln (a x^b)`: about the relative error of a point.
    pub(crate) residual: f64,
}

impl PowerLaw {
    /// Fits points with `x, y > 0`, others left out; `None` for fewer than two different `x`.
    pub(crate) fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let logs: Vec<(f64, f64)> = points
            .iter()
            .filter(|(x, y)| *x > 0.0 && *y > 0.0 && x.is_finite() && y.is_finite())
            .map(|(x, y)| (x.ln(), y.ln()))
            .collect();
        let n = logs.len() as f64;
        let mean_x = logs.iter().map(|p| p.0).sum::<f64>() / n;
        let mean_y = logs.iter().map(|p| p.1).sum::<f64>() / n;
        let spread: f64 = logs.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
        if logs.len() < 2 || spread < 1e-12 {
            return None;
        }
        let exponent = logs.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum::<f64>() / spread;
        let offset = mean_y - exponent * mean_x;
        let squares: f64 = logs.iter().map(|p| (p.1 - offset - exponent * p.0).powi(2)).sum();
        let freedom = n - 2.0;
        let exponent_error = if freedom > 0.0 { (squares / freedom / spread).sqrt() } else { 0.0 };
        let residual = (squares / n).sqrt();
        Some(Self { factor: offset.exp(), exponent, exponent_error, residual })
    }

    /// `a x^b`.
    pub(crate) fn at(&self, x: f64) -> f64 {
        self.factor * x.powf(self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_data_gives_its_own_law_and_no_error() {
        let points: Vec<(f64, f64)> =
            [1e3, 4e3, 1e4, 7e5].map(|x: f64| (x, 3.5 * x.powf(-0.42))).into();
        let law = PowerLaw::fit(&points).unwrap();
        assert!((law.exponent + 0.42).abs() < 1e-12, "{law:?}");
        assert!((law.factor / 3.5 - 1.0).abs() < 1e-10, "{law:?}");
        assert!(law.exponent_error < 1e-12 && law.residual < 1e-12, "{law:?}");
        assert!((law.at(1e5) / (3.5 * 1e5f64.powf(-0.42)) - 1.0).abs() < 1e-10);
    }

    #[test]
    fn the_error_of_the_exponent_is_that_of_a_regression() {
        // ln x = 0, 1, 2, 3 and ln y = 0, 1, 2, 4: slope 1.3, residuals .2 -.1 -.4 .3 about it:
        // by hand: squares 0.3, s^2 = 0.15, spread 5, error sqrt(.15 / 5).
        let points = [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 4.0)]
            .map(|(x, y): (f64, f64)| (x.exp(), y.exp()));
        let law = PowerLaw::fit(&points).unwrap();
        assert!((law.exponent - 1.3).abs() < 1e-12, "{law:?}");
        assert!((law.exponent_error - (0.15f64 / 5.0).sqrt()).abs() < 1e-12, "{law:?}");
        assert!((law.residual - (0.3f64 / 4.0).sqrt()).abs() < 1e-12, "{law:?}");
    }

    #[test]
    fn points_that_have_no_logarithm_are_left_out() {
        assert!(PowerLaw::fit(&[(1.0, 1.0), (2.0, -1.0), (0.0, 1.0)]).is_none());
        assert!(PowerLaw::fit(&[(1.0, 1.0), (1.0, 2.0)]).is_none(), "one x is no law");
        let law = PowerLaw::fit(&[(1.0, 2.0), (f64::NAN, 1.0), (4.0, 1.0)]).unwrap();
        assert!((law.exponent + 0.5).abs() < 1e-12);
    }
}
