//! The console, and the ways out.

use core::fmt::{self, Write};

use qemu_exit::{QEMUExit, X86};
use uart_16550::backend::PioBackend;
use uart_16550::{Config, Uart16550};
use x86_64::instructions::hlt;
use x86_64::instructions::port::PortWriteOnly;

/// I/O port of QEMU's `isa-debug-exit`.
pub const FAILURE_PORT: u16 = 0xf4;
/// COM1.
const COM1: u16 = 0x3f8;
/// PM1a control register of q35's power management, where SeaBIOS puts it.
const PM1A_CONTROL: u16 = 0x604;
/// SLP_EN with the sleep type that q35 calls S5 (ACPI 6.5, 4.8.3.2.1).
const SOFT_OFF: u16 = 1 << 13;

/// The serial console.
pub struct Console(Uart16550<PioBackend>);

impl Console {
    /// Takes COM1.
    ///
    /// # Safety
    ///
    /// Nobody else uses COM1 while the console lives.
    #[must_use]
    pub unsafe fn open() -> Option<Self> {
        // SAFETY: COM1 is where q35 has it, and the caller vouches that it is ours.
        let mut uart = unsafe { Uart16550::new_port(COM1) }.ok()?;
        uart.init(Config::default()).ok()?;
        Some(Self(uart))
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    self.0.send_bytes_exact(line.as_bytes());
                    self.0.send_bytes_exact(b"\r\n");
                }
                None => self.0.send_bytes_exact(line.as_bytes()),
            }
        }
        Ok(())
    }
}

/// Ends QEMU: with status 0 by switching the machine off, for `isa-debug-exit` knows odd statuses only, and with 1
/// otherwise.
pub fn exit(status: u32) -> ! {
    if status != 0 {
        // SAFETY: QEMU was given `isa-debug-exit` at this port; elsewhere nothing answers there.
        let exit = unsafe { X86::new(FAILURE_PORT, 1) };
        exit.exit_failure()
    }
    // SAFETY: on q35 this register switches the power off, and nothing else.
    unsafe { PortWriteOnly::<u16>::new(PM1A_CONTROL).write(SOFT_OFF) };
    // QEMU finishes what it is doing first.
    loop {
        hlt();
    }
}

/// Prints why the firmware gives up, and gives up.
pub fn give_up(reason: fmt::Arguments<'_>) -> ! {
    // SAFETY: the owner of the console never runs again.
    if let Some(mut console) = unsafe { Console::open() } {
        // The console never fails, and there would be nobody to tell.
        let _ = console.write_fmt(format_args!("\nfailure: {reason}\n"));
    }
    exit(1)
}
