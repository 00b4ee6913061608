//! From reset to the upper half, and the end.

use core::fmt::Write as _;
use core::panic::PanicInfo;

use core_aarch64::{Console, Core, El1, VIRT_REGISTERS, exit, refuse};
use example_maps::aarch64::virt_aarch64::{self as map, kernel};
use tablature::layout::{Layout, count_regions};
use tablature::space::{Installed, Refusal, install};

kit::displacement! {
    /// Virtual minus physical address of everything in the image.
    const RISE: kernel { text, rodata, data, stack, table_pool }
}

// `ret`.
kit::word!(".text_last" = 0xd65f03c0);

// Entered by QEMU at its physical address, at EL1, with the MMU off.
core_aarch64::start!(on_reset);

/// Runs with the MMU off at physical addresses; every address in the code is relative to the program counter, and
/// nothing here may follow a pointer that the linker wrote.
extern "C" fn on_reset() -> ! {
    #[cfg(feature = "boot-filled")]
    // SAFETY: the MMU is off, and the core comes here once.
    if unsafe { crate::fill::fill_map() }.is_err() {
        refuse(kernel::uart0::PHYS);
    }
    // SAFETY: the `switch` regions map the running code, the vectors in it, its constants and its stack to where they are
    // now; `refuse` and `rise` touch nothing else.
    match unsafe { install_map() } {
        // SAFETY: the map is live, text and stack are mapped `RISE` above where they are, and nothing is left on the stack.
        Ok(_) => unsafe { core_aarch64::rise!(RISE, main) },
        Err(_) => refuse(kernel::uart0::PHYS),
    }
}

/// Installs the map, as a function of its own: `cargo xtask demo` counts its instructions.
///
/// # Safety
///
/// That of [`install`] for the space `kernel`.
#[unsafe(no_mangle)]
#[inline(never)]
unsafe fn install_map() -> Result<Installed<kernel::Space>, Refusal> {
    // SAFETY: the caller vouches for it.
    unsafe { install::<kernel::Space>() }
}

/// Where the regions lie.
static LAYOUT: Layout<{ count_regions(map::MAP) }> = Layout::of(map::MAP);

extern "C" fn main() -> ! {
    core_aarch64::init();
    #[cfg(feature = "boot-filled")]
    // SAFETY: this code came here by way of `on_reset`, which filled them.
    unsafe {
        crate::fill::rise();
    }
    // SAFETY: everything in the image is mapped where it is linked, and this code runs there.
    let again = unsafe { install_map() };
    let Ok(live) = again else { exit(4) };
    let Some(uart) = kernel::uart0::take(&live) else { exit(4) };
    let mut console = Console::new(uart);
    let mut core = Core::<El1>::new(kernel::moat::START);
    let good = probe::testify(&mut core, &mut console, (map::MAP, &LAYOUT, 0), VIRT_REGISTERS);
    let good = crate::window::confirm(&mut core, &mut console, &live) && good;
    exit(if good { 0 } else { 1 })
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: a panic is reached only in the upper half, where the map is live, and nobody goes on after it.
    if let Some(mut console) = unsafe { Console::last(kernel::uart0::START) } {
        // The console cannot fail, and there is nobody left to tell.
        let _ = writeln!(console, "{info}");
    }
    exit(2)
}
