//! From OpenSBI to the upper half, and the end.

use core::fmt::Write as _;
use core::panic::PanicInfo;

use core_riscv64::{Console, exit, refuse};
use example_maps::riscv64::virt_riscv64::{self as map, kernel};
use probe::{Register, Width};
use tablature::layout::{Layout, count_regions};
use tablature::riscv::{Extensions, install_on};
use tablature::space::{Installed, Refusal};

use crate::machine::Testimony;
use crate::{isa, trap};

kit::displacement! {
    /// Virtual minus physical address of everything in the image.
    pub(crate) const RISE: kernel { text, rodata, data, stack, table_pool }
}

// `ret`.
kit::word!(".text_last" = 0x00008067);

// Entered by OpenSBI at its physical address, in S-mode, without translation.
core_riscv64::start!(on_reset);

/// Runs without translation at physical addresses; every address in the code is relative to the program counter, and
/// nothing here may follow a pointer that the linker wrote.
extern "C" fn on_reset(_hart: usize, tree: usize) -> ! {
    #[cfg(feature = "boot-filled")]
    // SAFETY: the MMU is off, and the hart comes here once.
    if unsafe { crate::fill::fill_map() }.is_err() {
        refuse(kernel::uart0::PHYS, kernel::test::PHYS);
    }
    // SAFETY: OpenSBI passes the device tree in `a1`.
    let extensions = unsafe { isa::extensions(tree) };
    // SAFETY: the `switch` regions map the running code, its constants and its stack to where they are now; `refuse` and
    // `rise` touch nothing else. The device tree tells the truth.
    match unsafe { install_map(extensions) } {
        // SAFETY: the map is live, text and stack are mapped `RISE` above where they are, and nothing is left on the stack.
        Ok(_) => unsafe { core_riscv64::rise!(RISE, main, tree) },
        Err(_) => refuse(kernel::uart0::PHYS, kernel::test::PHYS),
    }
}

/// Installs the map, as a function of its own: `cargo xtask demo` counts its instructions.
///
/// # Safety
///
/// That of [`install_on`] for the space `kernel`.
#[unsafe(no_mangle)]
#[inline(never)]
unsafe fn install_map(extensions: Extensions) -> Result<Installed<kernel::Space>, Refusal> {
    // SAFETY: the caller vouches for it.
    unsafe { install_on::<kernel::Space>(extensions) }
}

/// Device registers that may be read, and written with what they hold; at least one in each leaf.
const REGISTERS: &[Register] = &[
    // 16550: scratch register.
    Register { region: "uart0", offset: 0x7, width: Width::Byte, marks: Some([0x5a, 0xa5]) },
    // PLIC: priority of source 1, and threshold of this hart's S-mode.
    Register { region: "plic", offset: 0x4, width: Width::Word, marks: Some([1, 2]) },
    Register { region: "plic", offset: 0x20_1000, width: Width::Word, marks: Some([1, 2]) },
    // Goldfish RTC: upper half of the alarm time, in effect only after a write to the lower half.
    Register { region: "rtc", offset: 0xc, width: Width::Word, marks: Some([1, 2]) },
    // The test device, which takes 0 for nothing to do and always reads as 0. That it is where it should be shows at the
    // end, when it ends the emulation.
    Register { region: "test", offset: 0x0, width: Width::Word, marks: Some([0, 0]) },
    virtio(0),
    virtio(1),
    virtio(2),
    virtio(3),
    virtio(4),
    virtio(5),
    virtio(6),
    virtio(7),
];

/// The magic value of a virtio device over MMIO.
const fn virtio(number: u64) -> Register {
    Register { region: "virtio", offset: number * 0x1000, width: Width::Word, marks: None }
}

/// Where the regions lie.
static LAYOUT: Layout<{ count_regions(map::MAP) }> = Layout::of(map::MAP);

extern "C" fn main(tree: usize) -> ! {
    trap::take_over();
    // SAFETY: the device tree lies in RAM behind the image, which `physmap` maps.
    let extensions = unsafe { isa::extensions(tree + (kernel::physmap::START - kernel::physmap::PHYS) as usize) };
    #[cfg(feature = "boot-filled")]
    // SAFETY: this code came here by way of `on_reset`, which filled them.
    unsafe {
        crate::fill::rise();
    }
    // SAFETY: everything in the image is mapped where it is linked, and this code runs there.
    let again = unsafe { install_map(extensions) };
    let Ok(live) = again else { exit(kernel::test::START, 4) };
    let Some(mut console) = kernel::uart0::take(&live).and_then(Console::new) else { exit(kernel::test::START, 4) };
    let good = probe::testify(&mut Testimony, &mut console, (map::MAP, &LAYOUT, 0), REGISTERS);
    let good = crate::window::confirm(&mut console, &live) && good;
    #[cfg(feature = "guest")]
    // SAFETY: the only call; the map of the kernel is live.
    let good = unsafe { crate::guest::testify(&mut console, &LAYOUT, extensions) } && good;
    #[cfg(feature = "churn")]
    // SAFETY: the maps are live, and this is the only program.
    let good = unsafe { crate::edit::confirm(&mut console) }.is_ok_and(|edits| edits) && good;
    exit(kernel::test::START, if good { 0 } else { 1 })
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: a panic is reached only in the upper half, where the map is live, and nobody goes on after it.
    if let Some(mut console) = unsafe { Console::last(kernel::uart0::START) } {
        // The console cannot fail, and there is nobody left to tell.
        let _ = writeln!(console, "{info}");
    }
    exit(kernel::test::START, 2)
}
