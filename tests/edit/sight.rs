//! Tables that stay in sight get the same words as those of which each entry is asked for.

use std::ptr::NonNull;

use proptest::prelude::*;
use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Existing, Halves, Kind, Limits, Live, Mapping, Offline, Protect, Reclaim};
use tablature::flush::{Maintain, OneCore, Recorder};
use tablature::page::{HasLeaf, Page, Size2M, Size4K};
use tablature::regime::{Regime, With};
use tablature::riscv::{Sv32, Sv39};
use tablature::table::Attributes;
use tablature::tables::{Memory, Offset, PhysicalView, Ranges};
use tablature::x86::Legacy32;
use tablature::x86_64::Level4;

use crate::kinds::{K, M};

/// Where the tables are, for the tables.
const START: u64 = 0x10_0000;
const TABLES: u64 = 24;

#[repr(align(4096))]
struct Frame([u64; 512]);

/// A view that does not say that what it shows stays.
struct Asked(Offset);

// SAFETY: it is the other view.
unsafe impl PhysicalView for Asked {
    fn pointer(&self, start: PhysAddr, bytes: u64) -> Option<NonNull<u8>> {
        self.0.pointer(start, bytes)
    }
}

macro_rules! kinds {
    ($($name:ident: $view:ty, $largest:expr;)*) => { $(
        struct $name<R>(std::marker::PhantomData<R>);

        impl<R: Maintain> Kind for $name<R> {
            type Regime = R;
            type Memory = Memory<$view, Ranges<1>>;
            type Hardware = Recorder<R::Architecture, 2048>;
            type Reach = OneCore;

            const LARGEST_LEAF: u64 = $largest;
        }
    )* };
}

kinds! {
    Seen: Offset, u64::MAX;
    Unseen: Asked, u64::MAX;
    SeenPages: Offset, 4 * K;
    UnseenPages: Asked, 4 * K;
}

/// Memory for tables, and an offset at which it is seen.
fn frames() -> (Vec<Frame>, Offset) {
    let mut frames: Vec<Frame> = (0..TABLES).map(|_| Frame([0xdead_beef_dead_beef; 512])).collect();
    let offset = (frames.as_mut_ptr().expose_provenance() as u64).wrapping_sub(START);
    // SAFETY: that is where the frames are; nobody uses them otherwise before the space is gone.
    (frames, unsafe { Offset::new(PhysAddr::new(START), TABLES * 4 * K, offset) })
}

fn space<J: Kind<Memory = Memory<V, Ranges<1>>>, V>(view: V) -> AddressSpace<J> {
    let mut tables = Ranges::new();
    // SAFETY: nobody else takes them.
    assert!(unsafe { tables.add(PhysAddr::new(START), TABLES * 4 * K) });
    AddressSpace::new(Memory::new(view, tables), Halves::Lower).expect("a root")
}

/// One edit: which, from which page on, how many, how far from there, and variants of it.
type Step = (u8, u64, u64, u64, u8);

fn request((_, page, pages, phys, variant): Step) -> Mapping {
    let rights = [Rights::R, Rights::RW, Rights::RX][variant as usize % 3];
    let attributes = Attributes::new(Access::kernel(rights), MemoryType::NormalWb);
    // Half of them so that large leaves fit.
    let phys = if variant & 8 == 0 { 64 * M + phys * 4 * K } else { 64 * M + (page % 1024) * 4 * K };
    let mapping = Mapping::new(VirtAddr::new(page * 4 * K), PhysAddr::new(phys), pages * 4 * K, attributes);
    let limits = if variant & 16 == 0 { Limits { runs: true, ..Limits::ANY } } else { Limits::ANY };
    let existing = if variant & 32 == 0 { Existing::Refuse } else { Existing::Replace };
    Mapping { limits, existing, ..mapping }
}

fn change(variant: u8) -> Protect {
    match variant % 4 {
        0 => Protect::access(Access::kernel(Rights::R)),
        1 => Protect::access(Access::kernel(Rights::RW)),
        2 => Protect { global: Some(false), ..Protect::default() },
        _ => Protect::memory(MemoryType::NormalWb),
    }
}

/// The outcome of an edit.
type Outcome = Result<(), String>;

fn text<T, E: ToString>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn edit<J: Kind>(space: &mut AddressSpace<J, Offline>, step: Step) -> Outcome
where
    J::Regime: HasLeaf<Size4K> + Promotes,
{
    let (what, page, pages, _, variant) = step;
    let (virt, size) = (VirtAddr::new(page * 4 * K), pages * 4 * K);
    match what % 6 {
        0 | 1 => text(space.map(&request(step))),
        2 => text(space.unmap(virt, size, if variant & 1 == 0 { Reclaim::Keep } else { Reclaim::Free })),
        3 => text(space.protect(virt, size, &change(variant))),
        4 => text(space.split::<Size4K>(virt)),
        _ => J::Regime::promote(space, virt),
    }
}

fn edit_live<J: Kind>(space: &mut AddressSpace<J, Live>, step: Step) -> Outcome
where
    J::Regime: HasLeaf<Size4K> + Promotes,
{
    let (what, page, pages, _, variant) = step;
    let (virt, size) = (VirtAddr::new(page * 4 * K), pages * 4 * K);
    let token = match what % 6 {
        // SAFETY: no hardware uses the tables, here and below.
        0 | 1 => text(unsafe { space.map(&request(step)) })?,
        2 => {
            let reclaim = if variant & 1 == 0 { Reclaim::Keep } else { Reclaim::Free };
            // SAFETY: as above.
            text(unsafe { space.unmap(virt, size, reclaim) })?
        }
        3 => {
            // SAFETY: as above.
            let token = text(unsafe { space.protect(virt, size, &change(variant)) })?;
            space.flush(token);
            return Ok(());
        }
        4 => {
            // SAFETY: as above.
            let token = text(unsafe { space.split::<Size4K>(virt) })?;
            space.flush(token);
            return Ok(());
        }
        _ => return J::Regime::promote_live(space, virt),
    };
    space.reclaim(token);
    Ok(())
}

/// Regimes with leaves of 2 MiB, or without.
trait Promotes: Maintain {
    fn promote<J: Kind<Regime = Self>>(_: &mut AddressSpace<J>, _: VirtAddr) -> Outcome {
        Ok(())
    }

    fn promote_live<J: Kind<Regime = Self>>(_: &mut AddressSpace<J, Live>, _: VirtAddr) -> Outcome {
        Ok(())
    }
}

impl Promotes for Sv32 {}
impl Promotes for Legacy32 {}
impl Promotes for Sv39 {}

macro_rules! promotes {
    ($($regime:ty),*) => { $(
        impl Promotes for $regime {
            fn promote<J: Kind<Regime = Self>>(space: &mut AddressSpace<J>, virt: VirtAddr) -> Outcome {
                text(space.promote(Page::<Size2M>::containing(virt)))
            }

            fn promote_live<J: Kind<Regime = Self>>(space: &mut AddressSpace<J, Live>, virt: VirtAddr) -> Outcome {
                // SAFETY: no hardware uses the tables.
                let token = text(unsafe { space.promote(Page::<Size2M>::containing(virt)) })?;
                space.reclaim(token);
                Ok(())
            }
        }
    )* };
}

type Napot = With<Sv39, { Features::SVNAPOT.bits() }>;
type Wide = With<El1<G4K, 52>, { Features::LPA2.bits() }>;
promotes!(Level4, Napot, El1<G4K, 39>, Wide);

fn words(frames: &[Frame]) -> Vec<u64> {
    frames.iter().flat_map(|frame| frame.0).collect()
}

fn same<R: Promotes + HasLeaf<Size4K>>(offline: &[Step], live: &[Step]) {
    same_of::<R, Seen<R>, Unseen<R>>(offline, live);
}

fn same_of<R, A, B>(offline: &[Step], live: &[Step])
where
    R: Promotes + HasLeaf<Size4K>,
    A: Kind<Regime = R, Memory = Memory<Offset, Ranges<1>>, Hardware = Recorder<R::Architecture, 2048>>,
    B: Kind<Regime = R, Memory = Memory<Asked, Ranges<1>>, Hardware = Recorder<R::Architecture, 2048>>,
{
    let ((seen, of_seen), (unseen, of_unseen)) = (frames(), frames());
    let (mut a, mut b) = (space::<A, _>(of_seen), space::<B, _>(Asked(of_unseen)));
    for step in offline {
        assert_eq!(edit(&mut a, *step), edit(&mut b, *step), "{step:?}");
        assert!(words(&seen) == words(&unseen), "{step:?}");
    }
    // SAFETY: no hardware uses the tables, here and below.
    let mut a = unsafe { a.assume_live(Recorder::new()) };
    // SAFETY: as above.
    let mut b = unsafe { b.assume_live(Recorder::new()) };
    for step in live {
        assert_eq!(edit_live(&mut a, *step), edit_live(&mut b, *step), "{step:?}");
        assert!(words(&seen) == words(&unseen), "{step:?}");
    }
    assert_eq!(a.hardware().ops(), b.hardware().ops());
}

/// Edits by ranges of spaces of pages, in tables that had leaves of any size before.
fn same_pages<R: Promotes + HasLeaf<Size4K>>(before: &[Step], steps: &[Step]) {
    let ((seen, of_seen), (unseen, of_unseen)) = (frames(), frames());
    let (mut a, mut b) = (space::<Seen<R>, _>(of_seen), space::<Unseen<R>, _>(Asked(of_unseen)));
    for &(what, page, pages, phys, variant) in before {
        // Without runs, which such spaces do not know.
        let step = (what % 3, page, pages, phys, variant | 16);
        assert_eq!(edit(&mut a, step), edit(&mut b, step), "{step:?}");
    }
    let ((of_a, memory_of_a), (of_b, memory_of_b)) = (a.into_roots(), b.into_roots());
    // SAFETY: nobody else has the tables, here and below.
    let mut a: AddressSpace<SeenPages<R>> = unsafe { AddressSpace::from_roots(of_a, memory_of_a) }.expect("a space");
    // SAFETY: as above.
    let mut b: AddressSpace<UnseenPages<R>> = unsafe { AddressSpace::from_roots(of_b, memory_of_b) }.expect("a space");
    for step in steps {
        assert_eq!(edit(&mut a, *step), edit(&mut b, *step), "{step:?}");
        assert!(words(&seen) == words(&unseen), "{step:?}");
    }
}

/// Ranges that cannot be, and entries that no edit makes.
fn refuses_the_same<R: Promotes + HasLeaf<Size4K>>(reserved: u64) {
    let ((mut seen, of_seen), (mut unseen, of_unseen)) = (frames(), frames());
    let (mut a, mut b) = (space::<SeenPages<R>, _>(of_seen), space::<UnseenPages<R>, _>(Asked(of_unseen)));
    let first: Step = (0, 0, 3, 0, 0);
    assert_eq!((edit(&mut a, first), edit(&mut b, first)), (Ok(()), Ok(())));
    let root = (a.roots().lower.expect("a root") - START) as usize / 0x1000;
    let top = R::FORMAT.levels - 1;
    let slot = R::FORMAT.level[top].size();
    for frames in [&mut seen, &mut unseen] {
        frames[root].0[1] = R::FORMAT.encode_table(top, START + root as u64 * 0x1000);
        frames[root].0[2] = reserved;
        // Behind the memory for tables.
        frames[root].0[3] = R::FORMAT.encode_table(top, START + TABLES * 0x1000);
    }
    let mut refused = std::collections::BTreeSet::new();
    let mut check = |virt: u64, size: u64, phys: u64| {
        let attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
        let request = Mapping::new(VirtAddr::new(virt), PhysAddr::new(phys), size, attributes);
        let unencodable = Attributes::new(Access::kernel(Rights::W), MemoryType::NormalWb);
        for request in [request, Mapping { attributes: unencodable, ..request }] {
            let (of_a, of_b) = (text(a.map(&request)), text(b.map(&request)));
            assert_eq!(of_a, of_b, "{request:?}");
            refused.extend(of_a.err().map(|error| error.split_whitespace().skip(1).take(3).collect::<String>()));
        }
        let (of_a, of_b) = (
            text(a.unmap(VirtAddr::new(virt), size, Reclaim::Keep)),
            text(b.unmap(VirtAddr::new(virt), size, Reclaim::Keep)),
        );
        assert_eq!(of_a, of_b, "{size:#x} bytes at {virt:#x}");
        refused.extend(of_a.err());
        assert!(words(&seen) == words(&unseen), "{size:#x} bytes at {virt:#x}");
    };
    let end = 1 << R::FORMAT.range_bits;
    for virt in
        [0, 1, 0x1000, slot - 0x1000, slot, 2 * slot, 3 * slot, 5 * slot, end - 0x1000, end, 0u64.wrapping_sub(0x1000)]
    {
        for size in [0, 1, 0x1000, 0x5000, u64::MAX, 0u64.wrapping_sub(0x2000)] {
            for phys in [0, 1, 64 * M, 1 << 56, u64::MAX - 0xfff] {
                check(virt, size, phys);
            }
        }
    }
    // All of the slot of the self map, alone and beside others.
    for (virt, size) in [(slot, slot), (0, 2 * slot)] {
        check(virt, size, 64 * M);
    }
    // Between the ends of a range, too, something is out of reach.
    for (virt, size) in [(2 * slot, 4 * slot), (2 * slot + 0x1000, 2 * slot), (3 * slot, slot)] {
        check(virt, size, 64 * M);
    }
    assert!(refused.len() > 12, "{refused:?}");
}

/// The entry of `level` for the third slot of the first table of that level.
fn third<R: Regime>(frames: &mut [Frame], root: u64, level: usize) -> &mut u64 {
    let place = |table: u64| (table - START) as usize / 0x1000;
    let table =
        (level + 1..R::FORMAT.levels).fold(root, |table, _| R::FORMAT.address.decode(frames[place(table)].0[0]));
    &mut frames[place(table)].0[2]
}

/// A table that is out of reach, with who knows what in it, between others that are not.
fn refuses_what_is_out_of_reach<R: Maintain + HasLeaf<Size4K>>(level: usize, largest: u64) {
    let (mut frames, view) = frames();
    let mut space = space::<Seen<R>, _>(view);
    let slot = R::FORMAT.level[level].size();
    let attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
    let page = |slots: u64| Mapping::new(VirtAddr::new(slots * slot), PhysAddr::new(64 * M), 4 * K, attributes);
    for slots in [0, 2, 3] {
        space.map(&page(slots)).expect("nothing is there");
    }
    let root = space.roots().lower.expect("a root");
    *third::<R>(&mut frames, root, level) = R::FORMAT.encode_table(level, START + TABLES * 0x1000);
    let before = words(&frames);
    let (virt, size) = (VirtAddr::new(0), 4 * slot);
    let all = Mapping::new(virt, PhysAddr::new(0), size, attributes).limited(Limits { largest, ..Limits::ANY });
    let is_refused = |error: Option<String>, what: &str| {
        assert!(error.as_ref().is_some_and(|error| error.contains("out of reach")), "{what}: {error:?}");
        assert!(words(&frames) == before, "{what}");
    };
    for reclaim in [Reclaim::Keep, Reclaim::Free] {
        is_refused(text(space.unmap(virt, size, reclaim)).err(), "unmap");
    }
    is_refused(text(space.map(&all.replacing())).err(), "replace");
    is_refused(text(space.protect(VirtAddr::new(2 * slot), slot, &change(0))).err(), "protect");
    // SAFETY: no hardware uses the tables.
    let mut space = unsafe { space.assume_live(Recorder::new()) };
    for reclaim in [Reclaim::Keep, Reclaim::Free] {
        // SAFETY: as above.
        is_refused(text(unsafe { space.unmap(virt, size, reclaim) }).err(), "unmap, live");
    }
    // SAFETY: as above.
    is_refused(text(unsafe { space.map(&all.replacing()) }).err(), "replace, live");
    assert_eq!(space.hardware().executed(), 0);
}

#[test]
fn what_is_out_of_reach_is_refused_wherever_it_is_in_a_range() {
    for largest in [4 * K, 2 * M, u64::MAX] {
        refuses_what_is_out_of_reach::<Level4>(1, largest);
        refuses_what_is_out_of_reach::<Level4>(2, largest);
        refuses_what_is_out_of_reach::<Sv39>(1, largest);
        refuses_what_is_out_of_reach::<El1<G4K, 39>>(1, largest);
    }
}

/// What may be replaced by a leaf has no mapping, which nobody knows of a table that is out of reach.
#[test]
fn a_table_out_of_reach_is_not_taken_for_an_empty_one() {
    let (mut frames, view) = frames();
    let mut space = space::<Seen<Level4>, _>(view);
    let attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
    let request = |size: u64| Mapping::new(VirtAddr::new(4 * M), PhysAddr::new(4 * M), size, attributes);
    space.map(&request(4 * K)).expect("nothing is there");
    let root = space.roots().lower.expect("a root");
    *third::<Level4>(&mut frames, root, 1) = Level4::FORMAT.encode_table(1, START + TABLES * 0x1000);
    let large = request(2 * M).limited(Limits { smallest: 2 * M, ..Limits::ANY });
    let error = text(space.map(&large)).expect_err("what is there is not known");
    assert!(error.contains("out of reach"), "{error}");
}

/// Makes a part another space's.
fn shares<R: Promotes, J>(other: &mut AddressSpace<J>, virt: VirtAddr, size: u64)
where
    J: Kind<Regime = R, Hardware = Recorder<R::Architecture, 2048>, Reach = OneCore>,
{
    let (_frames, view) = frames();
    // SAFETY: no hardware uses the tables.
    let mut owner = unsafe { space::<Seen<R>, _>(view).assume_live(Recorder::new()) };
    let token = owner.pin(virt, size).expect("nothing is there");
    owner.flush(token);
    owner.share_with(other).expect("nothing is there");
}

/// Root entries that are pinned, or another space's.
fn respects_the_same_borders<R: Promotes + HasLeaf<Size4K>>() {
    let ((seen, of_seen), (unseen, of_unseen)) = (frames(), frames());
    let (mut a, mut b) = (space::<SeenPages<R>, _>(of_seen), space::<UnseenPages<R>, _>(Asked(of_unseen)));
    let slot = R::FORMAT.level[R::FORMAT.levels - 1].size();
    let (pinned, size) = (VirtAddr::new(2 * slot), 2 * slot);
    assert_eq!((a.pin(pinned, size), b.pin(pinned, size)), (Ok(()), Ok(())));
    shares::<R, _>(&mut a, VirtAddr::new(5 * slot), slot);
    shares::<R, _>(&mut b, VirtAddr::new(5 * slot), slot);
    let mut done = 0;
    for first in 0..7 {
        for (start, pages) in [(0, 1), (slot - 0x1000, 1), (slot - 0x1000, 2), (slot - 0x2000, 4)] {
            let attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
            let (virt, size) = (VirtAddr::new(first * slot + start), pages * 0x1000);
            let request = Mapping::new(virt, PhysAddr::new(64 * M), size, attributes);
            let of_a = text(a.map(&request));
            assert_eq!(of_a, text(b.map(&request)), "{request:?}");
            done += usize::from(of_a.is_ok());
            let (of_a, of_b) = (a.unmap(virt, size, Reclaim::Keep), b.unmap(virt, size, Reclaim::Keep));
            assert_eq!(of_a, of_b, "{request:?}");
            assert!(words(&seen) == words(&unseen), "{request:?}");
        }
    }
    assert!(done > 8 && done < 28, "{done}");
}

#[test]
fn a_sweep_stays_within_the_borders_that_the_general_engine_respects() {
    respects_the_same_borders::<Level4>();
    respects_the_same_borders::<Sv39>();
}

#[test]
fn a_sweep_refuses_what_the_general_engine_refuses() {
    refuses_the_same::<Level4>(1 | 1 << 7);
    refuses_the_same::<El1<G4K, 39>>(1 | 1 << 47 << 4);
    refuses_the_same::<Sv39>(1 | 1 << 2);
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((any::<u8>(), 0u64..1200, 1u64..1100, 0u64..700, any::<u8>()), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 96 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_stays_in_sight_gets_the_same_words(offline in steps(), live in steps()) {
        same::<Level4>(&offline, &live);
        same::<El1<G4K, 39>>(&offline, &live);
        same::<Wide>(&offline, &live);
        same::<Napot>(&offline, &live);
        same::<Sv32>(&offline, &live);
        same::<Legacy32>(&offline, &live);
    }

    #[test]
    fn spaces_of_pages_get_the_same_words_by_sweeps(before in steps(), steps in steps()) {
        same_pages::<Level4>(&before, &steps);
        same_pages::<El1<G4K, 39>>(&before, &steps);
        same_pages::<Wide>(&before, &steps);
        same_pages::<Napot>(&before, &steps);
        same_pages::<Sv32>(&before, &steps);
        same_pages::<Legacy32>(&before, &steps);
        same_of::<Level4, SeenPages<Level4>, UnseenPages<Level4>>(&before, &steps);
        same_of::<Napot, SeenPages<Napot>, UnseenPages<Napot>>(&before, &steps);
    }
}
