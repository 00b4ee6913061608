//! Constants without a value: an error each, and nothing about what is made of them.

mod board {
    pub const DRAM: u64 = 0x8000_0000 - BUS;
    pub const BUS: u64 = 0x1_0000_0000;
    pub const OFFSET: i32 = -4096;
}

tablature::memory_map! {
    pub mod virt for riscv::Sv39;

    physical {
        dram : board::DRAM, 128 MiB, normal;
    }
    space kernel {
        tables;
        text (rx) : board::BUS << 2 * 40 => dram, 2 MiB;
        data (rw) : after text => dram + board::OFFSET, 2 MiB;
    }
}

fn main() {}
