//! What a branded space owes does not leave the closure.

use tablature::edit::{AddressSpace, Kind, Live};
use tablature::page::{Page, Size4K};
use tablature::x86_64::Level4;

fn go<K: Kind<Regime = Level4>>(space: &mut AddressSpace<K, Live>, page: Page<Size4K>) {
    // SAFETY: it does not come to that.
    let _token = space.branded_mut(|space| unsafe { space.unmap_page(page) });
}

fn main() {}
