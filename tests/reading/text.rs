//! Dumps, word for word.

use crate::machine::*;

const REGIONS: &str = "\
x86-64, 4 levels
0x00000000001ff000 - 0x0000000000400fff => 0x0000401ff000      2056 KiB  rw-/---  normal_wb  (4 KiB to 2 MiB leaves)
0x0000000000401000 - 0x0000000000401fff => 0x000040401000         4 KiB  r--/---  normal_wb  (4 KiB leaves)
0xfffffffffffff000 - 0xffffffffffffffff => 0x0000fee00000         4 KiB  rw-/rw-  device_nGnRnE  global  (4 KiB leaves)
";

const ENTRIES: &str = "\
x86-64, 4 levels
   0 0x0000000000000000       512 GiB  0x0000000001010007  table at 0x1010000
     0 0x0000000000000000         1 GiB  0x0000000001020007  table at 0x1020000
       0 0x0000000000000000         2 MiB  0x0000000001030007  table at 0x1030000
       511 0x00000000001ff000         4 KiB  0x80000000401ff003  => 0x0000401ff000  rw-/---  normal_wb
       1 0x0000000000200000         2 MiB  0x8000000040200083  => 0x000040200000  rw-/---  normal_wb
       2 0x0000000000400000         2 MiB  0x0000000001040007  table at 0x1040000
         0 0x0000000000400000         4 KiB  0x8000000040400003  => 0x000040400000  rw-/---  normal_wb
         1 0x0000000000401000         4 KiB  0x8000000040401001  => 0x000040401000  r--/---  normal_wb
 511 0xffffff8000000000       512 GiB  0x0000000001050007  table at 0x1050000
   511 0xffffffffc0000000         1 GiB  0x0000000001060007  table at 0x1060000
     511 0xffffffffffe00000         2 MiB  0x0000000001070007  table at 0x1070000
       511 0xfffffffffffff000         4 KiB  0x80000000fee0011f  => 0x0000fee00000  rw-/rw-  device_nGnRnE  global
";

#[test]
fn a_dump_says_what_is_mapped() {
    let mut tables = Tables::new(&LEVEL4);
    tables.map(0x1f_f000, 0x401f_f000, 0x20_2000, false);
    tables.map(0x40_1000, 0x4040_1000, 0x1000, true);
    let place = tables.place(0xffff_ffff_ffff_f000, 12);
    tables.set(place, 0x8000_0000_fee0_011f);
    let reader = tables.reader::<tablature::x86_64::Level4>();
    assert_eq!(reader.dump().to_string(), REGIONS);
    assert_eq!(reader.dump().by_entry().to_string(), ENTRIES);
}

/// The errors of reading name addresses in hex.
#[test]
fn errors_say_where() {
    use tablature::addr::VirtAddr;
    let mut tables = Tables::new(&SV39);
    tables.map(0x1000, 0x4000_0000, 0x1000, false);
    let place = tables.place(0x3000, 12);
    tables.set(place, 0x1000_00c5);
    let reader = tables.reader::<tablature::riscv::Sv39>();
    let text = |virt, size| reader.query(VirtAddr::new(virt), size).expect_err("an error").to_string();
    assert_eq!(text(0x1000, 0x2000), "the range is mapped in part, and not at 0x2000");
    assert_eq!(text(0x3000, 0x1000), "0x3000: the word 0x100000c5 is reserved at level 0");
    assert_eq!(text(0x3f_ffff_f000, 0x2000), "0x2000 bytes from 0x3ffffff000 reach into the hole between the halves");
    assert_eq!(text(0x1234, 0x1000), "0x1234 is not a multiple of 0x1000");
}

/// Entries of a NAPOT run all hold the start of it; those of a contiguous run their own address.
#[test]
fn entries_of_runs_translate_to_their_own_pages() {
    use tablature::addr::{PhysAddr, VirtAddr};
    let mut tables = Tables::new(&SV39);
    for page in 0..16 {
        let place = tables.place(0x1_0000 + page * 0x1000, 12);
        tables.set(place, 1 << 63 | 0x4000_8000 >> 2 | 0xc7);
    }
    let reader = tables.reader::<tablature::riscv::Sv39>();
    assert_eq!(reader.translate(VirtAddr::new(0x1_5123)), Ok(PhysAddr::new(0x4000_5123)));
    let regions: Vec<_> =
        reader.regions(VirtAddr::new(0)).map(|r| (r.virt.as_u64(), r.phys.as_u64(), r.size)).collect();
    assert_eq!(regions, [(0x1_0000, 0x4000_0000, 0x1_0000)]);
    let leaf = reader.leaves(VirtAddr::new(0x1_5000)).next().expect("a leaf");
    assert_eq!((leaf.leaf.address, leaf.leaf.run, leaf.size), (0x4000_5000, 0x1_0000, 0x1000));
    let query = reader.query(VirtAddr::new(0x1_3000), 0x4000).map(|uniform| uniform.phys);
    assert_eq!(query, Ok(Some(PhysAddr::new(0x4000_3000))));

    let mut tables = Tables::new(&ARM_4K);
    for page in 0..16 {
        let place = tables.place(0x1_0000 + page * 0x1000, 12);
        tables.set(place, 1 << 52 | 3 << 53 | 0x4000_0000 | page << 12 | 0x707);
    }
    let reader = tables.reader::<tablature::aarch64::El1<tablature::aarch64::G4K, 39>>();
    assert_eq!(reader.translate(VirtAddr::new(0x1_f123)), Ok(PhysAddr::new(0x4000_f123)));
    assert_eq!(reader.regions(VirtAddr::new(0)).map(|region| region.size).collect::<Vec<_>>(), [0x1_0000]);
}

/// Bit 12 of a large leaf is a memory type, not an address: neighbours that differ in it are two regions.
#[test]
fn large_leaves_with_another_type_are_another_region() {
    use tablature::addr::VirtAddr;
    use tablature::attr::MemoryType;
    let mut tables = Tables::new(&LEVEL4);
    for (virt, word) in [(0, 0x4000_0083u64), (0x20_0000, 0x4020_1083), (0x40_0000, 0x4040_0083)] {
        let place = tables.place(virt, 21);
        tables.set(place, word);
    }
    let reader = tables.reader::<tablature::x86_64::Level4>();
    let seen: Vec<_> = reader.regions(VirtAddr::new(0)).map(|r| (r.phys.as_u64(), r.attributes.memory)).collect();
    let (wb, wc) = (MemoryType::NormalWb, MemoryType::NormalNc);
    assert_eq!(seen, [(0x4000_0000, wb), (0x4020_0000, wc), (0x4040_0000, wb)]);
}
