//! The whole sequence on a recorder whose registers are WARL.

use std::vec::Vec;

use super::*;
use crate::attr::Features;

const SUM: u64 = 1 << 18;
const MXR: u64 = 1 << 19;
const ROOT: u64 = 0x8020_4000;
const PPN: u64 = ROOT >> 12;
const SV39: u64 = 8 << 60;
const SV48: u64 = 9 << 60;
const OLD: u64 = SV39 | 0x8_0000;

/// What the recorder saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Fence(Root),
    Write(Root, u64),
    Read(Root),
    Set(u64),
    Clear(u64),
}

use Op::*;

/// A hart with Sv39, seven ASID or VMID bits, and 40-bit addresses of roots.
struct Recorder {
    ops: Vec<Op>,
    root: u64,
    status: u64,
}

impl Recorder {
    fn with(root: u64) -> Self {
        Self { ops: Vec::new(), root, status: MXR }
    }

    fn install(&mut self, words: &Words, extensions: Extensions) -> Result<(), Refusal> {
        // SAFETY: there is no hardware.
        unsafe { install(self, words, ROOT, extensions) }
    }
}

impl Hart for Recorder {
    fn read(&mut self, register: Root) -> u64 {
        self.ops.push(Read(register));
        self.root
    }

    unsafe fn write(&mut self, register: Root, value: u64) {
        self.ops.push(Write(register, value));
        let mode = value & register.mode();
        let holds = 0x7f << register.identifier().trailing_zeros() | ((1 << 28) - 1);
        match (register, mode) {
            (Root::Satp32, _) => self.root = value,
            (_, 0 | SV39) => self.root = mode | value & holds,
            // "If satp is written with an unsupported MODE, the entire write has no effect."
            (Root::Satp, _) => {}
            // In hgatp the mode is WARL like any other field.
            (Root::Hgatp, _) => self.root = value & holds,
        }
    }

    fn fence(&mut self, register: Root) {
        self.ops.push(Fence(register));
    }

    fn status(&mut self) -> u64 {
        self.status
    }

    unsafe fn set_status(&mut self, bits: u64) {
        self.ops.push(Set(bits));
        self.status |= bits;
    }

    unsafe fn clear_status(&mut self, bits: u64) {
        self.ops.push(Clear(bits));
        self.status &= !bits;
    }
}

const WORDS: Words = Words {
    register: Root::Satp,
    value: SV39 | 5 << 44,
    mode: Features::SV39,
    needs: Features::NONE,
    sstatus: SUM,
    sstatus_clear: MXR,
    menvcfg: 0,
};

#[test]
fn the_whole_sequence() {
    for before in [0, OLD, OLD | 5 << 44] {
        let mut hart = Recorder::with(before);
        assert_eq!(hart.install(&WORDS, Extensions::NONE), Ok(()));
        let target = SV39 | 5 << 44 | PPN;
        let expected = [
            Read(Root::Satp),
            Fence(Root::Satp),
            Write(Root::Satp, target),
            Read(Root::Satp),
            Fence(Root::Satp),
            Set(SUM),
            Clear(MXR),
        ];
        assert_eq!(hart.ops, expected);
        assert_eq!(hart.root, target);
        hart.ops.clear();
        assert_eq!(hart.install(&WORDS, Extensions::NONE), Ok(()));
        assert_eq!(hart.ops, [Read(Root::Satp)], "the second call writes nothing");
    }
}

#[test]
fn a_mode_the_hart_lacks_changes_nothing() {
    for before in [0, OLD] {
        let mut hart = Recorder::with(before);
        let words = Words { value: SV48, mode: Features::SV48, ..WORDS };
        assert_eq!(hart.install(&words, Extensions::NONE), Err(Refusal::Feature { feature: Features::SV48 }));
        assert_eq!((hart.root, hart.status), (before, MXR));
        assert_eq!(hart.ops.last(), Some(&Fence(Root::Satp)));
    }
}

#[test]
fn an_identifier_or_root_the_hart_cannot_hold_is_taken_back() {
    let mut hart = Recorder::with(OLD);
    let words = Words { value: SV39 | 0x105 << 44, ..WORDS };
    assert_eq!(hart.install(&words, Extensions::NONE), Err(Refusal::AsidBits { needs: 9, has: 8 }));
    assert_eq!((hart.root, hart.status), (OLD, MXR));
    let ends = [Write(Root::Satp, OLD), Fence(Root::Satp)];
    assert!(hart.ops.ends_with(&ends));
    // SAFETY: there is no hardware.
    let far = unsafe { install(&mut hart, &WORDS, 1 << 41, Extensions::NONE) };
    assert_eq!(far, Err(Refusal::OutputBits { needs: 42, has: 41 }));
    assert_eq!(hart.root, OLD);
}

#[test]
fn guests_take_their_own_register_and_fence() {
    let words = Words { register: Root::Hgatp, mode: Features::SV39X4, sstatus: 0, sstatus_clear: 0, ..WORDS };
    let mut hart = Recorder::with(0);
    let no_h = Err(Refusal::Privilege { needs: "HS-mode (extension H)", found: 1 });
    assert_eq!(hart.install(&words, Extensions::NONE), no_h);
    assert_eq!(hart.ops, []);
    let h = Extensions::NONE.with_hypervisor();
    assert_eq!(hart.install(&words, h), Ok(()));
    let expected = [
        Read(Root::Hgatp),
        Fence(Root::Hgatp),
        Write(Root::Hgatp, SV39 | 5 << 44 | PPN),
        Read(Root::Hgatp),
        Fence(Root::Hgatp),
    ];
    assert_eq!(hart.ops, expected);
    let words = Words { value: SV48, mode: Features::SV48X4, ..words };
    assert_eq!(hart.install(&words, h), Err(Refusal::Feature { feature: Features::SV48X4 }));
    assert_eq!(hart.root, SV39 | 5 << 44 | PPN);
}

#[test]
fn what_nobody_knows_of_is_refused_before_any_write() {
    for feature in [Features::SVPBMT, Features::SVNAPOT, Features::SVADU] {
        let words = Words { needs: feature, ..WORDS };
        let mut hart = Recorder::with(OLD);
        assert_eq!(hart.install(&words, Extensions::NONE), Err(Refusal::Feature { feature }));
        assert_eq!(hart.ops, []);
        assert_eq!(hart.install(&words, Extensions::NONE.with(feature)), Ok(()));
    }
}

#[test]
fn a_32_bit_root() {
    let words = Words { register: Root::Satp32, value: 1 << 31 | 5 << 22, mode: Features::SV32, ..WORDS };
    let mut hart = Recorder::with(0);
    // SAFETY: there is no hardware.
    assert_eq!(unsafe { install(&mut hart, &words, 0x3_8000_0000, Extensions::NONE) }, Ok(()));
    assert_eq!(hart.root, 0x8178_0000 | 0x38_0000 & 0x3f_ffff | 5 << 22);
}
