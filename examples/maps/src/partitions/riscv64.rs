//! Partitions on QEMU's RISC-V `virt`: S-mode under OpenSBI, partitions in U-mode.

super::system! {
    /// QEMU `virt`, RISC-V.
    mod partitions_riscv64 for [riscv::Sv39];
    cpu {}
    physical {
        opensbi : 0x8000_0000, 2 MiB, normal, reserved;
        dram    : 0x8020_0000, 30 MiB, normal;
        test    : 0x0010_0000, 4 KiB, device;
        uart0   : 0x1000_0000, 4 KiB, device;
    }
    pool 0x10_0000;
    entry 0xffff_ffc0_8020_0000;
    identifiers [asid 1;] [asid 2;] [asid 3;];
    boot {
        /// The code, the constants and the stack, where they are while the MMU is off.
        low_text   (rx) : identity => dram, 256 KiB, alias_of text;
        low_rodata (r)  : identity => dram + 0x4_0000, 256 KiB, alias_of rodata;
        low_stack  (rw) : identity => dram + 0x14_1000, 60 KiB, alias_of kernel_stack;
    }
    kernel {
        text   (rx, global) : 0xffff_ffc0_8020_0000 => dram, 256 KiB;
        rodata (r, global)  : after text => dram + 0x4_0000, 256 KiB;
        kernel_data (rw, global) : after rodata => dram + 0x8_0000, 512 KiB;
        table_pool (r, tables, global) : after kernel_data => dram + 0x10_0000, 192 KiB;
        kernel_stack (rw, stack, global) : 0xffff_ffc0_8034_1000 => dram + 0x14_1000, 60 KiB, guard below;
        uart0  (rw, global) : 0xffff_ffd8_1000_0000 => uart0;
        test   (rw, global) : after uart0 + 4 KiB => test;
    }
    tables 9, 9;
    transitions {
        transition reset : off -> boot, pc 0x8020_0000, sp 0x8035_0000;
        transition first : boot -> control, pc 0xffff_ffc0_8020_0000, sp 0xffff_ffc0_8035_0000;
        transition away  : control -> rogue, pc 0xffff_ffc0_8020_0000, sp 0xffff_ffc0_8035_0000;
        transition back  : rogue -> control, pc 0xffff_ffc0_8020_0000, sp 0xffff_ffc0_8035_0000;
    }
}
