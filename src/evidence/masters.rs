//! Isolation of DMA masters: the frames in the windows of a device, compared with those of every space that its owner is
//! isolated from, and with those of their devices.
//!
//! As in [`super::isolation`], this is a second computation beside the rules, over merged sets of frames.

use std::string::String;
use std::vec::Vec;

use super::document::DmaTheorem;
use super::isolation::{Frames, Reach, common, excepted, merged};
use super::judge::Judged;
use crate::layout::{pa_bits, pages, place};
use crate::map::{Device, Isolation, Map};

/// A theorem for each pair of a device and whatever its owner is isolated from.
pub(super) fn of(map: &Map<'_>, judged: &Judged) -> Vec<DmaTheorem> {
    map.isolation.iter().flat_map(|isolation| one(map, judged, isolation)).collect()
}

fn one(map: &Map<'_>, judged: &Judged, isolation: &Isolation<'_>) -> Vec<DmaTheorem> {
    let channels: Vec<(&str, Frames)> = excepted(map, isolation);
    let is_isolated = |device: &&Device<'_>| isolation.spaces.contains(&device.owner);
    let devices: Vec<_> = map.devices.iter().filter(is_isolated).map(|device| (device, reach(map, device))).collect();
    let theorem = |device: &Device<'_>, mine: &Reach, other: Other, theirs: &Reach| {
        let common = common(mine, theirs, &channels);
        let holds = mine.is_known && theirs.is_known && common.iter().all(|common| common.channel.is_some());
        DmaTheorem {
            device: device.name.into(),
            owner: device.owner.into(),
            verdict: if holds { "proven" } else { "violated" },
            space: other.space,
            other_device: other.device,
            frames: mine.count,
            frames_other: theirs.count,
            common,
        }
    };
    let mut theorems = Vec::new();
    for (i, (device, mine)) in devices.iter().enumerate() {
        for (index, space) in map.spaces.iter().enumerate() {
            if isolation.spaces.contains(&space.name) && space.name != device.owner {
                let other = Other { space: Some(space.name.into()), device: None };
                theorems.push(theorem(device, mine, other, &Reach::of(map, judged, index)));
            }
        }
        for (rival, theirs) in devices[i + 1..].iter().filter(|(rival, _)| rival.owner != device.owner) {
            let other = Other { space: None, device: Some(rival.name.into()) };
            theorems.push(theorem(device, mine, other, theirs));
        }
    }
    theorems
}

/// What a device is compared with.
struct Other {
    space: Option<String>,
    device: Option<String>,
}

/// The frames that a device reaches: those of its windows, in whole pages of the smallest granule, or all that there are,
/// where no IOMMU keeps it from them.
fn reach(map: &Map<'_>, device: &Device<'_>) -> Reach {
    let sizes = map.spaces.iter().map(|space| space.format.map_or(map.format, |format| format).page_size());
    let page: u128 = sizes.min().unwrap_or_else(|| map.format.page_size()).into();
    let window = |window: &crate::map::DmaWindow<'_>| Some(pages(place(map, window.phys).0?, window.size, page));
    let windows: Vec<_> = device.windows.iter().map(window).collect();
    let frames = match device.iommu {
        true => merged(windows.iter().flatten().copied().collect()),
        false => Vec::from([(0, 1 << pa_bits(map).min(64))]),
    };
    let bytes: u128 = frames.iter().map(|(lo, hi)| hi - lo).sum();
    Reach { frames, count: (bytes / page) as u64, is_known: windows.iter().all(Option::is_some) }
}
