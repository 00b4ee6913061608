//! Writable and executable at once.

tablature::memory_map! {
    pub mod virt for x86_64::Level4;

    physical {
        dram : 0x10_0000, 64 MiB, normal;
    }
    space kernel {
        tables <= 8;
        code (rwx) : 0xffff_ffff_8000_0000 => dram, 2 MiB;
    }
}

fn main() {}
