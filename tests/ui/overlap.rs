//! Two regions on the same pages: both are underlined.

tablature::memory_map! {
    pub mod virt for aarch64::El1<G4K, 39>;

    physical {
        dram : 0x4000_0000, 1 GiB, normal;
    }
    space kernel {
        tables <= 8 in dram;
        text (rx) : 0xffff_ff80_0000_0000 => dram, 2 MiB;
        data (rw) : 0xffff_ff80_0010_0000 => dram + 2 MiB, 2 MiB;
    }
}

fn main() {}
