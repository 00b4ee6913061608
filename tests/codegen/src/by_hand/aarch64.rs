//! AArch64, EL1, 4 KiB granule, 39 bits.

pub(super) const LEVELS: usize = 3;
pub(super) const READ_WRITE: u64 = 0x0060_0000_0000_0707;
pub(super) const READ_ONLY: u64 = 0x0060_0000_0000_0787;
/// The same in spaces that are made at run time: none is of one ASID.
pub(super) const GLOBAL_READ_WRITE: u64 = READ_WRITE;
pub(super) const GLOBAL_READ_ONLY: u64 = READ_ONLY;
/// All that says who may do what: other rights take the place of whatever a page had, as `Protect::access` does. With the
/// one bit in which the two differ, a page that EL0 could read or execute would stay so.
pub(super) const RIGHTS: u64 = 0x0060_0000_0000_00c0;
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
    execute!("dsb nshst");
    execute!("isb");
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
    between_barriers(|| execute!("tlbi vmalle1"));
}

/// The leaf of one page, of every ASID.
fn invalidate_page(virt: u64) {
    let operand = virt >> 12 & 0xfff_ffff_ffff;
    execute!("tlbi vaale1, {}", operand);
}

fn between_barriers(invalidate: impl FnOnce()) {
    execute!("dsb nshst");
    invalidate();
    execute!("dsb nsh");
    execute!("isb");
}

/// Makes the tables at `root` live, with the MMU off until now.
pub(super) fn install(root: u64) -> bool {
    let (sctlr, line) = (read!("mrs {}, SCTLR_EL1"), read!("mrs {}, CTR_EL0"));
    if sctlr & 1 != 0 {
        return false;
    }
    let mut at = root;
    while at < root + 35 * 4096 {
        execute!("dc civac, {}", at);
        at += 4 << (line >> 16 & 15);
    }
    execute!("dsb sy");
    execute!("msr MAIR_EL1, {}", 0xff_u64);
    execute!("msr TCR_EL1, {}", 0x5_b519_3519_u64);
    execute!("msr TTBR0_EL1, {}", root);
    execute!("msr TTBR1_EL1, {}", root);
    execute!("isb");
    execute!("tlbi vmalle1");
    execute!("dsb nsh");
    execute!("ic iallu");
    execute!("dsb nsh");
    execute!("isb");
    execute!("msr SCTLR_EL1, {}", sctlr | 0x1005);
    execute!("isb");
    true
}

/// Root and ASID.
pub(super) fn switch(word: u64) {
    execute!("msr TTBR0_EL1, {}", word);
    execute!("isb");
}
