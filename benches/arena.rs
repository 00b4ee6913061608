//! Where all mappers take their tables from: memory that was touched before, with arbitrary contents.

use std::alloc::{Layout, alloc};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a table.
pub const TABLE: u64 = 4096;
/// Bytes of the arena: enough for 2^24 pages.
const BYTES: u64 = 160 << 20;
const ALIGN: u64 = 2 << 20;

static NEXT: AtomicU64 = AtomicU64::new(0);
static END: AtomicU64 = AtomicU64::new(0);

/// The address of its first byte, virtual as well as physical.
fn start() -> u64 {
    static START: OnceLock<u64> = OnceLock::new();
    *START.get_or_init(|| {
        let layout = Layout::from_size_align(BYTES as usize, ALIGN as usize).expect("powers of two");
        // SAFETY: the size is not zero.
        let start = unsafe { alloc(layout) };
        assert!(!start.is_null(), "no memory");
        // SAFETY: that much was allocated. Contents that are none of a table show who relies on zeroes.
        unsafe { start.write_bytes(0xa5, BYTES as usize) };
        start.expose_provenance() as u64
    })
}

/// Takes everything back, whoever has it.
pub fn reset() {
    NEXT.store(start(), Ordering::Relaxed);
    END.store(start() + BYTES, Ordering::Relaxed);
}

/// Everything that is left, for one who cuts it up without this: where it starts, and its bytes.
#[must_use]
pub fn all() -> (u64, u64) {
    (start(), BYTES)
}

/// Memory of a table, not cleared.
///
/// # Panics
/// There is none left.
#[inline]
#[must_use]
pub fn table() -> u64 {
    let table = NEXT.load(Ordering::Relaxed);
    assert!(table < END.load(Ordering::Relaxed), "the arena is too small");
    NEXT.store(table + TABLE, Ordering::Relaxed);
    table
}

/// A table without entries.
#[inline]
#[must_use]
pub fn empty_table() -> u64 {
    let table = table();
    // SAFETY: `table` gives memory of that size, which nobody else has.
    unsafe { pointer(table).write_bytes(0, TABLE as usize / 8) };
    table
}

/// Where a table is seen.
#[inline]
#[must_use]
pub fn pointer(table: u64) -> *mut u64 {
    std::ptr::with_exposed_provenance_mut(table as usize)
}

/// The table that [`table`] gives next.
#[must_use]
pub fn next() -> u64 {
    NEXT.load(Ordering::Relaxed)
}
