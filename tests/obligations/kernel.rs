//! A kernel's spaces, and changes of them that may fail.

use core::hint::black_box;

use tablature::edit::Kind;
use tablature::flush::{Duty, Extent, Id, OneCore, Recorder, Scope, TlbFlush};
use tablature::riscv::{RiscV, Sv39};
use tablature::tables::{Pool, Table4K};

/// What is known of its spaces.
pub enum Kernel {}

impl Kind for Kernel {
    type Regime = Sv39;
    type Memory = Pool<Table4K, 4>;
    type Hardware = Recorder<RiscV, 8>;
    type Reach = OneCore;
}

/// Why a change was not made.
#[derive(Debug)]
pub struct Refused;

/// A change that releases `released`, and may fail.
#[inline(never)]
pub fn change<T>(released: T) -> Result<TlbFlush<Kernel, T>, Refused> {
    if black_box(false) { Err(Refused) } else { Ok(owed(released)) }
}

/// A change that releases `released`.
#[inline(never)]
pub fn owed<T>(released: T) -> TlbFlush<Kernel, T> {
    TlbFlush::new(Scope { duty: Duty::LEAF, extent: Extent::Everywhere, id: Id::Every }, released)
}

/// Something that may fail, too.
#[inline(never)]
pub fn work() -> Result<u32, Refused> {
    if black_box(false) { Err(Refused) } else { Ok(7) }
}
