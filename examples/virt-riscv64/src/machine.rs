//! What the MMU does, observed by access: marks are written without translation and looked for with it.

use core::arch::{asm, naked_asm};
use core::mem::transmute;

use example_maps::riscv64::virt_riscv64::kernel;
use probe::trial::{LANDING, Try, attempt};
use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};
use riscv::register::sstatus;
use tablature::space::Declared as _;

use crate::start::RISE;
use crate::trap::refusal;

/// Words that are compared where nothing may be written.
const COMPARED: u64 = 8;
/// A mark for the lower half of an entry of live tables: a bit that is for software (PRIV "Supervisor-Level ISA", "Sv39:
/// Addressing and Memory Protection"). The upper half has none.
const TABLE_MARK: u32 = 1 << 8;

/// The hart this runs on.
pub(crate) struct Testimony;

impl Machine for Testimony {
    const WALKS: bool = false;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        match (right, who) {
            (Right::Read, Who::Kernel) => self.reach(spot),
            // Only an access tells, and the engine makes it.
            (Right::Write | Right::Execute, Who::Kernel) => Walk::Silent,
            (Right::Read, Who::User) => self.as_user(|this| this.read(spot.virt, spot.width).is_ok()),
            (Right::Write, Who::User) if spot.marks.is_none() => Walk::Silent,
            (Right::Write, Who::User) => self.as_user(|this| this.write(spot.virt, spot.width).is_ok()),
            (Right::Execute, Who::User) => match attempt(Try::User, refusal, || run_as_user(spot.virt)) {
                Ok(()) => Walk::Same,
                Err(_) => Walk::Nowhere,
            },
        }
    }

    fn memory(&mut self, _: u64) -> Option<u8> {
        None
    }

    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault> {
        attempt(Try::Data, refusal, || width.pick(load_byte, load_word)(virt))
    }

    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault> {
        attempt(Try::Data, refusal, || width.pick(store_byte, store_word)(virt))
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        // QEMU before 8.1 lets S-mode fetch from a user page by the translation that a load before it has left. The
        // tables are to answer, so the fetch has to walk.
        riscv::asm::sfence_vma_all();
        attempt(Try::Call, refusal, || call(virt))
    }

    fn is_harmless(&self, word: u32) -> bool {
        // `c.jr ra`, the defined illegal instruction, `jalr zero, 0(ra)`.
        matches!(word as u16, 0x8082 | 0) || word == 0x0000_8067 || is_sure_to_fault(word)
    }
}

impl Testimony {
    /// Whether `spot` reaches the physical address it should.
    fn reach(&mut self, spot: &Spot) -> Walk {
        if self.read(spot.virt, spot.width).is_err() {
            return Walk::Nowhere;
        }
        let Some(phys) = spot.phys else {
            return Walk::Other;
        };
        let same = match spot.marks {
            Some(_) if is_table(phys) && phys.is_multiple_of(8) => {
                let mark = peek(phys, spot.width) ^ TABLE_MARK;
                observe(spot.virt, phys, mark, spot.width) == mark
            }
            Some(_) if is_table(phys) => self.is_alike(spot.virt, phys),
            Some(marks) if !is_live_code(phys) || self.is_uniform(spot.virt) => {
                marks.into_iter().all(|mark| observe(spot.virt, phys, mark, spot.width) == mark)
            }
            Some(_) => self.is_alike(spot.virt, phys),
            None => self.read(spot.virt, spot.width) == Ok(peek(phys, spot.width)),
        };
        if same { Walk::Same } else { Walk::Other }
    }

    /// The words around `virt`.
    fn around(virt: u64) -> impl Iterator<Item = u64> {
        let first = virt & !(4 * COMPARED - 1);
        (0..COMPARED).map(move |i| first + 4 * i)
    }

    /// Whether the words around `virt` are all the same: padding, which no code runs through.
    fn is_uniform(&mut self, virt: u64) -> bool {
        let first = self.read(virt, Width::Word);
        Self::around(virt).all(|at| self.read(at, Width::Word) == first)
    }

    /// Whether the words around `virt` are those around `phys`.
    fn is_alike(&mut self, virt: u64, phys: u64) -> bool {
        Self::around(virt).all(|at| {
            let there = phys.wrapping_add(at).wrapping_sub(virt);
            self.read(at, Width::Word) == Ok(peek(there, Width::Word))
        })
    }

    /// Whether the user may do what `tries` does: the kernel may, but only with `SUM` set.
    pub(crate) fn as_user(&mut self, tries: impl Fn(&mut Self) -> bool) -> Walk {
        let with = tries(self);
        // SAFETY: for the one access in between the kernel does not reach user pages.
        unsafe { sstatus::clear_sum() };
        let without = tries(self);
        // SAFETY: as it was.
        unsafe { sstatus::set_sum() };
        if with && !without { Walk::Same } else { Walk::Nowhere }
    }
}

/// Where `physmap` has the word at a physical address.
#[cfg(any(feature = "guest", feature = "churn"))]
pub(crate) fn in_physmap(phys: u64) -> *mut u32 {
    let virt = phys.wrapping_sub(kernel::physmap::PHYS).wrapping_add(kernel::physmap::START);
    core::ptr::with_exposed_provenance_mut(virt as usize)
}

/// Whether code that may be running lies at `phys`.
const fn is_live_code(phys: u64) -> bool {
    phys >= kernel::text::PHYS && phys - kernel::text::PHYS < kernel::text::SIZE
}

/// Whether one of the tables that are live lies at `phys`.
fn is_table(phys: u64) -> bool {
    let tables = kernel::Space::memory();
    phys >= tables.physical && phys - tables.physical < tables.bytes as u64
}

/// Whether `word` is a load or store that faults when [`call`] calls it: its base is a register that points into a guard
/// (RISC-V Unprivileged Architecture 20240411, 34: opcodes LOAD and STORE).
const fn is_sure_to_fault(word: u32) -> bool {
    let base = word >> 15 & 31;
    matches!(word & 0x7f, 0x03 | 0x23) && matches!(word >> 12 & 7, 0..=3) && base > 5
}

/// Defines a load, and a load with a store of what was loaded (0 where the load is skipped), of one width.
///
/// The handler of a fault keeps what a function keeps, so the instructions clobber what a call does.
macro_rules! accesses {
    ($load:ident: $load_text:literal, $store:ident: $store_text:literal) => {
        fn $load(virt: u64) -> u32 {
            let value: u64;
            // SAFETY: a load has no side effects where the engine asks for one; a fault is caught by the handler.
            unsafe {
                asm!(
                    ".option push", ".option norvc", $load_text, ".option pop",
                    in("a0") virt, lateout("a1") value, clobber_abi("C"),
                );
            }
            value as u32
        }

        fn $store(virt: u64) {
            // SAFETY: the word keeps its value; faults are caught by the handler.
            unsafe {
                asm!(
                    ".option push", ".option norvc", "li a1, 0", $load_text, $store_text, ".option pop",
                    in("a0") virt, clobber_abi("C"),
                );
            }
        }
    };
}

accesses!(load_byte: "lbu a1, 0(a0)", store_byte: "sb a1, 0(a0)");
accesses!(load_word: "lw a1, 0(a0)", store_word: "sw a1, 0(a0)");

/// Calls an address in S-mode.
pub(crate) fn call(virt: u64) {
    // SAFETY: what lies there returns at once, or the handler does.
    unsafe { call_from_guard(virt, kernel::moat::START + kernel::moat::SIZE / 2) };
}

/// Calls the address in a0, with the address in a1 in every register but t0 and those of the calling convention.
///
/// # Safety
/// What lies there does no harm under these conditions.
#[unsafe(naked)]
unsafe extern "C" fn call_from_guard(virt: u64, guard: u64) {
    naked_asm!(
        "addi sp, sp, -112",
        "sd ra, 0(sp)",
        "sd s0, 8(sp)",
        "sd s1, 16(sp)",
        "sd s2, 24(sp)",
        "sd s3, 32(sp)",
        "sd s4, 40(sp)",
        "sd s5, 48(sp)",
        "sd s6, 56(sp)",
        "sd s7, 64(sp)",
        "sd s8, 72(sp)",
        "sd s9, 80(sp)",
        "sd s10, 88(sp)",
        "sd s11, 96(sp)",
        "mv t0, a0",
        ".irp n, 6,7,8,9,10,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
        "mv x\\n, a1",
        ".endr",
        "jalr ra, 0(t0)",
        "ld ra, 0(sp)",
        "ld s0, 8(sp)",
        "ld s1, 16(sp)",
        "ld s2, 24(sp)",
        "ld s3, 32(sp)",
        "ld s4, 40(sp)",
        "ld s5, 48(sp)",
        "ld s6, 56(sp)",
        "ld s7, 64(sp)",
        "ld s8, 72(sp)",
        "ld s9, 80(sp)",
        "ld s10, 88(sp)",
        "ld s11, 96(sp)",
        "addi sp, sp, 112",
        "ret",
    )
}

/// Calls an address in U-mode, with a return address where nothing is mapped.
fn run_as_user(virt: u64) {
    // SAFETY: what lies there cannot do more than U-mode may; the trap that ends it comes back behind the `sret`, with
    // the registers that a function keeps.
    unsafe {
        asm!(
            "lla t0, 2f",
            "sd t0, 0({landing})",
            "mv ra, {nowhere}",
            "csrw sepc, a0",
            "li t0, 0x100",
            "csrc sstatus, t0",
            "csrw sscratch, sp",
            "sret",
            ".balign 4",
            "2:",
            landing = in(reg) LANDING.as_ptr(),
            nowhere = in(reg) kernel::null::START,
            in("a0") virt,
            out("t0") _,
            out("ra") _,
            clobber_abi("C"),
        );
    }
}

/// A routine that can be called while translation is off, where the code lies physically.
macro_rules! untranslated {
    ($routine:ident: $type:ty) => {{
        let at = ($routine as *const () as usize as u64).wrapping_sub(RISE);
        // SAFETY: `switch` maps the code at its physical address too, and the routine has that type.
        unsafe { transmute::<*const (), $type>(core::ptr::with_exposed_provenance(at as usize)) }
    }};
}

/// The physical word at `phys`.
fn peek(phys: u64, width: Width) -> u32 {
    let routine = untranslated!(peek_word: unsafe extern "C" fn(u64) -> u64);
    // SAFETY: the engine asks for memory, or for a register that is safe to read.
    let word = unsafe { routine(phys & !3) } as u32;
    match width {
        Width::Word => word,
        Width::Byte => word >> (8 * (phys & 3)) & 0xff,
    }
}

/// What is read at `virt` while `mark` is at the physical address `phys`.
fn observe(virt: u64, phys: u64, mark: u32, width: Width) -> u32 {
    let routine = match width {
        Width::Word => untranslated!(observe_word: unsafe extern "C" fn(u64, u64, u64) -> u64),
        Width::Byte => untranslated!(observe_byte: unsafe extern "C" fn(u64, u64, u64) -> u64),
    };
    // SAFETY: the engine allows marks there; what was there is put back before anyone else can look.
    let look = || unsafe { routine(virt, phys, u64::from(mark)) };
    attempt(Try::Data, refusal, look).map_or(!mark, |seen| seen as u32)
}

/// # Safety
/// Called at its physical address, where the code is mapped; a0 is a physical address that can be read.
#[unsafe(naked)]
unsafe extern "C" fn peek_word() {
    naked_asm!("csrr t0, satp", "csrw satp, zero", "sfence.vma", "lw a0, 0(a0)", "csrw satp, t0", "sfence.vma", "ret",)
}

/// Defines a routine that exchanges, looks and puts back, without touching the stack.
macro_rules! observer {
    ($name:ident, $load:literal, $store:literal) => {
        /// # Safety
        /// Called at its physical address, where the code is mapped; a0 is virtual, a1 physical, a2 the mark.
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                ".option push",
                ".option norvc",
                "csrr t0, satp",
                "csrw satp, zero",
                "sfence.vma",
                concat!($load, " t1, 0(a1)"),
                concat!($store, " a2, 0(a1)"),
                "csrw satp, t0",
                "sfence.vma",
                "not t2, a2",
                concat!($load, " t2, 0(a0)"),
                "csrw satp, zero",
                "sfence.vma",
                concat!($store, " t1, 0(a1)"),
                "csrw satp, t0",
                "sfence.vma",
                "mv a0, t2",
                "ret",
                ".option pop",
            )
        }
    };
}

observer!(observe_word, "lw", "sw");
observer!(observe_byte, "lbu", "sb");
