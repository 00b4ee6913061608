//! Between declared spaces: what is written once to find out whether a core can go there, and each time it goes.

use tablature::edit::Activate;
use tablature::flush::{Architecture, Hardware, Maintain, Recorder};
use tablature::plan::Slot;
use tablature::space::switch::{assert_family, check_with, switch_with};
use tablature::space::{Declared, Destination, Of, Refusal, Switch};

macro_rules! boards {
    ($($board:ident: $regime:path, $cpu:tt, $kernel:tt, $one:tt, $other:tt;)*) => { $(
        boards!(@ $board, $regime, $cpu, $kernel, $one, $other);
    )* };
    (@ $board:ident, $regime:path, { $($cpu:tt)* }, { $($kernel:tt)* }, { $($one:tt)* }, { $($other:tt)* }) => {
        mod $board {
            tablature::memory_map! {
                pub(crate) mod board for $regime;
                $($cpu)*
                physical { dram : 0x8000_0000, 1 GiB, normal; }
                space one (user) {
                    $($one)*
                    tables at boot;
                    code (rx, user) : 0x1_0000 => dram + 4 MiB, 64 KiB;
                    $($kernel)*
                }
                space other (user) {
                    $($other)*
                    tables at boot;
                    code (rx, user) : 0x1_0000 => dram + 5 MiB, 64 KiB;
                    $($kernel)*
                }
            }
            pub(crate) use board::{one::Space as One, other::Space as Other};
        }
    };
}

boards! {
    sv39: riscv::Sv39, {},
        { text (rx, global) : 0xffff_ffc0_0000_0000 => dram, 2 MiB; },
        { asid 5; }, { asid 6; };
    // The kernel's stack is nobody else's, wherever it is mapped.
    small: riscv::Sv39, { policy { stack_guards; } }, {
        text (rx, global) : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
        stack (rw, stack) : 0xffff_ffd0_0000_1000 => dram + 3 MiB, 4 KiB, guard below;
    }, { asid 5; }, { asid 6; };
    tagged_once: riscv::Sv39, {}, {}, { asid 5; }, {};
    el1_untagged: aarch64::El1<G4K, 39>, {}, {}, {}, {};
    two_halves: aarch64::El1<G4K, 39>, {}, { text (rx, global) : 0xffff_ff80_0000_0000 => dram, 2 MiB; },
        { asid 5; }, { asid 6; };
    moved: riscv::Sv39, {}, {}, { asid 5; text (rx) : 0xffff_ffc0_0000_0000 => dram, 2 MiB; },
        { asid 6; text (rx) : 0xffff_ffc0_0000_0000 => dram + 2 MiB, 2 MiB; };
    weaker: riscv::Sv39, {}, {}, { asid 5; data (rw) : 0xffff_ffc0_0000_0000 => dram, 2 MiB; },
        { asid 6; data (r) : 0xffff_ffc0_0000_0000 => dram, 2 MiB; };
    missing: riscv::Sv39, {}, {}, { asid 5; text (rx) : 0xffff_ffc0_0000_0000 => dram, 2 MiB; }, { asid 6; };
    window: riscv::Sv39, {}, { heap (rw, window) : 0xffff_ffc0_0000_0000, 2 MiB; }, { asid 5; }, { asid 6; };
    untagged: riscv::Sv39, {}, { text (rx, global) : 0xffff_ffc0_0000_0000 => dram, 2 MiB; }, {}, {};
    el1: aarch64::El1<G4K, 39>, {}, {}, { asid 5; }, { asid 6; };
    pcid: x86_64::Level4, { cpu { features = [nx, pcid]; } },
        { text (rx, global) : 0xffff_ffff_8000_0000 => dram, 2 MiB; }, { asid 5; }, { asid 6; };
    level4: x86_64::Level4, { cpu { features = [nx]; } },
        { text (rx, global) : 0xffff_ffff_8000_0000 => dram, 2 MiB; }, {}, {};
}

const ONE: u64 = 0x8100_0000;
const OTHER: u64 = 0x8200_0000;

/// What was executed to find out, the word, and what was executed to go there.
type Trace<A> = (Vec<<A as Architecture>::Op>, u64, Vec<<A as Architecture>::Op>);

/// From a core that runs in `K` to `To`.
fn traced<K, To>(
    registers: &[(<<K::Regime as Maintain>::Architecture as Architecture>::Register, u64)],
) -> Trace<<K::Regime as Maintain>::Architecture>
where
    K: Declared,
    K::Regime: Switch,
    To: Declared<Regime = K::Regime>,
{
    let mut core =
        registers.iter().fold(Recorder::<_, 32>::new(), |core, (register, value)| core.with(*register, *value));
    // SAFETY: a recorder translates nothing.
    let to: Destination<K> = unsafe { check_with::<K, To, _>(&mut core) }.expect("the core holds both");
    assert_eq!(Of::<K>::active(&mut core).expect("on").roots.lower, K::roots().lower, "it came back");
    let found = core.ops().to_vec();
    core.clear();
    // SAFETY: as above.
    unsafe { switch_with::<K, _>(&to, &mut core) };
    assert_eq!(Of::<K>::active(&mut core).expect("on").roots.lower, To::roots().lower);
    (found, to.word(), core.ops().to_vec())
}

macro_rules! fill {
    ($($space:ty: $at:expr),*) => { $({
        let memory = vec![Slot::ABSENT; <$space>::WORDS].leak();
        <$space>::fill(memory, $at).expect("memory of the right size");
    })* };
}

#[test]
fn riscv_writes_satp() {
    use tablature::riscv::operation::{Op, Register};
    fill!(sv39::One: ONE, sv39::Other: OTHER);
    let satp = |id: u64, root: u64| 8 << 60 | id << 44 | root >> 12;
    let (found, word, gone) = traced::<sv39::One, sv39::Other>(&[(Register::Satp, satp(5, ONE))]);
    let (to, back) = (satp(6, OTHER), satp(5, ONE));
    let fence = |id| Op::SfenceVma(None, Some(id));
    assert_eq!(
        found,
        [fence(6), fence(6), Op::Write(Register::Satp, to), fence(5), Op::Write(Register::Satp, back)],
        "both identifiers are fenced before they are used"
    );
    assert_eq!((word, &gone[..]), (to, &[Op::Write(Register::Satp, to)][..]));
}

#[test]
fn riscv_without_identifiers_fences_what_is_not_global() {
    use tablature::riscv::operation::{Op, Register};
    fill!(untagged::One: ONE, untagged::Other: OTHER);
    let satp = |root: u64| 8 << 60 | root >> 12;
    let (_, word, gone) = traced::<untagged::One, untagged::Other>(&[(Register::Satp, satp(ONE))]);
    assert_eq!(word, satp(OTHER));
    assert_eq!(gone, [Op::Write(Register::Satp, satp(OTHER)), Op::SfenceVma(None, Some(0))]);
}

#[test]
fn aarch64_writes_ttbr0_and_synchronizes() {
    use tablature::aarch64::{Barrier, Domain, Instruction, Register, Tlb};
    fill!(el1::One: ONE, el1::Other: OTHER);
    let ttbr = |id: u64, root: u64| id << 48 | root;
    let (found, word, gone) = traced::<el1::One, el1::Other>(&[
        (Register::CurrentEl, 1 << 2),
        (Register::SctlrEl1, 1),
        // The upper half is there, with tables of its own.
        (Register::TcrEl1, 0x5_b519_3519),
        (Register::MairEl1, 0xee0c_08bb_0044_ff04),
        (Register::Ttbr0El1, ttbr(5, ONE)),
        (Register::Ttbr1El1, 0x9000_0000),
    ]);
    let isb = Instruction::Barrier(Barrier::Isb);
    let write = |word| [Instruction::Write(Register::Ttbr0El1, word), isb];
    assert_eq!((word, &gone[..]), (ttbr(6, OTHER), &write(ttbr(6, OTHER))[..]));
    let dropped = Instruction::Invalidate(Tlb::Aside1, Domain::Local, 6 << 48);
    let at = found.iter().position(|op| *op == dropped).expect("what was under the identifier goes");
    assert!(found[at..].windows(2).any(|pair| pair == write(ttbr(6, OTHER))));
    assert!(found.ends_with(&write(ttbr(5, ONE))));
    assert!(!found.iter().any(|op| matches!(op, Instruction::Write(Register::Ttbr1El1 | Register::TcrEl1, _))));
}

#[test]
fn x86_writes_cr3_and_keeps_what_is_tagged() {
    use tablature::x86_64::operation::{Op, Register};
    fill!(pcid::One: ONE, pcid::Other: OTHER);
    let (cr0, cr4, efer, pat) = (1 << 31 | 1 << 16, 1 << 17 | 1 << 7 | 1 << 5, 1 << 11, 0x0007_0501_0007_0406);
    let registers = |cr3, cr4| {
        [(Register::Cr0, cr0), (Register::Cr4, cr4), (Register::Efer, efer), (Register::Pat, pat), (Register::Cr3, cr3)]
    };
    let (found, word, gone) = traced::<pcid::One, pcid::Other>(&registers(ONE | 5, cr4));
    let to = 1 << 63 | OTHER | 6;
    assert_eq!((word, &gone[..]), (to, &[Op::Write(Register::Cr3, to)][..]));
    let (dropped, moved) = found.split_at(found.len() - 2);
    assert_eq!(moved, [Op::Write(Register::Cr3, to), Op::Write(Register::Cr3, 1 << 63 | ONE | 5)]);
    assert!(!dropped.is_empty(), "what was under the identifier goes: {dropped:?}");

    fill!(level4::One: ONE, level4::Other: OTHER);
    let (_, word, gone) = traced::<level4::One, level4::Other>(&registers(ONE, cr4 & !(1 << 17)));
    assert_eq!((word, &gone[..]), (OTHER, &[Op::Write(Register::Cr3, OTHER)][..]));
}

/// A hart that keeps two bits of its identifiers.
struct Small(u64);

impl Hardware<tablature::riscv::RiscV> for Small {
    fn read(&mut self, _: tablature::riscv::operation::Register) -> u64 {
        self.0
    }

    unsafe fn execute(&mut self, op: tablature::riscv::operation::Op) {
        if let tablature::riscv::operation::Op::Write(_, value) = op {
            self.0 = value & !(0xfffc << 44);
        }
    }
}

#[test]
fn identifiers_that_a_hart_would_mix_up_are_refused() {
    fill!(small::One: ONE, small::Other: OTHER);
    let mut hart = Small(8 << 60 | 1 << 44 | ONE >> 12);
    // SAFETY: there is no hardware.
    let refused = unsafe { check_with::<small::One, small::Other, _>(&mut hart) };
    assert_eq!(refused.map(Destination::word), Err(Refusal::AsidBits { needs: 3, has: 2 }.into()));
    assert_eq!(hart.0, 8 << 60 | 1 << 44 | ONE >> 12);
}

/// Why `Switcher::check` does not compile for two spaces.
fn refused<K, To>() -> String
where
    K: Declared,
    K::Regime: Switch,
    To: Declared<Regime = K::Regime>,
{
    let reason = std::panic::catch_unwind(assert_family::<K, To>).expect_err("no family");
    reason.downcast_ref::<&str>().map(ToString::to_string).expect("a text")
}

#[test]
fn spaces_with_other_kernels_or_identifiers_are_no_family() {
    assert_family::<small::Other, small::One>();
    assert!(refused::<tagged_once::One, tagged_once::Other>().contains("or neither"));
    assert!(refused::<el1_untagged::One, el1_untagged::Other>().contains("only with an `asid` each"));
    assert!(refused::<two_halves::One, two_halves::Other>().contains("the lower half alone"));
    assert!(refused::<moved::One, moved::Other>().contains("of the first space is not the same"));
    assert!(refused::<weaker::One, weaker::Other>().contains("of the first space is not the same"));
    assert!(refused::<missing::One, missing::Other>().contains("of the first space is not the same"));
    assert!(refused::<missing::Other, missing::One>().contains("of the other space is not the same"));
    assert!(refused::<window::One, window::Other>().contains("of the first space is not the same"));
}
