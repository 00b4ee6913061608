//! More tables than the budget has.

tablature::memory_map! {
    pub mod virt for aarch64::El1<G4K, 39>;

    physical {
        dram  : 0x4000_0000, 1 GiB, normal;
        uart0 : 0x0900_0000, 4 KiB, device;
    }
    space kernel {
        tables <= 3 in dram;
        text  (rx) : 0xffff_ff80_0000_0000 => dram, 4 KiB;
        data  (rw) : 0xffff_ff90_0000_0000 => dram + 4 KiB, 4 KiB;
        uart0 (rw) : 0xffff_ffa0_0000_0000 => uart0;
    }
}

fn main() {}
