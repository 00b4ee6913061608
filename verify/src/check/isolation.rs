//! Isolation, once more: by the frames that the walked tables reach.

use super::{Kind, Report, Walked};
use crate::evidence::{Document, Theorem};
use crate::number::Size;
use crate::walk::sweep;

/// First byte and end of frames.
type Frames = (u128, u128);

/// What the tenant of a space reaches.
struct Reach {
    /// The space.
    name: String,
    /// Ascending, apart from each other.
    frames: Vec<Frames>,
    /// Bytes of the smallest leaf.
    page: u128,
}

impl Reach {
    /// Who is trusted reaches everything, and so does a tenant whose tables know no user; others reach what the user may.
    fn of(Walked { space, scheme, found }: &Walked<'_>) -> Self {
        let by_user = scheme.family.has_user() && space.role == "partition";
        let runs = found.runs.iter().filter(|run| !by_user || !run.first.attributes.user.is_empty());
        let ranges = runs.map(|run| (u128::from(run.first.phys), u128::from(run.first.phys) + run.bytes()));
        Self { name: space.name.clone(), frames: merged(ranges.collect()), page: scheme.page_bytes().into() }
    }
}

/// The same frames, ascending and apart from each other.
fn merged(mut ranges: Vec<Frames>) -> Vec<Frames> {
    ranges.sort_unstable();
    let mut merged: Vec<Frames> = Vec::new();
    for (start, end) in ranges {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// Every theorem whose spaces were both walked.
pub(super) fn check(document: &Document, walked: &[Walked<'_>], report: &mut Report) {
    let reaches: Vec<Reach> = walked.iter().map(Reach::of).collect();
    let mut count = 0;
    for theorem in &document.isolation {
        let reach = |name: &str| reaches.iter().find(|reach| reach.name == name);
        if let (Some(a), Some(b)) = (reach(&theorem.a), reach(&theorem.b)) {
            count += 1;
            one(document, theorem, a, b, report);
        }
    }
    if !document.isolation.is_empty() {
        let all = document.isolation.len();
        report.notes.push(format!("isolation: {count} of {all} pairs of spaces compared, frame by frame"));
    }
}

fn one(document: &Document, theorem: &Theorem, a: &Reach, b: &Reach, report: &mut Report) {
    let mut add = |text: String| report.add(Kind::Isolation, format!("spaces {} and {}", a.name, b.name), text);
    if theorem.verdict != "proven" {
        add(format!("their isolation is {} by the document", theorem.verdict));
    }
    for (reach, said) in [(a, theorem.frames_a), (b, theorem.frames_b)] {
        let frames = reach.frames.iter().map(|(start, end)| (end - start) / reach.page).sum::<u128>();
        if frames != u128::from(said) {
            add(format!("{} reaches {frames} frames, and {said} by the document", reach.name));
        }
    }
    let excepted = merged(theorem.common.iter().filter_map(|common| channel(document, common)).collect());
    let mut both = Vec::new();
    sweep(&a.frames, &b.frames, |start, end, one, other| {
        if one.is_some() && other.is_some() {
            both.push((start, end));
        }
    });
    sweep(&merged(both), &excepted, |start, end, shared, allowed| {
        if shared.is_some() && allowed.is_none() {
            add(format!(
                "both reach {} at the physical address {start:#x}, and no channel is there",
                Size(end - start)
            ));
        }
    });
}

/// The frames of a channel, as far as a theorem excepts them and the channel is declared there.
fn channel(document: &Document, common: &crate::evidence::Common) -> Option<Frames> {
    let name = common.channel.as_ref()?;
    let declared = document.channels.iter().find(|channel| channel.name == *name)?;
    let page = document.spaces.iter().map(|space| u128::from(space.format.granule)).min()?.max(1);
    let start = declared.start.0 / page * page;
    let end = (declared.start.0 + declared.size.0).div_ceil(page) * page;
    Some((common.start.0.max(start), (common.start.0 + common.size.0).min(end))).filter(|(start, end)| start < end)
}
