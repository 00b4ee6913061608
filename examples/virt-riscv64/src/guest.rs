//! The G-stage as a machine that can be asked: by the loads and stores that the hypervisor makes for a guest, and by
//! excursions to VS-mode, whose own translation is off.

use core::arch::asm;
use core::fmt::Write;

use example_maps::riscv64::virt_riscv64::{self as map, guest};
use kit::Memory;
use probe::trial::{LANDING, Try, attempt};
use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};
use tablature::layout::{Layout, count_regions};
use tablature::riscv::{Extensions, install_on};
use tablature::space::Declared as _;

use crate::machine::in_physmap;
use crate::start::RISE;
use crate::trap::refusal;

static MEMORY: Memory<{ guest::Space::WORDS }> = Memory::new(guest::Space::ALIGNMENT);

/// Makes the guest's tables live beside the kernel's, and lets the hardware testify for them.
///
/// # Safety
/// Called once, in the upper half, with the map of the kernel live and on a hart with these extensions.
pub(crate) unsafe fn testify(
    out: &mut dyn Write,
    layout: &'static Layout<{ count_regions(map::MAP) }>,
    extensions: Extensions,
) -> bool {
    // SAFETY: the first call.
    if let Err(error) = unsafe { MEMORY.fill(RISE, guest::Space::fill) } {
        panic!("guest: {error}");
    }
    // SAFETY: nothing of the program is translated by the G-stage.
    match unsafe { install_on::<guest::Space>(extensions) } {
        Ok(_) => probe::testify(&mut Guest, out, (map::MAP, layout, guest::Space::INDEX), &[]),
        Err(refusal) => panic!("guest: {refusal}"),
    }
}

/// The guest-physical addresses.
pub(crate) struct Guest;

impl Machine for Guest {
    const WALKS: bool = false;

    /// The G-stage does not ask which privilege of the guest makes an access.
    fn translate(&mut self, spot: &Spot, right: Right, _: Who) -> Walk {
        let allowed = match right {
            Right::Read => return self.reach(spot),
            Right::Write => self.write(spot.virt, spot.width),
            Right::Execute => return Walk::Silent,
        };
        if allowed.is_ok() { Walk::Same } else { Walk::Nowhere }
    }

    fn memory(&mut self, _: u64) -> Option<u8> {
        None
    }

    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault> {
        attempt(Try::Data, refusal, || width.pick(load_byte, load_word)(virt))
    }

    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault> {
        let found = self.read(virt, width).unwrap_or(0);
        let store = match width {
            Width::Byte => store_byte,
            Width::Word => store_word,
        };
        attempt(Try::Data, refusal, || store(virt, found))
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        attempt(Try::User, refusal, || run_as_guest(virt))
    }

    fn is_harmless(&self, word: u32) -> bool {
        // `c.jr ra`, the defined illegal instruction, `jalr zero, 0(ra)`.
        matches!(word as u16, 0x8082 | 0) || word == 0x0000_8067
    }
}

#[cfg(feature = "churn")]
impl churn::Bench for Guest {
    const RETURN: u32 = crate::edit::RETURN;

    fn store(&mut self, phys: u64, word: u32) {
        crate::edit::store(phys, word);
    }
}

impl Guest {
    /// Whether a mark that the kernel stores shows at `spot`.
    fn reach(&mut self, spot: &Spot) -> Walk {
        if self.read(spot.virt, spot.width).is_err() {
            return Walk::Nowhere;
        }
        let (Some(phys), Some(marks)) = (spot.phys, spot.marks) else {
            return Walk::Other;
        };
        let place = in_physmap(phys);
        // SAFETY: the guest's memory is mapped there, and nobody but the guest and this code uses it.
        let before = unsafe { place.read_volatile() };
        let mut same = true;
        for mark in marks {
            // SAFETY: as above.
            unsafe { place.write_volatile(mark) };
            same &= self.read(spot.virt, spot.width) == Ok(mark);
        }
        // SAFETY: as above.
        unsafe { place.write_volatile(before) };
        if same { Walk::Same } else { Walk::Other }
    }
}

/// Defines a load and a store for a guest: `hlv` and `hsv` of one width (PRIV "Hypervisor Extension", "Hypervisor Virtual
/// Machine Load and Store Instructions"), spelled out for assemblers without the extension.
macro_rules! accesses {
    ($load:ident: $load_text:literal, $store:ident: $store_text:literal) => {
        fn $load(virt: u64) -> u32 {
            let value: u64;
            // SAFETY: the engine asks for memory of the guest; a fault is caught by the handler.
            unsafe { asm!($load_text, in("a0") virt, lateout("a1") value, clobber_abi("C")) };
            value as u32
        }

        fn $store(virt: u64, value: u32) {
            // SAFETY: the word keeps its value; a fault is caught by the handler.
            unsafe { asm!($store_text, in("a0") virt, in("a1") value, clobber_abi("C")) };
        }
    };
}

// `hlv.bu a1, (a0)`, `hsv.b a1, (a0)`; `hlv.w a1, (a0)`, `hsv.w a1, (a0)`.
accesses!(load_byte: ".insn r 0x73, 4, 0x30, a1, a0, x1", store_byte: ".insn r 0x73, 4, 0x31, x0, a0, a1");
accesses!(load_word: ".insn r 0x73, 4, 0x34, a1, a0, x0", store_word: ".insn r 0x73, 4, 0x35, x0, a0, a1");

/// Calls an address in VS-mode, with a return address where the guest has nothing.
fn run_as_guest(virt: u64) {
    // SAFETY: what lies there cannot do more than a guest may; the trap that ends it comes back behind the `sret`, with
    // the registers that a function keeps.
    unsafe {
        asm!(
            "lla t0, 2f",
            "sd t0, 0({landing})",
            "mv ra, {nowhere}",
            "csrw sepc, a0",
            // sstatus.SPP, hstatus.SPV: to VS-mode.
            "li t0, 0x100",
            "csrs sstatus, t0",
            "li t0, 0x80",
            "csrs 0x600, t0",
            "csrw sscratch, sp",
            "sret",
            ".balign 4",
            "2:",
            landing = in(reg) LANDING.as_ptr(),
            nowhere = in(reg) guest::null::START,
            in("a0") virt,
            out("t0") _,
            out("ra") _,
            clobber_abi("C"),
        );
    }
}

/// Sees to it that the trap which is being handled returns to the kernel, and not to a guest.
pub(crate) fn leave() {
    // SAFETY: hstatus.SPV says which of the two `sret` goes to.
    unsafe { asm!("csrc 0x600, {}", in(reg) 0x80_u64, options(nomem, nostack)) };
}
