//! What the benchmarks share.
//!
//! `cargo xtask bench` measures everything and writes `target/bench/report.md`. By hand:
//!
//! ```text
//! cargo test --package benches                                     every workload, small, its tables walked
//! cargo bench --package benches --bench field -- --count W2 ours   instructions for each entry, by callgrind
//! cargo bench --package benches --bench const_eval                 what a map costs the compiler
//! ```

pub mod arena;
pub mod budget;
pub mod chart;
pub mod count;
pub mod mapper;
pub mod mappers;
pub mod obligations;
pub mod report;
pub mod time;
pub mod walker;
pub mod workload;

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
