//! Root entries in common: judged by walks through the memory of the tables, and by counting tables.

use std::marker::PhantomData;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{
    AddressSpace, Halves, Kind, Live, MapError, Mapping, Offline, PinError, PromoteError, Protect, ProtectError,
    RangeError, Reclaim, Returned, ShareError, State, StillShared, UnmapError,
};
use tablature::flush::{Id, Maintain, OneCore, Recorder};
use tablature::page::{Frame, Page, Size1G, Size4K};
use tablature::table::Attributes;
use tablature::walk::{Fault, walk};

use crate::arena::Arena;

/// Spaces of `R` in an arena, on one core that is recorded.
#[derive(Debug)]
pub(crate) struct On<R>(PhantomData<R>);

impl<R: Maintain> Kind for On<R> {
    type Regime = R;
    type Memory = Arena<R>;
    type Hardware = Recorder<R::Architecture, 256>;
    type Reach = OneCore;
}

type Space<R, St = Offline> = AddressSpace<On<R>, St>;
type X86 = tablature::x86_64::Level4;
type Arm = tablature::aarch64::El1<tablature::aarch64::G4K, 39>;
type Riscv = tablature::riscv::Sv39;

const KERNEL: u64 = 0xffff_8000_0000_0000;
const SLOT: u64 = 1 << 39;

fn mapping(virt: u64, phys: u64, size: u64) -> Mapping {
    let attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb).not_global();
    Mapping::new(VirtAddr::new(virt), PhysAddr::new(phys), size, attributes)
}

/// A live kernel that has pinned `size` bytes from `virt`, where it maps one page.
fn kernel<R: Maintain>(arena: &Arena<R>, halves: Halves, virt: u64, size: u64) -> Space<R, Live> {
    let mut space = Space::new(arena.clone(), halves).expect("a root").with_id(Id::One(5));
    space.map(&mapping(virt, 0x8000_0000, 0x1000)).expect("mapped");
    space.pin(VirtAddr::new(virt), size).expect("pinned");
    // SAFETY: no hardware uses tables in an arena.
    unsafe { space.assume_live(Recorder::new()) }
}

fn map_live<R: Maintain>(space: &mut Space<R, Live>, virt: u64, phys: u64) {
    // SAFETY: as above.
    let token = unsafe { space.map(&mapping(virt, phys, 0x1000)) }.expect("mapped");
    space.reclaim(token);
}

/// Where the hardware goes from the roots of a space.
fn hardware<R: Maintain, St: State>(space: &Space<R, St>, arena: &Arena<R>, virt: u64) -> Result<u64, Fault> {
    let roots = space.roots();
    walk(&R::FORMAT, roots.lower, roots.upper, virt, |address| arena.entry(address)).map(|found| found.address)
}

fn retired<R: Maintain>(space: Space<R, Live>) -> Space<R> {
    // SAFETY: no hardware uses tables in an arena.
    let (token, mut recorder) = unsafe { space.retire() };
    token.flush(&mut recorder)
}

#[test]
fn what_the_kernel_maps_later_is_in_every_process() {
    let arena = Arena::<X86>::new(64);
    let mut kernel = kernel(&arena, Halves::Both, KERNEL, 4 * SLOT);
    let mut process = Space::new(arena.clone(), Halves::Both).expect("a root");
    kernel.share_with(&mut process).expect("shared");
    assert_eq!(kernel.sharers(), 1);
    assert_eq!(hardware(&process, &arena, KERNEL), Ok(0x8000_0000));
    // In the same slot, and in one where there was nothing when it was shared.
    map_live(&mut kernel, KERNEL + 0x20_0000, 0x8000_1000);
    map_live(&mut kernel, KERNEL + 3 * SLOT, 0x8000_2000);
    assert_eq!(hardware(&process, &arena, KERNEL + 0x20_0000), Ok(0x8000_1000));
    assert_eq!(hardware(&process, &arena, KERNEL + 3 * SLOT), Ok(0x8000_2000));
}

#[test]
fn a_process_neither_edits_nor_reads_what_it_shares() {
    let arena = Arena::<X86>::new(64);
    let mut kernel = kernel(&arena, Halves::Both, KERNEL, 2 * SLOT);
    let mut process = Space::new(arena.clone(), Halves::Both).expect("a root");
    kernel.share_with(&mut process).expect("shared");
    let at = VirtAddr::new(KERNEL);
    let shared = RangeError::Shared { virt: at };
    assert_eq!(process.unmap(at, 0x1000, Reclaim::Free), Err(UnmapError::Range(shared)));
    assert!(process.protect(at, 0x1000, &Protect::access(Access::kernel(Rights::R))).is_err());
    assert!(process.map(&mapping(KERNEL + 0x1000, 0x9000_0000, 0x1000).replacing()).is_err());
    process.map(&mapping(0x1000, 0x9000_0000, 0x1000)).expect("its own half");
    process.map(&mapping(KERNEL + 2 * SLOT, 0x9000_1000, 0x1000)).expect("behind the shared part");
    assert_eq!(process.page(at).map(|found| found.address), Err(Fault::Shared));
    let regions: Vec<_> = process.iter(VirtAddr::new(0)).map(|region| region.virt.as_u64()).collect();
    assert_eq!(regions, [0x1000, KERNEL + 2 * SLOT]);
    let audit = process.reader().audit(52, 100).expect("in order");
    assert_eq!((audit.tables, audit.shared, audit.leaves[0]), (7, 2, 2));
    assert!(process.dump().by_entry().to_string().contains("another space's table"));
    // The kernel reads its own.
    assert!(kernel.page(at).is_ok());
}

/// Unmapping with reclaim takes tables below the shared entries, and never those that they point to.
#[test]
fn tables_that_are_shared_are_not_reclaimed() {
    let arena = Arena::<X86>::new(64);
    let mut kernel = kernel(&arena, Halves::Both, KERNEL, SLOT);
    let mut process = Space::new(arena.clone(), Halves::Both).expect("a root");
    kernel.share_with(&mut process).expect("shared");
    let before = arena.used();
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { kernel.unmap(VirtAddr::new(KERNEL), SLOT, Reclaim::Free) }.expect("unmapped");
    kernel.reclaim(token);
    assert_eq!(before - arena.used(), 2, "the tables of levels 0 and 1");
    assert_eq!(hardware(&process, &arena, KERNEL), Err(Fault::Absent { level: 2 }));
    map_live(&mut kernel, KERNEL, 0xa000_0000);
    assert_eq!(hardware(&process, &arena, KERNEL), Ok(0xa000_0000));
}

/// Changes of the shared part concern every address space, whatever the identifier and the global bit say.
#[test]
fn flushes_of_the_shared_part_are_for_every_identifier() {
    let arena = Arena::<X86>::new(64);
    let mut kernel = kernel(&arena, Halves::Both, KERNEL, SLOT);
    map_live(&mut kernel, 0x1000, 0x8000_3000);
    let mut scope_of = |virt| {
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { kernel.unmap(VirtAddr::new(virt), 0x1000, Reclaim::Keep) }.expect("unmapped");
        let scope = token.scope();
        kernel.reclaim(token);
        scope.id
    };
    assert_eq!(scope_of(KERNEL), Id::Every);
    assert_eq!(scope_of(0x1000), Id::One(5));
}

#[test]
fn freeing_a_process_frees_no_table_of_the_kernel() {
    let arena = Arena::<X86>::new(64);
    let mut kernel = kernel(&arena, Halves::Both, KERNEL, 4 * SLOT);
    let own = arena.used();
    let mut process = Space::new(arena.clone(), Halves::Both).expect("a root");
    process.map(&mapping(0x1000, 0x9000_0000, 0x1000)).expect("mapped");
    kernel.share_with(&mut process).expect("shared");
    // Through its life as a live space.
    // SAFETY: no hardware uses tables in an arena.
    let process = unsafe { process.assume_live(Recorder::new()) };
    let mut process = retired(process);
    let returned = process.disown().expect("it shared a part");
    assert!(process.disown().is_none());
    assert_eq!(hardware(&process, &arena, KERNEL), Err(Fault::Absent { level: 3 }));
    process.free();
    assert_eq!(arena.used(), own);
    assert_eq!(hardware(&kernel, &arena, KERNEL), Ok(0x8000_0000));
    assert_eq!(kernel.unpin(), Err(StillShared { sharers: 1 }));
    kernel.take_back(returned).expect("the kernel's own");
    kernel.unpin().expect("nobody shares it");
    retired(kernel).free();
    assert_eq!(arena.used(), 0);
}

/// Freed without giving the part back, or the other way round: the shared tables stay.
#[test]
fn shared_tables_outlive_whoever_is_careless() {
    let arena = Arena::<X86>::new(64);
    let mut kernel = kernel(&arena, Halves::Both, KERNEL, SLOT);
    let mut process = Space::new(arena.clone(), Halves::Both).expect("a root");
    kernel.share_with(&mut process).expect("shared");
    let mut other = Space::new(arena.clone(), Halves::Both).expect("a root");
    kernel.share_with(&mut other).expect("shared");
    other.free();
    assert_eq!(kernel.sharers(), 2);
    retired(kernel).free();
    assert_eq!(hardware(&process, &arena, KERNEL), Ok(0x8000_0000));
    drop(process.free());
    // The root of the kernel, and the three tables that were shared.
    assert_eq!(arena.used(), 4);
}

#[test]
fn a_half_with_a_root_of_its_own_is_shared_as_a_root() {
    const UPPER: u64 = 0xffff_ff80_0000_0000;
    let arena = Arena::<Arm>::new(64);
    let mut kernel = kernel(&arena, Halves::Upper, UPPER, 1 << 39);
    let mut process = Space::new(arena.clone(), Halves::Lower).expect("a root");
    kernel.share_with(&mut process).expect("shared");
    assert_eq!(process.roots().upper, kernel.roots().upper);
    map_live(&mut kernel, UPPER + (8 << 30), 0x8000_1000);
    // All but the root of the process.
    let own = arena.used() - 1;
    assert_eq!(hardware(&process, &arena, UPPER + (8 << 30)), Ok(0x8000_1000));
    assert_eq!(process.page(VirtAddr::new(UPPER)).map(|found| found.address), Err(Fault::Shared));
    assert!(process.map(&mapping(UPPER + 0x1000, 0, 0x1000)).is_err());
    assert_eq!(process.iter(VirtAddr::new(0)).count(), 0);
    let mut both = Space::new(arena.clone(), Halves::Both).expect("roots");
    assert_eq!(kernel.share_with(&mut both), Err(ShareError::Taken));
    both.free();
    // Freed with the part, and without.
    process.free();
    assert_eq!((arena.used(), kernel.sharers()), (own, 1));
    assert_eq!(hardware(&kernel, &arena, UPPER), Ok(0x8000_0000));
    retired(kernel).free();
    assert_eq!(arena.used(), own, "somebody may still have the root");
}

#[test]
fn a_pinned_root_entry_stays_a_table() {
    const GIB: u64 = 1 << 30;
    let arena = Arena::<Riscv>::new(64);
    let mut space = Space::new(arena.clone(), Halves::Both).expect("a root");
    space.map(&mapping(4 * GIB, 4 * GIB, GIB)).expect("one leaf in the root");
    let leaf = space.pin(VirtAddr::new(4 * GIB), GIB);
    assert!(matches!(leaf, Err(PinError::NoTable { virt, .. }) if virt == VirtAddr::new(4 * GIB)), "{leaf:?}");
    let tables = arena.used();
    space.pin(VirtAddr::new(GIB), 2 * GIB).expect("pinned");
    assert_eq!(arena.used(), tables + 2);
    assert_eq!(space.pin(VirtAddr::new(8 * GIB), GIB), Err(PinError::Pinned));
    // A leaf of the root's size becomes leaves of the next one.
    space.map(&mapping(GIB, 8 * GIB, GIB)).expect("mapped");
    assert_eq!(space.page(VirtAddr::new(GIB)).map(|found| found.level), Ok(1));
    let promoted = space.promote(Page::<Size1G>::at::<GIB>());
    assert_eq!(promoted, Err(PromoteError::Range(RangeError::Pinned { virt: VirtAddr::new(GIB) })));
    let across = space.unmap(VirtAddr::new(GIB), 2 * GIB, Reclaim::Free);
    assert_eq!(across, Err(UnmapError::Range(RangeError::Pinned { virt: VirtAddr::new(GIB) })));
    assert!(space.unmap_page(Page::<Size1G>::at::<GIB>()).is_err());
    let refused = RangeError::Pinned { virt: VirtAddr::new(2 * GIB) };
    assert_eq!(space.map(&mapping(2 * GIB, 0, 2 * GIB)), Err(MapError::Range(refused)));
    let read = space.protect(VirtAddr::new(2 * GIB), 2 * GIB, &Protect::access(Access::kernel(Rights::R)));
    assert_eq!(read, Err(ProtectError::Range(refused)));
    space.unmap(VirtAddr::new(GIB), GIB, Reclaim::Free).expect("one entry");
    assert_eq!(arena.used(), tables + 2);
    space.unpin().expect("nobody shares it");
    space.free();
    assert_eq!(arena.used(), 0);
}

#[test]
fn sharing_says_what_is_in_its_way() {
    let arena = Arena::<X86>::new(64);
    let mut plain = Space::new(arena.clone(), Halves::Both).expect("a root");
    assert!(matches!(plain.pin(VirtAddr::new(KERNEL), 0x1000), Err(PinError::Range(RangeError::UnalignedSize { .. }))));
    let mut process = Space::new(arena.clone(), Halves::Both).expect("a root");
    // SAFETY: no hardware uses tables in an arena.
    let mut plain = unsafe { plain.assume_live(Recorder::new()) };
    assert_eq!(plain.share_with(&mut process), Err(ShareError::NotPinned));
    let mut kernel = kernel(&arena, Halves::Both, KERNEL, 2 * SLOT);
    process.map(&mapping(KERNEL + SLOT, 0x9000_0000, 0x1000)).expect("mapped");
    let occupied = ShareError::Occupied { virt: VirtAddr::new(KERNEL + SLOT) };
    assert_eq!(kernel.share_with(&mut process), Err(occupied));
    assert_eq!(hardware(&process, &arena, KERNEL), Err(Fault::Absent { level: 3 }), "nothing was copied");
    process.unmap(VirtAddr::new(KERNEL + SLOT), SLOT, Reclaim::Free).expect("unmapped");
    kernel.share_with(&mut process).expect("shared");
    assert_eq!(kernel.share_with(&mut process), Err(ShareError::Taken));
    // The proof is of one space's part, and no other takes it.
    let returned: Returned<On<X86>> = process.disown().expect("it shared a part");
    let returned = plain.take_back(returned).expect_err("another space's");
    kernel.take_back(returned).expect("the kernel's own");
    assert_eq!(kernel.sharers(), 0);
    drop((plain, process, kernel));
}

#[test]
fn a_failed_pin_changes_nothing() {
    let arena = Arena::<X86>::new(4);
    let mut space = Space::<X86>::new(arena.clone(), Halves::Both).expect("a root");
    assert_eq!(space.pin(VirtAddr::new(KERNEL), 4 * SLOT), Err(PinError::OutOfTables { tables: 4 }));
    assert_eq!(arena.used(), 1);
    assert_eq!(hardware(&space, &arena, KERNEL), Err(Fault::Absent { level: 3 }));
    space.pin(VirtAddr::new(KERNEL), 3 * SLOT).expect("three tables");
    drop(space);
}

/// A kernel that runs already, on tables that others made, pins its part then.
#[test]
fn a_live_space_is_pinned_at_the_price_of_new_pointers() {
    let arena = Arena::<Riscv>::new(64);
    let space = Space::new(arena.clone(), Halves::Both).expect("a root");
    // SAFETY: no hardware uses tables in an arena.
    let mut space = unsafe { space.assume_live(Recorder::new()) };
    let token = space.pin(VirtAddr::new(1 << 30), 3 << 30).expect("pinned");
    let duty = token.scope().duty;
    assert!(duty.publish, "a pointer that becomes valid is fenced");
    space.flush(token);
    assert_eq!(arena.used(), 4);
    map_live(&mut space, 2 << 30, 0x8000_0000);
    let mut process = Space::new(arena.clone(), Halves::Both).expect("a root");
    space.share_with(&mut process).expect("shared");
    assert_eq!(hardware(&process, &arena, 2 << 30), Ok(0x8000_0000));
    assert!(matches!(space.pin(VirtAddr::new(8 << 30), 1 << 30), Err(PinError::Pinned)));
    drop((process, space));
}

/// A cursor that comes from the process's own part remembers the root, and is stopped all the same.
#[test]
fn cursors_do_not_slip_into_what_is_shared() {
    let arena = Arena::<X86>::new(64);
    let mut kernel = kernel(&arena, Halves::Both, KERNEL, SLOT);
    let mut process = Space::new(arena.clone(), Halves::Both).expect("a root");
    kernel.share_with(&mut process).expect("shared");
    let data = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
    let frame = Frame::<Size4K>::at::<0x9000_0000>();
    let shared = Page::<Size4K>::new(VirtAddr::new(KERNEL + 0x5000)).expect("a page");
    // In the same half, so that the root stays the same.
    let own = Page::<Size4K>::new(VirtAddr::new(KERNEL + 2 * SLOT)).expect("a page");
    let mut cursor = process.cursor(own.start());
    cursor.map(own, frame, data).expect("its own");
    for _ in 0..2 {
        assert!(cursor.map(shared, frame, data).is_err());
        assert!(cursor.unmap(Page::<Size4K>::new(VirtAddr::new(KERNEL)).expect("a page")).is_err());
        cursor.map(own, frame, data).expect_err("mapped already");
    }
    cursor.seek(VirtAddr::new(KERNEL));
    assert!(cursor.entry::<Size4K>().is_err());
    assert_eq!(hardware(&kernel, &arena, KERNEL), Ok(0x8000_0000));
    assert_eq!(hardware(&kernel, &arena, KERNEL + 0x5000), Err(Fault::Absent { level: 0 }));
}
