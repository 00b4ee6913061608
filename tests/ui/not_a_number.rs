//! A constant that is no integer, and one that does not exist.

mod board {
    pub const DRAM: &str = "0x8000_0000";
}

tablature::memory_map! {
    pub mod virt for riscv::Sv39;

    physical {
        dram : board::DRAM, 128 MiB, normal;
        rom  : board::ROM, 4 KiB, normal;
    }
    space kernel {
        tables;
        text (rx) : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
    }
}

fn main() {}
