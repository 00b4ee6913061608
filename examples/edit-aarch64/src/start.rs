//! From reset to the map in force, and the end.

use core::arch::asm;
use core::fmt::Write as _;
use core::panic::PanicInfo;

use churn::Care;
use core_aarch64::{Console, command_line, exit, refuse};

use crate::regimes::{OWN, Regime, SECOND, UART};

// Entered by QEMU at its physical address, at the highest level that the machine has, with the MMU off. The map of every
// regime has the image where it is.
core_aarch64::start!(on_reset);

/// What to do: `REGIME:STEPS:SEED`, or `REGIME:STEPS:SEED:careless` to leave obligations undone.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    /// How many edits.
    pub(crate) steps: u32,
    /// Which program.
    pub(crate) seed: u64,
    /// Whether edits are flushed.
    pub(crate) care: Care,
}

extern "C" fn on_reset() -> ! {
    let mut buffer = [0; 64];
    let Some((regime, order)) = parse(command_line(&mut buffer)) else { exit(5) };
    if regime.name.starts_with("vhe") {
        host_at_el2();
    } else if regime.name.starts_with("stage2") {
        guest_in_aarch64();
    }
    // SAFETY: all maps have everything where it is, and nothing else is touched.
    if unsafe { (regime.install)() }.is_err() {
        refuse(UART);
    }
    core_aarch64::init();
    exit(if (regime.run)(order) { 0 } else { 1 })
}

/// The regime and the order of a command line.
fn parse(line: &str) -> Option<(&'static Regime, Order)> {
    let mut words = line.split(':');
    let name = words.next()?;
    let regime = OWN.iter().chain(SECOND).find(|regime| regime.name == name)?;
    let (steps, seed) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let care = match words.next() {
        None => Care::Full,
        Some("careless") => Care::Lacking,
        Some(_) => return None,
    };
    Some((regime, Order { steps, seed, care }))
}

/// Sets HCR_EL2.{E2H, TGE}: EL2 has a user, and CPACR_EL1 now names the register that lets the compiler use the vector
/// registers.
fn host_at_el2() {
    // SAFETY: the MMU is off; what the bits mean is what the program is for.
    unsafe {
        asm!(
            "msr hcr_el2, {host}",
            "isb",
            "msr cpacr_el1, {vectors}",
            "isb",
            host = in(reg) 1u64 << 34 | 1 << 31 | 1 << 27,
            vectors = in(reg) 3u64 << 20,
            options(nostack),
        );
    }
}

/// Sets HCR_EL2.RW: EL1 is AArch64.
fn guest_in_aarch64() {
    // SAFETY: nobody runs at EL1.
    unsafe { asm!("msr hcr_el2, {}", "isb", in(reg) 1u64 << 31, options(nostack)) };
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: the console is where it was before the map, and nobody goes on after a panic.
    if let Some(mut console) = unsafe { Console::last(UART) } {
        // The console cannot fail, and there is nobody left to tell.
        let _ = writeln!(console, "{info}");
    }
    exit(2)
}
