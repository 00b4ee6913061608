//! From OpenSBI to the upper half, and the end.

use core::arch::{asm, global_asm, naked_asm};
use core::fmt::Write as _;
use core::panic::PanicInfo;

use example_maps::riscv64::TABLES_AT;
use example_maps::riscv64::virt_riscv64::{self as map, kernel};
use probe::{Register, Width};
use qemu_exit::{QEMUExit as _, RISCV64};
use tablature::layout::{Layout, count_regions};
use tablature::riscv::{Extensions, install_on};
use tablature::space::{Installed, Refusal};

use crate::console::{Console, refuse};
use crate::machine::Testimony;
use crate::{isa, trap};

/// Virtual minus physical address of everything in the image.
pub(crate) const RISE: u64 = kernel::text::START - kernel::text::PHYS;

#[cfg(feature = "placed")]
const _: () = assert!(kernel::TABLES_AT == TABLES_AT, "the linker puts the tables where they are declared");

const _: () = {
    assert!(kernel::rodata::START - kernel::rodata::PHYS == RISE, "the image is linked with one displacement");
    assert!(kernel::data::START - kernel::data::PHYS == RISE, "the image is linked with one displacement");
    assert!(kernel::stack::START - kernel::stack::PHYS == RISE, "the image is linked with one displacement");
};

// What the linker script needs to know of the declaration.
global_asm!(
    ".globl map_text, map_text_phys, map_text_size",
    "map_text = {text}",
    "map_text_phys = {text_phys}",
    "map_text_size = {text_size}",
    ".globl map_rodata, map_rodata_phys, map_rodata_size",
    "map_rodata = {rodata}",
    "map_rodata_phys = {rodata_phys}",
    "map_rodata_size = {rodata_size}",
    ".globl map_data, map_data_phys, map_data_size",
    "map_data = {data}",
    "map_data_phys = {data_phys}",
    "map_data_size = {data_size}",
    ".globl map_stack, map_stack_phys, map_stack_size",
    "map_stack = {stack}",
    "map_stack_phys = {stack_phys}",
    "map_stack_size = {stack_size}",
    ".globl map_tables_phys",
    "map_tables_phys = {tables}",
    text = const kernel::text::START,
    text_phys = const kernel::text::PHYS,
    text_size = const kernel::text::SIZE,
    rodata = const kernel::rodata::START,
    rodata_phys = const kernel::rodata::PHYS,
    rodata_size = const kernel::rodata::SIZE,
    data = const kernel::data::START,
    data_phys = const kernel::data::PHYS,
    data_size = const kernel::data::SIZE,
    stack = const kernel::stack::START,
    stack_phys = const kernel::stack::PHYS,
    stack_size = const kernel::stack::SIZE,
    tables = const TABLES_AT,
);

/// Entered by OpenSBI at its physical address, in S-mode, without translation.
///
/// `riscv-rt` does not fit here: its first instructions jump to the link address of the rest, which is not mapped yet,
/// and it zeroes `.bss` in a loop, which the loader of the ELF image has done.
///
/// # Safety
/// For OpenSBI only, once.
#[unsafe(naked)]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".init")]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "csrw sie, zero",
        "csrw sscratch, zero",
        "lla sp, stack_end",
        "mv s0, zero",
        "tail {on_reset}",
        on_reset = sym on_reset,
    )
}

/// Runs without translation at physical addresses; every address in the code is relative to the program counter, and
/// nothing here may follow a pointer that the linker wrote.
extern "C" fn on_reset(_hart: usize, tree: usize) -> ! {
    #[cfg(feature = "boot-filled")]
    // SAFETY: the MMU is off, and the hart comes here once.
    if !unsafe { crate::fill::fill() } {
        refuse();
    }
    // SAFETY: OpenSBI passes the device tree in `a1`.
    let extensions = unsafe { isa::extensions(tree) };
    // SAFETY: the `switch` regions map the running code, its constants and its stack to where they are now; `refuse` and
    // `rise` touch nothing else. The device tree tells the truth.
    match unsafe { install_map(extensions) } {
        // SAFETY: the map is live.
        Ok(_) => unsafe { rise(tree) },
        Err(_) => refuse(),
    }
}

/// Installs the map, as a function of its own: `cargo xtask demo` counts its instructions.
///
/// # Safety
///
/// That of [`install_on`] for the space `kernel`.
#[unsafe(no_mangle)]
#[inline(never)]
unsafe fn install_map(extensions: Extensions) -> Result<Installed<kernel::Space>, Refusal> {
    // SAFETY: the caller vouches for it.
    unsafe { install_on::<kernel::Space>(extensions) }
}

/// Goes on at the same place of the image in the upper half, in [`main`].
///
/// # Safety
/// `kernel` is live, and the code runs at physical addresses.
unsafe fn rise(tree: usize) -> ! {
    // SAFETY: text and stack are mapped `RISE` above where they are; nothing on the stack is needed any more.
    unsafe {
        asm!(
            "add sp, sp, {rise}",
            "lla t0, {main}",
            "add t0, t0, {rise}",
            "mv s0, zero",
            "mv ra, zero",
            "jr t0",
            rise = in(reg) RISE,
            main = sym main,
            in("a0") tree,
            options(noreturn),
        )
    }
}

/// Device registers that may be read, and written with what they hold; at least one in each leaf.
const REGISTERS: &[Register] = &[
    // 16550: scratch register.
    Register { region: "uart0", offset: 0x7, width: Width::Byte, marks: Some([0x5a, 0xa5]) },
    // PLIC: priority of source 1, and threshold of this hart's S-mode.
    Register { region: "plic", offset: 0x4, width: Width::Word, marks: Some([1, 2]) },
    Register { region: "plic", offset: 0x20_1000, width: Width::Word, marks: Some([1, 2]) },
    // Goldfish RTC: upper half of the alarm time, in effect only after a write to the lower half.
    Register { region: "rtc", offset: 0xc, width: Width::Word, marks: Some([1, 2]) },
    // The test device, which takes 0 for nothing to do and always reads as 0. That it is where it should be shows at the
    // end, when it ends the emulation.
    Register { region: "test", offset: 0x0, width: Width::Word, marks: Some([0, 0]) },
    virtio(0),
    virtio(1),
    virtio(2),
    virtio(3),
    virtio(4),
    virtio(5),
    virtio(6),
    virtio(7),
];

/// The magic value of a virtio device over MMIO.
const fn virtio(number: u64) -> Register {
    Register { region: "virtio", offset: number * 0x1000, width: Width::Word, marks: None }
}

/// Where the regions lie.
static LAYOUT: Layout<{ count_regions(map::MAP) }> = Layout::of(map::MAP);

extern "C" fn main(tree: usize) -> ! {
    trap::take_over();
    // SAFETY: the device tree lies in RAM behind the image, which `physmap` maps.
    let extensions = unsafe { isa::extensions(tree + (kernel::physmap::START - kernel::physmap::PHYS) as usize) };
    // SAFETY: everything in the image is mapped where it is linked, and this code runs there.
    let again = unsafe { install_map(extensions) };
    let Ok(live) = again else { exit(kernel::test::START, 4) };
    let Some(mut console) = kernel::uart0::take(&live).and_then(Console::new) else { exit(kernel::test::START, 4) };
    let report = probe::run(&mut Testimony, &mut console, (map::MAP, &LAYOUT, 0), REGISTERS);
    let good = match report {
        Ok(report) => writeln!(console, "{report}").is_ok() && report.is_good(),
        Err(_) => false,
    };
    exit(kernel::test::START, if good { 0 } else { 1 })
}

/// Ends the emulation with that status. Where the test device is depends on whether the map is live.
pub(crate) fn exit(test: u64, status: u32) -> ! {
    // SAFETY: QEMU's test device is at `test`.
    let device = unsafe { RISCV64::new(test) };
    if status == 0 { device.exit_success() } else { device.exit(status) }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: a panic is reached only in the upper half, where the map is live, and nobody goes on after it.
    if let Some(mut console) = unsafe { Console::last(kernel::uart0::START) } {
        // The console cannot fail, and there is nobody left to tell.
        let _ = writeln!(console, "{info}");
    }
    exit(kernel::test::START, 2)
}
