//! A regime that does not exist, and expressions that are none.

tablature::memory_map! {
    pub mod virt for riscv::Sv93;

    physical {
        dram : 0x8000_0000 +, 128 MiB, normal;
        sram : 0x1000_0000 * / 2, 64 KiB, normal;
    }
    space kernel {
        tables;
        text (rx) : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
    }
}

fn main() {}
