//! To change what hardware uses needs a promise.

use tablature::edit::{AddressSpace, Kind, Live};
use tablature::page::{Page, Size4K};
use tablature::x86_64::Level4;

fn go<K: Kind<Regime = Level4>>(space: &mut AddressSpace<K, Live>, page: Page<Size4K>) {
    let Ok(token) = space.unmap_page(page) else { return };
    space.flush(token);
}

fn main() {}
