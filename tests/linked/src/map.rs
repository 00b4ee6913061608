//! One kernel in the top 2 GiB of three architectures.

macro_rules! declare {
    ($name:ident for $($regime:tt)*) => {
        tablature::memory_map! {
            pub(crate) mod $name for $($regime)*;

            physical { dram : 0x8000_0000, 64 MiB, normal; }

            space kernel {
                tables <= 8 in table_pool;
                image firmware {
                    entry 0xffff_ffff_8020_0000, symbol _start;
                    section ".text"   (rx) in text, from ".init", from ".text";
                    section ".rodata" (r)  in rodata;
                    section ".data"   (rw) in data, 4 KiB;
                    section ".bss"    (rw) in data + 4 KiB, nobits;
                    section ".tables" (rw) in table_pool, from ".table_memory";
                    section ".stack"  (rw) in stack, reserve;
                }
                text   (rx) : 0xffff_ffff_8020_0000 => dram + 2 MiB, symbol __text_size max 4 KiB;
                rodata (r)  : after text => dram + 0x20_1000, 4 KiB;
                data   (rw) : after rodata => dram + 0x20_2000, 8 KiB;
                table_pool (rw, tables) : after data => dram + 0x30_0000, 64 KiB;
                stack  (rw) : after table_pool => dram + 0x31_1000, 60 KiB, guard below;
            }
        }
    };
}

declare! { board_aarch64 for aarch64::El1<G4K, 39> }
declare! { board_riscv64 for riscv::Sv39 }
declare! { board_x86_64 for x86_64::Level4 }
