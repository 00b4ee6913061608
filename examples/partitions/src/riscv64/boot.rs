//! From OpenSBI to the first partition.

use core::arch::{asm, naked_asm};
use core::fmt::Write as _;
use core::panic::PanicInfo;

use qemu_exit::{QEMUExit as _, RISCV64};
use tablature::space::{Installed, Switcher, enter, install};

use super::console::Console;
use super::system::{boot, control};
use super::{Timer, trap};
use crate::rtos;

kit::displacement! {
    /// Virtual minus physical address of everything in the kernel's image.
    const RISE: boot { text, rodata, kernel_data, table_pool, kernel_stack }
}

/// Entered by OpenSBI at its physical address, in S-mode, without translation.
///
/// # Safety
/// For OpenSBI only, once.
#[unsafe(naked)]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".init")]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "csrw sie, zero",
        "csrw sscratch, zero",
        "lla sp, stack_end",
        "mv s0, zero",
        "tail {on_reset}",
        on_reset = sym on_reset,
    )
}

/// Runs without translation at physical addresses.
extern "C" fn on_reset() -> ! {
    // SAFETY: the `low` regions map the running code, its constants and its stack to where they are now.
    match unsafe { install::<boot::Space>() } {
        // SAFETY: the map is live, and nothing on the stack is needed any more.
        Ok(_) => unsafe { rise() },
        Err(_) => refuse(),
    }
}

/// Goes on at the same place of the image in the upper half, in [`main`].
///
/// # Safety
/// `boot` is live, and the code runs at physical addresses.
unsafe fn rise() -> ! {
    // SAFETY: text and stack are mapped `RISE` above where they are; nothing on the stack is needed any more.
    unsafe {
        asm!(
            "add sp, sp, {rise}",
            "lla t0, {main}",
            "add t0, t0, {rise}",
            "mv s0, zero",
            "mv ra, zero",
            "jr t0",
            rise = in(reg) RISE,
            main = sym main,
            options(noreturn),
        )
    }
}

extern "C" fn main() -> ! {
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

/// Says that the hart refuses the map, and ends. The MMU is off.
fn refuse() -> ! {
    // SAFETY: with the MMU off the registers are at their physical address.
    if let Some(mut console) = unsafe { Console::last(boot::uart0::PHYS) } {
        console.write_bytes(b"the hart refuses the map\n");
    }
    exit(boot::test::PHYS, 3)
}

/// Ends the emulation. Where the test device is depends on whether the map is live.
pub(super) fn exit(test: u64, status: u32) -> ! {
    // SAFETY: QEMU's test device is at `test`.
    let device = unsafe { RISCV64::new(test) };
    if status == 0 { device.exit_success() } else { device.exit(status) }
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
