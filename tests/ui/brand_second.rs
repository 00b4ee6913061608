//! A brand has one space.

use tablature::edit::{AddressSpace, Brand, Halves, Kind};
use tablature::flush::{OneCore, Recorder};
use tablature::tables::{Pool, Table4K};
use tablature::x86_64::{Level4, X86};

enum Host {}

impl Kind for Host {
    type Regime = Level4;
    type Memory = Pool<Table4K, 4>;
    type Hardware = Recorder<X86, 8>;
    type Reach = OneCore;
}

fn second<'id>(space: AddressSpace<Brand<'id, Host>>, memory: Pool<Table4K, 4>) -> (AddressSpace<Brand<'id, Host>>, ()) {
    match AddressSpace::new(memory, Halves::Lower) {
        Ok(second) => (second, drop(space)),
        Err(_) => (space, ()),
    }
}

fn main() {
    let _: fn(_, _) -> _ = second;
}
