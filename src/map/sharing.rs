//! What lies between spaces and around them: channels, isolation, DMA, images, transitions.

use super::Phys;
use crate::attr::Rights;

/// Memory that spaces share on purpose.
#[derive(Clone, Copy, Debug)]
pub struct Channel<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where.
    pub phys: Phys<'a>,
    /// Bytes.
    pub size: u64,
    /// The space that writes.
    pub from: &'a str,
    /// The spaces that receive.
    pub to: &'a [&'a str],
    /// Receivers write too.
    pub two_way: bool,
    /// Anchor.
    pub anchor: u16,
}

impl Channel<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self { name: "", phys: Phys::None, size: 0, from: "", to: &[], two_way: false, anchor: 0 };
}

/// Spaces that share no memory.
#[derive(Clone, Copy, Debug)]
pub struct Isolation<'a> {
    /// The spaces, every pair of them.
    pub spaces: &'a [&'a str],
    /// Channels that are excepted.
    pub except: &'a [&'a str],
    /// Anchor.
    pub anchor: u16,
}

impl Isolation<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self { spaces: &[], except: &[], anchor: 0 };
}

/// A DMA master.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// Its name.
    pub name: &'a str,
    /// The space it works for.
    pub owner: &'a str,
    /// It sits behind an IOMMU.
    pub iommu: bool,
    /// Width of its addresses.
    pub addr_bits: Option<u32>,
    /// Its accesses are coherent with the caches.
    pub coherent: bool,
    /// What it reaches.
    pub windows: &'a [DmaWindow<'a>],
    /// Anchor.
    pub anchor: u16,
}

impl Device<'_> {
    /// Every field at its default.
    pub const BLANK: Self =
        Self { name: "", owner: "", iommu: false, addr_bits: None, coherent: true, windows: &[], anchor: 0 };
}

/// A range a DMA master reaches.
#[derive(Clone, Copy, Debug)]
pub struct DmaWindow<'a> {
    /// Its name.
    pub name: &'a str,
    /// First device address.
    pub iova: u64,
    /// Where.
    pub phys: Phys<'a>,
    /// Bytes.
    pub size: u64,
    /// Rights.
    pub rights: Rights,
    /// Anchor.
    pub anchor: u16,
}

impl DmaWindow<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self { name: "", iova: 0, phys: Phys::None, size: 0, rights: Rights::NONE, anchor: 0 };
}

/// The image that runs in a space.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// Its name.
    pub name: &'a str,
    /// Entry point.
    pub entry: Option<u64>,
    /// The linker symbol that lies there.
    pub entry_symbol: Option<&'a str>,
    /// Its sections.
    pub sections: &'a [Section<'a>],
    /// Anchor.
    pub anchor: u16,
}

impl Image<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self { name: "", entry: None, entry_symbol: None, sections: &[], anchor: 0 };
}

/// A section of an image.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    /// Its name.
    pub name: &'a str,
    /// The region that it was placed in by name.
    pub region: Option<&'a str>,
    /// Link address; bytes into the region, where there is a name.
    pub virt: u64,
    /// The most bytes it may have; 0 is the rest of the region, where there is a name.
    pub size: u64,
    /// Rights.
    pub rights: Rights,
    /// Load address; what the space maps it to, if it is left out.
    pub lma: Option<u64>,
    /// What the file holds of it.
    pub contents: Contents,
    /// The input sections it is made of; those of its own name, if there are none.
    pub inputs: &'a [Input<'a>],
    /// Anchor.
    pub anchor: u16,
}

impl Section<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self {
        name: "",
        region: None,
        virt: 0,
        size: 0,
        rights: Rights::NONE,
        lma: None,
        contents: Contents::Loaded,
        inputs: &[],
        anchor: 0,
    };
}

/// What the file holds of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Its bytes.
    Loaded,
    /// Nothing.
    NoBits,
    /// Nothing; it has all the bytes it may have, and no input.
    Reserved,
}

/// Input sections of a name, and those whose name goes on with a dot.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Their name.
    pub name: &'a str,
    /// They stay if nothing refers to them.
    pub keep: bool,
}

impl Input<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self { name: "", keep: false };
}

/// A switch from one map to another.
#[derive(Clone, Copy, Debug)]
pub struct Transition<'a> {
    /// Its name.
    pub name: &'a str,
    /// The map before; `None` if the MMU was off.
    pub from: Option<&'a str>,
    /// The map after.
    pub to: &'a str,
    /// The address of the code that switches.
    pub pc: Option<u64>,
    /// The top of a live full-descending stack.
    pub sp: Option<u64>,
    /// The exception vectors.
    pub vectors: Option<u64>,
    /// A live edit of one root.
    pub in_place: bool,
    /// Break-before-make is performed.
    pub bbm: bool,
    /// Anchor.
    pub anchor: u16,
}

impl Transition<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self {
        name: "",
        from: None,
        to: "",
        pc: None,
        sp: None,
        vectors: None,
        in_place: false,
        bbm: false,
        anchor: 0,
    };
}
