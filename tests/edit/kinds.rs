//! The spaces that are edited here.

use std::collections::BTreeMap;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, Live, Mapping, State};
use tablature::flush::{EveryCore, Maintain, OneCore, Recorder};
use tablature::format::View;
use tablature::regime::Regime;
use tablature::table::Attributes;

use crate::arena::Arena;

pub(crate) const K: u64 = 1 << 10;
pub(crate) const M: u64 = 1 << 20;
pub(crate) const G: u64 = 1 << 30;

/// Spaces of `R`; `SMP` says whether other cores use them.
#[derive(Debug)]
pub(crate) struct On<R, const SMP: bool = false>(std::marker::PhantomData<R>);

impl<R: Maintain> Kind for On<R, false> {
    type Regime = R;
    type Memory = Arena<R>;
    type Hardware = Recorder<R::Architecture, 256>;
    type Reach = OneCore;
}

impl<R: Maintain> Kind for On<R, true> {
    type Regime = R;
    type Memory = Arena<R>;
    type Hardware = Recorder<R::Architecture, 256>;
    type Reach = EveryCore;
}

pub(crate) type Space<R, St = tablature::edit::Offline> = AddressSpace<On<R>, St>;

pub(crate) fn space<R: Maintain>(tables: usize) -> (Space<R>, Arena<R>) {
    let arena = Arena::new(tables);
    let halves = if R::FORMAT.upper_half { Halves::Both } else { Halves::Lower };
    (Space::new(arena.clone(), halves).expect("a root"), arena)
}

pub(crate) fn live<R: Maintain>(space: Space<R>) -> Space<R, Live> {
    // SAFETY: no hardware uses tables in an arena.
    unsafe { space.assume_live(Recorder::new()) }
}

pub(crate) fn attributes(rights: Rights) -> Attributes {
    Attributes::new(Access::kernel(rights), MemoryType::NormalWb)
}

pub(crate) fn mapping(virt: u64, phys: u64, size: u64, rights: Rights) -> Mapping {
    Mapping::new(VirtAddr::new(virt), PhysAddr::new(phys), size, attributes(rights))
}

/// Leaves by first address: size, physical address, rights. Read from the arena, not by the space.
pub(crate) type Leaves = BTreeMap<u64, (u64, u64, Rights)>;

pub(crate) fn leaves<R: Maintain, K, St: State>(space: &AddressSpace<K, St>, arena: &Arena<R>) -> Leaves
where
    K: Kind<Regime = R>,
{
    let format = &R::FORMAT;
    let mut found = Leaves::new();
    for (root, upper) in [(space.roots().lower, false), (space.roots().upper, true)] {
        let span = format.level[format.levels - 1].shift + format.root_bits();
        let base = if upper { u64::MAX << span } else { 0 };
        if let Some(root) = root {
            collect::<R>(arena, root, format.levels - 1, base, &mut found);
        }
    }
    found
}

fn collect<R: Regime>(arena: &Arena<R>, table: u64, level: usize, base: u64, found: &mut Leaves) {
    let format = &R::FORMAT;
    for index in 0..1u64 << format.index_bits(level) {
        let mut virt = base + (index << format.level[level].shift);
        if format.upper_half && !format.split_roots && virt >> format.range_bits != 0 {
            virt |= u64::MAX << format.range_bits;
        }
        let word = arena.entry(table + index * u64::from(format.entry_bytes)).expect("a table");
        match format.view(level, word) {
            View::Absent => {}
            View::Table { address } => collect(arena, address, level - 1, virt, found),
            View::Leaf(leaf) => {
                let size = format.level[level].size();
                let within = if leaf.run == 0 { 0 } else { virt & (leaf.run - 1) & !(size - 1) };
                let phys = leaf.address | within;
                found.insert(virt, (size, phys, leaf.access.privileged));
            }
            View::Reserved => panic!("a reserved word {word:#x} for {virt:#x}"),
        }
    }
}

/// Leaves of 4 KiB, 2 MiB and 1 GiB.
pub(crate) fn by_size(leaves: &Leaves) -> [usize; 3] {
    [4 * K, 2 * M, G].map(|size| leaves.values().filter(|leaf| leaf.0 == size).count())
}
