//! Tables of long descriptors that are made when the program runs: reading the registers that name them, and writing
//! those (DDI 0406, B4.1 "VMSA System control registers descriptions, in register order").
//!
//! With translation off, all registers are written, what TLBs, branch predictors and instruction caches of this core hold
//! is invalidated, and SCTLR.{M, C, I} or HCR.VM turn translation on. With translation on, the root and its identifier are
//! one register, which one instruction writes; what this core has cached goes where the identifier stays.

use super::operation::{A32, Domain, Instruction, Register, Tlb};
use super::{Lpae, LpaeHyp, LpaeStage2};
use crate::attr::Features;
use crate::edit::{Activate, Active, ActiveError};
use crate::flush::{Hardware, Id};
use crate::format::Format;
use crate::space::{Refusal, Roots};

/// The registers of a regime.
pub(super) struct Bank {
    /// The lower and the upper half of the memory types.
    pub(super) mair: Option<[Register; 2]>,
    pub(super) control: Register,
    /// What the control register holds.
    pub(super) word: u64,
    /// The bits of it that say whose tables these are, their width, and where a walk starts.
    kind: u64,
    width: u64,
    start: u64,
    pub(super) root: Register,
    pub(super) has_identifier: bool,
    /// Where translation is turned on, the bit that does it, and those to set with it.
    pub(super) switch: (Register, u64, u64),
    tlb: Tlb,
    /// CPSR.M is that of Hyp mode.
    hyp: bool,
}

const EAE: u64 = 1 << 31;
const EPD1: u64 = 1 << 23;
/// TTBCR.{EPD0, T1SZ, A1}: nothing through TTBR0, upper addresses through TTBR1, and the ASID in TTBR1.
const OTHERS: u64 = 1 << 7 | 7 << 16 | 1 << 22;
/// Walks are Inner Shareable, and cached write-back.
const WALKS: u64 = 3 << 12 | 1 << 10 | 1 << 8;
/// SCTLR.{M, C, Z, I}.
const ENABLE: u64 = 1 << 0;
const CACHES: u64 = 1 << 2 | 1 << 11 | 1 << 12;
const HYP_MODE: u64 = 0b1_1010;
const USER_MODE: u64 = 0b1_0000;

impl Bank {
    pub(super) const PL1: Self = Self {
        mair: Some([Register::Mair0, Register::Mair1]),
        control: Register::Ttbcr,
        word: EAE | EPD1 | WALKS,
        kind: EAE | OTHERS,
        width: 7,
        start: 0,
        root: Register::Ttbr0,
        has_identifier: true,
        switch: (Register::Sctlr, ENABLE, ENABLE | CACHES),
        tlb: Tlb::All,
        hyp: false,
    };
    pub(super) const PL2: Self = Self {
        mair: Some([Register::Hmair0, Register::Hmair1]),
        control: Register::Htcr,
        // Bits 31 and 23 are RES1.
        word: 1 << 31 | 1 << 23 | WALKS,
        kind: 0,
        root: Register::Httbr,
        has_identifier: false,
        switch: (Register::Hsctlr, ENABLE, ENABLE | CACHES),
        tlb: Tlb::AllH,
        hyp: true,
        ..Self::PL1
    };

    /// T0SZ is 32 - `bits`, in four bits and their sign, S; SL0 is 1 where the walk starts at level 1.
    pub(super) const fn stage2(bits: u32, levels: usize) -> Self {
        let size = 32u64.wrapping_sub(bits as u64) & 0x1f;
        let start = (levels as u64).saturating_sub(2) << 6;
        Self {
            mair: None,
            control: Register::Vtcr,
            word: 1 << 31 | WALKS | start | size,
            width: 0x1f,
            start: 3 << 6,
            root: Register::Vttbr,
            switch: (Register::Hcr, ENABLE, ENABLE),
            has_identifier: true,
            tlb: Tlb::All,
            ..Self::PL2
        }
    }
}

macro_rules! activated {
    ($([$($generics:tt)*] $name:ty = $bank:expr;)*) => {$(
        impl<$($generics)*> Activate for $name {
            fn active_with<H: Hardware<A32>>(
                format: &'static Format,
                _: Features,
                hardware: &mut H,
            ) -> Result<Active, ActiveError> {
                Core { bank: const { &$bank }, format, hardware }.active()
            }

            unsafe fn activate_with<H: Hardware<A32>>(
                format: &'static Format,
                _: Features,
                to: &Active,
                hardware: &mut H,
            ) -> Result<(), ActiveError> {
                Core { bank: const { &$bank }, format, hardware }.activate(to)
            }
        }
    )*};
}

activated! {
    [] Lpae = Bank::PL1;
    [] LpaeHyp = Bank::PL2;
    [const IPA: u32] LpaeStage2<IPA> =
        Bank::stage2(IPA, <LpaeStage2<IPA> as crate::regime::Regime>::FORMAT.levels);
}

struct Core<'a, H> {
    bank: &'static Bank,
    format: &'static Format,
    hardware: &'a mut H,
}

impl<H: Hardware<A32>> Core<'_, H> {
    fn active(&mut self) -> Result<Active, ActiveError> {
        self.check_mode()?;
        if !self.is_on() {
            return Err(ActiveError::Off);
        }
        self.check_registers()?;
        let word = self.hardware.read(self.bank.root);
        let id = if self.bank.has_identifier { Id::One((word >> 48 & 0xff) as u16) } else { Id::Every };
        let lower = word & ((1 << self.format.output_bits) - (1 << 3));
        Ok(Active { roots: Roots { lower: Some(lower), upper: None }, id })
    }

    fn activate(&mut self, to: &Active) -> Result<(), ActiveError> {
        self.check_mode()?;
        let root = to.roots.lower.ok_or(ActiveError::NoRoot)?;
        let has = self.format.output_bits;
        if root >> has != 0 {
            return Err(Refusal::OutputBits { needs: u64::BITS - root.leading_zeros(), has }.into());
        }
        let id = match to.id {
            Id::One(id) if self.bank.has_identifier => u64::from(id),
            _ => 0,
        };
        if id >> 8 != 0 {
            return Err(Refusal::AsidBits { needs: u64::BITS - id.leading_zeros(), has: 8 }.into());
        }
        let word = root | id << 48;
        if self.is_on() {
            self.check_registers()?;
            self.switch(word);
        } else {
            self.enable(word);
        }
        Ok(())
    }

    /// The root and its identifier alone.
    fn switch(&mut self, word: u64) {
        let old = self.hardware.read(self.bank.root);
        if old == word {
            return;
        }
        self.execute(Instruction::DsbStores(Domain::Inner));
        self.execute(Instruction::Write(self.bank.root, word));
        self.execute(Instruction::Isb);
        if old >> 48 & 0xff == word >> 48 & 0xff {
            self.execute(Instruction::Invalidate(self.bank.tlb, Domain::Local, 0));
        }
        // Predictors know addresses, and no identifiers.
        self.execute(Instruction::InvalidateBranches(Domain::Local));
        self.execute(Instruction::Dsb(Domain::Local));
        self.execute(Instruction::Isb);
    }

    fn enable(&mut self, word: u64) {
        let switch = self.hardware.read(self.bank.switch.0);
        self.execute(Instruction::DsbStores(Domain::Inner));
        if let Some(registers) = self.bank.mair {
            for (register, value) in registers.into_iter().zip(self.mair()) {
                self.execute(Instruction::Write(register, value));
            }
        }
        self.execute(Instruction::Write(self.bank.control, self.bank.word));
        self.execute(Instruction::Write(self.bank.root, word));
        self.execute(Instruction::Isb);
        self.execute(Instruction::Invalidate(self.bank.tlb, Domain::Local, 0));
        self.execute(Instruction::InvalidateBranches(Domain::Local));
        if self.bank.mair.is_some() {
            self.execute(Instruction::InvalidateInstructions);
        }
        self.execute(Instruction::Dsb(Domain::Local));
        self.execute(Instruction::Isb);
        self.execute(Instruction::Write(self.bank.switch.0, switch | self.bank.switch.2));
        self.execute(Instruction::Isb);
    }

    fn mair(&self) -> [u64; 2] {
        let types = u64::from_le_bytes(self.format.memory_register.slots);
        [types & u64::from(u32::MAX), types >> 32]
    }

    fn is_on(&mut self) -> bool {
        self.hardware.read(self.bank.switch.0) & self.bank.switch.1 != 0
    }

    fn check_mode(&mut self) -> Result<(), ActiveError> {
        let found = self.hardware.read(Register::Cpsr) & 0x1f;
        let is_right = if self.bank.hyp { found == HYP_MODE } else { found != HYP_MODE && found != USER_MODE };
        if is_right {
            return Ok(());
        }
        let needs = if self.bank.hyp { "Hyp mode" } else { "PL1" };
        Err(Refusal::Privilege { needs, found }.into())
    }

    /// Kind of tables, width, start level, memory types.
    fn check_registers(&mut self) -> Result<(), ActiveError> {
        let (expected, found) = (self.bank.word, self.hardware.read(self.bank.control));
        let differs = expected ^ found;
        let Bank { kind, width, start, .. } = *self.bank;
        if differs & kind != 0 {
            return Err(ActiveError::Mode { expected: expected & kind, found: found & kind });
        }
        if differs & width != 0 {
            // The greatest of the fields has four bits and their sign.
            let bits = |word: u64| (32 - ((word & width) << 59).cast_signed().wrapping_shr(59)) as u32;
            return Err(ActiveError::InputBits { expected: bits(expected), found: bits(found) });
        }
        if differs & start != 0 {
            return Err(ActiveError::StartLevel { expected: (expected & start) >> 6, found: (found & start) >> 6 });
        }
        let Some([low, high]) = self.bank.mair else { return Ok(()) };
        let [expected_low, expected_high] = self.mair();
        let expected = expected_low | expected_high << 32;
        let found = self.hardware.read(low) | self.hardware.read(high) << 32;
        if found == expected { Ok(()) } else { Err(ActiveError::MemoryTypes { expected, found }) }
    }

    fn execute(&mut self, instruction: Instruction) {
        // SAFETY: barriers and invalidations are sound; the caller of `activate` vouches for the root, and with translation
        // off no other register changes how this core translates before the last write, which turns it on.
        unsafe { self.hardware.execute(instruction) }
    }
}
