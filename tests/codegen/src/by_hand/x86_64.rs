//! x86-64, four levels, without PCIDs.

use core::arch::asm;

pub(super) const LEVELS: usize = 4;
pub(super) const READ_WRITE: u64 = 0x8000_0000_0000_0063;
pub(super) const READ_ONLY: u64 = 0x8000_0000_0000_0021;
/// What differs between the two.
pub(super) const RIGHTS: u64 = 0x42;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// CR4.PGE.
const GLOBAL: u64 = 1 << 7;
/// More pages than this are flushed as a whole.
const MANY: usize = 33;

pub(super) const fn leaf(frame: u64, flags: u64) -> u64 {
    frame | flags
}

pub(super) const fn table(phys: u64) -> u64 {
    phys | 0x23
}

/// Where an entry goes.
pub(super) const fn target(word: u64) -> u64 {
    word & ADDRESS
}

pub(super) const fn is_present(word: u64) -> bool {
    word & 1 != 0
}

pub(super) const fn is_table(word: u64) -> bool {
    word & 0x81 == 1
}

/// One of 4 KiB.
pub(super) const fn is_page(word: u64) -> bool {
    word & 1 != 0
}

/// What becomes present is cached nowhere.
pub(super) fn publish(_virt: u64) {}

pub(super) fn publish_run(_start: u64, _pages: usize) {}

pub(super) fn flush_page(virt: u64) {
    // SAFETY: an invalidation.
    unsafe { asm!("invlpg [{}]", in(reg) virt, options(nostack, preserves_flags)) };
}

pub(super) fn flush_run(start: u64, pages: usize) {
    if pages > MANY {
        return flush_everything();
    }
    for i in 0..pages as u64 {
        flush_page(start.wrapping_add(i << 12));
    }
}

/// A change of CR4.PGE drops what is global, too.
pub(super) fn flush_everything() {
    let cr4: u64;
    // SAFETY: it is read.
    unsafe { asm!("mov {}, cr4", out(reg) cr4, options(nomem, nostack, preserves_flags)) };
    // SAFETY: without it, global translations are ordinary ones.
    unsafe { asm!("mov cr4, {}", in(reg) cr4 ^ GLOBAL, options(nostack, preserves_flags)) };
    // SAFETY: as it was.
    unsafe { asm!("mov cr4, {}", in(reg) cr4, options(nostack, preserves_flags)) };
}
