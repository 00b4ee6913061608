//! The live space of a declared map, and what is edited in it.

use core::fmt::Write;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use churn::{Bench, Edited, Ground, Room};
use tablature::aarch64::A64;
use tablature::addr::PhysAddr;
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AddressSpace, Kind};
use tablature::flush::{Id, Maintain, OneCore, ThisCpu};
use tablature::page::{HasLeaf, PageSize};
use tablature::regime::Regime;
use tablature::space::{Declared, Of};
use tablature::tables::{Identity, Memory, Ranges, TableAccess, TableSource};

use crate::start::Order;

/// Tables that edits may need at one time; sometimes they need more, and are refused.
const TABLES: usize = 18;
/// Editable ranges, and their size in blocks.
const ARENAS: usize = 4;
const ARENA_BLOCKS: usize = 2;
/// Most pages of a block: those of the 64 KiB granule.
const PAGES_OF_BLOCK: usize = 8192;
/// Blocks of frames: the memory of three blocks of the 64 KiB granule, or twelve others.
const FRAME_BLOCKS: usize = 3;
const SMALL_FRAME_BLOCKS: usize = 12;

/// Spaces with the tables of `S`, edited by the one core there is.
pub(crate) struct Own<S>(PhantomData<S>);

impl<S: Declared> Kind for Own<S>
where
    Of<S>: Maintain<Architecture = A64>,
{
    type Regime = Of<S>;
    type Memory = Memory<Identity, Counted>;
    type Hardware = ThisCpu;
    type Reach = OneCore;
}

/// Ranges of memory for tables that count what they have given out.
pub(crate) struct Counted(Ranges<1>);

/// Tables that were given out and not taken back.
static OUT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the ranges are a source.
unsafe impl<R: Regime> TableSource<R> for Counted {
    fn allocate(&mut self, access: &mut impl TableAccess<R>, tables: usize) -> Option<PhysAddr> {
        if OUT.load(Relaxed) + tables > TABLES {
            return None;
        }
        let table = TableSource::<R>::allocate(&mut self.0, access, tables)?;
        OUT.fetch_add(tables, Relaxed);
        Some(table)
    }

    unsafe fn free(&mut self, access: &mut impl TableAccess<R>, table: PhysAddr, tables: usize) {
        OUT.fetch_sub(tables, Relaxed);
        // SAFETY: as the caller promises.
        unsafe { TableSource::<R>::free(&mut self.0, access, table, tables) };
    }
}

/// What the program keeps about pages and frames, for the granule that needs most.
static ROOM: Room<{ ARENAS * ARENA_BLOCKS * PAGES_OF_BLOCK }, { FRAME_BLOCKS * PAGES_OF_BLOCK }> = Room::new();

/// Memory of the program: its first byte and its size.
#[derive(Clone, Copy)]
pub(crate) struct Bytes(pub(crate) u64, pub(crate) u64);

/// The physical memory that editing needs.
#[derive(Clone, Copy)]
pub(crate) struct Ram {
    /// All that holds tables, declared ones and others.
    pub(crate) tables: Bytes,
    /// Memory for other tables.
    pub(crate) pool: Bytes,
    /// Frames to map.
    pub(crate) frames: Bytes,
}

/// Edits the tables of `S`, which are live, as ordered: whether nothing contradicts the model, and all tables came back.
///
/// # Safety
/// `S` is live on this core, and maps the memory in `ram` (or the program's own map does) to itself, writable. Nobody else
/// uses it. This is the only call.
pub(crate) unsafe fn edit<S, P, L>(order: Order, ram: Ram, bench: &mut impl Bench, out: &mut dyn Write) -> bool
where
    S: Declared,
    P: PageSize,
    L: PageSize,
    Of<S>: Maintain<Architecture = A64> + HasLeaf<P> + HasLeaf<L>,
{
    let arenas = arenas::<S>(L::BYTES * ARENA_BLOCKS as u64);
    let ground = ground::<S, P, L>(&arenas, ram.frames);
    let mut ranges = Ranges::new();
    // SAFETY: as the caller promises.
    let added = unsafe { ranges.add(PhysAddr::new(ram.pool.0), ram.pool.1) };
    // SAFETY: as the caller promises.
    let view = unsafe { Identity::new(PhysAddr::new(ram.tables.0), ram.tables.1) };
    // SAFETY: as the caller promises; from here on the tables are edited through this space only.
    let space = unsafe { AddressSpace::<Own<S>>::from_roots(S::roots(), Memory::new(view, Counted(ranges))) };
    let (Ok(space), true) = (space, added) else { return false };
    // No map declares an identifier, and then it is 0.
    let space = space.with_id(if S::FORMAT.asid_bits.0 > 0 { Id::One(0) } else { Id::Every });
    // SAFETY: as the caller promises.
    let space = unsafe { space.assume_live(ThisCpu) };
    // SAFETY: the arenas and the frames are the program's alone.
    let mut edited = unsafe { Edited::<_, P, L>::new(space, order.care) };
    // SAFETY: the only program.
    let room = unsafe { ROOM.storage(ground.pages(), ground.frame_count()) };
    // SAFETY: as the caller promises.
    let report =
        unsafe { churn::run((&ground, &S::FORMAT), room, (&mut edited, bench), out, (order.seed, order.steps)) };
    let lost = OUT.load(Relaxed);
    let written =
        writeln!(out, "{} refused, {} promoted, {lost} tables lost\n{report}", report.refused, report.promoted);
    written.is_ok() && lost == 0 && report.is_good(order.steps)
}

/// Where `bytes` bytes each are edited: in the middle and at the end of the lower range, and at both ends of the upper
/// one; without that, at two more places of the lower one.
fn arenas<S: Declared>(bytes: u64) -> [u64; ARENAS] {
    let half = 1 << (S::FORMAT.input_bits - 1);
    let last = (half - bytes) + half;
    match S::FORMAT.upper_start() {
        Some(upper) => [half, last, upper, 0u64.wrapping_sub(bytes)],
        None => [half, last, half / 2, half + half / 2],
    }
}

/// Rights by the regime: with a user, without, and of a guest.
fn accesses<S: Declared>() -> &'static [Access] {
    const ALL: [Access; 8] = [
        Access::kernel(Rights::R),
        Access::kernel(Rights::RW),
        Access::kernel(Rights::RX),
        Access::kernel(Rights::RWX),
        Access::user(Rights::R),
        Access::user(Rights::RW),
        Access::user(Rights::RX),
        Access::user(Rights::RWX),
    ];
    if S::FORMAT.upper_start().is_some() { &ALL } else { ALL.split_at(4).0 }
}

fn ground<'a, S: Declared, P: PageSize, L: PageSize>(arenas: &'a [u64], frames: Bytes) -> Ground<'a> {
    let frame_blocks = if (L::BYTES / P::BYTES) as usize == PAGES_OF_BLOCK { FRAME_BLOCKS } else { SMALL_FRAME_BLOCKS };
    Ground {
        page: P::BYTES,
        block: L::BYTES,
        arenas,
        arena_blocks: ARENA_BLOCKS,
        frames: frames.0,
        frame_blocks: frame_blocks.min((frames.1 / L::BYTES) as usize),
        accesses: accesses::<S>(),
        types: &[MemoryType::NormalWb, MemoryType::NormalNc],
    }
}
