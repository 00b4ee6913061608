//! The transitions: what is there before, and the call that changes it.

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AddressSpace, Existing, Limits, Live, Mapping, Offline, Protect, Reclaim};
use tablature::flush::{Change, Maintain, Reach, TlbFlush};
use tablature::format::NOT_ENCODABLE;
use tablature::page::{Frame, HasLeaf, Page, PageSize};
use tablature::table::Attributes;

use super::judge::has_global;
use super::log::On;

/// Where things are, and how they are mapped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground {
    /// First input address: the start of a block.
    pub(crate) virt: u64,
    pub(crate) global: bool,
}

/// What everything goes to; the first byte of a block.
const PHYS: u64 = 0x8000_0000;

type Space<R, C> = AddressSpace<On<R, C>, Live>;
type Empty<R, C> = AddressSpace<On<R, C>, Offline>;

/// One transition; `edit` says whether the regime has such a thing.
pub(crate) struct Transition<R: Maintain, C: Reach> {
    pub(crate) title: &'static str,
    pub(crate) changes: &'static [Change],
    pub(crate) before: fn(&mut Empty<R, C>, Ground),
    pub(crate) edit: fn(&mut Space<R, C>, Ground) -> bool,
}

pub(crate) const fn page<R: Maintain>() -> u64 {
    R::FORMAT.level[0].size()
}

const fn block<R: Maintain>() -> u64 {
    R::FORMAT.level[1].size()
}

/// The kernel's rights; everybody's, and with execution, where the regime has nothing else.
fn access<R: Maintain>(rights: Rights) -> Access {
    let more = if rights.contains(Rights::W) { Rights::RWX } else { Rights::RX };
    let both = |rights| Access { privileged: rights, user: rights };
    let all = [Access::kernel(rights), both(rights), Access::kernel(more), both(more)];
    all.into_iter().find(|access| R::FORMAT.rights_at(0, 0, *access).is_some()).expect("rights")
}

fn memory<R: Maintain>() -> MemoryType {
    let has = |memory: &MemoryType| R::FORMAT.memory[R::FORMAT.level[0].memory][*memory as usize] != NOT_ENCODABLE;
    [MemoryType::NormalWb, MemoryType::Inherent].into_iter().find(has).expect("a memory type")
}

pub(crate) fn attributes<R: Maintain>(ground: Ground, rights: Rights) -> Attributes {
    let all = Attributes::new(access::<R>(rights), memory::<R>());
    if ground.global || !has_global::<R>() { all } else { all.not_global() }
}

fn mapping<R: Maintain>(ground: Ground, offset: u64, size: u64, rights: Rights) -> Mapping {
    let (virt, phys) = (VirtAddr::new(ground.virt + offset), PhysAddr::new(PHYS + offset));
    Mapping::new(virt, phys, size, attributes::<R>(ground, rights))
}

fn pages<R: Maintain, C: Reach>(space: &mut Empty<R, C>, ground: Ground, first: u64, count: u64, rights: Rights) {
    let request = mapping::<R>(ground, first * page::<R>(), count * page::<R>(), rights).limited(Limits::PAGES);
    space.map(&request).expect("pages");
}

fn one_block<R: Maintain, C: Reach>(space: &mut Empty<R, C>, ground: Ground) {
    // The table above stays in use.
    space.map(&mapping::<R>(ground, 0, block::<R>(), Rights::RW)).expect("a block");
    pages(space, ground, block::<R>() / page::<R>(), 1, Rights::RW);
}

/// Bytes of the smallest run of pages, if the CPU has one.
fn run<R: Maintain>() -> Option<u64> {
    let has = |run: &&tablature::format::Run| run.size != 0 && run.level == 0 && R::FEATURES.contains(run.feature);
    R::FORMAT.runs.iter().find(has).map(|run| run.size)
}

fn run_of_pages<R: Maintain, C: Reach>(space: &mut Empty<R, C>, ground: Ground) {
    if let Some(run) = run::<R>() {
        let limits = Limits { runs: true, largest: run, ..Limits::ANY };
        space.map(&mapping::<R>(ground, 0, run, Rights::RW).limited(limits)).expect("a run");
    }
}

/// Executes what is owed.
fn pay<R: Maintain, C: Reach, T>(space: &mut Space<R, C>, token: TlbFlush<On<R, C>, T>) -> T {
    space.hardware().token();
    space.flush(token)
}

fn protect<R: Maintain, C: Reach>(
    space: &mut Space<R, C>,
    ground: Ground,
    first: u64,
    size: u64,
    change: &Protect,
) -> bool {
    // SAFETY: no hardware uses these tables, here and below.
    let token = unsafe { space.protect(VirtAddr::new(ground.virt + first), size, change) };
    token.map(|token| pay(space, token)).is_ok()
}

fn other_type<R: Maintain>() -> Option<MemoryType> {
    let types = [MemoryType::NormalNc, MemoryType::NormalWt];
    let has = |memory: &MemoryType| R::FORMAT.memory[R::FORMAT.level[0].memory][*memory as usize] != NOT_ENCODABLE;
    types.into_iter().find(has)
}

/// All of them.
pub(crate) fn transitions<R, C, P, B>() -> Vec<Transition<R, C>>
where
    R: Maintain + HasLeaf<P> + HasLeaf<B>,
    C: Reach,
    P: PageSize,
    B: PageSize,
{
    let mut all = mapped::<R, C, P>();
    all.extend(protected::<R, C>());
    all.extend(moved::<R, C, P, B>());
    all.extend(runs::<R, C, P>());
    all.extend(unmapped::<R, C, P>());
    all.extend(resized::<R, C, P, B>());
    all
}

fn mapped<R: Maintain + HasLeaf<P>, C: Reach, P: PageSize>() -> Vec<Transition<R, C>> {
    let one = |space: &mut Space<R, C>, ground: Ground| {
        let at = Page::<P>::containing(VirtAddr::new(ground.virt + page::<R>()));
        let frame = Frame::<P>::containing(PhysAddr::new(PHYS + page::<R>()));
        // SAFETY: as in `protect`.
        let token = unsafe { space.map_page(at, frame, attributes::<R>(ground, Rights::RW)) }.expect("a page");
        let tables = pay(space, token);
        tables.free(space.memory_mut());
        true
    };
    vec![
        Transition {
            title: "a page is mapped beside another",
            changes: &[Change::Map],
            before: |space, ground| pages(space, ground, 0, 1, Rights::RW),
            edit: one,
        },
        Transition {
            title: "three pages are mapped",
            changes: &[Change::Map],
            before: |space, ground| pages(space, ground, 0, 1, Rights::RW),
            edit: |space, ground| {
                let request = mapping::<R>(ground, page::<R>(), 3 * page::<R>(), Rights::RW).limited(Limits::PAGES);
                // SAFETY: as in `protect`.
                let token = unsafe { space.map(&request) }.expect("pages");
                pay(space, token).free(space.memory_mut());
                true
            },
        },
        Transition {
            title: "a page is mapped where there is no table: the new ones are filled, and then linked",
            changes: &[Change::Link],
            before: |_, _| (),
            edit: one,
        },
    ]
}

fn protected<R: Maintain, C: Reach>() -> Vec<Transition<R, C>> {
    vec![
        Transition {
            title: "a page gets a right",
            changes: &[Change::Relax],
            before: |space, ground| pages(space, ground, 0, 3, Rights::R),
            edit: |space, ground| {
                protect(space, ground, page::<R>(), page::<R>(), &Protect::access(access::<R>(Rights::RW)))
            },
        },
        Transition {
            title: "a page loses a right",
            changes: &[Change::Restrict],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: |space, ground| {
                protect(space, ground, page::<R>(), page::<R>(), &Protect::access(access::<R>(Rights::R)))
            },
        },
        Transition {
            title: "three pages lose a right",
            changes: &[Change::Restrict],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: |space, ground| protect(space, ground, 0, 3 * page::<R>(), &Protect::access(access::<R>(Rights::R))),
        },
        Transition {
            title: "a block loses a right",
            changes: &[Change::Restrict],
            before: one_block,
            edit: |space, ground| protect(space, ground, 0, block::<R>(), &Protect::access(access::<R>(Rights::R))),
        },
        Transition {
            title: "a page gets another memory type",
            changes: &[Change::Retype],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: |space, ground| {
                let Some(memory) = other_type::<R>() else { return false };
                protect(space, ground, page::<R>(), page::<R>(), &Protect::memory(memory))
            },
        },
        Transition {
            title: "three pages get another memory type",
            changes: &[Change::Retype],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: |space, ground| {
                let Some(memory) = other_type::<R>() else { return false };
                protect(space, ground, 0, 3 * page::<R>(), &Protect::memory(memory))
            },
        },
        Transition {
            title: "a page becomes global, or no longer is",
            changes: &[Change::Globality],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: |space, ground| {
                let change = Protect { global: Some(!ground.global), ..Protect::default() };
                has_global::<R>() && protect(space, ground, page::<R>(), page::<R>(), &change)
            },
        },
    ]
}

fn moved<R, C, P, B>() -> Vec<Transition<R, C>>
where
    R: Maintain + HasLeaf<P> + HasLeaf<B>,
    C: Reach,
    P: PageSize,
    B: PageSize,
{
    fn remap<R: Maintain + HasLeaf<S>, C: Reach, S: PageSize>(space: &mut Space<R, C>, ground: Ground) -> bool {
        let at = Page::<S>::containing(VirtAddr::new(ground.virt));
        let frame = Frame::<S>::containing(PhysAddr::new(PHYS + 0x4000_0000));
        // SAFETY: as in `protect`.
        let token = unsafe { space.remap_page(at, frame, attributes::<R>(ground, Rights::RW)) }.expect("a leaf");
        pay(space, token);
        true
    }
    fn again<R: Maintain + HasLeaf<S>, C: Reach, S: PageSize>(space: &mut Space<R, C>, ground: Ground) -> bool {
        let at = Page::<S>::containing(VirtAddr::new(ground.virt));
        let frame = Frame::<S>::containing(PhysAddr::new(PHYS + 0x4000_0000));
        // SAFETY: as in `protect`.
        let owed = unsafe { space.unmap_page(at) }.expect("a leaf");
        // SAFETY: as in `protect`.
        let more = unsafe { space.map_page(at, frame, attributes::<R>(ground, Rights::RW)) }.expect("no leaf");
        let (_, tables) = pay(space, owed.join(more));
        tables.free(space.memory_mut());
        true
    }
    vec![
        Transition {
            title: "a page is unmapped, and mapped elsewhere before that is flushed",
            changes: &[Change::Unmap, Change::Map, Change::Remap],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: again::<R, C, P>,
        },
        Transition {
            title: "a page goes elsewhere",
            changes: &[Change::Remap],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: remap::<R, C, P>,
        },
        Transition {
            title: "a block goes elsewhere",
            changes: &[Change::Remap],
            before: one_block,
            edit: remap::<R, C, B>,
        },
    ]
}

fn runs<R: Maintain + HasLeaf<P>, C: Reach, P: PageSize>() -> Vec<Transition<R, C>> {
    vec![
        Transition {
            title: "a run is mapped",
            changes: &[Change::Map],
            before: |space, ground| pages(space, ground, block::<R>() / page::<R>() - 1, 1, Rights::RW),
            edit: |space, ground| {
                let Some(run) = run::<R>() else { return false };
                let limits = Limits { runs: true, largest: run, ..Limits::ANY };
                // SAFETY: as in `protect`.
                let token = unsafe { space.map(&mapping::<R>(ground, 0, run, Rights::RW).limited(limits)) };
                let tables = pay(space, token.expect("a run"));
                tables.free(space.memory_mut());
                true
            },
        },
        Transition {
            title: "a page of a run loses a right",
            changes: &[Change::Contiguous, Change::Restrict],
            before: run_of_pages,
            edit: |space, ground| {
                run::<R>().is_some()
                    && protect(space, ground, page::<R>(), page::<R>(), &Protect::access(access::<R>(Rights::R)))
            },
        },
        Transition {
            title: "all of a run loses a right",
            changes: &[Change::Restrict],
            before: run_of_pages,
            edit: |space, ground| {
                let Some(run) = run::<R>() else { return false };
                protect(space, ground, 0, run, &Protect::access(access::<R>(Rights::R)))
            },
        },
        Transition {
            title: "a page of a run is unmapped",
            changes: &[Change::Contiguous, Change::Unmap],
            before: run_of_pages,
            edit: |space, ground| run::<R>().is_some() && unmap_one::<R, C, P>(space, ground),
        },
    ]
}

fn unmap_one<R: Maintain + HasLeaf<P>, C: Reach, P: PageSize>(space: &mut Space<R, C>, ground: Ground) -> bool {
    let at = Page::<P>::containing(VirtAddr::new(ground.virt + page::<R>()));
    // SAFETY: as in `protect`.
    let token = unsafe { space.unmap_page(at) }.expect("a page");
    pay(space, token);
    true
}

fn unmap<R: Maintain, C: Reach>(space: &mut Space<R, C>, start: u64, size: u64, reclaim: Reclaim) -> bool {
    // SAFETY: as in `protect`.
    let token = unsafe { space.unmap(VirtAddr::new(start), size, reclaim) }.expect("a range");
    pay(space, token).free(space.memory_mut());
    true
}

fn unmapped<R: Maintain + HasLeaf<P>, C: Reach, P: PageSize>() -> Vec<Transition<R, C>> {
    vec![
        Transition {
            title: "a page is unmapped",
            changes: &[Change::Unmap],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: unmap_one::<R, C, P>,
        },
        Transition {
            title: "all three pages of a table are unmapped, and the table stays",
            changes: &[Change::Unmap],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: |space, ground| unmap(space, ground.virt, 3 * page::<R>(), Reclaim::Keep),
        },
        Transition {
            title: "all three pages of a table are unmapped, and the table goes",
            changes: &[Change::Unmap, Change::Unlink],
            before: |space, ground| {
                pages(space, ground, 0, 3, Rights::RW);
                pages(space, ground, block::<R>() / page::<R>(), 1, Rights::RW);
            },
            edit: |space, ground| unmap(space, ground.virt, 3 * page::<R>(), Reclaim::Free),
        },
        Transition {
            title: "all that a table translates is unmapped, and the table goes",
            changes: &[Change::Unlink],
            before: |space, ground| {
                pages(space, ground, 0, 3, Rights::RW);
                pages(space, ground, block::<R>() / page::<R>(), 1, Rights::RW);
            },
            edit: |space, ground| unmap(space, ground.virt, block::<R>(), Reclaim::Free),
        },
    ]
}

fn resized<R, C, P, B>() -> Vec<Transition<R, C>>
where
    R: Maintain + HasLeaf<P> + HasLeaf<B>,
    C: Reach,
    P: PageSize,
    B: PageSize,
{
    vec![
        Transition {
            title: "a block is split into pages",
            changes: &[Change::Split],
            before: one_block,
            edit: |space, ground| {
                // SAFETY: as in `protect`.
                let token = unsafe { space.split::<P>(VirtAddr::new(ground.virt)) }.expect("a block");
                pay(space, token);
                true
            },
        },
        Transition {
            title: "a page of a block is unmapped",
            changes: &[Change::Split, Change::Unmap],
            before: one_block,
            edit: |space, ground| unmap(space, ground.virt + page::<R>(), page::<R>(), Reclaim::Keep),
        },
        Transition {
            title: "a page of a block loses a right",
            changes: &[Change::Split, Change::Restrict],
            before: one_block,
            edit: |space, ground| {
                protect(space, ground, page::<R>(), page::<R>(), &Protect::access(access::<R>(Rights::R)))
            },
        },
        Transition {
            title: "pages become a block",
            changes: &[Change::Promote],
            before: |space, ground| pages(space, ground, 0, block::<R>() / page::<R>() + 1, Rights::RW),
            edit: |space, ground| {
                // SAFETY: as in `protect`.
                let token = unsafe { space.promote(Page::<B>::containing(VirtAddr::new(ground.virt))) };
                let tables = pay(space, token.expect("equal pages"));
                tables.free(space.memory_mut());
                true
            },
        },
        Transition {
            title: "a table with three pages is replaced by a block that goes elsewhere",
            changes: &[Change::Unlink, Change::Promote, Change::Remap],
            before: |space, ground| {
                pages(space, ground, 0, 3, Rights::RW);
                pages(space, ground, block::<R>() / page::<R>(), 1, Rights::RW);
            },
            edit: |space, ground| {
                let mut request = mapping::<R>(ground, 0, block::<R>(), Rights::RW);
                request.phys = PhysAddr::new(PHYS + 0x4000_0000);
                request.existing = Existing::Replace;
                // SAFETY: as in `protect`.
                let token = unsafe { space.map(&request) }.expect("a block");
                pay(space, token).free(space.memory_mut());
                true
            },
        },
    ]
}

/// Fails in the middle of a range, once because something is there and once because tables run out. Nothing is owed.
pub(crate) fn failures<R: Maintain, C: Reach>() -> Vec<Transition<R, C>> {
    vec![
        Transition {
            title: "a range of which the last page is mapped: refused, and nothing is done",
            changes: &[],
            before: |space, ground| pages(space, ground, 3, 1, Rights::RW),
            edit: |space, ground| {
                let request = mapping::<R>(ground, 0, 4 * page::<R>(), Rights::RW).limited(Limits::PAGES);
                // SAFETY: as in `protect`.
                unsafe { space.map(&request) }.is_err()
            },
        },
        Transition {
            title: "a range with a hole loses a right: refused, and nothing is done",
            changes: &[],
            before: |space, ground| pages(space, ground, 0, 3, Rights::RW),
            edit: |space, ground| {
                let change = Protect::access(access::<R>(Rights::R));
                // SAFETY: as in `protect`.
                unsafe { space.protect(VirtAddr::new(ground.virt), 4 * page::<R>(), &change) }.is_err()
            },
        },
        Transition {
            title: "a page in the middle of a block is unmapped, and there is no memory: refused, and nothing is done",
            changes: &[],
            before: one_block,
            edit: |space, ground| {
                space.memory().limit(0);
                let start = VirtAddr::new(ground.virt + page::<R>());
                // SAFETY: as in `protect`.
                unsafe { space.unmap(start, page::<R>(), Reclaim::Keep) }.is_err()
            },
        },
    ]
}
