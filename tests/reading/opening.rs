//! Spaces that are in the registers: opened from there, and put there.

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{
    Activate, ActiveError, AddressSpace, Halves, Mapping, OpenActiveError, OpenError, Reader, Roots,
};
use tablature::flush::{Id, Maintain, Recorder};
use tablature::regime::With;
use tablature::riscv::Sv39;
use tablature::riscv::operation::{Op as RiscvOp, Register as RiscvRegister};
use tablature::space::Refusal;
use tablature::table::Attributes;
use tablature::x86_64::Level4;
use tablature::x86_64::operation::{Op, Register};

use crate::arena::Arena;
use crate::sharing::On;

type Space<R> = AddressSpace<On<R>>;
/// On processors whose program uses PCIDs.
type Tagged = With<Level4, { Features::PCID.bits() }>;

fn mapping(virt: u64, phys: u64) -> Mapping {
    let attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb).not_global();
    Mapping::new(VirtAddr::new(virt), PhysAddr::new(phys), 0x1000, attributes)
}

/// Tables of one page that somebody else made.
fn made<R: Maintain>(arena: &Arena<R>) -> Roots {
    let mut space = Space::<R>::new(arena.clone(), Halves::Both).expect("a root");
    space.map(&mapping(0x1000, 0x8000_0000)).expect("mapped");
    space.into_roots().0
}

fn processor(cr3: u64, cr4: u64) -> Recorder<<Level4 as Maintain>::Architecture, 256> {
    let values = [
        (Register::Cr0, 0x8001_0031),
        (Register::Pat, 0x0007_0501_0007_0406),
        (Register::Efer, 0xd00),
        (Register::Cr3, cr3),
        (Register::Cr4, cr4),
    ];
    values.into_iter().fold(Recorder::new(), |recorder, (register, value)| recorder.with(register, value))
}

#[test]
fn what_the_registers_hold_is_opened_and_edited() {
    let arena = Arena::<Tagged>::new(16);
    let root = made(&arena).lower.expect("a root");
    // CR4.PCIDE, and identifier 7.
    // SAFETY: no hardware uses tables in an arena.
    let opened =
        unsafe { AddressSpace::<On<Tagged>, _>::open_active(arena.clone(), processor(root | 7, 1 << 17 | 0xa0)) };
    let mut space = opened.expect("a space");
    assert_eq!((space.roots().lower, space.id()), (Some(root), Id::One(7)));
    assert_eq!(space.translate(VirtAddr::new(0x1234)), Ok(PhysAddr::new(0x8000_0234)));
    // SAFETY: as above.
    let token = unsafe { space.map(&mapping(0x2000, 0x9000_0000)) }.expect("mapped");
    space.reclaim(token);
    let reader = Reader::<Tagged, _>::active(&mut processor(root, 0xa0), |at: PhysAddr| arena.entry(at.as_u64()));
    assert_eq!(reader.expect("tables").translate(VirtAddr::new(0x2000)), Ok(PhysAddr::new(0x9000_0000)));
}

#[test]
fn what_is_no_space_of_the_regime_is_not_opened() {
    let arena = Arena::<Level4>::new(16);
    let root = made(&arena).lower.expect("a root");
    let open = |cr3, cr4| {
        // SAFETY: no hardware uses tables in an arena.
        unsafe { AddressSpace::<On<Level4>, _>::open_active(arena.clone(), processor(cr3, cr4)) }.expect_err("no space")
    };
    let five = OpenActiveError::Registers(ActiveError::InputBits { expected: 48, found: 57 });
    assert_eq!(open(root, 1 << 12 | 0xa0), five);
    // CR4.PCIDE: a regime without PCIDs would flush too little.
    let tagged = OpenActiveError::Registers(ActiveError::Refused(Refusal::Feature { feature: Features::PCID }));
    assert_eq!(open(root, 1 << 17 | 0xa0), tagged);
    let nowhere = PhysAddr::new(0x1000);
    assert_eq!(open(0x1000, 0xa0), OpenActiveError::Tables(OpenError::NoTable { root: nowhere }));
    assert_eq!(Level4::active(&mut Recorder::<_, 16>::new()), Err(ActiveError::Off));
}

#[test]
fn a_space_becomes_the_one_in_use() {
    let arena = Arena::<Level4>::new(16);
    let space = Space::<Level4>::new(arena.clone(), Halves::Both).expect("a root");
    let root = space.roots().lower.expect("a root");
    // SAFETY: no hardware uses tables in an arena.
    let space = unsafe { space.activate(processor(0x9000, 0xa0)) }.expect("active");
    assert_eq!(space.roots().lower, Some(root));
    let (_, recorder) = {
        // SAFETY: as above.
        let (token, mut recorder) = unsafe { space.retire() };
        (token.flush(&mut recorder).free(), recorder)
    };
    assert_eq!(recorder.ops()[0], Op::Write(Register::Cr3, root));
}

#[test]
fn a_space_that_is_refused_comes_back() {
    let arena = Arena::<Sv39>::new(16);
    let space = Space::<Sv39>::new(arena.clone(), Halves::Both).expect("a root");
    let roots = space.roots();
    // Sv48 is in use.
    let hart = Recorder::new().with(RiscvRegister::Satp, 9 << 60 | 0x8_0000);
    // SAFETY: no hardware uses tables in an arena.
    let refused = unsafe { space.activate(hart) }.expect_err("another mode is in use");
    assert_eq!(refused.error, ActiveError::Mode { expected: 8, found: 9 });
    assert_eq!((refused.space.roots(), refused.hardware.ops()), (roots, &[][..]));
    // From no translation it is taken.
    // SAFETY: as above.
    let mut space = unsafe { refused.space.activate(Recorder::new()) }.expect("active");
    // SAFETY: as above.
    unsafe { space.switch() }.expect("active again");
    let root = roots.lower.expect("a root");
    let write = RiscvOp::Write(RiscvRegister::Satp, 8 << 60 | root >> 12);
    assert_eq!(space.hardware().ops().iter().filter(|op| **op == write).count(), 2);
}
