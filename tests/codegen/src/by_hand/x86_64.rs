//! x86-64, four levels, with global pages and without PCIDs.

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

/// Reads a control register.
macro_rules! control {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: it is read.
        unsafe { asm!(concat!("mov {}, ", $name), out(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }};
}

/// Writes a control register, or does what has no operand.
macro_rules! system {
    ($text:literal $(, $value:expr)?) => {
        // SAFETY: the tables map what is in use, and what is set has been found.
        unsafe { asm!($text $(, in(reg) $value)?, options(nostack)) }
    };
}

const PAT: u32 = 0x277;
const EFER: u32 = 0xc000_0080;
const NXE: u64 = 1 << 11;
const CACHES_OFF: u64 = 1 << 30;
const WRITE_PROTECT: u64 = 1 << 16;
const TAGGED: u64 = 1 << 17;

/// Makes the tables at `root` live under the memory types of `pat`.
pub(super) fn install(root: u64, pat: u64) -> bool {
    let (cr0, cr3, cr4) = (control!("cr0"), control!("cr3"), control!("cr4"));
    let (efer, types) = (read_msr(EFER), read_msr(PAT));
    if cr3 == root && efer & NXE != 0 && types == pat && cr0 & WRITE_PROTECT != 0 && cr4 & GLOBAL != 0 {
        return true;
    }
    if efer & NXE == 0 {
        write_msr(EFER, efer | NXE);
    }
    let flags: u64;
    // SAFETY: it is read.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags) };
    if types != pat {
        system!("cli");
        system!("mov cr0, {}", cr0 | CACHES_OFF);
        system!("wbinvd");
    }
    if cr4 & GLOBAL != 0 {
        system!("mov cr4, {}", cr4 & !GLOBAL);
    }
    if types != pat {
        if cr4 & GLOBAL == 0 && cr4 & TAGGED == 0 {
            system!("mov cr3, {}", cr3);
        } else if cr4 & GLOBAL == 0 {
            system!("mov cr4, {}", cr4 | GLOBAL);
            system!("mov cr4, {}", cr4);
        }
        write_msr(PAT, pat);
    }
    system!("mov cr3, {}", root);
    system!("mov cr4, {}", cr4 | GLOBAL);
    if types != pat {
        system!("wbinvd");
    }
    if types != pat || cr0 & WRITE_PROTECT == 0 {
        system!("mov cr0, {}", cr0 | WRITE_PROTECT);
    }
    if types != pat && flags & 0x200 != 0 {
        system!("sti");
    }
    true
}

fn read_msr(number: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: it is read.
    unsafe {
        asm!("rdmsr", in("ecx") number, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags))
    };
    u64::from(low) | u64::from(high) << 32
}

fn write_msr(number: u32, value: u64) {
    // SAFETY: the caller has a value that the processor has.
    unsafe {
        asm!("wrmsr", in("ecx") number, in("eax") value as u32, in("edx") (value >> 32) as u32, options(nostack))
    };
}
