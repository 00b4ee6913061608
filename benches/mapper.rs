//! A mapper under test.

use crate::walker::{Format, X86};

/// Where workloads map: aligned to everything.
pub const BASE: u64 = 0x4000_0000_0000;
/// What they map it to: no large leaf fits.
pub const PHYS: u64 = 0x1_0000_1000;
/// Bytes of a page.
pub const PAGE: u64 = 4096;

/// What the kernel may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Read.
    R,
    /// Read and write.
    Rw,
    /// Read and execute.
    Rx,
}

/// A range, and what it is mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where it starts.
    pub virt: u64,
    /// What its first byte translates to.
    pub phys: u64,
    /// Its bytes.
    pub bytes: u64,
    /// The rights.
    pub rights: Rights,
    /// Whether there are registers behind it.
    pub device: bool,
}

impl Region {
    /// Data.
    #[must_use]
    pub const fn data(virt: u64, phys: u64, bytes: u64) -> Self {
        Self { virt, phys, bytes, rights: Rights::Rw, device: false }
    }

    /// The same with other rights.
    #[must_use]
    pub const fn with(self, rights: Rights) -> Self {
        Self { rights, ..self }
    }
}

/// The largest leaves that fit: where, to what, of how many bytes.
pub fn largest(region: &Region) -> impl Iterator<Item = (u64, u64, u64)> + use<> {
    let Region { virt, phys, bytes, .. } = *region;
    let mut done = 0;
    std::iter::from_fn(move || {
        let (virt, phys, left) = (virt + done, phys + done, bytes - done);
        let fits = |size: &u64| (virt | phys).is_multiple_of(*size) && left >= *size;
        let size = [1 << 30, 2 << 20, PAGE].into_iter().find(fits)?;
        done += size;
        Some((virt, phys, size))
    })
}

/// An answer; `None` from what cannot do it. Errors panic.
pub type Answer = Option<u64>;
/// Done, without an answer.
pub const DONE: Answer = Some(0);

/// Something that edits page tables. Everything is ordinary data of 4 KiB pages, readable and writable until it is
/// protected, unless a [`Region`] says otherwise.
pub trait Mapper: Sized {
    /// In tables.
    const NAME: &'static str;
    /// How its tables are read.
    const FORMAT: Format = X86;

    /// A space without mappings, its tables from an arena that is [reset](crate::arena::reset).
    fn new() -> Self;
    /// Where its root is.
    fn root(&self) -> u64;

    /// Maps pages one by one.
    fn map_each(&mut self, _: impl Iterator<Item = (u64, u64)>) -> Answer {
        None
    }
    /// Maps a range by one call.
    fn map_range(&mut self, _: &Region) -> Answer {
        None
    }
    /// The same by leaves, where there is no such call.
    fn map_largest(&mut self, region: &Region) -> Answer {
        self.map_range(region)
    }
    /// Makes pages read-only, one by one.
    fn protect_each(&mut self, _: impl Iterator<Item = u64>) -> Answer {
        None
    }
    /// The same by one call.
    fn protect_range(&mut self, _: &Region) -> Answer {
        None
    }
    /// Unmaps pages one by one.
    fn unmap_each(&mut self, _: impl Iterator<Item = u64>) -> Answer {
        None
    }
    /// The same by one call.
    fn unmap_range(&mut self, _: &Region) -> Answer {
        None
    }
    /// The same, and the tables go back.
    fn reclaim(&mut self, _: &Region) -> Answer {
        None
    }
    /// The sum of what addresses translate to, modulo 2^64.
    fn translate_each(&self, _: impl Iterator<Item = u64>) -> Answer {
        None
    }
    /// The same with nothing remembered from one to the next.
    fn translate_alone(&self, pages: impl Iterator<Item = u64>) -> Answer {
        self.translate_each(pages)
    }
    /// Maps each page, and unmaps it at once.
    fn flip_each(&mut self, _: impl Iterator<Item = (u64, u64)>) -> Answer {
        None
    }
    /// Splits leaves of 2 MiB into pages.
    fn split_each(&mut self, _: impl Iterator<Item = u64>) -> Answer {
        None
    }
    /// Makes leaves of 2 MiB of pages.
    fn promote_each(&mut self, _: impl Iterator<Item = u64>) -> Answer {
        None
    }
    /// Opens the tables as if somebody else had made them, and counts leaves.
    fn open_and_count(&mut self) -> Answer {
        None
    }
}
