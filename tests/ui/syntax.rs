//! Errors of the notation: each at its token, nothing behind them, and the module is still there.

tablature::memory_map! {
    pub mod virt for riscv::Sv39;

    physical {
        dram  : 0x8000_0000, 128 MiB, nomal;
        uart0 : 0x1000_0000, N KiB, device;
    }
    space kernel {
        tables <= 8;
        text (rq) : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
        data  rw  : 0xffff_ffc0_0020_0000 => dram + 2 MiB, 2 MiB;
        heap (rw) : 0xffff_ffc0_0040_0000 => dram + 4 MiB, 2 MiB
        stack (rw) : 0xffff_ffc0_0060_0000 => dram + 6 MiB, 64 KiB, gaurd below;
    }
    chanel ring : 4 KiB in dram, kernel -> kernel;
}

fn use_of_everything() -> (u64, u64, usize) {
    let _: virt::kernel::Space = virt::kernel::Space;
    (virt::kernel::data::START, virt::kernel::stack::SIZE, virt::kernel::TABLES)
}

fn main() {}
