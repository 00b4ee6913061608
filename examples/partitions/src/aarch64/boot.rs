//! From reset to the first partition.

use core::fmt::Write as _;
use core::panic::PanicInfo;

use core_aarch64::{Console, exit, refuse};
use tablature::space::{Installed, Switcher, enter, install};

use super::system::{boot, control};
use super::{Timer, trap};
use crate::rtos;

kit::displacement! {
    /// Virtual minus physical address of everything in the kernel's image.
    const RISE: boot { text, rodata, kernel_data, table_pool, kernel_stack }
}

// Entered by QEMU at its physical address, at EL1, with the MMU off.
core_aarch64::start!(on_reset);

/// Runs with the MMU off at physical addresses.
extern "C" fn on_reset() -> ! {
    // SAFETY: the `low` regions map the running code, its constants and its stack to where they are now.
    match unsafe { install::<boot::Space>() } {
        // SAFETY: the map is live, text and stack are mapped `RISE` above where they are, and nothing is left on the stack.
        Ok(_) => unsafe { core_aarch64::rise!(RISE, main) },
        Err(_) => refuse(boot::uart0::PHYS),
    }
}

extern "C" fn main() -> ! {
    trap::init();
    // SAFETY: everything is mapped where it is linked, and this code runs there.
    let Ok(live) = (unsafe { install::<boot::Space>() }) else { exit(4) };
    let Some(uart) = boot::uart0::take(&live) else { exit(4) };
    let (Some(distributor), Some(interface)) = (boot::gicd::take(&live), boot::gicc::take(&live)) else { exit(4) };
    // SAFETY: what this code uses is in the upper half, which stays.
    let entered: Result<Installed<control::Space>, _> = unsafe { enter(live) };
    let mut switcher = match entered {
        Ok(live) => Switcher::new(live),
        Err(error) => panic!("{error}"),
    };
    let spaces = rtos::spaces(&mut switcher);
    // SAFETY: called once, and exceptions lead there.
    unsafe { rtos::start(switcher, spaces, Console::new(uart), Timer::new(distributor, interface)) }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: a panic is reached only in the upper half, where the map is live, and nobody goes on after it.
    if let Some(mut console) = unsafe { Console::last(boot::uart0::START) } {
        // The console cannot fail, and there is nobody left to tell.
        let _ = writeln!(console, "{info}");
    }
    exit(2)
}
