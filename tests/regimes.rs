//! Maps of the regimes that nothing here installs: each declared, proven by rustc, and walked by hand.

use tablature::space::Declared;

tablature::memory_map! {
    /// A virtual machine behind Intel's extended page tables.
    mod vmx for x86_64::Ept4;

    cpu { pa_bits = 46; features = [ept_2m, ept_1g]; }

    physical {
        ram  : 0x1_0000_0000, 2 GiB, normal;
        apic : 0xfee0_0000, 4 KiB, device_nGnRnE;
        pool : 0x2_0000_0000, 1 MiB, normal;
    }

    space cell (guest) {
        tables <= 6 at pool, 24 KiB;
        low  (rx) : 0x0 => ram, 4 KiB;
        main (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
        high (rw) : 0x40_0000_0000 => ram + 1 GiB, 1 GiB;
        apic (rw) : identity;
    }
}

tablature::memory_map! {
    /// The same with one level more.
    mod vmx5 for x86_64::Ept5;

    cpu { pa_bits = 52; features = [ept5, ept_ad, ept_2m]; }

    physical {
        ram  : 0x1_0000_0000, 2 GiB, normal;
        pool : 0x2_0000_0000, 1 MiB, normal;
    }

    space cell (guest) {
        tables <= 4 at pool, 16 KiB, preset_ad;
        main (rw) : 0x1_0000_0000_0000 => ram, 2 MiB;
    }
}

tablature::memory_map! {
    /// A 32-bit kernel with long descriptors.
    mod kernel32 for armv7::Lpae;

    physical {
        ram  : 0x4000_0000, 1 GiB, normal;
        uart : 0x900_0000, 4 KiB, device;
        pool : 0x8000_0000, 1 MiB, normal;
    }

    space kernel {
        asid 3;
        tables <= 6 at pool, 24 KiB;
        text (rx, global) : 0xc000_0000 => ram, 2 MiB;
        data (rw, global) : 0xc020_0000 => ram + 0x20_0000, 64 KiB, contiguous 64 KiB;
        user (rx, user)   : 0x1000 => ram + 0x40_0000, 4 KiB;
        uart (rw)         : identity;
    }
}

tablature::memory_map! {
    /// One with short descriptors.
    mod short for armv7::Short;

    physical {
        ram  : 0x4000_0000, 1 GiB, normal;
        uart : 0x900_0000, 4 KiB, device;
        pool : 0x8000_0000, 1 MiB, normal;
    }

    space kernel {
        asid 3;
        tables <= 19 at pool, 19 KiB;
        text (rx, global) : 0xc000_0000 => ram, 2 MiB;
        data (rw, global) : 0xc020_0000 => ram + 0x20_0000, 128 KiB, contiguous 64 KiB;
        user (priv rx, user rx) : 0x1000 => ram + 0x40_0000, 4 KiB, waive(kernel_executes_user_page, "a page has no PXN");
        uart (rw)         : identity;
    }
}

tablature::memory_map! {
    /// A hypervisor of 32 bits.
    mod hyp for armv7::LpaeHyp;

    physical {
        ram  : 0x4000_0000, 1 GiB, normal;
        pool : 0x8000_0000, 1 MiB, normal;
    }

    space hyp (firmware) {
        tables <= 1 at pool, 4 KiB;
        ram (rw) : identity;
    }
}

tablature::memory_map! {
    /// Its guest, with two root tables side by side.
    mod guest for armv7::LpaeStage2;

    physical {
        ram  : 0x4000_0000, 1 GiB, normal;
        uart : 0x900_0000, 4 KiB, device;
        pool : 0x8000_0000, 1 MiB, normal;
    }

    space cell (guest) {
        tables <= 6 at pool, 24 KiB;
        low  (rwx) : 0x20_0000 => ram, 2 MiB, waive(wx, "a guest has its own tables");
        high (rx)  : 0x80_4000_0000 => ram + 0x20_0000, 4 KiB;
        uart (rw)  : identity;
    }
}

tablature::memory_map! {
    /// A 32-bit kernel of a PC with more than 4 GiB.
    mod pae for x86::Pae;

    physical {
        ram  : 0x10_0000, 0x2_0000_0000, normal;
        apic : 0xfee0_0000, 4 KiB, device_nGnRnE, within ram;
        pool : 0x3_0000_0000, 1 MiB, normal;
    }

    space kernel {
        tables <= 6 at pool, 24 KiB, preset_ad;
        text (rx) : 0xc010_0000 => ram, 4 KiB;
        data (rw) : 0xc020_0000 => ram + 0x1_0010_0000, 2 MiB;
        user (rw, user) : 0x8000 => ram + 0x10_0000, 4 KiB;
        apic (rw) : identity;
    }
}

tablature::memory_map! {
    /// One of a PC without execute-disable.
    mod pc32 for x86::Legacy32;

    physical {
        ram  : 0x0, 256 MiB, normal;
        pool : 0x1000_0000, 1 MiB, normal;
        apic : 0xfee0_0000, 4 KiB, device_nGnRnE;
    }

    space kernel {
        tables <= 3 at pool, 12 KiB;
        text (rx)  : 0xc010_0000 => ram + 1 MiB, 4 KiB;
        data (rwx) : 0xc040_0000 => ram + 4 MiB, 4 MiB, waive(wx, "there is no execute-disable");
        apic (rwx) : identity, waive(wx, "there is no execute-disable");
    }
}

tablature::memory_map! {
    /// A kernel of LoongArch.
    mod loong for loongarch64::La64;

    physical {
        ram  : 0x9000_0000, 1 GiB, normal;
        uart : 0x1fe0_0000, 4 KiB, device;
        pool : 0xf000_0000, 1 MiB, normal;
    }

    space kernel {
        asid 1;
        tables <= 9 at pool, 36 KiB;
        text (rx, global) : 0xffff_8000_0000_0000 => ram, 4 KiB;
        data (rw, global) : 0xffff_8000_0020_0000 => ram + 0x20_0000, 2 MiB;
        user (priv none, user rx) : 0x8000 => ram + 0x40_0000, 4 KiB;
        heap (rw, user)   : 0x1_0000 => ram + 0x41_0000, 4 KiB;
        uart (rw)         : identity;
    }
}

/// The word that ends the walk of `virt`, read from the tables as bytes; `shifts` from the root down, and the number
/// of entries of a table that is no root.
fn word<S: Declared>(shifts: &[u32], next: fn(u64, bool) -> Option<u64>, virt: u64) -> u64 {
    walk::<S>(S::roots().lower.expect("root"), shifts, next, virt)
}

fn walk<S: Declared>(root: u64, shifts: &[u32], next: fn(u64, bool) -> Option<u64>, virt: u64) -> u64 {
    let memory = S::memory();
    let mut table = root;
    for (depth, shift) in shifts.iter().enumerate() {
        let index = if depth == 0 { virt >> shift } else { virt >> shift & 511 };
        let offset = (table - memory.physical) as usize + index as usize * 8;
        assert!(offset + 8 <= memory.bytes, "{table:#x} is no table");
        // SAFETY: the offset lies inside the tables, which nobody writes.
        let word = unsafe { memory.start.wrapping_byte_add(offset).read_volatile() };
        match next(word, depth + 1 == shifts.len()) {
            Some(address) => table = address,
            None => return word,
        }
    }
    unreachable!("the last level has no tables")
}

/// A pointer of EPT has rights and no page-size bit.
fn ept_next(word: u64, last: bool) -> Option<u64> {
    (word & 7 != 0 && word & 0x80 == 0 && !last).then_some(word & 0xf_ffff_ffff_f000)
}

/// A pointer of a long descriptor has both low bits.
fn lpae_next(word: u64, last: bool) -> Option<u64> {
    (word & 3 == 3 && !last).then_some(word & 0xff_ffff_f000)
}

#[test]
fn ept_of_four_levels() {
    let at = |virt| word::<vmx::cell::Space>(&[39, 30, 21, 12], ept_next, virt);
    assert_eq!(at(0x0), 0x1_0000_0035);
    assert_eq!(at(0x1000), 0);
    assert_eq!(at(0x20_0000), 0x1_0020_00b3);
    assert_eq!(at(0x40_0000), 0x1_0040_00b3);
    assert_eq!(at(0x40_0000_0000), 0x1_4000_00b3);
    assert_eq!(at(0xfee0_0000), 0xfee0_0003);
    assert_eq!(vmx::cell::TABLES, 6);
}

/// With `preset_ad` pointers have the accessed bit (8), and writable leaves the dirty bit (9), too.
#[test]
fn ept_of_five_levels() {
    let at = |virt| word::<vmx5::cell::Space>(&[48, 39, 30, 21, 12], ept_next, virt);
    assert_eq!(at(0x1_0000_0000_0000), 0x1_0000_03b3);
    assert_eq!(at(0x1_0000_0020_0000), 0);
    let root = vmx5::cell::Space::tables().entry(1);
    assert_eq!(root, Some(0x2_0000_1107));
}

#[test]
fn long_descriptors_of_a_kernel() {
    let at = |virt| word::<kernel32::kernel::Space>(&[30, 21, 12], lpae_next, virt);
    assert_eq!(at(0xc000_0000), 0x4000_0785);
    assert_eq!(at(0xc020_0000), 0x4020_0707 | 1 << 54 | 1 << 53 | 1 << 52);
    assert_eq!(at(0xc020_f000), 0x4020_f707 | 1 << 54 | 1 << 53 | 1 << 52);
    assert_eq!(at(0xc021_0000), 0);
    assert_eq!(at(0x1000), 0x4040_0fc7 | 1 << 53);
    assert_eq!(at(0x900_0000), 0x900_0c03 | 1 << 54 | 1 << 53);
    assert_eq!(at(0x8000_0000), 0);
    // The root has four entries, and a page of its own.
    assert_eq!(kernel32::kernel::TABLES, 6);
}

#[test]
fn long_descriptors_of_a_hypervisor() {
    let at = |virt| word::<hyp::hyp::Space>(&[30, 21, 12], lpae_next, virt);
    assert_eq!(at(0x4000_0000), 0x4000_0745 | 1 << 54);
    assert_eq!(at(0x8000_0000), 0);
}

#[test]
fn long_descriptors_of_a_guest() {
    let at = |virt| word::<guest::cell::Space>(&[30, 21, 12], lpae_next, virt);
    assert_eq!(at(0x20_0000), 0x4000_07fd);
    assert_eq!(at(0x80_4000_0000), 0x4020_077f);
    assert_eq!(at(0x900_0000), 0x900_04c7 | 1 << 54);
    assert_eq!(guest::cell::TABLES, 6);
}

/// A pointer of PAE paging is present and of no large page.
fn pae_next(word: u64, last: bool) -> Option<u64> {
    (word & 0x81 == 1 && !last).then_some(word & 0xf_ffff_ffff_f000)
}

/// Accessed (bit 5) and dirty (bit 6) are preset wherever hardware would set them, which is nowhere in the root.
#[test]
fn pae_paging() {
    let at = |virt| word::<pae::kernel::Space>(&[30, 21, 12], pae_next, virt);
    assert_eq!(at(0xc010_0000), 0x10_0021);
    assert_eq!(at(0xc010_1000), 0);
    assert_eq!(at(0xc020_0000), 1 << 63 | 0x1_0020_00e3);
    assert_eq!(at(0x8000), 1 << 63 | 0x20_0067);
    assert_eq!(at(0xfee0_0000), 1 << 63 | 0xfee0_007b);
    let root: Vec<_> = (0..5).map(|entry| pae::kernel::Space::tables().entry(entry)).collect();
    assert_eq!(root, [Some(0x3_0000_1001), Some(0), Some(0), Some(0x3_0000_2001), Some(0)]);
    assert_eq!(pae::kernel::Space::tables().entry(512), Some(0x3_0000_3027));
}

/// Entries of four bytes: directory, table, page.
#[test]
fn paging_of_32_bits() {
    type Space = pc32::kernel::Space;
    let (memory, root) = (Space::memory(), Space::roots().lower.expect("root"));
    let read = |table: u64, index: u64| {
        let offset = (table - memory.physical + index * 4) as usize;
        assert!(offset < memory.bytes);
        // SAFETY: the offset lies inside the tables, which nobody writes.
        unsafe { memory.start.wrapping_byte_add(offset).cast::<u32>().read_volatile() }
    };
    assert_eq!(read(root, 0x301), 0x0040_0083);
    let table = read(root, 0x300);
    assert_eq!(table & 0xfff, 7);
    assert_eq!(read(u64::from(table & !0xfff), 0x100), 0x0010_0001);
    assert_eq!(read(u64::from(table & !0xfff), 0x101), 0);
    let table = read(root, 0x3fb);
    assert_eq!(read(u64::from(table & !0xfff), 0x200), 0xfee0_001b);
    assert_eq!(read(root, 0), 0);
}

/// Entries of four bytes, a root of 16 KiB, tables of 1 KiB, and large pages that are there sixteen times.
#[test]
fn short_descriptors() {
    type Space = short::kernel::Space;
    let (memory, root) = (Space::memory(), Space::roots().lower.expect("root"));
    let read = |table: u64, index: u64| {
        let offset = (table - memory.physical + index * 4) as usize;
        assert!(offset < memory.bytes);
        // SAFETY: the offset lies inside the tables, which nobody writes.
        unsafe { memory.start.wrapping_byte_add(offset).cast::<u32>().read_volatile() }
    };
    let page = |virt: u64| {
        let pointer = read(root, virt >> 20);
        assert_eq!(pointer & 0x3ff, 1, "{virt:#x}");
        read(u64::from(pointer & !0x3ff), virt >> 12 & 255)
    };
    assert_eq!((root % (16 << 10), short::kernel::TABLES, memory.bytes), (0, 19, 19 << 10));
    // Sections: write-back shareable, AP = 101, executable.
    assert_eq!(read(root, 0xc00), 0x4001_940e);
    assert_eq!(read(root, 0xc01), 0x4011_940e);
    assert_eq!(read(root, 0xc03), 0);
    // Large pages: AP = 001, XN is bit 15.
    for offset in 0..16 {
        assert_eq!(page(0xc020_0000 + (offset << 12)), 0x4020_941d);
        assert_eq!(page(0xc021_0000 + (offset << 12)), 0x4021_941d);
    }
    assert_eq!(page(0xc022_0000), 0);
    // Small pages: AP = 111 and nG; Device, AP = 001, XN, nG.
    assert_eq!(page(0x1000), 0x4040_0e7e);
    assert_eq!(page(0x900_0000), 0x900_0817);
    assert_eq!(page(0), 0);
}

/// A pointer of LoongArch has no low bits.
fn loong_next(word: u64, last: bool) -> Option<u64> {
    (word != 0 && word & 0xfff == 0 && !last).then_some(word)
}

#[test]
fn la64() {
    type Space = loong::kernel::Space;
    let roots = Space::roots();
    let (lower, upper) = (roots.lower.expect("lower root"), roots.upper.expect("upper root"));
    let shifts = [39, 30, 21, 12];
    // Bit 47 is the highest index bit of the upper root, too.
    let high = |virt: u64| walk::<Space>(upper, &shifts, loong_next, virt & 0xffff_ffff_ffff);
    assert_eq!(high(0xffff_8000_0000_0000), 0x9000_00d1);
    assert_eq!(high(0xffff_8000_0020_0000), 1 << 62 | 0x9020_11d3);
    assert_eq!(high(0xffff_8000_0000_1000), 0);
    let low = |virt| walk::<Space>(lower, &shifts, loong_next, virt);
    assert_eq!(low(0x8000), 1 << 63 | 0x9040_009d);
    assert_eq!(low(0x1_0000), 1 << 62 | 0x9041_019f);
    assert_eq!(low(0x1fe0_0000), 1 << 62 | 0x1fe0_0183);
    assert_eq!(low(0x2_0000), 0);
}

/// What a feature must allow, and what no entry can say, is an error of the declaration.
#[test]
fn rules_know_the_regimes() {
    use tablature::attr::{Access, Features, Rights};
    use tablature::layout::Layout;
    use tablature::map::{Cpu, Map, Phys, Region, Space, Virt};
    use tablature::regime::Regime;
    use tablature::rule::{Rule, check};

    let rules = |region: Region<'static>, features, format| {
        let regions = vec![region].leak();
        let spaces = vec![Space { regions, role: tablature::map::Role::Guest, ..vmx::MAP.spaces[0] }].leak();
        let cpu = Cpu { features: Some(features), ..Cpu::BLANK };
        let map = Map { spaces, cpu, format, ..*vmx::MAP };
        let (errors, _) = check::<1, 16>(&map, &Layout::of(&map));
        errors.list[..errors.len].iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    let phys = Phys::In { resource: "ram", offset: 0 };
    let region = Region {
        name: "main",
        virt: Virt::At(0x4000_0000),
        phys,
        size: Some(1 << 30),
        access: Access::kernel(Rights::RW),
        ..Region::BLANK
    };
    let ept = tablature::x86_64::Ept4::FORMAT;
    let both = Features::EPT_2M.union(Features::EPT_1G);
    assert!(!rules(Region { page: Some(1 << 30), ..region }, both, ept).contains(&Rule::FeatureMissing));
    assert!(rules(Region { page: Some(1 << 30), ..region }, Features::EPT_2M, ept).contains(&Rule::FeatureMissing));
    assert!(rules(region, Features::NONE, tablature::x86_64::Ept5::FORMAT).contains(&Rule::FeatureMissing));
    let only = |rights| Region { access: Access::kernel(rights), ..region };
    assert!(rules(only(Rights::X), both, ept).contains(&Rule::RightsNotEncodable));
    assert!(rules(only(Rights::W), both, ept).contains(&Rule::WriteOnly));
    let user = Region { access: Access::user(Rights::RW), user: true, ..region };
    assert!(rules(user, both, ept).contains(&Rule::RegimeHasNoUser));
    assert!(!rules(only(Rights::W), both, <tablature::armv7::LpaeStage2>::FORMAT).contains(&Rule::WriteOnly));
    assert!(rules(region, both, tablature::armv7::LpaeStage2::<41>::FORMAT).contains(&Rule::VaBitsInvalid));
    assert!(rules(region, both, tablature::armv7::LpaeStage2::<24>::FORMAT).contains(&Rule::VaBitsInvalid));
}

tablature::memory_map! {
    /// Entries of four bytes in an image whose addresses have eight: the tables as they would be at address 0.
    mod narrow for x86::Legacy32;

    physical { ram : 0x80_0000, 4 MiB, normal; }

    space kernel {
        tables <= 2;
        text (rx) : 0x80_0000 => ram, 1 MiB;
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn a_link_wider_than_the_entry_is_not_made() {
    let memory = narrow::kernel::Space::memory();
    assert_eq!((memory.physical, memory.bytes), (0, 0x2000));
    // Entry 2 of the root, and the first of the second table: the even one in the lower half.
    assert_eq!(narrow::kernel::Space::tables().entry(1), Some(0x1007));
    assert_eq!(narrow::kernel::Space::tables().entry(512), Some(0x80_1001_0080_0001));
}

tablature::memory_map! {
    /// Linked tables that show themselves.
    mod recursive for x86_64::Level4;

    physical { ram : 0x80_0000, 4 MiB, normal; }

    space kernel {
        self_map 510;
        tables <= 4;
        text (rx) : 0x80_0000 => ram, 1 MiB;
    }
}

#[test]
fn a_linked_recursive_entry_is_the_kernel_s_and_not_executable() {
    let memory = recursive::kernel::Space::memory();
    let entry = recursive::kernel::Space::tables().entry(510);
    assert_eq!(entry, Some(memory.physical | 1 << 63 | 3));
}
