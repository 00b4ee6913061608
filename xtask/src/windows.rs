//! What the firmware says of the pages of its window, which it maps, protects and unmaps one by one.

use anyhow::{Context as _, Result, bail};

use crate::edit::Verdict;
use crate::machine::Accelerator;

/// What the hardware confirmed.
///
/// # Errors
/// There is no line for a window; there are mismatches; or a program that the hardware must contradict is missing or was not
/// contradicted. A hypervisor that shadows the tables may keep nothing that is stale: there, nobody leaves out flushes.
pub(crate) fn verdict(output: &str, accelerator: Accelerator) -> Result<Verdict> {
    let lines = || output.lines().filter_map(|line| line.trim().strip_prefix("window "));
    let verdict = lines().find_map(|line| Verdict::parse(line.split_once(": ")?.1));
    let verdict = verdict.context("no line `window NAME: N steps, M checks, K mismatches`")?;
    if verdict.mismatches != 0 || verdict.steps == 0 || verdict.checks == 0 {
        bail!("the window: {} steps, {} checks, {} mismatches", verdict.steps, verdict.checks, verdict.mismatches);
    }
    let controls: &[&str] = match accelerator {
        Accelerator::Emulation => &["without flushes", "beside a wrong model"],
        Accelerator::Kvm => &["beside a wrong model"],
    };
    for control in controls {
        let noticed = |line: &str| {
            line.split_once(": ").is_some_and(|(what, how)| {
                what.ends_with(control) && how.starts_with("noticed, ") && how != "noticed, 0 times"
            })
        };
        if !lines().any(noticed) {
            bail!("nobody noticed that the window was changed {control}");
        }
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::{Accelerator, Verdict, verdict};

    const GOOD: &str = "21 regions, 9 probes, 0 mismatches\r\nwindow heap: 988 steps, 15019 checks, 0 mismatches\r\n";
    const STALE: &str = "window heap, 300 steps without flushes: noticed, 9 times\r\n";
    const WRONG: &str = "window heap, 300 steps beside a wrong model: noticed, 5 times\r\n";

    #[test]
    fn a_window_is_confirmed_and_both_wrong_programs_are_noticed() {
        let all = format!("{GOOD}{STALE}{WRONG}");
        let counts = Verdict { steps: 988, checks: 15019, mismatches: 0 };
        assert_eq!(verdict(&all, Accelerator::Emulation).expect("good"), counts);
        verdict(&format!("{GOOD}{WRONG}"), Accelerator::Kvm).expect("flushes may not show");
        verdict(&format!("{GOOD}{WRONG}"), Accelerator::Emulation).expect_err("flushes were not left out");
        verdict(&format!("{GOOD}{STALE}"), Accelerator::Kvm).expect_err("no wrong model");
        verdict(&all.replace("noticed, 9", "NOT NOTICED, 0"), Accelerator::Emulation).expect_err("stale");
        verdict(&all.replace(" 0 mismatches\r\nwindow", " 0 mismatches\r\nwidow"), Accelerator::Kvm).expect_err("none");
        verdict(&all.replace("15019 checks, 0", "15019 checks, 1"), Accelerator::Kvm).expect_err("a mismatch");
    }
}
