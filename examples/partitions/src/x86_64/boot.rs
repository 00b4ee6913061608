//! From the PVH entry to the first partition.

use core::panic::PanicInfo;

use core_x86_64::{Console, exit, give_up};
use tablature::space::{Declared, Installed, Switcher, enter, install};
use tablature::x86_64::regs::{Derive, Words};

use super::system::{boot, control};
use super::{Timer, segments};
use crate::rtos;

kit::displacement! {
    /// What the linker adds to a physical address of the kernel's image.
    const OFFSET: boot { text, rodata, kernel_data, table_pool, kernel_stack }
}

const _: () = assert!(boot::low_text::START == boot::text::PHYS && OFFSET != 0, "the entry is mapped where it runs");

/// A word of RAM outside the image that tells a second start-up from the first.
const COOKIE: u64 = 0x1f0_0000;
const WORDS: Words = <<boot::Space as Declared>::Regime as Derive<boot::Space>>::WORDS;
/// Bytes from the first table to the root.
const ROOT: u64 = boot::Space::SHAPE.root(false) as u64 * boot::Space::FORMAT.table_size();

core_x86_64::start! {
    main, section ".init", text boot::text::PHYS, offset OFFSET, words WORDS,
    root "${root}" boot::TABLES_AT + ROOT, stack boot::kernel_stack::END, cookie COOKIE,
}

extern "C" fn main() -> ! {
    // SAFETY: called once, in ring 0 with interrupts off.
    unsafe { segments::init() };
    // SAFETY: everything is mapped where it is linked, and this code runs there.
    let live = match unsafe { install::<boot::Space>() } {
        Ok(live) => live,
        Err(refusal) => panic!("{refusal}"),
    };
    // SAFETY: what this code uses is the kernel, which is the same in every space.
    let entered: Result<Installed<control::Space>, _> = unsafe { enter(live) };
    let live = match entered {
        Ok(live) => live,
        Err(error) => panic!("{error}"),
    };
    let Some(apic) = control::lapic::take(&live) else { exit(4) };
    // SAFETY: the only console.
    let Some(console) = (unsafe { Console::open() }) else { exit(4) };
    let mut switcher = Switcher::new(live);
    let spaces = rtos::spaces(&mut switcher);
    // SAFETY: called once, and traps lead there.
    unsafe { rtos::start(switcher, spaces, console, Timer::new(apic)) }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    give_up(format_args!("{info}"))
}
