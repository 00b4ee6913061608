//! 2,048 random operations for each architecture, beside a list of pages; then every table has come back once.

use std::collections::BTreeMap;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{MapError, Protect, ProtectError, RemapError, UnmapError};
use tablature::flush::Maintain;
use tablature::page::{Frame, HasLeaf, Page, Size4K};
use tablature::table::Attributes;
use tablature::walk::Fault;
use tablature::{aarch64, armv7, loongarch64, riscv, x86_64};

use crate::kinds::{K, space};

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % end
    }
}

const fn attributes(rights: Rights) -> Attributes {
    Attributes::new(Access::kernel(rights), MemoryType::NormalWb).not_global()
}

/// 64 pages in each of 16 tables, over the lower 2 GiB.
fn place(dice: &mut Dice) -> u64 {
    (dice.below(16) << 27) + dice.below(64) * 4 * K
}

fn operations<R: Maintain + HasLeaf<Size4K>>(seed: u64) {
    let (mut space, arena) = space::<R>(64);
    let mut dice = Dice(seed);
    let mut pages = BTreeMap::<u64, (u64, Rights)>::new();
    for _ in 0..2048 {
        let (at, to) = (place(&mut dice), dice.below(1 << 18) * 4 * K);
        let rights = [Rights::R, Rights::RW, Rights::RX, Rights::RWX][dice.below(4) as usize];
        let (page, frame) = (Page::containing(VirtAddr::new(at)), Frame::<Size4K>::containing(PhysAddr::new(to)));
        match dice.below(5) {
            0 | 1 => match space.map_page(page, frame, attributes(rights)) {
                Ok(()) => assert_eq!(pages.insert(at, (to, rights)), None),
                Err(error) => assert!(matches!(error, MapError::AlreadyMapped(_)) && pages.contains_key(&at)),
            },
            2 => match space.unmap_page(page) {
                Ok((frame, had)) => {
                    assert_eq!(pages.remove(&at), Some((frame.start().as_u64(), had.access.privileged)));
                }
                Err(error) => assert!(
                    matches!(error, UnmapError::NotMapped(_) | UnmapError::HoldsTable(_)) && !pages.contains_key(&at)
                ),
            },
            3 => match (space.protect_page(page, &Protect::access(Access::kernel(rights))), pages.get_mut(&at)) {
                (Ok(()), Some(entry)) => entry.1 = rights,
                (result, entry) => assert!(matches!(result, Err(ProtectError::NotMapped(_))) && entry.is_none()),
            },
            _ => match (space.remap_page(page, frame, attributes(rights)), pages.get_mut(&at)) {
                (Ok(had), Some(entry)) => {
                    assert_eq!(had.start().as_u64(), entry.0);
                    *entry = (to, rights);
                }
                (result, entry) => assert!(matches!(result, Err(RemapError::NotMapped(_))) && entry.is_none()),
            },
        }
    }
    let found: BTreeMap<_, _> = space
        .leaves(VirtAddr::new(0))
        .map(|leaf| (leaf.virt.as_u64(), (leaf.leaf.address, leaf.leaf.access.privileged)))
        .collect();
    assert_eq!(found, pages, "{}", R::FORMAT.name);
    assert!(matches!(space.page(VirtAddr::new(0x7fff_f000)), Err(Fault::Absent { .. })));
    assert!(arena.used() > 16);
    // A table that is given back twice, or not as it was taken, the arena refuses.
    space.free();
    assert_eq!(arena.used(), 0, "{}", R::FORMAT.name);
}

#[test]
fn every_table_comes_back_once_after_random_operations() {
    operations::<x86_64::Level4>(1);
    operations::<x86_64::Level5>(2);
    operations::<aarch64::El1<aarch64::G4K, 48>>(3);
    operations::<aarch64::El2<aarch64::G4K, 48>>(4);
    operations::<riscv::Sv39>(5);
    operations::<riscv::Sv48>(6);
    operations::<loongarch64::La64>(7);
    operations::<armv7::Short>(8);
}
