//! The questions to the hardware, and what answers count.

use core::cell::UnsafeCell;
use core::fmt::{self, Write};
use core::ptr;

use tablature::edit::{CanRead, CanWrite, Kind};
use tablature::flush::{Cover, TlbFlush};
use tablature::page::Size4K;
use tablature::space::{Installed, Of, RegisterBlock};
use tablature::window::{Count, Device, Mapped, Normal, Run, WindowRegion};

use super::{Counts, PAGE, Site};
use crate::{Fault, Machine, Width};

/// Mismatches that are written out.
const SHOWN: u32 = 16;

/// Registers of a device, which are only read.
#[repr(C)]
struct Registers([UnsafeCell<u32>; PAGE as usize / 4]);

// SAFETY: register cells alone; every bit pattern is valid.
unsafe impl RegisterBlock for Registers {}

/// The machine, the live space, and the counts.
pub(super) struct Bench<'p, R: WindowRegion, K: Kind, M> {
    pub(super) live: &'p Installed<R::Space>,
    pub(super) hardware: K::Hardware,
    pub(super) machine: &'p mut M,
    pub(super) site: Site,
    pub(super) counts: Counts,
}

impl<'p, R: WindowRegion<Size = Size4K>, K: Kind<Regime = Of<R::Space>>, M: Machine> Bench<'p, R, K, M> {
    pub(super) fn new(live: &'p Installed<R::Space>, hardware: K::Hardware, machine: &'p mut M, site: Site) -> Self {
        Self { live, hardware, machine, site, counts: Counts::default() }
    }

    /// Does what a change owes.
    pub(super) fn meet<T, C: Cover>(&mut self, token: TlbFlush<K, T, C>) -> T {
        self.counts.steps += 1;
        token.flush(&mut self.hardware)
    }

    /// Where the program sees a word of the frames beside the window.
    pub(super) fn seen(&self, phys: u64) -> *mut u32 {
        ptr::with_exposed_provenance_mut((self.site.frames_seen_at + (phys - self.site.frames)) as usize)
    }

    /// Stores a word of a frame, beside the window.
    pub(super) fn put(&self, phys: u64, word: u32) {
        // SAFETY: by the contract of `testify` the frames are there, and nobody else uses them.
        unsafe { self.seen(phys).write_volatile(word) };
    }

    /// A word of a frame, beside the window.
    pub(super) fn look(&self, phys: u64) -> u32 {
        // SAFETY: as in `put`.
        unsafe { self.seen(phys).read_volatile() }
    }

    /// Loads: what must be there, or `None` where the load must fault.
    pub(super) fn load(&mut self, virt: u64, expected: Option<u32>, out: &mut dyn Write) -> fmt::Result {
        let found = self.machine.read(virt, Width::Word);
        self.judge((virt, "load"), found, expected, out)
    }

    /// Stores what is there, or 0 where nothing can be loaded; it must be possible, or fault.
    pub(super) fn store(&mut self, virt: u64, possible: bool, out: &mut dyn Write) -> fmt::Result {
        let found = self.machine.write(virt, Width::Word).map(|()| 0);
        self.judge((virt, "store"), found, possible.then_some(0), out)
    }

    /// Two numbers that must be the same.
    pub(super) fn same(
        &mut self,
        at: (u64, &str),
        found: Option<u32>,
        expected: u32,
        out: &mut dyn Write,
    ) -> fmt::Result {
        self.judge(at, found.ok_or(Fault::Other(0)), Some(expected), out)
    }

    /// Counts an answer.
    #[inline(never)]
    pub(super) fn judge(
        &mut self,
        (virt, what): (u64, &str),
        found: Result<u32, Fault>,
        expected: Option<u32>,
        out: &mut dyn Write,
    ) -> fmt::Result {
        self.counts.checks += 1;
        let good = match (found, expected) {
            (Ok(found), Some(expected)) => found == expected,
            (Err(Fault::Page | Fault::Unmapped | Fault::Denied), None) => true,
            _ => false,
        };
        self.counts.mismatches += u32::from(!good);
        if good || self.counts.mismatches > SHOWN {
            return Ok(());
        }
        let name = R::REGION.name;
        writeln!(out, "  ! {name} {virt:#018x}: {what} gives {found:x?}, expected {expected:x?}")
    }

    /// A page, or run, that can be read has `word` at `offset`: by its handle, by the hardware, and beside the window.
    pub(super) fn holds<A: CanRead, N: Count>(
        &mut self,
        page: &Mapped<R, K, A, Normal, N>,
        (offset, word): (usize, u32),
        out: &mut dyn Write,
    ) -> fmt::Result {
        let virt = page.page().start().as_u64() + offset as u64;
        let phys = page.frame().start().as_u64() + offset as u64;
        let read = page.read(self.live, offset);
        self.same((virt, "the handle"), read, word, out)?;
        self.load(virt, Some(word), out)?;
        let beside = self.look(phys);
        self.same((virt, "the other mapping"), Some(beside), word, out)?;
        let here = self.machine.memory(virt);
        let there = self.machine.memory(self.seen(phys).addr() as u64);
        self.types((virt, here), there, out)
    }

    /// The types of memory are the same, if the machine can tell.
    pub(super) fn types(&mut self, at: (u64, Option<u8>), other: Option<u8>, out: &mut dyn Write) -> fmt::Result {
        let ((virt, Some(here)), Some(there)) = (at, other) else { return Ok(()) };
        self.same((virt, "the memory type"), Some(here.into()), there.into(), out)
    }

    /// Registers show the value that the other mapping shows.
    pub(super) fn shows<A: CanWrite>(&mut self, page: &Mapped<R, K, A, Device>, out: &mut dyn Write) -> fmt::Result {
        let (virt, register) = (page.page().start().as_u64(), self.site.register);
        let declared = self.machine.read(self.site.device_seen_at + register, Width::Word);
        let value = declared.unwrap_or(0);
        self.same((virt, "whether there is a register"), Some(u32::from(value != 0)), 1, out)?;
        let cell = page.registers::<Registers>(self.live).and_then(|registers| registers.0.get(register as usize / 4));
        // SAFETY: by the contract of `testify` the register may be read at any time.
        let read = cell.map(|cell| unsafe { cell.get().read_volatile() });
        self.same((virt, "the register"), read, value, out)?;
        self.load(virt + register, Some(value), out)?;
        let (here, there) = (self.machine.memory(virt), self.machine.memory(self.site.device_seen_at));
        self.types((virt, here), there, out)
    }

    /// All pages from `virt` on fault.
    pub(super) fn gone(&mut self, virt: u64, pages: usize, out: &mut dyn Write) -> fmt::Result {
        (0..pages as u64).try_for_each(|i| self.load(virt + i * PAGE, None, out))
    }

    /// Each page of a run has its own word.
    pub(super) fn all_hold<A: CanRead>(
        &mut self,
        run: &Mapped<R, K, A, Normal, Run>,
        word: impl Fn(usize) -> u32,
        out: &mut dyn Write,
    ) -> fmt::Result {
        (0..run.len()).try_for_each(|i| self.holds(run, (i * PAGE as usize, word(i)), out))
    }
}
