//! A system of partitions that uses everything: channels, isolation, DMA, transitions, waivers, an image.

tablature::memory_map! {
    /// A kernel with two partitions, and the boot map before it.
    pub(crate) mod plant for aarch64::El1<G4K, 39>;

    cpu { pa_bits = 40; }
    policy { stack_guards; }

    physical {
        dram  : 0x4000_0000, 1 GiB, normal;
        uart0 : 0x0900_0000, 4 KiB, device, owner kernel;
        valve : 0x0a00_0000, 4 KiB, device, owner plc;
        vault : 0x9000_0000, 64 KiB, normal, reserved;
    }

    space start (boot) {
        tables <= 8 at 0x4100_0000;
        code  (rx) : identity => dram + 0x8_0000, 64 KiB;
        stack (rw) : 0xffff_ff90_0000_0000 => dram + 0x78_0000, 64 KiB, guard below;
    }

    space kernel {
        asid 1;
        tables <= 16 at 0x4110_0000;
        image "kernel.elf" {
            entry 0x4008_0000;
            section ".text" (rx) : 0xffff_ff80_4008_0000, 32 KiB, load 0x4008_0000;
        }
        null   (guard) : 0x0, 4 KiB;
        #[req("SYS-1")]
        code   (rx) : identity => dram + 0x8_0000, 64 KiB, alias_of text;
        #[req("SYS-1")]
        #[req("SYS-2")]
        text   (rx) : 0xffff_ff80_4008_0000 => dram + 0x8_0000, 2 MiB, contiguous 64 KiB;
        stack  (rw) : 0xffff_ff90_0000_0000 => dram + 0x78_0000, 64 KiB, guard below;
        uart0  (rw) : 0xffff_ff90_1000_0000 => uart0;
        patch  (rwx) : 0xffff_ffb0_0000_0000 => dram + 0x0180_0000, 4 KiB,
            waive(wx, "the self-test patches code");
        ring   (rw) : 0xffff_ffa8_0000_0000 => dram + 0x0190_0000, 192 KiB, contiguous 64 KiB;
        gap    (guard) : 0xffff_ffa8_0001_0000, 64 KiB, inside ring;
        heap   (rw, window) : 0xffff_ffa0_0000_0000, 2 MiB;
    }

    space plc (user) {
        asid 2;
        tables <= 16 at 0x4120_0000;
        #[req("PLC-1")]
        code  (rx, user) : 0x1_0000 => dram + 0x1000_0000, 64 KiB;
        data  (rw, user) : after code => dram + 0x1001_0000, 64 KiB;
        out   (rw, user) : 0x40_0000 => channel telemetry;
        valve (rw, user) : 0x50_0000 => valve;
    }

    space hmi (user) {
        asid 3;
        tables <= 16 at 0x4130_0000;
        #[req("HMI-1")]
        code  (rx, user) : 0x1_0000 => dram + 0x2000_0000, 64 KiB;
        data  (rw, user) : after code => dram + 0x2001_0000, 2 MiB;
        input (r, user)  : 0x40_0000 => channel telemetry;
    }

    channel telemetry : 16 KiB in dram + 0x3000_0000, plc -> hmi;
    isolate plc, hmi except telemetry;

    dma disk for hmi (iommu, addr_bits 32) {
        buffer (rw) : 0x1000 => dram + 0x2001_0000, 64 KiB;
    }

    transition reset : off -> start, pc 0x4008_0000;
    transition up : start -> kernel, pc 0x4008_0040, sp 0xffff_ff90_0000_1000, vectors 0xffff_ff80_4008_0800;
}
