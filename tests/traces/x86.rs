//! x86 in 32-bit mode: `invlpg`, CR3 and CR4, and the registers that hold the root of PAE paging.

use tablature::flush::{Change, Id, Maintain};
use tablature::regime::With;
use tablature::x86::{Legacy32, Pae};
use tablature::x86_64::X86;

use crate::common::{cases, trace};
use crate::x86_64::{Processor, Registers, is_stale, registers};

const STATES: [Registers; 2] = [registers(0, 0), registers(0, 1 << 7)];

/// Where the processor has the entries of the root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    InMemory,
    InRegisters,
}

fn check<R: Maintain<Architecture = X86>>(large: u32, root: Root) {
    for (case, state) in cases(large).flat_map(|case| STATES.map(|state| (case, state))) {
        let scope = case.scope::<R>();
        let ops = trace::<R>(&scope, case.every_core, &state);
        let (leaf, pointers) = is_stale(case.change);
        let [(_, cr3), (_, cr4)] = state;
        let mut processor = Processor::new(cr3, cr4, case.stale(leaf, pointers, false));
        assert_eq!(processor.run(&ops), [], "{case:?} at {state:x?}: {ops:x?}");
        let pointer = pointers || matches!(case.change, Change::Link);
        let loads = pointer && root == Root::InRegisters;
        assert!(!loads || processor.loads > 0, "{case:?}: the root is not loaded");
        assert_eq!(!ops.is_empty(), leaf || loads, "{case:?}");
        if case.is_small() && !pointer && case.id != Id::Every {
            let mut processor = Processor::new(cr3, cr4, case.bystanders()[..2].to_vec());
            assert_eq!(processor.run(&ops).len(), 2, "{case:?}: {ops:x?}");
        }
    }
    assert!(!R::BROADCASTS);
}

#[test]
fn no_stale_translation_is_left_and_no_other_is_lost() {
    check::<Legacy32>(22, Root::InMemory);
    check::<Pae>(21, Root::InRegisters);
}

#[test]
fn a_pointer_in_the_root_of_pae_is_loaded_whatever_the_features() {
    use tablature::attr::Features;
    check::<With<Pae, { Features::INVPCID.bits() }>>(21, Root::InRegisters);
    check::<With<Legacy32, { Features::INVPCID.bits() }>>(22, Root::InMemory);
}
