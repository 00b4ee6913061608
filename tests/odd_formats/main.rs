//! Random edits of formats that are not like the others: entries of four bytes, tables of 1 KiB, large pages with an
//! encoding of their own, roots of several tables, pointers without a valid bit. After each edit every page of a window is
//! translated by a decoder that knows the manual's bits alone, and compared with a model that knows no tables.

#[path = "../support/arena.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod arena;
mod machine;

use std::collections::BTreeMap;

use arena::Arena;
use machine::{Machine, Page};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, Limits, Live, Mapping, Offline, Protect, Reclaim};
use tablature::flush::{Maintain, OneCore, Recorder};
use tablature::table::Attributes;

const PAGE: u64 = 4 << 10;
/// Pages that edits touch.
const WINDOW: u64 = 3072;
const ROUNDS: usize = 40;
const SEEDS: u64 = 3;

struct On<R>(std::marker::PhantomData<R>);

impl<R: Maintain> Kind for On<R> {
    type Regime = R;
    type Memory = Arena<R>;
    type Hardware = Recorder<R::Architecture, 4096>;
    type Reach = OneCore;
}

/// Numbers without end, the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// One edit: the first page of the window, how many, and what.
#[derive(Clone, Copy, Debug)]
struct Edit {
    first: u64,
    pages: u64,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Map { phys: u64, rights: Rights, limits: Limits, replace: bool },
    Unmap(Reclaim),
    Protect(Rights),
}

fn any_edit(numbers: &mut Numbers, machine: &Machine) -> Edit {
    let align = numbers.one_of(&[1, 1, 16, 256, 512, 1024]);
    let first = numbers.below(WINDOW - 1024) / align * align;
    let pages = numbers.one_of(&[1, 2, 15, 16, 33, 256, 512, 700, 1024]);
    let rights = numbers.one_of(machine.rights);
    let what = match numbers.below(4) {
        0 => What::Unmap(numbers.one_of(&[Reclaim::Keep, Reclaim::Free])),
        1 => What::Protect(rights),
        _ => What::Map {
            phys: 0x2000_0000 + (first + numbers.one_of(&[0, 0, 0, 1, 16, 512])) * PAGE,
            rights,
            limits: numbers.one_of(&[Limits::ANY, Limits::PAGES, Limits { runs: true, ..Limits::ANY }]),
            replace: numbers.below(2) == 0,
        },
    };
    Edit { first, pages, what }
}

type Model = BTreeMap<u64, Page>;

/// What the edit makes of the model; `false` and nothing if it must be refused.
fn apply(model: &mut Model, edit: &Edit, machine: &Machine) -> bool {
    let pages = edit.first..edit.first + edit.pages;
    let mapped = model.range(pages.clone()).count() as u64;
    match edit.what {
        What::Map { replace: false, .. } if mapped != 0 => return false,
        What::Map { phys, rights, .. } => {
            for page in pages {
                let address = phys + (page - edit.first) * PAGE;
                model.insert(
                    page,
                    Page { address, write: rights.contains(Rights::W), execute: machine.executes(rights) },
                );
            }
        }
        What::Unmap(_) => model.retain(|page, _| !pages.contains(page)),
        What::Protect(_) if mapped != edit.pages => return false,
        What::Protect(rights) => {
            for (_, page) in model.range_mut(pages) {
                *page = Page { write: rights.contains(Rights::W), execute: machine.executes(rights), ..*page };
            }
        }
    }
    true
}

fn mapping(virt: u64, edit: &Edit) -> Option<Mapping> {
    let What::Map { phys, rights, limits, replace } = edit.what else { return None };
    let attributes = Attributes::new(Access::kernel(rights), MemoryType::NormalWb);
    let mapping = Mapping::new(VirtAddr::new(virt), PhysAddr::new(phys), edit.pages * PAGE, attributes).limited(limits);
    Some(if replace { mapping.replacing() } else { mapping })
}

fn edit_offline<R: Maintain>(space: &mut AddressSpace<On<R>, Offline>, virt: u64, edit: &Edit) -> bool {
    let (start, size) = (VirtAddr::new(virt), edit.pages * PAGE);
    match edit.what {
        What::Map { .. } => space.map(&mapping(virt, edit).expect("a mapping")).is_ok(),
        What::Unmap(reclaim) => space.unmap(start, size, reclaim).is_ok(),
        What::Protect(rights) => space.protect(start, size, &Protect::access(Access::kernel(rights))).is_ok(),
    }
}

fn edit_live<R: Maintain>(space: &mut AddressSpace<On<R>, Live>, virt: u64, edit: &Edit) -> bool {
    let (start, size) = (VirtAddr::new(virt), edit.pages * PAGE);
    match edit.what {
        // SAFETY: no hardware uses tables in an arena.
        What::Map { .. } => match unsafe { space.map(&mapping(virt, edit).expect("a mapping")) } {
            Ok(token) => space.reclaim(token),
            Err(_) => return false,
        },
        // SAFETY: as above.
        What::Unmap(reclaim) => match unsafe { space.unmap(start, size, reclaim) } {
            Ok(token) => space.reclaim(token),
            Err(_) => return false,
        },
        What::Protect(rights) => {
            // SAFETY: as above.
            match unsafe { space.protect(start, size, &Protect::access(Access::kernel(rights))) } {
                Ok(token) => space.flush(token),
                Err(_) => return false,
            }
        }
    }
    true
}

/// Every page of the window is what the model says.
fn compare<R: Maintain>(machine: &Machine, arena: &Arena<R>, root: u64, base: u64, model: &Model, edit: &Edit) {
    for page in 0..WINDOW {
        let virt = base + page * PAGE;
        let seen = machine.translate(root, virt, |address| arena.entry(address).expect("an entry of a table"));
        assert_eq!(seen, model.get(&page).copied(), "{virt:#x} after {edit:x?}");
    }
}

fn random_edits<R: Maintain>(machine: &Machine) {
    for seed in 0..SEEDS {
        let mut numbers = Numbers(seed * 0x9e37_79b9 + 1);
        let arena = Arena::<R>::new(512);
        let halves = if R::FORMAT.split_roots { Halves::Both } else { Halves::Lower };
        let mut offline = AddressSpace::<On<R>>::new(arena.clone(), halves).expect("a root");
        let root = offline.roots().lower.expect("a root");
        let empty = arena.used();
        let mut model = Model::new();
        let mut step = |numbers: &mut Numbers, run: &mut dyn FnMut(u64, &Edit) -> bool| {
            let edit = any_edit(numbers, machine);
            let done = run(machine.base + edit.first * PAGE, &edit);
            assert_eq!(done, apply(&mut model, &edit, machine), "{edit:x?}");
            compare(machine, &arena, root, machine.base, &model, &edit);
        };
        for _ in 0..ROUNDS {
            step(&mut numbers, &mut |virt, edit| edit_offline(&mut offline, virt, edit));
        }
        // SAFETY: no hardware uses tables in an arena.
        let mut live = unsafe { offline.assume_live(Recorder::new()) };
        for _ in 0..ROUNDS {
            step(&mut numbers, &mut |virt, edit| edit_live(&mut live, virt, edit));
        }
        let everything = Edit { first: 0, pages: WINDOW, what: What::Unmap(Reclaim::Free) };
        assert!(edit_live(&mut live, machine.base, &everything));
        assert_eq!(arena.used(), empty, "all tables but the roots came back");
    }
}

#[test]
fn armv7_short() {
    random_edits::<tablature::armv7::Short>(&machine::SHORT);
}

#[test]
fn armv7_long() {
    random_edits::<tablature::armv7::Lpae>(&machine::LPAE);
    random_edits::<tablature::armv7::LpaeHyp>(&machine::LPAE);
}

#[test]
fn armv7_guests() {
    random_edits::<tablature::armv7::LpaeStage2>(&machine::LPAE_STAGE2);
}

#[test]
fn riscv_sv32() {
    random_edits::<tablature::riscv::Sv32>(&machine::SV32);
}

#[test]
fn riscv_guests() {
    random_edits::<tablature::riscv::Sv39x4>(&machine::SV39X4);
}

#[test]
fn xuantie_c9xx() {
    random_edits::<tablature::riscv::Sv39C9xx>(&machine::SV39_C9XX);
}

#[test]
fn x86_of_32_bits() {
    random_edits::<tablature::x86::Legacy32>(&machine::LEGACY32);
}

#[test]
fn x86_pae() {
    random_edits::<tablature::x86::Pae>(&machine::PAE);
}

#[test]
fn x86_64_guests() {
    random_edits::<tablature::x86_64::Ept4>(&machine::EPT4);
}

#[test]
fn loongarch64() {
    random_edits::<tablature::loongarch64::La64>(&machine::LA64);
}

#[test]
fn riscv_runs_that_fold() {
    type Napot = tablature::regime::With<tablature::riscv::Sv39, { Features::SVNAPOT.bits() }>;
    random_edits::<Napot>(&machine::SV39_NAPOT);
}

#[test]
fn aarch64_runs_with_and_without_hardware_updates() {
    type El1 = tablature::aarch64::El1<tablature::aarch64::G4K, 39>;
    random_edits::<El1>(&machine::EL1);
    random_edits::<tablature::regime::With<El1, { Features::HAFDBS.union(Features::BBML2).bits() }>>(&machine::EL1);
}
