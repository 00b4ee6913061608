//! Which tables a core uses: what the registers say, what is written to them, in which order, and what is refused.

use tablature::attr::Features;
use tablature::edit::{Activate, Active, ActiveError};
use tablature::flush::{Architecture, Hardware, Id, Recorder};
use tablature::loongarch64::La64;
use tablature::loongarch64::operation as loong;
use tablature::regime::With;
use tablature::riscv::operation as riscv;
use tablature::riscv::{RiscV, Sv32, Sv39, Sv39x4, Sv48, Sv57};
use tablature::space::{Refusal, Roots};
use tablature::x86::{Legacy32, Pae};
use tablature::x86_64::operation as x86;
use tablature::x86_64::{Level4, Level5, X86};

const fn lower(root: u64, id: Id) -> Active {
    Active { roots: Roots { lower: Some(root), upper: None }, id }
}

fn recorder<A: Architecture>(registers: &[(A::Register, u64)]) -> Recorder<A, 16> {
    registers.iter().fold(Recorder::new(), |recorder, (register, value)| recorder.with(*register, *value))
}

fn activate<R: Activate>(to: &Active, hardware: &mut impl Hardware<R::Architecture>) -> Result<Active, ActiveError> {
    // SAFETY: there is no hardware.
    unsafe { R::activate(to, hardware) }?;
    R::active(hardware)
}

mod riscv_harts {
    use super::riscv::{Op, Register};
    use super::*;

    const ROOT: u64 = 0x8020_4000;
    const OLD: u64 = 0x8_0000;

    const fn satp(mode: u64, id: u64, root: u64) -> u64 {
        mode << 60 | id << 44 | root >> 12
    }

    #[test]
    fn from_no_translation_everything_is_fenced_before_and_after() {
        let mut hart = recorder::<RiscV>(&[]);
        assert_eq!(Sv39::active(&mut hart), Err(ActiveError::Off));
        assert_eq!(activate::<Sv39>(&lower(ROOT, Id::One(5)), &mut hart), Ok(lower(ROOT, Id::One(5))));
        let all = Op::SfenceVma(None, None);
        assert_eq!(hart.ops(), [all, Op::Write(Register::Satp, satp(8, 5, ROOT)), all]);
    }

    #[test]
    fn another_identifier_is_fenced_before_and_its_own_after_too() {
        let own = Op::SfenceVma(None, Some(5));
        let write = Op::Write(Register::Satp, satp(9, 5, ROOT));
        for (old, expected) in [(7, &[own, write][..]), (5, &[own, write, own])] {
            let mut hart = recorder::<RiscV>(&[(Register::Satp, satp(9, old, OLD))]);
            assert_eq!(activate::<Sv48>(&lower(ROOT, Id::One(5)), &mut hart), Ok(lower(ROOT, Id::One(5))));
            assert_eq!(hart.ops(), expected);
        }
    }

    #[test]
    fn no_identifier_is_identifier_zero_and_not_all() {
        let mut hart = recorder::<RiscV>(&[(Register::Satp, satp(10, 0, OLD))]);
        assert_eq!(activate::<Sv57>(&lower(ROOT, Id::Every), &mut hart), Ok(lower(ROOT, Id::One(0))));
        let own = Op::SfenceVma(None, Some(0));
        assert_eq!(hart.ops(), [own, Op::Write(Register::Satp, satp(10, 0, ROOT)), own]);
    }

    #[test]
    fn guests_have_their_own_register_and_fence() {
        let mut hart = recorder::<RiscV>(&[]);
        assert_eq!(activate::<Sv39x4>(&lower(ROOT, Id::One(5)), &mut hart), Ok(lower(ROOT, Id::One(5))));
        let all = Op::HfenceGvma(None, None);
        assert_eq!(hart.ops(), [all, Op::Write(Register::Hgatp, satp(8, 5, ROOT)), all]);
    }

    #[test]
    fn a_32_bit_root() {
        let mut hart = recorder::<RiscV>(&[]);
        let to = lower(0x3_8000_0000, Id::One(5));
        assert_eq!(activate::<Sv32>(&to, &mut hart), Ok(to));
        assert_eq!(hart.ops()[1], Op::Write(Register::Satp, 1 << 31 | 5 << 22 | 0x38_0000));
    }

    #[test]
    fn what_the_register_cannot_hold_is_refused_before_any_write() {
        let no_root = Active { roots: Roots { lower: None, upper: None }, id: Id::Every };
        let mut hart = recorder::<RiscV>(&[(Register::Satp, satp(9, 0, OLD))]);
        let on_sv39 = |to, hart: &mut Recorder<RiscV, 16>| activate::<Sv39>(&to, hart);
        assert_eq!(on_sv39(no_root, &mut hart), Err(ActiveError::NoRoot));
        assert_eq!(on_sv39(lower(ROOT, Id::One(5)), &mut hart), Err(ActiveError::Mode { expected: 8, found: 9 }));
        assert_eq!(Sv39::active(&mut hart), Err(ActiveError::Mode { expected: 8, found: 9 }));
        let far = Refusal::OutputBits { needs: 57, has: 56 };
        assert_eq!(on_sv39(lower(1 << 56, Id::Every), &mut hart), Err(far.into()));
        let wide = Refusal::AsidBits { needs: 10, has: 9 };
        assert_eq!(activate::<Sv32>(&lower(ROOT, Id::One(0x200)), &mut hart), Err(wide.into()));
        assert_eq!(hart.ops(), []);
    }

    /// A hart with Sv39 alone and seven bits of ASID.
    struct Small(u64, Vec<Op>);

    impl Hardware<RiscV> for Small {
        fn read(&mut self, _: Register) -> u64 {
            self.0
        }

        unsafe fn execute(&mut self, op: Op) {
            self.1.push(op);
            if let Op::Write(_, value) = op
                && matches!(value >> 60, 0 | 8)
            {
                self.0 = value & !(0x1ff << 51);
            }
        }
    }

    #[test]
    fn what_the_hart_does_not_hold_is_taken_back() {
        let mut hart = Small(0, Vec::new());
        let sv48 = Refusal::Feature { feature: Features::SV48 };
        assert_eq!(activate::<Sv48>(&lower(ROOT, Id::One(5)), &mut hart), Err(sv48.into()));
        let old = satp(8, 1, OLD);
        let mut hart = Small(old, Vec::new());
        let bits = Refusal::AsidBits { needs: 8, has: 7 };
        assert_eq!(activate::<Sv39>(&lower(ROOT, Id::One(0x85)), &mut hart), Err(bits.into()));
        assert_eq!(hart.0, old);
        assert!(hart.1.ends_with(&[Op::Write(Register::Satp, old), Op::SfenceVma(None, None)]));
    }
}

mod processors {
    use super::x86::{Op, Register};
    use super::*;

    const ROOT: u64 = 0x0123_4000;
    const OLD: u64 = 0x9000;
    const PG: (Register, u64) = (Register::Cr0, 0x8001_0031);
    const PAT: (Register, u64) = (Register::Pat, 0x0007_0501_0007_0406);
    const NXE: (Register, u64) = (Register::Efer, 0xd00);
    const PCIDE: u64 = 1 << 17;
    const KEEP: u64 = 1 << 63;

    fn processor(cr3: u64, cr4: u64) -> Recorder<X86, 16> {
        recorder(&[PG, PAT, NXE, (Register::Cr3, cr3), (Register::Cr4, cr4)])
    }

    #[test]
    fn without_identifiers_only_the_root_is_written() {
        let mut cpu = processor(OLD, 0xa0);
        assert_eq!(Level4::active(&mut cpu), Ok(lower(OLD, Id::Every)));
        assert_eq!(activate::<Level4>(&lower(ROOT, Id::Every), &mut cpu), Ok(lower(ROOT, Id::Every)));
        assert_eq!(cpu.ops(), [Op::Write(Register::Cr3, ROOT)]);
    }

    #[test]
    fn another_identifier_keeps_its_translations_and_the_same_loses_them() {
        type Tagged = With<Level4, { Features::PCID.bits() }>;
        for (old, value) in [(7, ROOT | 5 | KEEP), (5, ROOT | 5)] {
            let mut cpu = processor(OLD | old, 0xa0 | PCIDE);
            assert_eq!(activate::<Tagged>(&lower(ROOT, Id::One(5)), &mut cpu), Ok(lower(ROOT, Id::One(5))));
            assert_eq!(cpu.ops(), [Op::Write(Register::Cr3, value)]);
        }
    }

    /// SDM "MOV - Move to/from Control Registers": PCIDE becomes 1 only while CR3\[11:0\] is 0.
    #[test]
    fn identifiers_are_enabled_where_the_regime_has_them() {
        type Tagged = With<Level5, { Features::PCID.bits() }>;
        let (la57, to) = (1 << 12 | 0xa0, lower(ROOT, Id::One(5)));
        let mut cpu = processor(OLD, la57);
        assert_eq!(activate::<Tagged>(&to, &mut cpu), Ok(to));
        let writes = [(Register::Cr3, ROOT), (Register::Cr4, la57 | PCIDE), (Register::Cr3, ROOT | 5)];
        assert_eq!(cpu.ops(), writes.map(|(register, value)| Op::Write(register, value)));
        let mut cpu = processor(OLD, la57);
        let missing = Refusal::Feature { feature: Features::PCID };
        assert_eq!(activate::<Level5>(&to, &mut cpu), Err(missing.into()));
        assert_eq!(cpu.ops(), []);
        // Nor is anything of such a processor flushed by a regime without.
        let mut cpu = processor(OLD | 5, la57 | PCIDE);
        assert_eq!(activate::<Level5>(&lower(ROOT, Id::Every), &mut cpu), Err(missing.into()));
        assert_eq!(Level5::active(&mut cpu), Err(missing.into()));
        assert_eq!(cpu.ops(), []);
    }

    #[test]
    fn bits_that_mask_addresses_stay() {
        let mut cpu = processor(OLD | 1 << 62, 0xa0);
        assert_eq!(activate::<Level4>(&lower(ROOT, Id::Every), &mut cpu), Ok(lower(ROOT, Id::Every)));
        assert_eq!(cpu.ops(), [Op::Write(Register::Cr3, ROOT | 1 << 62)]);
    }

    #[test]
    fn what_is_in_use_is_of_the_regime_or_refused() {
        let to = lower(ROOT, Id::Every);
        let refused = |registers: &[_], error: ActiveError| {
            let mut cpu = recorder::<X86>(registers);
            assert_eq!(Level4::active(&mut cpu), Err(error));
            assert_eq!(activate::<Level4>(&to, &mut cpu), Err(error));
            assert_eq!(cpu.ops(), []);
        };
        refused(&[PAT, NXE], ActiveError::Off);
        let la57 = (Register::Cr4, 1 << 12);
        refused(&[PG, PAT, NXE, la57], ActiveError::InputBits { expected: 48, found: 57 });
        refused(&[PG, PAT], ActiveError::Layout { expected: 1 << 11, found: 0 });
        let power_on = 0x0007_0406_0007_0406;
        let types = ActiveError::MemoryTypes { expected: PAT.1, found: power_on };
        refused(&[PG, NXE, (Register::Pat, power_on)], types);
        let mut cpu = processor(OLD, 0xa0);
        let wide = Refusal::AsidBits { needs: 13, has: 12 };
        assert_eq!(activate::<Level4>(&lower(ROOT, Id::One(0x1000)), &mut cpu), Err(wide.into()));
        let far = Refusal::OutputBits { needs: 53, has: 52 };
        assert_eq!(activate::<Level4>(&lower(1 << 52, Id::Every), &mut cpu), Err(far.into()));
        assert_eq!(cpu.ops(), []);
    }

    #[test]
    fn paging_of_32_bit_mode_is_turned_on_last() {
        let off = [PAT, NXE, (Register::Cr0, 0x31)];
        let to = lower(ROOT | 0x20, Id::Every);
        let mut cpu = recorder::<X86>(&[PAT, (Register::Cr0, 0x31)]);
        assert_eq!(activate::<Pae>(&to, &mut cpu), Ok(to));
        let writes = [
            (Register::Efer, 1 << 11),
            (Register::Cr4, 1 << 5),
            (Register::Cr3, ROOT | 0x20),
            (Register::Cr0, 0x8001_0031),
        ];
        assert_eq!(cpu.ops(), writes.map(|(register, value)| Op::Write(register, value)));
        let mut cpu = recorder::<X86>(&off);
        let to = lower(ROOT, Id::Every);
        assert_eq!(activate::<Legacy32>(&to, &mut cpu), Ok(to));
        let writes = [(Register::Cr4, 1 << 4), (Register::Cr3, ROOT), (Register::Cr0, 0x8001_0031)];
        assert_eq!(cpu.ops(), writes.map(|(register, value)| Op::Write(register, value)));
    }

    #[test]
    fn paging_modes_of_32_bit_mode_are_not_confused() {
        let mut pae = processor(OLD, 1 << 5);
        assert_eq!(Legacy32::active(&mut pae), Err(ActiveError::Mode { expected: 1 << 4, found: 1 << 5 }));
        assert_eq!(activate::<Pae>(&lower(ROOT, Id::Every), &mut pae), Ok(lower(ROOT, Id::Every)));
        assert_eq!(pae.ops(), [Op::Write(Register::Cr3, ROOT)]);
        let mut legacy = processor(OLD, 1 << 4);
        assert_eq!(Pae::active(&mut legacy), Err(ActiveError::Mode { expected: 1 << 5, found: 0 }));
        let far = Refusal::OutputBits { needs: 33, has: 32 };
        assert_eq!(activate::<Pae>(&lower(1 << 32, Id::Every), &mut legacy), Err(far.into()));
    }
}

mod loongarch {
    use super::loong::{Invtlb, LoongArch, Op, Register};
    use super::*;

    /// Levels of nine bits from bits 12, 21, 30 and 39.
    const WALK: [(Register, u64); 2] =
        [(Register::Pwcl, 12 | 9 << 5 | 21 << 10 | 9 << 15 | 30 << 20 | 9 << 25), (Register::Pwch, 39 | 9 << 6)];
    const BOTH: Roots = Roots { lower: Some(0x4000), upper: Some(0x8000) };

    fn core(asid: u64) -> Recorder<LoongArch, 16> {
        recorder(&[
            (Register::Crmd, 1 << 4),
            WALK[0],
            WALK[1],
            (Register::Pgdl, 0x1000),
            (Register::Pgdh, 0x2000),
            (Register::Asid, 10 << 16 | asid),
        ])
    }

    #[test]
    fn roots_then_the_identifier() {
        let to = Active { roots: BOTH, id: Id::One(5) };
        let writes = [
            Op::Dbar,
            Op::Write(Register::Pgdl, 0x4000),
            Op::Write(Register::Pgdh, 0x8000),
            Op::Write(Register::Asid, 5),
        ];
        let mut other = core(7);
        assert_eq!(activate::<La64>(&to, &mut other), Ok(to));
        assert_eq!(other.ops(), writes);
        let mut same = core(5);
        assert_eq!(activate::<La64>(&to, &mut same), Ok(to));
        assert_eq!(same.ops().split_last(), Some((&Op::Invtlb(Invtlb::Asid(5)), &writes[..])));
    }

    #[test]
    fn a_half_without_a_root_stays() {
        let to = Active { roots: Roots { lower: Some(0x4000), upper: None }, id: Id::One(5) };
        let now = Roots { lower: Some(0x4000), upper: Some(0x2000) };
        assert_eq!(activate::<La64>(&to, &mut core(5)), Ok(Active { roots: now, id: Id::One(5) }));
    }

    #[test]
    fn what_is_in_use_is_of_the_regime_or_refused() {
        let mut off = recorder::<LoongArch>(&WALK);
        let to = Active { roots: BOTH, id: Id::One(5) };
        assert_eq!(activate::<La64>(&to, &mut off), Err(ActiveError::Off));
        let three = [(Register::Crmd, 1 << 4), WALK[0]];
        let mut three = recorder::<LoongArch>(&three);
        assert_eq!(activate::<La64>(&to, &mut three), Err(ActiveError::Mode { expected: WALK[1].1, found: 0 }));
        let mut on = core(0);
        let wide = Refusal::AsidBits { needs: 11, has: 10 };
        assert_eq!(activate::<La64>(&Active { id: Id::One(0x400), ..to }, &mut on), Err(wide.into()));
        let none = Roots { lower: None, upper: None };
        assert_eq!(activate::<La64>(&Active { roots: none, ..to }, &mut on), Err(ActiveError::NoRoot));
        assert!(off.ops().is_empty() && three.ops().is_empty() && on.ops().is_empty());
    }
}
