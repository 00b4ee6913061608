//! A second set of tables, written by hand, that shows physical memory as it is.
//!
//! What the tables under test say about a physical address is compared with what this witness sees there. It shares the
//! upper half with them, where the code runs, and nothing else.

use core::arch::global_asm;
use core::cell::UnsafeCell;

use example_maps::x86_64::q35_x86_64::kernel;
use tablature::space::{Declared, TableMemory};

global_asm!(include_str!("witness.s"), options(att_syntax));

unsafe extern "C" {
    fn observe(word: u64, virt: u64, keep: u32, flip: u32, root: u64) -> Observed;
}

/// What `observe` saw.
#[repr(C)]
struct Observed {
    /// The word that was stored.
    stored: u64,
    /// The word that was read.
    read: u64,
}

/// Entries of a table.
const ENTRIES: usize = 512;
/// Entries of the root that map the upper half.
const UPPER: core::ops::Range<usize> = ENTRIES / 2..ENTRIES;
/// Whether the root is a table of a fifth level.
const IS_DEEP: bool = <kernel::Space as Declared>::FORMAT.levels == 5;
/// The entry of the fourth level that maps the window, and the window's address.
const SLOT: usize = 224;
const WINDOW: u64 = (SLOT as u64) << 39;
/// The window shows this much, a table for each GiB.
const GIB: usize = 6;
/// Where q35 has registers and no RAM, which goes on behind them.
const DEVICES: core::ops::Range<u64> = 0xc000_0000..0x1_0000_0000;
/// Present, writable, accessed (SDM 3A, 4.5.4).
const TABLE: u64 = 1 << 0 | 1 << 1 | 1 << 5;
/// The same, dirty, 2 MiB, not executable.
const LEAF: u64 = TABLE | 1 << 6 | 1 << 7 | 1 << 63;
/// Not cached, by the PAT entry that no firmware changes.
const UNCACHED: u64 = 1 << 3 | 1 << 4;

/// Whether registers are at the physical address `phys`.
pub(crate) fn is_device(phys: u64) -> bool {
    DEVICES.contains(&phys)
}

#[repr(C, align(4096))]
struct Tables {
    root: [u64; ENTRIES],
    /// The table that the first entry of a fifth level leads to.
    fourth: [u64; ENTRIES],
    gibs: [u64; ENTRIES],
    leaves: [[u64; ENTRIES]; GIB],
}

/// The tables: written by [`Witness::new`], then read by the MMU.
struct Memory(UnsafeCell<Tables>);

// SAFETY: one CPU; `Witness::new` is the only code that touches it, and runs once.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory(UnsafeCell::new(Tables {
    root: [0; ENTRIES],
    fourth: [0; ENTRIES],
    gibs: [0; ENTRIES],
    leaves: [[0; ENTRIES]; GIB],
}));

/// The tables, filled.
pub(crate) struct Witness {
    root: u64,
}

impl Witness {
    /// Fills the tables. `under_test` gives the upper half, and `offset` is the virtual address of the image minus its
    /// physical one.
    ///
    /// # Safety
    ///
    /// Called once. `under_test` are the tables in force, whose root comes first.
    pub(crate) unsafe fn new(under_test: &TableMemory, offset: u64) -> Self {
        // SAFETY: called once, so this is the only reference there ever is.
        let tables = unsafe { &mut *MEMORY.0.get() };
        let physical = |table: &[u64; ENTRIES]| (table.as_ptr() as u64).wrapping_sub(offset);
        let mut address = 0;
        for (entry, leaves) in tables.gibs.iter_mut().zip(&mut tables.leaves) {
            *entry = physical(leaves) | TABLE;
            for leaf in leaves {
                *leaf = address | LEAF | if is_device(address) { UNCACHED } else { 0 };
                address += 2 << 20;
            }
        }
        for index in UPPER {
            // SAFETY: an entry of the root, which the caller vouches for; the MMU may set its accessed bit meanwhile.
            tables.root[index] = unsafe { under_test.start.wrapping_add(index).read_volatile() };
        }
        let window = physical(&tables.gibs) | TABLE;
        if IS_DEEP {
            tables.fourth[SLOT] = window;
            tables.root[0] = physical(&tables.fourth) | TABLE;
        } else {
            tables.root[SLOT] = window;
        }
        Self { root: physical(&tables.root) }
    }

    /// Whether an entry of the witness' own tables lies at the physical address `phys`.
    pub(crate) fn holds(&self, phys: u64) -> bool {
        self.root <= phys && phys < self.root + size_of::<Tables>() as u64
    }

    /// Changes the word at the physical address `phys` to `(old & keep) ^ flip`, reads the word at `virt`, and puts the
    /// first back: what was stored and what was read.
    ///
    /// # Safety
    ///
    /// At `phys`, below 6 GiB, is RAM or a register that may be read and for an instant changed like that; a load from
    /// `virt` does not fault and has no effect.
    pub(crate) unsafe fn observe(&self, phys: u64, virt: u64, keep: u32, flip: u32) -> (u32, u32) {
        // SAFETY: both roots map the code that switches between them; the caller vouches for the accesses.
        let seen = unsafe { observe(WINDOW + phys, virt, keep, flip, self.root) };
        (seen.stored as u32, seen.read as u32)
    }
}
