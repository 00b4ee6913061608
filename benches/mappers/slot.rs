//! Pages whose entry is known before: a window, and the store that it is measured by.

use std::sync::OnceLock;

use tablature::addr::PhysAddr;
use tablature::edit::{Kind, Rw};
use tablature::flush::{OneCore, Recorder};
use tablature::page::{Frame, OwnedFrame};
use tablature::plan::Slot as Word;
use tablature::space::{Declared as _, Of};
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::declare::all_pages;
use tablature::x86_64::X86;

use super::raw::{Raw, store};
use crate::arena::{self, TABLE};
use crate::mapper::{Answer, BASE, DONE, Mapper, PAGE, Region};

/// Bytes of the window.
const BYTES: u64 = 1 << 30;

tablature::memory_map! {
    mod board for x86_64::Level4;
    physical { dram : 0x20_0000, 1 GiB, normal; }
    space kernel {
        tables at boot;
        text (rx)         : 0x1000_0000 => dram, 2 MiB;
        heap (rw, window) : 0x4000_0000_0000, 1 GiB;
    }
}
use board::kernel::{Space, heap};

enum Kernel {}

impl Kind for Kernel {
    type Regime = Of<Space>;
    type Memory = Memory<Identity, Nothing>;
    type Hardware = Recorder<X86, 4>;
    type Reach = OneCore;
}

fn window_root() -> u64 {
    static ROOT: OnceLock<u64> = OnceLock::new();
    *ROOT.get_or_init(|| {
        let words = vec![Word::ABSENT; Space::WORDS + 512].leak();
        let skip = words.as_ptr().expose_provenance().wrapping_neg() % TABLE as usize / 8;
        let tables = &mut words[skip..skip + Space::WORDS];
        let at = tables.as_ptr().addr() as u64;
        Space::fill(tables, at).expect("that many words are asked for");
        Space::roots().lower.expect("one root")
    })
}

/// A window of this library. What its pages owe is taken to be done.
pub struct Window;

#[inline]
fn frame(phys: u64) -> OwnedFrame<tablature::page::Size4K> {
    // SAFETY: nobody uses what the tables say.
    unsafe { OwnedFrame::assume(Frame::containing(PhysAddr::new(phys))) }
}

impl Mapper for Window {
    const NAME: &'static str = "window";

    fn new() -> Self {
        let all = Region::data(BASE, 0, BYTES);
        let _ = Raw::<false>::at(window_root()).unmap_range(&all);
        Self
    }

    fn root(&self) -> u64 {
        window_root()
    }

    fn map_each(&mut self, pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        // SAFETY: all were unmapped, and nobody has them.
        let mut window = unsafe { all_pages::<heap, Kernel>() };
        for (_, phys) in pages {
            let owed = window.next_page()?.map(frame(phys), Rw);
            // SAFETY: no core uses the tables. The page stays mapped.
            let _ = unsafe { owed.assume_flushed() };
        }
        DONE
    }

    fn flip_each(&mut self, pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        // SAFETY: as above.
        let mut window = unsafe { all_pages::<heap, Kernel>() };
        for (_, phys) in pages {
            let owed = window.next_page()?.map(frame(phys), Rw);
            // SAFETY: no core uses the tables.
            let owed = unsafe { owed.assume_flushed() }.unmap();
            // SAFETY: as above.
            let _ = unsafe { owed.assume_flushed() };
        }
        DONE
    }
}

/// A store to a known slot: the next one of those that are left.
pub struct Slot {
    root: u64,
    leaves: u64,
    free: Free,
}

/// The slots that are left.
#[derive(Clone, Copy)]
struct Free {
    next: u64,
    left: u64,
}

impl Free {
    #[inline(always)]
    fn take(&mut self) -> Option<u64> {
        if self.left == 0 {
            return None;
        }
        let slot = self.next;
        self.next += 1;
        self.left -= 1;
        Some(slot)
    }
}

impl Mapper for Slot {
    const NAME: &'static str = "store";

    fn new() -> Self {
        let raw = Raw::<false>::new();
        let middle = raw.make(BASE, 1);
        let leaves = arena::next();
        (0..BYTES / (512 * PAGE)).for_each(|slot| store(middle, slot, arena::empty_table() | 3));
        Self { root: raw.root(), leaves, free: Free { next: 0, left: BYTES / PAGE } }
    }

    fn root(&self) -> u64 {
        self.root
    }

    fn map_each(&mut self, pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        let mut free = self.free;
        for (_, phys) in pages {
            // The leaf tables lie side by side.
            store(self.leaves, free.take()?, phys | FLAGS);
        }
        DONE
    }

    fn flip_each(&mut self, pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        let mut free = self.free;
        for (_, phys) in pages {
            let slot = free.take()?;
            store(self.leaves, slot, phys | FLAGS);
            store(self.leaves, slot, 0);
        }
        DONE
    }
}

/// Present, writable, not executable.
const FLAGS: u64 = 1 << 63 | 3;
