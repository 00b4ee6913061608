//! What one writes by hand: four levels, raw pointers, scalar volatile stores.

use crate::arena;
use crate::mapper::{Answer, DONE, Mapper, Region, Rights};

const PRESENT: u64 = 1;
const WRITE: u64 = 2;
const LARGE: u64 = 1 << 7;
const DEVICE: u64 = 3 << 3;
const NX: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const DATA: u64 = PRESENT | WRITE | NX;

/// Page operations walk four levels and check the leaf. Range operations walk once for each leaf table, and do not clear a
/// fresh one that they fill; to protect looks at each leaf, to unmap a range does not. With `CACHE`, page operations
/// remember the last leaf table.
#[derive(Clone, Copy)]
pub struct Raw<const CACHE: bool> {
    root: u64,
    /// The last leaf table, and which 2 MiB it translates.
    last: (u64, u64),
}

const NO_CHUNK: u64 = u64::MAX;

#[inline(always)]
pub(super) fn load(table: u64, index: u64) -> u64 {
    // SAFETY: tables have 512 entries, and every index is below that; nobody else uses them.
    unsafe { arena::pointer(table).wrapping_add(index as usize).read_volatile() }
}

#[inline(always)]
pub(super) fn store(table: u64, index: u64, word: u64) {
    // SAFETY: as in `load`.
    unsafe { arena::pointer(table).wrapping_add(index as usize).write_volatile(word) }
}

#[inline(always)]
pub(super) const fn index(virt: u64, level: u32) -> u64 {
    virt >> (12 + 9 * level) & 511
}

const fn bytes(level: u32) -> u64 {
    1 << (12 + 9 * level)
}

fn flags(region: &Region) -> u64 {
    let rights = match region.rights {
        Rights::R => PRESENT | NX,
        Rights::Rw => DATA,
        Rights::Rx => PRESENT,
    };
    rights | if region.device { DEVICE } else { 0 }
}

/// Entries from `index` on that `bytes` bytes take, of one table.
fn entries(index: u64, level: u32, left: u64) -> u64 {
    (left >> (12 + 9 * level)).min(512 - index)
}

impl<const CACHE: bool> Raw<CACHE> {
    /// Tables that are there.
    pub(super) const fn at(root: u64) -> Self {
        Self { root, last: (NO_CHUNK, 0) }
    }

    /// The table below an entry; a missing one is made.
    #[inline(always)]
    fn down(table: u64, index: u64) -> u64 {
        let entry = load(table, index);
        if entry & PRESENT == 0 {
            return Self::link(table, index);
        }
        assert!(entry & LARGE == 0, "inside of a large leaf");
        entry & ADDRESS
    }

    #[cold]
    #[inline(never)]
    fn link(table: u64, index: u64) -> u64 {
        let fresh = arena::empty_table();
        store(table, index, fresh | PRESENT | WRITE);
        fresh
    }

    /// The table of `level` that translates `virt`; missing ones are made.
    #[inline(always)]
    pub(super) fn make(&self, virt: u64, level: u32) -> u64 {
        let mut table = self.root;
        if level < 3 {
            table = Self::down(table, index(virt, 3));
        }
        if level < 2 {
            table = Self::down(table, index(virt, 2));
        }
        if level < 1 {
            table = Self::down(table, index(virt, 1));
        }
        table
    }

    /// The table that has the leaf of `virt`, and its level.
    #[inline(always)]
    fn find(&self, virt: u64) -> (u64, u32) {
        let top = load(self.root, index(virt, 3));
        assert!(top & PRESENT != 0, "not mapped");
        let giga = load(top & ADDRESS, index(virt, 2));
        assert!(giga & PRESENT != 0, "not mapped");
        if giga & LARGE != 0 {
            return (top & ADDRESS, 2);
        }
        let mega = load(giga & ADDRESS, index(virt, 1));
        assert!(mega & PRESENT != 0, "not mapped");
        if mega & LARGE != 0 { (giga & ADDRESS, 1) } else { (mega & ADDRESS, 0) }
    }

    /// The leaf table of a page, by `walk` if it is not the last one.
    #[inline(always)]
    fn leaf_table(&mut self, virt: u64, walk: impl FnOnce(&Self) -> u64) -> u64 {
        if CACHE && self.last.0 == virt >> 21 {
            return self.last.1;
        }
        let table = walk(self);
        if CACHE {
            self.last = (virt >> 21, table);
        }
        table
    }

    #[inline(always)]
    fn page(&mut self, virt: u64) -> u64 {
        self.leaf_table(virt, |this| {
            let (table, level) = this.find(virt);
            assert!(level == 0, "a large leaf");
            table
        })
    }

    /// Maps as much as one table takes; its bytes.
    fn fill(&mut self, virt: u64, phys: u64, left: u64, flags: u64) -> u64 {
        let fits = |level: &u32| (virt | phys).is_multiple_of(bytes(*level)) && left >= bytes(*level);
        let level = [2, 1, 0].into_iter().find(fits).expect("whole pages");
        let first = index(virt, level);
        let mut count = entries(first, level, left);
        let parent = self.make(virt, level + 1);
        let mut word = phys | flags | if level > 0 { LARGE } else { 0 };
        if load(parent, index(virt, level + 1)) == 0 && count == 512 {
            let table = arena::table();
            for slot in 0..512 {
                store(table, slot, word);
                word += bytes(level);
            }
            store(parent, index(virt, level + 1), table | PRESENT | WRITE);
        } else {
            // Before a larger leaf fits, this size ends.
            if level < 2 && (virt ^ phys).is_multiple_of(bytes(level + 1)) && left >= bytes(level + 1) {
                count = count.min((bytes(level + 1) - virt % bytes(level + 1)) >> (12 + 9 * level));
            }
            let table = self.make(virt, level);
            for slot in first..first + count {
                assert!(load(table, slot) == 0, "mapped already");
                store(table, slot, word);
                word += bytes(level);
            }
        }
        count * bytes(level)
    }

    /// `each` for the entries of a range, table by table: table, first, one past the last.
    #[inline(always)]
    fn leaves(&self, region: &Region, each: impl Fn(u64, u64, u64)) {
        let mut done = 0;
        while done < region.bytes {
            let (table, level) = self.find(region.virt + done);
            let first = index(region.virt + done, level);
            let count = entries(first, level, region.bytes - done);
            each(table, first, first + count);
            done += count * bytes(level);
        }
    }

    fn count(table: u64, level: u32) -> u64 {
        let present = (0..512).map(|slot| load(table, slot)).filter(|word| word & PRESENT != 0);
        if level == 0 {
            return present.count() as u64;
        }
        present.map(|word| if word & LARGE != 0 { 1 } else { Self::count(word & ADDRESS, level - 1) }).sum()
    }
}

impl<const CACHE: bool> Mapper for Raw<CACHE> {
    const NAME: &'static str = if CACHE { "raw+cache" } else { "raw" };

    fn new() -> Self {
        Self::at(arena::empty_table())
    }

    fn root(&self) -> u64 {
        self.root
    }

    fn map_each(&mut self, pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        // In registers: no store to a table can be one to this.
        let mut local = *self;
        for (virt, phys) in pages {
            let table = local.leaf_table(virt, |this| this.make(virt, 0));
            assert!(load(table, index(virt, 0)) & PRESENT == 0, "mapped already");
            store(table, index(virt, 0), phys | DATA);
        }
        DONE
    }

    fn map_range(&mut self, region: &Region) -> Answer {
        let mut done = 0;
        while done < region.bytes {
            done += self.fill(region.virt + done, region.phys + done, region.bytes - done, flags(region));
        }
        DONE
    }

    fn protect_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut local = *self;
        for virt in pages {
            let table = local.page(virt);
            let word = load(table, index(virt, 0));
            assert!(word & PRESENT != 0, "not mapped");
            store(table, index(virt, 0), word & !WRITE);
        }
        DONE
    }

    fn protect_range(&mut self, region: &Region) -> Answer {
        self.leaves(region, |table, first, end| {
            for slot in first..end {
                let word = load(table, slot);
                assert!(word & PRESENT != 0, "not mapped");
                store(table, slot, word & !WRITE);
            }
        });
        DONE
    }

    fn unmap_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut local = *self;
        for virt in pages {
            let table = local.page(virt);
            assert!(load(table, index(virt, 0)) & PRESENT != 0, "not mapped");
            store(table, index(virt, 0), 0);
        }
        DONE
    }

    fn unmap_range(&mut self, region: &Region) -> Answer {
        self.leaves(region, |table, first, end| (first..end).for_each(|slot| store(table, slot, 0)));
        DONE
    }

    fn translate_each(&self, pages: impl Iterator<Item = u64>) -> Answer {
        Some(pages.fold(0, |sum, virt| {
            let (table, level) = self.find(virt);
            let word = load(table, index(virt, level));
            assert!(word & PRESENT != 0, "not mapped");
            let inside = bytes(level) - 1;
            sum.wrapping_add((word & ADDRESS & !inside) | (virt & inside))
        }))
    }

    fn split_each(&mut self, leaves: impl Iterator<Item = u64>) -> Answer {
        for virt in leaves {
            let (table, level) = self.find(virt);
            assert!(level == 1, "no leaf of 2 MiB");
            let (large, fresh) = (load(table, index(virt, 1)) & !LARGE, arena::table());
            (0..512).for_each(|slot| store(fresh, slot, large + slot * arena::TABLE));
            store(table, index(virt, 1), fresh | PRESENT | WRITE);
        }
        DONE
    }

    fn promote_each(&mut self, leaves: impl Iterator<Item = u64>) -> Answer {
        for virt in leaves {
            let (table, level) = self.find(virt);
            assert!(level == 0, "a large leaf");
            let first = load(table, 0);
            assert!((1..512).all(|slot| load(table, slot) == first + slot * arena::TABLE), "leaves differ");
            let parent = self.make(virt, 1);
            store(parent, index(virt, 1), first | LARGE);
        }
        DONE
    }

    fn open_and_count(&mut self) -> Answer {
        Some(Self::count(self.root, 3))
    }
}
