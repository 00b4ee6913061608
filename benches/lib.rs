//! What the benchmarks share.
//!
//! `cargo bench --package benches --bench const_eval` shows what a map costs the compiler.

/// The line through points by least squares: `(value at 0, slope, share of the variance it explains)`.
#[must_use]
pub fn fit(points: &[(f64, f64)]) -> (f64, f64, f64) {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let sxy: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let sxx: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let syy: f64 = points.iter().map(|p| (p.1 - y).powi(2)).sum();
    let slope = sxy / sxx;
    (y - slope * x, slope, sxy * sxy / (sxx * syy))
}
