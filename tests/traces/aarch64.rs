//! AArch64: `dsb; tlbi; dsb; isb` of every regime, granule and reach.
//!
//! The decoder below reads operands bit by bit as the manual has them (DDI 0487 J.a, C5.5 "A64 System instructions for TLB
//! maintenance"), and knows nothing of how the library makes them.

use proptest::prelude::*;
use tablature::aarch64::{
    A64, Barrier, Domain, El1, El2, El2And0, El3, G4K, G16K, G64K, GranuleSize, Instruction, Register, Stage2, Tlb,
    Translation, Vmsa,
};
use tablature::attr::Features;
use tablature::flush::{Duty, Extent, Id, Maintain, Scope};
use tablature::regime::With;

use crate::common::trace;

pub(crate) mod golden;
mod pitfalls;

const RANGE: u64 = Features::TLBIRANGE.bits();
const LPA2: u64 = Features::LPA2.bits();

/// What a core may have cached of the regime that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A leaf of the stage.
    Leaf,
    /// A pointer to a table of the stage.
    Pointer,
    /// A leaf of both stages in one, known by its virtual address.
    Combined,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cached {
    pub(crate) sort: Sort,
    pub(crate) start: u64,
    pub(crate) bytes: u64,
    /// ASID or VMID.
    pub(crate) id: u16,
    pub(crate) global: bool,
}

/// Who executes the invalidations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    pub(crate) translation: Translation,
    /// log2 of the granule.
    pub(crate) page: u32,
    /// TCR_ELx.DS.
    pub(crate) wide: bool,
    /// HCR_EL2.{E2H, TGE}.
    pub(crate) hcr: u64,
    /// VTTBR_EL2.VMID.
    pub(crate) vmid: u16,
}

/// HCR_EL2.E2H and TGE.
pub(crate) const HOST: u64 = 1 << 34 | 1 << 27;

impl Cpu {
    pub(crate) fn of<R: Vmsa>(wide: bool, hcr: u64, vmid: u16) -> Self {
        let (page, four) = match R::GRANULE {
            GranuleSize::Four => (12, true),
            GranuleSize::Sixteen => (14, true),
            GranuleSize::SixtyFour => (16, false),
        };
        Self { translation: R::TRANSLATION, page, wide: wide && four, hcr, vmid }
    }

    pub(crate) fn registers(&self) -> [(Register, u64); 2] {
        [(Register::HcrEl2, self.hcr), (Register::VttbrEl2, u64::from(self.vmid) << 48 | 0x4000_0000)]
    }

    fn is_host(&self) -> bool {
        self.hcr & HOST == HOST
    }
}

/// The name of an instruction taken apart.
struct Name {
    /// The Exception level behind the `e`.
    level: u32,
    stage2: bool,
    /// Both stages, of every VMID.
    all: bool,
    by: By,
    leaves_only: bool,
}

#[derive(PartialEq, Eq)]
enum By {
    Everything,
    Identifier,
    Address,
    AddressAndIdentifier,
}

/// `rvaale1` is: range, by address, all ASIDs, last level, EL1.
fn name(tlb: Tlb) -> (bool, Name) {
    let text = format!("{tlb:?}").to_lowercase();
    let level = text.chars().last().and_then(|digit| digit.to_digit(10)).expect("an Exception level");
    let (ranged, rest) = match text.strip_prefix('r') {
        Some(rest) => (true, rest),
        None => (false, &*text),
    };
    let by = match rest {
        "vmalle1" | "vmalls12e1" | "alle1" | "alle2" | "alle3" => By::Everything,
        "aside1" => By::Identifier,
        _ if rest.starts_with("vaa") || rest.starts_with("ipas2") || level == 3 => By::Address,
        _ if rest.starts_with("va") => By::AddressAndIdentifier,
        _ => panic!("{text}"),
    };
    let stage2 = rest.starts_with("ipas2") || rest == "vmalls12e1" || rest == "alle1";
    let leaves_only = rest.ends_with(&format!("le{level}")) && by != By::Everything;
    (ranged, Name { level, stage2, all: rest == "alle1", by, leaves_only })
}

/// First and last address of an operand, and its identifier. Reserved bits are 0.
pub(crate) fn operand(cpu: &Cpu, tlb: Tlb, word: u64) -> (u64, u64, u16) {
    let (ranged, name) = name(tlb);
    let id = (word >> 48) as u16;
    if matches!(name.by, By::Everything | By::Identifier) {
        assert_eq!(word & 0xffff_ffff_ffff, 0, "{tlb:?} takes no address");
        return (0, u64::MAX, id);
    }
    let extended = |value: u64, bits: u32| ((value << (64 - bits)) as i64 >> (64 - bits)) as u64;
    if ranged {
        let (base, ttl, num) = (word & 0x1f_ffff_ffff, word >> 37 & 3, word >> 39 & 31);
        let (scale, granule) = (word >> 44 & 3, word >> 46 & 3);
        assert_eq!((ttl, granule), (0, [1, 2, 3][(cpu.page as usize - 12) / 2]), "{tlb:?} {word:#x}");
        assert!(!(cpu.wide && cpu.page == 12), "TTL 0 may stand for level 0, and the range for anything");
        let shift = if cpu.wide { 16 } else { cpu.page };
        let start = if name.stage2 { base << shift } else { extended(base << shift, 37 + shift) };
        let pages = (num + 1) << (5 * scale + 1);
        return (start, start.wrapping_add((pages << cpu.page) - 1), id);
    }
    assert_eq!(word >> 44 & 15, 0, "TTL of {word:#x}");
    let (field, bits) = if name.stage2 { (word & 0xff_ffff_ffff, 40) } else { (word & 0xfff_ffff_ffff, 44) };
    assert_eq!(word & 0xfff_ffff_ffff, field, "reserved bits of {word:#x}");
    assert_eq!(field << 12 & ((1 << cpu.page) - 1), 0, "{word:#x} is no address of a page");
    let start = if name.stage2 { field << 12 } else { extended(field << 12, bits + 12) };
    (start, start | ((1 << cpu.page) - 1), id)
}

/// What the instruction drops.
fn dropped(cpu: &Cpu, tlb: Tlb, word: u64) -> impl Fn(&Cached) -> bool {
    let (_, name) = name(tlb);
    let (start, last, id) = operand(cpu, tlb, word);
    let cpu = *cpu;
    move |cached| {
        let meant = match (cpu.translation, name.level) {
            (Translation::El1, 1) => !(cpu.is_host() || name.stage2 && name.by == By::Address),
            (Translation::El2, 2) | (Translation::El3, 3) | (Translation::El2And0, 2) => true,
            (Translation::El2And0, 1) => cpu.is_host() && !name.stage2,
            (Translation::Stage2, 1) => {
                let first = !name.stage2;
                name.all
                    || cached.id == cpu.vmid
                        && match cached.sort {
                            Sort::Combined => (first && !cpu.is_host()) || name.by == By::Everything && name.stage2,
                            _ => !first,
                        }
            }
            _ => false,
        };
        let first_stage = !matches!(cpu.translation, Translation::Stage2);
        let owned = match name.by {
            By::Everything | By::Address => true,
            By::Identifier => !cached.global && cached.id == id,
            By::AddressAndIdentifier if matches!(cpu.translation, Translation::El2) => {
                assert_eq!(id, 0, "EL2 has no ASIDs");
                true
            }
            By::AddressAndIdentifier => cached.global || cached.id == id,
        };
        let touched = cached.start <= last && start <= cached.start + (cached.bytes - 1);
        meant && touched && (owned || !first_stage) && !(name.leaves_only && cached.sort == Sort::Pointer)
    }
}

/// Which of `cached` are left on the core that executes `ops`, or on another one.
pub(crate) fn keeps(cpu: &Cpu, ops: &[Instruction], elsewhere: bool, cached: &[Cached]) -> Vec<bool> {
    let mut kept = vec![true; cached.len()];
    for op in ops {
        if let Instruction::Invalidate(tlb, domain, word) = *op
            && (domain == Domain::Inner || !elsewhere)
        {
            let is_dropped = dropped(cpu, tlb, word);
            kept.iter_mut().zip(cached).for_each(|(kept, entry)| *kept &= !is_dropped(entry));
        }
    }
    kept
}

/// What is left of `cached` on the core that executes `ops`, or on another one.
pub(crate) fn left(cpu: &Cpu, ops: &[Instruction], elsewhere: bool, cached: &[Cached]) -> Vec<Cached> {
    let kept = keeps(cpu, ops, elsewhere, cached);
    cached.iter().zip(kept).filter_map(|(entry, kept)| kept.then_some(*entry)).collect()
}

/// `dsb ishst; (tlbi…; dsb ish)…; isb`, all of one domain.
fn is_ordered(ops: &[Instruction], every_core: bool) -> bool {
    let domain = if every_core { Domain::Inner } else { Domain::Local };
    let [Instruction::Barrier(first), middle @ .., Instruction::Barrier(Barrier::Isb)] = ops else { return false };
    let reach = |op: &Instruction| match op {
        Instruction::Invalidate(_, reach, _) => *reach == domain,
        Instruction::Barrier(barrier) => *barrier == Barrier::Dsb(domain),
        _ => false,
    };
    *first == Barrier::DsbStores(domain)
        && middle.iter().all(reach)
        && middle.last().is_none_or(|op| matches!(op, Instruction::Barrier(_)))
}

/// One flush that is tried.
#[derive(Clone, Copy, Debug)]
struct Trial {
    duty: Duty,
    every_core: bool,
    id: Id,
    /// First leaf from the start of the half, and how many.
    first: u64,
    count: u64,
    /// 0 pages, 1 the blocks above, …
    level: u32,
    upper: bool,
    host: bool,
    current: bool,
}

fn trials() -> impl Strategy<Value = Trial> {
    let count = prop_oneof![1u64..4, 1u64..700, 1u64..5_000_000];
    let duties = prop_oneof![Just(Duty::LEAF), Just(Duty::WALK)];
    let id = prop_oneof![Just(Id::Every), Just(Id::One(5)), Just(Id::One(0xffff))];
    let bits = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (duties, id, 0u64..1 << 24, count, 0u32..3, bits).prop_map(
        |(duty, id, first, count, level, (every_core, upper, host, current))| Trial {
            duty,
            every_core,
            id,
            first,
            count,
            level,
            upper,
            host,
            current,
        },
    )
}

fn check<R: Maintain<Architecture = A64>, V: Vmsa>(trial: &Trial) {
    let format = R::FORMAT;
    let wide = format.wide.is_none() && R::FEATURES.contains(Features::LPA2);
    let our = if let Id::One(id) = trial.id { id } else { 5 };
    let (e2h, tge) = match V::TRANSLATION {
        Translation::El1 | Translation::El2 | Translation::El3 => (false, false),
        Translation::El2And0 => (true, trial.host),
        Translation::Stage2 => (trial.host, trial.host),
    };
    let hcr = u64::from(e2h) << 34 | u64::from(tge) << 27;
    let vmid = if trial.current { our } else { our ^ 1 };
    let cpu = Cpu::of::<V>(wide, hcr, vmid);
    let stride = format.level[trial.level as usize].shift;
    let leaves = 1u64 << (format.range_bits - stride);
    let count = trial.count.min(leaves);
    let first = (trial.first % leaves).min(leaves - count);
    let base = if trial.upper { format.upper_start().unwrap_or(0) } else { 0 };
    let (start, bytes) = (base + (first << stride), 1u64 << stride);
    let last = start + ((count << stride) - 1);
    let scope = Scope { duty: trial.duty, extent: Extent::Range { start, last, stride }, id: trial.id };
    let ops = trace::<R>(&scope.bounded(R::MANY), trial.every_core, &cpu.registers());
    assert!(is_ordered(&ops, trial.every_core), "{trial:?} {ops:x?}");
    let mut stale = Vec::new();
    for index in [0, count / 3, count / 2, count - 1] {
        let start = start + (index << stride);
        let entry = Cached { sort: Sort::Leaf, start, bytes, id: our, global: false };
        stale.push(entry);
        if trial.duty.walk {
            stale.push(Cached { sort: Sort::Pointer, ..entry });
        }
        if V::TRANSLATION == Translation::Stage2 {
            stale.push(Cached { sort: Sort::Combined, start: 0x1234_5000, bytes: 0x1000, ..entry });
        }
        if trial.id == Id::Every {
            stale.push(Cached { global: V::TRANSLATION != Translation::Stage2, ..entry });
            stale.push(Cached { id: our ^ 2, ..entry });
        }
    }
    assert!(left(&cpu, &ops, false, &stale).is_empty(), "{trial:?} {ops:x?}");
    assert_eq!(left(&cpu, &ops, true, &stale).is_empty(), trial.every_core, "{trial:?} {ops:x?}");
    // A few leaves leave what is beside them.
    let precise =
        V::TRANSLATION != Translation::Stage2 && (trial.id != Id::Every || V::TRANSLATION != Translation::El2And0);
    if precise && count < 512 && start >= base + 0x40_0000 {
        let beside =
            Cached { sort: Sort::Leaf, start: start - 0x40_0000, bytes: 1 << cpu.page, id: our, global: false };
        assert_eq!(left(&cpu, &ops, false, &[beside]).len(), 1, "{trial:?} {ops:x?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_stale_is_left_anywhere_and_little_else_is_lost(trial in trials()) {
        check::<El1<G4K, 39>, El1<G4K, 39>>(&trial);
        check::<El1<G16K, 47>, El1<G16K, 47>>(&trial);
        check::<El1<G64K, 42>, El1<G64K, 42>>(&trial);
        check::<El2<G4K, 40>, El2<G4K, 40>>(&trial);
        check::<El3<G16K, 36>, El3<G16K, 36>>(&trial);
        check::<El2And0<G4K, 48>, El2And0<G4K, 48>>(&trial);
        check::<Stage2<G4K, 40>, Stage2<G4K, 40>>(&trial);
        check::<Stage2<G64K, 44>, Stage2<G64K, 44>>(&trial);
    }

    #[test]
    fn nor_where_ranges_are_one_instruction(trial in trials()) {
        check::<With<El1<G4K, 48>, RANGE>, El1<G4K, 48>>(&trial);
        check::<With<El1<G16K, 47>, RANGE>, El1<G16K, 47>>(&trial);
        check::<With<El1<G64K, 48>, RANGE>, El1<G64K, 48>>(&trial);
        check::<With<El1<G4K, 52>, { RANGE | LPA2 }>, El1<G4K, 52>>(&trial);
        check::<With<El1<G16K, 52>, { RANGE | LPA2 }>, El1<G16K, 52>>(&trial);
        check::<With<El2<G4K, 40>, RANGE>, El2<G4K, 40>>(&trial);
        check::<With<El3<G4K, 36>, RANGE>, El3<G4K, 36>>(&trial);
        check::<With<El2And0<G16K, 48>, RANGE>, El2And0<G16K, 48>>(&trial);
        check::<With<Stage2<G4K, 40>, RANGE>, Stage2<G4K, 40>>(&trial);
        check::<With<Stage2<G16K, 47>, { RANGE | LPA2 }>, Stage2<G16K, 47>>(&trial);
    }
}
