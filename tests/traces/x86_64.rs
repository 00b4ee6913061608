//! x86-64: `invlpg`, `invpcid`, control registers and `invlpgb`; `invept` for extended page tables.

use tablature::attr::Features;
use tablature::flush::{Change, Duty, Extent, Id, Maintain, Scope};
use tablature::regime::With;
use tablature::x86_64::operation::{Invlpgb, Invpcid, Op, Register};
use tablature::x86_64::{Ept4, Ept5, Level4, Level5, X86};

use crate::common::{Cached, Case, Kind, OURS, THEIRS, cases, trace};

const INVPCID: u64 = Features::INVPCID.bits();
const INVLPGB: u64 = Features::INVLPGB.bits();
const PCID: u64 = Features::PCID.bits();

/// On processors whose program uses PCIDs.
type Tagged4 = With<Level4, PCID>;
type Tagged5 = With<Level5, PCID>;

const PGE: u64 = 1 << 7;
const PCIDE: u64 = 1 << 17;
const PAE: u64 = 1 << 5;
const ROOT: u64 = 0x1234_5000;

/// A processor as far as its translations go: CR3, CR4, and what it and another one have cached.
pub(crate) struct Processor {
    cr3: u64,
    cr4: u64,
    cached: Vec<Cached>,
    /// Broadcasts that nobody has waited for.
    on_their_way: Vec<Cached>,
    /// How often the entries of a PAE root were loaded.
    pub(crate) loads: usize,
}

impl Processor {
    pub(crate) fn new(cr3: u64, cr4: u64, cached: Vec<Cached>) -> Self {
        // Without PCIDs all translations are tagged with 0; without PGE none is global.
        let tag = |entry: Cached| {
            let id = if cr4 & PCIDE == 0 { 0 } else { entry.id };
            Cached { id, global: entry.global && cr4 & PGE != 0, ..entry }
        };
        Self { cr3, cr4, cached: cached.into_iter().map(tag).collect(), on_their_way: Vec::new(), loads: 0 }
    }

    fn current(&self) -> u16 {
        if self.cr4 & PCIDE == 0 { 0 } else { (self.cr3 & 0xfff) as u16 }
    }

    /// Drops what this core has cached and `stale` names.
    fn drop(&mut self, stale: impl Fn(&Cached) -> bool) {
        self.cached.retain(|entry| entry.core != 0 || !stale(entry));
    }

    fn write(&mut self, register: Register, value: u64) {
        match register {
            Register::Cr3 => {
                self.cr3 = value & !(1 << 63);
                self.loads += 1;
                let pcid = self.current();
                if value >> 63 == 0 || self.cr4 & PCIDE == 0 {
                    self.drop(|entry| !entry.global && entry.id == pcid);
                }
            }
            Register::Cr4 => {
                if (value ^ self.cr4) & PGE != 0 {
                    self.loads += 1;
                    self.drop(|_| true);
                }
                assert_eq!((value ^ self.cr4) & !PGE, 0, "CR4 is no business of a flush but for PGE");
                self.cr4 = value;
            }
            other => panic!("{other:?} is no business of a flush"),
        }
    }

    fn invpcid(&mut self, operands: Invpcid) {
        match operands {
            Invpcid::All => self.drop(|_| true),
            Invpcid::Context { pcid } => {
                assert!(self.cr4 & PCIDE != 0 || pcid == 0, "#GP");
                self.drop(|entry| !entry.global && entry.id == pcid);
            }
            Invpcid::Address { pcid, linear } => {
                assert!(self.cr4 & PCIDE != 0 || pcid == 0, "#GP");
                // Pointers: the manual promises those of the address; none of them is counted on.
                self.drop(|entry| {
                    entry.kind == Kind::Leaf && !entry.global && entry.id == pcid && entry.covers(linear)
                });
            }
        }
    }

    /// RAX: 0 address valid, 1 PCID valid, 2 ASID valid, 3 global too, 4 final translations only. EDX: ASID, then PCID.
    fn invlpgb(&mut self, Invlpgb { rax, ecx, edx }: Invlpgb) {
        assert_eq!(
            (ecx, edx & 0xffff, rax >> 5 & 0x7f),
            (0, 0, 0),
            "one page, of no virtual machine, no reserved bits"
        );
        assert_eq!(rax >> 2 & 1, 1, "the ASID counts");
        let pcid = (rax >> 1 & 1 == 1).then_some((edx >> 16) as u16);
        assert!(pcid.is_none() || self.cr4 & PCIDE != 0, "#GP");
        let (gone, kept) = self.cached.iter().partition::<Vec<_>, _>(|entry| {
            let here = rax & 1 == 0 || entry.covers(rax & !0xfff);
            let whose = pcid.is_none_or(|pcid| pcid == entry.id) && (rax >> 3 & 1 == 1 || !entry.global);
            here && whose && (rax >> 4 & 1 == 0 || entry.kind == Kind::Leaf)
        });
        self.cached = kept;
        self.on_their_way.extend(gone);
    }

    /// What is left after the instructions.
    pub(crate) fn run(&mut self, ops: &[Op]) -> Vec<Cached> {
        for op in ops {
            match *op {
                Op::Write(register, value) => self.write(register, value),
                Op::Invlpg(linear) => {
                    let pcid = self.current();
                    self.drop(|entry| match entry.kind {
                        Kind::Leaf => entry.covers(linear) && (entry.global || entry.id == pcid),
                        Kind::Pointer => entry.id == pcid,
                    });
                }
                Op::Invpcid(operands) => self.invpcid(operands),
                Op::Invlpgb(operands) => self.invlpgb(operands),
                Op::Tlbsync => self.on_their_way.clear(),
                Op::InveptAll => panic!("these are no extended page tables"),
            }
        }
        let mut left = self.cached.clone();
        left.extend(&self.on_their_way);
        left
    }
}

/// The registers of a core: CR3 and CR4.
pub(crate) type Registers = [(Register, u64); 2];

pub(crate) const fn registers(pcid: u16, cr4: u64) -> Registers {
    [(Register::Cr3, ROOT | pcid as u64), (Register::Cr4, PAE | cr4)]
}

/// What is not present is cached nowhere; pointers matter where they go or become something else.
pub(crate) fn is_stale(change: Change) -> (bool, bool) {
    match change {
        Change::Map | Change::Link | Change::Contiguous => (false, false),
        Change::Unlink | Change::Promote => (true, true),
        _ => (true, false),
    }
}

const STATES: [Registers; 6] = [
    registers(0, 0),
    registers(0, PGE),
    registers(OURS, PGE | PCIDE),
    registers(THEIRS, PGE | PCIDE),
    registers(OURS, PCIDE),
    registers(THEIRS, PCIDE),
];

fn check<R: Maintain<Architecture = X86>>() {
    // Who uses PCIDs says so.
    let may = |state: &&Registers| R::FEATURES.contains(Features::PCID) || state[1].1 & PCIDE == 0;
    let states: Vec<Registers> = STATES.iter().filter(may).copied().collect();
    for (case, state) in cases(21).flat_map(|case| states.iter().map(move |state| (case, *state)).collect::<Vec<_>>()) {
        let scope = case.scope::<R>();
        let ops = trace::<R>(&scope, case.every_core, &state);
        let (leaf, pointers) = is_stale(case.change);
        assert_eq!(ops.is_empty(), !leaf, "{case:?}");
        assert!(!scope.duty.before_make, "{case:?}");
        let [(_, cr3), (_, cr4)] = state;
        let everywhere = case.every_core && R::BROADCASTS;
        let mut processor = Processor::new(cr3, cr4, case.stale(leaf, pointers, everywhere));
        assert_eq!(processor.run(&ops), [], "{case:?} at {state:x?}: {ops:x?}");
        assert_eq!((processor.cr3, processor.cr4), (cr3, cr4), "the registers are as before");
        check_precision(&case, state, &ops, pointers);
    }
}

/// Where the instructions can tell, other translations stay.
fn check_precision(case: &Case, state: Registers, ops: &[Op], pointers: bool) {
    let [(_, cr3), (_, cr4)] = state;
    let ours = cr4 & PCIDE == 0 || cr3 & 0xfff == u64::from(OURS);
    if case.is_small() && case.id == Id::One(OURS) && ours && !pointers && cr4 & PCIDE != 0 {
        let mut processor = Processor::new(cr3, cr4, case.bystanders());
        let before = processor.cached.clone();
        // Of another PCID, but not beside the range, which INVLPG drops nothing of.
        assert_eq!(processor.run(ops), before, "{case:?} at {state:x?}: {ops:x?}");
    }
}

#[test]
fn no_stale_translation_is_left_and_no_other_is_lost() {
    check::<Level4>();
    check::<Level5>();
    check::<Tagged4>();
    check::<Tagged5>();
}

#[test]
fn nor_with_features() {
    check::<With<Level4, INVPCID>>();
    check::<With<Tagged4, INVPCID>>();
    check::<With<Tagged4, { Features::PGE.bits() }>>();
    check::<With<Tagged5, INVLPGB>>();
    check::<With<With<Tagged4, INVPCID>, INVLPGB>>();
}

const PAGE: Extent = Extent::Range { start: 0x4000_1000, last: 0x4000_1fff, stride: 12 };

fn leaf<R: Maintain<Architecture = X86>>(extent: Extent, id: Id, state: &Registers) -> Vec<Op> {
    trace::<R>(&Scope { duty: Duty::LEAF, extent, id }, false, state)
}

#[test]
fn a_page_of_the_current_space_is_one_invlpg() {
    for state in &STATES[..3] {
        assert_eq!(leaf::<Tagged4>(PAGE, Id::One(OURS), state), [Op::Invlpg(0x4000_1000)]);
    }
    assert_eq!(leaf::<Tagged4>(PAGE, Id::Every, &STATES[1]), [Op::Invlpg(0x4000_1000)]);
    let large = Extent::Range { start: 0x4000_0000, last: 0x407f_ffff, stride: 21 };
    let steps = [0x4000_0000, 0x4020_0000, 0x4040_0000, 0x4060_0000].map(Op::Invlpg);
    assert_eq!(leaf::<Tagged5>(large, Id::One(OURS), &STATES[0]), steps);
}

#[test]
fn a_page_of_another_pcid_takes_invpcid_or_everything() {
    type Capable = With<Tagged4, INVPCID>;
    let theirs = &STATES[3];
    let address = Op::Invpcid(Invpcid::Address { pcid: 5, linear: 0x4000_1000 });
    assert_eq!(leaf::<Capable>(PAGE, Id::One(OURS), theirs), [address]);
    let toggle = [Op::Write(Register::Cr4, PAE | PCIDE), Op::Write(Register::Cr4, PAE | PCIDE | PGE)];
    assert_eq!(leaf::<Tagged4>(PAGE, Id::One(OURS), theirs), toggle);
    // With pointers the whole context goes.
    let walk = Scope { duty: Duty::WALK, extent: PAGE, id: Id::One(OURS) };
    assert_eq!(trace::<Capable>(&walk, false, theirs), [Op::Invpcid(Invpcid::Context { pcid: 5 })]);
}

#[test]
fn a_page_of_every_pcid_takes_everything() {
    assert_eq!(leaf::<With<Tagged4, INVPCID>>(PAGE, Id::Every, &STATES[2]), [Op::Invpcid(Invpcid::All)]);
    let toggle = [Op::Write(Register::Cr4, PAE | PCIDE), Op::Write(Register::Cr4, PAE | PCIDE | PGE)];
    assert_eq!(leaf::<Tagged4>(PAGE, Id::Every, &STATES[2]), toggle);
}

#[test]
fn many_pages_are_one_space() {
    let many = |count: u64| Extent::Range { start: 0x4000_0000, last: 0x3fff_ffff + count * 0x1000, stride: 12 };
    assert_eq!(leaf::<Tagged4>(many(Level4::MANY), Id::One(OURS), &STATES[2]).len() as u64, Level4::MANY);
    let reload = [Op::Write(Register::Cr3, ROOT | 5)];
    assert_eq!(leaf::<Tagged4>(many(Level4::MANY + 1), Id::One(OURS), &STATES[2]), reload);
    let context = [Op::Invpcid(Invpcid::Context { pcid: 5 })];
    assert_eq!(leaf::<With<Tagged4, INVPCID>>(Extent::Everywhere, Id::One(OURS), &STATES[3]), context);
}

/// Pitfall 11. The write of CR3 that keeps global entries is not the flush of everything.
#[test]
fn a_reload_of_cr3_is_no_flush_of_global_entries() {
    let global = Cached { kind: Kind::Leaf, start: 0x4000_1000, bytes: 0x1000, id: 0, global: true, core: 0 };
    let [(_, cr3), (_, cr4)] = STATES[1];
    let reload = [Op::Write(Register::Cr3, ROOT)];
    assert_eq!(Processor::new(cr3, cr4, vec![global]).run(&reload), [global]);
    for extent in [PAGE, Extent::Everywhere] {
        for state in STATES {
            let ops = leaf::<Tagged4>(extent, Id::Every, &state);
            let [(_, cr3), (_, cr4)] = state;
            assert_eq!(Processor::new(cr3, cr4, vec![global]).run(&ops), [], "{extent:?} at {state:x?}");
        }
    }
    let toggle = [Op::Write(Register::Cr4, PAE), Op::Write(Register::Cr4, PAE | PGE)];
    assert_eq!(leaf::<Tagged4>(Extent::Everywhere, Id::Every, &STATES[1]), toggle);
    // Where PGE is clear nothing is global, and PCIDs ask for a change of PGE all the same.
    assert_eq!(leaf::<Tagged4>(Extent::Everywhere, Id::Every, &STATES[0]), reload);
    let toggle = [Op::Write(Register::Cr4, PAE | PCIDE | PGE), Op::Write(Register::Cr4, PAE | PCIDE)];
    assert_eq!(leaf::<Tagged4>(Extent::Everywhere, Id::Every, &STATES[4]), toggle);
}

/// Pitfall 11. A PCID in CR3 is part of the value, and 0 is one like any other.
#[test]
fn the_current_pcid_is_compared_as_such() {
    let tagged = PGE | PCIDE;
    assert_eq!(leaf::<Tagged4>(PAGE, Id::One(0), &registers(0, tagged)), [Op::Invlpg(0x4000_1000)]);
    assert_eq!(leaf::<Tagged4>(PAGE, Id::One(0), &registers(1, tagged)).len(), 2);
    assert_eq!(leaf::<Tagged4>(PAGE, Id::One(0xfff), &registers(0xfff, tagged)), [Op::Invlpg(0x4000_1000)]);
}

#[test]
fn broadcasts_reach_every_core_and_are_waited_for() {
    type Amd = With<Tagged4, INVLPGB>;
    const { assert!(Amd::BROADCASTS && !Level4::BROADCASTS && !<With<Tagged4, INVPCID>>::BROADCASTS) };
    let of = |duty, extent, id, state| trace::<Amd>(&Scope { duty, extent, id }, true, state);
    let one = |rax, edx| [Op::Invlpgb(Invlpgb { rax, ecx: 0, edx }), Op::Tlbsync];
    let ours = Id::One(OURS);
    assert_eq!(of(Duty::LEAF, PAGE, ours, &STATES[2]), one(0x4000_1000 | 0b10111, 5 << 16));
    assert_eq!(of(Duty::WALK, PAGE, ours, &STATES[2]), one(0x4000_1000 | 0b00111, 5 << 16));
    assert_eq!(of(Duty::LEAF, PAGE, ours, &STATES[1]), one(0x4000_1000 | 0b10101, 0));
    assert_eq!(of(Duty::LEAF, PAGE, Id::Every, &STATES[2]), one(0x4000_1000 | 0b11101, 0));
    assert_eq!(of(Duty::LEAF, Extent::Everywhere, ours, &STATES[2]), one(0b00110, 5 << 16));
    assert_eq!(of(Duty::WALK, Extent::Everywhere, Id::Every, &STATES[2]), one(0b01100, 0));
    // For one core there is no need to ask the others.
    assert_eq!(leaf::<Amd>(PAGE, ours, &STATES[2]), [Op::Invlpg(0x4000_1000)]);
}

#[test]
fn extended_page_tables_are_dropped_as_a_whole() {
    fn check<R: Maintain<Architecture = X86>>() {
        for case in cases(21) {
            let stale = !matches!(case.change, Change::Map | Change::Link | Change::Contiguous | Change::Globality);
            let expected: &[Op] = if stale { &[Op::InveptAll] } else { &[] };
            assert_eq!(trace::<R>(&case.scope::<R>(), case.every_core, &[]), expected, "{case:?}");
        }
        assert!(!R::BROADCASTS);
    }
    check::<Ept4>();
    check::<Ept5>();
}
