//! AArch64, EL1, 4 KiB granule, 39 bits.

use core::arch::asm;

pub(super) const LEVELS: usize = 3;
pub(super) const READ_WRITE: u64 = 0x0060_0000_0000_0707;
pub(super) const READ_ONLY: u64 = 0x0060_0000_0000_0787;
/// What differs between the two.
pub(super) const RIGHTS: u64 = 0x80;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;
const CONTIGUOUS: u64 = 1 << 52;
/// More pages than this are flushed as a whole.
const MANY: usize = 512;

pub(super) const fn leaf(frame: u64, flags: u64) -> u64 {
    frame | flags
}

pub(super) const fn table(phys: u64) -> u64 {
    phys | 3
}

/// Where an entry goes.
pub(super) const fn target(word: u64) -> u64 {
    word & ADDRESS
}

pub(super) const fn is_present(word: u64) -> bool {
    word & 1 != 0
}

pub(super) const fn is_table(word: u64) -> bool {
    word & 3 == 3
}

/// One of 4 KiB that is not part of a run.
pub(super) const fn is_page(word: u64) -> bool {
    word & 3 == 3 && word & CONTIGUOUS == 0
}

pub(super) fn publish(_virt: u64) {
    // SAFETY: a barrier.
    unsafe { asm!("dsb nshst", options(nostack, preserves_flags)) };
    // SAFETY: a barrier.
    unsafe { asm!("isb", options(nostack, preserves_flags)) };
}

pub(super) fn publish_run(start: u64, _pages: usize) {
    publish(start);
}

pub(super) fn flush_page(virt: u64) {
    between_barriers(|| invalidate_page(virt));
}

pub(super) fn flush_run(start: u64, pages: usize) {
    if pages > MANY {
        return flush_everything();
    }
    between_barriers(|| (0..pages as u64).for_each(|i| invalidate_page(start.wrapping_add(i << 12))));
}

pub(super) fn flush_everything() {
    // SAFETY: an invalidation.
    between_barriers(|| unsafe { asm!("tlbi vmalle1", options(nostack, preserves_flags)) });
}

/// The leaf of one page, of every ASID.
fn invalidate_page(virt: u64) {
    let operand = virt >> 12 & 0xfff_ffff_ffff;
    // SAFETY: an invalidation.
    unsafe { asm!("tlbi vaale1, {}", in(reg) operand, options(nostack, preserves_flags)) };
}

fn between_barriers(invalidate: impl FnOnce()) {
    // SAFETY: a barrier.
    unsafe { asm!("dsb nshst", options(nostack, preserves_flags)) };
    invalidate();
    // SAFETY: a barrier.
    unsafe { asm!("dsb nsh", options(nostack, preserves_flags)) };
    // SAFETY: a barrier.
    unsafe { asm!("isb", options(nostack, preserves_flags)) };
}
