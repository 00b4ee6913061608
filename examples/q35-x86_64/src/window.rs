//! The pages of the window, mapped and unmapped on the live machine.

use core::fmt::{self, Write};

use example_maps::x86_64::q35_x86_64::kernel;
use probe::window::{Site, Stale, testify};
use tablature::edit::Kind;
use tablature::flush::{OneCore, ThisCpu};
use tablature::space::{Installed, Of};
use tablature::tables::{Identity, Memory, Nothing};

use crate::machine::{Q35, is_emulated};

/// The pages of this program.
enum Pages {}

impl Kind for Pages {
    type Regime = Of<kernel::Space>;
    type Memory = Memory<Identity, Nothing>;
    type Hardware = ThisCpu;
    type Reach = OneCore;
}

/// RAM that nothing else uses.
const FRAMES: u64 = 0x1000_0000;

const SITE: Site = Site {
    frames: FRAMES,
    frames_seen_at: kernel::physmap::START + (FRAMES - kernel::physmap::PHYS),
    device: kernel::lapic::PHYS,
    device_seen_at: kernel::lapic::START,
    // Version of the local APIC.
    register: 0x30,
};

/// Whether the hardware confirms what the pages are; called once.
///
/// # Errors
/// Those of `out`.
pub(crate) fn confirm(
    machine: &mut Q35,
    out: &mut dyn Write,
    live: &Installed<kernel::Space>,
) -> Result<bool, fmt::Error> {
    // A hypervisor that shadows the tables sees each store to them, and may keep nothing that is stale.
    let stale = if is_emulated() { Stale::Stays } else { Stale::MayGo };
    let Some(window) = kernel::heap::window::<Pages>(live) else { return Ok(false) };
    // SAFETY: `physmap` shows the frames, and nobody else uses them; the register has no side effects.
    unsafe { testify((machine, out), live, (window, ThisCpu), (&SITE, stale)) }
}
