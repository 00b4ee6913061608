//! Exceptions: segments, gates, and accesses whose faults are caught.

use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::ptr;

use core_x86_64::{ENTRY_STRIDE, Tables, USER_CODE, USER_DATA, give_up};
use x86_64::VirtAddr;

/// Ring 3's stack pointer: in the first page, which no map has.
const NO_STACK: u64 = 0xff8;
/// Vector of an undefined instruction, by which ring 3 says that its access is done.
const UNDEFINED: u64 = 6;
/// Vector of a page fault.
const PAGE_FAULT: u64 = 14;
/// Vector of a debug exception: the one instruction that may run has run.
const DEBUG: u64 = 1;
/// Trap flag.
const TRAP_FLAG: u64 = 1 << 8;
/// The bit of RFLAGS that is always set.
const FLAGS: u64 = 1 << 1;
/// Bytes of the stack for double faults and for whatever leaves ring 3.
const TRAP_STACK: usize = 8192;

/// Bits of a page fault's error code (SDM 3A, 4.7 'Page-Fault Exceptions').
pub(crate) mod code {
    /// The translation exists, and its rights were violated.
    pub(crate) const PRESENT: u64 = 1 << 0;
    /// A write.
    pub(crate) const WRITE: u64 = 1 << 1;
    /// In ring 3.
    pub(crate) const USER: u64 = 1 << 2;
    /// An instruction fetch.
    pub(crate) const FETCH: u64 = 1 << 4;
}

global_asm!(
    include_str!("trap.s"),
    user_data = const USER_DATA,
    user_code = const USER_CODE,
    nowhere = const NO_STACK,
    fatal = sym fatal,
    options(att_syntax)
);

unsafe extern "C" {
    static probe_report: UnsafeCell<Report>;
    static trap_entries: u8;
    fn probe_access(kind: u64, address: u64, value: u64, code: u64, flags: u64) -> Outcome;
}

/// What an exception left behind.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Report {
    /// Its vector.
    pub(crate) vector: u64,
    /// Its error code; 0 for a vector without.
    pub(crate) code: u64,
    /// The address of a page fault.
    pub(crate) address: u64,
    /// The instruction.
    pub(crate) instruction: u64,
}

#[repr(C)]
struct Outcome {
    trapped: u64,
    value: u64,
}

/// One access; the numbers are positions in `probe_kinds`.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Access {
    /// Loads a byte.
    ReadByte = 0,
    /// Loads a word.
    ReadWord = 1,
    /// Stores the byte 0.
    ClearByte = 2,
    /// Stores the word 0.
    ClearWord = 3,
    /// Loads a byte and stores it again.
    RewriteByte = 4,
    /// Loads a word and stores it again.
    RewriteWord = 5,
}

/// Does one access in ring 0. The value read (0 if none was), or the exception that it raised.
///
/// # Errors
///
/// The exception.
///
/// # Safety
///
/// [`init`] has run. A load or store at `address` changes nothing that Rust relies on.
pub(crate) unsafe fn access(access: Access, address: u64) -> Result<u32, Report> {
    // SAFETY: the caller vouches for the access; every exception comes back through the frame of the probe.
    outcome(&unsafe { probe_access(access as u64, address, 0, 0, 0) })
}

/// Runs the code of ring 3 at `code` with `address` in rsi.
///
/// # Errors
///
/// The exception that stopped it.
///
/// # Safety
///
/// As for [`access`]; the code is at most one load and store of `address`.
pub(crate) unsafe fn access_in_user_mode(code: u64, address: u64) -> Result<(), Report> {
    // SAFETY: the caller vouches for the code; ring 3 comes back by an exception only.
    match outcome(&unsafe { probe_access(ENTER_USER, address, 0, code, FLAGS) }) {
        Err(report) if report.vector == UNDEFINED => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Runs at most one instruction at `address`, in ring 0 or 3.
///
/// # Errors
///
/// The exception, if the instruction was not fetched.
///
/// # Safety
///
/// As for [`access`]. If `address` is executable there is an instruction that does no harm.
pub(crate) unsafe fn execute(address: u64, in_user_mode: bool) -> Result<(), Report> {
    let kind = if in_user_mode { ENTER_USER } else { ENTER_KERNEL };
    // SAFETY: the trap flag ends what runs there after one instruction, for which the caller vouches.
    match outcome(&unsafe { probe_access(kind, address, 0, address, FLAGS | TRAP_FLAG) }) {
        Err(report) if report.is_page_fault_at(address) && report.code & code::FETCH != 0 => Err(report),
        // Fetched (the first bytes, if it goes on in the next page), and then stopped by the trap flag or by a fault.
        Err(report) if report.vector == DEBUG || report.instruction == address => Ok(()),
        Err(report) => Err(report),
        Ok(_) => Ok(()),
    }
}

/// Positions in `probe_kinds`.
const ENTER_KERNEL: u64 = 6;
const ENTER_USER: u64 = 7;

fn outcome(outcome: &Outcome) -> Result<u32, Report> {
    if outcome.trapped == 0 {
        return Ok(outcome.value as u32);
    }
    // SAFETY: written by the exception that has just ended, and nothing else is in flight.
    let report = unsafe { ptr::read_volatile(UnsafeCell::raw_get(&raw const probe_report)) };
    Err(report)
}

impl Report {
    /// Whether it is a page fault at `address`.
    pub(crate) fn is_page_fault_at(&self, address: u64) -> bool {
        self.vector == PAGE_FAULT && self.address == address
    }
}

/// Descriptor tables and the trap stack: written once by the only CPU, then used by hardware alone.
struct Gates(UnsafeCell<GateTables>);

struct GateTables {
    tables: Tables,
    stack: [u8; TRAP_STACK],
}

// SAFETY: one CPU, interrupts off; `init` is the only code that touches it.
unsafe impl Sync for Gates {}

static GATES: Gates = Gates(UnsafeCell::new(GateTables { tables: Tables::new(), stack: [0; TRAP_STACK] }));

/// Loads segments, task state and gates.
///
/// # Safety
///
/// Called once, by the only CPU, in ring 0 with interrupts off.
pub(crate) unsafe fn init() {
    // SAFETY: called once, so this is the only reference there ever is.
    let GateTables { tables, stack } = unsafe { &mut *GATES.0.get() };
    let top = VirtAddr::from_ptr(stack.as_ptr_range().end).align_down(16u64);
    tables.task.privilege_stack_table[0] = top;
    tables.task.interrupt_stack_table[0] = top;
    let entries = VirtAddr::from_ptr(&raw const trap_entries);
    // SAFETY: the entries of `trap.s`, in the order of their vectors.
    unsafe { tables.point(entries) };
    // SAFETY: the entry that the gate has.
    let double_fault = unsafe { tables.gates.double_fault.set_handler_addr(entries + ENTRY_STRIDE * 8) };
    // SAFETY: the first entry of the interrupt stack table is a stack of its own, so a stack that ran into its guard
    // does not matter.
    unsafe { double_fault.set_stack_index(0) };
    // SAFETY: in a static; the caller vouches for the rest.
    unsafe { tables.load() };
}

/// An exception that no probe asked for.
extern "C" fn fatal(vector: u64, code: u64, instruction: u64, address: u64) -> ! {
    give_up(format_args!("exception {vector}, code {code:#x}, at {instruction:#x}, cr2 {address:#x}"))
}
