//! What is measured.

use std::sync::OnceLock;

use crate::arena;
use crate::mapper::{Answer, BASE, Mapper, PAGE, PHYS, Region, Rights};
use crate::mappers::{Aarch64Paging, Multiarch, Ours, PageTableGeneric, Patina, Raw, Slot, Window, X86Crate};
use crate::walker;

/// One workload, for one mapper.
pub struct Workload<M> {
    /// In tables.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// How many pages it is about.
    pub pages: u64,
    /// Leaves that it handles: what costs are divided by.
    pub leaves: u64,
    /// Whether making the space is a part of it.
    pub creates: bool,
    /// What comes before.
    pub prepare: fn(&mut M, u64) -> Answer,
    /// It.
    pub run: fn(&mut M, u64) -> Answer,
    /// What it answers.
    pub answer: fn(u64) -> u64,
    /// What is mapped then.
    pub after: fn(u64) -> Vec<Region>,
}

/// Pages of a gibibyte.
pub const GIB: u64 = 1 << 18;
/// Sizes of spaces, as powers of two of pages, for the cost as it grows.
pub const GROWTH: [u32; 4] = [12, 16, 20, 24];

fn pages(count: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..count).map(|i| (BASE + i * PAGE, PHYS + i * PAGE))
}

fn starts(count: u64) -> impl Iterator<Item = u64> {
    pages(count).map(|(virt, _)| virt)
}

/// Where leaves of 2 MiB of so many pages start.
fn large(count: u64) -> impl Iterator<Item = u64> {
    (0..count / 512).map(|i| BASE + (i << 21))
}

fn all(count: u64) -> Region {
    Region::data(BASE, PHYS, count * PAGE)
}

/// The same, where leaves of 2 MiB fit, and none of 1 GiB.
fn aligned(count: u64) -> Region {
    Region::data(BASE, (1 << 32) + (2 << 20), count * PAGE)
}

/// 64 GiB from where no leaf of 1 GiB fits.
const LARGEST: Region = Region::data(BASE + (512 << 20), (4 << 30) + (512 << 20), 64 << 30);

/// A sequence of numbers that looks random.
fn random() -> impl Iterator<Item = u64> {
    let step = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(1u64), step).map(|x| x >> 33)
}

/// The same pages of 16 GiB, in the same order, always.
fn scattered(count: u64) -> impl Iterator<Item = (u64, u64)> {
    static ORDER: OnceLock<Vec<u64>> = OnceLock::new();
    let order = ORDER.get_or_init(|| {
        let mut seen = std::collections::HashSet::new();
        random().map(|x| x % (16 * GIB)).filter(|x| seen.insert(*x)).take(1 << 16).collect()
    });
    order.iter().take(count as usize).map(|i| (BASE + i * PAGE, PHYS + i * PAGE))
}

/// Addresses in a gibibyte.
fn addresses(count: u64) -> impl Iterator<Item = u64> {
    static ADDRESSES: OnceLock<Vec<u64>> = OnceLock::new();
    let addresses = ADDRESSES.get_or_init(|| random().map(|x| BASE + x % (GIB * PAGE)).take(1 << 20).collect());
    addresses.iter().take(count as usize).copied()
}

/// A kernel's boot map: twelve regions, 389 pages and 1,032 leaves of 2 MiB, in 8 tables. It is there before the timed part.
static BOOT_MAP: [Region; 12] = {
    const KERNEL: u64 = BASE + (1 << 39);
    const DRAM: u64 = 0x1_4000_0000;
    const fn kib(virt: u64, phys: u64, pages: u64) -> Region {
        Region::data(KERNEL + virt, phys, pages * PAGE)
    }
    [
        // The linear map: no leaf of 1 GiB fits.
        Region::data(BASE, DRAM + (2 << 20), 2 << 30),
        kib(0, DRAM + 0x1000, 128).with(Rights::Rx),
        kib(0x8_0000, DRAM + 0x8_1000, 64).with(Rights::R),
        kib(0xc_0000, DRAM + 0xc_1000, 48),
        kib(0xf_0000, DRAM + 0xf_2000, 64),
        kib(0x14_0000, DRAM + 0x14_5000, 16),
        kib(0x16_1000, DRAM + 0x16_3000, 16),
        kib(0x18_2000, DRAM + 0x18_0000, 16),
        Region { device: true, ..kib(0x20_0000, 0x900_0000, 1) },
        Region { device: true, ..kib(0x21_0000, 0x800_0000, 16) },
        kib(0x30_0000, DRAM + 0x30_1000, 20).with(Rights::R),
        kib(0x40_0000, DRAM + (64 << 20), 8 * 512),
    ]
};

fn nothing<M>(_: &mut M, _: u64) -> Answer {
    Some(0)
}

/// By a range, or else page by page.
fn fill<M: Mapper>(space: &mut M, count: u64) -> Answer {
    space.map_range(&all(count)).or_else(|| space.map_each(pages(count)))
}

fn fill_large<M: Mapper>(space: &mut M, count: u64) -> Answer {
    space.map_range(&aligned(count))
}

fn fill_splitting<M: Mapper>(space: &mut M, count: u64) -> Answer {
    space.map_range(&aligned(count))?;
    space.split_each(large(count))
}

fn mapped(count: u64) -> Vec<Region> {
    vec![all(count)]
}

fn read_only(count: u64) -> Vec<Region> {
    vec![all(count).with(Rights::R)]
}

fn empty(_: u64) -> Vec<Region> {
    Vec::new()
}

/// The table of workloads. `scale` divides their sizes.
#[must_use]
#[rustfmt::skip]
pub fn workloads<M: Mapper>(scale: u64) -> Vec<Workload<M>> {
    let gib = GIB / scale;
    let of = |name, what, prepare, run, after| Workload {
        name, what, pages: gib, leaves: gib, creates: false, prepare, run, answer: |_| 0, after,
    };
    let mut list: Vec<Workload<M>> = vec![
        of("W1", "map 1 GiB, page by page", nothing, |m, n| m.map_each(pages(n)), mapped),
        of("W2", "the same, one range call", nothing, |m, n| m.map_range(&all(n)), mapped),
        Workload {
            leaves: 575, creates: true,
            ..of("W3", "map 64 GiB, largest pages", nothing, |m, _| m.map_largest(&LARGEST), |_| vec![LARGEST])
        },
        Workload {
            pages: (1 << 16) / scale, leaves: (1 << 16) / scale,
            ..of("W4", "65,536 random pages over 16 GiB", |_, n| scattered(n).next().map(|_| 0), |m, n| m.map_each(scattered(n)), |n| {
                let mut list: Vec<_> = scattered(n).map(|(virt, phys)| Region::data(virt, phys, PAGE)).collect();
                list.sort_by_key(|region| region.virt);
                list
            })
        },
        of("W5 page", "protect 1 GiB, page by page", fill, |m, n| m.protect_each(starts(n)), read_only),
        of("W5 range", "the same, one range call", fill, |m, n| m.protect_range(&all(n)), read_only),
        of("W6 page", "unmap 1 GiB, page by page", fill, |m, n| m.unmap_each(starts(n)), empty),
        of("W6 range", "the same, one range call", fill, |m, n| m.unmap_range(&all(n)), empty),
        Workload {
            leaves: (1 << 20) / scale,
            answer: |n| addresses(n << 2).map(|virt| virt - BASE + PHYS).fold(0, u64::wrapping_add),
            ..of("W7", "1 M random translations", |m, n| addresses(n).next().and_then(|_| fill(m, GIB)), |m, n| m.translate_each(addresses(n << 2)),
                 |_| mapped(GIB))
        },
        Workload {
            leaves: (1 << 20) / scale,
            answer: |n| addresses(n << 2).map(|virt| virt - BASE + PHYS).fold(0, u64::wrapping_add),
            ..of("W7 alone", "the same, each from the root", |m, n| addresses(n).next().and_then(|_| fill(m, GIB)), |m, n| m.translate_alone(addresses(n << 2)),
                 |_| mapped(GIB))
        },
        Workload {
            leaves: 1421, creates: true,
            ..of("W8", "12-region boot map, from empty", nothing,
                 |m, _| BOOT_MAP.iter().try_fold(0, |_, region| m.map_largest(region)), |_| BOOT_MAP.to_vec())
        },
        of("window map", "map pages of a window", nothing, |m, n| m.map_each(pages(n)), mapped),
        of("window flip", "map and unmap each page of a window", nothing, |m, n| m.flip_each(pages(n)), empty),
        of("reclaim", "unmap 1 GiB, tables go back", fill, |m, n| m.reclaim(&all(n)), empty),
        of("split", "512 leaves of 2 MiB into pages", fill_large, |m, n| m.split_each(large(n)), |n| vec![aligned(n)]),
        of("promote", "and back", fill_splitting, |m, n| m.promote_each(large(n)), |n| vec![aligned(n)]),
        Workload {
            pages: 4 * gib, leaves: 4 * gib, answer: |n| n,
            ..of("iterate", "open a space of 1 M leaves, see each", fill, |m, _| m.open_and_count(), mapped)
        },
    ];
    for (power, page, range) in GROWTH.into_iter().zip(GROWN).map(|(power, (page, range))| (power, page, range)) {
        let count = (1 << power) / scale;
        for (name, run) in [(page, (|m, n| m.map_each(pages(n))) as fn(&mut M, u64) -> Answer), (range, |m, n| m.map_range(&all(n)))] {
            list.push(Workload { pages: count, leaves: count, ..of(name, "map so many pages", nothing, run, mapped) });
        }
    }
    list
}

const GROWN: [(&str, &str); GROWTH.len()] = [
    ("2^12 page", "2^12 range"),
    ("2^16 page", "2^16 range"),
    ("2^20 page", "2^20 range"),
    ("2^24 page", "2^24 range"),
];

/// Stays a function of its own: callgrind counts inside of it.
#[inline(never)]
pub fn measured<M: Mapper>(workload: &Workload<M>, space: &mut M) -> Answer {
    if workload.creates {
        arena::reset();
        *space = M::new();
    }
    (workload.run)(space, workload.pages)
}

/// A workload of some mapper, with the mapper's type forgotten.
pub struct Job {
    /// The workload's name.
    pub workload: &'static str,
    /// What it does.
    pub what: &'static str,
    /// The mapper's name.
    pub mapper: &'static str,
    /// What costs are divided by.
    pub leaves: u64,
    /// Runs it once in a fresh space: seconds; `None` if the mapper cannot do it.
    pub run: Box<dyn Fn(Check) -> Option<f64>>,
}

/// What to look at afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Its answer.
    Answer,
    /// And its tables, walked independently.
    Tables,
}

fn once<M: Mapper>(workload: &Workload<M>, check: Check) -> Option<f64> {
    arena::reset();
    let mut space = M::new();
    (workload.prepare)(&mut space, workload.pages)?;
    let start = std::time::Instant::now();
    let answer = measured(workload, &mut space)?;
    let time = start.elapsed().as_secs_f64();
    let whose = (M::NAME, workload.name);
    assert_eq!(answer, (workload.answer)(workload.pages), "{whose:?} gave a wrong answer");
    if check == Check::Tables {
        let (found, _) = walker::walk(space.root(), M::FORMAT);
        let found: Vec<_> = found.into_iter().filter(|region| region.virt >= BASE).collect();
        let mut expected = (workload.after)(workload.pages);
        expected.sort_by_key(|region| region.virt);
        assert!(found == walker::join(expected.into_iter()), "{whose:?} left wrong tables");
    }
    Some(time)
}

fn jobs_of<M: Mapper + 'static>(scale: u64, wanted: fn(&str) -> bool) -> impl Iterator<Item = Job> {
    workloads::<M>(scale).into_iter().filter(move |workload| wanted(workload.name)).map(|workload| Job {
        workload: workload.name,
        what: workload.what,
        mapper: M::NAME,
        leaves: workload.leaves,
        run: Box::new(move |check| once(&workload, check)),
    })
}

/// Every workload of every mapper; workload by workload, `raw` first.
#[must_use]
pub fn jobs(scale: u64) -> Vec<Job> {
    let windows = |name: &str| name.starts_with("window");
    let pages = |name: &str| !name.starts_with("window");
    let field = |name: &str| name.starts_with('W');
    let mut list: Vec<Job> = jobs_of::<Raw<false>>(scale, pages).collect();
    list.extend(jobs_of::<Raw<true>>(scale, field));
    list.extend(jobs_of::<Ours>(scale, pages));
    list.extend(jobs_of::<X86Crate>(scale, field));
    list.extend(jobs_of::<Multiarch>(scale, field));
    list.extend(jobs_of::<Aarch64Paging>(scale, field));
    list.extend(jobs_of::<Patina>(scale, field));
    list.extend(jobs_of::<PageTableGeneric>(scale, field));
    list.extend(jobs_of::<Slot>(scale, windows));
    list.extend(jobs_of::<Window>(scale, windows));
    let order: Vec<_> = workloads::<Ours>(scale).into_iter().map(|workload| workload.name).collect();
    list.sort_by_key(|job| order.iter().position(|name| *name == job.workload));
    list
}
