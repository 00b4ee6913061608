//! Several broken rules: all of them in one build.

tablature::memory_map! {
    pub mod virt for aarch64::El1<G4K, 39>;

    physical {
        dram  : 0x4000_0000, 1 GiB, normal;
        uart0 : 0x0900_0000, 4 KiB, device;
    }
    space kernel {
        tables <= 8 in dram;
        text  (rwx) : 0xffff_ff80_0000_0000 => dram, 2 MiB;
        data  (rw)  : 0xffff_ff80_0020_0800 => dram + 2 MiB, 2 MiB;
        null  (rw)  : 0x0 => dram + 8 MiB, 4 KiB;
        uart0 (rx)  : 0xffff_ff80_0100_0000 => uart0;
        move  (r)   : 0xffff_ff80_0200_0000 => dram + 16 MiB, 4 KiB;
        uart0 (rw)  : 0xffff_ff80_0300_0000 => uart0, alias_of uart0;
    }
}

fn main() {}
