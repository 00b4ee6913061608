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

/// Executes one instruction with an operand, which the callers answer for.
macro_rules! system {
    ($text:literal $(, $value:expr)?) => {
        // SAFETY: barriers and invalidations are sound; registers get what maps the code that runs.
        unsafe { asm!($text $(, in(reg) $value)?, options(nostack, preserves_flags)) }
    };
}

/// Makes the tables at `root` live, with the MMU off until now.
pub(super) fn install(root: u64) -> bool {
    let (sctlr, line): (u64, u64);
    // SAFETY: it is read.
    unsafe { asm!("mrs {}, SCTLR_EL1", out(reg) sctlr, options(nomem, nostack, preserves_flags)) };
    // SAFETY: it is read.
    unsafe { asm!("mrs {}, CTR_EL0", out(reg) line, options(nomem, nostack, preserves_flags)) };
    if sctlr & 1 != 0 {
        return false;
    }
    let mut at = root;
    while at < root + 35 * 4096 {
        system!("dc civac, {}", at);
        at += 4 << (line >> 16 & 15);
    }
    system!("dsb sy");
    system!("msr MAIR_EL1, {}", 0xff_u64);
    system!("msr TCR_EL1, {}", 0x5_b519_3519_u64);
    system!("msr TTBR0_EL1, {}", root);
    system!("msr TTBR1_EL1, {}", root);
    system!("isb");
    system!("tlbi vmalle1");
    system!("dsb nsh");
    system!("ic iallu");
    system!("dsb nsh");
    system!("isb");
    system!("msr SCTLR_EL1, {}", sctlr | 0x1005);
    system!("isb");
    true
}
