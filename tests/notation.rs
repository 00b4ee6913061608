//! Every construct of the notation, and the `Map` it becomes.

use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::map::{Contents, Kind, LeafPolicy, Phys, Placement, Region, Role, Space, Virt};

/// What a board support crate has.
mod board {
    pub(super) const UART0: usize = 0x0900_0000;
    pub(super) const STRIDE: u32 = 0x1000;
    pub(super) const KERNEL: u64 = 0xffff_ff80_0000_0000;
    pub(super) const SRAM: u64 = 0x2000_0000;
    pub(super) const GAP_SHIFT: u8 = 20;
    pub(super) const WHY: &str = "the loader starts there";

    pub(super) const fn pages<const SIZE: usize>(count: u64) -> u64 {
        count * SIZE as u64
    }
}

/// One more board.
const DRAM: u64 = 0x4000_0000;

tablature::__map_as_data! {
    /// A map that says all that can be said.
    #[allow(dead_code)]
    pub mod all for aarch64::El1<G4K, 39>;

    cpu {
        pa_bits = 40;
        features = [hafdbs, bti];
        modes = [G4K, granule_64k];
        start_level = 1;
        mair = [0xff, board::UART0 as u64 >> 24, 0x44];
        mtrr low : 0x0, 512 KiB, wb;
        pmp "fw entry" : board::SRAM, 4 KiB, rx;
        deny top in kernel : board::KERNEL, 1 GiB, user write exec;
    }
    policy {
        stack_guards;
        pages_only;
        tables_below = 4 GiB;
        table_pool = dram + 512 MiB, 64 KiB;
    }
    physical {
        dram  : DRAM, 1 GiB, normal;
        fw    : 0x4000_0000, 2MiB, normal, reserved, within dram, rights rx;
        uart0 : board::UART0, 4 KiB, device, owner kernel;
        uart1 : board::UART0 + board::STRIDE as usize, 4KiB, device_nGnRnE;
        SRAM  : board::SRAM, 1 << board::GAP_SHIFT, normal_nc;
    }

    /// The kernel.
    space kernel {
        asid 3;
        self_map 510;
        tables <= 4 + 4 in data, 64 KiB, hw_ad, preset_ad, runtime_edit;
        image "kernel.elf" {
            entry board::KERNEL + 64 KiB, symbol "_start";
            section ".text" (rx) : board::KERNEL, 2 MiB, load DRAM;
            section bss (rw) : board::KERNEL + 2 MiB, 4 KiB;
            section ".init" (rx) in text, keep ".init", from boot;
            section heap (rw) in data + 64 KiB, 2 * (4 KiB), nobits;
        }
        null    (guard) : 0x0, 4 KiB;
        /// Code.
        #[req("SYS-12", "SYS-13")]
        text    (rx, global) : board::KERNEL + 0x40_0000 => dram + 0x40_0000, 2 MiB, bti, page 2 MiB;
        rodata  (r)  : after text => dram + 6 MiB, 1 MiB, page <= 64 KiB, contiguous 64 KiB;
        data    (rw) : after rodata + 1 MiB => dram + 7 MiB, 1 MiB, dirty, software 3, raw_memory 1;
        stack   (rw) : 0xffff_ff90_0000_0000 => dram + 8 MiB, 64 KiB, guard below, worst_case 8 KiB;
        upward  (rw) : 0xffff_ff90_1000_0000 => dram + 9 MiB, 64 KiB, grows up, guard above 2 * (4 KiB);
        guard0  (guard) : 0xffff_ff90_0fff_f000, 4 KiB, of upward;
        hole    (guard) : 0xffff_ffa0_0010_0000, 2 MiB, inside heap;
        heap    (rw, window) : 0xffff_ffa0_0000_0000, 64 MiB;
        physmap (rw, linear) : 0xffff_ffc0_0000_0000 => dram;
        uart0   (rw) : identity;
        uart1   (rw) : identity board::UART0 + 0x1000 => uart1;
        sram    (rw) : 0x1000_0000 => SRAM + 64 KiB, 64 KiB, memory normal_nc, round;
        raw     (r)  : 0x1100_0000 => DRAM, 4 KiB, alias_of text, round 64 KiB;
        path    (r)  : 0x1200_0000 => board::SRAM, symbol path_bytes max board::pages::<4096>(2);
        undeclared (r) : 0x1300_0000 => dran, 4 KiB;
        tables  (rw, tables) : 0x1400_0000 => dram + 512 MiB, 64 KiB;
        patch   (rwx) : 0x1500_0000 => dram + 16 MiB, 4 KiB, waive(null_page_mapped, board::WHY), waive("wx", "");
        none    (none) : 0x1600_0000 => dram + 17 MiB, 4 KiB;
    }
    space plc (user) for aarch64::El1<G4K, 36> {
        tables <= 2 at dram + 600 MiB, 16 KiB;
        code (rx, user)         : 0x1_0000 => dram + 256 MiB, 64 KiB;
        both (priv rw, user r)  : 0x2_0000 => dram + 257 MiB, 64 KiB;
        tx   (rw, user)         : 0x3_0000 => channel telemetry + 4 KiB, 8 KiB;
    }
    space hmi (partition) { tables at boot; rx (r, user) : 0x3_0000 => channel telemetry; }
    space early (boot) { tables at boot in dram; }
    space later (run) { tables <= 3; }
    space secure (firmware) { tables in SRAM; }
    space vm (guest) for aarch64::Stage2<G4K, 40> { }

    channel telemetry : 16 KiB in dram + 300 MiB, plc -> hmi, kernel;
    channel both_ways : 16 KiB in 0x5000_0000, plc <-> hmi;
    isolate plc, hmi except telemetry, both_ways;
    isolate vm;
    dma nic for plc { ring (rw) : 0x1000 => dram + 400 MiB, 64 KiB; }
    dma gpu for hmi (no_iommu, incoherent, addr_bits 32) { }
    transition start : off -> early, pc 0x4008_0000, sp DRAM + 1 MiB, vectors board::KERNEL;
    transition on : early -> kernel, in_place, bbm;
}

fn space(name: &str) -> &'static Space<'static> {
    all::MAP.spaces.iter().find(|space| space.name == name).expect("a declared space")
}

fn region(name: &str) -> &'static Region<'static> {
    space("kernel").regions.iter().find(|region| region.name == name).expect("a declared region")
}

#[test]
fn the_cpu() {
    let cpu = &all::MAP.cpu;
    assert_eq!((all::MAP.name, all::MAP.format.input_bits), ("all", 39));
    assert_eq!((cpu.pa_bits, cpu.start_level), (Some(40), Some(1)));
    assert_eq!(cpu.features, Some(Features::HAFDBS.union(Features::BTI)));
    assert_eq!(cpu.modes, Some(Features::GRANULE_4K.union(Features::GRANULE_64K)));
    assert_eq!((cpu.mair, cpu.pat), (Some(&[0xff, 9, 0x44][..]), None));
    let (mtrr, pmp, deny) = (&cpu.mtrr[0], &cpu.pmp[0], &cpu.parents[0]);
    assert_eq!((mtrr.name, mtrr.base, mtrr.size, mtrr.kind), ("low", 0, 0x8_0000, "wb"));
    assert_eq!((pmp.name, pmp.base, pmp.size, pmp.kind), ("fw entry", board::SRAM, 0x1000, "rx"));
    assert_eq!((deny.name, deny.space, deny.virt, deny.size), ("top", "kernel", board::KERNEL, 1 << 30));
    assert!(deny.deny_user && deny.deny_write && deny.deny_exec);
}

#[test]
fn the_policy() {
    let policy = &all::MAP.policy;
    assert!(policy.stack_guards && policy.leaves == LeafPolicy::PagesOnly);
    assert_eq!(policy.tables_below, Some(4 << 30));
    let pool = policy.table_pool.expect("declared");
    assert!(matches!(pool.phys, Phys::In { resource: "dram", offset: 0x2000_0000 }) && pool.size == 0x1_0000);
}

#[test]
fn the_resources() {
    let [dram, fw, uart0, uart1, sram] = all::MAP.resources else { panic!("five resources") };
    assert_eq!((dram.name, dram.base, dram.size, dram.memory), ("dram", DRAM, 1 << 30, MemoryType::NormalWb));
    assert!(fw.reserved && fw.within == Some("dram") && fw.rights == Some(Rights::RX) && fw.size == 2 << 20);
    assert_eq!((uart0.base, uart0.owner, uart0.memory), (0x900_0000, Some("kernel"), MemoryType::DeviceNgnre));
    assert_eq!((uart1.base, uart1.memory), (0x900_1000, MemoryType::DeviceNgnrne));
    assert_eq!((sram.name, sram.size, sram.memory), ("SRAM", 1 << 20, MemoryType::NormalNc));
}

#[test]
fn the_spaces() {
    let kernel = space("kernel");
    assert_eq!((kernel.role, kernel.asid, kernel.self_map_slot), (Role::Kernel, Some(3), Some(510)));
    assert!(kernel.budget == Some(8) && kernel.format.is_none());
    assert_eq!(space("plc").format.expect("its own").input_bits, 36);
    let roles = ["plc", "hmi", "early", "later", "secure", "vm"].map(|name| space(name).role);
    assert_eq!(roles, [Role::Partition, Role::Partition, Role::Boot, Role::Run, Role::Firmware, Role::Guest]);
    let image = kernel.image.expect("declared");
    assert_eq!((image.name, image.entry), ("kernel.elf", Some(board::KERNEL + 0x1_0000)));
    assert_eq!(image.entry_symbol, Some("_start"));
    let [text, bss, init, heap] = image.sections else { panic!("four sections") };
    assert_eq!((text.name, text.rights, text.lma), (".text", Rights::RX, Some(DRAM)));
    assert_eq!((bss.name, bss.virt, bss.size, bss.lma), ("bss", board::KERNEL + 0x20_0000, 0x1000, None));
    assert_eq!((text.region, text.contents, text.inputs.len()), (None, Contents::Loaded, 0));
    assert_eq!((init.region, init.virt, init.size), (Some("text"), 0, 0));
    let inputs: Vec<_> = init.inputs.iter().map(|it| (it.name, it.keep)).collect();
    assert_eq!(inputs, [(".init", true), ("boot", false)]);
    assert_eq!((heap.region, heap.virt, heap.size), (Some("data"), 0x1_0000, 0x2000));
    assert_eq!(heap.contents, Contents::NoBits);
}

#[test]
fn what_the_linker_knows() {
    let region = |name| space("kernel").regions.iter().find(|region| region.name == name).expect("declared");
    assert_eq!((region("path").size_symbol, region("path").size), (Some("path_bytes"), Some(0x2000)));
    assert_eq!(region("data").size_symbol, None);
}

#[test]
fn where_tables_lie() {
    let tables = |name| space(name).tables.expect("declared");
    let kernel = tables("kernel");
    assert_eq!((kernel.placement, kernel.linked_in, kernel.size), (Placement::Linked, Some("data"), Some(0x1_0000)));
    assert!(matches!(kernel.phys, Phys::In { resource: "dram", offset: 0 }));
    assert!(kernel.hw_ad && kernel.preset_ad && kernel.runtime_edit);
    let plc = tables("plc");
    assert!(plc.placement == Placement::Placed && plc.size == Some(0x4000) && !plc.hw_ad);
    assert!(matches!(plc.phys, Phys::In { resource: "dram", offset: 0x2580_0000 }));
    assert!(tables("hmi").placement == Placement::BootFilled && matches!(tables("hmi").phys, Phys::None));
    assert!(matches!(tables("early").phys, Phys::In { resource: "dram", offset: 0 }));
    assert!(tables("later").placement == Placement::Linked && matches!(tables("later").phys, Phys::None));
    assert!(matches!(tables("secure").phys, Phys::In { resource: "SRAM", .. }) && tables("secure").linked_in.is_none());
    assert!(space("vm").tables.is_none());
}

#[test]
fn kinds_and_rights_of_regions() {
    let kinds = [
        ("null", Kind::Guard),
        ("text", Kind::Map),
        ("stack", Kind::Stack),
        ("upward", Kind::Stack),
        ("heap", Kind::Window),
        ("physmap", Kind::Linear),
        ("uart0", Kind::Identity),
        ("uart1", Kind::Identity),
    ];
    for (name, kind) in kinds {
        assert_eq!(region(name).kind, kind, "{name}");
    }
    assert_eq!(space("plc").regions[2].kind, Kind::Channel);
    assert_eq!(region("text").access, Access::kernel(Rights::RX));
    assert_eq!(region("none").access, Access::kernel(Rights::NONE));
    let [code, both, tx] = space("plc").regions else { panic!("three regions") };
    assert_eq!((code.access, code.user), (Access::user(Rights::RX), true));
    assert_eq!((both.access, both.user), (Access { privileged: Rights::RW, user: Rights::R }, true));
    assert_eq!((tx.access, tx.user), (Access::user(Rights::RW), true));
    assert!(region("text").global && !region("text").user && region("tables").tables);
}

#[test]
fn places_of_regions() {
    assert!(matches!(region("text").virt, Virt::At(0xffff_ff80_0040_0000)));
    assert!(matches!(region("rodata").virt, Virt::After { region: "text", gap: 0 }));
    assert!(matches!(region("data").virt, Virt::After { region: "rodata", gap: 0x10_0000 }));
    assert!(matches!(region("uart0").virt, Virt::Identity) && region("uart0").size.is_none());
    assert!(matches!(region("uart0").phys, Phys::In { resource: "uart0", offset: 0 }));
    assert!(matches!(region("uart1").virt, Virt::At(0x900_1000)));
    assert!(matches!(region("sram").phys, Phys::In { resource: "SRAM", offset: 0x1_0000 }));
    assert!(matches!(region("raw").phys, Phys::At(DRAM)), "a constant, and no resource of that name");
    assert!(matches!(region("path").phys, Phys::At(board::SRAM)) && region("path").size == Some(0x2000));
    assert!(matches!(region("undeclared").phys, Phys::In { resource: "dran", .. }), "a wrong name is a name");
    assert!(matches!(region("heap").phys, Phys::None) && matches!(region("null").phys, Phys::None));
    assert!(matches!(space("plc").regions[2].phys, Phys::Channel { channel: "telemetry", offset: 0x1000 }));
    assert!(region("physmap").size.is_none());
}

#[test]
fn clauses_of_regions() {
    let (text, rodata, data) = (region("text"), region("rodata"), region("data"));
    assert_eq!((text.page, text.bti, text.requirements), (Some(2 << 20), true, &["SYS-12", "SYS-13"][..]));
    assert_eq!((rodata.page, rodata.page_max, rodata.contiguous), (None, Some(0x1_0000), Some(0x1_0000)));
    assert_eq!((data.dirty, data.software, data.raw_memory), (true, Some(3), Some(1)));
    let (stack, upward) = (region("stack"), region("upward"));
    assert_eq!((stack.guard_below, stack.guard_above, stack.worst_case), (0x1000, 0, Some(0x2000)));
    assert_eq!((upward.guard_above, upward.grows_up), (0x2000, true));
    assert_eq!((region("guard0").guards, region("hole").inside), (Some("upward"), Some("heap")));
    assert_eq!((region("sram").memory, region("sram").round), (Some(MemoryType::NormalNc), Some(0)));
    assert_eq!((region("raw").alias_of, region("raw").round), (Some("text"), Some(0x1_0000)));
    let [named, quoted] = region("patch").waivers else { panic!("two waivers") };
    assert_eq!((named.rule, named.reason), ("null-page-mapped", board::WHY));
    assert_eq!((quoted.rule, quoted.reason), ("wx", ""));
}

#[test]
fn what_stands_between_spaces() {
    let map = all::MAP;
    let (one, two) = (&map.channels[0], &map.channels[1]);
    assert_eq!((one.from, one.to, one.two_way, one.size), ("plc", &["hmi", "kernel"][..], false, 0x4000));
    assert!(two.two_way && matches!(two.phys, Phys::At(0x5000_0000)));
    assert_eq!(map.isolation[0].spaces, ["plc", "hmi"]);
    assert_eq!((map.isolation[0].except, map.isolation[1].spaces), (&["telemetry", "both_ways"][..], &["vm"][..]));
    let (nic, gpu) = (&map.devices[0], &map.devices[1]);
    assert!(nic.iommu && nic.coherent && nic.addr_bits.is_none() && nic.windows[0].rights == Rights::RW);
    assert_eq!((nic.windows[0].iova, nic.windows[0].size), (0x1000, 0x1_0000));
    assert!(!gpu.iommu && !gpu.coherent && gpu.addr_bits == Some(32) && gpu.owner == "hmi");
    let (start, on) = (&map.transitions[0], &map.transitions[1]);
    assert_eq!((start.from, start.to, start.pc), (None, "early", Some(0x4008_0000)));
    assert_eq!((start.sp, start.vectors, start.bbm), (Some(DRAM + 0x10_0000), Some(board::KERNEL), false));
    assert!(on.from == Some("early") && on.in_place && on.bbm);
}

#[test]
fn every_object_has_an_anchor_of_its_own() {
    let map = all::MAP;
    let mut anchors = vec![map.anchor, map.cpu.anchor];
    anchors.extend(map.cpu.mtrr.iter().chain(map.cpu.pmp).map(|it| it.anchor));
    anchors.extend(map.cpu.parents.iter().map(|it| it.anchor));
    anchors.extend(map.policy.table_pool.map(|it| it.anchor));
    anchors.extend(map.resources.iter().map(|it| it.anchor));
    for space in map.spaces {
        anchors.push(space.anchor);
        anchors.extend(space.tables.map(|it| it.anchor));
        anchors.extend(space.image.map(|it| it.anchor));
        anchors.extend(space.image.iter().flat_map(|it| it.sections).map(|it| it.anchor));
        anchors.extend(space.regions.iter().map(|it| it.anchor));
        anchors.extend(space.regions.iter().flat_map(|it| it.waivers).map(|it| it.anchor));
    }
    anchors.extend(map.channels.iter().map(|it| it.anchor));
    anchors.extend(map.isolation.iter().map(|it| it.anchor));
    anchors.extend(map.devices.iter().map(|it| it.anchor));
    anchors.extend(map.devices.iter().flat_map(|it| it.windows).map(|it| it.anchor));
    anchors.extend(map.transitions.iter().map(|it| it.anchor));
    let count = anchors.len();
    anchors.sort_unstable();
    assert!(anchors.iter().map(|&anchor| usize::from(anchor)).eq(0..count), "{anchors:?}");
}

#[test]
fn the_words_of_the_notation_are_those_of_the_library() {
    let words =
        ["lpa2", "lpa", "lva", "ttst", "s1pie", "bti", "mte", "xs", "hafdbs", "bbml2", "asid16", "tlbirange", "bbml1"];
    let more = ["svnapot", "svpbmt", "svadu", "nx", "pdpe1gb", "la57", "pcid", "cet_ss"];
    let named = words.iter().chain(&more).map(|word| Features::named(word).expect("a feature"));
    let declared = every_feature::MAP.cpu.features.expect("declared");
    assert_eq!(named.fold(Features::NONE, Features::union), declared);
    let modes = ["granule_4k", "granule_16k", "granule_64k", "sv32", "sv39", "sv48", "sv57", "sv39x4"];
    let named = modes.iter().map(|word| Features::named(word).expect("a mode"));
    assert_eq!(named.fold(Features::NONE, Features::union), every_feature::MAP.cpu.modes.expect("declared"));
    let memory: Vec<_> = every_feature::MAP.resources.iter().map(|it| (it.name, it.memory.name())).collect();
    assert!(memory.len() == MemoryType::COUNT - 1 && memory.iter().all(|(word, name)| word == name), "{memory:?}");
}

tablature::__map_as_data! {
    mod every_feature for riscv::Sv39;
    cpu {
        features = [lpa2, lpa, lva, ttst, s1pie, bti, mte, xs, hafdbs, bbml2, asid16, tlbirange, bbml1, svnapot, svpbmt, svadu, nx,
                    pdpe1gb, la57, pcid, cet_ss];
        modes = [granule_4k, G16K, granule_64k, sv32, Sv39, sv48, sv57, sv39x4];
    }
    physical {
        normal_wb : 0, 0, normal_wb;  normal_wt : 0, 0, normal_wt;  normal_nc : 0, 0, normal_nc;
        normal_wb_nsh : 0, 0, normal_wb_nsh;  normal_wb_ra : 0, 0, normal_wb_ra;
        normal_wb_transient : 0, 0, normal_wb_transient;  normal_tagged : 0, 0, normal_tagged;
        device_nGnRnE : 0, 0, device_nGnRnE;  device_nGnRE : 0, 0, device_nGnRE;  device_nGRE : 0, 0, device_nGRE;
        device_GRE : 0, 0, device_GRE;  wp : 0, 0, wp;
    }
}
