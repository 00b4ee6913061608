//! Segments, task state and gates.

use core::cell::UnsafeCell;

use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable};
use x86_64::structures::idt::InterruptDescriptorTable;
use x86_64::structures::tss::TaskStateSegment;
use x86_64::{PrivilegeLevel, VirtAddr};

use super::trap::{CALL, SPURIOUS, STRIDE, TIMER, entries};

/// Selectors in the order in which [`init`] appends their descriptors.
pub(super) const USER_DATA: u64 = 3 << 3 | 3;
pub(super) const USER_CODE: u64 = 4 << 3 | 3;

/// The tables: written by [`init`] and then used by the processor; the stack of ring 0 changes with each partition.
struct Gates(UnsafeCell<Tables>);

struct Tables {
    segments: GlobalDescriptorTable,
    gates: InterruptDescriptorTable,
    task: TaskStateSegment,
}

// SAFETY: one processor, which is not interrupted while the kernel runs.
unsafe impl Sync for Gates {}

static GATES: Gates = Gates(UnsafeCell::new(Tables {
    segments: GlobalDescriptorTable::new(),
    gates: InterruptDescriptorTable::new(),
    task: TaskStateSegment::new(),
}));

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

/// Points every gate at its entry.
fn fill(gates: &mut InterruptDescriptorTable) {
    let first = VirtAddr::new_truncate(entries as *const () as u64);
    macro_rules! set {
        ($($vector:literal => $gate:ident,)*) => {$(
            // SAFETY: the entry of that vector; it needs nothing but the frame that the processor pushes.
            unsafe { gates.$gate.set_handler_addr(first + STRIDE * $vector) };
        )*};
    }
    set! {
        0 => divide_error, 1 => debug, 2 => non_maskable_interrupt, 3 => breakpoint, 4 => overflow,
        5 => bound_range_exceeded, 6 => invalid_opcode, 7 => device_not_available, 8 => double_fault, 10 => invalid_tss,
        11 => segment_not_present, 12 => stack_segment_fault, 13 => general_protection_fault, 14 => page_fault,
        16 => x87_floating_point, 17 => alignment_check, 18 => machine_check, 19 => simd_floating_point,
        20 => virtualization, 21 => cp_protection_exception,
    }
    // SAFETY: as above.
    unsafe { gates[TIMER as u8].set_handler_addr(first + STRIDE * 32) };
    // SAFETY: as above.
    let call = unsafe { gates[CALL as u8].set_handler_addr(first + STRIDE * 33) };
    call.set_privilege_level(PrivilegeLevel::Ring3);
    // SAFETY: as above.
    unsafe { gates[SPURIOUS as u8].set_handler_addr(first + STRIDE * 34) };
}
