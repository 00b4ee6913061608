//! The contract between the architectures and everything else: a page-table format as plain data.
//!
//! A [`Format`] says how many levels there are, which input bits each translates, and which bits of an entry carry
//! what. Generic code encodes and decodes entries through it and never names an architecture; an architecture fills one
//! in as a `const`. Everything here is `const fn` over plain integers, because constant evaluation pays for each call.
//!
//! # Formats of your own
//!
//! A device with an MMU of its own needs no more than its bits. [`Format::BLANK`] has all fields, so only what differs is
//! named, and [`Format::assert_lawful`] proves that the fields do not contradict each other; an address space of a regime
//! that breaks a [`Law`] does not compile.
//!
//! ```
//! use tablature::attr::{Access, MemoryType, Rights};
//! use tablature::format::{AddressField, Format, Pattern};
//! use tablature::regime::Regime;
//! use tablature::regime::typenum::{U9, U12};
//!
//! const VALID: u64 = 1 << 0;
//! const LARGE: u64 = 1 << 1;
//! const WRITE: u64 = 1 << 2;
//!
//! /// A GPU: 39 bits of address in three levels of nine, pages of 4 KiB and 2 MiB, and it snoops.
//! struct Gpu;
//!
//! impl Regime for Gpu {
//!     const FORMAT: Format = Format { present: VALID, ..Format::of_levels("GPU", 12, &[9, 9, 9]) }
//!         .with_addresses(AddressField::in_place(0xffff_ffff_f000), 48)
//!         .with_pointers(Pattern::new(VALID | LARGE, VALID), VALID)
//!         .with_leaves(0, Pattern::new(VALID, VALID), VALID)
//!         .with_leaves(1, Pattern::new(VALID | LARGE, VALID | LARGE), VALID | LARGE)
//!         .with_rights(WRITE, &[(Access::kernel(Rights::R), 0), (Access::kernel(Rights::RW), WRITE)])
//!         .with_memory(0, &[(MemoryType::NormalWb, 0)]);
//!     type PageShift = U12;
//!     type IndexBits = U9;
//! }
//!
//! const _: () = Gpu::FORMAT.assert_lawful();
//! ```
//!
//! `memory_map! { mod card for crate::Gpu; … }` declares tables of it, where `Gpu` is as public as the map.
//! What changes of live tables owe, and the instructions that do it, are an implementation of
//! [`Maintain`](crate::flush::Maintain); leaf sizes that the types know are one of [`HasLeaf`](crate::page::HasLeaf).

use crate::attr::{Access, Features, MemoryType, Rights};

mod bounds;
mod build;
mod decode;
mod encoding;
mod inherit;
mod law;
mod plain;
mod shape;
mod slots;

pub(crate) use bounds::clamp;
pub(crate) use decode::shows_pointers;
pub use encoding::{LeafEncoding, Moves};
pub use inherit::{Effect, Inherited};
pub use law::{Law, Lawful};

/// Most lookup levels that any format has.
pub const MAX_LEVELS: usize = 6;
/// Marks a memory type or an [`Access`] that a format cannot encode.
pub const NOT_ENCODABLE: u64 = u64::MAX;

/// Bits to look at and the value they have.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// The bits that count.
    pub mask: u64,
    /// Their value.
    pub value: u64,
}

impl Pattern {
    /// Matches nothing.
    pub const NEVER: Self = Self { mask: 0, value: 1 };

    /// Whether no word has the pattern.
    #[must_use]
    pub const fn is_never(self) -> bool {
        self.value & !self.mask != 0
    }

    /// Whether `word` has the pattern.
    #[must_use]
    #[inline(always)]
    pub const fn matches(self, word: u64) -> bool {
        word & self.mask == self.value
    }
}

/// Where leaves exist.
#[derive(Clone, Copy, Debug)]
pub enum LeafForm {
    /// This level has no leaves.
    None,
    /// Always.
    Always,
    /// Where the CPU has the feature.
    With(Features),
}

/// One lookup level. Level 0 is the last one (pages); the root is level `levels - 1`.
#[derive(Clone, Copy, Debug)]
pub struct LevelFormat {
    /// Lowest input bit this level translates: log2 of the bytes one entry covers.
    pub shift: u32,
    /// Index bits of a table that is not the root.
    pub bits: u32,
    /// Whether entries here can be leaves.
    pub form: LeafForm,
    /// Which present entries are leaves.
    pub leaf: Pattern,
    /// Bits set in every leaf.
    pub leaf_set: u64,
    /// Fields that lie elsewhere in leaves here than in pages.
    pub moves: Moves,
    /// Which present entries point to a table.
    pub table: Pattern,
    /// Bits set in every table pointer.
    pub table_set: u64,
    /// 0 for the page encoding of the memory type, 1 for that of blocks.
    pub memory: usize,
    /// What a table pointer does to the leaves below it: the pattern is one of the pointer.
    pub inherit: &'static [Effect],
}

impl LevelFormat {
    /// A level that does not exist.
    pub const NONE: Self = Self {
        shift: 0,
        bits: 0,
        form: LeafForm::None,
        leaf: Pattern::NEVER,
        leaf_set: 0,
        moves: Moves::NONE,
        table: Pattern::NEVER,
        table_set: 0,
        memory: 0,
        inherit: &[],
    };

    /// Bytes that one entry covers.
    #[must_use]
    pub const fn size(&self) -> u64 {
        1 << self.shift
    }
}

/// Where the address of a leaf or table lies in an entry.
#[derive(Clone, Copy, Debug)]
pub struct AddressField {
    /// Address bits that keep their order.
    pub mask: u64,
    /// The entry holds them shifted right by this much (2 on RISC-V).
    pub shift_right: u32,
    /// Lowest address bit of a second group (52-bit output addresses), and how many there are.
    pub high_from: u32,
    /// How many bits the second group has.
    pub high_bits: u32,
    /// Entry bit where the second group starts.
    pub high_to: u32,
}

impl AddressField {
    /// All address bits in place below bit 52, above the page offset.
    #[must_use]
    pub const fn in_place(mask: u64) -> Self {
        Self { mask, shift_right: 0, high_from: 0, high_bits: 0, high_to: 0 }
    }

    /// The entry bits of `address`.
    #[must_use]
    #[inline(always)]
    pub const fn encode(self, address: u64) -> u64 {
        let high = (address >> self.high_from) & ((1 << self.high_bits) - 1);
        ((address & self.mask) >> self.shift_right) | (high << self.high_to)
    }

    /// The same of an address that has no bits but those that the field holds.
    #[inline(always)]
    pub(crate) const fn place(self, address: u64) -> u64 {
        if self.high_bits == 0 { address >> self.shift_right } else { self.encode(address) }
    }

    /// The address in an entry.
    #[must_use]
    #[inline(always)]
    pub const fn decode(self, word: u64) -> u64 {
        let high = (word >> self.high_to) & ((1 << self.high_bits) - 1);
        ((word << self.shift_right) & self.mask) | (high << self.high_from)
    }

    /// Every entry bit the address may occupy.
    #[must_use]
    pub const fn bits(self) -> u64 {
        (self.mask >> self.shift_right) | (((1 << self.high_bits) - 1) << self.high_to)
    }
}

/// A run of entries that one TLB entry may hold (contiguous bit, NAPOT).
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Bytes of the whole run; 0 if there is no such run.
    pub size: u64,
    /// Level of its entries.
    pub level: usize,
    /// Bits set in each entry.
    pub set: u64,
    /// Whether each entry holds the start of the run (NAPOT) and not its own address.
    pub fold: bool,
    /// Feature it needs.
    pub feature: Features,
    /// How its entries are encoded, where not as the leaves of their level are.
    pub leaf: Option<LeafEncoding>,
}

impl Run {
    /// No run.
    pub const NONE: Self = Self { size: 0, level: 0, set: 0, fold: false, feature: Features::NONE, leaf: None };
}

/// A register that gives memory-type indices their meaning (MAIR, PAT).
#[derive(Clone, Copy, Debug)]
pub struct MemoryRegister {
    /// Its name; empty if the format has none.
    pub name: &'static str,
    /// Bitmap of the legal values 0..256.
    pub legal: [u64; 4],
    /// Values that are legal only with a feature.
    pub gated: [(u8, Features); 3],
    /// The value of each [`MemoryType`]; above 255 where it has none.
    pub value: [u16; MemoryType::COUNT],
    /// The values of the eight slots.
    pub slots: [u8; 8],
}

impl MemoryRegister {
    /// No such register.
    pub const NONE: Self = Self {
        name: "",
        legal: [0; 4],
        gated: [(0, Features::NONE); 3],
        value: [u16::MAX; MemoryType::COUNT],
        slots: [0; 8],
    };

    /// Whether `value` is not reserved, given the CPU's features.
    #[must_use]
    pub const fn is_legal(&self, value: u8, features: Features) -> bool {
        let mut i = 0;
        while i < self.gated.len() {
            let (gated, feature) = self.gated[i];
            if gated == value && !feature.is_empty() {
                return features.contains(feature);
            }
            i += 1;
        }
        self.legal[value as usize / 64] >> (value % 64) & 1 == 1
    }
}

/// A field whose raw value a declaration may give (PBMT, stage 2 MemAttr).
#[derive(Clone, Copy, Debug)]
pub struct RawField {
    /// Lowest entry bit.
    pub shift: u32,
    /// Width; 0 if the format has no such field.
    pub bits: u32,
    /// Bitmap of reserved values.
    pub reserved: u32,
}

/// Everything a planner, a walker, a rule or an editor must know of a page-table format.
///
/// Its functions take levels below [`MAX_LEVELS`], and mean the last of these behind. Formats come from regimes: of one whose fields
/// contradict each other they may say anything, or panic.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// For messages: `"AArch64 EL1, 4 KiB granule, 39 bits"`.
    pub name: &'static str,

    /// log2 of the page size.
    pub page_shift: u32,
    /// log2 of the bytes of one table below the root.
    pub table_shift: u32,
    /// Lookup levels in use, root included.
    pub levels: usize,
    /// The levels, last first; those from `levels` on are what a deeper walk would add.
    pub level: [LevelFormat; MAX_LEVELS],
    /// Bytes of an entry: 8, or 4.
    pub entry_bytes: u32,

    /// Declared input width.
    pub input_bits: u32,
    /// Width of one contiguous range of input addresses.
    pub range_bits: u32,
    /// Whether there is a second range at the top of the 64-bit space.
    pub upper_half: bool,
    /// Whether each half has a root of its own.
    pub split_roots: bool,
    /// Least and greatest legal `input_bits`.
    pub legal_input_bits: (u32, u32),
    /// Output width without optional features; what `pa_bits` defaults to.
    pub output_bits: u32,
    /// Feature that output addresses above `output_bits` need.
    pub wide_output: Features,
    /// Output width that this format can encode at most.
    pub max_output_bits: u32,
    /// Pages by which concatenated roots may multiply (16 for stage 2), and 1 elsewhere.
    pub max_root_tables: u32,
    /// Output bits that the greatest legal number of levels asks for; (levels, bits).
    pub deep_start: (usize, u32),

    /// An entry with none of these bits is absent.
    pub present: u64,
    /// Address field of leaves and table pointers.
    pub address: AddressField,
    /// Entry bits of each [`Access`], by [`Access::index`].
    pub rights: [u64; 64],
    /// The bits that `rights` may set.
    pub rights_mask: u64,
    /// Rights bits of a leaf that make others count, whatever these are.
    pub implied: &'static [Effect],
    /// The same on a CPU with `update_feature`.
    pub updating: &'static [Effect],
    /// Entry bits of each memory type: pages, blocks.
    pub memory: [[u64; MemoryType::COUNT]; 2],
    /// The bits that `memory` may set.
    pub memory_mask: [u64; 2],
    /// Whether the bus gives the memory type and an entry only overrides it (RISC-V).
    pub inherent_memory: bool,
    /// Feature that an override of the memory type needs.
    pub memory_override: Features,
    /// Memory types that need a feature.
    pub memory_gate: [(MemoryType, Features); 1],
    /// Register behind the memory-type indices.
    pub memory_register: MemoryRegister,
    /// Entry bits of each slot of `memory_register`: pages, blocks.
    pub memory_slot: [[u64; 8]; 2],
    /// Bits that a memory type needs beside its slot (shareability).
    pub memory_share: [u64; MemoryType::COUNT],
    /// Field for raw memory attributes.
    pub raw_memory: RawField,
    /// Runs that entries can be marked to form.
    pub runs: [Run; 3],
    /// Set in a leaf valid for every address space.
    pub global: u64,
    /// The same in a leaf of a level whose memory types have the encoding of blocks.
    pub block_global: u64,
    /// Set in a leaf of one address space only.
    pub not_global: u64,
    /// Software field of a leaf: lowest bit, width.
    pub software: (u32, u32),
    /// Guarded-page bit (BTI) or 0.
    pub guarded: u64,
    /// Accessed bit that hardware would set in a leaf, where `leaf_set` does not have it.
    pub accessed: u64,
    /// Accessed bit of a table pointer.
    pub table_accessed: u64,
    /// Dirty bit that hardware would set in a writable leaf, where `leaf_set` does not have it.
    pub dirty: u64,
    /// Whether hardware updates accessed and dirty bits without being asked.
    pub always_updates: bool,
    /// Feature that lets hardware update accessed and dirty bits where it does not always.
    pub update_feature: Features,
    /// The bits that it then changes, in leaves and pointers, whoever wrote them.
    pub hardware_sets: u64,
    /// With this feature a dirty leaf that is not writable means something else (shadow stack).
    pub dirty_read_only: Features,

    /// Input addresses are guest-physical (stage 2, G-stage).
    pub guest: bool,
    /// There is a lower privilege that shares the tables.
    pub user: bool,
    /// Every leaf must be a user leaf (G-stage).
    pub user_required: bool,
    /// Write-only data is legal (stage 2).
    pub write_only: bool,
    /// Live changes of output, type or size need break-before-make.
    pub break_before_make: bool,
    /// Feature that frees changes of leaf size from break-before-make.
    pub free_resize: Features,
    /// Bits of an address-space identifier, and with the feature beside it.
    pub asid_bits: (u32, u32, Features),
    /// Feature that identifiers as such need.
    pub asid_feature: Features,
    /// The granule or mode as a feature, which the CPU must offer.
    pub mode: Features,
    /// The descriptors that the CPU reads where it has this feature (52-bit addresses).
    pub wide: Option<(Features, &'static Format)>,
    /// Features that this format needs always.
    pub needs: Features,
    /// Features assumed where a declaration lists none.
    pub default_features: Features,
    /// Without this feature everything is executable (x86 NX).
    pub no_execute: Features,
    /// With this feature entries hold an index into a register of permissions (permission indirection).
    pub free_rights: Features,
    /// Entry bits of each such index.
    pub rights_slot: [u64; 16],
}

/// An entry without its meaning at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Output address.
    pub address: u64,
    /// Rights.
    pub access: Access,
    /// Memory type.
    pub memory: MemoryType,
    /// Valid for every address space.
    pub global: bool,
    /// Bytes of the run the entry belongs to; 0 for none.
    pub run: u64,
    /// Software field.
    pub software: u8,
    /// Guarded page (BTI).
    pub guarded: bool,
}

/// What a raw word means at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Nothing is mapped.
    Absent,
    /// The next table.
    Table {
        /// Its address.
        address: u64,
    },
    /// A page or block.
    Leaf(Leaf),
    /// A present word whose meaning is reserved.
    Reserved,
}

impl Format {
    /// The page size in bytes.
    #[must_use]
    pub const fn page_size(&self) -> u64 {
        1 << self.page_shift
    }

    /// Bytes of one table below the root.
    #[must_use]
    pub const fn table_size(&self) -> u64 {
        1 << self.table_shift
    }

    /// Index bits of the root.
    #[must_use]
    #[inline(always)]
    pub const fn root_bits(&self) -> u32 {
        self.input_bits.saturating_sub(self.at(self.levels - 1).shift)
    }

    /// Index bits at `level`.
    #[must_use]
    #[inline(always)]
    pub const fn index_bits(&self, level: usize) -> u32 {
        if level + 1 == self.levels { self.root_bits() } else { self.at(level).bits }
    }

    /// Tables that the root occupies: 1, or 2 to 16 concatenated ones.
    #[must_use]
    pub const fn root_tables(&self) -> u32 {
        let bits = self.at(self.levels - 1).bits;
        // A start level far too low asks for more than a `u32` counts; any rule finds this many too many.
        let more = self.root_bits().saturating_sub(bits);
        1 << if more < 31 { more } else { 31 }
    }

    /// Index of `address` in its table at `level`.
    #[must_use]
    #[inline(always)]
    pub const fn index(&self, address: u64, level: usize) -> usize {
        let bits = self.index_bits(level);
        ((address >> self.at(level).shift) & ((1 << bits) - 1)) as usize
    }

    /// First address of the upper range; `None` if there is one range.
    #[must_use]
    pub const fn upper_start(&self) -> Option<u64> {
        if self.upper_half { Some(0u64.wrapping_sub(1 << self.range_bits)) } else { None }
    }

    /// Whether `address` is in a range that the format translates.
    #[must_use]
    #[inline(always)]
    pub const fn is_canonical(&self, address: u64) -> bool {
        address >> self.range_bits == 0 || (self.upper_half && address >= 0u64.wrapping_sub(1 << self.range_bits))
    }

    /// Whether `address` belongs to the upper range.
    #[must_use]
    #[inline(always)]
    pub const fn is_upper(&self, address: u64) -> bool {
        self.upper_half && address >= 0u64.wrapping_sub(1 << self.range_bits)
    }

    /// Whether leaves exist at `level` on a CPU with `features`.
    #[must_use]
    #[inline(always)]
    pub const fn has_leaf(&self, level: usize, features: Features) -> bool {
        match self.at(level).form {
            LeafForm::None => false,
            LeafForm::Always => true,
            LeafForm::With(feature) => features.contains(feature),
        }
    }

    /// Whether some entry keeps its memory from being executed (32-bit paging of x86 has none).
    #[must_use]
    pub const fn withholds_execution(&self) -> bool {
        let mut i = 0;
        while i < 64 {
            if self.rights[i] != NOT_ENCODABLE && !Access::from_index(i).any().contains(Rights::X) {
                return true;
            }
            i += 1;
        }
        !self.free_rights.is_empty()
    }

    /// The run of that many bytes.
    #[must_use]
    pub const fn run(&self, size: u64) -> Option<Run> {
        let mut i = 0;
        while i < self.runs.len() {
            if self.runs[i].size == size && size != 0 {
                return Some(self.runs[i]);
            }
            i += 1;
        }
        None
    }

    /// The word of a leaf at `level` without its address; `None` where the format has no encoding for it.
    #[must_use]
    #[inline(always)]
    pub const fn leaf_flags(&self, level: usize, leaf: &Leaf) -> Option<u64> {
        let form = self.at(level);
        let Some(encoding) = self.leaf_encoding(level, leaf.run) else { return None };
        let rights = self.rights[leaf.access.index()];
        let memory = self.memory_bits(form.memory, leaf.memory);
        if rights == NOT_ENCODABLE || memory == NOT_ENCODABLE || leaf.software as u64 >> self.software.1 != 0 {
            return None;
        }
        let not_global = if leaf.global { 0 } else { self.not_global };
        let mut word = encoding.leaf_set
            | encoding.moves.place(rights | memory | not_global)
            | (leaf.software as u64) << self.software.0;
        if leaf.global {
            word |= self.global_at(level);
        }
        if leaf.guarded {
            word |= self.guarded;
        }
        if leaf.run != 0
            && let Some(run) = self.run(leaf.run)
        {
            word |= run.set;
        }
        // Rights that have no place at this level.
        if word & !self.entry_mask() != 0 { None } else { Some(word) }
    }

    /// The word of a leaf at `level`; `None` where the format has no encoding for it.
    #[must_use]
    pub const fn encode_leaf(&self, level: usize, leaf: &Leaf) -> Option<u64> {
        match self.leaf_flags(level, leaf) {
            Some(flags) => Some(flags | self.address.encode(self.leaf_address(level, leaf))),
            None => None,
        }
    }

    const fn leaf_address(&self, level: usize, leaf: &Leaf) -> u64 {
        match self.run(leaf.run) {
            Some(run) if run.fold => leaf.address & !(run.size - 1),
            _ => leaf.address & !(self.at(level).size() - 1),
        }
    }

    /// Bits of a table pointer at `level`, with those of `extra` (a preset accessed bit) that are not reserved there.
    #[must_use]
    pub const fn pointer_flags(&self, level: usize, extra: u64) -> u64 {
        self.at(level).table_set | (extra & !self.at(level).table.mask)
    }

    /// The word of a pointer, at `level`, to the table at `address`.
    #[must_use]
    pub const fn encode_table(&self, level: usize, address: u64) -> u64 {
        self.at(level).table_set | self.address.encode(address)
    }
}
