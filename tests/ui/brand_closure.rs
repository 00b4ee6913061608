//! Two spaces of one kind, branded: the token of one is of no use to the other.

use tablature::edit::{AddressSpace, Kind, Live};
use tablature::page::{Page, Size4K};
use tablature::x86_64::Level4;

fn go<K: Kind<Regime = Level4>>(a: &mut AddressSpace<K, Live>, b: &mut AddressSpace<K, Live>, page: Page<Size4K>) {
    a.branded_mut(|a| {
        b.branded_mut(|b| {
            // SAFETY: it does not come to that.
            let Ok(token) = (unsafe { a.unmap_page(page) }) else { return };
            b.flush(token);
        });
    });
}

fn main() {}
