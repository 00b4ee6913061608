//! The program against a space that is an array, and a machine that caches whatever it translates.

use std::cell::RefCell;
use std::collections::HashMap;

use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::format::Format;
use tablature::regime::Regime as _;
use tablature::riscv::Sv39;

use crate::{Bench, Emptied, Frame, Ground, Leaves, Page, Range, Refused, Report, Storage, Subject, run};

const PAGE: u64 = 0x1000;
const GROUND: Ground<'_> = Ground {
    page: PAGE,
    block: 32 * PAGE,
    arenas: &[0x10_0000, 0xffff_0000_0000_0000],
    arena_blocks: 2,
    frames: 0x8000_0000,
    frame_blocks: 8,
    accesses: &[Access::kernel(Rights::RW), Access::kernel(Rights::RX), Access::kernel(Rights::R)],
    types: &[MemoryType::NormalWb],
};
const FORMAT: Format = Sv39::FORMAT;

/// What is wrong with the space.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// Unmapped pages are not flushed.
    StaleUnmap,
    /// Protected pages are not flushed.
    StaleProtect,
    /// Remapped pages are not flushed.
    StaleRemap,
    /// A page of each range gets no write protection.
    Writable,
    /// A range that is refused is mapped up to the conflict.
    Partial,
    /// The frame given back is not the one that was mapped.
    Released,
}

type Entry = (u64, Access);

#[derive(Default)]
struct World {
    pages: HashMap<u64, Entry>,
    cached: HashMap<u64, Entry>,
    memory: HashMap<u64, u32>,
}

struct Space<'w>(&'w RefCell<World>, Flaw);

impl Space<'_> {
    fn each(range: &Range) -> impl Iterator<Item = (u64, Entry)> {
        let range = *range;
        (0..range.size / PAGE).map(move |i| (range.virt + i * PAGE, (range.phys + i * PAGE, range.access)))
    }

    fn change(&mut self, virt: u64, entry: Option<Entry>, stale: Flaw) -> Option<Entry> {
        let mut world = self.0.borrow_mut();
        if self.1 != stale {
            world.cached.remove(&virt);
        }
        match entry {
            Some(entry) => world.pages.insert(virt, entry),
            None => world.pages.remove(&virt),
        }
    }

    fn is_mapped(&self, virt: u64) -> bool {
        self.0.borrow().pages.contains_key(&virt)
    }
}

impl Subject for Space<'_> {
    fn map(&mut self, range: &Range, leaves: Leaves) -> Result<(), Refused> {
        if Self::each(range).any(|(virt, _)| self.is_mapped(virt)) {
            if self.1 == Flaw::Partial && !self.is_mapped(range.virt) {
                self.change(range.virt, Some((range.phys, range.access)), Flaw::None);
            }
            return Err(Refused::Occupied);
        }
        self.replace(range, leaves)
    }

    fn replace(&mut self, range: &Range, _: Leaves) -> Result<(), Refused> {
        if !(range.virt | range.phys | range.size).is_multiple_of(PAGE) || range.size == 0 {
            return Err(Refused::Invalid);
        }
        for (virt, (phys, access)) in Self::each(range) {
            let access = if self.1 == Flaw::Writable { Access::kernel(Rights::RWX) } else { access };
            self.change(virt, Some((phys, access)), Flaw::StaleRemap);
        }
        Ok(())
    }

    fn map_each(&mut self, range: &Range, frames: &[u64]) -> Result<(), Refused> {
        if Self::each(range).any(|(virt, _)| self.is_mapped(virt)) {
            return Err(Refused::Occupied);
        }
        for ((virt, (_, access)), &phys) in Self::each(range).zip(frames) {
            self.change(virt, Some((phys, access)), Flaw::None);
        }
        Ok(())
    }

    fn map_page(&mut self, range: &Range) -> Result<(), Refused> {
        self.map(&Range { size: PAGE, ..*range }, Leaves::Pages)
    }

    fn unmap(&mut self, virt: u64, size: u64, _: Emptied) -> Result<(), Refused> {
        for i in 0..size / PAGE {
            self.change(virt + i * PAGE, None, Flaw::StaleUnmap);
        }
        Ok(())
    }

    fn unmap_page(&mut self, virt: u64) -> Result<u64, Refused> {
        let (phys, _) = self.change(virt, None, Flaw::StaleUnmap).ok_or(Refused::Vacant)?;
        Ok(if self.1 == Flaw::Released { phys + PAGE } else { phys })
    }

    fn protect(&mut self, range: &Range) -> Result<(), Refused> {
        if Self::each(range).any(|(virt, _)| !self.is_mapped(virt)) {
            return Err(Refused::Vacant);
        }
        for (virt, (_, access)) in Self::each(range) {
            let phys = self.0.borrow().pages[&virt].0;
            self.change(virt, Some((phys, access)), Flaw::StaleProtect);
        }
        Ok(())
    }

    fn remap_page(&mut self, range: &Range) -> Result<u64, Refused> {
        if !self.is_mapped(range.virt) {
            return Err(Refused::Vacant);
        }
        let old = self.change(range.virt, Some((range.phys, range.access)), Flaw::StaleRemap);
        Ok(old.ok_or(Refused::Vacant)?.0)
    }

    fn split(&mut self, virt: u64) -> Result<(), Refused> {
        if self.is_mapped(virt) { Ok(()) } else { Err(Refused::Vacant) }
    }

    fn promote(&mut self, virt: u64) -> Result<(), Refused> {
        let world = self.0.borrow();
        let pages: Vec<_> = (0..GROUND.block / PAGE).map(|i| world.pages.get(&(virt + i * PAGE)).copied()).collect();
        let (first, access) = pages[0].ok_or(Refused::Vacant)?;
        let even = (0..).zip(&pages).all(|(i, page)| *page == Some((first + i * PAGE, access)));
        if even && first.is_multiple_of(GROUND.block) { Ok(()) } else { Err(Refused::Uneven) }
    }
}

struct Core<'w>(&'w RefCell<World>);

impl Core<'_> {
    fn entry(&self, virt: u64) -> Option<Entry> {
        let mut world = self.0.borrow_mut();
        let page = virt & !(PAGE - 1);
        let entry = world.cached.get(&page).or_else(|| world.pages.get(&page)).copied()?;
        world.cached.insert(page, entry);
        Some((entry.0 + virt - page, entry.1))
    }

    fn access(&self, virt: u64, right: Rights) -> Result<u64, Fault> {
        let (phys, access) = self.entry(virt).ok_or(Fault::Unmapped)?;
        if access.privileged.contains(right) { Ok(phys) } else { Err(Fault::Denied) }
    }
}

impl Machine for Core<'_> {
    const WALKS: bool = true;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        let right = match right {
            Right::Read => Rights::R,
            Right::Write => Rights::W,
            Right::Execute => Rights::X,
        };
        match self.access(spot.virt, right) {
            Ok(phys) if who == Who::Kernel => Walk::To(phys),
            _ => Walk::Nowhere,
        }
    }

    fn memory(&mut self, _: u64) -> Option<u8> {
        None
    }

    fn read(&mut self, virt: u64, _: Width) -> Result<u32, Fault> {
        self.access(virt, Rights::R).map(|phys| self.0.borrow().memory.get(&phys).copied().unwrap_or(0))
    }

    fn write(&mut self, virt: u64, _: Width) -> Result<(), Fault> {
        self.access(virt, Rights::W).map(|_| ())
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        self.access(virt, Rights::X).map(|phys| assert_eq!(self.0.borrow().memory.get(&phys), Some(&Self::RETURN)))
    }

    fn is_harmless(&self, _: u32) -> bool {
        true
    }
}

impl Bench for Core<'_> {
    const RETURN: u32 = 0x1234_5678;

    fn store(&mut self, phys: u64, word: u32) {
        self.0.borrow_mut().memory.insert(phys, word);
    }
}

fn report(flaw: Flaw, seed: u64) -> (Report, String) {
    let world = RefCell::new(World::default());
    let mut pages = vec![Page::VACANT; GROUND.pages()];
    let mut frames = vec![Frame::FREE; GROUND.frame_count()];
    let storage = Storage { pages: &mut pages, frames: &mut frames };
    let mut out = String::new();
    let on = (&mut Space(&world, flaw), &mut Core(&world));
    // SAFETY: the space is an array.
    let report = unsafe { run((&GROUND, &FORMAT), storage, on, &mut out, (seed, 2000)) };
    assert!(world.borrow().pages.is_empty() || flaw != Flaw::None);
    (report, out)
}

#[test]
fn a_sound_space_contradicts_nothing() {
    for seed in 0..20 {
        let (report, out) = report(Flaw::None, seed);
        assert!(report.is_good(2000), "seed {seed}: {report:?}\n{out}");
    }
}

#[test]
fn every_flaw_is_noticed() {
    let flaws = [Flaw::StaleUnmap, Flaw::StaleProtect, Flaw::StaleRemap, Flaw::Writable, Flaw::Partial, Flaw::Released];
    for (number, flaw) in flaws.into_iter().enumerate() {
        let (report, out) = report(flaw, 1);
        assert!(report.mismatches > 0 && !report.is_good(2000), "flaw {number}");
        assert!(out.contains("mismatch in step "));
    }
}

#[test]
fn the_same_seed_is_the_same_program() {
    assert_eq!(report(Flaw::None, 7), report(Flaw::None, 7));
    assert_ne!(report(Flaw::None, 7).0, report(Flaw::None, 8).0);
}
