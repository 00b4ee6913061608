//! Partitions on QEMU's AArch64 `virt`: the kernel at EL1 under TTBR1, partitions at EL0 under TTBR0.

super::system! {
    /// QEMU `virt`, AArch64.
    mod partitions_aarch64 for [aarch64::El1<G4K, 39>];
    cpu {}
    physical {
        dram  : 0x4020_0000, 30 MiB, normal;
        gicd  : 0x0800_0000, 64 KiB, device;
        gicc  : 0x0801_0000, 64 KiB, device;
        uart0 : 0x0900_0000, 4 KiB, device;
    }
    pool 0x10_0000;
    entry 0xffff_ff80_4020_0000;
    identifiers [asid 1;] [asid 2;] [asid 3;];
    boot {
        /// The code, the constants and the stack, where they are while the MMU is off.
        low_text   (rx) : identity => dram, 256 KiB, alias_of text;
        low_rodata (r)  : identity => dram + 0x4_0000, 256 KiB, alias_of rodata;
        low_stack  (rw) : identity => dram + 0x14_1000, 60 KiB, alias_of kernel_stack;

        // The upper half, which stays when TTBR0 changes.
        text   (rx) : 0xffff_ff80_4020_0000 => dram, 256 KiB;
        rodata (r)  : after text => dram + 0x4_0000, 256 KiB;
        kernel_data (rw) : after rodata => dram + 0x8_0000, 512 KiB;
        table_pool (r, tables) : after kernel_data => dram + 0x10_0000, 192 KiB;
        kernel_stack (rw, stack) : 0xffff_ff80_4034_1000 => dram + 0x14_1000, 60 KiB, guard below;
        uart0  (rw) : 0xffff_ffb0_0000_0000 => uart0;
        gicd   (rw) : 0xffff_ffb0_0010_0000 => gicd;
        gicc   (rw) : after gicd => gicc;
    }
    kernel {}
    tables 9, 9;
    transitions {
        // Behind it TTBR1 stays as it is.
        transition reset : off -> boot, pc 0x4020_0000, sp 0x4035_0000;
    }
}
