//! What is held read-only is not written, what is the user's is not read, and what is held is not unmapped where it is.

use tablature::edit::{Held, Kind, Mapped, Ro, Rw, User};
use tablature::page::Size4K;
use tablature::x86_64::Level4;

fn write<K: Kind<Regime = Level4>>(page: &mut Mapped<Held<K, Size4K>, Ro>) {
    // SAFETY: it does not come to that.
    unsafe { page.write(0, 1u32) };
}

fn read<K: Kind<Regime = Level4>>(page: &Mapped<Held<K, Size4K>, User<Rw>>) {
    // SAFETY: it does not come to that.
    let _ = unsafe { page.read::<u32>(0) };
}

fn unmap<K: Kind<Regime = Level4>>(page: Mapped<Held<K, Size4K>, Rw>) {
    let _ = page.unmap();
}

fn main() {}
