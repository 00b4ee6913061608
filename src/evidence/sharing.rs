//! Channels with their ends, and DMA devices.

use std::vec::Vec;

use super::document::{Channel, Device, End, Window};
use super::facts::rights;
use super::hex::Hex;
use super::judge::Judged;
use super::spaces::access;
use crate::layout::{format_of, place};
use crate::map::{self, Kind, Map, Phys};

pub(super) fn channels(map: &Map<'_>, judged: &Judged) -> Vec<Channel> {
    let channel = |channel: &map::Channel<'_>| Channel {
        name: channel.name.into(),
        start: Hex(place(map, channel.phys).0.unwrap_or(0)),
        size: channel.size.into(),
        from: channel.from.into(),
        to: channel.to.iter().map(|name| (*name).into()).collect(),
        two_way: channel.two_way,
        ends: ends(map, judged, channel.name),
    };
    map.channels.iter().map(channel).collect()
}

/// The regions that are ends of a channel.
fn ends(map: &Map<'_>, judged: &Judged, channel: &str) -> Vec<End> {
    let spaces = map.spaces.iter().enumerate();
    let ends = spaces.flat_map(|(s, space)| {
        let format = format_of(map, space);
        space.regions.iter().zip(judged.extents(s)).filter_map(move |(region, extent)| {
            let is_end = region.kind == Kind::Channel
                && matches!(region.phys, Phys::Channel { channel: name, .. } if name == channel);
            is_end.then(|| End {
                space: space.name.into(),
                region: region.name.into(),
                virt: Hex(extent.virt),
                rights: rights(access(&format, region).any()),
            })
        })
    });
    ends.collect()
}

pub(super) fn devices(map: &Map<'_>) -> Vec<Device> {
    let window = |window: &map::DmaWindow<'_>| Window {
        name: window.name.into(),
        iova: window.iova.into(),
        start: Hex(place(map, window.phys).0.unwrap_or(0)),
        size: window.size.into(),
        rights: rights(window.rights),
    };
    let device = |device: &map::Device<'_>| Device {
        name: device.name.into(),
        owner: device.owner.into(),
        iommu: device.iommu,
        coherent: device.coherent,
        addr_bits: device.addr_bits,
        windows: device.windows.iter().map(window).collect(),
    };
    map.devices.iter().map(device).collect()
}
