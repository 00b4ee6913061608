//! QEMU `virt`, AArch64, with 2 GiB of RAM.

/// Where placed tables lie.
pub const TABLES_AT: u64 = 0x4050_0000;

macro_rules! declare {
    ($($tables:tt)*) => {
        tablature::memory_map! {
            /// QEMU `virt`, AArch64, kernel at EL1 in the upper half.
            pub mod virt_aarch64 for aarch64::El1<G4K, 39>;

            policy { stack_guards; }

            physical {
                dram   : 0x4000_0000, 2 GiB, normal;
                frames : 0x4040_0000, 64 KiB, normal_nc, within dram;
                gicd   : 0x0800_0000, 64 KiB, device;
                gicc   : 0x0801_0000, 64 KiB, device;
                uart0  : 0x0900_0000, 4 KiB, device;
                rtc    : 0x0901_0000, 4 KiB, device;
                virtio : 0x0a00_0000, 16 KiB, device;
            }

            space kernel {
                $($tables)*

                image firmware {
                    entry 0xffff_ff80_4020_0000, symbol _start;
                    section ".text"   (rx) in text, 256 KiB - 4, from ".init", from ".text";
                    // An instruction, to be probed.
                    section ".text_last" (rx) in text + (256 KiB - 4), keep ".text_last";
                    section ".rodata" (r)  in rodata, from ".rodata", from ".got";
                    section ".data"   (rw) in data, 256 KiB;
                    section ".bss"    (rw) in data + 256 KiB, nobits;
                    section ".tables" (rw) in table_pool, from ".table_memory";
                    section ".stack"  (rw) in stack, reserve;
                }

                /// A null pointer faults.
                null   (guard) : 0x0, 4 KiB;

                /// The code, once more where it runs while the MMU is off.
                switch (rx) : identity => dram + 0x20_0000, 256 KiB, alias_of text;
                /// The constants that this code reads.
                switch_rodata (r) : identity => dram + 0x24_0000, 256 KiB, alias_of rodata;
                /// The boot stack, where it is while the MMU is off.
                switch_stack (rw) : identity => dram + 0x30_1000, 60 KiB, alias_of stack;

                /// Code of the user.
                app    (rx, user) : 0x10_0000_0000 => dram + 0x41_0000, 64 KiB;
                /// Data of the user.
                app_data (rw, user) : after app + 64 KiB => dram + 0x42_0000, 12 KiB;

                text   (rx) : 0xffff_ff80_4020_0000 => dram + 0x20_0000, 256 KiB, contiguous 64 KiB;
                rodata (r)  : after text => dram + 0x24_0000, 256 KiB;
                data   (rw) : after rodata => dram + 0x28_0000, 512 KiB;
                stack  (rw, stack) : after data => dram + 0x30_1000, 60 KiB, guard below;
                table_pool (rw, tables) : 0xffff_ff80_4050_0000 => dram + 0x50_0000, 128 KiB;
                /// A frame buffer: not cacheable, and one TLB entry.
                screen (rw) : 0xffff_ff90_0000_0000 => frames, contiguous 64 KiB;
                /// Where nothing may ever be mapped.
                moat   (guard) : 0xffff_ff90_0001_0000, 64 KiB;

                /// Pages that are mapped one by one; the first table ends among them.
                heap   (rw, window) : 0xffff_ff90_0018_0000, 2560 KiB;

                uart0  (rw) : 0xffff_ffb0_0000_0000 => uart0;
                rtc    (rw) : after uart0 + 4 KiB => rtc;
                gicd   (rw) : 0xffff_ffb0_0010_0000 => gicd;
                gicc   (rw) : after gicd => gicc;
                virtio (rw) : 0xffff_ffb0_0020_0000 => virtio;

                /// Everything behind the image: blocks of 2 MiB, and one of 1 GiB.
                physmap (rw, linear) : 0xffff_ffc0_4060_0000 => dram + 0x60_0000;
            }
        }
    };
}

in_each_mode! { declare:
    linked { tables <= 24 in table_pool; }
    placed { tables <= 24 at TABLES_AT; }
    boot { tables <= 24 at boot; }
    more {
        /// 128 leaves in a table that `app` has.
        more (r) : 0x10_0008_0000 => dram + 0x2100_0000, 512 KiB;
    }
}
