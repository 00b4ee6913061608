//! The pages of the window, mapped and unmapped on the live machine.

use core::fmt::Write;

use core_aarch64::{Core, El1};
use example_maps::aarch64::virt_aarch64::kernel;
use probe::window::{Site, Stale, testify};
use tablature::edit::Kind;
use tablature::flush::{OneCore, ThisCpu};
use tablature::space::{Installed, Of};
use tablature::tables::{Identity, Memory, Nothing};

/// The pages of this program.
enum Pages {}

impl Kind for Pages {
    type Regime = Of<kernel::Space>;
    type Memory = Memory<Identity, Nothing>;
    type Hardware = ThisCpu;
    type Reach = OneCore;
}

/// RAM that nothing else uses.
const FRAMES: u64 = 0x6000_0000;

const SITE: Site = Site {
    frames: FRAMES,
    frames_seen_at: kernel::physmap::START + (FRAMES - kernel::physmap::PHYS),
    device: kernel::rtc::PHYS,
    device_seen_at: kernel::rtc::START,
    // PL031: RTCPeriphID0.
    register: 0xfe0,
};

/// Whether the hardware confirms what the pages are; called once.
pub(crate) fn confirm(core: &mut Core<El1>, out: &mut dyn Write, live: &Installed<kernel::Space>) -> bool {
    let Some(window) = kernel::heap::window::<Pages>(live) else { return false };
    // SAFETY: `physmap` shows the frames, and nobody else uses them; the register has no side effects.
    let good = unsafe { testify((core, out), live, (window, ThisCpu), (&SITE, Stale::Stays)) };
    good.unwrap_or(false)
}
