//! What changes of live tables owe, and the sequences that do it (DDI 0406, B3.10 "TLB maintenance requirements").
//!
//! ```text
//!   DSB ISHST                        the stores reach every walker before anything is invalidated
//!   TLBI…IS <operand> …              by address, or everything
//!   BPIALLIS                         branch predictors are not kept coherent with changes of a mapping
//!   DSB ISH                          all of that has happened
//!   ISB                              and instructions from here on are fetched through what is there now
//! ```
//!
//! Where no other core uses the tables, the operations without `IS` do, and `DSB NSH`. Those with `IS` are of the
//! Multiprocessing Extensions, as is that walks read the caches: on a CPU without them, whoever edits the tables cleans
//! the lines behind them, and declares one core.
//!
//! | regime | by address | all of an identifier | all |
//! |---|---|---|---|
//! | PL1&0 | `TLBIMVA`: MVA\[31:12\], ASID; `TLBIMVAA` for every ASID | `TLBIASID` | `TLBIALL` |
//! | PL2 | `TLBIMVAH`: MVA\[31:12\] | `TLBIALLH` | `TLBIALLH` |
//! | stage 2 | | `TLBIALL` in Hyp mode | `TLBIALLNSNH` |
//!
//! There is no operation for leaves alone, and none by guest-physical address: those came with ARMv8. `TLBIALL` acts on the
//! VMID that VTTBR holds; for another one every VMID is invalidated.

use static_assertions::const_assert;

use super::operation::{A32, Domain, Instruction, Register, Tlb};
use super::{Lpae, LpaeHyp, LpaeStage2, Short};
use crate::attr::Features;
use crate::flush::{Change, Duty, DutyRule, Extent, Hardware, Id, Maintain, Scope, covers_every_change};
use crate::format::Format;

/// More invalidations by address than this are slower than everything at once: the TLBs have 128 to 512 entries.
const MANY: u64 = 128;

const MAINTENANCE: &str = "DDI 0406, B3.10 \"General TLB maintenance requirements\"";

const fn rule(change: Change, duty: Duty) -> DutyRule {
    DutyRule { change, given: Features::NONE, duty, manual: MAINTENANCE }
}

/// What each change owes, in every regime and stage.
pub(super) const DUTIES: &[DutyRule] = &[
    // What faults is never cached; the walker and this core have to see the store.
    rule(Change::Map, Duty::PUBLISH),
    rule(Change::Link, Duty::PUBLISH),
    // A core may go on with the stricter leaf for as long as it likes, so that one that retries would fault for ever.
    rule(Change::Relax, Duty::LEAF),
    rule(Change::Restrict, Duty::LEAF),
    rule(Change::Unmap, Duty::LEAF),
    rule(Change::Unlink, Duty::WALK),
    // Two translations of one address, of which either may be used, lose coherency and order, or are a conflict.
    rule(Change::Remap, Duty::LEAF.broken()),
    rule(Change::Retype, Duty::LEAF.broken()),
    rule(Change::Globality, Duty::LEAF.broken()),
    rule(Change::Contiguous, Duty::LEAF.broken()),
    rule(Change::Split, Duty::LEAF.broken()),
    rule(Change::Promote, Duty::WALK.broken()),
];

const_assert!(covers_every_change(DUTIES));

/// Whose tables.
#[derive(Clone, Copy)]
enum Translation {
    /// PL1&0, stage 1.
    Pl1,
    /// PL2, stage 1.
    Pl2,
    /// PL1&0, stage 2.
    Stage2,
}

macro_rules! maintained {
    ($([$($generics:tt)*] $name:ty = $translation:ident;)*) => {$(
        impl<$($generics)*> Maintain for $name {
            type Architecture = A32;
            const DUTIES: &'static [DutyRule] = DUTIES;
            const BROADCAST_FEATURE: Option<Features> = Some(Features::NONE);
            const MANY: u64 = MANY;

            fn sequence_with<H: Hardware<A32>>(_: Features, scope: &Scope, every_core: bool, hardware: &mut H) {
                let domain = if every_core { Domain::Inner } else { Domain::Local };
                let format = const { &<Self as crate::regime::Regime>::FORMAT };
                Job { translation: Translation::$translation, format, domain, hardware }.run(scope);
            }
        }
    )*};
}

maintained! {
    [] Short = Pl1;
    [] Lpae = Pl1;
    [] LpaeHyp = Pl2;
    [const IPA: u32] LpaeStage2<IPA> = Stage2;
}

/// One execution of a sequence.
struct Job<'a, H> {
    translation: Translation,
    format: &'a Format,
    domain: Domain,
    hardware: &'a mut H,
}

impl<H: Hardware<A32>> Job<'_, H> {
    #[inline]
    fn run(&mut self, scope: &Scope) {
        let duty = scope.duty;
        if !(duty.publish | duty.leaf | duty.walk) {
            return;
        }
        self.execute(Instruction::DsbStores(self.domain));
        if (duty.leaf || duty.walk) && !matches!(scope.extent, Extent::Nowhere) && !self.by_address(scope) {
            let (everything, operand) = self.everything(scope.id);
            self.invalidate(everything, operand);
        }
        self.execute(Instruction::InvalidateBranches(self.domain));
        self.execute(Instruction::Dsb(self.domain));
        self.execute(Instruction::Isb);
    }

    fn everything(&mut self, id: Id) -> (Tlb, u32) {
        match (self.translation, id) {
            (Translation::Pl1, Id::One(asid)) => (Tlb::Asid, u32::from(asid) & 0xff),
            (Translation::Pl1, Id::Every) => (Tlb::All, 0),
            (Translation::Pl2, _) => (Tlb::AllH, 0),
            (Translation::Stage2, id) => match id {
                // VTTBR holds the VMID in bits 55:48.
                Id::One(vmid) if u64::from(vmid) == self.hardware.read(Register::Vttbr) >> 48 & 0xff => (Tlb::All, 0),
                _ => (Tlb::AllNsnh, 0),
            },
        }
    }

    /// `false`, and nothing done, where everything at once is better, or there is no such operation.
    fn by_address(&mut self, scope: &Scope) -> bool {
        let Extent::Range { start, last, stride } = scope.extent else { return false };
        let (name, asid) = match (self.translation, scope.id) {
            (Translation::Pl1, Id::One(asid)) => (Tlb::Mva, u32::from(asid) & 0xff),
            (Translation::Pl1, Id::Every) => (Tlb::Mvaa, 0),
            (Translation::Pl2, _) => (Tlb::MvaH, 0),
            (Translation::Stage2, _) => return false,
        };
        let stride = self.leaf_shift(stride);
        let steps = (last >> stride).saturating_sub(start >> stride);
        if steps >= MANY {
            return false;
        }
        let mut step = 0;
        while step <= steps {
            // Addresses have 32 bits.
            let address = ((start >> stride).wrapping_add(step) << stride) as u32;
            self.invalidate(name, address & !0xfff | asid);
            step += 1;
        }
        true
    }

    /// The largest leaf of at most that size: of a contiguous run, each entry may be cached for itself.
    fn leaf_shift(&self, stride: u32) -> u32 {
        let (mut shift, mut level) = (self.format.page_shift, 0);
        while level < self.format.levels && self.format.level[level].shift <= stride {
            shift = self.format.level[level].shift;
            level += 1;
        }
        shift
    }

    fn invalidate(&mut self, name: Tlb, operand: u32) {
        self.execute(Instruction::Invalidate(name, self.domain, operand));
    }

    fn execute(&mut self, instruction: Instruction) {
        // SAFETY: barriers and invalidations are always sound, by the contract of `Hardware`; nothing else comes here.
        unsafe { self.hardware.execute(instruction) }
    }
}
