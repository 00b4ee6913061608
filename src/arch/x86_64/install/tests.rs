//! The whole sequence on a recorder that obeys the processor's rules.

use std::vec::Vec;

use super::*;

const PGE: u64 = 1 << 7;
const PCIDE: u64 = 1 << 17;
const SMEP: u64 = 1 << 20;
const SMAP: u64 = 1 << 21;
const PAE: u64 = 1 << 5;
const WP: u64 = 1 << 16;
const CD: u64 = 1 << 30;
const CR0: u64 = 0x8000_0031;
const LONG_MODE: u64 = 1 << 10 | 1 << 8;
const NXE: u64 = 1 << 11;
const POWER_ON_PAT: u64 = 0x0007_0406_0007_0406;
const OUR_PAT: u64 = 0x0007_0501_0007_0406;
const OLD_ROOT: u64 = 0x1000;
const ROOT: u64 = 0x0020_0000;

/// What the recorder saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Write(Register, u64),
    WriteBack,
    DisableInterrupts,
    EnableInterrupts,
}

use Op::*;
use Register::*;

/// A processor that records and, where a real one would fault, panics.
struct Recorder {
    ops: Vec<Op>,
    cr: [u64; 5],
    ring: u8,
    interrupts: bool,
    physical_bits: u32,
    lacks: Features,
}

impl Recorder {
    fn after_firmware() -> Self {
        Self {
            ops: Vec::new(),
            cr: [CR0, OLD_ROOT, PAE | PGE, LONG_MODE, POWER_ON_PAT],
            ring: 0,
            interrupts: true,
            physical_bits: 40,
            lacks: Features::NONE,
        }
    }

    fn with(mut self, register: Register, value: u64) -> Self {
        self.cr[register as usize] = value;
        self
    }

    fn install(&mut self, words: &Words) -> Result<(), Refusal> {
        // SAFETY: there is no hardware.
        unsafe { install(self, words, ROOT) }
    }

    fn bit(&self, feature: Features, bit: u32) -> u32 {
        u32::from(!self.lacks.contains(feature)) << bit
    }

    /// The rules of SDM "MOV - Move to/from Control Registers" and "WRMSR" that the sequence could break.
    fn would_fault(&self, register: Register, value: u64) -> bool {
        match register {
            Cr4 => {
                let opens_pcid = value & !self.cr[Cr4 as usize] & PCIDE != 0;
                opens_pcid && self.cr[Cr3 as usize] & 0xfff != 0 || (value ^ self.cr[Cr4 as usize]) & 1 << 12 != 0
            }
            Cr0 => value & 1 << 29 != 0 && value & CD == 0,
            Cr3 => value & 0xfff != 0 && self.cr[Cr4 as usize] & PCIDE == 0,
            Pat => value.to_le_bytes().iter().any(|t| matches!(t, 2 | 3 | 8..)),
            Efer => value & LONG_MODE != LONG_MODE,
        }
    }
}

impl Cpu for Recorder {
    fn cpuid(&mut self, leaf: u32, subleaf: u32) -> Cpuid {
        assert_eq!(subleaf, 0);
        match leaf {
            0 => Cpuid { eax: 7, ..Cpuid::default() },
            1 => Cpuid {
                ecx: self.bit(Features::PCID, 17),
                edx: self.bit(Features::PGE, 13) | self.bit(Features::PAT, 16),
                ..Cpuid::default()
            },
            7 => Cpuid {
                ebx: self.bit(Features::SMEP, 7) | self.bit(Features::INVPCID, 10),
                ecx: self.bit(Features::LA57, 16) | self.bit(Features::CET_SS, 7),
                ..Cpuid::default()
            },
            0x8000_0000 => Cpuid { eax: 0x8000_0008, ..Cpuid::default() },
            0x8000_0001 => {
                Cpuid { edx: self.bit(Features::NX, 20) | self.bit(Features::PDPE1GB, 26), ..Cpuid::default() }
            }
            0x8000_0008 => {
                Cpuid { eax: 0x3000 | self.physical_bits, ebx: self.bit(Features::INVLPGB, 3), ..Cpuid::default() }
            }
            _ => panic!("leaf {leaf:#x}"),
        }
    }

    fn privilege(&mut self) -> u8 {
        self.ring
    }

    fn read(&mut self, register: Register) -> u64 {
        assert_eq!(self.ring, 0, "#GP");
        self.cr[register as usize]
    }

    unsafe fn write(&mut self, register: Register, value: u64) {
        assert!(!self.would_fault(register, value), "#GP: {register:?} = {value:#x}");
        self.ops.push(Write(register, value));
        self.cr[register as usize] = value;
    }

    unsafe fn write_back_caches(&mut self) {
        self.ops.push(WriteBack);
    }

    unsafe fn disable_interrupts(&mut self) -> bool {
        self.ops.push(DisableInterrupts);
        core::mem::replace(&mut self.interrupts, false)
    }

    unsafe fn enable_interrupts(&mut self) {
        self.ops.push(EnableInterrupts);
        self.interrupts = true;
    }
}

const PLAIN: Words = Words {
    linear_bits: 48,
    output_bits: 32,
    needs: Features::NX.union(Features::PAT),
    cr0: WP,
    cr3: 0,
    cr4: 0,
    cr4_clear: 0,
    efer: NXE,
    pat: OUR_PAT,
};

#[test]
fn a_change_of_pat_takes_the_whole_procedure() {
    let mut cpu = Recorder::after_firmware();
    assert_eq!(cpu.install(&PLAIN), Ok(()));
    let expected = [
        Write(Efer, LONG_MODE | NXE),
        DisableInterrupts,
        Write(Cr0, CR0 | CD),
        WriteBack,
        Write(Cr4, PAE),
        Write(Pat, OUR_PAT),
        Write(Cr3, ROOT),
        Write(Cr4, PAE | PGE),
        WriteBack,
        Write(Cr0, CR0 | WP),
        EnableInterrupts,
    ];
    assert_eq!(cpu.ops, expected);
}

#[test]
fn without_global_pages_the_procedure_reloads_cr3_before_pat() {
    let mut cpu = Recorder::after_firmware().with(Cr4, PAE);
    cpu.interrupts = false;
    assert_eq!(cpu.install(&PLAIN), Ok(()));
    let expected = [
        Write(Efer, LONG_MODE | NXE),
        DisableInterrupts,
        Write(Cr0, CR0 | CD),
        WriteBack,
        Write(Cr3, OLD_ROOT),
        Write(Pat, OUR_PAT),
        Write(Cr3, ROOT),
        WriteBack,
        Write(Cr0, CR0 | WP),
    ];
    assert_eq!(cpu.ops, expected);
    assert!(!cpu.interrupts);
}

#[test]
fn registers_that_fit_are_left_alone() {
    let mut cpu = Recorder::after_firmware().with(Pat, OUR_PAT).with(Cr4, PAE).with(Efer, LONG_MODE | NXE);
    assert_eq!(cpu.install(&PLAIN), Ok(()));
    assert_eq!(cpu.ops, [Write(Cr3, ROOT), Write(Cr0, CR0 | WP)]);
}

#[test]
fn pcid_is_enabled_with_low_bits_of_cr3_clear() {
    let words = Words { cr3: 5, cr4: PCIDE | PGE | SMEP, cr4_clear: SMAP, ..PLAIN };
    let mut cpu = Recorder::after_firmware()
        .with(Pat, OUR_PAT)
        .with(Efer, LONG_MODE | NXE)
        .with(Cr0, CR0 | WP)
        .with(Cr4, PAE | PGE | SMAP);
    assert_eq!(cpu.install(&words), Ok(()));
    let expected = [Write(Cr4, PAE), Write(Cr3, ROOT), Write(Cr4, PAE | PGE | PCIDE | SMEP), Write(Cr3, ROOT | 5)];
    assert_eq!(cpu.ops, expected);
}

#[test]
fn where_pcid_is_on_one_write_of_cr3_does() {
    let words = Words { cr3: 5, cr4: PCIDE, ..PLAIN };
    let mut cpu = Recorder::after_firmware()
        .with(Pat, OUR_PAT)
        .with(Efer, LONG_MODE | NXE)
        .with(Cr0, CR0 | WP)
        .with(Cr4, PAE | PCIDE)
        .with(Cr3, ROOT | 4);
    assert_eq!(cpu.install(&words), Ok(()));
    assert_eq!(cpu.ops, [Write(Cr3, ROOT | 5)]);
}

#[test]
fn new_memory_types_leave_no_translation_of_any_pcid() {
    let words = Words { cr3: 5, cr4: PCIDE, ..PLAIN };
    let mut cpu = Recorder::after_firmware()
        .with(Efer, LONG_MODE | NXE)
        .with(Cr0, CR0 | WP)
        .with(Cr4, PAE | PCIDE)
        .with(Cr3, OLD_ROOT | 4);
    assert_eq!(cpu.install(&words), Ok(()));
    let flush = [Write(Cr4, PAE | PCIDE | PGE), Write(Cr4, PAE | PCIDE), Write(Pat, OUR_PAT), Write(Cr3, ROOT | 5)];
    assert!(cpu.ops.windows(4).any(|ops| ops == flush), "{:x?}", cpu.ops);
}

#[test]
fn a_second_call_writes_nothing() {
    for words in [PLAIN, Words { cr3: 5, cr4: PCIDE | PGE | SMEP, cr4_clear: SMAP, ..PLAIN }] {
        let mut cpu = Recorder::after_firmware();
        assert_eq!(cpu.install(&words), Ok(()));
        cpu.ops.clear();
        assert_eq!(cpu.install(&words), Ok(()));
        assert_eq!(cpu.ops, []);
    }
}

#[test]
fn what_the_processor_lacks_is_refused_before_any_write() {
    let all = [
        Features::NX,
        Features::PDPE1GB,
        Features::LA57,
        Features::PCID,
        Features::CET_SS,
        Features::SMEP,
        Features::PGE,
        Features::PAT,
        Features::INVPCID,
        Features::INVLPGB,
    ];
    for feature in all {
        let words = Words { needs: feature, ..PLAIN };
        let mut cpu = Recorder::after_firmware();
        cpu.lacks = feature;
        assert_eq!(cpu.install(&words), Err(Refusal::Feature { feature }));
        assert_eq!(cpu.ops, []);
        cpu.lacks = Features::NONE;
        assert_eq!(cpu.install(&words), Ok(()));
    }
}

#[test]
fn other_refusals_write_nothing_either() {
    let mut cpu = Recorder::after_firmware();
    cpu.physical_bits = 36;
    let wide = Words { output_bits: 37, ..PLAIN };
    assert_eq!(cpu.install(&wide), Err(Refusal::OutputBits { needs: 37, has: 36 }));
    cpu.physical_bits = 20;
    assert_eq!(cpu.install(&Words { output_bits: 20, ..PLAIN }), Err(Refusal::OutputBits { needs: 22, has: 20 }));
    cpu.physical_bits = 40;
    let five = Words { linear_bits: 57, ..PLAIN };
    assert_eq!(cpu.install(&five), Err(Refusal::InputBits { needs: 57, has: 48 }));
    cpu.cr[Cr4 as usize] |= 1 << 12;
    assert_eq!(cpu.install(&PLAIN), Err(Refusal::InputBits { needs: 48, has: 57 }));
    cpu.ring = 3;
    assert_eq!(cpu.install(&PLAIN), Err(Refusal::Privilege { needs: "ring 0", found: 3 }));
    assert_eq!(cpu.ops, []);
}

#[test]
fn tables_that_no_declaration_knows() {
    use crate::flush::Id;
    use crate::regime::With;
    use crate::x86_64::Level4;

    type Tagged = With<Level4, { Features::PGE.union(Features::PCID).bits() }>;
    let mut cpu = Recorder::after_firmware();
    assert_eq!(cpu.install(&Words::of::<Tagged>(Id::One(3))), Ok(()));
    assert_eq!(cpu.cr, [CR0 | WP, ROOT | 3, PAE | PGE | PCIDE, LONG_MODE | NXE, OUR_PAT]);
    cpu.ops.clear();
    assert_eq!(cpu.install(&Words::of::<Tagged>(Id::One(3))), Ok(()));
    assert_eq!(cpu.ops, [], "the second call writes nothing");
}
