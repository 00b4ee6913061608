//! What the MMU says about stage 2: a guest without tables of its own.

use core::arch::{asm, naked_asm};

use aarch64_cpu::registers::{SCTLR_EL1, VBAR_EL1, Writeable as _};
use probe::trial::{LANDING, Try, attempt};
use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};

use crate::ask::{guest_read, guest_write};
use crate::core::{RETURN, UNDEFINED, refusal, walk};

/// A guest at EL1 whose stage 1 is off, under the stage 2 translation in force. This code runs at EL2.
pub struct Guest(());

impl Guest {
    /// The guest.
    ///
    /// # Safety
    /// Stage 2 maps the section `.text.guest` to itself, executable, and nothing at `guard`; nobody uses EL1.
    #[must_use]
    pub unsafe fn new(guard: u64) -> Self {
        // The RES1 bits of Armv8.0, and stage 1 off.
        SCTLR_EL1.set(0x30d0_0800);
        // An exception that stays at EL1 becomes a refused fetch of its vector.
        VBAR_EL1.set(guard);
        Self(())
    }
}

impl Machine for Guest {
    const WALKS: bool = true;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        match (right, who) {
            (Right::Read, Who::Kernel) => walk(guest_read(spot.virt), spot.virt),
            (Right::Write, Who::Kernel) => walk(guest_write(spot.virt), spot.virt),
            // `execute` tries it; and stage 2 does not tell the guest's levels apart.
            _ => Walk::Silent,
        }
    }

    /// What the two stages make of it together is in PAR_EL1, not what stage 2 says.
    fn memory(&mut self, _: u64) -> Option<u8> {
        None
    }

    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault> {
        let code = if width == Width::Byte { load_byte } else { load_word };
        attempt(Try::Data, refusal, || descend(code as *const () as u64, virt, 0))
    }

    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault> {
        let value = self.read(virt, width).unwrap_or(0);
        let code = if width == Width::Byte { store_byte } else { store_word };
        attempt(Try::Data, refusal, || {
            descend(code as *const () as u64, virt, value);
        })
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        attempt(Try::User, refusal, || {
            descend(virt, virt, 0);
        })
    }

    fn is_harmless(&self, word: u32) -> bool {
        word == RETURN || word == UNDEFINED
    }
}

/// Runs `code` at EL1 with `virt` in x0 and `value` in w1, until it comes back: what it leaves in w1.
///
/// It returns to an `hvc`.
fn descend(code: u64, virt: u64, value: u32) -> u32 {
    let left: u64;
    // SAFETY: the code is one of the functions here, or harmless; the exception that ends it comes back behind the `eret`,
    // with the registers that a function keeps.
    unsafe {
        asm!(
            "adr x3, 2f",
            "str x3, [{landing}]",
            "msr elr_el2, {code}",
            "msr spsr_el2, {el1}",
            "eret",
            "2:",
            landing = in(reg) LANDING.as_ptr(),
            code = in(reg) code,
            el1 = in(reg) 0x3c5u64,
            in("x0") virt,
            inlateout("x1") u64::from(value) => left,
            in("x30") leave as *const () as u64,
            out("x3") _,
            clobber_abi("C"),
        );
    }
    left as u32
}

macro_rules! codes {
    ($($name:ident: $($text:literal),+;)*) => { $(
        /// # Safety
        /// For [`descend`] only.
        #[unsafe(naked)]
        #[unsafe(link_section = ".text.guest")]
        unsafe extern "C" fn $name() {
            naked_asm!($($text),+)
        }
    )* };
}

codes! {
    load_byte: "ldrb w1, [x0]", "hvc #0";
    load_word: "ldr w1, [x0]", "hvc #0";
    store_byte: "strb w1, [x0]", "hvc #0";
    store_word: "str w1, [x0]", "hvc #0";
    leave: "hvc #0", "ret";
}
