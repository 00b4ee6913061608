//! Tables that stay in sight get the same words as those of which each entry is asked for.

use std::ptr::NonNull;

use proptest::prelude::*;
use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Existing, Halves, Kind, Limits, Live, Mapping, Offline, Protect, Reclaim};
use tablature::flush::{Maintain, OneCore, Recorder};
use tablature::page::{HasLeaf, Page, Size2M, Size4K};
use tablature::regime::With;
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
    ($($name:ident: $view:ty;)*) => { $(
        struct $name<R>(std::marker::PhantomData<R>);

        impl<R: Maintain> Kind for $name<R> {
            type Regime = R;
            type Memory = Memory<$view, Ranges<1>>;
            type Hardware = Recorder<R::Architecture, 2048>;
            type Reach = OneCore;
        }
    )* };
}

kinds! {
    Seen: Offset;
    Unseen: Asked;
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

fn same<R: Promotes + HasLeaf<Size4K>>(offline: &[Step], live: &[Step]) {
    let ((seen, of_seen), (unseen, of_unseen)) = (frames(), frames());
    let words = |frames: &[Frame]| frames.iter().flat_map(|frame| frame.0).collect::<Vec<u64>>();
    let (mut a, mut b) = (space::<Seen<R>, _>(of_seen), space::<Unseen<R>, _>(Asked(of_unseen)));
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
}
