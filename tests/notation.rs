//! Every construct of the notation, and the `Map` it becomes.

use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::map::{Kind, LeafPolicy, Phys, Placement, Region, Role, Space, Virt};

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

tablature::memory_map! {
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
            entry board::KERNEL + 64 KiB;
            section ".text" (rx) : board::KERNEL, 2 MiB, load DRAM;
            section bss (rw) : board::KERNEL + 2 MiB, 4 KiB;
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
        path    (r)  : 0x1200_0000 => board::SRAM, board::pages::<4096>(2);
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
