//! The tables as such: where they are, how many, and the hash of each.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use anyhow::{Result, bail};
use sha2::{Digest as _, Sha256};

use super::{Kind, Report, Subject, boot_root};
use crate::decode::{Limits, Place, Word};
use crate::evidence::{Placement, Table};
use crate::scheme::Scheme;
use crate::walk::{Found, Roots};

/// Physical address of the first table; `None` if it is not in what there is to look at, which was said.
///
/// # Errors
/// The tables in the image are not finished.
pub(super) fn base(subject: &Subject<'_>, report: &mut Report) -> Result<Option<u64>> {
    let tables = &subject.space.tables;
    let root = boot_root(subject)?;
    if let Some(root) = root {
        let below = tables.lower_root.or(tables.upper_root).unwrap_or(0).saturating_mul(subject.scheme.table_bytes());
        let base = root.checked_sub(below);
        if base.is_none() {
            bail!("--root: {root:#x} leaves no room for the tables below it");
        }
        return Ok(base);
    }
    if tables.placement == Placement::BootFilled {
        report.notes.push(format!(
            "{}: its {} tables are filled at boot, so they are not in the image; to check them, give --dump and --root",
            subject.name(),
            tables.count
        ));
        return Ok(None);
    }
    let base = in_image(subject, report);
    if let Some(base) = base {
        refuse_unfinished(subject, base)?;
        let alignment = root_bytes(subject);
        if base % alignment != 0 {
            let text = format!("{}: the tables are not aligned to {alignment:#x} bytes", subject.name());
            report.add(Kind::Tables, subject.place(base), text);
        }
    }
    Ok(base)
}

/// Bytes of the root, all tables of which are side by side, and its alignment.
fn root_bytes(subject: &Subject<'_>) -> u64 {
    subject.scheme.root_tables() * subject.scheme.table_bytes()
}

/// Physical address of the tables in the image, by their symbol, or else where they are declared.
fn in_image(subject: &Subject<'_>, report: &mut Report) -> Option<u64> {
    let tables = &subject.space.tables;
    let declared = tables.start.and_then(|start| start.address());
    let name = tables
        .symbol
        .clone()
        .unwrap_or_else(|| format!("__tablature_{}_{}", subject.document.map.name, subject.space.name));
    let mut add = |text: String| report.add(Kind::Tables, format!("symbol {name}"), text);
    let Some(symbol) = subject.image.symbol(&name) else {
        match declared {
            Some(start) => add(format!("the image has no such symbol; the tables are looked for at {start:#x}")),
            None => add("the image has no such symbol, so its tables cannot be found".to_owned()),
        }
        return declared;
    };
    // An object is whole multiples of its alignment, which is that of the root.
    let padded = tables.bytes.checked_next_multiple_of(root_bytes(subject));
    if symbol.size != tables.bytes && Some(symbol.size) != padded {
        add(format!("the tables have {:#x} bytes in the image, and {:#x} by the document", symbol.size, tables.bytes));
    }
    if let Some(virt) = tables.virt.and_then(|virt| virt.address()).filter(|virt| *virt != symbol.virt) {
        add(format!("the tables are linked at {:#x}, and declared to be at {virt:#x}", symbol.virt));
    }
    let Some(phys) = subject.image.physical(symbol.virt) else {
        add(format!("the tables at {:#x} are in no segment", symbol.virt));
        return declared;
    };
    if let Some(start) = declared.filter(|start| *start != phys) {
        add(format!("the tables are loaded at {phys:#x}, and declared to be at {start:#x}"));
    }
    Some(phys)
}

/// Tables whose entries a loader would still change cannot be judged.
fn refuse_unfinished(subject: &Subject<'_>, base: u64) -> Result<()> {
    let bytes = subject.space.tables.bytes;
    let touched = |virt: u64| subject.image.physical(virt).is_some_and(|phys| phys.wrapping_sub(base) < bytes);
    let mut inside = subject.image.relocations.iter().filter(|relocation| touched(relocation.virt));
    if let Some(first) = inside.next() {
        bail!(
            "{}: the tables are not finished: {} relocations of {} change them when the image is loaded, the first at {:#x}; link with -C relocation-model=static",
            subject.name(),
            1 + inside.count(),
            first.section,
            first.virt
        );
    }
    if subject.image.is_relocatable {
        bail!(
            "{}: the image is position independent, so its tables hold no final addresses; link with -C relocation-model=static",
            subject.name()
        );
    }
    Ok(())
}

/// What the linker wrote into the tables are entries, whole ones that it was meant to write.
fn applied(subject: &Subject<'_>, base: u64, report: &mut Report) {
    let Subject { image, space, scheme, .. } = subject;
    for relocation in &image.applied {
        let Some(phys) = image.physical(relocation.virt) else { continue };
        let offset = phys.wrapping_sub(base);
        if offset >= space.tables.bytes {
            continue;
        }
        let index = offset / scheme.table_bytes();
        let table = space.tables.list.iter().rev().find(|table| table.index <= index);
        let normal = Normal { scheme, level: table.map_or(0, |table| table.level), base, bytes: space.tables.bytes };
        let word = subject.machine.memory.word(phys, scheme.entry_bytes()).map(|word| normal.word(word));
        let is_entry = matches!(word, Some(Word::Table { .. } | Word::Leaf { .. }));
        if offset % scheme.entry_bytes() != 0 || !is_entry {
            let text = format!("{}: {} has a relocation here, where no entry is", subject.name(), relocation.section);
            report.add(Kind::Relocation, subject.place(phys), text);
        }
    }
}

/// Number, places and hashes.
pub(super) fn check(subject: &Subject<'_>, base: u64, roots: Roots, found: &Found, report: &mut Report) {
    let tables = &subject.space.tables;
    let scheme = &subject.scheme;
    let place = subject.place(base);
    let mut add = |text: String| report.add(Kind::Tables, place.clone(), format!("{}: {text}", subject.name()));
    if tables.count.checked_mul(scheme.table_bytes()) != Some(tables.bytes) {
        add(format!(
            "the document says {} tables and {:#x} bytes, which contradict each other",
            tables.count, tables.bytes
        ));
    }
    if let Some(budget) = tables.budget.filter(|budget| tables.count > *budget) {
        add(format!("{} tables, and {budget} are allowed", tables.count));
    }
    let units = |level: usize| if level == scheme.levels - 1 { scheme.root_tables() } else { 1 };
    let reached: u64 = found.tables.iter().map(|(_, level, _)| units(*level)).sum();
    if reached != tables.count {
        add(format!("the roots reach {reached} tables, and the document has {}", tables.count));
    }
    let listed: u64 = tables.list.iter().map(|table| units(table.level)).sum();
    if listed != tables.count {
        add(format!("the document says {} tables, and lists {listed}", tables.count));
    }
    each_reached(subject, base, found, report);
    loops(subject, roots, found, report);
    applied(subject, base, report);
    for table in &tables.list {
        hash(subject, base, table, report);
    }
}

/// Each table that is reached is one of the document, once, and translates what the document says.
fn each_reached(subject: &Subject<'_>, base: u64, found: &Found, report: &mut Report) {
    let unit = subject.scheme.table_bytes();
    let listed: HashMap<u64, &Table> = subject.space.tables.list.iter().map(|table| (table.index, table)).collect();
    let mut seen = HashSet::new();
    for &(virt, level, phys) in &found.tables {
        let mut add = |text: String| {
            let text = format!("{}, {virt:#x}: the table of level {level} {text}", subject.name());
            report.add(Kind::Tables, subject.place(phys), text);
        };
        let index = phys.checked_sub(base).filter(|offset| offset % unit == 0).map(|offset| offset / unit);
        match index.and_then(|index| listed.get(&index)) {
            None => add("is none of the document's".to_owned()),
            Some(table) if (table.level, table.virt.0) != (level, u128::from(virt)) => {
                add(format!("is number {} in the document, of level {} for {}", table.index, table.level, table.virt))
            }
            Some(_) if !seen.insert(phys) => add("is reached a second time".to_owned()),
            Some(_) => {}
        }
    }
}

/// No entry points back, but for the one that is declared to.
fn loops(subject: &Subject<'_>, roots: Roots, found: &Found, report: &mut Report) {
    let scheme = &subject.scheme;
    let slot = subject.space.tables.self_map_slot;
    let declared = slot.and_then(|slot| Some((slot, roots.lower?)));
    let is_declared = |place: u64, phys: u64| {
        declared.is_some_and(|(slot, root)| {
            phys == root && place.wrapping_sub(root) == slot.wrapping_mul(scheme.entry_bytes())
        })
    };
    for &(virt, level, place, phys) in found.loops.iter().filter(|(_, _, place, phys)| !is_declared(*place, *phys)) {
        let text =
            format!("{}, {virt:#x}: the entry of level {level} points back to the table at {phys:#x}", subject.name());
        report.add(Kind::Extra, subject.place(place), text);
    }
    if let Some((slot, root)) = declared
        && !found.loops.iter().any(|(_, _, place, phys)| is_declared(*place, *phys))
    {
        let text = format!("{}: entry {slot} of the root does not point back to it", subject.name());
        report.add(Kind::Missing, subject.place(root), text);
    }
}

/// The document's hash of a table against the bytes of memory.
fn hash(subject: &Subject<'_>, base: u64, table: &Table, report: &mut Report) {
    let scheme = &subject.scheme;
    let unit = scheme.table_bytes();
    if table.level >= scheme.levels {
        report.add(Kind::Document, subject.name(), format!("table {} is of level {}", table.index, table.level));
        return;
    }
    let units = if table.level == scheme.levels - 1 { scheme.root_tables() } else { 1 };
    let phys = table.index.checked_mul(unit).and_then(|offset| base.checked_add(offset));
    let entries = units * unit / scheme.entry_bytes();
    let words = phys.map(|phys| subject.machine.memory.words(phys, entries, scheme.entry_bytes()));
    let (phys, words) = match (phys, words) {
        (Some(phys), Some(Ok(words))) => (phys, words),
        (_, Some(Err(error))) => {
            report.add(Kind::Hash, subject.name(), format!("table {}: {error}", table.index));
            return;
        }
        _ => {
            report.add(Kind::Document, subject.name(), format!("table {} lies behind all memory", table.index));
            return;
        }
    };
    let normal = Normal { scheme, level: table.level, base, bytes: subject.space.tables.bytes };
    let is_same = |cleared| normal.digest(&words, cleared) == table.sha256;
    let on_cpu = subject.machine.is_dump;
    if !is_same(Cleared::Nothing) && !(on_cpu && (is_same(Cleared::Pointers) || is_same(Cleared::Everywhere))) {
        let text = format!(
            "{}: table {} for {} has another hash than in the document",
            subject.name(),
            table.index,
            table.virt
        );
        report.add(Kind::Hash, subject.place(phys), text);
    }
    let present = words.iter().filter(|word| normal.word(**word) != Word::Absent).count() as u64;
    if present != table.entries {
        let text = format!(
            "{}: table {} for {} has {present} entries, and {} in the document",
            subject.name(),
            table.index,
            table.virt,
            table.entries
        );
        report.add(Kind::Hash, subject.place(phys), text);
    }
}

/// Where accessed and dirty bits are taken to be what the CPU set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cleared {
    Nothing,
    Pointers,
    Everywhere,
}

/// Words as a hash has them: pointers to other tables of the space hold distances.
struct Normal<'a> {
    scheme: &'a Scheme,
    level: usize,
    base: u64,
    bytes: u64,
}

impl Normal<'_> {
    fn word(&self, word: u64) -> Word {
        self.scheme.decode(&Place { level: self.level, index: 0, limits: Limits::NONE }, word)
    }

    fn normal(&self, word: u64, cleared: Cleared) -> u64 {
        match self.word(word) {
            Word::Table { phys, .. } => {
                let word = if cleared == Cleared::Nothing { word } else { word & !self.scheme.updated_bits(true) };
                let offset = phys.wrapping_sub(self.base);
                if offset < self.bytes { self.scheme.with_address(word, offset) } else { word }
            }
            Word::Leaf { .. } if cleared == Cleared::Everywhere => word & !self.scheme.updated_bits(false),
            _ => word,
        }
    }

    fn digest(&self, words: &[u64], cleared: Cleared) -> String {
        let mut hasher = Sha256::new();
        for word in words {
            let bytes = self.normal(*word, cleared).to_le_bytes();
            hasher.update(&bytes[..self.scheme.entry_bytes() as usize]);
        }
        hasher.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
