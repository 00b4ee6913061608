//! A mapper by hand: a walk over tables that are mapped where they are, and the last leaf table remembered.

use super::machine::{self, GLOBAL_READ_ONLY, GLOBAL_READ_WRITE, LEVELS, RIGHTS};

/// Bytes that a last-level table translates.
pub(super) const REACH: u64 = 0x20_0000;
const PHYS_END: u64 = if LEVELS == 4 { 1 << 52 } else { 1 << 48 };

/// Why nothing was changed.
#[derive(Clone, Copy, Debug)]
pub enum Error {
    /// It is none of the space.
    Range(u64),
    /// Something is there.
    AlreadyMapped {
        /// Where.
        virt: u64,
        /// At which level.
        level: usize,
        /// Its entry.
        word: u64,
    },
    /// Nothing is there, or no page.
    NotMapped {
        /// Where.
        virt: u64,
        /// At which level.
        level: usize,
        /// Its entry.
        word: u64,
    },
    /// The frame is beyond what entries hold.
    PhysOutOfRange(u64),
    /// There is no memory for a table.
    OutOfTables,
}

/// Tables, memory for more, and the last-level table that was used last.
#[derive(Debug)]
pub struct Mapper {
    root: *mut u64,
    free: *mut u64,
    free_end: *mut u64,
    /// An address that `leaf` translates.
    virt: u64,
    pub(super) leaf: *mut u64,
}

pub(super) const fn index(virt: u64, level: usize) -> usize {
    (virt >> (12 + 9 * level)) as usize & 511
}

/// An entry of a table.
pub(super) fn load(table: *mut u64, index: usize) -> u64 {
    // SAFETY: callers have a table of 512 entries, and an index in it.
    unsafe { table.wrapping_add(index).read_volatile() }
}

/// Writes one.
pub(super) fn store(table: *mut u64, index: usize, word: u64) {
    // SAFETY: as above.
    unsafe { table.wrapping_add(index).write_volatile(word) };
}

impl Mapper {
    /// Tables at `root`, which is one of nothing but zeros, and more from `free` to `free_end`.
    #[must_use]
    pub const fn new(root: *mut u64, free: *mut u64, free_end: *mut u64) -> Self {
        // No page of a space is there.
        Self { root, free, free_end, virt: 1 << 63, leaf: root }
    }

    /// Whether the last table used translates `virt`, too.
    const fn knows(&self, virt: u64) -> bool {
        (virt ^ self.virt) / REACH == 0
    }

    fn make(&mut self, virt: u64, phys: u64) -> Result<(), Error> {
        let (leaf, index) = (self.leaf, index(virt, 0));
        let word = load(leaf, index);
        if machine::is_present(word) {
            return Err(Error::AlreadyMapped { virt, level: 0, word });
        }
        store(leaf, index, machine::leaf(phys, GLOBAL_READ_WRITE));
        Ok(())
    }

    /// Walks to the table of `virt`, and makes those that are missing.
    pub(super) fn reach(&mut self, virt: u64) -> Result<(), Error> {
        let top = 12 + 9 * LEVELS as u32 - 1;
        let above = (virt as i64) >> top;
        if above != 0 && above != -1 {
            return Err(Error::Range(virt));
        }
        let mut table = self.root;
        for level in (1..LEVELS).rev() {
            let index = index(virt, level);
            let word = load(table, index);
            table = if machine::is_table(word) {
                machine::target(word) as usize as *mut u64
            } else if machine::is_present(word) {
                return Err(Error::AlreadyMapped { virt, level, word });
            } else {
                let below = self.allocate()?;
                store(table, index, machine::table(below.addr() as u64));
                below
            };
        }
        (self.virt, self.leaf) = (virt, table);
        Ok(())
    }

    fn allocate(&mut self) -> Result<*mut u64, Error> {
        if self.free == self.free_end {
            return Err(Error::OutOfTables);
        }
        let table = self.free;
        self.free = table.wrapping_add(512);
        for i in 0..512 {
            store(table, i, 0);
        }
        Ok(table)
    }

    /// Walks to the table of `virt`, if there is one.
    pub(super) fn find(&mut self, virt: u64) -> Result<(), Error> {
        let mut table = self.root;
        for level in (1..LEVELS).rev() {
            let word = load(table, index(virt, level));
            if !machine::is_table(word) {
                return Err(Error::NotMapped { virt, level, word });
            }
            table = machine::target(word) as usize as *mut u64;
        }
        (self.virt, self.leaf) = (virt, table);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn map_slowly(&mut self, virt: u64, phys: u64) -> Result<(), Error> {
        if phys >= PHYS_END {
            return Err(Error::PhysOutOfRange(phys));
        }
        self.reach(virt)?;
        self.make(virt, phys)
    }

    #[cold]
    #[inline(never)]
    fn protect_slowly(&mut self, virt: u64) -> Result<(), Error> {
        self.find(virt)?;
        let (leaf, index) = (self.leaf, index(virt, 0));
        let word = load(leaf, index);
        if !machine::is_page(word) {
            return Err(Error::NotMapped { virt, level: 0, word });
        }
        store(leaf, index, word & !RIGHTS | GLOBAL_READ_ONLY & RIGHTS);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn unmap_slowly(&mut self, virt: u64) -> Result<u64, Error> {
        self.find(virt)?;
        let (leaf, index) = (self.leaf, index(virt, 0));
        let word = load(leaf, index);
        if !machine::is_page(word) {
            return Err(Error::NotMapped { virt, level: 0, word });
        }
        store(leaf, index, 0);
        Ok(machine::target(word))
    }
}

/// Maps the next page.
///
/// # Errors
/// Something is there.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_cursor_map(mapper: &mut Mapper, virt: u64, phys: u64) -> Result<(), Error> {
    if mapper.knows(virt) && phys < PHYS_END {
        let (leaf, index) = (mapper.leaf, index(virt, 0));
        if !machine::is_present(load(leaf, index)) {
            store(leaf, index, machine::leaf(phys, GLOBAL_READ_WRITE));
            return Ok(());
        }
    }
    mapper.map_slowly(virt, phys)
}

/// Makes the next page read-only.
///
/// # Errors
/// Nothing is there.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_cursor_protect(mapper: &mut Mapper, virt: u64) -> Result<(), Error> {
    if mapper.knows(virt) {
        let (leaf, index) = (mapper.leaf, index(virt, 0));
        let word = load(leaf, index);
        if machine::is_page(word) {
            store(leaf, index, word & !RIGHTS | GLOBAL_READ_ONLY & RIGHTS);
            return Ok(());
        }
    }
    mapper.protect_slowly(virt)
}

/// Unmaps the next page.
///
/// # Errors
/// Nothing is there.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_cursor_unmap(mapper: &mut Mapper, virt: u64) -> Result<u64, Error> {
    if mapper.knows(virt) {
        let (leaf, index) = (mapper.leaf, index(virt, 0));
        let word = load(leaf, index);
        if machine::is_page(word) {
            store(leaf, index, 0);
            return Ok(machine::target(word));
        }
    }
    mapper.unmap_slowly(virt)
}
