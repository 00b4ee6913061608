//! A list of named steps, run one after the other, with a verdict at the end.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// What steps could not do on this machine, for the summary.
static LEFT_OUT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Says aloud, and again in the summary, what a step that passes left out.
pub(crate) fn leave_out(what: String) {
    println!("left out: {what}");
    LEFT_OUT.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

/// Steps that have run.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
    /// What a step's name must contain to be run.
    only: String,
}

struct Step {
    name: String,
    time: Duration,
    error: Option<String>,
}

impl Steps {
    /// Runs only the steps whose name contains `only`.
    pub(crate) fn only(only: &str) -> Self {
        Self { done: Vec::new(), only: only.to_owned() }
    }

    /// Runs one step; a failure is printed and remembered, and the next step runs all the same.
    pub(crate) fn run(&mut self, name: impl Into<String>, step: impl FnOnce() -> Result<()>) {
        let name = name.into();
        if !name.contains(&self.only) {
            return;
        }
        println!("── {name}");
        let start = Instant::now();
        let error = step().err().map(|error| format!("{error:#}"));
        let time = start.elapsed();
        match &error {
            None => println!("   passed: {name} ({:.1} s)", time.as_secs_f64()),
            // What is behind its first line comes with the summary.
            Some(text) => {
                let what = text.lines().next().unwrap_or_default();
                println!("   FAILED: {name} ({:.1} s): {what}", time.as_secs_f64());
            }
        }
        self.done.push(Step { name, time, error });
    }

    /// Prints the summary, ending with `N passed, N failed` on a line of its own.
    ///
    /// # Errors
    /// A step failed, or none ran.
    pub(crate) fn finish(self) -> Result<()> {
        let failed = self.done.iter().filter(|step| step.error.is_some()).count();
        println!("\n── summary");
        for step in &self.done {
            let verdict = if step.error.is_some() { "FAILED" } else { "passed" };
            println!("{verdict}  {:>7.1} s  {}", step.time.as_secs_f64(), step.name);
        }
        for what in LEFT_OUT.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            println!("left out: {what}");
        }
        if !self.only.is_empty() {
            println!("these are only the steps with `{}` in their name", self.only);
        }
        for (name, error) in self.done.iter().filter_map(|step| Some((&step.name, step.error.as_ref()?))) {
            println!("── FAILED {name}: {error}");
        }
        println!("{} passed, {failed} failed", self.done.len() - failed);
        if let Some(first) = self.done.iter().find(|step| step.error.is_some()) {
            bail!("{failed} of {} steps failed; the first: {}", self.done.len(), first.name);
        }
        if self.done.is_empty() {
            bail!("no step ran");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_the_whole_and_stops_nothing() {
        let mut steps = Steps::default();
        let mut ran = false;
        steps.run("bad", || bail!("no"));
        steps.run("good", || {
            ran = true;
            Ok(())
        });
        assert!(ran);
        assert!(steps.finish().is_err());
    }

    #[test]
    fn a_choice_that_fits_no_step_is_no_success() {
        let mut steps = Steps::only("riscv");
        steps.run("boot riscv64", || Ok(()));
        steps.run("boot aarch64", || bail!("not chosen"));
        assert!(steps.finish().is_ok());
        let mut steps = Steps::only("mips");
        steps.run("boot riscv64", || Ok(()));
        assert!(steps.finish().is_err());
    }

    #[test]
    fn what_is_left_out_is_kept_for_the_summary() {
        leave_out("a machine that is not here".to_owned());
        let kept = LEFT_OUT.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(kept.iter().any(|what| what.contains("not here")));
    }

    #[test]
    fn nothing_run_is_no_success() {
        assert!(Steps::default().finish().is_err());
    }
}
