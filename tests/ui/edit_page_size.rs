//! The 16 KiB granule has no pages of 4 KiB.

use tablature::aarch64::{El1, G16K};
use tablature::edit::{AddressSpace, Kind, Offline};
use tablature::page::{Page, Size4K};

fn go<K: Kind<Regime = El1<G16K, 47>>>(space: &mut AddressSpace<K, Offline>, page: Page<Size4K>) {
    let _ = space.unmap_page(page);
}

fn main() {}
