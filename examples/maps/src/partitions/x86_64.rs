//! Partitions on QEMU's `q35`: the kernel in ring 0 and in the top 2 GiB, partitions in ring 3.

/// The map with and without identifiers of address spaces, which not every processor has.
macro_rules! declare {
    ([$($feature:ident)?] [$($one:tt)*] [$($two:tt)*] [$($three:tt)*]) => {
        super::system! {
            /// QEMU `q35`, x86-64.
            mod partitions_x86_64 for [x86_64::Level4];
            cpu { features = [nx $(, $feature)?]; }
            physical {
                dram  : 0x0020_0000, 30 MiB, normal;
                lapic : 0xfee0_0000, 4 KiB, device;
            }
            pool 0x10_0000;
            entry 0xffff_ffff_8020_0000;
            identifiers [$($one)*] [$($two)*] [$($three)*];
            boot {
                /// The code that switches paging on, where it runs before that.
                low_text (rx) : identity => dram, 4 KiB, alias_of text;
            }
            kernel {
                text   (rx, global) : 0xffff_ffff_8020_0000 => dram, 256 KiB;
                rodata (r, global)  : after text => dram + 0x4_0000, 256 KiB;
                kernel_data (rw, global) : after rodata => dram + 0x8_0000, 512 KiB;
                table_pool (r, tables, global) : after kernel_data => dram + 0x10_0000, 192 KiB;
                kernel_stack (rw, stack, global) : 0xffff_ffff_8034_1000 => dram + 0x14_1000, 60 KiB, guard below;
                lapic  (rw, global) : 0xffff_ffff_c020_0000 => lapic;
            }
            tables 11, 11;
            transitions {
                transition reset : off -> boot, pc 0x0020_0000;
                transition first : boot -> control, pc 0xffff_ffff_8020_1000, sp 0xffff_ffff_8035_0000;
                transition away  : control -> rogue, pc 0xffff_ffff_8020_1000, sp 0xffff_ffff_8035_0000;
                transition back  : rogue -> control, pc 0xffff_ffff_8020_1000, sp 0xffff_ffff_8035_0000;
            }
        }
    };
}

#[cfg(not(feature = "pcid"))]
declare! { [] [] [] [] }
#[cfg(feature = "pcid")]
declare! { [pcid] [asid 1;] [asid 2;] [asid 3;] }
