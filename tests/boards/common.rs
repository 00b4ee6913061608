//! A declared space against the tables of facts.

use tablature::attr::{Access, MemoryType, Rights};
use tablature::space::Declared;
use tablature::walk::{Fault, Translation, walk};

const MAPS: &str = include_str!("../data/boards/maps.tsv");
const EFFECTIVE: &str = include_str!("../data/boards/effective.tsv");

/// The lines about `board`, each as the cells of the columns asked for.
fn rows<const N: usize>(table: &'static str, board: &str, columns: [&str; N]) -> Vec<[&'static str; N]> {
    let mut lines = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let heads = lines.next().expect("column heads");
    let at = columns.map(|column| heads.iter().position(|head| *head == column).expect(column));
    lines.filter(|cells| cells[0] == board).map(|cells| at.map(|column| cells[column])).collect()
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect(text)
}

fn access(text: &str) -> Access {
    let right = |letter: char, right: Rights| if text.contains(letter) { right } else { Rights::NONE };
    let rights = right('r', Rights::R).union(right('w', Rights::W)).union(right('x', Rights::X));
    if text.contains('u') { Access::user(rights) } else { Access::kernel(rights) }
}

/// Whether an entry's type is what the facts say; what the entry leaves to the bus is the bus's type.
fn is_type(found: MemoryType, wanted: &str) -> bool {
    match wanted {
        _ if found == MemoryType::Inherent => true,
        "normal-wb" => found == MemoryType::NormalWb,
        "normal-nc" | "wc" => found == MemoryType::NormalNc,
        "device-nGnRE" => found == MemoryType::DeviceNgnre,
        "device-nGnRnE" => found == MemoryType::DeviceNgnrne,
        "uc" => found.is_device(),
        _ => false,
    }
}

fn translate<S: Declared>(virt: u64) -> Result<Translation, Fault> {
    let (memory, roots) = (S::memory(), S::roots());
    walk(&S::FORMAT, roots.lower, roots.upper, virt, |address| {
        let at = usize::try_from(address.checked_sub(memory.physical)?).ok().filter(|at| at + 8 <= memory.bytes)?;
        // SAFETY: the tables are a static of `bytes` bytes, `at` is a multiple of eight inside it, and nobody writes it.
        let word = unsafe { memory.start.byte_add(at) };
        // SAFETY: as above.
        Some(unsafe { word.read() })
    })
}

/// Compares the number of tables, and the first and last page of every run with the pages before and behind it.
///
/// # Panics
/// On the first difference.
pub(crate) fn compare<S: Declared>(board: &str) {
    let [[tables]] = rows(MAPS, board, ["min_tables"])[..] else { panic!("{board} is not in maps.tsv") };
    assert_eq!(S::SHAPE.tables(), tables.parse::<usize>().expect("a count"), "{board}: tables");
    let runs = rows(EFFECTIVE, board, ["virt", "phys", "size", "rights", "memory"]);
    assert!(!runs.is_empty(), "{board} is not in effective.tsv");
    let page = S::FORMAT.page_size();
    for [virt, phys, size, rights, memory] in &runs {
        let (virt, phys, size) = (number(virt), number(phys), number(size));
        for offset in [0, size - page, size - 1] {
            let found = translate::<S>(virt + offset).unwrap_or_else(|fault| panic!("{board} {virt:#x}: {fault:?}"));
            assert_eq!(found.address, phys + offset, "{board} {virt:#x}: address");
            assert_eq!(found.leaf.access, access(rights), "{board} {virt:#x}: rights");
            assert!(is_type(found.leaf.memory, memory), "{board} {virt:#x}: {:?}", found.leaf.memory);
        }
        for neighbour in [virt.checked_sub(1), virt.checked_add(size)].into_iter().flatten() {
            let covered = runs.iter().any(|run| neighbour.wrapping_sub(number(run[0])) < number(run[2]));
            assert_eq!(translate::<S>(neighbour).is_ok(), covered, "{board} {neighbour:#x}: beside a run");
        }
    }
}
