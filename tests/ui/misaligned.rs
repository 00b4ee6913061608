//! Addresses from the board's constants, one of them not on a page.

mod board {
    pub const UART0: usize = 0x0900_0800;
}

tablature::memory_map! {
    pub mod virt for riscv::Sv39;

    physical {
        uart0 : board::UART0, 4 KiB, device;
    }
    space kernel {
        tables;
        uart0 (rw) : 0x1000_0000 => uart0;
        next  (rw) : 0x1000_1800 => uart0, 2 KiB, alias_of uart0;
    }
}

fn main() {}
