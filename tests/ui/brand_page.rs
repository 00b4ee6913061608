//! A page of one space is not taken up in another space of the same kind.

use tablature::edit::{Brand, Cursor, Held, Kind, Live, Mapped, Rw};
use tablature::page::Size4K;
use tablature::x86_64::Level4;

fn go<'a, 'b, K: Kind<Regime = Level4>>(
    page: Mapped<Held<Brand<'a, K>, Size4K>, Rw>,
    other: &mut Cursor<'_, Brand<'b, K>, Live>,
) {
    let _ = other.take_up(page);
}

fn main() {}
