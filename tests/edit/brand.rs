//! Branded spaces: two of one kind, side by side, do what spaces without brands do.

use proptest::prelude::*;
use static_assertions::assert_eq_size;
use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Rights};
use tablature::edit::{AddressSpace, Brand, Halves, Kind, Live, Offline, Protect, Reclaim};
use tablature::flush::{Batch, Duty, Extent, Id, Interrupts, Mailboxes, Maintain, OneCore, Recorder, Scope, TlbFlush};
use tablature::page::{Frame, Page, Size4K};
use tablature::riscv::Sv39;
use tablature::x86_64::Level4;

use crate::arena::Arena;
use crate::kinds::{K, M, On, Space, attributes, leaves, live, mapping, space};

type Arm = El1<G4K, 39>;
type Branded<'id> = Brand<'id, On<Arm>>;

// A brand is nothing at run time.
assert_eq_size!(AddressSpace<Branded<'static>, Live>, Space<Arm, Live>);
assert_eq_size!(AddressSpace<Branded<'static>, Offline>, Space<Arm, Offline>);
assert_eq_size!(TlbFlush<Branded<'static>, u64>, TlbFlush<On<Arm>, u64>);
assert_eq_size!(Batch<Branded<'static>, 4, u64>, Batch<On<Arm>, 4, u64>);

/// One edit: of which space, which, from which page on, how many.
type Step = (bool, u8, u64, u64);

/// What an edit owed, or how it was refused.
fn edit<J: Kind>(space: &mut AddressSpace<J, Live>, (_, what, page, pages): Step) -> Result<Scope, String> {
    let (at, size) = (page * 4 * K, pages * 4 * K);
    let virt = VirtAddr::new(at);
    let token = match what % 4 {
        0 => {
            // SAFETY: no hardware uses tables in an arena, here and below.
            unsafe { space.map(&mapping(at, at + 64 * M, size, Rights::RW)) }.map_err(|error| error.to_string())?
        }
        1 => {
            let request = mapping(at, at + 128 * M, size, Rights::RX).replacing();
            // SAFETY: as above.
            unsafe { space.map(&request) }.map_err(|error| error.to_string())?
        }
        2 => {
            // SAFETY: as above.
            unsafe { space.unmap(virt, size, Reclaim::Free) }.map_err(|error| error.to_string())?
        }
        _ => {
            let change = Protect::access(Access::kernel(Rights::R));
            // SAFETY: as above.
            let token = unsafe { space.protect(virt, size, &change) }.map_err(|error| error.to_string())?;
            let scope = token.scope();
            space.flush(token);
            return Ok(scope);
        }
    };
    let scope = token.scope();
    if what & 4 == 0 {
        space.reclaim(token);
    } else {
        // The space does not see that, and flushes what it broke by itself when it is made again.
        let tables = token.flush(space.hardware());
        tables.free(space.memory_mut());
    }
    Ok(scope)
}

/// Edits two spaces in turns; the outcomes.
fn edit_both<A: Kind, B: Kind>(
    a: &mut AddressSpace<A, Live>,
    b: &mut AddressSpace<B, Live>,
    steps: &[Step],
) -> Vec<Result<Scope, String>> {
    steps.iter().map(|step| if step.0 { edit(a, *step) } else { edit(b, *step) }).collect()
}

/// Runs `steps` on two spaces of one kind without brands, and with, which they get in the middle.
fn brands_change_nothing<R: Maintain>(steps: &[Step]) {
    let pair = || (space::<R>(64), space::<R>(64));
    let ((a, of_a), (b, of_b)) = pair();
    let (mut a, mut b) = (live(a), live(b));
    let expected = edit_both(&mut a, &mut b, steps);

    let ((c, of_c), (d, of_d)) = pair();
    // SAFETY: no hardware uses tables in an arena.
    let (mut c, ()) = c.branded(|c| (unsafe { c.assume_live(Recorder::new()) }, ()));
    let mut d = live(d);
    let (before, after) = steps.split_at(steps.len() / 2);
    let mut found = edit_both(&mut c, &mut d, before);
    let (mut c, rest) = c.branded(|mut c| {
        let rest = d.branded_mut(|d| edit_both(&mut c, d, after));
        (c, rest)
    });
    found.extend(rest);
    assert_eq!(found, expected);
    assert_eq!((of_c.image(), of_d.image()), (of_a.image(), of_b.image()));
    assert_eq!((leaves(&c, &of_c), leaves(&d, &of_d)), (leaves(&a, &of_a), leaves(&b, &of_b)));
    assert_eq!((c.hardware().ops(), d.hardware().ops()), (a.hardware().ops(), b.hardware().ops()));
    assert_eq!((c.roots(), c.id(), d.roots(), d.id()), (a.roots(), a.id(), b.roots(), b.id()));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 64 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn branded_spaces_do_what_spaces_without_brands_do(
        steps in prop::collection::vec((any::<bool>(), any::<u8>(), 0u64..1200, 1u64..700), 1..10)
    ) {
        brands_change_nothing::<Arm>(&steps);
        brands_change_nothing::<Level4>(&steps);
        brands_change_nothing::<Sv39>(&steps);
    }
}

/// A kernel of its own kind, whose half processes have that are of another.
#[derive(Debug)]
enum Kernel {}

impl Kind for Kernel {
    type Regime = Level4;
    type Memory = Arena<Level4>;
    type Hardware = Recorder<tablature::x86_64::X86, 256>;
    type Reach = OneCore;
}

#[test]
fn spaces_of_other_kinds_and_brands_share_the_kernel_s_half() {
    const HALF: u64 = 0xffff_8000_0000_0000;
    let arena = Arena::<Level4>::new(512);
    let mut kernel = AddressSpace::<Kernel>::new(arena.clone(), Halves::Both).expect("a root");
    kernel.pin(VirtAddr::new(HALF), 1 << 47).expect("pinned");
    kernel.map(&mapping(HALF, 0x5000, 4 * K, Rights::RW)).expect("map");
    // SAFETY: no hardware uses tables in an arena.
    let mut kernel = unsafe { kernel.assume_live(Recorder::new()) };
    let mut first = Space::<Level4>::new(arena.clone(), Halves::Both).expect("a root");
    let mut second = Space::<Level4>::new(arena.clone(), Halves::Both).expect("a root");
    kernel.branded_mut(|kernel| {
        first.branded_mut(|first| {
            second.branded_mut(|second| {
                kernel.share_with(first).expect("shared");
                kernel.share_with(second).expect("shared");
                assert_eq!(leaves(first, &arena), leaves(kernel, &arena));
                assert_eq!(leaves(second, &arena), leaves(kernel, &arena));
                let returned = first.disown().expect("it shared a part");
                kernel.take_back(returned).expect("the kernel's own");
            });
        });
    });
    assert_eq!(kernel.sharers(), 1);
    let returned = second.disown().expect("it shared a part");
    kernel.take_back(returned).expect("the kernel's own");
    assert_eq!((kernel.sharers(), leaves(&first, &arena).len()), (0, 0));
}

/// A core that no other shares tables with.
struct Alone;

// SAFETY: there are no other cores.
unsafe impl Interrupts for Alone {
    fn uses(&mut self, _: usize) -> bool {
        false
    }

    fn interrupt(&mut self, _: usize) {}
}

#[test]
fn the_mailboxes_of_a_kind_serve_its_brands() {
    let extent = Extent::Range { start: 0x5000, last: 0x5fff, stride: 12 };
    let scope = Scope { duty: Duty::LEAF, extent, id: Id::Every };
    let mut plain = Recorder::<_, 256>::new();
    TlbFlush::<On<Level4>>::new(scope, ()).flush(&mut plain);

    let mailboxes = Mailboxes::<On<Level4>, 2>::new();
    // SAFETY: this is core 0, and there is no interrupt.
    let mut others = unsafe { mailboxes.from(0, Alone) }.expect("two cores");
    let (mut space, _) = space::<Level4>(4);
    space.map(&mapping(0x5000, 0x9000, 4 * K, Rights::RW)).expect("map");
    let mut space = live(space);
    space.branded_mut(|space| {
        let mut batch = Batch::<_, 2, _>::new();
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.unmap_page(Page::<Size4K>::containing(VirtAddr::new(0x5000))) }.expect("mapped");
        batch.push(token).expect("there is room");
        let released: Vec<_> = batch.shootdown(space.hardware(), &mut others).collect();
        assert_eq!(released, [(Frame::containing(PhysAddr::new(0x9000)), attributes(Rights::RW))]);
    });
    assert_eq!((space.hardware().ops(), plain.executed()), (plain.ops(), 1));
}
