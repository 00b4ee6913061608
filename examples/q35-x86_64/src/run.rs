//! What the firmware does once it is in the top 2 GiB.

use core::cell::UnsafeCell;
use core::fmt::{self, Write};

use core_x86_64::{Console, exit, give_up};
use example_maps::x86_64::q35_x86_64::{self, kernel};
use probe::{Register, Width};
use tablature::layout::{Layout, count_regions};
use tablature::map::Map;
use tablature::space::{Declared, Installed, Refusal, RegisterBlock, install};

use crate::machine::Q35;
use crate::witness::Witness;
use crate::{boot, trap};

const MAP: &Map<'static> = q35_x86_64::MAP;
static LAYOUT: Layout<{ count_regions(MAP) }> = Layout::of(MAP);

/// Device registers that may be read, and what those may hold for an instant that may be written.
const REGISTERS: &[Register] = &[
    // IOREGSEL selects what the other register shows (82093AA, 3.1.1).
    Register { region: "ioapic", offset: 0x00, width: Width::Word, marks: Some([0x01, 0x02]) },
    // Task priority, and the divisor of a timer that is not running (SDM 3A, 11.4.1 'The Local APIC Block Diagram').
    Register { region: "lapic", offset: 0x80, width: Width::Word, marks: Some([0x10, 0x20]) },
    Register { region: "lapic", offset: 0x3e0, width: Width::Word, marks: Some([0x1, 0xb]) },
];

/// Registers of the local APIC (SDM 3A, 11.4.1 'The Local APIC Block Diagram').
#[repr(C)]
struct LocalApic {
    _below: [u32; 12],
    version: Register32,
}

/// A register that is read only here.
#[repr(transparent)]
struct Register32(UnsafeCell<u32>);

// SAFETY: register cells and padding; every bit pattern is valid.
unsafe impl RegisterBlock for LocalApic {}

/// Entered once, by the only CPU, with interrupts off and the tables of the start-up code in force.
pub(crate) extern "C" fn main() -> ! {
    #[cfg(feature = "boot-filled")]
    // SAFETY: the first call.
    if let Err(error) = unsafe { crate::fill::fill_map() } {
        give_up(format_args!("{error}"));
    }
    // SAFETY: the map covers code, data and stack of the image where the linker put them.
    let live = match unsafe { install_map() } {
        Ok(live) => live,
        Err(refusal) => give_up(format_args!("{refusal}")),
    };
    // SAFETY: called once, in ring 0, with interrupts off since the start-up code.
    unsafe { trap::init() };
    // SAFETY: the first call; whoever opens it later does so when this has ended.
    let Some(mut console) = (unsafe { Console::open() }) else { exit(1) };
    match confirm(&live, &mut console) {
        Ok(true) => exit(0),
        _ => exit(1),
    }
}

/// Makes the map live. Where its tables are finished in the image the start-up code has done most of it, and CPUID is
/// asked whether the rest is there. A function of its own: `cargo xtask demo` counts its instructions.
///
/// # Errors
/// The CPU lacks what the map needs.
///
/// # Safety
/// As for [`install`].
#[unsafe(no_mangle)]
#[inline(never)]
unsafe fn install_map() -> Result<Installed<kernel::Space>, Refusal> {
    // SAFETY: the caller's promise.
    unsafe { install::<kernel::Space>() }
}

/// Lets the hardware testify: whether all of it is as declared.
fn confirm(live: &Installed<kernel::Space>, console: &mut dyn Write) -> Result<bool, fmt::Error> {
    if let Some(apic) = kernel::lapic::take(live) {
        let version = apic.registers::<LocalApic>().version.0.get();
        // SAFETY: a register of the live device region, which may be read at any time.
        let version = unsafe { version.read_volatile() };
        writeln!(console, "local APIC version {:#04x}", version & 0xff)?;
    }
    let tables = kernel::Space::memory();
    // SAFETY: called once, after `install`, with the tables in force.
    let witness = unsafe { Witness::new(&tables, boot::OFFSET) };
    // SAFETY: `trap::init` has run, and the engine asks about the map in force only.
    let mut machine = unsafe { Q35::new(witness, &tables, kernel::app::START) };
    let good = probe::testify(&mut machine, console, (MAP, &LAYOUT, kernel::Space::INDEX), REGISTERS);
    let good = crate::window::confirm(&mut machine, console, live)? && good;
    #[cfg(feature = "churn")]
    // SAFETY: the map is live, and this is the only program.
    let good = unsafe { crate::edit::confirm(console, &mut crate::bench::Core::new(machine)) }? && good;
    Ok(good)
}
