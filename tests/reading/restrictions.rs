//! Rights below tables that withhold some: words and rights by hand.

use tablature::addr::VirtAddr;
use tablature::attr::{Access, Rights};
use tablature::edit::read::MappedLeaf;
use tablature::regime::Regime;
use tablature::walk::walk;

use crate::machine::*;

const VIRT: u64 = 0x1234_5000;

/// Changes the pointer of one level after the other, and compares what is left of the leaf `word`: through every way to read.
fn withholding<R: Regime>(machine: &'static Machine, word: u64, change: fn(u64) -> u64, left: Access, global: bool) {
    let last = machine.shifts.len() - 1;
    let virt = VIRT & !(machine.page() - 1);
    let changeable = machine.shifts[..last].iter().filter(|shift| {
        // The root of PAE has no rights.
        !(R::FORMAT.name == "x86 PAE" && **shift == 30)
    });
    for shift in changeable {
        let mut tables = Tables::new(machine);
        let place = tables.place(virt, machine.shifts[last]);
        tables.set(place, word);
        let pointer = tables.place(virt, *shift);
        let old = tables.words.borrow()[&pointer];
        tables.set(pointer, change(old));
        let reader = tables.reader::<R>();
        let found = reader.page(VirtAddr::new(virt)).expect("mapped");
        let context = format!("{}, pointer at {shift}: {:#x}", R::FORMAT.name, change(old));
        assert_eq!((found.leaf.access, found.leaf.global, found.word), (left, global, word), "{context}");
        let query = reader.query(VirtAddr::new(virt), machine.page()).expect("uniform");
        assert_eq!((query.attributes.access, query.attributes.global), (left, global), "{context}");
        let leaves: Vec<MappedLeaf> = reader.leaves(VirtAddr::new(0)).collect();
        assert_eq!(leaves.len(), 1, "{context}");
        assert_eq!((leaves[0].leaf.access, leaves[0].leaf.global), (left, global), "{context}");
        let read = |address| Some(tables.words.borrow().get(&address).copied().unwrap_or(0));
        let specified = walk(&R::FORMAT, tables.roots.lower, tables.roots.upper, virt, read).expect("mapped");
        assert_eq!(specified.leaf, found.leaf, "{context}");
    }
}

const fn both(privileged: Rights, user: Rights) -> Access {
    Access { privileged, user }
}

/// SDM "Access Rights": an address is the user's if U/S is 1 at every level; writable, executable likewise.
#[test]
fn x86_pointers_withhold_writes_user_mode_and_execution() {
    fn each<R: Regime>(machine: &'static Machine) {
        let user_rwx = 0x4000_0007;
        withholding::<R>(machine, user_rwx, |word| word, Access::user(Rights::RWX), false);
        withholding::<R>(machine, user_rwx, |word| word & !2, Access::user(Rights::RX), false);
        withholding::<R>(machine, user_rwx, |word| word & !4, Access::kernel(Rights::RWX), false);
        withholding::<R>(machine, user_rwx, |word| word & !6, Access::kernel(Rights::RX), false);
        if R::FORMAT.entry_bytes == 8 {
            withholding::<R>(machine, user_rwx, |word| word | 1 << 63, Access::user(Rights::RW), false);
            withholding::<R>(machine, user_rwx, |word| word & !6 | 1 << 63, Access::kernel(Rights::R), false);
        }
        // What a leaf does not grant, no pointer gives.
        withholding::<R>(machine, 0x4000_0001, |word| word, Access::kernel(Rights::RX), false);
    }
    each::<tablature::x86_64::Level4>(&LEVEL4);
    each::<tablature::x86_64::Level5>(&LEVEL5);
    each::<tablature::x86::Pae>(&PAE);
    each::<tablature::x86::Legacy32>(&LEGACY);
}

#[test]
fn ept_pointers_withhold_writes_and_execution() {
    type Ept = tablature::x86_64::Ept4;
    let rwx = 0x4000_0037;
    withholding::<Ept>(&EPT, rwx, |word| word, Access::kernel(Rights::RWX), false);
    withholding::<Ept>(&EPT, rwx, |word| word & !2, Access::kernel(Rights::RX), false);
    withholding::<Ept>(&EPT, rwx, |word| word & !4, Access::kernel(Rights::RW), false);
    withholding::<Ept>(&EPT, rwx, |word| word & !6, Access::kernel(Rights::R), false);
}

/// DDI 0487 D8: APTable[0] is bit 61, APTable[1] bit 62, UXNTable bit 60, PXNTable bit 59.
#[test]
fn arm_tables_withhold_what_their_bits_say() {
    use tablature::aarch64::{El1, El2, G4K, G16K, G64K};
    fn each<R: Regime>(machine: &'static Machine) {
        // Read and written by both, executed by EL0 (PXN set).
        let user = 0x4000_0000 | 1 << 53 | 0xf47;
        withholding::<R>(machine, user, |word| word, Access::user(Rights::RWX), false);
        withholding::<R>(machine, user, |word| word | 1 << 62, Access::user(Rights::RX), false);
        withholding::<R>(machine, user, |word| word | 1 << 60, Access::user(Rights::RW), false);
        withholding::<R>(machine, user, |word| word | 1 << 59, Access::user(Rights::RWX), false);
        withholding::<R>(machine, user, |word| word | 5 << 60, Access::user(Rights::R), false);
        // EL0 keeps what AP does not govern: an execute-only page.
        withholding::<R>(machine, user, |word| word | 1 << 61, both(Rights::RW, Rights::X), false);
        withholding::<R>(machine, user, |word| word | 3 << 60, Access::kernel(Rights::RW), false);
        // Code of the kernel (UXN set), global.
        let kernel = 0x4000_0000 | 1 << 54 | 0x787;
        withholding::<R>(machine, kernel, |word| word, Access::kernel(Rights::RX), true);
        withholding::<R>(machine, kernel, |word| word | 1 << 59, Access::kernel(Rights::R), true);
        // What EL0 writes EL1 does not execute, whatever PXN says.
        withholding::<R>(machine, 0x4000_0f47, |word| word, Access::user(Rights::RWX), false);
        withholding::<R>(machine, 0x4000_0f47, |word| word | 1 << 62, both(Rights::RX, Rights::RX), false);
    }
    each::<El1<G4K, 39>>(&ARM_4K);
    each::<El1<G16K, 47>>(&ARM_16K);
    each::<El1<G64K, 48>>(&ARM_64K);
    // One Exception level: APTable[1] and XNTable alone; APTable[0] and PXNTable are reserved.
    const EL2: Machine = Machine { upper: None, ..ARM_4K };
    let data = 0x4000_0747;
    withholding::<El2<G4K, 39>>(&EL2, data, |word| word | 1 << 61 | 1 << 59, Access::kernel(Rights::RWX), false);
    withholding::<El2<G4K, 39>>(&EL2, data, |word| word | 1 << 60, Access::kernel(Rights::RW), false);
    withholding::<El2<G4K, 39>>(&EL2, data, |word| word | 1 << 62, Access::kernel(Rights::RX), false);
}

/// DDI 0406 B3.6: the same bits; XN is for both privileges.
#[test]
fn long_descriptors_withhold_what_their_bits_say() {
    type Lpae = tablature::armv7::Lpae;
    let user = 0x4000_0000 | 1 << 53 | 0xf47;
    withholding::<Lpae>(&LPAE, user, |word| word, Access::user(Rights::RWX), false);
    withholding::<Lpae>(&LPAE, user, |word| word | 1 << 62, Access::user(Rights::RX), false);
    withholding::<Lpae>(&LPAE, user, |word| word | 1 << 60, Access::user(Rights::RW), false);
    // Who cannot read does not execute.
    withholding::<Lpae>(&LPAE, user, |word| word | 1 << 61, Access::kernel(Rights::RW), false);
    let kernel = 0x4000_0787;
    withholding::<Lpae>(&LPAE, kernel, |word| word | 1 << 59, Access::kernel(Rights::R), true);
    withholding::<Lpae>(&LPAE, kernel, |word| word | 1 << 60, Access::kernel(Rights::R), true);
}

/// PRIV "Addressing and Memory Protection": a global pointer makes all below it global.
#[test]
fn riscv_pointers_make_what_is_below_them_global() {
    fn each<R: Regime>(machine: &'static Machine) {
        let data = 0x4000_0000 >> 2 | 0xc7;
        withholding::<R>(machine, data, |word| word, Access::kernel(Rights::RW), false);
        withholding::<R>(machine, data, |word| word | 0x20, Access::kernel(Rights::RW), true);
    }
    each::<tablature::riscv::Sv32>(&SV32);
    each::<tablature::riscv::Sv39>(&SV39);
    each::<tablature::riscv::Sv48>(&SV48);
}

/// Every pointer on the way counts, not the last alone.
#[test]
fn restrictions_of_all_levels_add_up() {
    let mut tables = Tables::new(&LEVEL4);
    let place = tables.place(VIRT, 12);
    tables.set(place, 0x4000_0007);
    for (shift, clear, set) in [(39, 2, 0), (30, 4, 0), (21, 0, 1 << 63)] {
        let pointer = tables.place(VIRT, shift);
        let old = tables.words.borrow()[&pointer];
        tables.set(pointer, old & !clear | set);
    }
    let reader = tables.reader::<tablature::x86_64::Level4>();
    let found = reader.page(VirtAddr::new(VIRT)).expect("mapped");
    assert_eq!(found.leaf.access, Access::kernel(Rights::R));
}

/// Neighbours below tables that withhold different things are no one region.
#[test]
fn regions_end_where_restrictions_do() {
    let mut tables = Tables::new(&LEVEL4);
    tables.map(0x1f_f000, 0x1f_f000, 0x2000, false);
    let pointer = tables.place(0x20_0000, 21);
    let old = tables.words.borrow()[&pointer];
    tables.set(pointer, old & !2);
    let reader = tables.reader::<tablature::x86_64::Level4>();
    let rights: Vec<_> =
        reader.regions(VirtAddr::new(0)).map(|region| (region.virt.as_u64(), region.attributes.access)).collect();
    let (rw, r) = (Access::kernel(Rights::RW), Access::kernel(Rights::R));
    assert_eq!(rights, [(0x1f_f000, rw), (0x20_0000, r)]);
}

/// DDI 0406 B3.5: bit 2 of a short pointer is PXN, for all pages below it.
#[test]
fn short_pointers_keep_the_kernel_from_executing() {
    type Short = tablature::armv7::Short;
    // A small page that both may read and execute.
    let user = 0x4000_0000 | 0x67e;
    withholding::<Short>(&SHORT, user, |word| word, both(Rights::RX, Rights::RX), true);
    withholding::<Short>(&SHORT, user, |word| word | 4, Access::user(Rights::RX), true);
}
