//! TF-A at EL3, U-Boot and EDK2 at EL2, Zephyr and a teaching kernel at EL1, a Jailhouse cell behind stage 2.

use super::common::compare;

tablature::memory_map! {
    /// TF-A BL31 of Allwinner's A64: code and data in SRAM, which is device memory around them.
    mod sun50i_a64_bl31 for aarch64::El3<G4K, 28>;

    cpu {
        pa_bits = 32;
    }
    physical {
        sunxi_sram : 0x1_0000, 272 KiB, normal;
        sunxi_dev  : 0x100_0000, 16 MiB, device;
        dram       : 0x4a00_0000, 64 MiB, normal;
    }
    space bl31 (firmware) {
        tables <= 2;
        sram_start     (rw) : identity => sunxi_sram, 4 KiB, memory device;
        bl31_nobits    (rw) : identity => sunxi_sram + 4 KiB, 16 KiB;
        coherent_ram   (rw) : identity => sunxi_sram + 20 KiB, 188 KiB, memory device;
        bl31_code      (rx) : identity => sunxi_sram + 208 KiB, 36 KiB;
        bl31_rodata    (r)  : identity => sunxi_sram + 244 KiB, 4 KiB;
        bl31_rw        (rw) : identity => sunxi_sram + 248 KiB, 4 KiB;
        sram_end       (rw) : identity => sunxi_sram + 252 KiB, 20 KiB, memory device;
        sunxi_dev      (rw) : identity;
        preloaded_bl33 (rw) : 0x200_0000 => dram, 64 MiB;
    }
}

tablature::memory_map! {
    /// TF-A BL31 of NXP's i.MX 8QuadMax.
    mod imx8qm_bl31 for aarch64::El3<G4K, 32>;

    cpu {
        pa_bits = 32;
    }
    physical {
        imx_reg : 0x5000_0000, 256 MiB, device;
        ocram   : 0x8000_0000, 100 KiB, normal;
    }
    space bl31 (firmware) {
        tables <= 4;
        imx_reg      (rw) : identity;
        bl31_code    (rx) : identity => ocram, 40 KiB;
        bl31_rw      (rw) : identity => ocram + 40 KiB, 56 KiB;
        coherent_ram (rw) : identity => ocram + 96 KiB, 4 KiB, memory device;
    }
}

tablature::memory_map! {
    /// U-Boot on a Raspberry Pi 4: all of RAM readable, writable and executable, as every U-Boot table has it.
    mod uboot_rpi4 for aarch64::El2<G4K, 36>;

    cpu {
        pa_bits = 36;
    }
    physical {
        ram  : 0x0, 4032 MiB, normal;
        mmio : 0xfc00_0000, 64 MiB, device_nGnRnE;
        pcie : 0x6_0000_0000, 4 MiB, device_nGnRnE;
    }
    space uboot (firmware) {
        tables <= 3;
        ram  (rwx) : identity,
            waive(wx, "U-Boot relocates itself to the end of RAM"),
            waive(null_page_mapped, "the spin tables of the firmware lie in page 0");
        mmio (rw)  : identity;
        pcie (rw)  : identity;
    }
}

tablature::memory_map! {
    /// EDK2 on a Raspberry Pi 4 with 4 GiB, before UEFI protects its images.
    mod edk2_rpi4 for aarch64::El2<G4K, 48>;

    cpu {
        pa_bits = 44;
    }
    physical {
        system_ram   : 0x0, 948 MiB, normal;
        gpu_reserved : 0x3b40_0000, 76 MiB, device_nGnRnE;
        ext_ram      : 0x4000_0000, 3008 MiB, normal;
        soc_2711     : 0xfc00_0000, 64 MiB, device_nGnRnE;
    }
    space dxe (firmware) {
        tables <= 4;
        system_ram   (rwx) : identity,
            waive(wx, "descriptors of RAM until UEFI applies its own protection"),
            waive(null_page_mapped, "the firmware device starts at address 0");
        gpu_reserved (rw)  : identity;
        ext_ram      (rwx) : identity, waive(wx, "descriptors of RAM until UEFI applies its own protection");
        soc_2711     (rw)  : identity;
    }
}

tablature::memory_map! {
    /// Zephyr on Arm's Base RevC model.
    mod zephyr_fvp for aarch64::El1<G4K, 32>;

    cpu {
        pa_bits = 32;
    }
    physical {
        gic_distributor   : 0x2f00_0000, 64 KiB, device_nGnRnE;
        gic_redistributor : 0x2f10_0000, 2 MiB, device_nGnRnE;
        dram              : 0x8800_0000, 256 KiB, normal;
    }
    space zephyr {
        tables <= 6;
        gic_distributor   (rw) : identity;
        gic_redistributor (rw) : identity;
        zephyr_code       (rx) : identity => dram, 32 KiB;
        zephyr_rodata     (r)  : identity => dram + 32 KiB, 12 KiB;
        zephyr_data       (rw) : identity => dram + 44 KiB, 212 KiB;
    }
}

tablature::memory_map! {
    /// The higher-half kernel of the Rust Raspberry Pi OS tutorials: pages of 64 KiB, 1 GiB of addresses.
    mod rpios_rpi3 for aarch64::El1<G64K, 30>;

    cpu {
        pa_bits = 40;
    }
    physical {
        ram  : 0x0, 832 KiB, normal;
        intc : 0x3f00_0000, 64 KiB, device;
        gpio : 0x3f20_0000, 64 KiB, device;
    }
    space kernel {
        tables <= 2;
        code            (rx) : 0xffff_ffff_c000_0000 => ram + 512 KiB, 64 KiB;
        data_bss        (rw) : after code => ram + 576 KiB, 256 KiB;
        gpio_uart       (rw) : after data_bss => gpio, 64 KiB;
        intc            (rw) : after gpio_uart => intc, 64 KiB;
        boot_core_stack (rw) : 0xffff_ffff_c086_0000 => ram, 512 KiB, guard below 64 KiB;
    }
}

tablature::memory_map! {
    /// Jailhouse's `inmate-demo` cell on QEMU: guest-physical addresses, two concatenated start tables.
    mod jailhouse_qemu_inmate for aarch64::Stage2<G4K, 40>;

    cpu {
        pa_bits = 40;
    }
    physical {
        uart      : 0x900_0000, 4 KiB, device;
        inmate    : 0x7fa0_0000, 64 KiB, normal;
        ivshmem   : 0x7faf_0000, 64 KiB, normal;
        comm_page : 0x7fc0_2000, 4 KiB, normal;
    }
    space inmate_demo (guest) {
        tables <= 9;
        ram           (rwx) : 0x0 => inmate, 64 KiB, waive(wx, "the cell's image is loaded and run there");
        uart          (rw)  : identity;
        shmem_state   (r)   : identity => ivshmem, 4 KiB;
        shmem_common  (rw)  : identity => ivshmem + 4 KiB, 36 KiB;
        shmem_from_0  (r)   : identity => ivshmem + 40 KiB, 8 KiB;
        shmem_from_1  (rw)  : identity => ivshmem + 48 KiB, 8 KiB;
        shmem_from_2  (r)   : identity => ivshmem + 56 KiB, 8 KiB;
        comm          (rw)  : 0x8000_0000 => comm_page, 4 KiB;
    }
}

#[test]
fn tfa_on_an_a64() {
    compare::<sun50i_a64_bl31::bl31::Space>("tfa-sun50i-a64-bl31");
}

#[test]
fn tfa_on_an_imx8qm() {
    compare::<imx8qm_bl31::bl31::Space>("tfa-imx8qm-bl31");
}

#[test]
fn uboot_on_a_raspberry_pi_4() {
    compare::<uboot_rpi4::uboot::Space>("uboot-rpi4");
}

#[test]
fn edk2_on_a_raspberry_pi_4() {
    compare::<edk2_rpi4::dxe::Space>("edk2-rpi4-4gb");
}

#[test]
fn zephyr_on_the_base_model() {
    compare::<zephyr_fvp::zephyr::Space>("zephyr-fvp-base-revc-2xaemv8a");
}

#[test]
fn a_teaching_kernel_on_a_raspberry_pi_3() {
    compare::<rpios_rpi3::kernel::Space>("rpios-rpi3-highhalf");
}

#[test]
fn a_jailhouse_cell_on_qemu() {
    compare::<jailhouse_qemu_inmate::inmate_demo::Space>("jh-qemu-arm64-inmate-demo");
}
