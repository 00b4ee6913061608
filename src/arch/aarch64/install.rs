//! Putting a map into force: the checks and the exact sequence, over any [`Hardware`].
//!
//! Stage 1, with the MMU off (DDI 0487 J.a, D8 "Enabling the MMU" and "TLB maintenance", D7.5 "Cache
//! maintenance"):
//!
//! ```text
//!   read CurrentEL, ID registers, SCTLR_ELx        refuse what cannot work; leave if the map is in force already
//!   read the first table pointer                   refuse tables that were moved and not relocated
//!   dc civac <each line of the tables>; dsb sy     no stale line hides the tables from the walker
//!   msr MAIR_ELx, TCR_ELx, TTBR0_ELx, TTBR1_ELx; isb
//!   tlbi <all of the regime>; dsb nsh              TLBs are not clean after reset (D8)
//!   ic iallu; dsb nsh; isb
//!   msr SCTLR_ELx (M, C, I, SA set; WXN clear); isb
//! ```
//!
//! Stage 2 is the same with `VTCR_EL2`, `VTTBR_EL2`, `tlbi vmalls12e1` and `HCR_EL2.VM`, from EL2, whose own translation
//! may be on or off; instruction caches are not touched.
//!
//! The code that runs this need not be position-independent, but it must lie at an identity address: the instruction
//! behind the last `msr` is fetched through the new map.
//!
//! # Caches
//!
//! With the MMU off, this core reads and writes memory around the caches, while walks and later accesses go through
//! them. Lines of the tables may be in a cache for two reasons: a loader wrote the image with caches on, or the memory
//! had another life before. *Clean and invalidate* by address to the point of coherency is right for both: what a loader
//! wrote reaches memory, and clean lines with older contents vanish. *Invalidate* alone could destroy what a loader
//! wrote, or what another core that runs with this map has edited meanwhile. What no instruction could mend is a dirty
//! line of an earlier owner over memory that was since written around the caches; so the caller promises, as every boot
//! protocol for AArch64 does, that no such lines exist.
//!
//! The same holds for the stack and for every other variable: what the program wrote with the MMU off lies in memory, and
//! a line with older contents would hide it once caches are on. Firmware that hands over with its caches cleaned *and
//! invalidated* leaves none.
//!
//! # What must be off
//!
//! Extensions that give descriptors another meaning are not touched, and must not be on: FEAT_D128
//! (TCR2_ELx), and HCR_EL2.DC. FEAT_S1PIE is turned on for maps that declare it and must not be on for others. HCR_EL2.FWB is turned off with stage 2 on.
//!
//! # Other cores
//!
//! Registers and TLBs belong to one core; every core installs the map for itself, and TLB maintenance is local.

use super::Vmsa;
use super::entry::Translation;
use super::granule::GranuleSize;
use super::indirect::Permissions;
use super::operation::{A64, Barrier, Domain, Instruction, Register, Tlb};
use super::regs::{
    CTR, CURRENT_EL, Derive, HCR, ISAR0, ISAR1, MMFR0, MMFR1, MMFR2, MMFR3, PFR1, SCTLR, TCR2_PIE, Words, output_bits,
};
use crate::attr::Features;
use crate::flush::Hardware;
use crate::map::{Placement, Tables};
use crate::space::{Declared, Refusal, Roots, TableMemory, check_links};

/// Puts the tables of `S` into force on `cpu`. Writes nothing if they are already.
///
/// # Errors
///
/// [`Refusal`]; no register has been written then.
///
/// # Safety
///
/// As for [`crate::space::install`]; besides, no cache holds dirty lines of earlier contents of the tables, and none holds
/// lines of what the program wrote with the MMU off.
#[inline(always)]
pub unsafe fn install<S, C>(cpu: &mut C) -> Result<(), Refusal>
where
    S: Declared,
    S::Regime: Vmsa + Derive<S>,
    C: Hardware<A64>,
{
    let words = const { &<S::Regime as Derive<S>>::WORDS };
    check_privilege(cpu, words.translation)?;
    check_cpu(cpu, words)?;
    let memory = S::memory();
    if memory.physical == 0 {
        return Err(absent::<S>(memory));
    }
    check_output(cpu, words, memory)?;
    let plan = Plan::of::<S>(words, memory, cpu.read(Register::IdAa64Mmfr0El1));
    if plan.enabled(cpu) {
        return if plan.in_force(cpu) { Ok(()) } else { Err(Refusal::Busy) };
    }
    if !plan.bank.is_stage2() {
        check_place(memory)?;
    }
    check_links::<S>()?;
    // SAFETY: the caller promises that the running program is sound under this map, and the checks have passed.
    unsafe { plan.run(cpu) };
    Ok(())
}

/// The registers of one regime.
#[derive(Clone, Copy)]
pub(super) struct Bank {
    pub(super) mair: Option<Register>,
    pub(super) control: Register,
    pub(super) lower: Register,
    pub(super) upper: Option<Register>,
    /// PIR, PIRE0, TCR2.
    pub(super) indirect: [Option<Register>; 3],
    /// Where the translation is turned on, and the bit that does it.
    pub(super) switch: (Register, u64),
    /// Bits to set and to clear with it.
    set: u64,
    clear: u64,
    pub(super) tlb: Tlb,
}

/// SCTLR_ELx bits that were RES1 in Armv8.0 (D19.2): with EL0 (29, 28, 23, 22, 20, 11) and without.
const RES1_WITH_USER: u64 = 0x30d0_0800;
const RES1: u64 = 0x30c5_0830;

impl Bank {
    #[inline(always)]
    pub(super) const fn of(translation: Translation) -> Self {
        let enable = SCTLR::M::SET.value;
        let set = enable | SCTLR::C::SET.value | SCTLR::I::SET.value | SCTLR::SA::SET.value;
        let el1 = Self {
            mair: Some(Register::MairEl1),
            control: Register::TcrEl1,
            lower: Register::Ttbr0El1,
            upper: Some(Register::Ttbr1El1),
            indirect: [Some(Register::PirEl1), Some(Register::Pire0El1), Some(Register::Tcr2El1)],
            switch: (Register::SctlrEl1, enable),
            set: set | RES1_WITH_USER,
            clear: SCTLR::WXN::SET.value,
            tlb: Tlb::Vmalle1,
        };
        let el2 = Self {
            mair: Some(Register::MairEl2),
            control: Register::TcrEl2,
            lower: Register::Ttbr0El2,
            upper: None,
            indirect: [Some(Register::PirEl2), None, Some(Register::Tcr2El2)],
            switch: (Register::SctlrEl2, enable),
            set: set | RES1,
            tlb: Tlb::Alle2,
            ..el1
        };
        match translation {
            Translation::El1 => el1,
            Translation::El2 => el2,
            Translation::El2And0 => Self {
                upper: Some(Register::Ttbr1El2),
                indirect: [Some(Register::PirEl2), Some(Register::Pire0El2), Some(Register::Tcr2El2)],
                set: set | RES1_WITH_USER,
                ..el2
            },
            Translation::El3 => Self {
                mair: Some(Register::MairEl3),
                control: Register::TcrEl3,
                lower: Register::Ttbr0El3,
                indirect: [Some(Register::PirEl3), None, None],
                switch: (Register::SctlrEl3, enable),
                tlb: Tlb::Alle3,
                ..el2
            },
            Translation::Stage2 => Self {
                mair: None,
                control: Register::VtcrEl2,
                lower: Register::VttbrEl2,
                upper: None,
                indirect: [None; 3],
                switch: (Register::HcrEl2, HCR::VM::SET.value),
                set: HCR::VM::SET.value,
                // MemAttr has the meaning of a CPU without FEAT_S2FWB.
                clear: HCR::FWB::SET.value,
                tlb: Tlb::Vmalls12e1,
            },
        }
    }

    /// The bits that are set and cleared where the translation is turned on.
    #[cfg(feature = "evidence")]
    pub(super) const fn switched(&self) -> (u64, u64) {
        (self.set, self.clear)
    }

    #[inline(always)]
    const fn is_stage2(&self) -> bool {
        self.mair.is_none()
    }
}

/// What the registers will hold, and which bytes are tables.
pub(super) struct Plan {
    bank: Bank,
    mair: u64,
    control: u64,
    lower: u64,
    upper: u64,
    indirect: Option<Permissions>,
    start: usize,
    bytes: usize,
}

impl Plan {
    #[inline(always)]
    fn of<S: Declared>(words: &Words, memory: TableMemory, mmfr0: u64) -> Self {
        let plan = Self::at(words, S::roots(), words.identifier, mmfr0);
        Self { start: memory.start.addr(), bytes: memory.bytes, ..plan }
    }

    /// The registers for `roots`; no cache maintenance.
    #[inline(always)]
    pub(super) fn at(words: &Words, roots: Roots, identifier: u64, mmfr0: u64) -> Self {
        Self {
            bank: Bank::of(words.translation),
            mair: words.mair,
            control: words.control(MMFR0::PA_RANGE.read(mmfr0), roots),
            lower: words.root(roots.lower.unwrap_or(0)) | identifier,
            upper: words.root(roots.upper.unwrap_or(0)),
            indirect: words.indirect,
            start: 0,
            bytes: 0,
        }
    }

    #[inline(always)]
    fn enabled<C: Hardware<A64>>(&self, cpu: &mut C) -> bool {
        cpu.read(self.bank.switch.0) & self.bank.switch.1 != 0
    }

    #[inline(always)]
    fn in_force<C: Hardware<A64>>(&self, cpu: &mut C) -> bool {
        cpu.read(self.bank.switch.0) & self.bank.clear == 0
            && self.bank.mair.is_none_or(|mair| cpu.read(mair) == self.mair)
            && cpu.read(self.bank.control) == self.control
            && cpu.read(self.bank.lower) == self.lower
            && self.bank.upper.is_none_or(|upper| cpu.read(upper) == self.upper)
            && self.indirect.is_none_or(|permissions| self.permits(cpu, permissions))
    }

    /// Whether the permission registers hold `permissions` and are in use.
    #[inline(always)]
    fn permits<C: Hardware<A64>>(&self, cpu: &mut C, permissions: Permissions) -> bool {
        let [privileged, user, switch] = self.bank.indirect;
        privileged.is_none_or(|register| cpu.read(register) == permissions.privileged)
            && user.is_none_or(|register| cpu.read(register) == permissions.user)
            && switch.is_none_or(|register| cpu.read(register) & TCR2_PIE != 0)
    }

    /// # Safety
    ///
    /// Translation is off, no cache holds dirty lines of earlier contents of the tables, and the program is sound under
    /// the planned registers.
    #[inline(always)]
    pub(super) unsafe fn run<C: Hardware<A64>>(&self, cpu: &mut C) {
        let line = cache_line(cpu.read(Register::CtrEl0));
        let switch = cpu.read(self.bank.switch.0);
        let [privileged, user, indirect] = self.bank.indirect;
        let tcr2 = if self.indirect.is_some() { indirect.map(|register| (register, cpu.read(register))) } else { None };
        let mut core = Sequence(cpu);
        core.clean(self.start, self.bytes, line);
        core.barrier(Barrier::DsbSystem);
        if let Some(mair) = self.bank.mair {
            core.write(mair, self.mair);
        }
        core.write(self.bank.control, self.control);
        core.write(self.bank.lower, self.lower);
        if let Some(upper) = self.bank.upper {
            core.write(upper, self.upper);
        }
        if let Some(permissions) = self.indirect {
            for (register, value) in [(privileged, permissions.privileged), (user, permissions.user)] {
                if let Some(register) = register {
                    core.write(register, value);
                }
            }
        }
        if let Some((register, value)) = tcr2 {
            core.write(register, value | TCR2_PIE);
        }
        core.barrier(Barrier::Isb);
        core.step(Instruction::Invalidate(self.bank.tlb, Domain::Local, 0));
        core.barrier(Barrier::Dsb(Domain::Local));
        if !self.bank.is_stage2() {
            core.step(Instruction::InvalidateInstructions);
            core.barrier(Barrier::Dsb(Domain::Local));
        }
        core.barrier(Barrier::Isb);
        core.write(self.bank.switch.0, switch & !self.bank.clear | self.bank.set);
        core.barrier(Barrier::Isb);
    }
}

/// Bytes of the smallest data cache line: CTR_EL0.DminLine is log2 of its words (D19.2).
#[inline(always)]
fn cache_line(ctr: u64) -> usize {
    4 << CTR::DMIN_LINE.read(ctr)
}

/// A core whose sequence was found sound.
///
/// # Invariants
///
/// Whoever makes one has promised the contract of [`Plan::run`], and runs that sequence with it.
struct Sequence<'a, C>(&'a mut C);

impl<C: Hardware<A64>> Sequence<'_, C> {
    #[inline(always)]
    fn step(&mut self, instruction: Instruction) {
        // SAFETY: by the invariant. No write before the last changes how this core translates, because translation is
        // off; maintenance drops only what memory holds as well; and the last write is sound by the contract.
        unsafe { self.0.execute(instruction) }
    }

    #[inline(always)]
    fn write(&mut self, register: Register, value: u64) {
        self.step(Instruction::Write(register, value));
    }

    #[inline(always)]
    fn barrier(&mut self, barrier: Barrier) {
        self.step(Instruction::Barrier(barrier));
    }

    /// Each line of `bytes` bytes from `start` on: one instruction per line.
    #[inline(always)]
    fn clean(&mut self, start: usize, bytes: usize, line: usize) {
        let mut at = start & !(line - 1);
        while at < start + bytes {
            self.step(Instruction::CleanInvalidate(at));
            at += line;
        }
    }
}

/// The Exception level, and what HCR_EL2.E2H must be there.
#[inline(always)]
pub(super) fn check_privilege<C: Hardware<A64>>(cpu: &mut C, translation: Translation) -> Result<(), Refusal> {
    let (needs, level, host) = match translation {
        Translation::El1 => ("EL1", 1, None),
        Translation::El2 => ("EL2 with HCR_EL2.E2H = 0", 2, Some(false)),
        Translation::El2And0 => ("EL2 with HCR_EL2.E2H = 1", 2, Some(true)),
        Translation::El3 => ("EL3", 3, None),
        Translation::Stage2 => ("EL2", 2, None),
    };
    let found = CURRENT_EL::EL.read(cpu.read(Register::CurrentEl));
    let mut is_host = || HCR::E2H.is_set(cpu.read(Register::HcrEl2));
    if found != level || host.is_some_and(|host| host != is_host()) {
        return Err(Refusal::Privilege { needs, found });
    }
    Ok(())
}

/// Granule, features and input width.
#[inline(always)]
pub(super) fn check_cpu<C: Hardware<A64>>(cpu: &mut C, words: &Words) -> Result<(), Refusal> {
    let mut rest = words.required;
    while !rest.is_empty() {
        let feature = rest.first();
        if !has(cpu, words, feature) {
            return Err(Refusal::Feature { feature });
        }
        rest = rest.without(feature);
    }
    let pa_bits = output_bits(MMFR0::PA_RANGE.read(cpu.read(Register::IdAa64Mmfr0El1)));
    if matches!(words.translation, Translation::Stage2) && words.input_bits > pa_bits {
        return Err(Refusal::InputBits { needs: words.input_bits, has: pa_bits });
    }
    Ok(())
}

/// Output width: as declared, or what the resources need; and the tables lie within it.
#[inline(always)]
fn check_output<C: Hardware<A64>>(cpu: &mut C, words: &Words, memory: TableMemory) -> Result<(), Refusal> {
    let has = output_bits(MMFR0::PA_RANGE.read(cpu.read(Register::IdAa64Mmfr0El1)));
    let reach = if words.wide || has < 48 { has } else { 48 };
    let needs = match words.pa_bits {
        Some(bits) => bits,
        None => words.output_bits,
    };
    if needs > reach {
        return Err(Refusal::OutputBits { needs, has: reach });
    }
    let last = memory.physical.saturating_add((memory.bytes as u64).saturating_sub(1));
    if last >> reach != 0 {
        return Err(Refusal::OutputBits { needs: u64::BITS - last.leading_zeros(), has: reach });
    }
    Ok(())
}

/// Whether the ID registers report a feature (D19.2).
fn has<C: Hardware<A64>>(cpu: &mut C, words: &Words, feature: Features) -> bool {
    let stage2 = matches!(words.translation, Translation::Stage2);
    let mmfr0 = cpu.read(Register::IdAa64Mmfr0El1);
    match feature {
        Features::GRANULE_4K => granule(mmfr0, GranuleSize::Four, stage2).0,
        Features::GRANULE_16K => granule(mmfr0, GranuleSize::Sixteen, stage2).0,
        Features::GRANULE_64K => granule(mmfr0, GranuleSize::SixtyFour, stage2).0,
        Features::LPA2 => match words.granule {
            GranuleSize::SixtyFour => {
                granule(mmfr0, GranuleSize::Four, stage2).1 || granule(mmfr0, GranuleSize::Sixteen, stage2).1
            }
            size => granule(mmfr0, size, stage2).1,
        },
        Features::LPA => output_bits(MMFR0::PA_RANGE.read(mmfr0)) >= 52,
        Features::ASID16 if stage2 => {
            MMFR1::VMID_BITS.read(cpu.read(Register::IdAa64Mmfr1El1)) == MMFR1::VMID_BITS::Sixteen.value >> 4
        }
        Features::ASID16 => MMFR0::ASID_BITS.read(mmfr0) == MMFR0::ASID_BITS::Sixteen.value >> 4,
        Features::HAFDBS => MMFR1::HAFDBS.read(cpu.read(Register::IdAa64Mmfr1El1)) >= 2,
        Features::LVA => MMFR2::VA_RANGE.read(cpu.read(Register::IdAa64Mmfr2El1)) >= 1,
        Features::TTST => MMFR2::ST.read(cpu.read(Register::IdAa64Mmfr2El1)) >= 1,
        Features::BBML1 => MMFR2::BBM.read(cpu.read(Register::IdAa64Mmfr2El1)) >= 1,
        Features::BBML2 => MMFR2::BBM.read(cpu.read(Register::IdAa64Mmfr2El1)) >= 2,
        Features::TLBIRANGE => ISAR0::TLB.read(cpu.read(Register::IdAa64Isar0El1)) >= 2,
        Features::S1PIE => MMFR3::S1PIE.read(cpu.read(Register::IdAa64Mmfr3El1)) >= 1,
        Features::BTI => PFR1::BT.read(cpu.read(Register::IdAa64Pfr1El1)) >= 1,
        Features::MTE => PFR1::MTE.read(cpu.read(Register::IdAa64Pfr1El1)) >= 2,
        Features::XS => ISAR1::XS.read(cpu.read(Register::IdAa64Isar1El1)) >= 1,
        _ => false,
    }
}

/// Whether a granule is there, and with 52-bit addresses. The stage 2 fields refer to those of stage 1 where they are 0.
fn granule(mmfr0: u64, size: GranuleSize, stage2: bool) -> (bool, bool) {
    let second = match size {
        GranuleSize::Four => MMFR0::TGRAN4_2.read(mmfr0),
        GranuleSize::Sixteen => MMFR0::TGRAN16_2.read(mmfr0),
        GranuleSize::SixtyFour => MMFR0::TGRAN64_2.read(mmfr0),
    };
    if stage2 && second != 0 {
        return (second >= 2, second >= 3);
    }
    match size {
        GranuleSize::Four => match MMFR0::TGRAN4.read(mmfr0) {
            0xf => (false, false),
            field => (true, field >= 1),
        },
        GranuleSize::Sixteen => {
            let field = MMFR0::TGRAN16.read(mmfr0);
            (field >= 1, field >= 2)
        }
        GranuleSize::SixtyFour => (MMFR0::TGRAN64.read(mmfr0) == 0, false),
    }
}

/// Why the tables have no physical address: nobody filled them, or nobody applied the relocations of the image.
#[cold]
fn absent<S: Declared>(memory: TableMemory) -> Refusal {
    match S::SPACE.tables {
        Some(Tables { placement: Placement::BootFilled, .. }) => Refusal::NotFilled,
        _ => Refusal::NotRelocated { expected: memory.start.addr() as u64, found: 0 },
    }
}

/// With the MMU off the address at which the tables are read is their physical address: the linker must have put the
/// same one into their entries. An image that was loaded elsewhere than linked is refused here.
#[inline(always)]
fn check_place(memory: TableMemory) -> Result<(), Refusal> {
    let expected = memory.start.addr() as u64;
    if memory.physical == expected { Ok(()) } else { Err(Refusal::NotRelocated { expected, found: memory.physical }) }
}
