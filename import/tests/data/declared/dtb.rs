tablature::memory_map! {
    /// Imported from board.dtb (device tree of a board).
    ///
    /// Assumed:
    /// * AArch64 with virtual addresses of 48 bits, EL1; `--regime` says otherwise.
    /// * A kernel maps all memory and all devices at their own addresses, with `rw`.
    pub mod board for aarch64::El1<G4K, 48>;
    physical {
        // board.dtb:/memory@0: reg 0
        memory : 0x0, 0x20000000, normal_wb;
        // board.dtb:/memory@0: reg 1
        memory_2 : 0x100000000, 0x40000000, normal_wb;
        // board.dtb:/reserved-memory/firmware@1f000000: reg 0
        firmware : 0x1f000000, 0x1000000, normal_wb, reserved, within memory;
        // board.dtb:/reserved-memory/pool@10000000: reg 0
        // may be mapped
        pool : 0x10000000, 0x400000, normal_wb, within memory;
        // board.dtb:/soc/bus@7e040000/timer@3000: reg 0
        timer : 0xfe043000, 0x1000, device_nGnRE;
        // board.dtb:/soc/interrupt-controller@7e100000: reg 0
        interrupt_controller : 0xfe100000, 0x1000, device_nGnRE;
        // board.dtb:/soc/interrupt-controller@7e100000: reg 1
        interrupt_controller_2 : 0xfe102000, 0x2000, device_nGnRE;
        // board.dtb:/soc/serial@7e201000: reg 0
        serial_pages : 0xfe201000, 0x1000, device_nGnRE;
        // board.dtb:/soc/serial@7e201000: reg 0
        serial : 0xfe201000, 0x200, device_nGnRE, within serial_pages;
        // board.dtb:/soc/serial@7e201400: reg 0
        serial_2 : 0xfe201400, 0x200, device_nGnRE, within serial_pages;
        // board.dtb:/soc/i2c@7e205000: reg 0
        i2c : 0xfe205000, 0x1000, device_nGnRE;
    }
    space kernel (kernel) {
        // board.dtb:/memory@0: reg 0
        memory (rw) : 0x1000 => memory + 0x1000, 0x1efff000;
        // board.dtb:/memory@0: reg 1
        memory_2 (rw) : 0x100000000 => memory_2, 0x40000000;
        // board.dtb:/soc/bus@7e040000/timer@3000: reg 0
        timer (rw) : 0xfe043000 => timer, 0x1000;
        // board.dtb:/soc/interrupt-controller@7e100000: reg 0
        interrupt_controller (rw) : 0xfe100000 => interrupt_controller, 0x1000;
        // board.dtb:/soc/interrupt-controller@7e100000: reg 1
        interrupt_controller_2 (rw) : 0xfe102000 => interrupt_controller_2, 0x2000;
        // board.dtb:/soc/serial@7e201000: reg 0
        serial_pages (rw) : 0xfe201000 => serial_pages, 0x1000;
        // board.dtb:/soc/i2c@7e205000: reg 0
        i2c (rw) : 0xfe205000 => i2c, 0x1000;
    }
}
