//! Random edits of live spaces, on cores that cache whatever they may at any moment: after each store, walks of random
//! addresses, which remember what they read. After each flush nothing that is remembered may disagree with the tables.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;

use tablature::aarch64::{self, A64, El1, El2, El2And0, El3, G4K, Instruction, Stage2, Translation};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, Live, Mapping, Protect, Reclaim};
use tablature::flush::{Architecture, Hardware, Id, Maintain, OneCore};
use tablature::format::{Format, Leaf, View};
use tablature::loongarch64::{La64, LoongArch};
use tablature::page::{HasLeaf, Page, Size2M};
use tablature::regime::{Regime, With};
use tablature::riscv::{RiscV, Sv39, Sv39x4, Sv48, Sv48x4, Sv57};
use tablature::table::Attributes;
use tablature::tables::{EntryAt, TableAccess, TableMemory};
use tablature::x86::Pae;
use tablature::x86_64::operation::Register;
use tablature::x86_64::{Level4, Level5, X86};

use crate::common::{Cached, Kind as Sort, OURS, THEIRS};
use crate::{aarch64 as a64, loongarch64, riscv, x86_64};

/// Where everything happens: some tables of the last level, and the border of a gigabyte between them.
const WINDOW: u64 = (1 << 30) - (4 << 20);
const PAGES: u64 = 2048;
const PAGE: u64 = 0x1000;
const MEMORY: u64 = 0x8000_0000;

const STEPS: usize = 80;
const SEEDS: u64 = 2;

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What an address translates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Absent,
    To { phys: u64, access: Access, memory: MemoryType, global: bool },
}

/// Something remembered, and what it says.
#[derive(Clone, Copy, Debug)]
enum Says {
    /// Of a leaf, or of an absent entry: the first byte and the rest.
    Leaf(Outcome),
    /// Of a pointer: the table, and its level.
    Table(u64, usize),
}

/// How a core of the architecture remembers and forgets.
trait Core: Architecture {
    /// Whether absent entries are remembered.
    const ABSENT: bool;
    /// Whether pointers are.
    const POINTERS: bool;
    /// What is left of `cached` after the instruction; `registers` are those of the core.
    fn forget(ops: &[Self::Op], cached: Vec<Cached>, registers: &[(Self::Register, u64)]) -> Vec<Cached>;
}

impl Core for RiscV {
    const ABSENT: bool = true;
    const POINTERS: bool = true;

    fn forget(ops: &[Self::Op], cached: Vec<Cached>, _: &[(Self::Register, u64)]) -> Vec<Cached> {
        riscv::left(riscv::stage_of(ops), ops, cached)
    }
}

impl Core for X86 {
    const ABSENT: bool = false;
    const POINTERS: bool = true;

    fn forget(ops: &[Self::Op], cached: Vec<Cached>, registers: &[(Self::Register, u64)]) -> Vec<Cached> {
        let of = |register| registers.iter().find(|(name, _)| *name == register).map_or(0, |(_, value)| *value);
        x86_64::Processor::new(of(Register::Cr3), of(Register::Cr4), cached).run(ops)
    }
}

impl Core for A64 {
    const ABSENT: bool = false;
    const POINTERS: bool = true;

    fn forget(ops: &[Instruction], cached: Vec<Cached>, registers: &[(aarch64::Register, u64)]) -> Vec<Cached> {
        let of = |register| registers.iter().find(|(name, _)| *name == register).map_or(0, |(_, value)| *value);
        let cpu = a64::Cpu {
            translation: translation_of(ops, of(aarch64::Register::HcrEl2)),
            page: 12,
            wide: false,
            hcr: of(aarch64::Register::HcrEl2),
            vmid: (of(aarch64::Register::VttbrEl2) >> 48) as u16,
        };
        let is_kept = |entry: &Cached| {
            let sorts: &[a64::Sort] = match (entry.kind, cpu.translation) {
                (Sort::Pointer, _) => &[a64::Sort::Pointer],
                // What both stages combine may be cached beside it.
                (Sort::Leaf, Translation::Stage2) => &[a64::Sort::Leaf, a64::Sort::Combined],
                (Sort::Leaf, _) => &[a64::Sort::Leaf],
            };
            let Cached { start, bytes, id, global, .. } = *entry;
            let each = sorts.iter().map(|&sort| a64::Cached { sort, start, bytes, id, global });
            !a64::left(&cpu, ops, false, &each.collect::<Vec<_>>()).is_empty()
        };
        cached.into_iter().filter(is_kept).collect()
    }
}

/// Whose translations the invalidations mean: a run has those of one regime only.
fn translation_of(ops: &[Instruction], hcr: u64) -> Translation {
    let names = ops.iter().filter_map(|op| if let Instruction::Invalidate(tlb, ..) = op { Some(*tlb) } else { None });
    let text: String = names.map(|name| format!("{name:?} ")).collect();
    let has = |part: &str| text.contains(part);
    match hcr >> 34 & 1 {
        _ if has("pas2") || has("s12") || has("Alle1") => Translation::Stage2,
        _ if has("e3") => Translation::El3,
        1 => Translation::El2And0,
        _ if has("e2") => Translation::El2,
        _ => Translation::El1,
    }
}

impl Core for LoongArch {
    const ABSENT: bool = true;
    const POINTERS: bool = false;

    fn forget(ops: &[Self::Op], cached: Vec<Cached>, _: &[(Self::Register, u64)]) -> Vec<Cached> {
        loongarch64::left(ops, cached)
    }
}

/// Tables, and a core that walks them.
struct World<A: Architecture> {
    format: &'static Format,
    tables: BTreeMap<u64, Box<[u64; 512]>>,
    free: Vec<u64>,
    root: Option<u64>,
    cached: Vec<(Cached, Says)>,
    registers: Vec<(A::Register, u64)>,
    /// Instructions since the last time that they were obeyed: a batch counts as one.
    ops: Vec<A::Op>,
    random: Random,
}

impl<A: Core> World<A> {
    fn read(&self, table: u64, index: usize) -> u64 {
        let (table, index) = place(table, index);
        self.tables.get(&table).expect("a walk of memory that is no table")[index]
    }

    /// Follows `virt` from a table at a level, and remembers what it reads if `remember`.
    fn walk(&mut self, virt: u64, from: (u64, usize), remember: bool) -> Outcome {
        let (mut table, mut level) = from;
        loop {
            let word = self.read(table, self.format.index(virt, level));
            let view = self.format.view(level, word);
            let bytes = 1 << self.format.level[level].shift;
            let cached = |kind, global| Cached { kind, start: virt & !(bytes - 1), bytes, id: OURS, global, core: 0 };
            let (entry, outcome) = match view {
                View::Table { address } if level > 0 => {
                    let entry = (cached(Sort::Pointer, false), Says::Table(address, level - 1));
                    if remember && A::POINTERS {
                        self.cached.push(entry);
                    }
                    (table, level) = (address, level - 1);
                    continue;
                }
                View::Leaf(Leaf { address, access, memory, global, .. }) => {
                    let outcome = Outcome::To { phys: address, access, memory, global };
                    ((cached(Sort::Leaf, global), Says::Leaf(outcome)), outcome.at(virt & (bytes - 1)))
                }
                // A handler that walks for the core enters pages, whichever level had nothing.
                View::Absent if !A::POINTERS => {
                    let page = Cached { start: virt & !(PAGE - 1), bytes: PAGE, ..cached(Sort::Leaf, false) };
                    ((page, Says::Leaf(Outcome::Absent)), Outcome::Absent)
                }
                View::Absent => ((cached(Sort::Leaf, false), Says::Leaf(Outcome::Absent)), Outcome::Absent),
                other => panic!("{other:?} at {virt:#x}"),
            };
            if remember && (A::ABSENT || !matches!(outcome, Outcome::Absent)) {
                self.cached.push(entry);
            }
            return outcome;
        }
    }

    /// Walks random addresses, from the root or from where a remembered pointer leads.
    fn speculate(&mut self) {
        let Some(root) = self.root else { return };
        let top = (root, self.format.levels - 1);
        // A cache has an end.
        let excess = self.cached.len().saturating_sub(400);
        self.cached.drain(..excess);
        for _ in 0..2 {
            let virt = WINDOW + self.random.below(PAGES) * PAGE;
            let pointers = self.cached.iter().filter(|(entry, _)| entry.covers(virt));
            let starts: Vec<_> = pointers
                .filter_map(
                    |(_, says)| if let Says::Table(table, level) = says { Some((*table, *level)) } else { None },
                )
                .collect();
            let start = match self.random.below(starts.len() as u64 + 1) {
                0 => top,
                n => starts[n as usize - 1],
            };
            self.walk(virt, start, true);
        }
    }

    /// Obeys the instructions that are left to obey.
    fn obey(&mut self) {
        let ops = std::mem::take(&mut self.ops);
        if ops.is_empty() {
            return;
        }
        // The model tags, the list keeps what was tagged.
        let mut kept = Vec::new();
        for (entry, says) in std::mem::take(&mut self.cached) {
            if !A::forget(&ops, vec![entry], &self.registers).is_empty() {
                kept.push((entry, says));
            }
        }
        self.cached = kept;
    }

    /// Nothing remembered disagrees with the tables.
    fn check(&mut self) {
        self.obey();
        let Some(root) = self.root else { return };
        let top = (root, self.format.levels - 1);
        for (entry, says) in self.cached.clone() {
            let first = entry.start.max(WINDOW);
            let last = (entry.start + (entry.bytes - 1)).min(WINDOW + PAGES * PAGE - 1);
            // Every page of what is small, and some of the others.
            let step = (((last - first) / 16) & !(PAGE - 1)).max(PAGE);
            for virt in (first..=last).step_by(step as usize) {
                let truth = self.walk(virt, top, false);
                let said = match says {
                    Says::Leaf(outcome) => outcome.at(virt - entry.start),
                    Says::Table(table, level) => self.walk(virt, (table, level), false),
                };
                assert_eq!(said, truth, "{virt:#x} by {entry:x?}, which says {says:x?}");
            }
        }
    }
}

impl Outcome {
    fn at(self, offset: u64) -> Self {
        match self {
            Self::Absent => self,
            Self::To { phys, access, memory, global } => Self::To { phys: phys + offset, access, memory, global },
        }
    }
}

/// The page of a table in several pages, and the index in it.
fn place(table: u64, index: usize) -> (u64, usize) {
    (table + index as u64 / 512 * PAGE, index % 512)
}

struct Memory<A: Architecture>(Rc<RefCell<World<A>>>);

impl<A: Architecture> Clone for Memory<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

// SAFETY: the tables are arrays, which outlive their use: what is freed stays there, full of garbage.
unsafe impl<R: Maintain<Architecture: Core>> TableAccess<R> for Memory<R::Architecture> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        let (table, index) = place(entry.table.as_u64(), entry.index);
        self.0.borrow().tables.get(&table).map(|table| table[index])
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        let mut world = self.0.borrow_mut();
        world.obey();
        world.speculate();
        let (table, index) = place(entry.table.as_u64(), entry.index);
        world.tables.get_mut(&table).expect("a table")[index] = word;
        world.speculate();
    }

    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        let now = self.0.borrow().read(entry.table.as_u64(), entry.index);
        if now != current {
            return Err(now);
        }
        // SAFETY: as for this function.
        unsafe { TableAccess::<R>::store(self, entry, new) };
        Ok(())
    }
}

/// A leaf to where nothing is, or nothing where that cannot be: a walk of freed memory does not go unnoticed.
fn garbage(format: &Format) -> u64 {
    let leaf = Leaf {
        address: 0xdead_d000,
        access: Access::kernel(Rights::R),
        memory: MemoryType::NormalWb,
        global: false,
        run: 0,
        software: 0,
        guarded: false,
    };
    let user = Leaf { access: Access::user(Rights::R), ..leaf };
    format.encode_leaf(0, &leaf).or(format.encode_leaf(0, &user)).expect("a page")
}

// SAFETY: as above; each table is given out once until it is freed.
unsafe impl<R: Maintain<Architecture: Core>> TableMemory<R> for Memory<R::Architecture> {
    fn allocate(&mut self, tables: usize) -> Option<PhysAddr> {
        let mut world = self.0.borrow_mut();
        let garbage = garbage(world.format);
        if tables == 1
            && let Some(table) = world.free.pop()
        {
            return Some(PhysAddr::new(table));
        }
        // Aligned to all of them: only roots are more than one, and they come first.
        let start = 0x10_0000 + world.tables.len() as u64 * PAGE;
        for i in 0..tables as u64 {
            world.tables.insert(start + i * PAGE, Box::new([garbage; 512]));
        }
        Some(PhysAddr::new(start))
    }

    unsafe fn free(&mut self, table: PhysAddr, tables: usize) {
        let mut world = self.0.borrow_mut();
        let garbage = garbage(world.format);
        for i in 0..tables as u64 {
            let table = table.as_u64() + i * PAGE;
            world.tables.insert(table, Box::new([garbage; 512]));
            world.free.push(table);
        }
    }
}

struct ThisCore<A: Architecture>(Rc<RefCell<World<A>>>);

impl<A: Core> Hardware<A> for ThisCore<A> {
    fn read(&mut self, register: A::Register) -> u64 {
        let world = self.0.borrow();
        world.registers.iter().find(|(name, _)| *name == register).map_or(0, |(_, value)| *value)
    }

    unsafe fn execute(&mut self, op: A::Op) {
        self.0.borrow_mut().ops.push(op);
    }
}

struct Speculating<R>(PhantomData<R>);

impl<R: Maintain<Architecture: Core>> Kind for Speculating<R> {
    type Regime = R;
    type Memory = Memory<R::Architecture>;
    type Hardware = ThisCore<R::Architecture>;
    type Reach = OneCore;
}

/// What is tried, one after the other.
fn edit<R>(
    space: &mut AddressSpace<Speculating<R>, Live>,
    random: &mut Random,
    types: &[(Access, MemoryType)],
    global: bool,
) where
    R: Maintain<Architecture: Core> + HasLeaf<Size2M>,
{
    let large = WINDOW + random.below(4) * (2 << 20);
    let (virt, size) = match random.below(3) {
        0 => (large, 2 << 20),
        1 => (WINDOW + random.below(PAGES - 8) * PAGE, (1 + random.below(8)) * PAGE),
        _ => {
            let first = random.below(PAGES);
            (WINDOW + first * PAGE, (1 + random.below(PAGES - first)) * PAGE)
        }
    };
    let (access, memory) = types[random.below(types.len() as u64) as usize];
    let attributes = Attributes { access, memory, global: global && random.below(2) == 0 };
    let virt = VirtAddr::new(virt);
    // SAFETY: nothing is mapped in earnest.
    match random.below(6) {
        0 | 1 => {
            // One in two mappings goes where the first did, so that pages can become a large leaf again.
            let offset = if random.below(2) == 0 { 0 } else { random.below(16) * (2 << 20) };
            let phys = PhysAddr::new(MEMORY + offset + (virt.as_u64() - WINDOW));
            // SAFETY: as above.
            if let Ok(token) = unsafe { space.map(&Mapping::new(virt, phys, size, attributes).replacing()) } {
                space.reclaim(token);
            }
        }
        2 => {
            let reclaim = if random.below(2) == 0 { Reclaim::Free } else { Reclaim::Keep };
            // SAFETY: as above.
            if let Ok(token) = unsafe { space.unmap(virt, size, reclaim) } {
                space.reclaim(token);
            }
        }
        3 => {
            // SAFETY: as above.
            if let Ok(token) = unsafe { space.protect(virt, size, &Protect::all(attributes)) } {
                space.flush(token);
            }
        }
        4 => {
            // SAFETY: as above.
            if let Ok(token) = unsafe { space.split::<Size2M>(virt) } {
                space.flush(token);
            }
        }
        _ => {
            // SAFETY: as above.
            if let Ok(token) = unsafe { space.promote::<Size2M>(Page::containing(virt)) } {
                space.reclaim(token);
            }
        }
    }
}

fn run<R>(seed: u64, id: Id, registers: &[(<R::Architecture as Architecture>::Register, u64)])
where
    R: Maintain<Architecture: Core> + HasLeaf<Size2M>,
{
    let world = Rc::new(RefCell::new(World::<R::Architecture> {
        format: const { &<R as Regime>::FORMAT },
        tables: BTreeMap::new(),
        free: Vec::new(),
        root: None,
        cached: Vec::new(),
        registers: registers.to_vec(),
        ops: Vec::new(),
        random: Random(seed),
    }));
    let space = AddressSpace::<Speculating<R>>::new(Memory(world.clone()), Halves::Lower).expect("memory for a root");
    let root = space.roots().lower;
    // SAFETY: there is no hardware.
    let mut space = unsafe { space.with_id(id).assume_live(ThisCore(world.clone())) };
    world.borrow_mut().root = root;
    let user = R::FORMAT.user_required;
    let access = |rights| if user { Access::user(rights) } else { Access::kernel(rights) };
    let mut types = vec![(access(Rights::RWX), MemoryType::NormalWb), (access(Rights::RX), MemoryType::NormalWb)];
    if R::FORMAT.memory_override.is_empty() {
        types.push((access(Rights::RWX), MemoryType::DeviceNgnrne));
    }
    let mut random = Random(seed ^ 0x5eed);
    for _ in 0..STEPS {
        world.borrow_mut().speculate();
        edit(&mut space, &mut random, &types, id == Id::Every);
        world.borrow_mut().check();
    }
    // The space is never retired, and its tables go with the test.
    std::mem::forget(space);
}

#[test]
fn riscv_remembers_nothing_stale() {
    for seed in 0..SEEDS {
        run::<Sv39>(seed, Id::One(OURS), &[]);
        run::<Sv48>(seed, Id::Every, &[]);
        run::<Sv57>(seed, Id::One(OURS), &[]);
        run::<Sv39x4>(seed, Id::One(OURS), &[]);
        run::<Sv48x4>(seed, Id::One(OURS), &[]);
        run::<With<Sv39, { Features::SVINVAL.bits() }>>(seed, Id::One(OURS), &[]);
    }
}

#[test]
fn aarch64_remembers_nothing_stale() {
    const RANGES: u64 = Features::TLBIRANGE.bits();
    const RESIZES: u64 = Features::BBML2.bits();
    let host = [(aarch64::Register::HcrEl2, a64::HOST)];
    let guest = [(aarch64::Register::VttbrEl2, u64::from(OURS) << 48)];
    let another = [(aarch64::Register::VttbrEl2, u64::from(THEIRS) << 48)];
    for seed in 0..SEEDS {
        run::<El1<G4K, 39>>(seed, Id::One(OURS), &[]);
        run::<El1<G4K, 48>>(seed, Id::Every, &[]);
        run::<With<El1<G4K, 39>, RANGES>>(seed, Id::One(OURS), &[]);
        run::<With<El1<G4K, 39>, RESIZES>>(seed, Id::One(OURS), &[]);
        run::<El2<G4K, 39>>(seed, Id::Every, &[]);
        run::<El3<G4K, 39>>(seed, Id::Every, &[]);
        run::<El2And0<G4K, 39>>(seed, Id::One(OURS), &host);
        run::<Stage2<G4K, 39>>(seed, Id::One(OURS), &guest);
        run::<Stage2<G4K, 39>>(seed, Id::One(OURS), &another);
    }
}

#[test]
fn x86_remembers_nothing_stale() {
    const PGE: u64 = 1 << 7;
    const PCIDE: u64 = 1 << 17;
    for seed in 0..SEEDS {
        run::<Level4>(seed, Id::Every, &x86_64::registers(0, PGE));
        run::<Level5>(seed, Id::Every, &x86_64::registers(0, PGE));
        run::<Level4>(seed, Id::Every, &x86_64::registers(OURS, PGE | PCIDE));
        run::<Level4>(seed, Id::One(OURS), &x86_64::registers(OURS, PGE | PCIDE));
        run::<Level4>(seed, Id::One(OURS), &x86_64::registers(THEIRS, PGE | PCIDE));
        run::<With<Level4, { Features::INVPCID.bits() }>>(seed, Id::One(OURS), &x86_64::registers(THEIRS, PCIDE));
        run::<Pae>(seed, Id::Every, &x86_64::registers(0, PGE));
    }
}

#[test]
fn loongarch_remembers_nothing_stale() {
    for seed in 0..SEEDS {
        run::<La64>(seed, Id::One(OURS), &[]);
        run::<La64>(seed, Id::Every, &[]);
    }
}
