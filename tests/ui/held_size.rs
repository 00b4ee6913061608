//! A held page of one size is none of another.

use tablature::edit::{Cursor, Held, Live, Mapped, OneSpace, Rw};
use tablature::page::{OwnedFrame, Size2M, Size4K};
use tablature::x86_64::Level4;

fn swap<K: OneSpace<Regime = Level4>>(
    place: &mut Mapped<Held<K, Size4K>, Rw>,
    page: Mapped<Held<K, Size2M>, Rw>,
) {
    *place = page;
}

fn unmap<K: OneSpace<Regime = Level4>>(
    cursor: &mut Cursor<'_, K, Live>,
    page: Mapped<Held<K, Size2M>, Rw>,
) -> Option<OwnedFrame<Size4K>> {
    let (_, owed) = cursor.take_up(page).ok()?.unmap();
    Some(cursor.flush(owed))
}

fn main() {}
