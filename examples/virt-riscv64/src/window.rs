//! The pages of the window, mapped and unmapped on the live machine.

use core::fmt::Write;

use example_maps::riscv64::virt_riscv64::kernel;
use probe::window::{Site, Stale, testify};
use tablature::edit::Kind;
use tablature::flush::{OneCore, ThisCpu};
use tablature::space::{Installed, Of};
use tablature::tables::{Identity, Memory, Nothing};

use crate::machine::Testimony;

/// The pages of this program.
enum Pages {}

impl Kind for Pages {
    type Regime = Of<kernel::Space>;
    type Memory = Memory<Identity, Nothing>;
    type Hardware = ThisCpu;
    type Reach = OneCore;
}

/// RAM that nothing else uses.
const FRAMES: u64 = 0xa000_0000;

const SITE: Site = Site {
    frames: FRAMES,
    frames_seen_at: kernel::physmap::START + (FRAMES - kernel::physmap::PHYS),
    device: kernel::virtio::PHYS,
    device_seen_at: kernel::virtio::START,
    // virtio over MMIO: magic value.
    register: 0x0,
};

/// Whether the hardware confirms what the pages are; called once.
pub(crate) fn confirm(out: &mut dyn Write, live: &Installed<kernel::Space>) -> bool {
    let Some(window) = kernel::heap::window::<Pages>(live) else { return false };
    // SAFETY: `physmap` shows the frames, and nobody else uses them; the register has no side effects.
    let good = unsafe { testify((&mut Testimony, out), live, (window, ThisCpu), (&SITE, Stale::Stays)) };
    good.unwrap_or(false)
}
