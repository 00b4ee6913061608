//! x86-64, four levels, with global pages and without PCIDs.

pub(super) const LEVELS: usize = 4;
pub(super) const READ_WRITE: u64 = 0x8000_0000_0000_0063;
pub(super) const READ_ONLY: u64 = 0x8000_0000_0000_0021;
/// The same in spaces that are made at run time: global, and the processor sets the accessed and dirty bits.
pub(super) const GLOBAL_READ_WRITE: u64 = 0x8000_0000_0000_0103;
pub(super) const GLOBAL_READ_ONLY: u64 = 0x8000_0000_0000_0101;
/// All that says who may do what: other rights take the place of whatever a page had, as `Protect::access` does, and a page
/// of the user does not stay one. Of a page that cannot be written, the dirty bit would make a shadow stack.
pub(super) const RIGHTS: u64 = 0x8000_0000_0000_0046;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// CR4.PGE.
const GLOBAL: u64 = 1 << 7;
/// More pages than this are flushed as a whole.
const MANY: usize = 33;

pub(super) const fn leaf(frame: u64, flags: u64) -> u64 {
    frame | flags
}

/// What may be done is up to the leaves.
pub(super) const fn table(phys: u64) -> u64 {
    phys | 7
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
    execute!("invlpg [{}]", virt);
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
    let cr4 = read!("mov {}, cr4");
    execute!("mov cr4, {}", cr4 ^ GLOBAL);
    execute!("mov cr4, {}", cr4);
}

const PAT: u32 = 0x277;
const EFER: u32 = 0xc000_0080;
const NXE: u64 = 1 << 11;
const CACHES_OFF: u64 = 1 << 30;
const WRITE_PROTECT: u64 = 1 << 16;
const TAGGED: u64 = 1 << 17;

/// Makes the tables at `root` live under the memory types of `pat`.
pub(super) fn install(root: u64, pat: u64) -> bool {
    let (cr0, cr3, cr4) = (read!("mov {}, cr0"), read!("mov {}, cr3"), read!("mov {}, cr4"));
    let (efer, types) = (read_msr!(EFER), read_msr!(PAT));
    if cr3 == root && efer & NXE != 0 && types == pat && cr0 & WRITE_PROTECT != 0 && cr4 & GLOBAL != 0 {
        return true;
    }
    if efer & NXE == 0 {
        write_msr!(EFER, efer | NXE);
    }
    let flags = read_flags!();
    if types != pat {
        execute!("cli");
        execute!("mov cr0, {}", cr0 | CACHES_OFF);
        execute!("wbinvd");
    }
    if cr4 & GLOBAL != 0 {
        execute!("mov cr4, {}", cr4 & !GLOBAL);
    }
    if types != pat {
        if cr4 & GLOBAL == 0 && cr4 & TAGGED == 0 {
            execute!("mov cr3, {}", cr3);
        } else if cr4 & GLOBAL == 0 {
            execute!("mov cr4, {}", cr4 | GLOBAL);
            execute!("mov cr4, {}", cr4);
        }
        write_msr!(PAT, pat);
    }
    execute!("mov cr3, {}", root);
    execute!("mov cr4, {}", cr4 | GLOBAL);
    if types != pat {
        execute!("wbinvd");
    }
    if types != pat || cr0 & WRITE_PROTECT == 0 {
        execute!("mov cr0, {}", cr0 | WRITE_PROTECT);
    }
    if types != pat && flags & 0x200 != 0 {
        execute!("sti");
    }
    true
}

/// Root and PCID, and bit 63, which keeps what is cached.
pub(super) fn switch(word: u64) {
    execute!("mov cr3, {}", word);
}
