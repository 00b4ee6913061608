//! Tables that are made when the program runs: the registers that name them are read back, and written in the right order.

use proptest::prelude::*;
use tablature::aarch64::{
    A64, Barrier, Domain, El1, El2, El2And0, El3, G4K, G16K, G64K, Instruction, Register, Stage2, Tlb,
};
use tablature::attr::Features;
use tablature::edit::{Activate, Active, ActiveError};
use tablature::flush::{Hardware, Id};
use tablature::regime::With;
use tablature::space::{Refusal, Roots};

/// A core that remembers its registers and what it was told.
#[derive(Clone, Default)]
struct Core {
    registers: Vec<(Register, u64)>,
    trace: Vec<Instruction>,
}

impl Core {
    /// 52 physical address bits, 16-bit identifiers, all granules with 52-bit addresses.
    fn at(level: u64) -> Self {
        Self::default()
            .with(Register::CurrentEl, level << 2)
            .with(Register::IdAa64Mmfr0El1, 6 | 2 << 4 | 2 << 20 | 1 << 28)
            .with(Register::IdAa64Mmfr1El1, 2 << 4)
            .with(Register::IdAa64Mmfr2El1, 1 << 16)
            .with(Register::CtrEl0, 4 << 16)
    }

    fn with(mut self, register: Register, value: u64) -> Self {
        self.set(register, value);
        self
    }

    fn set(&mut self, register: Register, value: u64) {
        self.registers.retain(|(r, _)| *r != register);
        self.registers.push((register, value));
    }

    fn get(&self, register: Register) -> u64 {
        self.registers.iter().find(|(r, _)| *r == register).map_or(0, |(_, value)| *value)
    }

    fn activate<R: Activate<Architecture = A64>>(&mut self, to: &Active) -> Result<(), ActiveError> {
        self.trace.clear();
        // SAFETY: nothing is translated by a recorder.
        unsafe { R::activate(to, self) }
    }

    /// On, with the roots of `regime` at 0x4000_0000 and, where there are two, 0x8000_0000, and identifier 5.
    fn running<R: Activate<Architecture = A64>>(mut self, halves: bool) -> Self {
        assert_eq!(self.activate::<R>(&at(0x4000_0000, halves.then_some(0x8000_0000), 5)), Ok(()));
        self.trace.clear();
        self
    }
}

impl Hardware<A64> for Core {
    fn read(&mut self, register: Register) -> u64 {
        self.get(register)
    }

    unsafe fn execute(&mut self, instruction: Instruction) {
        if let Write(register, value) = instruction {
            self.set(register, value);
        }
        self.trace.push(instruction);
    }
}

use Instruction::{Invalidate, InvalidateInstructions, Write};

const ISB: Instruction = Instruction::Barrier(Barrier::Isb);
const DSB: Instruction = Instruction::Barrier(Barrier::Dsb(Domain::Local));
const DSB_ISHST: Instruction = Instruction::Barrier(Barrier::DsbStores(Domain::Inner));
const DSB_SY: Instruction = Instruction::Barrier(Barrier::DsbSystem);

fn at(lower: u64, upper: Option<u64>, id: u16) -> Active {
    Active { roots: Roots { lower: Some(lower), upper }, id: Id::One(id) }
}

#[test]
fn with_translation_off_every_register_is_written_and_then_it_is_turned_on() {
    let mut core = Core::at(1);
    assert_eq!(core.activate::<El1<G4K, 39>>(&at(0x4000_0000, Some(0x8000_0000), 5)), Ok(()));
    assert_eq!(
        core.trace,
        [
            DSB_SY,
            Write(Register::MairEl1, 0xee0c_08bb_0044_ff04),
            // T0SZ 25, write-back, inner shareable, 4 KiB; the same above with TG1 = 0b10; IPS 5.
            Write(Register::TcrEl1, 0x5_b519_3519),
            Write(Register::Ttbr0El1, 5 << 48 | 0x4000_0000),
            Write(Register::Ttbr1El1, 0x8000_0000),
            ISB,
            Invalidate(Tlb::Vmalle1, Domain::Local, 0),
            DSB,
            InvalidateInstructions,
            DSB,
            ISB,
            Write(Register::SctlrEl1, 0x30d0_0800 | 0x100d),
            ISB,
        ]
    );
}

#[test]
fn with_translation_on_roots_and_identifier_alone_are_written() {
    let mut core = Core::at(1).running::<El1<G4K, 39>>(true);
    // A process: the kernel's half stays, and nothing is invalidated, because the identifier is another one.
    assert_eq!(core.activate::<El1<G4K, 39>>(&at(0x4001_0000, None, 6)), Ok(()));
    assert_eq!(core.trace, [DSB_ISHST, Write(Register::Ttbr0El1, 6 << 48 | 0x4001_0000), ISB]);
    // The same again is nothing to do.
    assert_eq!(core.activate::<El1<G4K, 39>>(&at(0x4001_0000, Some(0x8000_0000), 6)), Ok(()));
    assert_eq!(core.trace, []);
}

#[test]
fn what_the_old_tables_left_under_the_same_identifier_is_invalidated() {
    let mut core = Core::at(1).running::<El1<G4K, 39>>(true);
    assert_eq!(core.activate::<El1<G4K, 39>>(&at(0x4001_0000, None, 5)), Ok(()));
    let first = [DSB_ISHST, Write(Register::Ttbr0El1, 5 << 48 | 0x4001_0000), ISB];
    assert_eq!(core.trace, [&first[..], &[Invalidate(Tlb::Vmalle1, Domain::Local, 0), DSB, ISB]].concat());
    // EL2 and EL3 have no identifiers.
    let mut core = Core::at(2).running::<El2<G4K, 40>>(false);
    assert_eq!(core.activate::<El2<G4K, 40>>(&at(0x4001_0000, None, 6)), Ok(()));
    let first = [DSB_ISHST, Write(Register::Ttbr0El2, 0x4001_0000), ISB];
    assert_eq!(core.trace, [&first[..], &[Invalidate(Tlb::Alle2, Domain::Local, 0), DSB, ISB]].concat());
    let mut core = Core::at(3).running::<El3<G4K, 36>>(false);
    assert_eq!(core.activate::<El3<G4K, 36>>(&at(0x4001_0000, None, 6)), Ok(()));
    let first = [DSB_ISHST, Write(Register::Ttbr0El3, 0x4001_0000), ISB];
    assert_eq!(core.trace, [&first[..], &[Invalidate(Tlb::Alle3, Domain::Local, 0), DSB, ISB]].concat());
}

#[test]
fn a_new_root_for_the_upper_half_leaves_nothing_of_the_old_one() {
    let mut core = Core::at(1).running::<El1<G4K, 39>>(true);
    assert_eq!(core.activate::<El1<G4K, 39>>(&at(0x4001_0000, Some(0x8001_0000), 6)), Ok(()));
    assert_eq!(
        core.trace,
        [
            DSB_ISHST,
            Write(Register::Ttbr1El1, 0x8001_0000),
            Write(Register::Ttbr0El1, 6 << 48 | 0x4001_0000),
            ISB,
            Invalidate(Tlb::Vmalle1, Domain::Local, 0),
            DSB,
            ISB,
        ]
    );
}

#[test]
fn a_half_that_was_off_is_turned_on_after_its_root_is_there() {
    let mut core = Core::at(1);
    let upper = Active { roots: Roots { lower: None, upper: Some(0x8000_0000) }, id: Id::One(5) };
    assert_eq!(core.activate::<El1<G4K, 39>>(&upper), Ok(()));
    assert_eq!(El1::<G4K, 39>::active(&mut core), Ok(upper));
    assert_eq!(core.activate::<El1<G4K, 39>>(&at(0x4001_0000, None, 6)), Ok(()));
    assert_eq!(
        core.trace,
        [DSB_ISHST, Write(Register::Ttbr0El1, 6 << 48 | 0x4001_0000), ISB, Write(Register::TcrEl1, 0x5_b519_3519), ISB,]
    );
}

#[test]
fn the_identifier_goes_where_the_control_register_looks_for_it() {
    let mut core = Core::at(1).running::<El1<G4K, 39>>(true);
    let a1 = core.get(Register::TcrEl1) | 1 << 22;
    core.set(Register::TcrEl1, a1);
    core.set(Register::Ttbr1El1, 9 << 48 | 0x8000_0000);
    let found = El1::<G4K, 39>::active(&mut core).expect("on");
    assert_eq!((found.id, found.roots.lower, found.roots.upper), (Id::One(9), Some(0x4000_0000), Some(0x8000_0000)));
    assert_eq!(core.activate::<El1<G4K, 39>>(&at(0x4001_0000, None, 7)), Ok(()));
    assert_eq!(
        (core.get(Register::Ttbr0El1), core.get(Register::Ttbr1El1)),
        (5 << 48 | 0x4001_0000, 7 << 48 | 0x8000_0000)
    );
}

#[test]
fn a_second_stage_has_its_identifier_beside_its_root() {
    let mut core = Core::at(2).running::<Stage2<G4K, 40>>(false);
    assert_eq!((core.get(Register::VttbrEl2), core.get(Register::HcrEl2)), (5 << 48 | 0x4000_0000, 1));
    assert_eq!(core.activate::<Stage2<G4K, 40>>(&at(0x5000_0000, None, 6)), Ok(()));
    assert_eq!(core.trace, [DSB_ISHST, Write(Register::VttbrEl2, 6 << 48 | 0x5000_0000), ISB]);
    assert_eq!(core.activate::<Stage2<G4K, 40>>(&at(0x6000_0000, None, 6)), Ok(()));
    assert_eq!(core.trace[3..], [Invalidate(Tlb::Vmalls12e1, Domain::Local, 0), DSB, ISB]);
}

#[test]
fn what_is_in_use_of_another_regime_is_told_apart() {
    let core = || Core::at(1).running::<El1<G4K, 39>>(true);
    let error = |mut core: Core| El1::<G4K, 39>::active(&mut core).expect_err("another regime");
    let tcr = core().get(Register::TcrEl1);
    assert_eq!(error(Core::at(1)), ActiveError::Off);
    assert_eq!(
        error(core().with(Register::CurrentEl, 2 << 2)),
        ActiveError::Refused(Refusal::Privilege { needs: "EL1", found: 2 })
    );
    assert_eq!(El1::<G64K, 39>::active(&mut core()), Err(ActiveError::Mode { expected: 1, found: 0 }));
    assert_eq!(El1::<G4K, 48>::active(&mut core()), Err(ActiveError::InputBits { expected: 48, found: 39 }));
    assert_eq!(
        error(core().with(Register::TcrEl1, tcr ^ 1 << 59)),
        ActiveError::Layout { expected: 0, found: 1 << 59 }
    );
    assert_eq!(
        error(core().with(Register::MairEl1, 0xff)),
        ActiveError::MemoryTypes { expected: 0xee0c_08bb_0044_ff04, found: 0xff }
    );
    // Of a half that is off neither granule nor width counts.
    let upper_alone = (tcr | 1 << 7) & !0x3f & !(3 << 14) | 2 << 14;
    let mut lone = core().with(Register::TcrEl1, upper_alone);
    assert_eq!(El1::<G4K, 39>::active(&mut lone).map(|it| it.roots.lower), Ok(None));
    assert_eq!(error(core().with(Register::TcrEl1, tcr ^ 1 << 31)), ActiveError::Mode { expected: 2, found: 0 });
    let indirect = core().with(Register::IdAa64Mmfr3El1, 1 << 8);
    assert_eq!(error(indirect.clone().with(Register::Tcr2El1, 2)), ActiveError::Layout { expected: 0, found: 2 });
    assert!(El1::<G4K, 39>::active(&mut indirect.clone()).is_ok());
    let mut guest = Core::at(2).running::<Stage2<G4K, 40>>(false);
    let vtcr = guest.get(Register::VtcrEl2);
    guest.set(Register::VtcrEl2, vtcr ^ 1 << 6);
    assert_eq!(Stage2::<G4K, 40>::active(&mut guest), Err(ActiveError::StartLevel { expected: 1, found: 0 }));
    guest.set(Register::VtcrEl2, vtcr);
    guest.set(Register::HcrEl2, 1 | 1 << 46);
    assert_eq!(Stage2::<G4K, 40>::active(&mut guest), Err(ActiveError::Layout { expected: 0, found: 1 }));
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_written() {
    fn refused<R: Activate<Architecture = A64>>(mut core: Core, to: Active, error: ActiveError) {
        assert_eq!(core.activate::<R>(&to), Err(error));
        assert_eq!(core.trace, []);
    }
    let none = Active { roots: Roots { lower: None, upper: None }, id: Id::One(1) };
    refused::<El1<G4K, 39>>(Core::at(1), none, ActiveError::NoRoot);
    for core in [Core::at(1), Core::at(1).running::<El1<G4K, 39>>(true)] {
        refused::<El1<G4K, 39>>(
            core.clone(),
            at(0x1000, None, 256),
            ActiveError::Refused(Refusal::AsidBits { needs: 9, has: 8 }),
        );
        refused::<El1<G4K, 39>>(
            core,
            at(1 << 48, None, 1),
            ActiveError::Refused(Refusal::OutputBits { needs: 49, has: 48 }),
        );
    }
    refused::<El1<G4K, 39>>(
        Core::at(1).with(Register::IdAa64Mmfr0El1, 0xf << 28),
        at(0x1000, None, 1),
        ActiveError::Refused(Refusal::Feature { feature: Features::GRANULE_4K }),
    );
    refused::<With<El1<G4K, 39>, { Features::TLBIRANGE.bits() }>>(
        Core::at(1),
        at(0x1000, None, 1),
        ActiveError::Refused(Refusal::Feature { feature: Features::TLBIRANGE }),
    );
    refused::<El1<G16K, 47>>(
        Core::at(1).running::<El1<G4K, 39>>(true),
        at(0x4000, None, 1),
        ActiveError::Mode { expected: 2, found: 0 },
    );
}

/// What is activated is what is read back, whether translation was off or on before.
fn comes_back<R: Activate<Architecture = A64>>(level: u64, hcr: u64, to: Active) {
    let mut core = Core::at(level).with(Register::HcrEl2, hcr);
    core.activate::<R>(&to).expect("off");
    assert_eq!(R::active(&mut core), Ok(to));
    let mut core = Core::at(level).with(Register::HcrEl2, hcr);
    core.activate::<R>(&Active { id: if to.id == Id::Every { Id::Every } else { Id::One(1) }, ..to }).expect("off");
    core.activate::<R>(&to).expect("on");
    assert_eq!(R::active(&mut core), Ok(to));
}

proptest! {
    #[test]
    fn what_is_activated_is_read_back(root in 1u64..1 << 32, other in 1u64..1 << 32, id in 0u16..256, wide_id: u16) {
        const WIDE: u64 = Features::LPA2.bits() | Features::ASID16.bits();
        const LARGE: u64 = Features::LPA.bits();
        let both = |shift: u32| Roots { lower: Some(root << shift), upper: Some(other << shift) };
        let one = |shift: u32| Roots { lower: Some(root << shift), upper: None };
        comes_back::<El1<G4K, 39>>(1, 0, Active { roots: both(12), id: Id::One(id) });
        comes_back::<With<El1<G4K, 52>, WIDE>>(1, 0, Active { roots: both(20), id: Id::One(wide_id) });
        comes_back::<El1<G16K, 36>>(1, 0, Active { roots: both(14), id: Id::One(id) });
        comes_back::<With<El1<G64K, 48>, LARGE>>(1, 0, Active { roots: both(16), id: Id::One(id) });
        comes_back::<El2And0<G4K, 48>>(2, 1 << 34, Active { roots: both(12), id: Id::One(id) });
        comes_back::<El2<G64K, 42>>(2, 0, Active { roots: one(12), id: Id::Every });
        comes_back::<El3<G4K, 36>>(3, 0, Active { roots: one(12), id: Id::Every });
        comes_back::<Stage2<G16K, 40>>(2, 0, Active { roots: one(15), id: Id::One(id) });
    }
}
