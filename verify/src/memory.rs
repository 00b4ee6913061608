//! Physical memory as an image or a dump has it.

use anyhow::{Context as _, Result, bail};

use crate::elf::Image;
use crate::number::Size;

/// Bytes at a physical address, followed by zeros.
#[derive(Clone, Debug)]
struct Range {
    start: u64,
    bytes: Vec<u8>,
    /// Bytes in all; those that `bytes` lacks are zero.
    size: u64,
    /// Whose they are.
    name: String,
}

impl Range {
    /// The offset of `count` bytes at an address, if all of them are here.
    fn offset(&self, address: u64, count: u64) -> Option<usize> {
        let offset = address.checked_sub(self.start)?;
        (offset.checked_add(count)? <= self.size).then(|| usize::try_from(offset).ok())?
    }
}

/// Physical memory: what was added later covers what was there.
#[derive(Clone, Debug, Default)]
pub struct PhysicalMemory {
    ranges: Vec<Range>,
}

impl PhysicalMemory {
    /// What a loader makes of an image.
    ///
    /// # Errors
    /// A segment is not in the file, or behind the end of the address space.
    pub fn of_image(image: &Image) -> Result<Self> {
        let mut memory = Self::default();
        for segment in &image.segments {
            let bytes = image.segment_bytes(segment)?.to_vec();
            memory.add(segment.phys, bytes, segment.size, format!("segment {}", segment.index))?;
        }
        Ok(memory)
    }

    /// Adds a dump.
    ///
    /// # Errors
    /// It is empty, or would end behind the end of the address space.
    pub fn add_dump(&mut self, start: u64, bytes: Vec<u8>) -> Result<()> {
        if bytes.is_empty() {
            bail!("the dump at {start:#x} is empty");
        }
        let size = bytes.len() as u64;
        self.add(start, bytes, size, "dump".to_owned())
    }

    fn add(&mut self, start: u64, bytes: Vec<u8>, size: u64, name: String) -> Result<()> {
        if u128::from(start) + u128::from(size) > 1 << 64 {
            bail!("{name}: {} at {start:#x} would end behind the end of the address space", Size(size.into()));
        }
        self.ranges.push(Range { start, bytes, size, name });
        Ok(())
    }

    /// Whether all these bytes are known.
    #[must_use]
    pub fn holds(&self, address: u64, count: u64) -> bool {
        self.ranges.iter().any(|range| range.offset(address, count).is_some())
    }

    /// The little-endian word of 4 or 8 bytes there.
    #[must_use]
    pub fn word(&self, address: u64, count: u64) -> Option<u64> {
        let (range, offset) =
            self.ranges.iter().rev().find_map(|range| Some((range, range.offset(address, count)?)))?;
        let mut word = [0; 8];
        for (index, byte) in word.iter_mut().take(usize::try_from(count).ok()?).enumerate() {
            *byte = range.bytes.get(offset + index).copied().unwrap_or(0);
        }
        Some(u64::from_le_bytes(word))
    }

    /// All entries of a table.
    ///
    /// # Errors
    /// Some of it is not known.
    pub fn words(&self, address: u64, count: u64, entry_bytes: u64) -> Result<Vec<u64>> {
        let places = (0..count).map(|index| address.checked_add(index * entry_bytes));
        let words = places.map(|place| self.word(place?, entry_bytes)).collect::<Option<Vec<_>>>();
        words.with_context(|| {
            format!(
                "{} at the physical address {address:#x} are not in {}",
                Size((count * entry_bytes).into()),
                self.about()
            )
        })
    }

    /// What there is, for messages.
    #[must_use]
    pub fn about(&self) -> String {
        let all = self.ranges.iter().map(|range| {
            let end = u128::from(range.start) + u128::from(range.size);
            format!("{} {:#x}..{end:#x}", range.name, range.start)
        });
        let list = all.collect::<Vec<_>>().join(", ");
        if list.is_empty() { "the file, which has no loaded bytes".to_owned() } else { list }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_covers_what_was_there() {
        let mut memory = PhysicalMemory::default();
        memory.add(0x1000, vec![1; 16], 32, "segment 0".to_owned()).expect("fits");
        memory.add_dump(0x1008, vec![2; 8]).expect("fits");
        assert_eq!(memory.word(0x1000, 8), Some(0x0101_0101_0101_0101));
        assert_eq!(memory.word(0x1008, 4), Some(0x0202_0202));
        assert_eq!(memory.word(0x1010, 8), Some(0), "bss is zero");
        assert_eq!(memory.word(0x1019, 8), None);
        assert!(memory.words(0x1000, 5, 8).is_err());
        assert_eq!(memory.words(0x1000, 4, 8).expect("known").len(), 4);
    }

    #[test]
    fn memory_ends_with_the_address_space() {
        let mut memory = PhysicalMemory::default();
        memory.add_dump(u64::MAX - 7, vec![3; 8]).expect("fits");
        assert_eq!(memory.word(u64::MAX - 7, 8), Some(0x0303_0303_0303_0303));
        assert_eq!(memory.word(u64::MAX - 3, 8), None);
        assert!(memory.words(u64::MAX - 7, 2, 8).is_err());
        assert!(memory.add_dump(u64::MAX - 7, vec![3; 9]).is_err());
        assert!(memory.add_dump(0, Vec::new()).is_err());
    }
}
