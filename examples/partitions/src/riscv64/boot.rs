//! From OpenSBI to the first partition.

use core::fmt::Write as _;
use core::panic::PanicInfo;

use core_riscv64::{Console, refuse};
use tablature::space::{Installed, Switcher, enter, install};

use super::system::{boot, control};
use super::{Timer, trap};
use crate::rtos;

kit::displacement! {
    /// Virtual minus physical address of everything in the kernel's image.
    const RISE: boot { text, rodata, kernel_data, table_pool, kernel_stack }
}

// Entered by OpenSBI at its physical address, in S-mode, without translation.
core_riscv64::start!(on_reset);

/// Runs without translation at physical addresses.
extern "C" fn on_reset() -> ! {
    // SAFETY: the `low` regions map the running code, its constants and its stack to where they are now.
    match unsafe { install::<boot::Space>() } {
        // SAFETY: the map is live, text and stack are mapped `RISE` above where they are, and nothing is left on the stack.
        Ok(_) => unsafe { core_riscv64::rise!(RISE, main, 0usize) },
        Err(_) => refuse(boot::uart0::PHYS, boot::test::PHYS),
    }
}

extern "C" fn main(_: usize) -> ! {
    trap::init();
    // SAFETY: everything is mapped where it is linked, and this code runs there.
    let Ok(live) = (unsafe { install::<boot::Space>() }) else { super::exit(4) };
    // SAFETY: what this code uses is the kernel, which is the same in every space.
    let entered: Result<Installed<control::Space>, _> = unsafe { enter(live) };
    let Ok(live) = entered else { super::exit(4) };
    let Some(console) = control::uart0::take(&live).and_then(Console::new) else { super::exit(4) };
    let mut switcher = Switcher::new(live);
    let spaces = rtos::spaces(&mut switcher);
    // SAFETY: called once, and traps lead there.
    unsafe { rtos::start(switcher, spaces, console, Timer) }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: a panic is reached only in the upper half, where the map is live, and nobody goes on after it.
    if let Some(mut console) = unsafe { Console::last(boot::uart0::START) } {
        // The console cannot fail, and there is nobody left to tell.
        let _ = writeln!(console, "{info}");
    }
    super::exit(2)
}
