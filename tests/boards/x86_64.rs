//! A higher-half kernel with a direct map of all memory, on QEMU's `q35` and `microvm`.

use super::common::compare;

/// Start of the direct map.
const HHDM: u64 = 0xffff_8000_0000_0000;
/// Where the kernel is linked.
const KERNEL: u64 = 0xffff_ffff_8000_0000;

tablature::memory_map! {
    /// `q35` with 3 GiB, as its e820 map was measured.
    mod q35 for x86_64::Level4;

    cpu {
        pa_bits = 40;
        features = [nx, pdpe1gb];
    }
    physical {
        low    : 0x0, 636 KiB, normal;
        ram    : 0x10_0000, 0x7fed_f000, normal;
        ecam   : 0xb000_0000, 256 MiB, device;
        vga_fb : 0xfd00_0000, 16 MiB, normal_nc;
        ioapic : 0xfec0_0000, 4 KiB, device;
        hpet   : 0xfed0_0000, 4 KiB, device;
        lapic  : 0xfee0_0000, 4 KiB, device;
        high   : 4 GiB, 1 GiB, normal;
    }
    space kernel {
        tables <= 14;
        hhdm_low  (rw, linear) : HHDM => low;
        hhdm_ram  (rw, linear) : HHDM + 1 MiB => ram,
            waive(wx_alias, "the loader leaves the direct map writable everywhere");
        ecam      (rw) : HHDM + 0xb000_0000 => ecam;
        vga_fb    (rw) : HHDM + 0xfd00_0000 => vga_fb;
        ioapic    (rw) : HHDM + 0xfec0_0000 => ioapic;
        hpet      (rw) : HHDM + 0xfed0_0000 => hpet;
        lapic     (rw) : HHDM + 0xfee0_0000 => lapic;
        hhdm_high (rw, linear) : HHDM + 4 GiB => high;

        text   (rx) : KERNEL => ram + 15 MiB, 4 MiB;
        rodata (r)  : after text => ram + 19 MiB, 2 MiB;
        data   (rw) : after rodata => ram + 21 MiB, 4 MiB;
        stack  (rw) : 0xffff_ffff_c000_1000 => ram + 25 MiB, 32 KiB, guard below;
    }
}

tablature::memory_map! {
    /// `microvm` with 512 MiB: no PCI, devices on virtio-mmio.
    mod microvm for x86_64::Level4;

    cpu {
        pa_bits = 40;
        features = [nx, pdpe1gb];
    }
    physical {
        low         : 0x0, 636 KiB, normal;
        acpi        : 0xd_0000, 128 KiB, normal, rights r;
        ram         : 0x10_0000, 511 MiB, normal;
        virtio_mmio : 0xfeb0_0000, 12 KiB, device;
        ioapic      : 0xfec0_0000, 4 KiB, device;
        ioapic2     : 0xfec1_0000, 4 KiB, device;
        lapic       : 0xfee0_0000, 4 KiB, device;
    }
    space kernel {
        tables <= 12;
        hhdm_low    (rw, linear) : HHDM => low;
        acpi        (r)  : HHDM + 0xd_0000 => acpi;
        hhdm_ram    (rw, linear) : HHDM + 1 MiB => ram,
            waive(wx_alias, "the loader leaves the direct map writable everywhere");
        virtio_mmio (rw) : HHDM + 0xfeb0_0000 => virtio_mmio;
        ioapic      (rw) : HHDM + 0xfec0_0000 => ioapic;
        ioapic2     (rw) : HHDM + 0xfec1_0000 => ioapic2;
        lapic       (rw) : HHDM + 0xfee0_0000 => lapic;

        text   (rx) : KERNEL => ram + 15 MiB, 4 MiB;
        rodata (r)  : after text => ram + 19 MiB, 2 MiB;
        data   (rw) : after rodata => ram + 21 MiB, 4 MiB;
        stack  (rw) : 0xffff_ffff_c000_1000 => ram + 25 MiB, 32 KiB, guard below;
    }
}

#[test]
fn a_kernel_on_q35() {
    compare::<q35::kernel::Space>("x86-q35-hhdm");
}

#[test]
fn a_kernel_on_a_microvm() {
    compare::<microvm::kernel::Space>("x86-microvm-hhdm");
}
