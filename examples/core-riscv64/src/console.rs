//! The 16550, and the end.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use qemu_exit::{QEMUExit as _, RISCV64};
use tablature::space::{DeclaredRegion, Handle, RegisterBlock};
use uart_16550::Uart16550;
use uart_16550::backend::MmioBackend;

/// The registers of the UART.
#[repr(transparent)]
struct Registers(UnsafeCell<[u8; 8]>);

// SAFETY: eight register cells; every bit pattern is valid.
unsafe impl RegisterBlock for Registers {}

/// Where text goes. OpenSBI has set the line up.
pub struct Console(Uart16550<MmioBackend>);

impl Console {
    /// The console behind the device region of the map.
    #[must_use]
    pub fn new<R: DeclaredRegion>(uart: Handle<R>) -> Option<Self> {
        let registers = NonNull::new(uart.registers::<Registers>().0.get())?;
        // SAFETY: the region maps the registers, and its handle exists once.
        let uart = unsafe { Uart16550::new_mmio(registers.cast(), 1) };
        uart.ok().map(Self)
    }

    /// The console of code that holds no handle because it ends the program.
    ///
    /// # Safety
    /// The registers can be accessed at `address`, and nobody uses them any more.
    #[must_use]
    pub unsafe fn last(address: u64) -> Option<Self> {
        let registers = NonNull::new(with_exposed_provenance_mut(address as usize))?;
        // SAFETY: the caller vouches for it.
        let uart = unsafe { Uart16550::new_mmio(registers, 1) };
        uart.ok().map(Self)
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.send_bytes_exact(text.as_bytes());
        Ok(())
    }
}

/// Says that the hart refuses the map, and ends. The MMU is off: formatting would follow linked pointers. The console and
/// the test device are at those physical addresses.
pub fn refuse(uart: u64, test: u64) -> ! {
    // SAFETY: with the MMU off the registers are at their physical address.
    let console = unsafe { Console::last(uart) };
    if let Some(mut console) = console {
        console.0.send_bytes_exact(b"the hart refuses the map\n");
    }
    exit(test, 3)
}

/// Ends the emulation with that status. Where the test device is depends on whether the map is live.
pub fn exit(test: u64, status: u32) -> ! {
    // SAFETY: QEMU's test device is at `test`.
    let device = unsafe { RISCV64::new(test) };
    if status == 0 { device.exit_success() } else { device.exit(status) }
}
