//! Memory for tables, as a kernel has it that needs nothing better.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a table.
pub(crate) const TABLE: usize = 4096;
const TABLES: usize = 16;

#[repr(C, align(4096))]
struct Pool(UnsafeCell<[[u64; TABLE / 8]; TABLES]>);

// SAFETY: each table is given out once.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool(UnsafeCell::new([[0; TABLE / 8]; TABLES]));
static GIVEN: AtomicUsize = AtomicUsize::new(0);

/// A table without entries.
pub(crate) fn table() -> Option<usize> {
    let given = GIVEN.load(Ordering::Relaxed);
    if given == TABLES {
        return None;
    }
    GIVEN.store(given + 1, Ordering::Relaxed);
    Some(POOL.0.get().expose_provenance() + given * TABLE)
}
