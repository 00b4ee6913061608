//! The exact sequence that puts an AArch64 map into force, recorded on the host, and everything it refuses.

use tablature::aarch64::{A64, Barrier, Derive, Domain, Instruction, Register, Tlb, install};
use tablature::attr::Features;
use tablature::flush::Hardware;
use tablature::map::{Cpu as CpuBlock, Space as SpaceBlock};
use tablature::plan::Slot;
use tablature::space::{Declared, Refusal};

/// A declaration as `memory_map!` writes it down.
macro_rules! declare {
    ($name:ident $symbol:literal: $regime:ident < $granule:ident, $width:literal >, $placement:ident $variant:ident,
     [$($virt:literal => $offset:literal, $size:literal);*], $cpu:expr, $space:expr) => {
        mod $name {
            use tablature::aarch64::$granule;
            use tablature::attr::{Access, Rights};
            use tablature::layout::{Demands, Layout};
            use tablature::map::{Map, Phys, Placement, Policy, Region, Resource, Space, Tables, Virt};

            const TABLES: Tables<'static> = Tables {
                placement: Placement::$variant,
                phys: Phys::In { resource: "dram", offset: 0x100_0000 },
                ..Tables::BLANK
            };
            const REGIONS: &[Region<'static>] = &[$(Region {
                name: stringify!($virt),
                virt: Virt::At($virt),
                phys: Phys::In { resource: "dram", offset: $offset },
                size: Some($size),
                access: Access::kernel(Rights::RW),
                ..Region::BLANK
            }),*];
            const MAP: &Map<'static> = &Map {
                name: stringify!($name),
                anchor: 0,
                format: <tablature::aarch64::$regime<$granule, $width> as tablature::regime::Regime>::FORMAT,
                cpu: $cpu,
                policy: Policy::BLANK,
                resources: &[Resource { name: "dram", base: 0x4000_0000, size: 0x8000_0000, ..Resource::BLANK }],
                spaces: &[Space { name: "kernel", tables: Some(TABLES), regions: REGIONS, ..$space }],
                channels: &[],
                isolation: &[],
                devices: &[],
                transitions: &[],
            };
            const LAYOUT: &Layout<4> = &Layout::of(MAP);
            const DEMANDS: Demands = Demands::of(MAP);
            const PLANS: &tablature::plan::Plans<16, 1> = &tablature::plan::Plans::of(MAP, LAYOUT, &DEMANDS);
            static __TAKEN: tablature::__private::Taken<4> = tablature::__private::Taken::new();
            const SOUND: bool = true;

            tablature::__declare_space! {
                crate = [tablature];
                docs = [#[doc = "The kernel."]];
                space = kernel;
                index = 0;
                regime = [tablature::aarch64::$regime<$granule, $width>];
                placement = $placement;
                symbol = $symbol;
                symbol_quarter = "no_such_symbol";
                regions = [];
            }
        }
    };
}

const ANY_CPU: CpuBlock<'static> = CpuBlock::BLANK;
const ANY_SPACE: SpaceBlock<'static> = SpaceBlock::BLANK;
const WITH_ASID: SpaceBlock<'static> = SpaceBlock { asid: Some(0x123), ..SpaceBlock::BLANK };
const LARGE: CpuBlock<'static> = CpuBlock { pa_bits: Some(52), features: Some(Features::LPA2), ..CpuBlock::BLANK };
const SMALL: CpuBlock<'static> = CpuBlock { pa_bits: Some(40), features: Some(Features::ASID16), ..CpuBlock::BLANK };

declare!(halves "test_halves": El1<G4K, 39>, linked Linked,
    [0x4000_0000 => 0, 0x1000; 0xffff_ff80_0000_0000 => 0, 0x1000], crate::ANY_CPU, crate::ANY_SPACE);
declare!(upper "test_upper": El1<G4K, 39>, linked Linked,
    [0xffff_ff80_0000_0000 => 0, 0x1000], crate::ANY_CPU, crate::ANY_SPACE);
declare!(el2 "test_el2": El2<G4K, 40>, linked Linked, [0x4000_0000 => 0, 0x1000], crate::ANY_CPU, crate::ANY_SPACE);
declare!(el3 "test_el3": El3<G4K, 36>, linked Linked, [0x4000_0000 => 0, 0x1000], crate::ANY_CPU, crate::ANY_SPACE);
declare!(host "test_host": El2And0<G4K, 48>, linked Linked,
    [0x4000_0000 => 0, 0x1000], crate::ANY_CPU, crate::ANY_SPACE);
declare!(guest "test_guest": Stage2<G4K, 40>, linked Linked,
    [0x4000_0000 => 0, 0x1000], crate::SMALL, crate::WITH_ASID);
declare!(large "test_large": El1<G4K, 48>, linked Linked,
    [0x4000_0000 => 0, 0x1000], crate::LARGE, crate::ANY_SPACE);
declare!(small "test_small": El1<G4K, 39>, linked Linked,
    [0x4000_0000 => 0, 0x1000], crate::SMALL, crate::WITH_ASID);
declare!(wide_granule "test_granule": El1<G16K, 47>, linked Linked,
    [0x4000_0000 => 0, 0x4000], crate::ANY_CPU, crate::ANY_SPACE);
declare!(elsewhere "test_elsewhere": El1<G4K, 39>, placed Placed,
    [0x4000_0000 => 0, 0x1000], crate::ANY_CPU, crate::ANY_SPACE);
declare!(unfilled "test_unfilled": El1<G4K, 39>, boot BootFilled,
    [0x4000_0000 => 0, 0x1000], crate::ANY_CPU, crate::ANY_SPACE);
declare!(broken "test_broken": El1<G4K, 39>, boot BootFilled,
    [0x4000_0000 => 0, 0x1000], crate::ANY_CPU, crate::ANY_SPACE);

/// 48 physical address bits, 16-bit ASIDs, all granules, 52-bit addresses with 4 KiB pages.
const MMFR0: u64 = 5 | 2 << 4 | 1 << 20 | 1 << 28;
/// Lines of 64 bytes.
const CTR: u64 = 4 << 16;

/// A core that remembers its registers and what it was told.
struct Recorder {
    registers: Vec<(Register, u64)>,
    trace: Vec<Instruction>,
}

impl Recorder {
    fn at(level: u64) -> Self {
        let registers =
            vec![(Register::CurrentEl, level << 2), (Register::IdAa64Mmfr0El1, MMFR0), (Register::CtrEl0, CTR)];
        Self { registers, trace: Vec::new() }
    }

    fn with(mut self, register: Register, value: u64) -> Self {
        self.set(register, value);
        self
    }

    fn set(&mut self, register: Register, value: u64) {
        self.registers.retain(|(r, _)| *r != register);
        self.registers.push((register, value));
    }

    fn install<S: Declared>(&mut self) -> Result<(), Refusal>
    where
        S::Regime: tablature::aarch64::Vmsa + Derive<S>,
    {
        // SAFETY: nothing is translated by a recorder.
        unsafe { install::<S, _>(self) }
    }

    /// The trace without the cache maintenance, which covers exactly the tables of `S`, line by line, at the front.
    fn after_maintenance<S: Declared>(&self) -> &[Instruction] {
        let memory = S::memory();
        let lines = memory.bytes / 64;
        for line in 0..lines {
            assert_eq!(self.trace[line], Instruction::CleanInvalidate(memory.start as usize + 64 * line));
        }
        &self.trace[lines..]
    }
}

impl Hardware<A64> for Recorder {
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

use Instruction::{Invalidate, InvalidateInstructions, Write};

const ISB: Instruction = Instruction::Barrier(Barrier::Isb);
const DSB: Instruction = Instruction::Barrier(Barrier::Dsb(Domain::Local));
const DSB_SY: Instruction = Instruction::Barrier(Barrier::DsbSystem);
const MAIR: u64 = 0xee0c_08bb_0044_ff04;

#[test]
fn el1_with_two_halves() {
    type S = halves::kernel::Space;
    let mut core = Recorder::at(1).with(Register::SctlrEl1, 1 << 19 | 1 << 25);
    assert_eq!(core.install::<S>(), Ok(()));
    let base = S::memory().physical;
    assert_eq!(
        core.after_maintenance::<S>(),
        [
            DSB_SY,
            Write(Register::MairEl1, MAIR),
            // T0SZ 25, write-back, inner shareable, 4 KiB; the same above with TG1 = 0b10; IPS 5.
            Write(Register::TcrEl1, 0x5_b519_3519),
            Write(Register::Ttbr0El1, base),
            Write(Register::Ttbr1El1, base + 0x1000),
            ISB,
            Invalidate(Tlb::Vmalle1, Domain::Local, 0),
            DSB,
            InvalidateInstructions,
            DSB,
            ISB,
            // What was there (big-endian) stays, WXN goes; M, C, SA, I and the bits that were RES1.
            Write(Register::SctlrEl1, 0x30d0_0800 | 1 << 25 | 0x100d),
            ISB,
        ]
    );
}

#[test]
fn a_second_call_writes_nothing_and_another_map_is_refused() {
    let mut core = Recorder::at(1);
    assert_eq!(core.install::<halves::kernel::Space>(), Ok(()));
    core.trace.clear();
    assert_eq!(core.install::<halves::kernel::Space>(), Ok(()));
    assert_eq!(core.install::<upper::kernel::Space>(), Err(Refusal::Busy));
    for register in [Register::MairEl1, Register::TcrEl1, Register::Ttbr0El1, Register::Ttbr1El1] {
        let value = core.read(register);
        core.set(register, value ^ 1 << 12);
        assert_eq!(core.install::<halves::kernel::Space>(), Err(Refusal::Busy), "{register:?}");
        core.set(register, value);
    }
    assert_eq!(core.trace, []);
}

#[test]
fn an_unused_half_is_off() {
    let mut core = Recorder::at(1);
    assert_eq!(core.install::<upper::kernel::Space>(), Ok(()));
    assert_eq!(core.read(Register::TcrEl1), 0x5_b519_3519 | 1 << 7);
    assert_eq!(core.read(Register::Ttbr0El1), 0);
    assert_eq!(core.read(Register::Ttbr1El1), upper::kernel::Space::memory().physical);
    let mut core = Recorder::at(1);
    assert_eq!(core.install::<small::kernel::Space>(), Ok(()));
    // IPS 2 as declared, AS for 16-bit ASIDs, EPD1; the ASID in TTBR0.
    assert_eq!(core.read(Register::TcrEl1), 0x2_b519_3519 | 1 << 36 | 1 << 23);
    assert_eq!(core.read(Register::Ttbr0El1), small::kernel::Space::memory().physical | 0x123 << 48);
    assert_eq!(core.read(Register::Ttbr1El1), 0);
}

#[test]
fn el2_and_el3() {
    type Two = el2::kernel::Space;
    let mut core = Recorder::at(2);
    assert_eq!(core.install::<Two>(), Ok(()));
    assert_eq!(
        core.after_maintenance::<Two>(),
        [
            DSB_SY,
            Write(Register::MairEl2, MAIR),
            Write(Register::TcrEl2, 0x8085_3518),
            Write(Register::Ttbr0El2, Two::memory().physical),
            ISB,
            Invalidate(Tlb::Alle2, Domain::Local, 0),
            DSB,
            InvalidateInstructions,
            DSB,
            ISB,
            Write(Register::SctlrEl2, 0x30c5_0830 | 0x100d),
            ISB,
        ]
    );
    type Three = el3::kernel::Space;
    let mut core = Recorder::at(3);
    assert_eq!(core.install::<Three>(), Ok(()));
    assert_eq!(
        core.after_maintenance::<Three>(),
        [
            DSB_SY,
            Write(Register::MairEl3, MAIR),
            Write(Register::TcrEl3, 0x8085_351c),
            Write(Register::Ttbr0El3, Three::memory().physical),
            ISB,
            Invalidate(Tlb::Alle3, Domain::Local, 0),
            DSB,
            InvalidateInstructions,
            DSB,
            ISB,
            Write(Register::SctlrEl3, 0x30c5_0830 | 0x100d),
            ISB,
        ]
    );
}

#[test]
fn a_host_at_el2_has_the_registers_of_el1() {
    type S = host::kernel::Space;
    let mut core = Recorder::at(2).with(Register::HcrEl2, 1 << 34);
    assert_eq!(core.install::<S>(), Ok(()));
    assert_eq!(
        core.after_maintenance::<S>(),
        [
            DSB_SY,
            Write(Register::MairEl2, MAIR),
            Write(Register::TcrEl2, 0x5_b510_3510 | 1 << 23),
            Write(Register::Ttbr0El2, S::memory().physical),
            Write(Register::Ttbr1El2, 0),
            ISB,
            Invalidate(Tlb::Alle2, Domain::Local, 0),
            DSB,
            InvalidateInstructions,
            DSB,
            ISB,
            Write(Register::SctlrEl2, 0x30d0_0800 | 0x100d),
            ISB,
        ]
    );
}

#[test]
fn stage_2_is_turned_on_in_hcr() {
    type S = guest::kernel::Space;
    let mut core = Recorder::at(2).with(Register::HcrEl2, 1 << 31).with(Register::IdAa64Mmfr1El1, 2 << 4);
    assert_eq!(core.install::<S>(), Ok(()));
    assert_eq!(
        core.after_maintenance::<S>(),
        [
            DSB_SY,
            // T0SZ 24, SL0 1 (start at level 1, two tables), PS 2 as declared, 16-bit VMIDs, RES1.
            Write(Register::VtcrEl2, 0x800a_3558),
            Write(Register::VttbrEl2, S::memory().physical | 0x123 << 48),
            ISB,
            Invalidate(Tlb::Vmalls12e1, Domain::Local, 0),
            DSB,
            ISB,
            Write(Register::HcrEl2, 1 << 31 | 1),
            ISB,
        ]
    );
    core.trace.clear();
    assert_eq!(core.install::<S>(), Ok(()));
    assert_eq!(core.trace, []);
}

#[test]
fn a_cpu_that_cannot_do_it_is_refused_before_anything_is_written() {
    fn refused<S: Declared>(mut core: Recorder, refusal: Refusal)
    where
        S::Regime: tablature::aarch64::Vmsa + Derive<S>,
    {
        assert_eq!(core.install::<S>(), Err(refusal));
        assert_eq!(core.trace, []);
    }
    let mmfr0 = |value| Recorder::at(1).with(Register::IdAa64Mmfr0El1, value);
    refused::<halves::kernel::Space>(Recorder::at(2), Refusal::Privilege { needs: "EL1", found: 2 });
    refused::<el2::kernel::Space>(
        Recorder::at(2).with(Register::HcrEl2, 1 << 34),
        Refusal::Privilege { needs: "EL2 with HCR_EL2.E2H = 0", found: 2 },
    );
    refused::<host::kernel::Space>(Recorder::at(2), Refusal::Privilege { needs: "EL2 with HCR_EL2.E2H = 1", found: 2 });
    refused::<el3::kernel::Space>(Recorder::at(2), Refusal::Privilege { needs: "EL3", found: 2 });
    refused::<halves::kernel::Space>(mmfr0(5 | 0xf << 28), Refusal::Feature { feature: Features::GRANULE_4K });
    refused::<wide_granule::kernel::Space>(mmfr0(5), Refusal::Feature { feature: Features::GRANULE_16K });
    refused::<small::kernel::Space>(mmfr0(5), Refusal::Feature { feature: Features::ASID16 });
    refused::<small::kernel::Space>(mmfr0(1 | 2 << 4), Refusal::OutputBits { needs: 40, has: 36 });
    refused::<halves::kernel::Space>(mmfr0(0), {
        let last = halves::kernel::Space::memory().physical + 0x5fff;
        Refusal::OutputBits { needs: 64 - last.leading_zeros(), has: 32 }
    });
    refused::<large::kernel::Space>(mmfr0(5), Refusal::Feature { feature: Features::LPA2 });
    refused::<large::kernel::Space>(mmfr0(5 | 1 << 28), Refusal::OutputBits { needs: 52, has: 48 });
    // The stage 2 granule fields speak where they are not 0, and a guest's addresses fit the CPU's.
    let vmid16 = || Recorder::at(2).with(Register::IdAa64Mmfr1El1, 2 << 4);
    refused::<guest::kernel::Space>(
        vmid16().with(Register::IdAa64Mmfr0El1, 5 | 1 << 40),
        Refusal::Feature { feature: Features::GRANULE_4K },
    );
    refused::<guest::kernel::Space>(
        vmid16().with(Register::IdAa64Mmfr0El1, 1),
        Refusal::InputBits { needs: 40, has: 36 },
    );
    refused::<guest::kernel::Space>(Recorder::at(2), Refusal::Feature { feature: Features::ASID16 });
}

#[test]
fn wide_descriptors_go_with_their_control_bit() {
    let mut core = Recorder::at(1).with(Register::IdAa64Mmfr0El1, 6 | 1 << 28);
    assert_eq!(core.install::<large::kernel::Space>(), Ok(()));
    assert_eq!(core.read(Register::TcrEl1), 0x6_b510_3510 | 1 << 59 | 1 << 23);
}

#[test]
fn tables_that_are_not_where_they_say_are_refused() {
    type S = elsewhere::kernel::Space;
    let mut core = Recorder::at(1);
    let found = S::memory().physical;
    assert_eq!(found, 0x4100_0000);
    let expected = S::memory().start as u64;
    assert_eq!(core.install::<S>(), Err(Refusal::NotRelocated { expected, found }));
    assert_eq!(core.install::<unfilled::kernel::Space>(), Err(Refusal::NotFilled));

    type B = broken::kernel::Space;
    let words = vec![Slot::word(0); B::WORDS + 512].leak();
    let skip = words.as_ptr().align_offset(4096);
    let memory = &mut words[skip..][..B::WORDS];
    let (start, root) = (memory.as_ptr() as u64, memory.as_mut_ptr().wrapping_add(1));
    B::fill(memory, start).expect("fill");
    // The root entry of 0x4000_0000 loses its address, as a relocation that nobody applied would leave it.
    // SAFETY: the word lies in the leaked memory, and nothing else runs.
    unsafe { root.write_volatile(Slot::word(3)) };
    assert_eq!(core.install::<B>(), Err(Refusal::NotRelocated { expected: start + 0x1000, found: 3 }));
    assert_eq!(core.trace, []);
}
