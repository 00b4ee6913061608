//! An address in the hole between the two halves.

tablature::memory_map! {
    pub mod pc for x86_64::Level4;

    physical {
        dram : 0x10_0000, 64 MiB, normal;
    }
    space kernel {
        tables <= 8;
        text (rx) : 0x8000_0000_0000 => dram, 2 MiB;
    }
}

fn main() {}
