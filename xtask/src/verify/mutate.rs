//! Every class of change to the emitted tables of an image, and to what is around them: the checker finds each one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use cargo_tablature::check::{self, Kind, Machine, Report};
use cargo_tablature::decode::{Limits, Place, Word};
use cargo_tablature::elf::Image;
use cargo_tablature::evidence::{Document, Placement, Space};
use cargo_tablature::memory::PhysicalMemory;
use cargo_tablature::scheme::Scheme;

use super::bits::{self, Class};

/// Changes of each class, and how many of them were found by what they mean.
type Tally = BTreeMap<&'static str, (u64, u64)>;

/// Changes the image of a machine in every way, and checks each.
///
/// # Errors
/// A change is not found, or a class of changes has none.
pub(crate) fn run(image: &Path, document: &Path) -> Result<()> {
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let mut mutation = Mutation::new(bytes, Document::read(document)?)?;
    mutation.headers()?;
    mutation.all_tables()?;
    let mut all = 0;
    for (class, (changes, meant)) in &mutation.tally {
        println!("{class}: {changes} changes, all found, {meant} by what they mean");
        all += changes;
    }
    println!("{all} changes, each found");
    Ok(())
}

/// An image that is changed again and again.
pub(super) struct Mutation {
    bytes: Vec<u8>,
    /// As it was.
    image: Image,
    /// What it loads.
    memory: PhysicalMemory,
    document: Document,
    /// What was changed, and found.
    pub(super) tally: Tally,
}

/// A word in a table.
#[derive(Clone, Copy)]
struct Entry {
    /// Its physical address.
    phys: u64,
    /// Number of its table.
    table: u64,
    level: usize,
    /// Bytes that it has.
    size: usize,
    word: u64,
    meaning: Word,
}

impl Mutation {
    /// An image that is as its document says.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn new(bytes: Vec<u8>, document: Document) -> Result<Self> {
        let image = Image::parse(bytes.clone())?;
        let memory = PhysicalMemory::of_image(&image)?;
        let mutation = Self { bytes, image, memory, document, tally: Tally::new() };
        let findings = mutation.report(&mutation.image, &mutation.memory)?.findings;
        ensure!(findings.is_empty(), "the image is not as its document says to begin with: {findings:#?}");
        Ok(mutation)
    }

    /// All tables in the image.
    ///
    /// # Errors
    /// A change is not found.
    pub(super) fn all_tables(&mut self) -> Result<()> {
        for index in 0..self.document.spaces.len() {
            if self.document.spaces[index].tables.placement != Placement::BootFilled {
                self.tables(index)?;
            }
        }
        Ok(())
    }

    fn report(&self, image: &Image, memory: &PhysicalMemory) -> Result<Report> {
        check::check(image, &self.document, &Machine { memory, roots: &[], is_dump: false })
    }

    /// Changes some bytes of the file, and checks it.
    fn change(&mut self, what: &str, offset: usize, new: &[u8], class: Class) -> Result<()> {
        let mut bytes = self.bytes.clone();
        bytes.get_mut(offset..offset + new.len()).context("the file ends before")?.copy_from_slice(new);
        ensure!(bytes != self.bytes, "{what}: no change");
        let image = Image::parse(bytes)?;
        let report = self.report(&image, &PhysicalMemory::of_image(&image)?)?;
        self.judge(&format!("{what} became {new:x?}"), &report, class)
    }

    /// Changes an entry where the image is loaded, and checks that.
    fn write(&mut self, what: &str, entry: &Entry, word: u64, class: Class) -> Result<()> {
        ensure!(entry.word != word, "{what}: no change");
        let mut memory = self.memory.clone();
        memory.add_dump(entry.phys, word.to_le_bytes()[..entry.size].to_vec())?;
        let report = self.report(&self.image, &memory)?;
        self.judge(&format!("{what} became {word:#x}"), &report, class)
    }

    fn judge(&mut self, what: &str, report: &Report, class: Class) -> Result<()> {
        let found: BTreeSet<Kind> = report.findings.iter().map(|finding| finding.kind).collect();
        let meant = class.kinds.iter().any(|kind| found.contains(kind));
        if found.is_empty() || !(meant || class.may_mean_nothing || class.kinds.is_empty()) {
            bail!("{what} ({}), and the checker found {found:?}", class.name);
        }
        let (changes, by_meaning) = self.tally.entry(class.name).or_default();
        *changes += 1;
        *by_meaning += u64::from(meant);
        Ok(())
    }

    /// Entry point, and what segments grant.
    fn headers(&mut self) -> Result<()> {
        const SECTION: Class = Class { name: "rights of a section", kinds: &[Kind::Section], may_mean_nothing: false };
        const ENTRY: Class = Class { name: "entry point", kinds: &[Kind::EntryPoint], may_mean_nothing: false };
        if self.image.pvh_entry.is_none() {
            let behind =
                self.image.segments.iter().find(|segment| segment.rights.name() == "r").context("no constants")?;
            self.change("the entry point", 24, &behind.virt.to_le_bytes(), ENTRY)?;
        }
        let start = usize::try_from(u64::from_le_bytes(self.bytes[32..40].try_into()?))?;
        let loaded: Vec<(usize, u64)> =
            self.image.segments.iter().map(|segment| (segment.index, segment.virt)).collect();
        for (index, virt) in loaded {
            let has_section = self.image.sections.iter().any(|section| section.virt == virt);
            for bit in (0..3).filter(|_| has_section) {
                let offset = start + index * 56 + 4;
                let flags = [self.bytes[offset] ^ 1 << bit];
                self.change(&format!("segment {index}"), offset, &flags, SECTION)?;
            }
        }
        Ok(())
    }

    /// Every class of bits of the tables of a space.
    fn tables(&mut self, index: usize) -> Result<()> {
        let space = self.document.spaces[index].clone();
        let scheme = self.document.scheme(&space)?.context("no decoder")?;
        let entries = self.entries(&space, &scheme)?;
        let pointers: Vec<Entry> =
            entries.iter().copied().filter(|e| matches!(e.meaning, Word::Table { .. })).collect();
        let leaves: Vec<Entry> = entries.iter().copied().filter(|e| matches!(e.meaning, Word::Leaf { .. })).collect();
        let name = |entry: &Entry| format!("space {}, level {}, {:#x}", space.name, entry.level, entry.word);
        for entry in one_of_each(&scheme, &leaves) {
            for bit in 0..8 * entry.size as u32 {
                self.flip(&name(&entry), &entry, bit, bits::of_leaf(&scheme, entry.level, entry.word, bit))?;
            }
            self.write(&name(&entry), &entry, 0, bits::MISSING)?;
        }
        for entry in &pointers {
            for bit in 0..8 * entry.size as u32 {
                self.flip(&name(entry), entry, bit, bits::of_pointer(&scheme, entry.level, bit))?;
            }
            self.write(&name(entry), entry, 0, bits::NO_TABLE)?;
            for other in pointers.iter().filter(|other| other.level == entry.level && other.word != entry.word) {
                self.write(&name(entry), entry, other.word, bits::TABLE_ADDRESS)?;
            }
        }
        self.extra(&space, &entries)
    }

    fn flip(&mut self, what: &str, entry: &Entry, bit: u32, class: Class) -> Result<()> {
        self.write(&format!("{what}, bit {bit}"), entry, entry.word ^ 1 << bit, class)
    }

    /// A leaf and a pointer where nothing is: once at either end of what each table leaves free.
    fn extra(&mut self, space: &Space, entries: &[Entry]) -> Result<()> {
        let tables: BTreeSet<u64> = entries.iter().map(|entry| entry.table).collect();
        for table in tables {
            let free = |entry: &&Entry| entry.table == table && entry.meaning == Word::Absent;
            let ends = [entries.iter().find(free), entries.iter().rfind(free)];
            for entry in ends.into_iter().flatten() {
                let what = format!("space {}, an absent entry of level {}", space.name, entry.level);
                let same = |word: &&Entry| word.level == entry.level;
                let leaf = entries.iter().filter(|entry| matches!(entry.meaning, Word::Leaf { .. })).find(same);
                let pointer = entries.iter().filter(|entry| matches!(entry.meaning, Word::Table { .. })).find(same);
                if let Some(leaf) = leaf {
                    self.write(&what, entry, leaf.word, bits::EXTRA)?;
                }
                if let Some(pointer) = pointer {
                    self.write(&what, entry, pointer.word, bits::TABLE_ADDRESS)?;
                }
            }
        }
        Ok(())
    }

    /// All words of the tables of a space.
    fn entries(&self, space: &Space, scheme: &Scheme) -> Result<Vec<Entry>> {
        let symbol = space.tables.symbol.as_ref().and_then(|name| self.image.symbol(name)).context("no tables")?;
        let base = self.image.physical(symbol.virt).context("the tables are in no segment")?;
        let mut entries = Vec::new();
        for table in &space.tables.list {
            let is_root = table.level + 1 == scheme.levels;
            let virt = table.virt.address().context("no address")?;
            let (first, end) = if is_root { scheme.reached(virt) } else { (0, scheme.entries(table.level)) };
            for index in first..end {
                let phys = base + table.index * scheme.table_bytes() + index * scheme.entry_bytes();
                // What a loader would fill with zeros is no table.
                ensure!(self.image.file_offset(phys).is_some(), "the file does not have all tables");
                let word = self.memory.word(phys, scheme.entry_bytes()).context("no such memory")?;
                let size = scheme.entry_bytes() as usize;
                let meaning = scheme.decode(&Place { level: table.level, index, limits: Limits::NONE }, word);
                entries.push(Entry { phys, table: table.index, level: table.level, size, word, meaning });
            }
        }
        Ok(entries)
    }
}

/// Of each table one leaf of each kind: words that differ in their address only are of one kind.
fn one_of_each(scheme: &Scheme, leaves: &[Entry]) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    let kind = |entry: &Entry| {
        let is_kept = |bit: &u32| bits::of_leaf(scheme, entry.level, entry.word, *bit) != bits::ADDRESS;
        (0..64).filter(is_kept).fold(0, |kept, bit| kept | entry.word & 1 << bit)
    };
    leaves.iter().filter(|entry| seen.insert((entry.table, kind(entry)))).copied().collect()
}
