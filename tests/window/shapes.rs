//! Windows of odd shapes side by side, as a walk by the manuals' bits sees each page of their tables.

use std::collections::BTreeMap;

use tablature::aarch64::{A64, Barrier, Domain, Instruction, Tlb};
use tablature::edit::{Granted, Kind, Ro, Rw, User};
use tablature::flush::{OneCore, Recorder};
use tablature::page::Size4K;
use tablature::riscv::RiscV;
use tablature::riscv::operation::Op as Fence;
use tablature::space::{Declared, Of};
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::{Mapped, MappedRun, Window, WindowRegion};
use tablature::x86_64::X86;
use tablature::x86_64::operation::Op;

use crate::support::{self, Decode};
use crate::{entry, frame, frames, memory};

const PAGE: u64 = 4096;
/// Where `text` goes, and where frames for windows start.
const DRAM: u64 = 0x8000_0000;
const FRAMES: u64 = DRAM + 0x100_0000;

/// Where each page goes that is mapped.
type Truth = BTreeMap<u64, u64>;

/// Every page of the tables that the regions lie in goes where it must, or nowhere.
fn check<S: Declared>(truth: &Truth, decode: Decode, places: &[(u64, u64)]) {
    let roots = S::roots();
    for &(start, pages) in places {
        for virt in (0..pages).map(|i| start.wrapping_add(i * PAGE)) {
            let root = if virt >> 63 == 0 { roots.lower } else { roots.upper.or(roots.lower) };
            let root = root.expect("there is a root");
            let read = |at| entry::<S>(at).expect("inside the tables");
            let found = support::walk(&S::FORMAT, root, virt + 8, decode, read);
            assert_eq!(found, truth.get(&virt).map(|phys| phys + 8), "{virt:#x} of {}", S::FORMAT.name);
        }
    }
}

/// Maps all pages of a window as one run.
fn map<R, K, A>(
    window: Window<R, K>,
    phys: u64,
    rights: A,
    cpu: &mut K::Hardware,
    truth: &mut Truth,
) -> MappedRun<R, K, A>
where
    R: WindowRegion<Size = Size4K>,
    K: Kind<Regime = Of<R::Space>>,
    A: Granted,
{
    let (start, pages) = (window.page().start().as_u64(), window.len());
    truth.extend((0..pages as u64).map(|i| (start + i * PAGE, phys + i * PAGE)));
    window.map_run(frames(phys, pages), rights).expect("as many frames").flush(cpu)
}

/// Unmaps a page or a run.
fn unmap<R, K, A, N>(run: Mapped<R, K, A, tablature::window::Normal, N>, cpu: &mut K::Hardware, truth: &mut Truth)
where
    R: WindowRegion<Size = Size4K>,
    K: Kind<Regime = Of<R::Space>>,
    A: Granted,
    N: tablature::window::Count,
{
    let (start, size) = (run.page().start().as_u64(), run.size() as u64);
    truth.retain(|virt, _| virt.wrapping_sub(start) >= size);
    drop(run.unmap().flush(cpu));
}

macro_rules! shapes {
    ($($test:ident $name:ident $kind:ident: [$($regime:tt)*] $cpu:ty, $decode:path, $base:literal, $last:literal, [$($asid:tt)*] $flush:expr;)*) => { $(
        tablature::memory_map! {
            mod $name for $($regime)*;
            physical { dram : 0x8000_0000, 256 MiB, normal; }
            space shapes {
                $($asid)*
                text  (rx)               : $base => dram, 64 KiB;
                left  (rw, window)       : after text, 12 KiB;
                right (rw, window)       : after left, 20 KiB;
                wall  (guard)            : after right, 4 KiB;
                user  (rw, user, window) : after wall, 4116 KiB;
                data  (rw)               : after user => dram + 64 KiB, 8 KiB;
                last  (rw, window)       : $last, 4 KiB;
            }
        }

        enum $kind {}

        impl Kind for $kind {
            type Regime = Of<$name::shapes::Space>;
            type Memory = Memory<Identity, Nothing>;
            type Hardware = Recorder<$cpu, 64>;
            type Reach = OneCore;
        }

        #[test]
        fn $test() {
            use $name::shapes::{Space, data, last, left, right, text, user};
            let (mut cpu, mut truth) = (Recorder::new(), Truth::new());
            for (start, phys, size) in [(text::START, DRAM, text::SIZE), (data::START, DRAM + text::SIZE, data::SIZE)] {
                truth.extend((0..size / PAGE).map(|i| (start + i * PAGE, phys + i * PAGE)));
            }
            // Four tables from the first region on, which starts one, and the last table.
            let places = [(text::START & !0x1f_ffff, 4 * 512), (last::START & !0x1f_ffff, 512)];
            let check = |truth: &Truth| check::<Space>(truth, $decode, &places);
            check(&truth);
            // SAFETY: no core uses the tables, here and below.
            let mut lefts = unsafe { left::assume_window::<$kind>() }.expect("the first to ask");
            // SAFETY: as above.
            let rights = unsafe { right::assume_window::<$kind>() }.expect("the first to ask");
            // SAFETY: as above.
            let mut users = unsafe { user::assume_window::<$kind>() }.expect("the first to ask");
            // SAFETY: as above.
            let mut lasts = unsafe { last::assume_window::<$kind>() }.expect("the first to ask");
            assert_eq!([lefts.len(), rights.len(), users.len(), lasts.len()], [3, 5, 1029, 1]);
            // Neighbours in one table, to both ends of each.
            let rights = map(rights, FRAMES, Rw, &mut cpu, &mut truth);
            check(&truth);
            let first = lefts.take_run(1);
            let first = map(first, FRAMES + 0x10_0000, Ro, &mut cpu, &mut truth);
            let lefts = map(lefts, FRAMES + 0x20_0000, Rw, &mut cpu, &mut truth);
            check(&truth);
            // Three tables, of which none is the window's alone.
            let few = users.take_run(700);
            let users = map(users, FRAMES + 0x30_0000, User(Rw), &mut cpu, &mut truth);
            check(&truth);
            let few = map(few, FRAMES + 0x100_0000, User(Ro), &mut cpu, &mut truth);
            check(&truth);
            // The last page of the space.
            let page = lasts.next_page().expect("the only one");
            truth.insert(last::START, FRAMES);
            let page = page.map(frame(FRAMES), Rw).flush(&mut cpu);
            check(&truth);
            cpu.clear();
            unmap(page, &mut cpu, &mut truth);
            assert_eq!(cpu.ops(), $flush);
            check(&truth);
            unmap(rights, &mut cpu, &mut truth);
            unmap(users, &mut cpu, &mut truth);
            check(&truth);
            unmap(first, &mut cpu, &mut truth);
            unmap(lefts, &mut cpu, &mut truth);
            unmap(few, &mut cpu, &mut truth);
            check(&truth);
            assert_eq!(truth.len() as u64, (text::SIZE + data::SIZE) / PAGE);
        }
    )* };
}

shapes! {
    sv39_has_windows_side_by_side sv39 Sv39: [riscv::Sv39] RiscV, support::riscv, 0x4000_0000, 0xffff_ffff_ffff_f000, [asid 7;]
        [Fence::SfenceVma(Some(0xffff_ffff_ffff_f000), Some(7))];
    sv57_has_windows_side_by_side sv57 Sv57: [riscv::Sv57] RiscV, support::riscv, 0x4000_0000, 0xffff_ffff_ffff_f000, []
        [Fence::SfenceVma(Some(0xffff_ffff_ffff_f000), None)];
    level4_has_windows_side_by_side level4 Level4: [x86_64::Level4] X86, support::x86_64, 0x4000_0000, 0xffff_ffff_ffff_f000, []
        [Op::Invlpg(0xffff_ffff_ffff_f000)];
    el1_has_windows_side_by_side el1 El1: [aarch64::El1<G4K, 39>] A64, support::aarch64, 0x4000_0000, 0xffff_ffff_ffff_f000, [asid 7;]
        [
            Instruction::Barrier(Barrier::DsbStores(Domain::Local)),
            Instruction::Invalidate(Tlb::Vale1, Domain::Local, 7 << 48 | 0xfff_ffff_ffff),
            Instruction::Barrier(Barrier::Dsb(Domain::Local)),
            Instruction::Barrier(Barrier::Isb),
        ];
}

tablature::memory_map! {
    mod moved for riscv::Sv39;
    physical { dram : 0x8000_0000, 256 MiB, normal; }
    space shapes {
        tables at boot;
        text (rx)         : 0x10_0000 => dram, 4 KiB;
        heap (rw, window) : 0x20_0000, 8 KiB;
    }
}

enum Moved {}

impl Kind for Moved {
    type Regime = Of<moved::shapes::Space>;
    type Memory = Memory<Identity, Nothing>;
    type Hardware = Recorder<RiscV, 8>;
    type Reach = OneCore;
}

/// A copy stands for the same memory seen elsewhere.
#[test]
fn tables_filled_at_boot_are_written_where_they_are_seen() {
    use moved::shapes::{Space, heap};
    let here = memory(Space::WORDS, Space::ALIGNMENT);
    Space::fill(here, DRAM).expect("they fit");
    let before = Space::memory();
    let there = memory(Space::WORDS, Space::ALIGNMENT).as_mut_ptr().cast::<u64>();
    // SAFETY: as many words as were filled, on both sides.
    unsafe { there.copy_from_nonoverlapping(before.start, Space::WORDS) };
    // SAFETY: the memory is never freed.
    unsafe { Space::see_tables_at(there) };
    assert_eq!((Space::memory().start, Space::memory().physical), (there.cast_const(), DRAM));
    // SAFETY: no core uses the tables.
    let mut window = unsafe { heap::assume_window::<Moved>() }.expect("the first to ask");
    let page = window.next_page().expect("a page").map(frame(FRAMES), Rw).flush(&mut Recorder::new());
    let truth = Truth::from([(0x10_0000, DRAM), (heap::START, FRAMES)]);
    check::<Space>(&truth, support::riscv, &[(0, 1024)]);
    assert_eq!(page.frame().start().as_u64(), FRAMES);
    let changed = (0..Space::WORDS).filter(|&i| {
        // SAFETY: inside both.
        let old = unsafe { before.start.wrapping_add(i).read_volatile() };
        // SAFETY: as above.
        old != unsafe { there.wrapping_add(i).read_volatile() }
    });
    assert_eq!(changed.count(), 1);
}
