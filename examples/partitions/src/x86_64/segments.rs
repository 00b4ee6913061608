//! Segments, task state and gates.

use core::cell::UnsafeCell;

use core_x86_64::{ENTRY_STRIDE, Tables};
use x86_64::{PrivilegeLevel, VirtAddr};

use super::trap::{CALL, SPURIOUS, TIMER, entries};

/// The tables: written by [`init`] and then used by the processor; the stack of ring 0 changes with each partition.
struct Gates(UnsafeCell<Tables>);

// SAFETY: one processor, which is not interrupted while the kernel runs.
unsafe impl Sync for Gates {}

static GATES: Gates = Gates(UnsafeCell::new(Tables::new()));

/// Has what interrupts ring 3 push its frame below `top`.
pub(super) fn set_stack(top: u64) {
    // SAFETY: nobody else has a reference to the field, and the processor reads it when it leaves ring 3 alone.
    let stack = unsafe { &raw mut (*GATES.0.get()).task.privilege_stack_table };
    // SAFETY: a field of a packed structure, to which nobody has a reference.
    unsafe { stack.cast::<VirtAddr>().write_unaligned(VirtAddr::new_truncate(top)) };
}

/// Loads segments, task state and gates.
///
/// # Safety
/// Called once, by the only processor, in ring 0 with interrupts off.
pub(super) unsafe fn init() {
    // SAFETY: called once, so this is the only reference there ever is.
    let tables = unsafe { &mut *GATES.0.get() };
    let first = VirtAddr::new_truncate(entries as *const () as u64);
    // SAFETY: the entries of the exceptions.
    unsafe { tables.point(first) };
    // SAFETY: the first entry behind those; here and below.
    unsafe { tables.gates[TIMER as u8].set_handler_addr(first + ENTRY_STRIDE * 32) };
    // SAFETY: as above.
    let call = unsafe { tables.gates[CALL as u8].set_handler_addr(first + ENTRY_STRIDE * 33) };
    call.set_privilege_level(PrivilegeLevel::Ring3);
    // SAFETY: as above.
    unsafe { tables.gates[SPURIOUS as u8].set_handler_addr(first + ENTRY_STRIDE * 34) };
    // SAFETY: in a static; the caller vouches for the rest.
    unsafe { tables.load() };
}
