//! Every construct of the notation, and the `Map` it becomes.

mod board {
    pub(super) const UART0: usize = 0x0900_0000;
    pub(super) const STRIDE: u32 = 0x1000;
    pub(super) const KERNEL: u64 = 0xffff_ff80_0000_0000;
}

tablature::memory_map! {
    /// A board.
    pub mod virt for aarch64::El1<G4K, 39>;

    cpu {
        pa_bits = 40;
        features = [hafdbs, bti];
        modes = [G4K, G64K];
    }
    policy { stack_guards; tables_below = 4 GiB; }
    physical {
        dram  : 0x4000_0000, 1 GiB, normal;
        fw    : 0x4000_0000, 2 MiB, normal, reserved, within dram, rights rx;
        uart0 : board::UART0, 4 KiB, device;
        uart1 : board::UART0 + board::STRIDE as usize, 4KiB, device;
    }
    space kernel {
        tables <= 16 in dram;
        null   (guard) : 0x0, 4 KiB;
        /// Code.
        #[req("SYS-12", "SYS-13")]
        text   (rx) : board::KERNEL + 0x40_0000 => dram + 0x40_0000, 2 MiB;
        rodata (r)  : after text => dram + 0x60_0000, 1 MiB;
        data   (rw) : after rodata + 1 MiB => dram + 0x70_0000, 1 MiB;
        stack  (rw) : 0xffff_ff90_0000_0000 => dram + 0x80_0000, 64 KiB, guard below, worst_case 8 KiB;
        uart0  (rw) : identity;
    }
}

#[test]
fn a_small_map() {
    let map = virt::MAP;
    assert_eq!(map.name, "virt");
}
