//! A page table that this crate does not know: that of a GPU with three levels of 9, 10 and 8 index bits, its own entries,
//! and its own maintenance. Described through the public interface, edited, and read by a decoder that knows only the bits.

use std::cell::RefCell;
use std::rc::Rc;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, Live, Mapping, Protect, Reclaim};
use tablature::flush::{
    Architecture, Change, Duty, DutyRule, Extent, Hardware, Maintain, OneCore, Recorder, Scope, covers_every_change,
};
use tablature::format::{AddressField, Format, Law, Pattern};
use tablature::page::{Frame, HasLeaf, Page, Size2M, Size4K};
use tablature::regime::Regime;
use tablature::regime::typenum::{U9, U12};
use tablature::table::Attributes;
use tablature::tables::{EntryAt, TableAccess, TableMemory};

const VALID: u64 = 1 << 0;
const LARGE: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const SNOOP: u64 = 1 << 3;

/// Pages of 4 KiB, large ones of 2 MiB; addresses of 48 bits, four places to the right.
#[derive(Debug)]
pub struct Gpu;

impl Regime for Gpu {
    const FORMAT: Format = Format { present: VALID, software: (60, 4), ..Format::of_levels("GPU", 12, &[9, 10, 8]) }
        .with_addresses(AddressField { shift_right: 4, ..AddressField::in_place(0xffff_ffff_f000) }, 48)
        .with_pointers(Pattern::new(VALID | LARGE, VALID), VALID)
        .with_leaves(0, Pattern::new(VALID | LARGE, VALID), VALID)
        .with_leaves(1, Pattern::new(VALID | LARGE, VALID | LARGE), VALID | LARGE)
        .with_rights(WRITE, &[(Access::kernel(Rights::R), 0), (Access::kernel(Rights::RW), WRITE)])
        .with_memory(SNOOP, &[(MemoryType::NormalWb, SNOOP), (MemoryType::NormalNc, 0)]);
    type PageShift = U12;
    type IndexBits = U9;
}

impl HasLeaf<Size4K> for Gpu {}
impl HasLeaf<Size2M> for Gpu {}

/// What the host writes to the registers of the GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// What the host wrote reaches video memory.
    WriteBack,
    /// Translations of these addresses are forgotten.
    Invalidate {
        /// The first byte.
        first: u64,
        /// The last byte.
        last: u64,
    },
    /// All translations are.
    InvalidateAll,
    /// The GPU has done that.
    WaitIdle,
}

/// The registers of its MMU.
#[derive(Debug)]
pub enum Mmu {}

impl Architecture for Mmu {
    type Op = Op;
    type Register = ();
}

const fn line(change: Change, duty: Duty) -> DutyRule {
    DutyRule { change, given: Features::NONE, duty, manual: "GPU manual, \"Translation\"" }
}

const DUTIES: &[DutyRule] = &[
    line(Change::Map, Duty::PUBLISH),
    line(Change::Link, Duty::PUBLISH),
    line(Change::Relax, Duty::LEAF),
    line(Change::Restrict, Duty::LEAF),
    line(Change::Remap, Duty::LEAF),
    line(Change::Retype, Duty::LEAF),
    line(Change::Contiguous, Duty::LEAF),
    line(Change::Globality, Duty::LEAF),
    line(Change::Unmap, Duty::LEAF),
    line(Change::Unlink, Duty::WALK),
    line(Change::Split, Duty::WALK),
    line(Change::Promote, Duty::WALK),
];

impl Maintain for Gpu {
    type Architecture = Mmu;
    const DUTIES: &'static [DutyRule] = DUTIES;
    const BROADCAST_FEATURE: Option<Features> = Some(Features::NONE);
    const MANY: u64 = 64;

    fn sequence_with<H: Hardware<Mmu>>(_: Features, scope: &Scope, _: bool, hardware: &mut H) {
        let mut write = |op| {
            // SAFETY: maintenance is always sound.
            unsafe { hardware.execute(op) };
        };
        if scope.duty.is_none() {
            return;
        }
        write(Op::WriteBack);
        if scope.duty.leaf {
            write(match scope.extent {
                Extent::Range { start, last, .. } if !scope.duty.walk => Op::Invalidate { first: start, last },
                _ => Op::InvalidateAll,
            });
        }
        write(Op::WaitIdle);
    }
}

tablature::memory_map! {
    /// What the GPU sees from the start, in tables that are in the image.
    mod card for crate::Gpu;

    physical {
        vram   : 0x12_3400_0000, 16 MiB, normal_nc;
        system : 0x20_0000_0000, 1 GiB, normal;
    }

    space gpu {
        tables <= 4 at vram, 32 KiB;
        frame (r)   : 0x7fe0_0000 => system + 4 MiB, 4 MiB;
        ring  (rw)  : 0x9000_0000 => system, 8 KiB;
    }
}

/// Where video memory starts.
const VRAM: u64 = 0x12_3400_0000;
/// Its bytes: 64 tables.
const BYTES: usize = 64 << 13;

/// Video memory, which the CPU reaches through a window, and how many tables of it are in use.
#[derive(Clone, Debug)]
struct Vram(Rc<RefCell<(Vec<u64>, Vec<bool>)>>);

impl Vram {
    fn new() -> Self {
        // What was there before is no table.
        Self(Rc::new(RefCell::new((vec![0xdead_beef_dead_beef; BYTES / 8], vec![false; BYTES >> 13]))))
    }

    fn word(&self, address: u64) -> u64 {
        self.0.borrow().0[((address - VRAM) / 8) as usize]
    }

    fn in_use(&self) -> usize {
        self.0.borrow().1.iter().filter(|used| **used).count()
    }
}

fn place(entry: EntryAt) -> usize {
    ((entry.table.as_u64() - VRAM) / 8) as usize + entry.index
}

// SAFETY: a vector that nobody else writes.
unsafe impl TableAccess<Gpu> for Vram {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        self.0.borrow().0.get(place(entry)).copied()
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        self.0.borrow_mut().0[place(entry)] = word;
    }

    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        let word = &mut self.0.borrow_mut().0[place(entry)];
        if *word == current {
            *word = new;
            return Ok(());
        }
        Err(*word)
    }
}

// SAFETY: each table is given out once until it is freed.
unsafe impl TableMemory<Gpu> for Vram {
    fn allocate(&mut self, tables: usize) -> Option<PhysAddr> {
        assert_eq!(tables, 1);
        let used = &mut self.0.borrow_mut().1;
        let free = used.iter().position(|used| !used)?;
        used[free] = true;
        Some(PhysAddr::new(VRAM + ((free as u64) << 13)))
    }

    unsafe fn free(&mut self, table: PhysAddr, _: usize) {
        let index = ((table.as_u64() - VRAM) >> 13) as usize;
        assert!(std::mem::replace(&mut self.0.borrow_mut().1[index], false), "freed twice");
    }
}

enum Card {}

impl Kind for Card {
    type Regime = Gpu;
    type Memory = Vram;
    type Hardware = Recorder<Mmu, 16>;
    type Reach = OneCore;
}

/// What the GPU would read: output address, whether it may write, whether it snoops. Nothing here knows the library.
fn translate(read: impl Fn(u64) -> u64, root: u64, virt: u64) -> Option<(u64, bool, bool)> {
    let leaf = |word: u64, bits: u32| {
        let address = word >> 8 << 12 & 0xffff_ffff_f000 & !((1 << bits) - 1);
        Some((address | virt & ((1 << bits) - 1), word & 4 != 0, word & 8 != 0))
    };
    assert!(virt >> 39 == 0);
    let top = read(root + (virt >> 31 & 0xff) * 8);
    if top & 1 == 0 {
        return None;
    }
    assert_eq!(top & !0xfff_ffff_ff00, 1, "a pointer has no other bits");
    let middle = read((top >> 8 << 12) + (virt >> 21 & 0x3ff) * 8);
    match middle & 3 {
        0 | 2 => return None,
        3 => return leaf(middle, 21),
        _ => {}
    }
    let last = read((middle >> 8 << 12) + (virt >> 12 & 0x1ff) * 8);
    assert!(last & 3 != 3, "no large page down here");
    if last & 1 == 1 { leaf(last, 12) } else { None }
}

const DATA: Attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
const TEXTURE: Attributes = Attributes::new(Access::kernel(Rights::R), MemoryType::NormalNc);

fn mapping(virt: u64, phys: u64, size: u64, attributes: Attributes) -> Mapping {
    Mapping::new(VirtAddr::new(virt), PhysAddr::new(phys), size, attributes)
}

fn space() -> (AddressSpace<Card>, Vram, u64) {
    let vram = Vram::new();
    let space = AddressSpace::<Card>::new(vram.clone(), Halves::Lower).expect("a root");
    let root = space.roots().lower.expect("a root");
    (space, vram, root)
}

#[test]
fn the_format_is_what_the_manual_of_the_gpu_says() {
    let format = Gpu::FORMAT;
    assert_eq!(format.broken_law(), None);
    assert_eq!((format.input_bits, format.levels, format.table_size()), (39, 3, 8 << 10));
    assert_eq!([0, 1, 2].map(|level| format.index_bits(level)), [9, 10, 8]);
    assert_eq!(Format { software: (2, 4), ..format }.broken_law(), Some(Law::LeafFields));
    assert_eq!(Format { levels: 2, ..format }.broken_law(), Some(Law::TableSize));
    assert!(covers_every_change(DUTIES) && !covers_every_change(&DUTIES[1..]));
}

#[test]
fn a_declared_map_is_a_static_table_of_the_gpu() {
    use tablature::space::Declared;

    type Space = card::gpu::Space;
    let (memory, root) = (Space::memory(), Space::roots().lower.expect("a root"));
    let read = |address: u64| {
        let offset = usize::try_from(address - memory.physical).expect("a table");
        assert!(offset + 8 <= memory.bytes);
        // SAFETY: the offset lies inside the tables, which nobody writes.
        unsafe { memory.start.wrapping_byte_add(offset).read_volatile() }
    };
    assert_eq!((card::gpu::TABLES, memory.bytes, root), (4, 32 << 10, VRAM));
    let walk = |virt| translate(read, root, virt);
    assert_eq!(walk(0x7fe0_0123), Some((0x20_0040_0123, false, true)));
    assert_eq!(walk(0x8000_0000), Some((0x20_0060_0000, false, true)));
    assert_eq!(walk(0x9000_1abc), Some((0x20_0000_1abc, true, true)));
    assert_eq!((walk(0x9000_2000), walk(0x8020_0000)), (None, None));
}

#[test]
fn offline_the_gpu_sees_what_was_mapped() {
    let (mut space, vram, root) = space();
    // 2 MiB less a page, two large pages, and a page: across a table of the root.
    let (virt, phys) = (0x7fe0_1000, 0x20_0000_1000);
    space.map(&mapping(virt, phys, 0x60_0000, DATA)).expect("mapped");
    assert_eq!(vram.in_use(), 5);
    for offset in (0..0x60_0000).step_by(0x1000) {
        assert_eq!(
            translate(|at| vram.word(at), root, virt + offset + 0x123),
            Some((phys + offset + 0x123, true, true))
        );
        assert_eq!(space.translate(VirtAddr::new(virt + offset)), Ok(PhysAddr::new(phys + offset)));
    }
    assert_eq!(translate(|at| vram.word(at), root, virt - 1), None);
    assert_eq!(translate(|at| vram.word(at), root, virt + 0x60_0000), None);
    // The last page there is, and one behind it.
    space.map(&mapping(0x7f_ffff_f000, 0xffff_ffff_f000, 0x1000, TEXTURE)).expect("mapped");
    assert_eq!(translate(|at| vram.word(at), root, 0x7f_ffff_ffff), Some((0xffff_ffff_ffff, false, false)));
    assert!(space.map(&mapping(0x80_0000_0000, 0, 0x1000, TEXTURE)).is_err());
    assert!(space.map(&mapping(0x1000, 1 << 48, 0x1000, TEXTURE)).is_err());
    let user = Attributes::new(Access::user(Rights::R), MemoryType::NormalWb);
    assert!(space.map(&mapping(0x1000, 0, 0x1000, user)).is_err());
    // What is unmapped inside a large page leaves the rest.
    space.unmap(VirtAddr::new(0x8000_1000), 0x1000, Reclaim::Free).expect("unmapped");
    assert_eq!(translate(|at| vram.word(at), root, 0x8000_1000), None);
    assert_eq!(translate(|at| vram.word(at), root, 0x8000_2000), Some((phys + 0x8000_2000 - virt, true, true)));
    space.protect(VirtAddr::new(virt), 0x1000, &Protect::access(Access::kernel(Rights::R))).expect("protected");
    assert_eq!(translate(|at| vram.word(at), root, virt), Some((phys, false, true)));
    assert_eq!(translate(|at| vram.word(at), root, virt + 0x1000), Some((phys + 0x1000, true, true)));
    drop(space.free());
    assert_eq!(vram.in_use(), 0);
}

fn live() -> (AddressSpace<Card, Live>, Vram, u64) {
    let (space, vram, root) = space();
    // SAFETY: no program runs on this GPU.
    (unsafe { space.assume_live(Recorder::new()) }, vram, root)
}

/// What the recorder of the space was told since the last time.
fn told(space: &mut AddressSpace<Card, Live>) -> Vec<Op> {
    let ops = space.hardware().ops().to_vec();
    space.hardware().clear();
    ops
}

#[test]
fn live_changes_execute_the_operations_of_the_gpu() {
    let (mut space, vram, root) = live();
    let page = Page::<Size2M>::at::<0x4000_0000>();
    let frame = Frame::<Size2M>::at::<0x1_0020_0000>();
    // SAFETY: no program runs on this GPU.
    let token = unsafe { space.map_page(page, frame, DATA) }.expect("mapped");
    space.reclaim(token);
    assert_eq!(told(&mut space), [Op::WriteBack, Op::WaitIdle]);
    assert_eq!(translate(|at| vram.word(at), root, 0x4012_3456), Some((0x1_0032_3456, true, true)));

    // SAFETY: as above.
    let token = unsafe { space.protect(page.start(), 2 << 20, &Protect::access(Access::kernel(Rights::R))) };
    space.flush(token.expect("protected"));
    assert_eq!(
        told(&mut space),
        [Op::WriteBack, Op::Invalidate { first: 0x4000_0000, last: 0x401f_ffff }, Op::WaitIdle]
    );
    assert_eq!(translate(|at| vram.word(at), root, 0x4000_0000), Some((0x1_0020_0000, false, true)));

    // SAFETY: as above.
    let token = unsafe { space.unmap(page.start(), 2 << 20, Reclaim::Free) }.expect("unmapped");
    assert_eq!(vram.in_use(), 2, "the table waits for the flush");
    space.reclaim(token);
    assert_eq!(told(&mut space), [Op::WriteBack, Op::InvalidateAll, Op::WaitIdle]);
    assert_eq!((vram.in_use(), translate(|at| vram.word(at), root, 0x4000_0000)), (1, None));
}
