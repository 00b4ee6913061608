//! Long descriptors of ARMv7 that are made when the program runs: the registers that name them, read back and written.

use tablature::armv7::{A32, Domain, Instruction, Lpae, LpaeHyp, LpaeStage2, Register, Tlb};
use tablature::edit::{Activate, Active, ActiveError};
use tablature::flush::{Hardware, Id};
use tablature::space::{Refusal, Roots};

/// A core that remembers its registers and what it was told.
#[derive(Clone)]
struct Core {
    registers: Vec<(Register, u64)>,
    trace: Vec<Instruction>,
}

const SUPERVISOR: u64 = 0x13;
const HYP: u64 = 0x1a;

impl Core {
    fn at(mode: u64) -> Self {
        Self { registers: vec![(Register::Cpsr, 0x1c0 | mode)], trace: Vec::new() }
    }

    fn set(&mut self, register: Register, value: u64) {
        self.registers.retain(|(r, _)| *r != register);
        self.registers.push((register, value));
    }

    fn with(mut self, register: Register, value: u64) -> Self {
        self.set(register, value);
        self
    }

    fn activate<R: Activate<Architecture = A32>>(&mut self, to: &Active) -> Result<(), ActiveError> {
        self.trace.clear();
        // SAFETY: nothing is translated by a recorder.
        unsafe { R::activate(to, self) }
    }
}

impl Hardware<A32> for Core {
    fn read(&mut self, register: Register) -> u64 {
        self.registers.iter().find(|(r, _)| *r == register).map_or(0, |(_, value)| *value)
    }

    unsafe fn execute(&mut self, instruction: Instruction) {
        if let Write(register, value) = instruction {
            self.set(register, value);
        }
        self.trace.push(instruction);
    }
}

use Instruction::{Dsb, DsbStores, Invalidate, InvalidateBranches, InvalidateInstructions, Isb, Write};

fn at(root: u64, id: Id) -> Active {
    Active { roots: Roots { lower: Some(root), upper: None }, id }
}

#[test]
fn with_translation_off_every_register_is_written_and_then_it_is_turned_on() {
    let mut core = Core::at(SUPERVISOR).with(Register::Sctlr, 1 << 22);
    assert_eq!(core.activate::<Lpae>(&at(0x4000_0020, Id::One(5))), Ok(()));
    assert_eq!(
        core.trace,
        [
            DsbStores(Domain::Inner),
            // Device, write-back, non-cacheable, Strongly-ordered; write-through, read-allocate, transient.
            Write(Register::Mair0, 0x0044_ff04),
            Write(Register::Mair1, 0x0077_eebb),
            // EAE, EPD1, walks Inner Shareable and write-back.
            Write(Register::Ttbcr, 0x8080_3500),
            Write(Register::Ttbr0, 5 << 48 | 0x4000_0020),
            Isb,
            Invalidate(Tlb::All, Domain::Local, 0),
            InvalidateBranches(Domain::Local),
            InvalidateInstructions,
            Dsb(Domain::Local),
            Isb,
            Write(Register::Sctlr, 1 << 22 | 0x1805),
            Isb,
        ]
    );
    assert_eq!(Lpae::active(&mut core), Ok(at(0x4000_0020, Id::One(5))));
    let mut core = Core::at(HYP);
    assert_eq!(core.activate::<LpaeHyp>(&at(0x4000_0020, Id::Every)), Ok(()));
    assert_eq!((core.read(Register::Htcr), core.read(Register::Hsctlr)), (0x8080_3500, 0x1805));
    assert!(core.trace.contains(&Invalidate(Tlb::AllH, Domain::Local, 0)));
    assert_eq!(LpaeHyp::active(&mut core), Ok(at(0x4000_0020, Id::Every)));
}

#[test]
fn a_second_stage_says_its_width_and_where_the_walk_starts() {
    let mut core = Core::at(HYP).with(Register::Hcr, 1 << 27);
    assert_eq!(core.activate::<LpaeStage2<40>>(&at(0x4000_2000, Id::One(5))), Ok(()));
    // T0SZ = -8 with its sign, SL0 = 1.
    assert_eq!((core.read(Register::Vtcr), core.read(Register::Hcr)), (0x8000_3558, 1 << 27 | 1));
    assert_eq!(LpaeStage2::<40>::active(&mut core), Ok(at(0x4000_2000, Id::One(5))));
    assert_eq!(LpaeStage2::<39>::active(&mut core), Err(ActiveError::InputBits { expected: 39, found: 40 }));
    core.set(Register::Vtcr, 0x8000_3518);
    assert_eq!(LpaeStage2::<40>::active(&mut core), Err(ActiveError::StartLevel { expected: 1, found: 0 }));
    let mut core = Core::at(HYP);
    assert_eq!(core.activate::<LpaeStage2<32>>(&at(0x4000_4000, Id::One(5))), Ok(()));
    assert_eq!(core.read(Register::Vtcr), 0x8000_3500);
}

#[test]
fn with_translation_on_the_root_alone_is_written() {
    let mut core = Core::at(SUPERVISOR);
    assert_eq!(core.activate::<Lpae>(&at(0x4000_0020, Id::One(5))), Ok(()));
    assert_eq!(core.activate::<Lpae>(&at(0x4000_0020, Id::One(5))), Ok(()));
    assert_eq!(core.trace, []);
    let ends = [InvalidateBranches(Domain::Local), Dsb(Domain::Local), Isb];
    assert_eq!(core.activate::<Lpae>(&at(0x4000_0040, Id::One(6))), Ok(()));
    let starts = [DsbStores(Domain::Inner), Write(Register::Ttbr0, 6 << 48 | 0x4000_0040), Isb];
    assert_eq!(core.trace, [&starts[..], &ends[..]].concat());
    assert_eq!(core.activate::<Lpae>(&at(0x4000_0060, Id::One(6))), Ok(()));
    let starts = [DsbStores(Domain::Inner), Write(Register::Ttbr0, 6 << 48 | 0x4000_0060), Isb];
    assert_eq!(core.trace, [&starts[..], &[Invalidate(Tlb::All, Domain::Local, 0)], &ends[..]].concat());
}

#[test]
fn what_is_in_use_of_another_regime_is_told_apart() {
    let mut core = Core::at(SUPERVISOR);
    assert_eq!(Lpae::active(&mut core), Err(ActiveError::Off));
    assert_eq!(core.activate::<Lpae>(&at(0x4000_0020, Id::One(5))), Ok(()));
    let error = |register, value| Lpae::active(&mut core.clone().with(register, value)).expect_err("another");
    let kind = |found| ActiveError::Mode { expected: 1 << 31, found };
    assert_eq!(error(Register::Ttbcr, 0x0080_3500), kind(0));
    assert_eq!(error(Register::Ttbcr, 0x80c0_3500), kind(1 << 31 | 1 << 22));
    assert_eq!(error(Register::Ttbcr, 0x8081_3500), kind(1 << 31 | 1 << 16));
    assert_eq!(error(Register::Ttbcr, 0x8080_3501), ActiveError::InputBits { expected: 32, found: 31 });
    assert_eq!(
        error(Register::Mair1, 0),
        ActiveError::MemoryTypes { expected: 0x0077_eebb_0044_ff04, found: 0x0044_ff04 }
    );
    let hyp = Refusal::Privilege { needs: "Hyp mode", found: SUPERVISOR };
    assert_eq!(LpaeHyp::active(&mut core), Err(ActiveError::Refused(hyp)));
    let mut guest = core.clone().with(Register::Cpsr, HYP);
    let pl1 = Refusal::Privilege { needs: "PL1", found: HYP };
    assert_eq!(Lpae::active(&mut guest), Err(ActiveError::Refused(pl1)));
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_written() {
    let mut core = Core::at(SUPERVISOR);
    let none = Active { roots: Roots { lower: None, upper: None }, id: Id::One(1) };
    assert_eq!(core.activate::<Lpae>(&none), Err(ActiveError::NoRoot));
    let wide = Refusal::OutputBits { needs: 41, has: 40 };
    assert_eq!(core.activate::<Lpae>(&at(1 << 40, Id::One(1))), Err(ActiveError::Refused(wide)));
    let id = Refusal::AsidBits { needs: 9, has: 8 };
    assert_eq!(core.activate::<Lpae>(&at(0x20, Id::One(256))), Err(ActiveError::Refused(id)));
    assert_eq!(core.trace, []);
}
