//! Linux on a VisionFive 2 and on QEMU's `virt`, and an identity-mapped kernel on a QiLai.

use super::common::compare;

/// Where Linux links its kernel on every 64-bit RISC-V.
const KERNEL_LINK_ADDR: u64 = 0xffff_ffff_8000_0000;

tablature::memory_map! {
    /// Linux with Sv39 on a VisionFive 2 with 4 GiB.
    mod linux_visionfive2 for riscv::Sv39;

    physical {
        plic  : 0xc00_0000, 64 MiB, device;
        uart0 : 0x1000_0000, 64 KiB, device;
        gmac0 : 0x1603_0000, 64 KiB, device;
        dram  : 0x4000_0000, 4 GiB, normal;
    }
    space linux {
        tables <= 10;
        fixmap_fdt    (r)  : 0xffff_ffc6_fea0_0000 => dram + 34 MiB, 4 MiB;
        vmemmap       (rw) : 0xffff_ffc7_0000_0000 => dram + 4032 MiB, 64 MiB;
        ioremap_plic  (rw) : 0xffff_ffc7_fea0_0000 => plic, 64 MiB;
        ioremap_uart0 (rw) : 0xffff_ffc8_02a0_1000 => uart0, 64 KiB;
        ioremap_gmac0 (rw) : 0xffff_ffc8_02a1_2000 => gmac0, 64 KiB;

        // The linear map of all memory, read-only where it shows the kernel's text.
        linear_low  (rw, linear) : 0xffff_ffd8_0000_0000 => dram, 2 MiB;
        linear_text (r, linear)  : after linear_low  => dram + 2 MiB, 12 MiB;
        linear      (rw, linear) : after linear_text => dram + 14 MiB, 4082 MiB,
            waive(wx_alias, "module text is written through the linear map while it is loaded");

        module0     (rx) : 0xffff_ffff_0000_0000 => dram + 256 MiB, 128 KiB;
        kernel_text (rx) : KERNEL_LINK_ADDR => dram + 2 MiB, 8 MiB;
        rodata      (r)  : after kernel_text => dram + 10 MiB, 4 MiB;
        data_bss    (rw) : after rodata => dram + 14 MiB, 6 MiB;
    }
}

tablature::memory_map! {
    /// Linux with Sv48 on QEMU's `virt` with 1 GiB.
    mod linux_virt for riscv::Sv48;

    physical {
        rtc   : 0x10_1000, 4 KiB, device;
        plic  : 0xc00_0000, 6 MiB, device;
        uart0 : 0x1000_0000, 4 KiB, device;
        dram  : 0x8000_0000, 1 GiB, normal;
    }
    space linux {
        tables <= 13;
        fixmap_fdt    (r)  : 0xffff_8d7f_fea0_0000 => dram + 34 MiB, 4 MiB;
        vmemmap       (rw) : 0xffff_8d80_0000_0000 => dram + 960 MiB, 16 MiB;
        ioremap_plic  (rw) : 0xffff_8d80_fea0_0000 => plic, 6 MiB;
        ioremap_uart0 (rw) : 0xffff_8d80_ff00_1000 => uart0, 4 KiB;
        ioremap_rtc   (rw) : 0xffff_8d80_ff00_3000 => rtc, 4 KiB;

        linear_low  (rw, linear) : 0xffff_af80_0000_0000 => dram, 2 MiB;
        linear_text (r, linear)  : after linear_low  => dram + 2 MiB, 12 MiB;
        linear      (rw, linear) : after linear_text => dram + 14 MiB, 1010 MiB,
            waive(wx_alias, "module text is written through the linear map while it is loaded");

        module0     (rx) : 0xffff_ffff_0000_0000 => dram + 256 MiB, 128 KiB;
        kernel_text (rx) : KERNEL_LINK_ADDR => dram + 2 MiB, 8 MiB;
        rodata      (r)  : after kernel_text => dram + 10 MiB, 4 MiB;
        data_bss    (rw) : after rodata => dram + 14 MiB, 6 MiB;
    }
}

tablature::memory_map! {
    /// A kernel mapped one to one on the Andes QiLai Voyager; OpenSBI's first 2 MiB stay unmapped.
    mod qilai for riscv::Sv39;

    physical {
        timer   : 0x10_0000, 1 MiB, device;
        plic_sw : 0x40_0000, 4 MiB, device;
        plic    : 0x200_0000, 32 MiB, device;
        serial  : 0x3030_0000, 1 MiB, device;
        opensbi : 0x4_0000_0000, 2 MiB, normal, reserved;
        dram    : 0x4_0020_0000, 16 GiB - 2 MiB, normal;
    }
    space kernel {
        tables <= 6;
        timer   (rw) : identity;
        plic_sw (rw) : identity;
        plic    (rw) : identity;
        serial  (rw) : identity;
        text    (rx) : identity => dram, 1536 KiB;
        rodata  (r)  : identity => dram + 1536 KiB, 512 KiB;
        ram     (rw) : identity => dram + 2 MiB;
    }
}

#[test]
fn linux_on_a_visionfive_2() {
    compare::<linux_visionfive2::linux::Space>("linux-riscv-sv39-vf2");
}

#[test]
fn linux_on_virt() {
    compare::<linux_virt::linux::Space>("linux-riscv-sv48-virt");
}

#[test]
fn a_kernel_on_a_qilai() {
    compare::<qilai::kernel::Space>("rv-qilai");
}
