//! A regime without its width, and one with a granule that does not exist.

tablature::memory_map! {
    pub mod one for aarch64::El1<G4K>;

    physical { dram : 0x4000_0000, 128 MiB, normal; }
    space kernel {
        tables;
        text (rx) : identity => dram, 2 MiB;
    }
}

tablature::memory_map! {
    pub mod two for aarch64::El2<G8K, 39>;

    physical { dram : 0x4000_0000, 128 MiB, normal; }
    space kernel {
        tables;
        text (rx) : identity => dram, 2 MiB;
    }
}

fn main() {}
