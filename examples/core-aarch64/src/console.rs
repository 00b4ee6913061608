//! The PL011.

use core::fmt;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use arm_pl011_uart::{PL011Registers, Uart, UniqueMmioPointer};
use tablature::space::{DeclaredRegion, Handle, RegisterBlock};

use crate::semihosting::exit;

/// The registers of the UART.
#[repr(transparent)]
struct Registers(PL011Registers);

// SAFETY: all fields are register cells or padding; every bit pattern is valid.
unsafe impl RegisterBlock for Registers {}

/// Where text goes.
pub struct Console(Uart<'static>);

impl Console {
    /// The console behind the device region of the map.
    #[must_use]
    pub fn new<R: DeclaredRegion>(uart: Handle<R>) -> Self {
        let registers = NonNull::from(&uart.registers::<Registers>().0);
        // SAFETY: the region maps the registers, and its handle exists once.
        let registers = unsafe { UniqueMmioPointer::new(registers) };
        Self(Uart::new(registers))
    }

    /// The console of code that holds no handle because it ends the program.
    ///
    /// # Safety
    /// The registers can be accessed at `address`, and nobody uses them any more.
    #[must_use]
    pub unsafe fn last(address: u64) -> Option<Self> {
        let registers = NonNull::new(with_exposed_provenance_mut(address as usize))?;
        // SAFETY: the caller vouches for it.
        let registers = unsafe { UniqueMmioPointer::new(registers) };
        Some(Self(Uart::new(registers)))
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(text)
    }
}

/// Says that the CPU refuses the map, and ends. The MMU is off: formatting would follow linked pointers. The console is at
/// that physical address.
pub fn refuse(uart: u64) -> ! {
    // SAFETY: with the MMU off the registers are at their physical address.
    let console = unsafe { Console::last(uart) };
    if let Some(mut console) = console {
        for byte in "the CPU refuses the map\n".bytes() {
            console.0.write_word(byte);
        }
    }
    exit(3)
}
