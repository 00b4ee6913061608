//! RISC-V, Sv39.

pub(super) const LEVELS: usize = 3;
pub(super) const READ_WRITE: u64 = 0xc7;
pub(super) const READ_ONLY: u64 = 0xc3;
/// The same in spaces that are made at run time, whose pages are global.
pub(super) const GLOBAL_READ_WRITE: u64 = 0xe7;
pub(super) const GLOBAL_READ_ONLY: u64 = 0xe3;
/// All that says who may do what: other rights take the place of whatever a page had, as `Protect::access` does, and a page
/// of the user does not stay one. A dirty bit stays, and means nothing without the right.
pub(super) const RIGHTS: u64 = 0x1e;
/// The valid bit, that of runs, and the reserved ones, which the cursor refuses by its contract: such an entry faults.
const PAGE: u64 = 0x9fc0_0000_0000_0001;
/// More pages than this are flushed as a whole.
const MANY: usize = 64;

pub(super) const fn leaf(frame: u64, flags: u64) -> u64 {
    frame >> 2 | flags
}

pub(super) const fn table(phys: u64) -> u64 {
    phys >> 2 | 1
}

/// Where an entry goes.
pub(super) const fn target(word: u64) -> u64 {
    word << 2 & 0x00ff_ffff_ffff_f000
}

pub(super) const fn is_present(word: u64) -> bool {
    word & 1 != 0
}

pub(super) const fn is_table(word: u64) -> bool {
    word & 0xf == 1
}

/// One of 4 KiB that is not part of a run.
pub(super) const fn is_page(word: u64) -> bool {
    word & PAGE == 1
}

pub(super) fn publish(virt: u64) {
    flush_page(virt);
}

pub(super) fn publish_run(start: u64, pages: usize) {
    flush_run(start, pages);
}

pub(super) fn flush_page(virt: u64) {
    execute!("sfence.vma {}, x0", virt);
}

pub(super) fn flush_run(start: u64, pages: usize) {
    if pages > MANY {
        return flush_everything();
    }
    for i in 0..pages as u64 {
        flush_page(start.wrapping_add(i << 12));
    }
}

pub(super) fn flush_everything() {
    execute!("sfence.vma x0, x0");
}

/// Makes the tables at `root` live, and goes back where the hart has no such mode.
pub(super) fn install(root: u64) -> bool {
    let word = 8 << 60 | root >> 12;
    let before = read!("csrr {}, satp");
    if before == word {
        return true;
    }
    flush_everything();
    execute!("csrw satp, {}", word);
    if read!("csrr {}, satp") == word {
        flush_everything();
        return true;
    }
    execute!("csrw satp, {}", before);
    flush_everything();
    false
}

/// Mode, ASID and root.
pub(super) fn switch(word: u64) {
    execute!("csrw satp, {}", word);
}
