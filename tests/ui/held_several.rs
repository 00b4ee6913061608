//! A page is not held where the kind may have several spaces.

use tablature::edit::{AtCursor, Kind, Live, Mapped, Rw};
use tablature::page::Size4K;
use tablature::x86_64::Level4;

fn go<K: Kind<Regime = Level4>>(page: Mapped<AtCursor<'_, '_, K, Live, Size4K>, Rw>) {
    let _held = page.hold();
}

fn main() {}
