//! The tables of a board against the board: counts, and what an access to each run and its neighbours does.

use tablature_import::resources::Run;

use super::data::Board;
use super::declare::Declared;
use super::emit::Dump;
use super::walk::{
    Aarch64, Ept, Leaf, Lpae, Machine, May, Memory, MemoryType, Riscv, Stage, X86_64, census, translate,
};

/// The MMU that a board's tables are for.
///
/// # Errors
/// A regime the walker does not know.
pub(crate) fn machine(board: &Board, dump: &Dump) -> Result<Box<dyn Machine>, String> {
    let [lower, upper] = dump.roots;
    let stage = match (board.arch.as_str(), board.regime.as_str()) {
        ("aarch64", "el1" | "el0" | "el2&0" | "el2-vhe") => Stage::WithUser,
        ("aarch64", "el2") if board.has_user() => Stage::WithUser,
        ("aarch64", "el2" | "el3") => Stage::Single,
        ("aarch64", "el2-stage2") => Stage::Second,
        ("riscv64" | "riscv32", regime) => {
            let x4 = matches!(regime, "g-stage" | "hs-stage2");
            let mode = if x4 { board.va_bits - 2 } else { board.va_bits };
            return Ok(Box::new(Riscv { mode, x4, root: lower.or(upper) }));
        }
        ("x86_64", "ept") => return Ok(Box::new(Ept { root: lower })),
        ("armv7", "hyp-stage2") => return Ok(Box::new(Lpae { bits: board.va_bits, root: lower })),
        ("x86_64", _) => {
            let levels = if board.va_bits == 57 { 5 } else { 4 };
            return Ok(Box::new(X86_64 { levels, pat: dump.register, root: lower.or(upper) }));
        }
        (arch, regime) => return Err(format!("{arch} {regime}")),
    };
    let granule = match board.granule.as_str() {
        "4K" => 12,
        "16K" => 14,
        "64K" => 16,
        other => return Err(format!("granule {other}")),
    };
    let wide = board.pa_bits > 48 || (board.va_bits > 48 && granule != 16);
    Ok(Box::new(Aarch64 { stage, granule, bits: board.va_bits, wide, mair: dump.register, ttbr: [lower, upper] }))
}

/// Everything in which the tables are not what the board says.
pub(crate) fn mismatches(board: &Board, declared: &Declared, dump: &Dump) -> Vec<String> {
    let machine = match machine(board, dump) {
        Ok(machine) => machine,
        Err(what) => return vec![format!("no walker for {what}")],
    };
    let memory = Memory { start: dump.physical, bytes: dump.bytes.clone() };
    let mut list = Vec::new();
    if dump.physical != declared.tables_at {
        list.push(format!("the tables lie at {:#x}, declared at {:#x}", dump.physical, declared.tables_at));
    }
    counts(board, declared, &*machine, &memory, &mut list);
    for run in &declared.runs {
        let page = machine.page();
        let last = run.virt.wrapping_add(run.size - page);
        for virt in [Some(run.virt), Some(last), run.virt.checked_sub(page), run.virt.checked_add(run.size)] {
            let Some(virt) = virt else { continue };
            for virt in [virt, virt + page - 1] {
                if let Some(problem) = page_problem(&declared.runs, &*machine, &memory, virt) {
                    list.push(problem);
                }
            }
        }
    }
    list.dedup();
    list
}

fn counts(board: &Board, declared: &Declared, machine: &dyn Machine, memory: &Memory, list: &mut Vec<String>) {
    let found = match census(machine, memory) {
        Ok(found) => found,
        Err(problem) => return list.push(problem),
    };
    if found.tables != declared.tables {
        list.push(format!("{} tables can be reached, {} are planned", found.tables, declared.tables));
    }
    if let Some(wanted) = board.min_tables.filter(|wanted| *wanted != found.tables) {
        list.push(format!("{} tables, {wanted} suffice", found.tables));
    }
    if let Some(wanted) = board.min_leaves.as_ref().filter(|wanted| **wanted != found.leaves) {
        list.push(format!("leaves {:x?}, the least is {wanted:x?}", found.leaves));
    }
}

/// What is wrong with the translation of `virt`, if anything.
fn page_problem(runs: &[Run], machine: &dyn Machine, memory: &Memory, virt: u64) -> Option<String> {
    let found = match translate(machine, memory, virt) {
        Ok(found) => found,
        Err(problem) => return Some(problem),
    };
    let run = runs.iter().find(|run| virt.wrapping_sub(run.virt) < run.size);
    match (run, found) {
        (None, None) => None,
        (None, Some((_, phys))) => Some(format!("{virt:#x} is mapped to {phys:#x}, and belongs to no run")),
        (Some(_), None) => Some(format!("{virt:#x} is not mapped")),
        (Some(run), Some((leaf, phys))) => leaf_problem(run, virt, &leaf, phys),
    }
}

fn leaf_problem(run: &Run, virt: u64, leaf: &Leaf, phys: u64) -> Option<String> {
    let wanted = run.phys + (virt - run.virt);
    if phys != wanted {
        return Some(format!("{virt:#x} is mapped to {phys:#x}, and belongs at {wanted:#x}"));
    }
    let (privileged, user) = rights(&run.rights);
    if (leaf.privileged, leaf.user) != (privileged, user) {
        return Some(format!("{virt:#x} grants {:?} and {:?}, declared {}", leaf.privileged, leaf.user, run.rights));
    }
    if !is_type(leaf.memory, &run.memory) {
        return Some(format!("{virt:#x} has the type {:?}, declared {}", leaf.memory, run.memory));
    }
    None
}

/// Rights of both privileges: with `u` the user has them, and the privileged level the data part.
fn rights(text: &str) -> (May, May) {
    let all = May { read: text.contains('r'), write: text.contains('w'), execute: text.contains('x') };
    if text.contains('u') { (May { execute: false, ..all }, all) } else { (all, May::default()) }
}

/// Whether an entry's type is the one the tables name. What the entry leaves to the bus is the bus's type; x86 has no
/// `uc-minus` in the notation, and its strong form serves.
fn is_type(found: MemoryType, wanted: &str) -> bool {
    match found {
        MemoryType::Bus => true,
        MemoryType::Type(found) => found == wanted || (found == "uc" && wanted == "uc-minus"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(privileged: May, memory: MemoryType) -> Leaf {
        Leaf { phys: 0x1000, size: 0x1000, privileged, user: May::default(), memory }
    }

    #[test]
    fn each_difference_is_a_problem() {
        let run = Run { virt: 0x1000, phys: 0x5000, size: 0x1000, rights: "rw".into(), memory: "wc".into() };
        let rw = May { read: true, write: true, execute: false };
        let wc = MemoryType::Type("wc");
        assert_eq!(leaf_problem(&run, 0x1004, &leaf(rw, wc), 0x5004), None);
        assert!(leaf_problem(&run, 0x1004, &leaf(rw, wc), 0x5005).is_some());
        assert!(leaf_problem(&run, 0x1004, &leaf(May { execute: true, ..rw }, wc), 0x5004).is_some());
        assert!(leaf_problem(&run, 0x1004, &leaf(rw, MemoryType::Type("uc")), 0x5004).is_some());
        assert_eq!(leaf_problem(&run, 0x1004, &leaf(rw, MemoryType::Bus), 0x5004), None);
    }

    #[test]
    fn user_rights_leave_the_kernel_the_data_part() {
        let (privileged, user) = rights("rxu");
        assert!(user.execute && !privileged.execute && privileged.read);
        assert_eq!(rights("rx").1, May::default());
    }
}
