//! Exceptions: segments, gates, and accesses whose faults are caught.

use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::ptr;

use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable};
use x86_64::structures::idt::InterruptDescriptorTable;
use x86_64::structures::tss::TaskStateSegment;

use crate::exit;

/// Selectors in the order in which [`init`] appends their descriptors.
const USER_DATA: u16 = 3 << 3 | 3;
const USER_CODE: u16 = 4 << 3 | 3;
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
/// Bytes between two entries of `trap_entries`.
const ENTRY_STRIDE: u64 = 16;
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
    segments: GlobalDescriptorTable,
    gates: InterruptDescriptorTable,
    task: TaskStateSegment,
    stack: [u8; TRAP_STACK],
}

// SAFETY: one CPU, interrupts off; `init` is the only code that touches it.
unsafe impl Sync for Gates {}

static GATES: Gates = Gates(UnsafeCell::new(GateTables {
    segments: GlobalDescriptorTable::new(),
    gates: InterruptDescriptorTable::new(),
    task: TaskStateSegment::new(),
    stack: [0; TRAP_STACK],
}));

/// Loads segments, task state and gates.
///
/// # Safety
///
/// Called once, by the only CPU, in ring 0 with interrupts off.
pub(crate) unsafe fn init() {
    // SAFETY: called once, so this is the only reference there ever is.
    let tables = unsafe { &mut *GATES.0.get() };
    let top = VirtAddr::from_ptr(tables.stack.as_ptr_range().end).align_down(16u64);
    tables.task.privilege_stack_table[0] = top;
    tables.task.interrupt_stack_table[0] = top;

    let code = tables.segments.append(Descriptor::kernel_code_segment());
    let data = tables.segments.append(Descriptor::kernel_data_segment());
    tables.segments.append(Descriptor::user_data_segment());
    tables.segments.append(Descriptor::user_code_segment());
    // SAFETY: the task state is in a static.
    let task = unsafe { Descriptor::tss_segment_unchecked(&raw const tables.task) };
    let task = tables.segments.append(task);
    // SAFETY: in a static, and nothing changes it any more.
    unsafe { tables.segments.load_unsafe() };
    // SAFETY: 64-bit code for ring 0, just appended.
    unsafe { CS::set_reg(code) };
    // SAFETY: data for ring 0, just appended; the same holds for the next two.
    unsafe { SS::set_reg(data) };
    // SAFETY: as above.
    unsafe { DS::set_reg(data) };
    // SAFETY: as above.
    unsafe { ES::set_reg(data) };
    // SAFETY: an available task state, just appended.
    unsafe { load_tss(task) };

    fill(&mut tables.gates);
    // SAFETY: in a static, and nothing changes it any more.
    unsafe { tables.gates.load_unsafe() };
}

/// Points every gate at its entry of `trap_entries`.
fn fill(gates: &mut InterruptDescriptorTable) {
    let first = VirtAddr::from_ptr(&raw const trap_entries);
    macro_rules! set {
        ($($vector:literal => $gate:ident,)*) => {$(
            // SAFETY: the entry of that vector; it needs nothing but the frame that the CPU pushes.
            unsafe { gates.$gate.set_handler_addr(first + ENTRY_STRIDE * $vector) };
        )*};
    }
    set! {
        0 => divide_error, 1 => debug, 2 => non_maskable_interrupt, 3 => breakpoint, 4 => overflow,
        5 => bound_range_exceeded, 6 => invalid_opcode, 7 => device_not_available, 10 => invalid_tss,
        11 => segment_not_present, 12 => stack_segment_fault, 13 => general_protection_fault, 14 => page_fault,
        16 => x87_floating_point, 17 => alignment_check, 18 => machine_check, 19 => simd_floating_point,
        20 => virtualization, 21 => cp_protection_exception,
    }
    // SAFETY: as above.
    let double_fault = unsafe { gates.double_fault.set_handler_addr(first + ENTRY_STRIDE * 8) };
    // SAFETY: the first entry of the interrupt stack table is a stack of its own, so a stack that ran into its guard
    // does not matter.
    unsafe { double_fault.set_stack_index(0) };
}

/// An exception that no probe asked for.
extern "C" fn fatal(vector: u64, code: u64, instruction: u64, address: u64) -> ! {
    exit::give_up(format_args!("exception {vector}, code {code:#x}, at {instruction:#x}, cr2 {address:#x}"))
}
