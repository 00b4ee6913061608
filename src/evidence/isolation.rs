//! Isolation, pair by pair: the frames that two spaces reach, compared as sets.
//!
//! The rule `isolation-violated` compares regions. This is a second computation: the frames of each space are merged into
//! ranges first, and what two spaces have in common is cut by the pages of the channels that are excepted.

use std::vec::Vec;

use super::document::{Common, Theorem};
use super::hex::Hex;
use super::judge::Judged;
use super::spaces::access;
use crate::layout::{Extent, format_of, pages, place};
use crate::map::{Isolation, Kind, Map};

/// First byte and end of frames.
pub(super) type Frames = (u128, u128);

/// A theorem for each pair of each declaration.
pub(super) fn of(map: &Map<'_>, judged: &Judged) -> Vec<Theorem> {
    let reaches: Vec<Reach> = (0..map.spaces.len()).map(|space| Reach::of(map, judged, space)).collect();
    let pairs = map.isolation.iter().flat_map(|isolation| {
        let channels = excepted(map, isolation);
        let reaches = &reaches;
        isolation.spaces.iter().enumerate().flat_map(move |(i, a)| {
            let channels = channels.clone();
            isolation.spaces[i + 1..].iter().map(move |b| theorem(map, reaches, (a, b), &channels))
        })
    });
    pairs.collect()
}

fn theorem(map: &Map<'_>, reaches: &[Reach], (a, b): (&str, &str), channels: &[(&str, Frames)]) -> Theorem {
    let nothing = Reach { frames: Vec::new(), count: 0, is_known: false };
    let reach = |name| map.spaces.iter().position(|space| space.name == name).map_or(&nothing, |at| &reaches[at]);
    let (x, y) = (reach(a), reach(b));
    let common = common(x, y, channels);
    let holds = a != b && x.is_known && y.is_known && common.iter().all(|common| common.channel.is_some());
    Theorem {
        a: a.into(),
        b: b.into(),
        verdict: if holds { "proven" } else { "violated" },
        frames_a: x.count,
        frames_b: y.count,
        common,
    }
}

/// What both reach, cut by the channels.
pub(super) fn common(x: &Reach, y: &Reach, channels: &[(&str, Frames)]) -> Vec<Common> {
    let mut common = Vec::new();
    for frames in shared(&x.frames, &y.frames) {
        cut(frames, channels, &mut common);
    }
    common
}

/// The frames that the tenant of a space, or a DMA master, reaches.
pub(super) struct Reach {
    /// Ascending, apart from each other.
    pub(super) frames: Vec<Frames>,
    /// How many pages of the granule they are.
    pub(super) count: u64,
    /// Every region could be placed.
    pub(super) is_known: bool,
}

impl Reach {
    /// A partition reaches what its user may access, and every region where the format has no user; whoever is trusted
    /// reaches everything.
    pub(super) fn of(map: &Map<'_>, judged: &Judged, index: usize) -> Self {
        let space = &map.spaces[index];
        let format = format_of(map, space);
        let is_reached = |extent: &&Extent| {
            let region = &space.regions[usize::from(extent.region)];
            let is_user = !access(&format, region).user.is_empty();
            region.kind != Kind::Guard && (!format.user || space.role.is_supervisor() || is_user)
        };
        let extents: Vec<&Extent> = judged.extents(index).filter(is_reached).collect();
        let is_known = extents.iter().all(|extent| !extent.bad);
        let mapped = extents.iter().filter(|extent| !extent.bad && extent.has_phys);
        let frames = merged(mapped.map(|extent| (extent.p_lo, extent.p_hi)).collect());
        let bytes: u128 = frames.iter().map(|(lo, hi)| hi - lo).sum();
        Self { frames, count: (bytes / u128::from(format.page_size())) as u64, is_known }
    }
}

/// The same frames, ascending and apart from each other.
pub(super) fn merged(mut ranges: Vec<Frames>) -> Vec<Frames> {
    ranges.sort_unstable();
    let mut merged: Vec<Frames> = Vec::new();
    for (lo, hi) in ranges {
        match merged.last_mut() {
            Some(last) if lo <= last.1 => last.1 = last.1.max(hi),
            _ => merged.push((lo, hi)),
        }
    }
    merged
}

/// What is in both.
fn shared(a: &[Frames], b: &[Frames]) -> Vec<Frames> {
    let (mut i, mut j) = (0, 0);
    let mut both = Vec::new();
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (lo, hi) = (x.0.max(y.0), x.1.min(y.1));
        if lo < hi {
            both.push((lo, hi));
        }
        if x.1 <= y.1 {
            i += 1;
        } else {
            j += 1;
        }
    }
    both
}

/// The channels that an isolation excepts, with the pages that each lies in.
pub(super) fn excepted<'m>(map: &Map<'m>, isolation: &Isolation<'_>) -> Vec<(&'m str, Frames)> {
    let sizes = map.spaces.iter().map(|space| space.format.map_or(map.format, |format| format).page_size());
    let page = sizes.min().unwrap_or_else(|| map.format.page_size());
    let channels = map.channels.iter().filter(|channel| isolation.except.contains(&channel.name));
    let pages = channels
        .filter_map(|channel| Some((channel.name, pages(place(map, channel.phys).0?, channel.size, page.into()))));
    pages.collect()
}

/// The parts of common frames: each in one channel, or in none.
fn cut((mut lo, hi): Frames, channels: &[(&str, Frames)], to: &mut Vec<Common>) {
    while lo < hi {
        let inside = channels.iter().find(|(_, (first, end))| *first <= lo && lo < *end);
        let end = match inside {
            Some((_, (_, end))) => hi.min(*end),
            None => channels.iter().map(|(_, (first, _))| *first).filter(|first| *first > lo).fold(hi, u128::min),
        };
        to.push(Common { channel: inside.map(|(name, _)| (*name).into()), start: Hex(lo), size: Hex(end - lo) });
        lo = end;
    }
}
