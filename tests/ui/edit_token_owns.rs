//! The frame that a live page went to comes out of the token, and out of nothing else.

use tablature::edit::{AddressSpace, Kind, Live};
use tablature::page::{Page, Size4K};
use tablature::x86_64::Level4;

fn go<K: Kind<Regime = Level4>>(space: &mut AddressSpace<K, Live>, page: Page<Size4K>) {
    // SAFETY: it does not come to that.
    let Ok(token) = (unsafe { space.unmap_page(page) }) else { return };
    let (_frame, _attributes) = token;
}

fn main() {}
