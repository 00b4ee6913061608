//! From the PVH entry to Rust in the top 2 GiB.

use core::arch::global_asm;

use example_maps::x86_64::q35_x86_64::kernel;
use tablature::space::Declared;
use tablature::x86_64::regs::{Derive, Words};

use crate::exit::FAILURE_PORT;

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

/// The start-up code, with the instruction that loads the physical address of the root into eax.
macro_rules! start_up {
    ($load_root:literal, $root:expr) => {
        global_asm!(
            ".macro load_root",
            $load_root,
            ".endm",
            include_str!("boot.s"),
            root = const $root,
            phys = const kernel::text::PHYS,
            offset = const OFFSET,
            cookie = const COOKIE,
            failure_port = const FAILURE_PORT,
            cr4 = const WORDS.start_cr4(),
            efer = const WORDS.start_efer(),
            cr0 = const WORDS.start_cr0(),
            stack_top = const kernel::stack::END,
            main = sym crate::main,
            options(att_syntax)
        );
    };
}

#[cfg(feature = "placed")]
start_up!("movl ${root}, %eax", kernel::TABLES_AT + ROOT);
#[cfg(not(any(feature = "placed", feature = "boot-filled")))]
start_up!("movl $(__tablature_q35_x86_64_kernel - start + {root}), %eax", kernel::text::PHYS + ROOT);
#[cfg(feature = "boot-filled")]
start_up!("movl $(__tablature_q35_x86_64_start - start + {root}), %eax", kernel::text::PHYS + ROOT);
