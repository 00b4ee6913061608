//! Two walks: where they map differently.

use crate::memory::PhysicalMemory;
use crate::number::Size;
use crate::source::Tables;
use crate::walk::{Found, Run, Walk, sweep};

/// What differs between what two roots reach, one line for each range.
#[must_use]
pub fn tables(a: (&PhysicalMemory, &Tables), b: (&PhysicalMemory, &Tables)) -> Vec<String> {
    let walk = |(memory, tables): (&PhysicalMemory, &Tables)| Found::by(Walk::new(memory, tables.scheme, tables.roots));
    let (a, b) = (walk(a), walk(b));
    let mut ranges: Vec<(u128, u128, String)> = Vec::new();
    let pieces =
        |found: &Found| found.runs.iter().map(|run| (u128::from(run.first.virt), run.end())).collect::<Vec<_>>();
    sweep(&pieces(&a), &pieces(&b), |start, end, one, other| {
        let text = differing(one.map(|index| &a.runs[index]), other.map(|index| &b.runs[index]), start);
        match ranges.last_mut() {
            _ if text.is_empty() => {}
            Some((_, before, same)) if *before == start && *same == text => *before = end,
            _ => ranges.push((start, end, text)),
        }
    });
    let line =
        |(start, end, text): (u128, u128, String)| format!("{start:#x}, {}: {text}", Size(end - start).roughly());
    let mut lines: Vec<String> = ranges.into_iter().map(line).collect();
    if a.tables.len() != b.tables.len() {
        lines.push(format!("tables: {} → {}", a.tables.len(), b.tables.len()));
    }
    for (name, found) in [("first", &a), ("second", &b)] {
        let text = |fault: &crate::walk::Fault| format!("{:#x}, only in the {name}: {}", fault.virt, fault.why);
        let other = if name == "first" { &b } else { &a };
        lines.extend(found.faults.iter().filter(|fault| !other.faults.contains(fault)).map(text));
    }
    lines
}

/// What differs at an address; empty if nothing does.
fn differing(a: Option<&Run>, b: Option<&Run>, at: u128) -> String {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (Some(run), None) => return format!("{} → nothing", grants(run)),
        (None, Some(run)) => return format!("nothing → {}", grants(run)),
        (None, None) => return String::new(),
    };
    // Distances, which are the same all over a range.
    let distance = |run: &Run| run.first.phys.wrapping_sub(run.first.virt);
    let mut parts = Vec::new();
    if distance(a) != distance(b) {
        let phys = |run: &Run| distance(run).wrapping_add(at as u64);
        parts.push(format!("maps {:#x} → {:#x}", phys(a), phys(b)));
    }
    let (one, other) = (&a.first.attributes, &b.first.attributes);
    if (one.privileged, one.user) != (other.privileged, other.user) {
        parts.push(format!("{}/{} → {}/{}", one.privileged, one.user, other.privileged, other.user));
    }
    if one.memory != other.memory {
        parts.push(format!("{} → {}", one.memory, other.memory));
    }
    if (a.size, one.run) != (b.size, other.run) {
        let leaf = |run: &Run| Size(run.size.max(run.first.attributes.run).into());
        parts.push(format!("leaves of {} → {}", leaf(a), leaf(b)));
    }
    if one.global != other.global {
        parts.push(format!("global {} → {}", one.global, other.global));
    }
    if one.accessed != other.accessed {
        parts.push(format!("accessible without a fault {} → {}", one.accessed, other.accessed));
    }
    parts.join(", ")
}

fn grants(run: &Run) -> String {
    let attributes = &run.first.attributes;
    format!("{}/{} {}", attributes.privileged, attributes.user, attributes.memory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::{Family, Scheme};
    use crate::walk::Roots;

    /// A root for Sv32, which has large leaves of 4 MiB.
    fn diff(a: &[(usize, u32)], b: &[(usize, u32)]) -> Vec<String> {
        let memory = |words: &[(usize, u32)]| {
            let mut bytes = vec![0; 0x2000];
            for (index, word) in words {
                bytes[index * 4..][..4].copy_from_slice(&word.to_le_bytes());
            }
            let mut memory = PhysicalMemory::default();
            memory.add_dump(0, bytes).expect("fits");
            memory
        };
        let scheme = Scheme::new(Family::Sv32, 12, None).expect("exists");
        let of = Tables { name: None, scheme, roots: Roots { lower: Some(0), upper: None } };
        tables((&memory(a), &of), (&memory(b), &of))
    }

    #[test]
    fn each_difference_is_one_line() {
        let leaf = |number: u32, bits: u32| number << 20 | bits;
        let a = [(1, leaf(1, 0xcf)), (2, leaf(2, 0xc7)), (3, leaf(3, 0xc7)), (5, leaf(5, 0xc7))];
        let b = [(1, leaf(1, 0xcf)), (2, leaf(2, 0xc3)), (3, leaf(3, 0xc3)), (5, leaf(6, 0xc7)), (7, leaf(0, 0xe7))];
        assert_eq!(
            diff(&a, &b),
            [
                "0x800000, 8 MiB: rw/- → r/-",
                "0x1400000, 4 MiB: maps 0x1400000 → 0x1800000",
                "0x1c00000, 4 MiB: nothing → rw/- inherent",
            ]
        );
        assert!(diff(&a, &a).is_empty());
        assert_eq!(diff(&a, &[]).len(), 3);
    }
}
