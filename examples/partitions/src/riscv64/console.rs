//! The 16550.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use tablature::space::{Handle, RegisterBlock};
use uart_16550::Uart16550;
use uart_16550::backend::MmioBackend;

use super::system::control;

/// The registers of the UART.
#[repr(transparent)]
struct Registers(UnsafeCell<[u8; 8]>);

// SAFETY: eight register cells; every bit pattern is valid.
unsafe impl RegisterBlock for Registers {}

/// Where text goes. OpenSBI has set the line up.
pub(crate) struct Console(Uart16550<MmioBackend>);

impl Console {
    /// The console behind the device region of the map.
    pub(crate) fn new(uart: Handle<control::uart0>) -> Option<Self> {
        let registers = NonNull::new(uart.registers::<Registers>().0.get())?;
        // SAFETY: the region maps the registers, and its handle exists once.
        let uart = unsafe { Uart16550::new_mmio(registers.cast(), 1) };
        uart.ok().map(Self)
    }

    /// The console of code that holds no handle because it ends the program.
    ///
    /// # Safety
    /// The registers can be accessed at `address`, and nobody uses them any more.
    pub(crate) unsafe fn last(address: u64) -> Option<Self> {
        let registers = NonNull::new(with_exposed_provenance_mut(address as usize))?;
        // SAFETY: the caller vouches for it.
        let uart = unsafe { Uart16550::new_mmio(registers, 1) };
        uart.ok().map(Self)
    }

    /// Writes bytes; with the MMU off formatting would follow linked pointers.
    pub(crate) fn write_bytes(&mut self, bytes: &[u8]) {
        self.0.send_bytes_exact(bytes);
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write_bytes(text.as_bytes());
        Ok(())
    }
}
