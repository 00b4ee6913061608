//! The budgets of the project, and what was measured.

use serde::Serialize;

use crate::time::Measured;

/// A budget and the verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// What.
    pub what: String,
    /// At most this.
    pub budget: f64,
    /// What it is.
    pub is: f64,
    /// Whether it is a number that does not depend on the machine's mood: then a change for the worse is an error.
    pub exact: bool,
    /// Where the budget is not met yet: no more than this, until it is.
    pub not_yet: Option<f64>,
}

impl Verdict {
    /// Of something that was measured.
    #[must_use]
    pub fn new(what: impl Into<String>, budget: f64, is: f64) -> Self {
        Self { what: what.into(), budget, is, exact: false, not_yet: None }
    }

    /// Whether it is met.
    #[must_use]
    pub fn met(&self) -> bool {
        self.is <= self.budget
    }

    /// Whether it is as good as it ever was: a budget that is met stays met, and one that is not gets no worse.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.exact || self.met() || self.not_yet.is_some_and(|most| self.is <= most)
    }

    /// In a table.
    #[must_use]
    pub fn word(&self) -> String {
        match (self.met(), self.not_yet) {
            (true, None) => "met".to_owned(),
            (true, Some(_)) => "met, and no longer to be excused".to_owned(),
            (false, Some(most)) if self.holds() => format!("**not met** yet, at most {most}"),
            (false, _) if self.exact => "**broken**".to_owned(),
            (false, _) => "**not met**".to_owned(),
        }
    }

    fn exact(self) -> Self {
        Self { exact: true, ..self }
    }

    fn not_yet(self, not_yet: Option<f64>) -> Self {
        Self { not_yet, ..self }
    }
}

/// Workload, most of `raw`'s time, most instructions for each leaf, and at most how many they are where that is not met yet.
const BUDGETS: [(&str, f64, Option<f64>, Option<f64>); 10] = [
    ("W1", 0.55, Some(20.0), None),
    ("W2", 1.10, Some(4.6), None),
    ("W3", 1.10, None, None),
    ("W4", 1.05, None, None),
    ("W5 page", 0.55, Some(20.0), None),
    ("W5 range", 1.10, Some(11.0), None),
    ("W6 page", 0.55, Some(20.0), None),
    ("W6 range", 1.10, Some(4.6), None),
    ("W7", 1.00, None, None),
    ("W8", 1.10, None, None),
];

/// What a store to a known slot takes by hand: flags into the address, and the store.
const STORE: f64 = 2.0;

/// What was measured of a workload and a mapper.
#[must_use]
pub fn find<'a>(measured: &'a [Measured], workload: &str, mapper: &str) -> Option<&'a Measured> {
    measured.iter().find(|one| one.workload == workload && one.mapper == mapper)
}

/// All verdicts on what was measured.
#[must_use]
pub fn verdicts(measured: &[Measured]) -> Vec<Verdict> {
    let mut list = Vec::new();
    for (workload, ratio, instructions, not_yet) in BUDGETS {
        let Some(ours) = find(measured, workload, "ours") else { continue };
        list.push(Verdict::new(format!("{workload}: time, of raw's"), ratio, ours.ratio));
        if let (Some(most), Some(count)) = (instructions, ours.instructions) {
            let verdict = Verdict::new(format!("{workload}: instructions for each leaf"), most, count);
            list.push(verdict.exact().not_yet(not_yet));
        }
    }
    if let (Some(frees), Some(keeps)) = (find(measured, "reclaim", "ours"), find(measured, "W6 range", "ours")) {
        list.push(Verdict::new("unmap that reclaims: time, of one that does not", 1.2, frees.ns / keeps.ns));
    }
    if let Some(window) = find(measured, "window map", "window") {
        list.push(Verdict::new("window, map a page: time, of a store's", 1.1, window.ratio));
    }
    let count = |workload, mapper| find(measured, workload, mapper).and_then(|one| one.instructions);
    if let (Some(window), Some(store)) = (count("window map", "window"), count("window map", "store")) {
        list.push(Verdict::new("window, map a page: instructions", 3.0, STORE + window - store).exact());
        if let Some(both) = count("window flip", "window") {
            list.push(Verdict::new("window, unmap a page: instructions", 3.0, both - window).exact());
        }
    }
    list
}
