//! From reset to the upper half, and the end.

use core::arch::{asm, naked_asm};
use core::fmt::Write as _;
use core::panic::PanicInfo;

use example_maps::aarch64::TABLES_AT;
use example_maps::aarch64::virt_aarch64::{self as map, kernel};
use probe::{Register, Width};
use qemu_exit::{AArch64, QEMUExit as _};
use tablature::layout::{Layout, count_regions};
use tablature::space::{Installed, Refusal, install};

use crate::console::{Console, refuse};
use crate::machine::Testimony;

kit::image! {
    /// Virtual minus physical address of everything in the image.
    const RISE: kernel { text, rodata, data, stack }
}
kit::link_symbol!("map_tables_phys" = TABLES_AT);

#[cfg(feature = "placed")]
const _: () = assert!(kernel::TABLES_AT == TABLES_AT, "the linker puts the tables where they are declared");

/// Entered by QEMU at its physical address, at EL1, with the MMU off.
///
/// `aarch64-rt` does not fit here: its entry zeroes `.bss`, a loop over memory without caches. Whoever loads an ELF image
/// has done that, and the tables need no loop either.
///
/// # Safety
/// For the loader only, once.
#[unsafe(naked)]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".init")]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        // The compiler uses the vector registers (CPACR_EL1.FPEN).
        "mrs x8, cpacr_el1",
        "orr x8, x8, #(3 << 20)",
        "msr cpacr_el1, x8",
        "isb",
        "adrp x8, stack_end",
        "add x8, x8, :lo12:stack_end",
        "mov sp, x8",
        "mov x29, xzr",
        "mov x30, xzr",
        "b {on_reset}",
        on_reset = sym on_reset,
    )
}

/// Runs with the MMU off at physical addresses; every address in the code is relative to the program counter, and
/// nothing here may follow a pointer that the linker wrote.
extern "C" fn on_reset() -> ! {
    #[cfg(feature = "boot-filled")]
    // SAFETY: the MMU is off, and the core comes here once.
    if unsafe { crate::fill::fill() }.is_err() {
        refuse();
    }
    // SAFETY: the `switch` regions map the running code, the vectors in it, its constants and its stack to where they are
    // now; `refuse` and `rise` touch nothing else.
    match unsafe { install_map() } {
        // SAFETY: the map is live.
        Ok(_) => unsafe { rise() },
        Err(_) => refuse(),
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

/// Goes on at the same place of the image in the upper half.
///
/// # Safety
/// `kernel` is live, and the code runs at physical addresses.
unsafe fn rise() -> ! {
    // SAFETY: text and stack are mapped `RISE` above where they are; nothing on the stack is needed any more.
    unsafe {
        asm!(
            "add sp, sp, {rise}",
            "adrp {at}, {main}",
            "add {at}, {at}, :lo12:{main}",
            "add {at}, {at}, {rise}",
            "mov x29, xzr",
            "mov x30, xzr",
            "br {at}",
            rise = in(reg) RISE,
            at = in(reg) 0u64,
            main = sym main,
            options(noreturn),
        )
    }
}

/// Device registers that may be read, and written with what they hold.
const REGISTERS: &[Register] = &[
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

/// Where the regions lie.
static LAYOUT: Layout<{ count_regions(map::MAP) }> = Layout::of(map::MAP);

extern "C" fn main() -> ! {
    aarch64_rt::set_exception_vector();
    // SAFETY: everything in the image is mapped where it is linked, and this code runs there.
    let again = unsafe { install_map() };
    let Ok(live) = again else { exit(4) };
    let Some(uart) = kernel::uart0::take(&live) else { exit(4) };
    let mut console = Console::new(uart);
    let good = probe::testify(&mut Testimony, &mut console, (map::MAP, &LAYOUT, 0), REGISTERS);
    exit(if good { 0 } else { 1 })
}

/// Ends the emulation with that status.
pub(crate) fn exit(status: u32) -> ! {
    AArch64::new().exit(status)
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
