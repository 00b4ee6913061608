//! Transitions between spaces, by what was walked: the code that switches runs before and after, and finds its stack and its
//! exception vectors.

use super::{Kind, Report, Walked, place};
use crate::elf::Image;
use crate::evidence::{Document, Transition};
use crate::rights::Rights;

/// Every transition into a space that was walked.
pub(super) fn check(image: &Image, document: &Document, walked: &[Walked<'_>], report: &mut Report) {
    let find = |name: &str| walked.iter().find(|walked| walked.space.name == name);
    let mut count = 0;
    for transition in &document.transitions {
        let Some(to) = find(&transition.to) else { continue };
        let from = match &transition.from {
            Some(name) => match find(name) {
                Some(from) => Some(from),
                None => continue,
            },
            None => None,
        };
        count += 1;
        let mut add = |at: u64, text: String| {
            let place = to.at(at).map_or_else(|| format!("virtual {at:#x}"), |(phys, _)| place(image, phys));
            report.add(Kind::Transition, place, format!("transition {}: {text}", transition.name));
        };
        code(transition, from, to, &mut add);
        stack(transition, from, to, &mut add);
        if let Some(vectors) = transition.vectors.and_then(|vectors| vectors.address())
            && !to.grants(vectors, Rights::X)
        {
            add(vectors, format!("the vectors at {vectors:#x} are not executable in space {}", transition.to));
        }
    }
    if !document.transitions.is_empty() {
        let all = document.transitions.len();
        report.notes.push(format!("transitions: {count} of {all} followed through the tables of both spaces"));
    }
}

/// The code is executable before and after, at one place. While the MMU is off, that is its address.
fn code(transition: &Transition, from: Option<&Walked<'_>>, to: &Walked<'_>, add: &mut impl FnMut(u64, String)) {
    let Some(pc) = transition.pc.and_then(|pc| pc.address()) else { return };
    for space in from.into_iter().chain([to]).filter(|space| !space.grants(pc, Rights::X)) {
        add(pc, format!("the code at {pc:#x} is not executable in space {}", space.space.name));
    }
    let before = from.map_or(Some(pc), |from| Some(from.at(pc)?.0));
    if let (Some(before), Some((after, _))) = (before, to.at(pc))
        && before != after
    {
        add(pc, format!("the code at {pc:#x} is {before:#x} before, and {after:#x} after"));
    }
}

/// What was pushed is where it was, and more can be pushed.
fn stack(transition: &Transition, from: Option<&Walked<'_>>, to: &Walked<'_>, add: &mut impl FnMut(u64, String)) {
    let Some(sp) = transition.sp.and_then(|sp| sp.address()) else { return };
    // The pointer is behind what was pushed last.
    let last = sp.wrapping_sub(1);
    if !to.grants(last, Rights::R.or(Rights::W)) {
        add(last, format!("the stack below {sp:#x} is not writable in space {}", transition.to));
    }
    if let (Some((before, _)), Some((after, _))) = (from.and_then(|from| from.at(last)), to.at(last))
        && before != after
    {
        add(last, format!("the stack below {sp:#x} is {before:#x} before, and {after:#x} after"));
    }
}

impl Walked<'_> {
    /// What an address maps, and what the privileged level may do there.
    fn at(&self, virt: u64) -> Option<(u64, Rights)> {
        let runs = &self.found.runs;
        // Runs are in the order of their addresses but for the upper half, which is walked after the lower one: it is above.
        let run = &runs[runs.partition_point(|run| run.first.virt <= virt).checked_sub(1)?];
        let offset = virt - run.first.virt;
        (u128::from(offset) < run.bytes())
            .then_some((run.first.phys.wrapping_add(offset), run.first.attributes.privileged))
    }

    fn grants(&self, virt: u64, rights: Rights) -> bool {
        self.at(virt).is_some_and(|(_, granted)| granted.has(rights))
    }
}
