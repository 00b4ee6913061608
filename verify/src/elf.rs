//! An image: an ELF file that a loader puts into memory as it is.

use anyhow::{Context as _, Result, bail};
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, Rel, Rela, SectionHeader, Sym};
use object::{Endianness, FileKind};

use crate::rights::Rights;

/// A loaded range.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its number among the program headers.
    pub index: usize,
    /// Where it is linked.
    pub virt: u64,
    /// Where it is loaded.
    pub phys: u64,
    /// Bytes in memory.
    pub size: u64,
    /// What its header grants.
    pub rights: Rights,
    offset: u64,
    file_size: u64,
}

/// A section that is in memory when the program runs.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Where it is linked.
    pub virt: u64,
    /// Bytes.
    pub size: u64,
    /// What its flags ask for, as far as its segment grants it.
    pub rights: Rights,
    /// What its segment grants.
    pub granted: Rights,
    /// Where it is loaded; `None` if no segment has it.
    pub phys: Option<u64>,
}

/// A named address.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Link address.
    pub virt: u64,
    /// Bytes.
    pub size: u64,
}

/// A relocation: one that a loader would have to apply, or a record of what the linker applied.
#[derive(Clone, Debug)]
pub struct Relocation {
    /// Section that lists it.
    pub section: String,
    /// Link address of what it changes.
    pub virt: u64,
}

/// An image.
#[derive(Clone, Debug)]
pub struct Image {
    bytes: Vec<u8>,
    /// ELF machine number.
    pub machine: u16,
    /// Where it is entered.
    pub entry: u64,
    /// The physical 32-bit entry that a PVH note names.
    pub pvh_entry: Option<u64>,
    /// What is loaded.
    pub segments: Vec<Segment>,
    /// What is in memory.
    pub sections: Vec<Section>,
    /// Defined symbols with a name.
    pub symbols: Vec<Symbol>,
    /// Relocations that a loader would have to apply.
    pub relocations: Vec<Relocation>,
    /// Those that the linker applied, where it was asked to keep them (`--emit-relocs`).
    pub applied: Vec<Relocation>,
    /// Whether it may be loaded anywhere.
    pub is_relocatable: bool,
}

/// Whether a file starts like an ELF file.
#[must_use]
pub fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF")
}

impl Image {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// It is none for a little-endian machine, or contradicts itself.
    pub fn parse(bytes: Vec<u8>) -> Result<Self> {
        match FileKind::parse(bytes.as_slice()).context("this is no ELF file")? {
            FileKind::Elf64 => Self::parse_as::<elf::FileHeader64<Endianness>>(bytes),
            FileKind::Elf32 => Self::parse_as::<elf::FileHeader32<Endianness>>(bytes),
            kind => bail!("this is no ELF file but {kind:?}"),
        }
    }

    fn parse_as<F: FileHeader<Endian = Endianness>>(bytes: Vec<u8>) -> Result<Self> {
        let data = bytes.as_slice();
        let header = F::parse(data).context("the ELF header")?;
        let endian = header.endian().context("the ELF header")?;
        if endian != Endianness::Little {
            bail!("the image is for a big-endian machine");
        }
        let is_relocatable = match header.e_type(endian) {
            elf::ET_EXEC => false,
            elf::ET_DYN => true,
            kind => bail!("ELF type {} is no image: link it first", kind.0),
        };
        let (segments, pvh_entry) = segments(header, endian, data)?;
        let table = header.sections(endian, data).context("the section headers")?;
        let mut image = Self {
            machine: header.e_machine(endian).0,
            entry: header.e_entry(endian).into(),
            pvh_entry,
            sections: sections::<F>(&table, endian, &segments)?,
            symbols: symbols::<F>(&table, endian, data)?,
            relocations: relocations::<F>(&table, endian, data, Listed::Loaded)?,
            applied: relocations::<F>(&table, endian, data, Listed::Kept)?,
            segments,
            is_relocatable,
            bytes: Vec::new(),
        };
        if image.segments.is_empty() {
            bail!("the image has no loaded segment");
        }
        image.bytes = bytes;
        Ok(image)
    }

    /// The bytes of a segment that the file has.
    ///
    /// # Errors
    /// The file ends before.
    pub fn segment_bytes(&self, segment: &Segment) -> Result<&[u8]> {
        let start = usize::try_from(segment.offset).ok();
        let end = segment.offset.checked_add(segment.file_size).and_then(|end| usize::try_from(end).ok());
        let bytes = start.zip(end).and_then(|(start, end)| self.bytes.get(start..end));
        bytes.with_context(|| {
            let Segment { index, offset, file_size, virt, .. } = segment;
            format!(
                "segment {index} at {virt:#x} has {file_size:#x} bytes from offset {offset:#x}, and the file ends at {:#x}",
                self.bytes.len()
            )
        })
    }

    /// The physical address of what is linked at a virtual one.
    #[must_use]
    pub fn physical(&self, virt: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let offset = virt.checked_sub(segment.virt).filter(|offset| *offset < segment.size)?;
            segment.phys.checked_add(offset)
        })
    }

    /// The symbol of that name.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<&Symbol> {
        self.symbols.iter().find(|symbol| symbol.name == name)
    }

    /// The section that has a virtual address, for messages.
    #[must_use]
    pub fn section_at(&self, virt: u64) -> Option<&Section> {
        self.sections.iter().find(|section| virt.checked_sub(section.virt).is_some_and(|offset| offset < section.size))
    }

    /// The file, to write a changed one.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the file has the bytes of a physical address.
    #[must_use]
    pub fn file_offset(&self, phys: u64) -> Option<usize> {
        self.segments.iter().find_map(|segment| {
            let offset = phys.checked_sub(segment.phys).filter(|offset| *offset < segment.file_size)?;
            usize::try_from(segment.offset.checked_add(offset)?).ok()
        })
    }
}

fn segments<F: FileHeader<Endian = Endianness>>(
    header: &F,
    endian: Endianness,
    data: &[u8],
) -> Result<(Vec<Segment>, Option<u64>)> {
    let mut segments = Vec::new();
    let mut pvh_entry = None;
    let headers = header.program_headers(endian, data).context("the program headers")?;
    for (index, program) in headers.iter().enumerate() {
        match program.p_type(endian) {
            elf::PT_LOAD if program.p_memsz(endian).into() != 0 => segments.push(segment(index, program, endian)?),
            elf::PT_NOTE => pvh_entry = pvh_entry.or(find_pvh_entry(program, endian, data)?),
            _ => {}
        }
    }
    Ok((segments, pvh_entry))
}

fn segment<P: ProgramHeader<Endian = Endianness>>(index: usize, program: &P, endian: Endianness) -> Result<Segment> {
    let flags = program.p_flags(endian).0;
    let has = |flag: elf::ProgramFlags| flags & flag.0 != 0;
    let segment = Segment {
        index,
        virt: program.p_vaddr(endian).into(),
        phys: program.p_paddr(endian).into(),
        size: program.p_memsz(endian).into(),
        rights: Rights::when(has(elf::PF_R), has(elf::PF_W), has(elf::PF_X)),
        offset: program.p_offset(endian).into(),
        file_size: program.p_filesz(endian).into(),
    };
    if segment.file_size > segment.size {
        bail!("segment {index} at {:#x} has more bytes in the file than in memory", segment.virt);
    }
    let end = |start: u64| u128::from(start) + u128::from(segment.size);
    if end(segment.virt).max(end(segment.phys)) > 1 << 64 {
        bail!("segment {index} at {:#x} would end behind the end of the address space", segment.virt);
    }
    Ok(segment)
}

fn sections<F: FileHeader<Endian = Endianness>>(
    table: &object::read::elf::SectionTable<'_, F>,
    endian: Endianness,
    segments: &[Segment],
) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    for (index, header) in table.enumerate() {
        let flags = header.sh_flags(endian).0;
        let size: u64 = header.sh_size(endian).into();
        let has = |flag: elf::SectionFlags| flags & flag.0 != 0;
        if !has(elf::SHF_ALLOC) || size == 0 {
            continue;
        }
        let virt: u64 = header.sh_addr(endian).into();
        let name = table.section_name(endian, header).with_context(|| format!("the name of section {}", index.0))?;
        let name = String::from_utf8_lossy(name).into_owned();
        if u128::from(virt) + u128::from(size) > 1 << 64 {
            bail!("section {name} at {virt:#x} would end behind the end of the address space");
        }
        let segment = segments.iter().find(|segment| {
            virt.checked_sub(segment.virt).is_some_and(|offset| offset < segment.size && size <= segment.size - offset)
        });
        let asked = Rights::when(true, has(elf::SHF_WRITE), has(elf::SHF_EXECINSTR));
        sections.push(Section {
            name,
            virt,
            size,
            rights: segment.map_or(asked, |segment| asked.and(segment.rights)),
            granted: segment.map_or(asked, |segment| segment.rights),
            phys: segment.map(|segment| segment.phys + (virt - segment.virt)),
        });
    }
    Ok(sections)
}

fn symbols<F: FileHeader<Endian = Endianness>>(
    table: &object::read::elf::SectionTable<'_, F>,
    endian: Endianness,
    data: &[u8],
) -> Result<Vec<Symbol>> {
    let symbols = table.symbols(endian, data, elf::SHT_SYMTAB).context("the symbol table")?;
    let mut found = Vec::new();
    for symbol in symbols.iter() {
        // A symbol without a readable name is one that nobody asks for.
        let name = symbols.symbol_name(endian, symbol).map(String::from_utf8_lossy).unwrap_or_default();
        if !name.is_empty() && !symbol.is_undefined(endian) {
            found.push(Symbol {
                name: name.into_owned(),
                virt: symbol.st_value(endian).into(),
                size: symbol.st_size(endian).into(),
            });
        }
    }
    Ok(found)
}

/// Which sections list relocations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    /// Those that are themselves loaded, for a loader to apply.
    Loaded,
    /// The others: a record of what is done.
    Kept,
}

fn relocations<F: FileHeader<Endian = Endianness>>(
    table: &object::read::elf::SectionTable<'_, F>,
    endian: Endianness,
    data: &[u8],
    listed: Listed,
) -> Result<Vec<Relocation>> {
    let mut found = Vec::new();
    for header in table.iter() {
        let is_loaded = header.sh_flags(endian).0 & elf::SHF_ALLOC.0 != 0;
        if is_loaded != (listed == Listed::Loaded) {
            continue;
        }
        let name = || String::from_utf8_lossy(table.section_name(endian, header).unwrap_or_default()).into_owned();
        let mut add = |virt: u64| found.push(Relocation { section: name(), virt });
        if let Some((list, _)) = header.rela(endian, data).with_context(|| format!("section {}", name()))? {
            list.iter().for_each(|entry| add(entry.r_offset(endian).into()));
        }
        if let Some((list, _)) = header.rel(endian, data).with_context(|| format!("section {}", name()))? {
            list.iter().for_each(|entry| add(entry.r_offset(endian).into()));
        }
        let packed = header.relr(endian, data).with_context(|| format!("section {}", name()))?;
        packed.into_iter().flatten().for_each(|place| add(place.into()));
    }
    Ok(found)
}

/// `XEN_ELFNOTE_PHYS32_ENTRY` of Xen's `elfnote.h`.
fn find_pvh_entry<P: ProgramHeader<Endian = Endianness>>(
    header: &P,
    endian: Endianness,
    data: &[u8],
) -> Result<Option<u64>> {
    const PHYS32_ENTRY: u32 = 18;
    let Some(mut notes) = header.notes(endian, data).context("a segment of notes")? else {
        return Ok(None);
    };
    while let Some(note) = notes.next().context("a segment of notes")? {
        if note.name() == b"Xen" && note.n_type(endian) == elf::NoteType(PHYS32_ENTRY) {
            let mut address = [0; 8];
            let length = note.desc().len().min(8);
            address[..length].copy_from_slice(&note.desc()[..length]);
            return Ok(Some(u64::from_le_bytes(address)));
        }
    }
    Ok(None)
}
