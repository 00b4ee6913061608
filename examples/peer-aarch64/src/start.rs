//! From reset to the upper half, and the end.

use core::arch::asm;
use core::fmt::Write as _;
use core::panic::PanicInfo;

use aarch64_cpu::asm::barrier;
use aarch64_cpu::registers::{MAIR_EL1, ReadWriteable as _, SCTLR_EL1, TCR_EL1, Writeable as _};
use core_aarch64::{Console, Core, El1, VIRT_REGISTERS, exit, refuse};
use example_maps::aarch64::virt_aarch64::{self as map, kernel};
use tablature::layout::{Layout, count_regions};

use crate::fill::{Half, fill_map};
use crate::regions::MAIR;

kit::displacement! {
    /// Virtual minus physical address of everything in the image.
    const RISE: kernel { text, rodata, data, stack, table_pool }
}

// `ret`.
kit::word!(".text_last" = 0xd65f03c0);

// Entered by QEMU at its physical address, at EL1, with the MMU off.
core_aarch64::start!(on_reset);

/// Runs with the MMU off at physical addresses.
extern "C" fn on_reset() -> ! {
    // SAFETY: the MMU is off, and the core comes here once.
    let Ok((lower, upper)) = (unsafe { fill_map() }) else { refuse(kernel::uart0::PHYS) };
    // SAFETY: the `switch` regions map the running code, its constants and its stack to where they are now.
    unsafe { install_map(&lower, &upper) };
    // SAFETY: the map is live, text and stack are mapped `RISE` above where they are, and nothing is left on the stack.
    unsafe { core_aarch64::rise!(RISE, main) }
}

/// Installs the map, as a function of its own: `cargo xtask bench` counts its instructions. Registers, barriers and TLBs
/// alone: that no cache holds older contents of the tables is left to the loader.
///
/// # Safety
/// The tables map what the program uses, as it uses it.
#[unsafe(no_mangle)]
#[inline(never)]
unsafe fn install_map(lower: &Half, upper: &Half) {
    MAIR_EL1.set(MAIR);
    TCR_EL1.write(
        TCR_EL1::T0SZ.val(25)
            + TCR_EL1::IRGN0::WriteBack_ReadAlloc_WriteAlloc_Cacheable
            + TCR_EL1::ORGN0::WriteBack_ReadAlloc_WriteAlloc_Cacheable
            + TCR_EL1::SH0::Inner
            + TCR_EL1::TG0::KiB_4
            + TCR_EL1::T1SZ.val(25)
            + TCR_EL1::IRGN1::WriteBack_ReadAlloc_WriteAlloc_Cacheable
            + TCR_EL1::ORGN1::WriteBack_ReadAlloc_WriteAlloc_Cacheable
            + TCR_EL1::SH1::Inner
            + TCR_EL1::TG1::KiB_4
            + TCR_EL1::IPS::Bits_40,
    );
    // SAFETY: the caller vouches for the tables.
    unsafe { lower.activate() };
    // SAFETY: as above.
    unsafe { upper.activate() };
    // SAFETY: translation is off; what is dropped is nobody's.
    unsafe { asm!("tlbi vmalle1", "dsb nsh", "ic iallu", "dsb nsh", "isb", options(nostack, preserves_flags)) };
    SCTLR_EL1.modify(SCTLR_EL1::M::Enable + SCTLR_EL1::C::Cacheable + SCTLR_EL1::I::Cacheable);
    barrier::isb(barrier::SY);
}

/// Where the regions lie.
static LAYOUT: Layout<{ count_regions(map::MAP) }> = Layout::of(map::MAP);

extern "C" fn main() -> ! {
    core_aarch64::init();
    // SAFETY: the map is live, and this is the only console.
    let Some(mut console) = (unsafe { Console::last(kernel::uart0::START) }) else { exit(4) };
    let mut core = Core::<El1>::new(kernel::moat::START);
    let good = probe::testify(&mut core, &mut console, (map::MAP, &LAYOUT, 0), VIRT_REGISTERS);
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
