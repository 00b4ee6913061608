//! The findings of a check, dealt out to the items that stand for the declared objects.

use crate::rule::{Finding, Findings, fail};
use crate::text::Text;

/// What an item of an expansion does next.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// Nothing: it has no such finding.
    Fine,
    /// Passes through the tokens of another culprit.
    With {
        /// Its anchor.
        anchor: u16,
        /// How many culprits have been underlined then.
        seen: usize,
    },
    /// Fails.
    Wrong,
}

/// The `nth` finding that blames the object of `anchor`.
const fn find<'f, 'a, const N: usize>(
    findings: &'f Findings<'a, N>,
    anchor: u16,
    mut nth: usize,
) -> Option<&'f Finding<'a>> {
    let mut i = 0;
    while i < findings.len {
        if findings.list[i].culprits[0].anchor == anchor {
            if nth == 0 {
                return Some(&findings.list[i]);
            }
            nth -= 1;
        }
        i += 1;
    }
    None
}

/// What to do about the `nth` finding of the object of `anchor`, when `seen` culprits have been underlined.
#[must_use]
pub const fn verdict<const N: usize>(findings: &Findings<'_, N>, anchor: u16, nth: usize, mut seen: usize) -> Verdict {
    let Some(finding) = find(findings, anchor, nth) else { return Verdict::Fine };
    while seen < finding.culprit_count {
        let next = finding.culprits[seen].anchor;
        if next != 0 && next != finding.culprits[seen - 1].anchor {
            return Verdict::With { anchor: next, seen: seen + 1 };
        }
        seen += 1;
    }
    Verdict::Wrong
}

/// Fails with the `nth` finding of the object of `anchor`.
///
/// `last` is the last item that the object has: it says how many findings are left.
///
/// # Panics
/// Always.
#[track_caller]
pub const fn refuse<const N: usize>(findings: &Findings<'_, N>, anchor: u16, nth: usize, last: bool) {
    let Some(finding) = find(findings, anchor, nth) else { return };
    let mut left = 0;
    if last {
        while find(findings, anchor, nth + left + 1).is_some() {
            left += 1;
        }
    }
    if left == 0 {
        fail(finding);
    }
    let mut text = finding.text();
    text.push("\n  and ");
    text.push_decimal(left as u128);
    text.push(" more, to be seen when these are gone");
    panic!("{}", text.as_str())
}

/// Whom the finding at `position` blames, and how many before it blame the same.
#[must_use]
pub const fn blamed<const N: usize>(findings: &Findings<'_, N>, position: usize) -> Option<(u16, usize)> {
    if position >= findings.len {
        return None;
    }
    let anchor = findings.list[position].culprits[0].anchor;
    let (mut nth, mut i) = (0, 0);
    while i < position {
        if findings.list[i].culprits[0].anchor == anchor {
            nth += 1;
        }
        i += 1;
    }
    Some((anchor, nth))
}

/// Fails if there are more findings than `shown`.
///
/// # Panics
/// Then.
#[track_caller]
pub const fn refuse_behind<const N: usize>(findings: &Findings<'_, N>, shown: usize) {
    if findings.total > shown {
        refuse_count(findings.total - shown);
    }
}

/// Fails if there were more findings than were kept.
///
/// # Panics
/// Then.
#[track_caller]
pub const fn refuse_rest<const N: usize>(findings: &Findings<'_, N>) {
    if findings.total > findings.len {
        refuse_count(findings.total - findings.len);
    }
}

#[track_caller]
const fn refuse_count(left: usize) -> ! {
    let mut text = Text::<128>::EMPTY;
    text.push_decimal(left as u128);
    text.push(" more rules are broken, to be seen when those above are gone");
    panic!("{}", text.as_str())
}

/// Which warning the objects with anchors `first..=last` get as their `nth`; 0 for none.
#[must_use]
pub const fn warning<const N: usize>(warnings: &Findings<'_, N>, first: u16, last: u16, mut nth: usize) -> u8 {
    let mut i = 0;
    while i < warnings.len {
        let anchor = warnings.list[i].culprits[0].anchor;
        if first <= anchor && anchor <= last {
            if nth == 0 {
                return crate::rule::warning_code(warnings.list[i].rule);
            }
            nth -= 1;
        }
        i += 1;
    }
    0
}
