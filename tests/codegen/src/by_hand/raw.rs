//! The least that a kernel makes do with: one page, a range, and unmapping a range, without large leaves.

use super::machine::{self, GLOBAL_READ_ONLY, GLOBAL_READ_WRITE, LEVELS, RIGHTS};
use super::mapper::{Error, Mapper, REACH, index, load, store};

impl Mapper {
    /// Runs `on` for each leaf table of a range, with the entries that the range has in it.
    fn tables(
        &mut self,
        virt: u64,
        size: u64,
        mut on: impl FnMut(&mut Self, u64, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if (virt | size) & 0xfff != 0 || virt.checked_add(size).is_none() || LEVELS == 0 {
            return Err(Error::Range(virt));
        }
        let mut done = 0;
        while done < size {
            let at = virt + done;
            let here = (REACH - at % REACH).min(size - done);
            on(self, at, (here >> 12) as usize)?;
            done += here;
        }
        Ok(())
    }
}

/// Maps one page.
///
/// # Errors
/// Something is there, or there is no memory for tables.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_map_page(mapper: &mut Mapper, virt: u64, phys: u64) -> Result<(), Error> {
    mapper.map_slowly(virt, phys)
}

/// Maps a range, or as much of it as is free.
///
/// # Errors
/// As for one page.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_map_range(mapper: &mut Mapper, virt: u64, phys: u64, size: u64) -> Result<(), Error> {
    mapper.tables(virt, size, |mapper, at, pages| {
        mapper.reach(at)?;
        for i in 0..pages {
            let word = load(mapper.leaf, index(at, 0) + i);
            if machine::is_present(word) {
                return Err(Error::AlreadyMapped { virt: at + ((i as u64) << 12), level: 0, word });
            }
            let page = at.wrapping_sub(virt) + ((i as u64) << 12);
            store(mapper.leaf, index(at, 0) + i, machine::leaf(phys + page, GLOBAL_READ_WRITE));
        }
        Ok(())
    })
}

/// Unmaps what there is in a range.
///
/// # Errors
/// The range is none.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_unmap_range(mapper: &mut Mapper, virt: u64, size: u64) -> Result<(), Error> {
    mapper.tables(virt, size, |mapper, at, pages| {
        if mapper.find(at).is_ok() {
            (0..pages).for_each(|i| store(mapper.leaf, index(at, 0) + i, 0));
        }
        Ok(())
    })
}

/// Makes a range read-only, or as much of it as is mapped.
///
/// # Errors
/// Something is not.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_protect_range(mapper: &mut Mapper, virt: u64, size: u64) -> Result<(), Error> {
    mapper.tables(virt, size, |mapper, at, pages| {
        mapper.find(at)?;
        for i in 0..pages {
            let word = load(mapper.leaf, index(at, 0) + i);
            if !machine::is_page(word) {
                return Err(Error::NotMapped { virt: at + ((i as u64) << 12), level: 0, word });
            }
            store(mapper.leaf, index(at, 0) + i, word & !RIGHTS | GLOBAL_READ_ONLY & RIGHTS);
        }
        Ok(())
    })
}
