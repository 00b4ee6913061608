//! Nothing that reads the tables, or holds a place in them, outlives the next edit: no reference to a table is given out.

use tablature::addr::VirtAddr;
use tablature::edit::{AddressSpace, Kind, Offline};
use tablature::page::{Page, Size4K};
use tablature::x86_64::Level4;

fn read<K: Kind<Regime = Level4>>(space: &mut AddressSpace<K, Offline>, page: Page<Size4K>) {
    let mut regions = space.iter(VirtAddr::new(0));
    let _ = space.unmap_page(page);
    let _ = regions.next();
}

fn hold<K: Kind<Regime = Level4>>(space: &mut AddressSpace<K, Offline>, page: Page<Size4K>) {
    let mut cursor = space.cursor(VirtAddr::new(0));
    let _ = space.unmap_page(page);
    let _ = cursor.unmap(page);
}

fn keep<K: Kind<Regime = Level4>>(space: AddressSpace<K, Offline>) {
    let mut regions = space.iter(VirtAddr::new(0));
    space.free();
    let _ = regions.next();
}

fn main() {}
