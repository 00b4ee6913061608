//! Something of every section, and too much of one.

use core::arch::global_asm;
use core::hint::black_box;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU64, Ordering};

#[cfg(target_arch = "aarch64")]
use crate::map::board_aarch64 as board;
#[cfg(target_arch = "riscv64")]
use crate::map::board_riscv64 as board;
#[cfg(target_arch = "x86_64")]
use crate::map::board_x86_64 as board;

/// More than a page.
const TOO_MUCH: usize = 5000;

const fn bytes(is_too_much: bool, few: usize) -> usize {
    if is_too_much { TOO_MUCH } else { few }
}

static CONSTANTS: [u64; bytes(cfg!(feature = "rodata"), 8) / 8] = [7; _];
static COUNT: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = ".data.numbers")]
static NUMBERS: [AtomicU64; bytes(cfg!(feature = "data"), 8) / 8] = [const { AtomicU64::new(5) }; _];
static ZEROS: [AtomicU64; bytes(cfg!(feature = "bss"), 8) / 8] = [const { AtomicU64::new(0) }; _];
/// What else is in the pool of tables: some, or more than it has room for.
#[unsafe(link_section = ".table_memory")]
static POOL: [AtomicU64; bytes(cfg!(feature = "pool"), 64) * 2] = [const { AtomicU64::new(0) }; _];
/// In a section of which no script knows.
#[unsafe(link_section = ".odd")]
static ODD: [u8; bytes(cfg!(feature = "orphan"), 8)] = [3; _];

global_asm!(".pushsection .note.own, \"a\"", ".long 7", ".popsection");
#[cfg(feature = "text")]
global_asm!(".pushsection .text.much, \"ax\"", ".globl much", "much: .skip 5000", ".popsection");
#[cfg(feature = "unaligned")]
global_asm!(".pushsection .text.much, \"ax\"", ".globl much", ".balign 0x400000", "much: .skip 4", ".popsection");
#[cfg(not(any(feature = "text", feature = "unaligned")))]
global_asm!(".pushsection .text.much, \"ax\"", ".globl much", "much: .skip 4", ".popsection");
#[cfg(feature = "max")]
global_asm!(".globl __text_surplus", ".set __text_surplus, 1");
// In front of all other code.
#[cfg(feature = "entry")]
global_asm!(".pushsection .init, \"ax\"", ".globl first", "first: .skip 16", ".popsection");

unsafe extern "C" {
    static much: u8;
    static __bss_end: u8;
    #[cfg(feature = "entry")]
    static first: u8;
}

/// Names everything, so that nothing is left out.
#[unsafe(no_mangle)]
#[cfg_attr(feature = "entry", unsafe(link_section = ".text.start"))]
#[cfg_attr(not(feature = "entry"), unsafe(link_section = ".init.start"))]
extern "C" fn _start() -> ! {
    black_box((&CONSTANTS, &COUNT, &NUMBERS, &ZEROS, &POOL, &ODD, &raw const much, &raw const __bss_end));
    #[cfg(feature = "entry")]
    black_box(&raw const first);
    black_box(board::kernel::Space::tables());
    COUNT.store(1, Ordering::Relaxed);
    loop {}
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
