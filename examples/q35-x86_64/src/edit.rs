//! Edits the live space at random, and has the hardware confirm each step.

use core::fmt::{self, Write};

use churn::{Care, Edited, Ground, Report, Room, Session, run};
use example_maps::x86_64::q35_x86_64::{self, kernel};
use tablature::addr::PhysAddr;
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AddressSpace, Kind};
use tablature::flush::{Id, OneCore, ThisCpu};
use tablature::layout::features;
use tablature::page::{HasLeaf, PageSize, Size2M, Size4K};
use tablature::regime::{Regime as _, With};
use tablature::space::Declared;
use tablature::tables::{Memory, Ranges};

use crate::bench::{Core, in_map};
use crate::reach;

/// Steps of each program where [`STEPS_AT`] does not say another number.
const STEPS: u32 = 100_000;
/// A word of RAM that the emulator may be told to write (`-device loader`).
const STEPS_AT: u64 = 0x07ff_f000;
const SEED: u64 = 0x7461_626c_6174_7572;

/// The regime of the map, with what its CPU has.
type Regime = With<<kernel::Space as Declared>::Regime, { features(q35_x86_64::MAP).bits() }>;
/// The identifier of the space.
const PCID: u16 = if cfg!(feature = "pcid") { 5 } else { 0 };
static ROOM: Room<6144, 2560> = Room::new();

/// The spaces of this program.
struct Spaces;

impl Kind for Spaces {
    type Regime = Regime;
    type Memory = Memory<reach::Access, Ranges<1>>;
    type Hardware = ThisCpu;
    type Reach = OneCore;
}

/// In the middle of each half.
const LOWER: u64 = 1 << (kernel::Space::FORMAT.range_bits - 1);
const UPPER: u64 = LOWER.wrapping_neg();

/// Pages of 4 KiB and blocks of 2 MiB; the last arena ends with the last page there is.
const SMALL: Ground<'static> = Ground {
    page: Size4K::BYTES,
    block: Size2M::BYTES,
    arenas: &[UPPER, LOWER, 0u64.wrapping_sub(4 * Size2M::BYTES)],
    arena_blocks: 4,
    frames: 0x1000_0000,
    frame_blocks: 5,
    accesses: &[
        Access::kernel(Rights::RW),
        Access::kernel(Rights::RX),
        Access::kernel(Rights::R),
        Access::user(Rights::RW),
        Access::user(Rights::RX),
        Access::user(Rights::R),
    ],
    types: &[MemoryType::NormalWb, MemoryType::NormalWt, MemoryType::NormalNc],
};

/// Pages of 2 MiB and blocks of 1 GiB.
#[cfg(feature = "pdpe1gb")]
const LARGE: Ground<'static> = Ground {
    page: Size2M::BYTES,
    block: tablature::page::Size1G::BYTES,
    arenas: &[UPPER, LOWER],
    arena_blocks: 2,
    frames: kernel::upper::PHYS,
    frame_blocks: 2,
    ..SMALL
};

/// Whether the hardware confirms the edits.
///
/// # Errors
/// Those of `out`.
///
/// # Safety
/// The declared space is live, nobody else edits it, and nobody uses RAM behind the first 128 MiB.
pub(crate) unsafe fn confirm(out: &mut dyn Write, core: &mut Core) -> Result<bool, fmt::Error> {
    // SAFETY: `physmap` maps it, and nobody uses it.
    let steps = match unsafe { in_map(STEPS_AT).read_volatile() } {
        0 => STEPS,
        steps => steps,
    };
    let name = Regime::FORMAT.name;
    let mut session = Session::new(out);
    let (pcid, by) = (if cfg!(feature = "pcid") { ", PCID" } else { "" }, reach::NAME);
    session.careful(format_args!("{name}{pcid}{by}, 4 KiB and 2 MiB"), steps, |out, steps| {
        edit::<Size4K, Size2M>(Care::Full, &SMALL, core, out, steps)
    })?;
    #[cfg(feature = "pdpe1gb")]
    session.careful(format_args!("{name}{pcid}{by}, 2 MiB and 1 GiB"), steps, |out, steps| {
        edit::<Size2M, tablature::page::Size1G>(Care::Full, &LARGE, core, out, steps)
    })?;
    // A hypervisor that shadows the tables sees each store to them, and may keep nothing that is stale.
    if core.is_emulated() {
        session.careless(format_args!("{name}{pcid}{by}"), |out, steps| {
            edit::<Size4K, Size2M>(Care::Lacking, &SMALL, core, out, steps)
        })?;
    }
    Ok(session.is_good())
}

fn edit<S: PageSize, B: PageSize>(
    care: Care,
    ground: &Ground<'_>,
    core: &mut Core,
    out: &mut dyn Write,
    steps: u32,
) -> Report
where
    Regime: HasLeaf<S> + HasLeaf<B>,
{
    // SAFETY: the program before has ended; what is used as tables is the declared ones and the spare ones.
    let access = unsafe { reach::access() };
    let mut spare = Ranges::new();
    // SAFETY: nobody else uses it, and the program before has taken all of its tables out.
    let added = unsafe { spare.add(PhysAddr::new(reach::SPARE), reach::SPARE_BYTES) };
    assert!(added, "the first range has room");
    // SAFETY: the declared tables, which nobody else edits; that hardware uses them is said below.
    let space = match unsafe { AddressSpace::<Spaces>::from_roots(kernel::Space::roots(), Memory::new(access, spare)) }
    {
        Ok(space) => space.with_id(Id::One(PCID)),
        Err(error) => core_x86_64::give_up(format_args!("{error}")),
    };
    // SAFETY: they are live on this CPU, which runs this.
    let space = unsafe { space.assume_live(ThisCpu) };
    // SAFETY: nobody uses the arenas, and where they lead is nobody else's memory.
    let mut subject = unsafe { Edited::<_, S, B>::new(space, care) };
    // SAFETY: the program before has ended.
    let storage = unsafe { ROOM.storage(ground.pages(), ground.frame_count()) };
    // SAFETY: as above.
    unsafe { run((ground, &Regime::FORMAT), storage, (&mut subject, core), out, (SEED, steps)) }
}
