//! From the PVH entry to Rust in the top 2 GiB.

use core::arch::global_asm;

use example_maps::x86_64::q35_x86_64::kernel;
use tablature::space::Declared;
use tablature::x86_64::regs::{Derive, Words};

kit::displacement! {
    /// What the linker adds to a physical address of the image.
    pub(crate) const OFFSET: kernel { text, rodata, data, bss, table_pool }
}

// `ret`, and bytes to tell them apart by.
kit::word!(".switch_last" = 0x5a5a5ac3);
kit::word!(".text_last" = 0x3c3c3cc3);
kit::word!(".app_last" = 0xa5a5a5c3);

const _: () = assert!(kernel::switch::START == kernel::text::PHYS, "the entry is mapped where it runs");

/// A word of RAM outside the image that tells a second start-up from the first.
const COOKIE: u64 = kernel::physmap::PHYS + kernel::physmap::SIZE - 4096;

/// The map whose tables long mode is switched on with.
#[cfg(not(feature = "boot-filled"))]
type Start = kernel::Space;
#[cfg(feature = "boot-filled")]
type Start = example_maps::x86_64::q35_x86_64::start::Space;

const WORDS: Words = <<Start as Declared>::Regime as Derive<Start>>::WORDS;
/// Bytes from the first table to the root.
const ROOT: u64 = Start::SHAPE.root(false) as u64 * Start::FORMAT.table_size();

/// The start-up code, with the operand that has the physical address of the root.
macro_rules! start_up {
    ($root:literal, $number:expr) => {
        core_x86_64::start! {
            crate::main, section ".switch", text kernel::text::PHYS, offset OFFSET, words WORDS,
            root $root $number, stack kernel::stack::END, cookie COOKIE,
        }
    };
}

#[cfg(feature = "placed")]
start_up!("${root}", kernel::TABLES_AT + ROOT);
#[cfg(not(any(feature = "placed", feature = "boot-filled")))]
start_up!("$(__tablature_q35_x86_64_kernel - start + {root})", kernel::text::PHYS + ROOT);
#[cfg(feature = "boot-filled")]
start_up!("$(__tablature_q35_x86_64_start - start + {root})", kernel::text::PHYS + ROOT);

// What ring 3 runs, 16 bytes apart: rsi = address. `ud2` says that the access is done.
global_asm!(
    ".section .app, \"ax\", @progbits",
    "user_read:",
    "movl (%rsi), %edx",
    "ud2",
    ".balign 16",
    "user_write:",
    "movl (%rsi), %edx",
    "movl %edx, (%rsi)",
    "ud2",
    ".balign 16",
    "user_clear:",
    "movl $0, (%rsi)",
    "ud2",
    options(att_syntax)
);
