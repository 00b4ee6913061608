//! A memory type in the entry, on a CPU that is not said to have Svpbmt.

tablature::memory_map! {
    pub mod virt for riscv::Sv39;

    physical {
        dram : 0x8000_0000, 128 MiB, normal;
    }
    space kernel {
        tables <= 8;
        frame (rw) : 0xffff_ffc0_0000_0000 => dram, 2 MiB, memory normal_nc;
    }
}

fn main() {}
