tablature::memory_map! {
    /// Imported from tests/data/jailhouse/root.c, tests/data/jailhouse/inmate.c (Jailhouse).
    ///
    /// Assumed:
    /// * All cells run: the root cell has lost what others have and do not share with it.
    /// * Every cell is isolated from the others but for what both ends have with ROOTSHARED.
    /// * 48 bits of physical address.
    /// * The hypervisor writes what all cells only read, at the same addresses.
    pub mod root for aarch64::Stage2<G4K, 40>;
    cpu {
        pa_bits = 48;
    }
    physical {
        mmio_permissive : 0x9000000, 0x40000, device_nGnRE;
        text_of_the_kernel : 0x3f000000, 0x200000, normal_wb;
        ram : 0x40000000, 0x3faff000, normal_wb;
        // tests/data/jailhouse/root.c:14: the memory of the hypervisor
        hypervisor_memory : 0x7fc00000, 0x400000, normal_wb, reserved;
    }
    // tests/data/jailhouse/root.c:9: cell `board`
    space board (guest) {
        // tests/data/jailhouse/root.c:45: region `region_0`: READ | ROOTSHARED
        region_0 (r) : 0x7fa00000 => channel region_0_7fa00000, 0x1000;
        // tests/data/jailhouse/root.c:45: region `region_2`: READ | WRITE | ROOTSHARED
        region_2 (rw) : 0x7fa01000 => channel region_2_7fa01000, 0x7f000;
        // tests/data/jailhouse/root.c:45: region `region_3`: READ | ROOTSHARED
        region_3 (r) : 0x7fa80000 => channel region_3_7fa80000, 0x7f000;
        // tests/data/jailhouse/root.c:46: region `mmio_permissive`: READ | WRITE | IO
        mmio_permissive (rw) : 0x9000000 => mmio_permissive, 0x10000;
        // tests/data/jailhouse/root.c:46: region `uart`: READ | WRITE | IO
        uart (rw) : 0x9010000 => channel uart_9010000, 0x1000;
        // tests/data/jailhouse/root.c:46: region `mmio_permissive`: READ | WRITE | IO
        mmio_permissive_2 (rw) : 0x9011000 => mmio_permissive + 0x11000, 0x2f000;
        // tests/data/jailhouse/root.c:53: region `ram`: READ | WRITE | DMA
        ram (rw) : 0x40000000 => ram, 0x3e000000;
        // tests/data/jailhouse/root.c:53: region `ram`: READ | WRITE | DMA
        ram_2 (rw) : 0x7f000000 => ram + 0x3f000000, 0xa00000;
        // tests/data/jailhouse/root.c:60: region `text_of_the_kernel`: READ | EXECUTE
        text_of_the_kernel (rx) : 0x3f000000 => text_of_the_kernel, 0x200000;
    }
    // tests/data/jailhouse/inmate.c:9: cell `inmate_demo`
    space inmate_demo (guest) {
        // tests/data/jailhouse/inmate.c:27: region `region_0`: READ | ROOTSHARED
        region_0 (r) : 0x7fa00000 => channel region_0_7fa00000, 0x1000;
        // tests/data/jailhouse/inmate.c:27: region `region_2`: READ | ROOTSHARED
        region_2 (r) : 0x7fa01000 => channel region_2_7fa01000, 0x7f000;
        // tests/data/jailhouse/inmate.c:27: region `region_3`: READ | WRITE | ROOTSHARED
        region_3 (rw) : 0x7fa80000 => channel region_3_7fa80000, 0x7f000;
        // tests/data/jailhouse/inmate.c:28: region `uart`: READ | WRITE | IO | ROOTSHARED
        uart (rw) : 0x9010000 => channel uart_9010000, 0x1000;
        // tests/data/jailhouse/inmate.c:42: region `code`: READ | EXECUTE | LOADABLE
        code (rx) : 0x0 => ram + 0x3e000000, 0x10000;
        // tests/data/jailhouse/inmate.c:49: region `ram`: READ | WRITE | DMA
        ram (rw) : 0x10000 => ram + 0x3e010000, 0xff0000;
    }
    // tests/data/jailhouse/root.c: the hypervisor, for what it shares
    space hypervisor (kernel) for aarch64::El2<G4K, 48> {
        // tests/data/jailhouse/inmate.c:27: region `region_0`: READ | WRITE
        region_0 (rw) : 0x7fa00000 => channel region_0_7fa00000, 0x1000;
    }
    // tests/data/jailhouse/inmate.c:27: region `region_0`: READ | ROOTSHARED
    channel region_0_7fa00000 : 0x1000 in 0x7fa00000, hypervisor -> board, inmate_demo;
    // tests/data/jailhouse/inmate.c:27: region `region_2`: READ | ROOTSHARED
    channel region_2_7fa01000 : 0x7f000 in 0x7fa01000, board -> inmate_demo;
    // tests/data/jailhouse/inmate.c:27: region `region_3`: READ | WRITE | ROOTSHARED
    channel region_3_7fa80000 : 0x7f000 in 0x7fa80000, inmate_demo -> board;
    // tests/data/jailhouse/inmate.c:28: region `uart`: READ | WRITE | IO | ROOTSHARED
    channel uart_9010000 : 0x1000 in 0x9010000, board <-> inmate_demo;
    isolate board, inmate_demo except region_0_7fa00000, region_2_7fa01000, region_3_7fa80000, uart_9010000;
    dma board_dma for board (iommu) {
        ram (rw) : 0x40000000 => 0x40000000, 0x3e000000;
        ram_2 (rw) : 0x7f000000 => 0x7f000000, 0xa00000;
    }
    dma inmate_demo_dma for inmate_demo (iommu) {
        ram (rw) : 0x10000 => 0x7e010000, 0xff0000;
    }
}
