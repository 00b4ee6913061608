//! A firmware image: where its bytes go, what its symbols are.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use object::elf;
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSymbol as _};

/// A loaded range of an image.
#[derive(Clone, Copy, Debug)]
struct Segment {
    virt: u64,
    phys: u64,
    offset: u64,
    file_size: u64,
    is_code: bool,
}

impl Segment {
    /// Bytes from `start` to `address`, if the address is among those that the file holds.
    fn offset_from(&self, start: u64, address: u64) -> Option<u64> {
        address.checked_sub(start).filter(|offset| *offset < self.file_size)
    }
}

/// A named range of addresses.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    /// Link address.
    pub(crate) address: u64,
    /// Bytes.
    pub(crate) size: u64,
}

/// A loaded range of code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    /// Link address.
    pub(crate) virt: u64,
    /// Where it is loaded.
    pub(crate) phys: u64,
    /// Bytes.
    pub(crate) size: u64,
}

/// An image.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    bytes: Vec<u8>,
    segments: Vec<Segment>,
    symbols: Vec<Symbol>,
    entry: u64,
    pvh_entry: Option<u64>,
}

impl Image {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// It cannot be read, or is no 64-bit little-endian executable at fixed addresses.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(bytes).with_context(|| format!("{} is no usable image", path.display()))
    }

    fn parse(bytes: Vec<u8>) -> Result<Self> {
        let file = ElfFile64::<Endianness>::parse(bytes.as_slice())?;
        let endian = file.endian();
        let kind = file.elf_header().e_type(endian);
        if kind != elf::ET_EXEC {
            bail!("it is position independent (ELF type {}): its tables are wrong until relocated", kind.0);
        }
        let mut segments = Vec::new();
        let mut pvh_entry = None;
        for header in file.elf_program_headers() {
            match header.p_type(endian) {
                elf::PT_LOAD => segments.push(Segment {
                    virt: header.p_vaddr(endian),
                    phys: header.p_paddr(endian),
                    offset: header.p_offset(endian),
                    file_size: header.p_filesz(endian),
                    is_code: header.p_flags(endian) & elf::PF_X != elf::ProgramFlags(0),
                }),
                elf::PT_NOTE => pvh_entry = pvh_entry.or(find_pvh_entry(header, endian, &bytes)?),
                _ => {}
            }
        }
        let symbols = file
            .symbols()
            .filter_map(|symbol| {
                let name = symbol.name().ok().filter(|name| !name.is_empty())?;
                Some(Symbol { name: name.to_owned(), address: symbol.address(), size: symbol.size() })
            })
            .collect();
        let entry = file.entry();
        Ok(Self { segments, symbols, entry, pvh_entry, bytes })
    }

    /// Code and data at one address, for tests.
    #[cfg(test)]
    pub(crate) fn flat(base: u64, bytes: &[u8], symbols: &[(&str, u64)]) -> Self {
        let size = bytes.len() as u64;
        let segment = Segment { virt: base, phys: base, offset: 0, file_size: size, is_code: true };
        let symbols = symbols.iter().map(|(name, at)| Symbol { name: (*name).to_owned(), address: *at, size: 0 });
        Self {
            bytes: bytes.to_vec(),
            segments: vec![segment],
            symbols: symbols.collect(),
            entry: base,
            pvh_entry: None,
        }
    }

    /// Where a loader enters it: the 32-bit entry of the PVH note if it has one, else the ELF header's.
    pub(crate) fn entry(&self) -> u64 {
        self.pvh_entry.unwrap_or(self.entry)
    }

    /// All symbols.
    pub(crate) fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// The symbol of exactly that name.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn symbol(&self, name: &str) -> Result<&Symbol> {
        self.symbols
            .iter()
            .find(|symbol| symbol.name == name)
            .with_context(|| format!("the image has no symbol {name}"))
    }

    /// The bytes that the file holds from an address (virtual, else physical) to the end of the segment.
    pub(crate) fn at(&self, address: u64) -> Option<&[u8]> {
        let (segment, offset) = self.locate(address)?;
        self.file_bytes(segment, offset)
    }

    /// Like [`Image::at`], where the address is one of code.
    pub(crate) fn code_at(&self, address: u64) -> Option<&[u8]> {
        let (segment, offset) = self.locate(address)?;
        self.file_bytes(segment, offset).filter(|_| segment.is_code)
    }

    /// Where its code is.
    pub(crate) fn code(&self) -> impl Iterator<Item = Code> {
        let of = |segment: &Segment| Code { virt: segment.virt, phys: segment.phys, size: segment.file_size };
        self.segments.iter().filter(|segment| segment.is_code).map(of)
    }

    /// The physical address of what is linked at a virtual one; physical addresses stay.
    pub(crate) fn physical(&self, address: u64) -> Option<u64> {
        let (segment, offset) = self.locate(address)?;
        Some(segment.phys + offset)
    }

    /// The little-endian word at a physical address.
    pub(crate) fn word(&self, physical: u64) -> Option<u64> {
        let offset = self.physical_offset(physical)?;
        Some(u64::from_le_bytes(self.bytes.get(offset..offset + 8)?.try_into().ok()?))
    }

    /// Replaces the little-endian word at a physical address.
    ///
    /// # Errors
    /// The file does not hold that address.
    pub(crate) fn set_word(&mut self, physical: u64, word: u64) -> Result<()> {
        let offset = self.physical_offset(physical).context("the file does not hold that address")?;
        let place = self.bytes.get_mut(offset..offset + 8).context("the file ends there")?;
        place.copy_from_slice(&word.to_le_bytes());
        Ok(())
    }

    /// The file.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn locate(&self, address: u64) -> Option<(&Segment, u64)> {
        let find = |start: fn(&Segment) -> u64| {
            self.segments.iter().find_map(|segment| Some((segment, segment.offset_from(start(segment), address)?)))
        };
        find(|segment| segment.virt).or_else(|| find(|segment| segment.phys))
    }

    fn file_bytes(&self, segment: &Segment, offset: u64) -> Option<&[u8]> {
        let start = usize::try_from(segment.offset + offset).ok()?;
        self.bytes.get(start..usize::try_from(segment.offset + segment.file_size).ok()?)
    }

    fn physical_offset(&self, physical: u64) -> Option<usize> {
        let place = |segment: &Segment| Some(segment.offset + segment.offset_from(segment.phys, physical)?);
        usize::try_from(self.segments.iter().find_map(place)?).ok()
    }
}

/// The physical 32-bit entry point that a PVH note names (`XEN_ELFNOTE_PHYS32_ENTRY`, Xen's `elfnote.h`).
fn find_pvh_entry(header: &elf::ProgramHeader64<Endianness>, endian: Endianness, bytes: &[u8]) -> Result<Option<u64>> {
    const PHYS32_ENTRY: u32 = 18;
    let Some(mut notes) = header.notes(endian, bytes)? else {
        return Ok(None);
    };
    while let Some(note) = notes.next()? {
        if note.name() == b"Xen" && note.n_type(endian) == elf::NoteType(PHYS32_ENTRY) {
            let mut address = [0; 8];
            let length = note.desc().len().min(8);
            address[..length].copy_from_slice(&note.desc()[..length]);
            return Ok(Some(u64::from_le_bytes(address)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minimal executable: one segment of 16 bytes linked high and loaded low, a note, two symbols.
    fn tiny(kind: u16) -> Vec<u8> {
        let mut file = vec![0; 0x200];
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &[0x7f, b'E', b'L', b'F', 2, 1, 1]);
        put(16, &kind.to_le_bytes());
        put(18, &62u16.to_le_bytes());
        put(20, &1u32.to_le_bytes());
        put(24, &0xffff_8000_0000_1000u64.to_le_bytes());
        put(32, &64u64.to_le_bytes());
        put(52, &[64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0, 0]);
        let mut header = |at: usize, kind: u32, offset: u64, virt: u64, phys: u64, size: u64| {
            put(at, &kind.to_le_bytes());
            put(at + 4, &5u32.to_le_bytes());
            for (index, value) in [offset, virt, phys, size, size, 4].into_iter().enumerate() {
                put(at + 8 + 8 * index, &value.to_le_bytes());
            }
        };
        header(64, elf::PT_LOAD.0, 0x100, 0xffff_8000_0000_1000, 0x1000, 16);
        header(120, elf::PT_NOTE.0, 0x140, 0, 0, 20);
        put(0x100, &0x1122_3344_5566_7788u64.to_le_bytes());
        put(0x140, &[4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, b'X', b'e', b'n', 0, 0, 0x10, 0, 0]);
        file
    }

    #[test]
    fn bytes_are_found_by_virtual_and_physical_address() {
        let mut image = Image::parse(tiny(elf::ET_EXEC.0)).expect("an executable");
        assert_eq!(image.at(0xffff_8000_0000_1008).map(<[u8]>::len), Some(8));
        assert_eq!(image.at(0x1000).map(<[u8]>::len), Some(16));
        assert_eq!(image.at(0x1010), None);
        assert_eq!(image.physical(0xffff_8000_0000_1004), Some(0x1004));
        assert_eq!(image.word(0x1000), Some(0x1122_3344_5566_7788));
        image.set_word(0x1000, 7).expect("in the file");
        assert_eq!(image.word(0x1000), Some(7));
        assert!(image.set_word(0x2000, 7).is_err());
    }

    #[test]
    fn the_pvh_entry_is_preferred() {
        assert_eq!(Image::parse(tiny(elf::ET_EXEC.0)).expect("an executable").entry(), 0x1000);
    }

    #[test]
    fn a_position_independent_image_is_refused() {
        let error = Image::parse(tiny(elf::ET_DYN.0)).expect_err("wrong kind").to_string();
        assert!(error.contains("position independent"), "{error}");
    }
}
