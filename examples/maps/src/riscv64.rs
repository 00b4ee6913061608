//! QEMU `virt`, RISC-V, with 4 GiB of RAM.

/// Where placed tables lie.
pub const TABLES_AT: u64 = 0x8050_0000;

macro_rules! declare {
    (for $regime:ident tables { $($tables:tt)* } spaces { $($spaces:tt)* }) => {
        tablature::memory_map! {
            /// QEMU `virt`, RISC-V, kernel in S-mode under OpenSBI and in the upper half.
            pub mod virt_riscv64 for riscv::$regime;

            cpu { features = [svnapot, svpbmt]; }

            policy { stack_guards; }

            physical {
                opensbi : 0x8000_0000, 2 MiB, normal, reserved;
                dram    : 0x8020_0000, 4094 MiB, normal;
                frames  : 0x8040_0000, 64 KiB, normal_nc, within dram;
                test    : 0x0010_0000, 4 KiB, device;
                rtc     : 0x0010_1000, 4 KiB, device;
                plic    : 0x0c00_0000, 4 MiB, device;
                uart0   : 0x1000_0000, 4 KiB, device;
                virtio  : 0x1000_1000, 32 KiB, device;
            }

            space kernel {
                $($tables)*

                image firmware {
                    entry 0xffff_ffc0_8020_0000, symbol _start;
                    section ".text"   (rx) in text, 256 KiB - 4, from ".init", from ".text";
                    // An instruction, to be probed.
                    section ".text_last" (rx) in text + (256 KiB - 4), keep ".text_last";
                    section ".rodata" (r)  in rodata, from ".rodata", from ".got";
                    section ".data"   (rw) in data, 128 KiB;
                    section ".bss"    (rw) in data + 128 KiB, nobits;
                    section ".tables" (rw) in table_pool, from ".table_memory";
                    section ".stack"  (rw) in stack, reserve;
                }

                /// A null pointer faults.
                null   (guard) : 0x0, 4 KiB;

                /// The code, once more where it runs while the MMU is off.
                switch (rx) : identity => dram, 256 KiB, alias_of text;
                /// The constants that this code reads.
                switch_rodata (r) : identity => dram + 0x4_0000, 256 KiB, alias_of rodata;
                /// The boot stack, where it is while the MMU is off.
                switch_stack (rw) : identity => dram + 0x10_1000, 60 KiB, alias_of stack;

                /// Code of the user.
                app    (rx, user) : 0x10_0000_0000 => dram + 0x21_0000, 64 KiB;
                /// Data of the user.
                app_data (rw, user) : after app + 64 KiB => dram + 0x22_0000, 12 KiB;

                text   (rx) : 0xffff_ffc0_8020_0000 => dram, 256 KiB, contiguous 64 KiB;
                rodata (r)  : after text => dram + 0x4_0000, 256 KiB;
                data   (rw) : after rodata => dram + 0x8_0000, 512 KiB;
                stack  (rw, stack) : after data => dram + 0x10_1000, 60 KiB, guard below;
                table_pool (rw, tables) : 0xffff_ffc0_8050_0000 => dram + 0x30_0000, 128 KiB;
                /// A frame buffer: not cacheable, and one TLB entry.
                screen (rw) : 0xffff_ffd0_0000_0000 => frames, contiguous 64 KiB;
                /// Where nothing may ever be mapped.
                moat   (guard) : 0xffff_ffd0_0001_0000, 64 KiB;

                /// Pages that are mapped one by one; the first table ends among them.
                heap   (rw, window) : 0xffff_ffd0_0018_0000, 2560 KiB;

                plic   (rw) : 0xffff_ffd8_0000_0000 => plic;
                uart0  (rw) : 0xffff_ffd8_1000_0000 => uart0;
                rtc    (rw) : after uart0 + 4 KiB => rtc;
                /// Ends the emulation.
                test   (rw) : after rtc + 4 KiB => test;
                virtio (r)  : 0xffff_ffd8_1010_0000 => virtio;

                /// Everything behind the image: leaves of 2 MiB, and three of 1 GiB.
                physmap (rw, linear) : 0xffff_ffe0_8060_0000 => dram + 0x40_0000;
            }

            $($spaces)*
        }
    };
}

/// The map with three, four, or five levels: all of its addresses fit the three. With five it has an identifier.
macro_rules! declare_with_levels {
    ($($rest:tt)*) => {
        #[cfg(not(any(feature = "sv48", feature = "sv57")))]
        declare_with_guest! { for Sv39 $($rest)* }
        #[cfg(all(feature = "sv48", not(feature = "sv57")))]
        declare_with_guest! { for Sv48 $($rest)* }
        #[cfg(feature = "sv57")]
        declare_with_guest! { for Sv57 asid 9; $($rest)* }
    };
}

/// The map without a guest, and with one whose G-stage has three or four levels.
macro_rules! declare_with_guest {
    (for $regime:ident $($tables:tt)*) => {
        #[cfg(not(any(feature = "sv39x4", feature = "sv48x4")))]
        declare! { for $regime tables { $($tables)* } spaces {} }
        #[cfg(all(feature = "sv39x4", not(feature = "sv48x4")))]
        declare_guest! { for $regime tables { $($tables)* } guest Sv39x4 }
        #[cfg(feature = "sv48x4")]
        declare_guest! { for $regime tables { $($tables)* } guest Sv48x4 }
    };
}

/// The map with a guest.
#[cfg(any(feature = "sv39x4", feature = "sv48x4"))]
macro_rules! declare_guest {
    (for $regime:ident tables { $($tables:tt)* } guest $guest:ident) => {
        declare! {
            for $regime tables { $($tables)* } spaces {
                /// What a guest sees as its physical memory, below a root of four pages.
                space guest (guest) for riscv::$guest {
                    asid 3;
                    tables <= 16 at boot;
                    /// Where a board has no memory.
                    null (guard) : 0x0, 4 KiB;
                    code (priv rx, user rx) : 0x8000_0000 => dram + 0x0fe0_0000, 64 KiB, contiguous 64 KiB,
                        waive(wx_alias, "the host loads the guest");
                    ram  (priv rw, user rw) : 0x8020_0000 => dram + 0x1000_0000, 2 MiB;
                    rom  (priv r, user r)   : 0x8040_0000 => dram + 0x1020_0000, 16 KiB;
                    /// By an entry of the root's second page. QEMU 7.2 takes bit 40 for a sign, and refuses what is above.
                    far  (priv rw, user rw) : 0xff_ffff_e000 => dram + 0x1021_0000, 8 KiB;
                }
            }
        }
    };
}

in_each_mode! { declare_with_levels:
    linked { tables <= 28 in table_pool; }
    placed { tables <= 28 at TABLES_AT; }
    boot { tables <= 28 at boot; }
    more {
        /// 128 leaves in a table that `app` has.
        more (r) : 0x10_0008_0000 => dram + 0x2100_0000, 512 KiB;
    }
}
