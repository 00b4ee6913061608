//! Segments, task state and gates.

use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable};
use x86_64::structures::idt::InterruptDescriptorTable;
use x86_64::structures::tss::TaskStateSegment;

/// Selectors in the order in which [`Tables::load`] appends their descriptors.
pub const USER_DATA: u16 = 3 << 3 | 3;
/// The code of ring 3.
pub const USER_CODE: u16 = 4 << 3 | 3;
/// Bytes between the entries of two vectors.
pub const ENTRY_STRIDE: u64 = 16;

/// What the processor is told of segments, stacks and exceptions.
pub struct Tables {
    segments: GlobalDescriptorTable,
    /// Where exceptions and interrupts lead.
    pub gates: InterruptDescriptorTable,
    /// The stacks they find.
    pub task: TaskStateSegment,
}

impl Tables {
    /// Empty ones.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            segments: GlobalDescriptorTable::new(),
            gates: InterruptDescriptorTable::new(),
            task: TaskStateSegment::new(),
        }
    }

    /// Points the gate of every exception at its entry: that of vector 0 is at `entries`, the others behind it.
    ///
    /// # Safety
    /// The entries need nothing but the frame that the processor pushes.
    pub unsafe fn point(&mut self, entries: VirtAddr) {
        let gates = &mut self.gates;
        macro_rules! set {
            ($($vector:literal => $gate:ident,)*) => {$(
                // SAFETY: the caller vouches for the entry of that vector.
                unsafe { gates.$gate.set_handler_addr(entries + ENTRY_STRIDE * $vector) };
            )*};
        }
        set! {
            0 => divide_error, 1 => debug, 2 => non_maskable_interrupt, 3 => breakpoint, 4 => overflow,
            5 => bound_range_exceeded, 6 => invalid_opcode, 7 => device_not_available, 8 => double_fault, 10 => invalid_tss,
            11 => segment_not_present, 12 => stack_segment_fault, 13 => general_protection_fault, 14 => page_fault,
            16 => x87_floating_point, 17 => alignment_check, 18 => machine_check, 19 => simd_floating_point,
            20 => virtualization, 21 => cp_protection_exception,
        }
    }

    /// Loads segments, task state and gates.
    ///
    /// # Safety
    /// They are in a static, called once, by the only processor, in ring 0 with interrupts off.
    pub unsafe fn load(&mut self) {
        let code = self.segments.append(Descriptor::kernel_code_segment());
        let data = self.segments.append(Descriptor::kernel_data_segment());
        self.segments.append(Descriptor::user_data_segment());
        self.segments.append(Descriptor::user_code_segment());
        // SAFETY: the task state is in a static.
        let task = unsafe { Descriptor::tss_segment_unchecked(&raw const self.task) };
        let task = self.segments.append(task);
        // SAFETY: in a static, and nothing changes it any more.
        unsafe { self.segments.load_unsafe() };
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
        // SAFETY: in a static, and nothing changes it any more.
        unsafe { self.gates.load_unsafe() };
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}
