//! In the notation.

pub mod cores;
pub mod pages;
pub mod space;
pub mod switch;

use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{Cursor, Kind, MapError, Offline, Protect, ProtectError, Ro, Rw, UnmapError};
use tablature::flush::{Duty, Extent, Fixed, Id, OneCore, OnePage, Place, Scope, ThisCpu, TlbFlush, Whole};
use tablature::page::{Frame, OwnedFrame, OwnedFrames, Page, Size4K};
use tablature::space::{Installed, Of, Refusal, install};
use tablature::table::Attributes;
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::{Mapped, MappedRun, NotMapped, Unmapped, Window};

macro_rules! board {
    ($regime:path, $features:tt) => {
        tablature::memory_map! {
            /// A kernel, and a window of 64 MiB.
            pub mod board for $regime;
            cpu { features = $features; }
            physical { dram : 0x8000_0000, 1 GiB, normal; }
            space kernel {
                text (rx)         : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
                data (rw, tables) : after text => dram + 0x20_0000, 2 MiB;
                heap (rw, window) : 0xffff_ffd0_0000_0000, 64 MiB;
            }
        }
    };
}

#[cfg(target_arch = "aarch64")]
board!(aarch64::El1<G4K, 39>, []);
#[cfg(target_arch = "riscv64")]
board!(riscv::Sv39, []);
#[cfg(target_arch = "x86_64")]
board!(x86_64::Level4, [nx, pge]);

use board::kernel::{Space, heap};

/// A kernel on one core.
#[derive(Clone, Copy, Debug)]
pub enum Kernel {}

impl Kind for Kernel {
    type Regime = Of<Space>;
    type Memory = Memory<Identity, Nothing>;
    type Hardware = ThisCpu;
    type Reach = OneCore;
}

/// A page of the window.
pub type Free = Unmapped<heap, Kernel>;

/// Maps a page of the window.
#[unsafe(no_mangle)]
pub fn notation_window_map(page: Free, frame: OwnedFrame<Size4K>) -> Mapped<heap, Kernel, Rw> {
    page.map(frame, Rw).flush(&mut ThisCpu)
}

/// Unmaps it.
#[unsafe(no_mangle)]
pub fn notation_window_unmap(page: Mapped<heap, Kernel, Rw>) -> (Free, OwnedFrame<Size4K>) {
    page.unmap().flush(&mut ThisCpu)
}

/// Makes it read-only.
#[unsafe(no_mangle)]
pub fn notation_window_protect(page: Mapped<heap, Kernel, Rw>) -> Mapped<heap, Kernel, Ro> {
    page.protect(Ro).flush(&mut ThisCpu)
}

/// Maps a run of pages.
///
/// # Errors
/// There are not as many frames.
#[unsafe(no_mangle)]
pub fn notation_window_map_run(
    pages: Window<heap, Kernel>,
    frames: OwnedFrames<Size4K>,
) -> Result<MappedRun<heap, Kernel, Rw>, NotMapped<heap, Kernel>> {
    match pages.map_run(frames, Rw) {
        Ok(owed) => Ok(owed.flush(&mut ThisCpu)),
        Err(refused) => Err(refused),
    }
}

/// Unmaps a run of pages.
#[unsafe(no_mangle)]
pub fn notation_window_unmap_run(run: MappedRun<heap, Kernel, Rw>) -> (Window<heap, Kernel>, OwnedFrames<Size4K>) {
    run.unmap().flush(&mut ThisCpu)
}

/// Makes a run of pages read-only.
#[unsafe(no_mangle)]
pub fn notation_window_protect_run(run: MappedRun<heap, Kernel, Rw>) -> MappedRun<heap, Kernel, Ro> {
    run.protect(Ro).flush(&mut ThisCpu)
}

/// Meets the obligation for one page.
#[unsafe(no_mangle)]
pub fn notation_flush_page(page: Page<Size4K>) {
    TlbFlush::<Kernel, (), _>::covering(OnePage::new(page, Duty::LEAF, Id::Every), ()).flush(&mut ThisCpu);
}

struct First;

impl Place for First {
    const SCOPE: Scope = Scope {
        duty: Duty::LEAF,
        extent: Extent::Range { start: heap::START, last: heap::START + 0xfff, stride: 12 },
        id: Id::Every,
    };
}

/// Meets the obligation for a page that is known before the program runs.
#[unsafe(no_mangle)]
pub fn notation_flush_fixed() {
    TlbFlush::<Kernel, (), Fixed<First>>::fixed().flush(&mut ThisCpu);
}

/// Meets the obligation for all that the space translates.
#[unsafe(no_mangle)]
pub fn notation_flush_everything() {
    TlbFlush::<Kernel, (), _>::covering(Whole::new(Duty::WALK, Id::Every), ()).flush(&mut ThisCpu);
}

/// A place in tables that no core uses.
pub type Place4K<'s> = Cursor<'s, Kernel, Offline>;

const RW: Attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
const RO: Protect = Protect::access(Access::kernel(Rights::R));

/// Maps the next page.
///
/// # Errors
/// Something is there.
#[unsafe(no_mangle)]
pub fn notation_cursor_map(cursor: &mut Place4K<'_>, page: Page<Size4K>, frame: Frame<Size4K>) -> Result<(), MapError> {
    cursor.map(page, frame, RW)
}

/// Makes the next page read-only.
///
/// # Errors
/// Nothing is there.
#[unsafe(no_mangle)]
pub fn notation_cursor_protect(cursor: &mut Place4K<'_>, page: Page<Size4K>) -> Result<(), ProtectError> {
    cursor.protect(page, &RO)
}

/// Unmaps the next page.
///
/// # Errors
/// Nothing is there.
#[unsafe(no_mangle)]
pub fn notation_cursor_unmap(cursor: &mut Place4K<'_>, page: Page<Size4K>) -> Result<Frame<Size4K>, UnmapError> {
    cursor.unmap(page)
}

/// Installs the space.
///
/// # Safety
/// As for [`install`].
///
/// # Errors
/// [`Refusal`].
#[unsafe(no_mangle)]
pub unsafe fn notation_install() -> Result<Installed<Space>, Refusal> {
    // SAFETY: passed on to the caller.
    unsafe { install::<Space>() }
}

// What handles and tokens are at run time: an index, and where it goes; what is known before is nothing.
const _: () = {
    assert!(size_of::<Free>() == size_of::<usize>());
    assert!(size_of::<Mapped<heap, Kernel, Rw>>() == 2 * size_of::<u64>());
    assert!(size_of::<Window<heap, Kernel>>() == 2 * size_of::<usize>());
    assert!(size_of::<Installed<Space>>() == 0);
    assert!(size_of::<TlbFlush<Kernel, (), Fixed<First>>>() == 0);
    assert!(size_of::<TlbFlush<Kernel, (), OnePage<Size4K>>>() == 2 * size_of::<u64>());
    assert!(size_of::<TlbFlush<Kernel, (), Whole>>() == size_of::<u64>());
    assert!(size_of::<ThisCpu>() == 0);
    assert!(size_of::<OwnedFrame<Size4K>>() == size_of::<u64>());
};
