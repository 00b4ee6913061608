//! What changes of live entries owe on x86, and the instructions that pay it.
//!
//! SDM volume 3A, "Caching Translation Information": entries that are not present are cached nowhere, so that what becomes
//! present owes nothing; more rights owe nothing but for a page fault that should not be, which the instruction here comes
//! before. `invlpg` also drops what the current PCID remembers of the walks of any address. Page sizes may change under a
//! translation that stays: either entry is used, and both say the same.
//!
//! What the processor has cached is tagged with a PCID where `CR4.PCIDE` is set. A program that tags with others than 0 says so
//! with [`Features::PCID`], in all of its regimes; without, `invlpg` reaches whatever is cached. With the feature, both the bit
//! and the current PCID are read each time. Between that and the last instruction nothing else may run on the processor that
//! changes CR3 or CR4 for good: a program whose threads are preempted flushes where they are not.

use static_assertions::const_assert;

use crate::attr::Features;
use crate::flush::{Addresses, Change, Duty, DutyRule, Hardware, Id, Maintain, Scope, covers_every_change};

use super::operation::{Invlpgb, Invpcid, Op, Register, X86};
use super::regs::{CR3, CR4, ones};
use super::{Level4, Level5};

/// A tuning constant: about here dropping everything is cheaper than addresses one by one.
pub(crate) const MANY: u64 = 33;

const PRESENT: &str =
    "SDM volume 3A, \"Optional Invalidation\": no invalidation is necessary where P changes from 0 to 1";
const RELAX: &str = "SDM volume 3A, \"Optional Invalidation\": without an invalidation an access may fault once; here it \
                     does not";
const LEAF: &str = "SDM volume 3A, \"Recommended Invalidation\": INVLPG for an address in the page";
const TABLE: &str = "SDM volume 3A, \"Recommended Invalidation\": INVLPG for each page that the entry translated, and at \
                     least once";
const RESIZE: &str = "SDM volume 3A, \"Details of TLB Use\": either of two translations of different size may be used, \
                      which are the same";
const NO_RUNS: &str = "SDM volume 3A, \"Paging\": no entry is part of a run";

const fn rule(change: Change, duty: Duty, manual: &'static str) -> DutyRule {
    DutyRule { change, given: Features::NONE, duty, manual }
}

/// Of four and five levels, and of 32-bit paging.
pub(crate) const DUTIES: &[DutyRule] = &[
    rule(Change::Map, Duty::NONE, PRESENT),
    rule(Change::Link, Duty::NONE, PRESENT),
    rule(Change::Relax, Duty::LEAF, RELAX),
    rule(Change::Restrict, Duty::LEAF, LEAF),
    rule(Change::Remap, Duty::LEAF, LEAF),
    rule(Change::Retype, Duty::LEAF, LEAF),
    rule(Change::Contiguous, Duty::NONE, NO_RUNS),
    rule(Change::Globality, Duty::LEAF, LEAF),
    rule(Change::Unmap, Duty::LEAF, LEAF),
    rule(Change::Unlink, Duty::WALK, TABLE),
    rule(Change::Split, Duty::LEAF, RESIZE),
    rule(Change::Promote, Duty::WALK, RESIZE),
];

const_assert!(covers_every_change(DUTIES));

/// What a processor is asked to drop.
#[derive(Clone, Copy)]
struct Work {
    features: Features,
    /// `None` where that is everything.
    leaves: Option<Addresses>,
    duty: Duty,
    id: Id,
}

impl Work {
    /// `None` where nothing is owed.
    #[inline(always)]
    const fn of(features: Features, scope: &Scope) -> Option<Self> {
        let Scope { duty, extent, id } = *scope;
        if duty.leaf || duty.walk {
            Some(Self { features, leaves: Addresses::of(&extent, MANY), duty, id })
        } else {
            None
        }
    }

    /// Whether translations are tagged with PCIDs.
    #[inline(always)]
    fn is_tagged<H: Hardware<X86>>(&self, hardware: &mut H) -> bool {
        self.features.contains(Features::PCID) && hardware.read(Register::Cr4) & ones(CR4::PCIDE) != 0
    }

    #[inline(always)]
    fn on_this_core<H: Hardware<X86>>(self, hardware: &mut H) {
        let tagged = self.is_tagged(hardware);
        match self.id {
            Id::One(pcid) if tagged && pcid != current_pcid(hardware) => self.drop_other(pcid, hardware),
            // Translations that are not global may have been cached under any of them.
            Id::Every if tagged => drop_all(self.features, hardware),
            id => match (self.leaves, id) {
                (Some(leaves), _) => {
                    for linear in leaves {
                        execute(hardware, Op::Invlpg(linear));
                    }
                }
                (None, Id::One(_)) => reload_root(hardware),
                (None, Id::Every) => drop_all(self.features, hardware),
            },
        }
    }

    /// Of a PCID that is not the current one.
    fn drop_other<H: Hardware<X86>>(self, pcid: u16, hardware: &mut H) {
        if !self.features.contains(Features::INVPCID) {
            return drop_all(self.features, hardware);
        }
        // What is remembered of walks goes as a whole, for INVPCID names it by address only.
        let leaves = if self.duty.walk { None } else { self.leaves };
        let Some(leaves) = leaves else {
            return execute(hardware, Op::Invpcid(Invpcid::Context { pcid }));
        };
        for linear in leaves {
            execute(hardware, Op::Invpcid(Invpcid::Address { pcid, linear }));
        }
    }

    /// What any core has cached (AMD64 "Architecture Programmer's Manual", volume 3, "INVLPGB" and "TLBSYNC").
    fn on_every_core<H: Hardware<X86>>(self, hardware: &mut H) {
        let (whose, edx) = match self.id {
            Id::Every => (WITH_GLOBAL, 0),
            Id::One(pcid) if self.is_tagged(hardware) => (PCID_VALID, u32::from(pcid) << PCID_SHIFT),
            // Without PCIDs everything is tagged with 0, and the flag must be clear.
            Id::One(_) => (0, 0),
        };
        let mut invalidate =
            |rax| execute(hardware, Op::Invlpgb(Invlpgb { rax: rax | whose | ASID_VALID, ecx: 0, edx }));
        match self.leaves {
            None => invalidate(0),
            Some(leaves) => {
                let depth = if self.duty.walk { 0 } else { FINAL_ONLY };
                for linear in leaves {
                    invalidate(linear & ADDRESS | ADDRESS_VALID | depth);
                }
            }
        }
        execute(hardware, Op::Tlbsync);
    }
}

/// What this processor has cached, dropped as far as `scope` asks for it.
#[inline(always)]
pub(crate) fn on_this_core<H: Hardware<X86>>(features: Features, scope: &Scope, hardware: &mut H) {
    if let Some(work) = Work::of(features, scope) {
        work.on_this_core(hardware);
    }
}

fn current_pcid<H: Hardware<X86>>(hardware: &mut H) -> u16 {
    (hardware.read(Register::Cr3) & CR3::PCID.mask) as u16
}

/// The write of CR3 with its own value: what the current PCID has, but for global translations.
#[inline]
pub(crate) fn reload_root<H: Hardware<X86>>(hardware: &mut H) {
    let root = hardware.read(Register::Cr3);
    execute(hardware, Op::Write(Register::Cr3, root));
}

/// Everything, of every PCID, global translations included (SDM volume 3A, "Operations that Invalidate TLBs and
/// Paging-Structure Caches": a write of CR3 keeps what is global, one that changes CR4.PGE does not).
#[inline]
pub(crate) fn drop_all<H: Hardware<X86>>(features: Features, hardware: &mut H) {
    if features.contains(Features::INVPCID) {
        return execute(hardware, Op::Invpcid(Invpcid::All));
    }
    let (before, pge) = (hardware.read(Register::Cr4), ones(CR4::PGE));
    // A processor that is not known to have the bit may not have it.
    if !features.contains(Features::PGE) && before & (pge | ones(CR4::PCIDE)) == 0 {
        return reload_root(hardware);
    }
    execute(hardware, Op::Write(Register::Cr4, before ^ pge));
    execute(hardware, Op::Write(Register::Cr4, before));
}

/// Flags of INVLPGB in RAX.
const ADDRESS_VALID: u64 = 1 << 0;
const PCID_VALID: u64 = 1 << 1;
const ASID_VALID: u64 = 1 << 2;
const WITH_GLOBAL: u64 = 1 << 3;
const FINAL_ONLY: u64 = 1 << 4;
/// Place of the PCID in EDX.
const PCID_SHIFT: u32 = 16;

/// The address in RAX, above its flags.
const ADDRESS: u64 = !0xfff;

#[inline(always)]
pub(crate) fn execute<H: Hardware<X86>>(hardware: &mut H, op: Op) {
    // SAFETY: an invalidation, or a control register written with the value it has, but for CR4.PGE, without which global
    // translations are ordinary ones.
    unsafe { hardware.execute(op) };
}

macro_rules! maintain {
    ($($regime:ty),*) => { $(
        impl Maintain for $regime {
            type Architecture = X86;
            const DUTIES: &'static [DutyRule] = DUTIES;
            const BROADCAST_FEATURE: Option<Features> = Some(Features::INVLPGB);
            const MANY: u64 = MANY;

            #[inline(always)]
            fn sequence_with<H: Hardware<X86>>(features: Features, scope: &Scope, every_core: bool, hardware: &mut H) {
                match Work::of(features, scope) {
                    Some(work) if every_core && features.contains(Features::INVLPGB) => work.on_every_core(hardware),
                    Some(work) => work.on_this_core(hardware),
                    None => {}
                }
            }

            #[inline(always)]
            fn pages_with<H: Hardware<X86>>(
                features: Features,
                leaves: Addresses,
                duty: Duty,
                id: Id,
                every_core: bool,
                hardware: &mut H,
            ) {
                if !duty.leaf && !duty.walk {
                    return;
                }
                let leaves = if leaves.len() > MANY { None } else { Some(leaves) };
                let work = Work { features, leaves, duty, id };
                if every_core && features.contains(Features::INVLPGB) {
                    work.on_every_core(hardware);
                } else {
                    work.on_this_core(hardware);
                }
            }
        }
    )* };
}

maintain!(Level4, Level5);
