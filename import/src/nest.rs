//! Entries that lie inside others: where the source lets the inner one win, the outer one is what is left.

use std::collections::BTreeMap;

use crate::model::{Entry, Part};
use crate::resources::unique;

/// Cuts the inner entries out of the outer ones, and drops those that change nothing.
///
/// Only an entry that lies wholly inside another, with the same distance between virtual and physical addresses, is
/// resolved; any other overlap is a mistake there, too, and stays.
pub(crate) fn resolve(part: &mut Part, taken: &mut BTreeMap<String, usize>, remarks: &mut Vec<String>) {
    let all = part.entries.clone();
    let mut kept = Vec::new();
    for (index, entry) in all.iter().enumerate() {
        // The smallest one around decides what this one changes.
        let around = all.iter().filter(|outer| is_inside(entry, outer)).min_by_key(|outer| outer.size);
        if let Some(outer) = around.filter(|outer| is_same(entry, outer)) {
            let (name, place) = (&entry.name, &entry.origin.place);
            remarks.push(format!(
                "{place}: `{name}` lies inside `{}` ({}) with the same rights and type: it changes nothing but costs tables",
                outer.name, outer.origin.place
            ));
            continue;
        }
        let inner: Vec<&Entry> = all
            .iter()
            .enumerate()
            .filter(|(at, inner)| *at != index && is_inside(inner, entry))
            .map(|(_, inner)| inner)
            .collect();
        kept.extend(pieces(entry, &inner, taken));
    }
    part.entries = kept;
}

/// Whether `inner` lies in `outer`, is not all of it, and has the same distance between the addresses.
fn is_inside(inner: &Entry, outer: &Entry) -> bool {
    inner.is_range()
        && outer.is_range()
        && inner.size < outer.size
        && outer.virt <= inner.virt
        && inner.virt - outer.virt <= outer.size - inner.size
        && inner.virt.wrapping_sub(inner.phys) == outer.virt.wrapping_sub(outer.phys)
}

fn is_same(one: &Entry, other: &Entry) -> bool {
    one.rights == other.rights && one.user == other.user && one.memory == other.memory && one.page == other.page
}

/// What is left of an entry, each piece with a name.
fn pieces(entry: &Entry, inner: &[&Entry], taken: &mut BTreeMap<String, usize>) -> Vec<Entry> {
    // One that changes nothing takes nothing away.
    let mut holes: Vec<&Entry> = inner.iter().copied().filter(|inner| !is_same(inner, entry)).collect();
    if holes.is_empty() {
        return vec![entry.clone()];
    }
    holes.sort_by_key(|hole| hole.virt);
    let mut list: Vec<Entry> = Vec::new();
    let mut at = 0;
    let ends = holes.iter().map(|hole| (hole.virt - entry.virt, hole.virt - entry.virt + hole.size));
    for (start, end) in ends.chain([(entry.size, entry.size)]) {
        if at < start {
            let name = if list.is_empty() { entry.name.clone() } else { unique(&entry.name, taken) };
            let mut piece =
                Entry { name, virt: entry.virt + at, phys: entry.phys + at, size: start - at, ..entry.clone() };
            let names: Vec<String> = holes.iter().map(|hole| format!("`{}`", hole.name)).collect();
            piece.notes.push(format!("without {}", names.join(", ")));
            list.push(piece);
        }
        at = at.max(end);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::RightsText;

    fn entry(name: &str, start: u64, size: u64, rights: &str) -> Entry {
        let rights = RightsText::One(rights.into());
        Entry { name: name.into(), virt: start, phys: start, size, rights, memory: "normal-wb", ..Entry::default() }
    }

    fn resolved(entries: Vec<Entry>) -> (Vec<(String, u64, u64)>, usize) {
        let mut part = Part { entries, ..Part::default() };
        let mut taken = BTreeMap::new();
        part.entries.iter().for_each(|entry| drop(unique(&entry.name, &mut taken)));
        let mut remarks = Vec::new();
        resolve(&mut part, &mut taken, &mut remarks);
        (part.entries.into_iter().map(|entry| (entry.name, entry.virt, entry.size)).collect(), remarks.len())
    }

    #[test]
    fn the_inner_one_wins() {
        let (left, remarks) = resolved(vec![
            entry("ram", 0x1000, 0x9000, "rw"),
            entry("code", 0x3000, 0x2000, "rx"),
            entry("more", 0x8000, 0x2000, "r"),
            entry("same", 0x1000, 0x1000, "rw"),
            entry("deep", 0x4000, 0x1000, "rx"),
        ]);
        let wanted =
            [("ram", 0x1000, 0x2000), ("ram_2", 0x5000, 0x3000), ("code", 0x3000, 0x2000), ("more", 0x8000, 0x2000)];
        assert_eq!(left, wanted.map(|(name, start, size)| (name.to_owned(), start, size)));
        assert_eq!(remarks, 2);
    }

    #[test]
    fn other_overlaps_stay() {
        let mut moved = entry("moved", 0x2000, 0x1000, "r");
        moved.phys = 0x8000;
        for other in [entry("across", 0x4000, 0x3000, "r"), entry("same", 0x1000, 0x4000, "r"), moved] {
            let (left, _) = resolved(vec![entry("ram", 0x1000, 0x4000, "rw"), other.clone()]);
            assert_eq!(left, [("ram".to_owned(), 0x1000, 0x4000), (other.name, other.virt, other.size)]);
        }
        let mut wrong = entry("wrong", u64::MAX, 0x4000, "r");
        wrong.phys = 0;
        assert_eq!(resolved(vec![wrong, entry("empty", 0, 0, "r")]).0.len(), 2);
    }
}
