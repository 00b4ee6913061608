//! The 16550.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use example_maps::riscv64::virt_riscv64::kernel;
use tablature::space::{Handle, RegisterBlock};
use uart_16550::Uart16550;
use uart_16550::backend::MmioBackend;

use crate::start::exit;

/// The registers of the UART.
#[repr(transparent)]
struct Registers(UnsafeCell<[u8; 8]>);

// SAFETY: eight register cells; every bit pattern is valid.
unsafe impl RegisterBlock for Registers {}

/// Where text goes. OpenSBI has set the line up.
pub(crate) struct Console(Uart16550<MmioBackend>);

impl Console {
    /// The console behind the device region of the map.
    pub(crate) fn new(uart: Handle<kernel::uart0>) -> Option<Self> {
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
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.send_bytes_exact(text.as_bytes());
        Ok(())
    }
}

/// Says that the hart refuses the map, and ends. The MMU is off: formatting would follow linked pointers.
pub(crate) fn refuse() -> ! {
    // SAFETY: with the MMU off the registers are at their physical address.
    let console = unsafe { Console::last(kernel::uart0::PHYS) };
    if let Some(mut console) = console {
        console.0.send_bytes_exact(b"the hart refuses the map\n");
    }
    exit(kernel::test::PHYS, 3)
}
