//! A broken entry is flushed before it is made.

use tablature::edit::{AddressSpace, Kind, Live};
use tablature::page::{Frame, Page, Size4K};
use tablature::table::Attributes;
use tablature::x86_64::Level4;

fn go<K: Kind<Regime = Level4>>(
    space: &mut AddressSpace<K, Live>,
    page: Page<Size4K>,
    frame: Frame<Size4K>,
    attributes: Attributes,
) {
    // SAFETY: it does not come to that.
    let Ok(broken) = (unsafe { space.break_page(page) }) else { return };
    // SAFETY: as above.
    let _ = unsafe { broken.make(frame, attributes) };
}

fn main() {}
