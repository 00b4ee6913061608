//! A frame of 4 KiB is no place for a page of 2 MiB to go.

use tablature::edit::{AddressSpace, Kind, Offline};
use tablature::page::{Frame, Page, Size2M, Size4K};
use tablature::table::Attributes;
use tablature::x86_64::Level4;

fn go<K: Kind<Regime = Level4>>(
    space: &mut AddressSpace<K, Offline>,
    page: Page<Size2M>,
    frame: Frame<Size4K>,
    attributes: Attributes,
) {
    let _ = space.remap_page(page, frame, attributes);
}

fn main() {}
