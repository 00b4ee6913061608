//! A memory map as data: what `memory_map!` writes down, and what a program may build at run time.
//!
//! Nothing here is checked. The rules of [`crate::rule`] judge a [`Map`]; [`crate::plan`] turns one into tables. Names
//! are strings and references are by name, so that a wrong name is a finding like any other.
//!
//! `anchor` numbers tie an object to the tokens that declared it; at run time they are 0.

mod sharing;

pub use sharing::{Channel, Contents, Device, DmaWindow, Image, Input, Isolation, Section, Transition};

use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::Format;

/// A whole declaration.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// Its name.
    pub name: &'a str,
    /// Anchor of the declaration as such.
    pub anchor: u16,
    /// Format of every space that does not override it.
    pub format: Format,
    /// What is known of the CPU.
    pub cpu: Cpu<'a>,
    /// What the project decided.
    pub policy: Policy<'a>,
    /// What exists on the bus.
    pub resources: &'a [Resource<'a>],
    /// Address spaces.
    pub spaces: &'a [Space<'a>],
    /// Memory that spaces share on purpose.
    pub channels: &'a [Channel<'a>],
    /// Spaces that share nothing else.
    pub isolation: &'a [Isolation<'a>],
    /// DMA masters.
    pub devices: &'a [Device<'a>],
    /// Switches from one map to another.
    pub transitions: &'a [Transition<'a>],
}

/// What is known of the CPU.
#[derive(Clone, Copy, Debug)]
pub struct Cpu<'a> {
    /// Physical address bits; the format's default if `None`.
    pub pa_bits: Option<u32>,
    /// Optional features it is required to have; the format's default if `None`.
    pub features: Option<Features>,
    /// Granules or modes it offers; any if `None`.
    pub modes: Option<Features>,
    /// Start level of stage 2.
    pub start_level: Option<i32>,
    /// Bytes of MAIR.
    pub mair: Option<&'a [u64]>,
    /// Values of PAT.
    pub pat: Option<&'a [u64]>,
    /// Memory type ranges (MTRR).
    pub mtrr: &'a [Range<'a>],
    /// Physical memory protection entries (PMP).
    pub pmp: &'a [Range<'a>],
    /// Restrictions at table entries above the leaves.
    pub parents: &'a [Parent<'a>],
    /// Anchor of the block.
    pub anchor: u16,
}

impl Cpu<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self {
        pa_bits: None,
        features: None,
        modes: None,
        start_level: None,
        mair: None,
        pat: None,
        mtrr: &[],
        pmp: &[],
        parents: &[],
        anchor: 0,
    };
}

/// A named physical range with an attribute: an MTRR type, or the rights of a PMP entry.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// Its name.
    pub name: &'a str,
    /// First byte.
    pub base: u64,
    /// Bytes.
    pub size: u64,
    /// MTRR type or PMP rights, as text.
    pub kind: &'a str,
    /// Anchor.
    pub anchor: u16,
}

impl Range<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self { name: "", base: 0, size: 0, kind: "", anchor: 0 };
}

/// A restriction at a table entry (APTable, XNTable, R/W = 0 in an upper entry).
#[derive(Clone, Copy, Debug)]
pub struct Parent<'a> {
    /// Its name.
    pub name: &'a str,
    /// The space it belongs to.
    pub space: &'a str,
    /// First byte.
    pub virt: u64,
    /// Bytes.
    pub size: u64,
    /// Denies user access.
    pub deny_user: bool,
    /// Denies writes.
    pub deny_write: bool,
    /// Denies execution.
    pub deny_exec: bool,
    /// Anchor.
    pub anchor: u16,
}

impl Parent<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self {
        name: "",
        space: "",
        virt: 0,
        size: 0,
        deny_user: false,
        deny_write: false,
        deny_exec: false,
        anchor: 0,
    };
}

/// Which leaves the planner may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafPolicy {
    /// The largest that fits.
    Largest,
    /// Pages.
    PagesOnly,
}

/// What the project decided for all spaces.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Every stack has a guard.
    pub stack_guards: bool,
    /// Which leaves the planner may use.
    pub leaves: LeafPolicy,
    /// All tables lie below this address.
    pub tables_below: Option<u64>,
    /// A pool that all spaces take their tables from.
    pub table_pool: Option<Pool<'a>>,
}

impl Policy<'_> {
    /// Every field at its default.
    pub const BLANK: Self =
        Self { stack_guards: false, leaves: LeafPolicy::Largest, tables_below: None, table_pool: None };
}

/// Physical memory for tables.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'a> {
    /// Where.
    pub phys: Phys<'a>,
    /// Bytes.
    pub size: u64,
    /// Anchor.
    pub anchor: u16,
}

impl Pool<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self { phys: Phys::None, size: 0, anchor: 0 };
}

/// Something on the bus.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// Its name.
    pub name: &'a str,
    /// First byte.
    pub base: u64,
    /// Bytes.
    pub size: u64,
    /// Its memory type.
    pub memory: MemoryType,
    /// Nobody maps it.
    pub reserved: bool,
    /// The only space that maps it.
    pub owner: Option<&'a str>,
    /// Most that any map of it may grant.
    pub rights: Option<Rights>,
    /// The resource it is a part of.
    pub within: Option<&'a str>,
    /// Anchor.
    pub anchor: u16,
}

impl Resource<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self {
        name: "",
        base: 0,
        size: 0,
        memory: MemoryType::NormalWb,
        reserved: false,
        owner: None,
        rights: None,
        within: None,
        anchor: 0,
    };
}

/// A physical place.
#[derive(Clone, Copy, Debug)]
pub enum Phys<'a> {
    /// None.
    None,
    /// An address.
    At(u64),
    /// Bytes into a resource.
    In {
        /// The resource.
        resource: &'a str,
        /// Bytes into it.
        offset: u64,
    },
    /// Bytes into a channel.
    Channel {
        /// The channel.
        channel: &'a str,
        /// Bytes into it.
        offset: u64,
    },
}

/// A virtual place.
#[derive(Clone, Copy, Debug)]
pub enum Virt<'a> {
    /// An address.
    At(u64),
    /// Behind another region of the space (its upper guard included), plus a gap.
    After {
        /// The other region.
        region: &'a str,
        /// Bytes between.
        gap: u64,
    },
    /// The physical address.
    Identity,
}

/// What a space is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A kernel.
    Kernel,
    /// A boot map.
    Boot,
    /// The map in force after boot.
    Run,
    /// Firmware.
    Firmware,
    /// A partition in user mode.
    Partition,
    /// A guest behind a second stage.
    Guest,
}

impl Role {
    /// Kernel, boot, run and firmware spaces trust each other.
    #[must_use]
    pub const fn is_supervisor(self) -> bool {
        !matches!(self, Self::Partition | Self::Guest)
    }
}

/// One address space: one set of tables.
#[derive(Clone, Copy, Debug)]
pub struct Space<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub role: Role,
    /// Its format, where it is not the map's.
    pub format: Option<Format>,
    /// ASID, VMID or PCID.
    pub asid: Option<u32>,
    /// Most tables it may need.
    pub budget: Option<u32>,
    /// Where its tables lie.
    pub tables: Option<Tables<'a>>,
    /// Recursive slot of the root.
    pub self_map_slot: Option<u32>,
    /// The image that runs in it.
    pub image: Option<Image<'a>>,
    /// Its regions, in the order of their declaration.
    pub regions: &'a [Region<'a>],
    /// Anchor.
    pub anchor: u16,
}

impl Space<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self {
        name: "",
        role: Role::Kernel,
        format: None,
        asid: None,
        budget: None,
        tables: None,
        self_map_slot: None,
        image: None,
        regions: &[],
        anchor: 0,
    };
}

/// How tables come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In the image, where the linker puts them.
    Linked,
    /// In the image, at a declared address.
    Placed,
    /// Filled at boot into memory of the caller.
    BootFilled,
}

/// The tables of a space.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// How they come to be.
    pub placement: Placement,
    /// Placed: where. Linked and boot-filled: the resource they lie in, offset 0.
    pub phys: Phys<'a>,
    /// Linked: the region whose virtual addresses the linker gives them; `None` if it links physically.
    pub linked_in: Option<&'a str>,
    /// Bytes of the pool, where declared.
    pub size: Option<u64>,
    /// Hardware updates accessed and dirty bits.
    pub hw_ad: bool,
    /// Accessed and dirty bits are set in advance.
    pub preset_ad: bool,
    /// The tables are edited at run time.
    pub runtime_edit: bool,
    /// Anchor.
    pub anchor: u16,
}

impl Tables<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self {
        placement: Placement::Linked,
        phys: Phys::None,
        linked_in: None,
        size: None,
        hw_ad: false,
        preset_ad: false,
        runtime_edit: false,
        anchor: 0,
    };
}

/// What a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A map of physical memory.
    Map,
    /// A map with equal virtual and physical addresses.
    Identity,
    /// A linear map of RAM, which may alias.
    Linear,
    /// A virtual range filled at run time.
    Window,
    /// A stack.
    Stack,
    /// Never mapped.
    Guard,
    /// One end of a channel.
    Channel,
}

/// A waiver of one rule for one region.
#[derive(Clone, Copy, Debug)]
pub struct Waiver<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Anchor.
    pub anchor: u16,
}

impl Waiver<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self { rule: "", reason: "", anchor: 0 };
}

/// A range of virtual addresses.
#[derive(Clone, Copy, Debug)]
pub struct Region<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Its virtual start.
    pub virt: Virt<'a>,
    /// Its physical side.
    pub phys: Phys<'a>,
    /// Bytes; the rest of the resource or channel if `None`.
    pub size: Option<u64>,
    /// The linker symbol whose value says how many of them are used.
    pub size_symbol: Option<&'a str>,
    /// Rights.
    pub access: Access,
    /// The rights as written, where they are not made of `r`, `w` and `x`; empty otherwise.
    pub bad_rights: &'a str,
    /// Declared `user`.
    pub user: bool,
    /// Memory type, where it is not the resource's.
    pub memory: Option<MemoryType>,
    /// The leaf size it asks for.
    pub page: Option<u64>,
    /// The largest leaf it allows.
    pub page_max: Option<u64>,
    /// The smallest leaf it allows.
    pub page_min: Option<u64>,
    /// The run it asks for, in bytes.
    pub contiguous: Option<u64>,
    /// It occupies whole units of this many bytes; `Some(0)` is the page.
    pub round: Option<u64>,
    /// The region of the space it is a second map of.
    pub alias_of: Option<&'a str>,
    /// Valid for every address space.
    pub global: bool,
    /// It is there to edit tables.
    pub tables: bool,
    /// Guarded pages (BTI).
    pub bti: bool,
    /// Software field.
    pub software: Option<u64>,
    /// Raw memory attributes (PBMT, stage 2 MemAttr).
    pub raw_memory: Option<u64>,
    /// Dirty from the start.
    pub dirty: bool,
    /// Stack: bytes of guard below, 0 for none.
    pub guard_below: u64,
    /// Stack: bytes of guard above, 0 for none.
    pub guard_above: u64,
    /// Stack: it grows up.
    pub grows_up: bool,
    /// Stack: bytes it needs at worst.
    pub worst_case: Option<u64>,
    /// Guard: the stack it belongs to.
    pub guards: Option<&'a str>,
    /// Guard: the region it cuts a hole into.
    pub inside: Option<&'a str>,
    /// Waivers.
    pub waivers: &'a [Waiver<'a>],
    /// Requirement identifiers.
    pub requirements: &'a [&'a str],
    /// Anchor.
    pub anchor: u16,
}

impl Region<'_> {
    /// Every field at its default.
    pub const BLANK: Self = Self {
        name: "",
        kind: Kind::Map,
        virt: Virt::Identity,
        phys: Phys::None,
        size: None,
        size_symbol: None,
        access: Access { privileged: Rights::NONE, user: Rights::NONE },
        bad_rights: "",
        user: false,
        memory: None,
        page: None,
        page_max: None,
        page_min: None,
        contiguous: None,
        round: None,
        alias_of: None,
        global: false,
        tables: false,
        bti: false,
        software: None,
        raw_memory: None,
        dirty: false,
        guard_below: 0,
        guard_above: 0,
        grows_up: false,
        worst_case: None,
        guards: None,
        inside: None,
        waivers: &[],
        requirements: &[],
        anchor: 0,
    };
}
