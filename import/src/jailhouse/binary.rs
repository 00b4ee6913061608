//! A cell as the hypervisor reads it: a `.cell` file of revision 13 to 15.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Architecture, Cell, Memory, REGIONS};

/// Signatures of a cell and of a system, as they begin in every revision.
const CELL: [&[u8]; 2] = [b"JHCELL", b"JHCLL"];
const SYSTEM: [&[u8]; 2] = [b"JHSYST", b"JHSYS"];
/// Revisions whose layout is known.
const REVISIONS: [u16; 3] = [13, 14, 15];
/// Bytes of a cell's head, of a console, of an IOMMU, of what an architecture has, of a region of memory.
const HEAD: usize = 132;
const CONSOLE: usize = 32;
const IOMMU: usize = 28;
const IOMMUS: usize = 8;
const PLATFORM: usize = 44;
const MEMORY: usize = 32;

/// Whether bytes are of this kind.
pub(super) fn is(bytes: &[u8]) -> bool {
    CELL.iter().chain(&SYSTEM).any(|signature| bytes.starts_with(signature))
}

/// Reads a file.
///
/// # Errors
/// It ends too early, or is of a revision with another layout.
pub(super) fn read(bytes: &[u8], path: &Path) -> Result<Cell> {
    let reader = Reader { bytes, path };
    let revision = reader.u16(6)?;
    if !REVISIONS.contains(&revision) {
        bail!("{}: revision {revision}, and the layouts of {REVISIONS:?} are known", path.display());
    }
    // The architecture took the place of a letter of the signature.
    let architecture = match bytes[5] {
        0 => Some(Architecture::X86),
        1 => Some(Architecture::Arm),
        2 => Some(Architecture::Arm64),
        b'L' | b'T' => None,
        other => bail!("{}: architecture {other}", path.display()),
    };
    if CELL.iter().any(|signature| bytes.starts_with(signature)) {
        return reader.cell(0, revision, architecture, None);
    }
    let own = reader.memory(12, "hypervisor_memory")?;
    let units = 12 + MEMORY + CONSOLE + 12;
    let has = (0..IOMMUS).map(|unit| reader.u32(units + unit * IOMMU)).collect::<Result<Vec<_>>>()?;
    let iommu = has.iter().any(|kind| *kind != 0);
    reader.cell(units + IOMMUS * IOMMU + PLATFORM, revision, architecture, Some((own, iommu)))
}

struct Reader<'b> {
    bytes: &'b [u8],
    path: &'b Path,
}

impl Reader<'_> {
    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N]> {
        let found = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
        found
            .copied()
            .with_context(|| format!("{}: it ends before offset {:#x}", self.path.display(), at.saturating_add(N)))
    }

    fn u16(&self, at: usize) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array(at)?))
    }

    fn u32(&self, at: usize) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(at)?))
    }

    fn count(&self, at: usize) -> Result<usize> {
        Ok(usize::try_from(self.u32(at)?)?)
    }

    fn u64(&self, at: usize) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(at)?))
    }

    fn memory(&self, at: usize, name: &str) -> Result<Memory> {
        Ok(Memory {
            name: name.into(),
            phys: self.u64(at)?,
            virt: self.u64(at + 8)?,
            size: self.u64(at + 16)?,
            flags: self.u64(at + 24)?,
            place: format!("{}, offset {at:#x}", self.path.display()),
        })
    }

    fn cell(
        &self,
        start: usize,
        revision: u16,
        architecture: Option<Architecture>,
        root: Option<(Memory, bool)>,
    ) -> Result<Cell> {
        let name: [u8; 32] = self.array(start + 8)?;
        let length = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let name = String::from_utf8_lossy(&name[..length]).into_owned();
        let cpus = self.count(start + 48)?;
        let cpus = if revision >= 15 { cpus.saturating_mul(16) } else { cpus };
        let count = self.count(start + 52)?;
        if count > REGIONS {
            bail!("{}: {count} regions of memory, and at most {REGIONS} are read", self.path.display());
        }
        let first = start + HEAD;
        let first = first.checked_add(cpus).context("a set of CPUs that wraps")?;
        let mut memory = Vec::new();
        for index in 0..count {
            let at = first.saturating_add(index * MEMORY);
            memory.push(self.memory(at, &format!("region_{index}"))?);
        }
        let place = self.path.display().to_string();
        Ok(Cell { name, architecture, memory, place, root })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(bytes: &mut Vec<u8>, values: &[u64], size: usize) {
        values.iter().for_each(|value| bytes.extend(&value.to_le_bytes()[..size]));
    }

    /// A cell with a set of CPUs of 16 bytes, whatever the revision, and one region.
    fn cell(signature: &[u8], revision: u16) -> Vec<u8> {
        let mut bytes = signature.to_vec();
        bytes.extend(revision.to_le_bytes());
        let mut name = b"a cell".to_vec();
        name.resize(32, 0);
        bytes.extend(name);
        let cpus = if revision >= 15 { 1 } else { 16 };
        put(&mut bytes, &[0, 0, cpus, 1, 0, 0, 0, 0, 0, 0, 0], 4);
        put(&mut bytes, &[0, 0], 8);
        bytes.extend([0; CONSOLE]);
        assert_eq!(bytes.len(), HEAD);
        bytes.extend([0xff; 16]);
        put(&mut bytes, &[0x4000_0000, 0x1000, 0x2000, 7], 8);
        bytes
    }

    fn system(iommu: u64) -> Vec<u8> {
        let mut bytes = b"JHSYS\x02".to_vec();
        put(&mut bytes, &[14], 2);
        put(&mut bytes, &[0], 4);
        put(&mut bytes, &[0x7fc0_0000, 0, 0x40_0000, 0], 8);
        bytes.extend([0; CONSOLE + 12]);
        put(&mut bytes, &[iommu], 4);
        bytes.extend(vec![0; IOMMUS * IOMMU - 4 + PLATFORM]);
        bytes.extend(cell(b"      ", 0));
        bytes
    }

    fn of(bytes: &[u8]) -> Result<Cell> {
        read(bytes, Path::new("a.cell"))
    }

    #[test]
    fn cells_of_every_revision_are_read() {
        for (signature, revision, architecture) in [
            (&b"JHCELL"[..], 13, None),
            (b"JHCLL\x00", 14, Some(Architecture::X86)),
            (b"JHCLL\x02", 15, Some(Architecture::Arm64)),
        ] {
            let cell = of(&cell(signature, revision)).expect("a cell");
            assert_eq!((cell.name.as_str(), cell.architecture, cell.root), ("a cell", architecture, None));
            let [memory] = &cell.memory[..] else { panic!("{:?}", cell.memory) };
            assert_eq!((memory.phys, memory.virt, memory.size, memory.flags), (0x4000_0000, 0x1000, 0x2000, 7));
            assert_eq!(memory.place, "a.cell, offset 0x94");
        }
    }

    #[test]
    fn a_system_has_the_memory_of_the_hypervisor() {
        for iommu in [0, 3] {
            let cell = of(&system(iommu)).expect("a system");
            let (own, has) = cell.root.expect("a root cell");
            assert_eq!((own.phys, own.size, has, cell.memory.len()), (0x7fc0_0000, 0x40_0000, iommu != 0, 1));
        }
    }

    #[test]
    fn what_ends_early_or_has_another_layout_is_an_error() {
        for bytes in [cell(b"JHCLL\x02", 15), system(0)] {
            for length in 0..bytes.len() {
                assert!(of(&bytes[..length]).is_err(), "{length}");
            }
        }
        assert!(of(&cell(b"JHCELL", 12)).expect_err("revision").to_string().contains("revision 12"));
        assert!(of(&cell(b"JHCLL\x09", 15)).is_err());
        let mut many = cell(b"JHCELL", 13);
        many[52..56].copy_from_slice(&[0xff; 4]);
        assert!(of(&many).expect_err("count").to_string().contains("4294967295 regions"));
    }
}
