//! What devices can be asked.

use probe::{Register, Width};

/// Registers of QEMU's `virt` that may be read, and written with what they hold; by the names of `example_maps`.
pub const VIRT_REGISTERS: &[Register] = &[
    // PL011: integer baud rate divisor, in effect only after a write to UARTLCR_H.
    Register { region: "uart0", offset: 0x24, width: Width::Word, marks: Some([1, 2]) },
    // GICv2: GICD_CTLR and GICC_PMR.
    Register { region: "gicd", offset: 0x0, width: Width::Word, marks: Some([0, 1]) },
    Register { region: "gicc", offset: 0x4, width: Width::Word, marks: Some([0, 0xf0]) },
    // PL031: match register.
    Register { region: "rtc", offset: 0x4, width: Width::Word, marks: Some([1, 2]) },
    // virtio over MMIO: magic value.
    Register { region: "virtio", offset: 0x0, width: Width::Word, marks: None },
];
