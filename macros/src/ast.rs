//! What a declaration says. Each type shows the notation it stands for.
//!
//! Names are text and numbers are tokens: nothing is resolved here, the rules of the library judge both.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};

/// From the first to the last token of something.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) first: Span,
    pub(crate) last: Span,
}

impl Place {
    pub(crate) fn at(span: Span) -> Self {
        Self { first: span, last: span }
    }
}

/// A declared or referenced name: an identifier (keywords too), or a string for what is no identifier.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// Any constant expression, in which a literal may be followed by `KiB`, `MiB`, `GiB` or `TiB`.
///
/// ```text
/// 0x4000_0000          64 KiB          board::UART0_BASE + 2 * board::STRIDE
/// ```
#[derive(Clone)]
pub(crate) struct Expr {
    pub(crate) tokens: Vec<TokenTree>,
}

/// Any combination of `r`, `w`, `x`, or `none`: bit 0 read, bit 1 write, bit 2 execute.
pub(crate) type Rights = u8;

/// ```text
/// /// docs
/// #[req("SYS-12")]
/// ```
#[derive(Clone, Default)]
pub(crate) struct Attributes {
    /// `#[doc = "…"]`, and on the module every attribute.
    pub(crate) kept: Vec<TokenStream>,
    /// `#[cfg(…)]` of the module, which what stands beside it needs as well.
    pub(crate) conditions: Vec<TokenStream>,
    /// The literals of `#[req("…")]`.
    pub(crate) requirements: Vec<TokenTree>,
}

/// A whole declaration.
///
/// ```text
/// /// docs
/// pub mod virt for aarch64::El1<G4K, 39>;
/// cpu { … }  policy { … }  physical { … }  space kernel { … }
/// channel … ;  isolate … ;  dma … { … }  transition … ;
/// ```
pub(crate) struct Declaration {
    /// The crate, as `$crate` of the shell.
    pub(crate) krate: TokenStream,
    /// Not judged: nothing but the data is wanted.
    pub(crate) data_only: bool,
    pub(crate) attributes: Attributes,
    pub(crate) visibility: TokenStream,
    pub(crate) name: Ident,
    pub(crate) place: Place,
    pub(crate) regime: Option<TokenStream>,
    pub(crate) cpu: Cpu,
    pub(crate) policy: Policy,
    pub(crate) resources: Vec<Resource>,
    pub(crate) spaces: Vec<Space>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) isolation: Vec<Isolation>,
    pub(crate) devices: Vec<Device>,
    pub(crate) transitions: Vec<Transition>,
}

impl Declaration {
    /// Regions of all spaces.
    pub(crate) fn region_count(&self) -> usize {
        self.spaces.iter().map(|space| space.regions.len()).sum()
    }
}

/// ```text
/// cpu {
///     pa_bits = 40;  features = [lpa2, hafdbs];  modes = [G4K, G64K];  start_level = 1;
///     mair = [0xff, 0x04];  pat = [6, 4, 7, 0];
///     mtrr low : 0x0, 512 KiB, wb;
///     pmp  fw  : 0x8000_0000, 2 MiB, rx;
///     deny top in kernel : 0xffff_8000_0000_0000, 512 GiB, user write;
/// }
/// ```
#[derive(Default)]
pub(crate) struct Cpu {
    pub(crate) place: Option<Place>,
    pub(crate) pa_bits: Option<Expr>,
    /// Names of the constants of `Features`.
    pub(crate) features: Option<Vec<&'static str>>,
    /// Names of the constants of `Features`.
    pub(crate) modes: Option<Vec<&'static str>>,
    pub(crate) start_level: Option<Expr>,
    pub(crate) mair: Option<Vec<Expr>>,
    pub(crate) pat: Option<Vec<Expr>>,
    pub(crate) mtrr: Vec<Range>,
    pub(crate) pmp: Vec<Range>,
    pub(crate) parents: Vec<Parent>,
}

/// `mtrr low : 0x0, 512 KiB, wb;`
pub(crate) struct Range {
    pub(crate) name: Name,
    pub(crate) place: Place,
    pub(crate) base: Expr,
    pub(crate) size: Expr,
    pub(crate) kind: Name,
}

/// `deny top in kernel : 0xffff_8000_0000_0000, 512 GiB, user write exec;`
pub(crate) struct Parent {
    pub(crate) name: Name,
    pub(crate) place: Place,
    pub(crate) space: Name,
    pub(crate) virt: Expr,
    pub(crate) size: Expr,
    pub(crate) user: bool,
    pub(crate) write: bool,
    pub(crate) exec: bool,
}

/// `policy { stack_guards;  pages_only;  tables_below = 4 GiB;  table_pool = dram + 16 MiB, 64 KiB; }`
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) seen: bool,
    pub(crate) stack_guards: bool,
    pub(crate) pages_only: bool,
    pub(crate) tables_below: Option<Expr>,
    pub(crate) table_pool: Option<Pool>,
}

/// `table_pool = dram + 16 MiB, 64 KiB;`
pub(crate) struct Pool {
    pub(crate) place: Place,
    pub(crate) phys: Phys,
    pub(crate) size: Expr,
}

/// In `physical { … }`:
///
/// ```text
/// dram : 0x4000_0000, 1 GiB, normal;
/// fw   : 0x4000_0000, 2 MiB, normal, reserved, within dram;
/// buf  : board::BUF, 64 KiB, normal_nc, owner plc, rights rw;
/// ```
pub(crate) struct Resource {
    pub(crate) name: Name,
    pub(crate) place: Place,
    pub(crate) base: Option<Expr>,
    pub(crate) size: Option<Expr>,
    /// Name of a variant of `MemoryType`.
    pub(crate) memory: &'static str,
    pub(crate) reserved: bool,
    pub(crate) owner: Option<Name>,
    pub(crate) rights: Option<Rights>,
    pub(crate) within: Option<Name>,
}

/// `dram + 0x8_0000`, `channel telemetry + 4 KiB`, `0x4000_0000`, `board::DRAM`.
#[derive(Clone)]
pub(crate) enum Phys {
    /// A name, alone or before `+`: a resource, unless it is written in capitals and no resource has it.
    Named {
        name: Name,
        offset: Option<Expr>,
        whole: Expr,
    },
    Channel {
        name: Name,
        offset: Option<Expr>,
    },
    At(Expr),
}

/// `0xffff_ff80_0000_0000`, `after text + 64 KiB`, `identity`, `identity 0x900_0000`.
#[derive(Clone)]
pub(crate) enum Virt {
    At(Expr),
    After { region: Name, gap: Option<Expr> },
    Identity(Option<Expr>),
}

/// Name of a variant of `Role`.
pub(crate) type Role = &'static str;

/// ```text
/// space kernel { … }
/// space plc (user) for aarch64::El1<G4K, 39> { asid 3;  self_map 510;  tables …;  image … { … }  regions }
/// ```
pub(crate) struct Space {
    pub(crate) attributes: Attributes,
    pub(crate) name: Name,
    pub(crate) place: Place,
    pub(crate) role: Role,
    pub(crate) regime: Option<TokenStream>,
    pub(crate) asid: Option<Expr>,
    pub(crate) self_map: Option<Expr>,
    pub(crate) tables: Option<Tables>,
    pub(crate) image: Option<Image>,
    pub(crate) regions: Vec<Region>,
}

/// ```text
/// tables <= 8;                       linked; link addresses are physical
/// tables <= 8 in dram, 64 KiB;       the same, in a resource; a pool of that many bytes
/// tables <= 8 in data;               linked at the virtual addresses of a region
/// tables <= 8 at dram + 16 MiB;      placed
/// tables <= 8 at boot;               filled at boot into the caller's memory
/// tables in dram, hw_ad, preset_ad, runtime_edit;
/// ```
pub(crate) struct Tables {
    pub(crate) place: Place,
    pub(crate) budget: Option<Expr>,
    pub(crate) location: Location,
    pub(crate) size: Option<Expr>,
    pub(crate) hw_ad: bool,
    pub(crate) preset_ad: bool,
    pub(crate) runtime_edit: bool,
}

/// Where tables lie.
pub(crate) enum Location {
    Linked,
    /// A region of the space, or else a resource.
    LinkedIn(Name),
    Placed(Phys),
    Boot(Option<Name>),
}

/// `image firmware { entry 0x8000, symbol _start; section ".text" (rx) : 0x8000, 64 KiB, load 0x4000_8000; }`
pub(crate) struct Image {
    pub(crate) name: Name,
    pub(crate) place: Place,
    pub(crate) entry: Option<Expr>,
    pub(crate) entry_symbol: Option<Name>,
    pub(crate) sections: Vec<Section>,
}

/// ```text
/// section ".text"  (rx) : 0x8000, 64 KiB, load 0x4000_8000;
/// section ".text"  (rx) in text, keep ".init", from ".text";
/// section ".bss"   (rw) in data + 64 KiB, 64 KiB, nobits;
/// section ".stack" (rw) in stack, reserve;
/// ```
pub(crate) struct Section {
    pub(crate) name: Name,
    pub(crate) place: Place,
    pub(crate) rights: Rights,
    pub(crate) region: Option<Name>,
    /// Bytes into the region, where there is one.
    pub(crate) virt: Option<Expr>,
    pub(crate) size: Option<Expr>,
    pub(crate) load: Option<Expr>,
    /// Name of a variant of `Contents`.
    pub(crate) contents: &'static str,
    pub(crate) inputs: Vec<Input>,
}

/// `from ".text"`, `keep ".init"`
pub(crate) struct Input {
    pub(crate) name: Name,
    pub(crate) keep: bool,
}

/// In the parentheses behind a region's name.
///
/// ```text
/// (rx)  (rw, user)  (priv rw, user r)  (none)  (guard)  (rw, window)  (rw, linear)  (rw, stack)  (rw, global, tables)
/// ```
#[derive(Clone, Default)]
pub(crate) struct Grants {
    pub(crate) rights: Option<Rights>,
    pub(crate) privileged: Option<Rights>,
    pub(crate) user_rights: Option<Rights>,
    pub(crate) user: bool,
    pub(crate) guard: Option<Span>,
    pub(crate) window: Option<Span>,
    pub(crate) linear: Option<Span>,
    pub(crate) stack: Option<Span>,
    pub(crate) global: bool,
    pub(crate) tables: bool,
}

/// ```text
/// text  (rx) : 0xffff_ff80_4008_0000 => dram + 0x8_0000, 2 MiB;
/// data  (rw) : after text => dram + 0x28_0000, 1 MiB, page 4 KiB;
/// stack (rw) : 0xffff_ff90_0000_0000 => dram + 0x78_0000, 64 KiB, guard below;
/// uart0 (rw) : identity;
/// null  (guard) : 0x0, 4 KiB;
/// app   (rx) : 0x1_0000 => dram, symbol __app_size max 64 KiB;
/// ```
#[derive(Clone)]
pub(crate) struct Region {
    pub(crate) attributes: Attributes,
    pub(crate) name: Name,
    pub(crate) place: Place,
    /// As it was written, for its docs.
    pub(crate) text: String,
    pub(crate) grants: Grants,
    pub(crate) virt: Option<Virt>,
    pub(crate) phys: Option<Phys>,
    pub(crate) size: Option<Expr>,
    pub(crate) size_symbol: Option<Name>,
    pub(crate) clauses: Clauses,
}

/// What may follow a region's size, each behind a comma.
///
/// ```text
/// guard below  guard above 16 KiB  grows up  worst_case 12 KiB
/// page 2 MiB  page <= 2 MiB  page >= 2 MiB  contiguous 64 KiB  round  round 2 MiB
/// alias_of text  memory normal_nc  software 3  raw_memory 2  dirty  bti
/// of stack  inside heap  waive(wx, "the self-test patches code")
/// ```
#[derive(Clone, Default)]
pub(crate) struct Clauses {
    pub(crate) guard_below: Option<Guard>,
    pub(crate) guard_above: Option<Guard>,
    pub(crate) grows_up: bool,
    pub(crate) worst_case: Option<Expr>,
    pub(crate) page: Option<Expr>,
    pub(crate) page_max: Option<Expr>,
    pub(crate) page_min: Option<Expr>,
    pub(crate) contiguous: Option<Expr>,
    pub(crate) round: Option<Guard>,
    pub(crate) alias_of: Option<Name>,
    pub(crate) memory: Option<&'static str>,
    pub(crate) software: Option<Expr>,
    pub(crate) raw_memory: Option<Expr>,
    pub(crate) dirty: bool,
    pub(crate) bti: bool,
    pub(crate) of: Option<Name>,
    pub(crate) inside: Option<Name>,
    pub(crate) waivers: Vec<Waiver>,
}

/// A size that may be left out, which means one page.
#[derive(Clone)]
pub(crate) enum Guard {
    Page,
    Bytes(Expr),
}

/// `waive(rights_exceed_resource, "the loader needs it")`
#[derive(Clone)]
pub(crate) struct Waiver {
    pub(crate) place: Place,
    /// With dashes.
    pub(crate) rule: String,
    pub(crate) reason: Option<Expr>,
}

/// `channel telemetry : 16 KiB in dram + 2 MiB, plc -> hmi, log;` (`<->` for both ways)
pub(crate) struct Channel {
    pub(crate) name: Name,
    pub(crate) place: Place,
    pub(crate) size: Expr,
    pub(crate) phys: Phys,
    pub(crate) from: Name,
    pub(crate) to: Vec<Name>,
    pub(crate) two_way: bool,
}

/// `isolate plc, hmi except telemetry;`
pub(crate) struct Isolation {
    pub(crate) place: Place,
    pub(crate) spaces: Vec<Name>,
    pub(crate) except: Vec<Name>,
}

/// `dma nic for plc (no_iommu, incoherent, addr_bits 32) { ring (rw) : 0x1000 => dram + 4 MiB, 64 KiB; }`
pub(crate) struct Device {
    pub(crate) name: Name,
    pub(crate) place: Place,
    pub(crate) owner: Name,
    pub(crate) iommu: bool,
    pub(crate) coherent: bool,
    pub(crate) addr_bits: Option<Expr>,
    pub(crate) windows: Vec<Window>,
}

/// `ring (rw) : 0x1000 => dram + 4 MiB, 64 KiB;`
pub(crate) struct Window {
    pub(crate) name: Name,
    pub(crate) place: Place,
    pub(crate) rights: Rights,
    pub(crate) iova: Expr,
    pub(crate) phys: Phys,
    pub(crate) size: Expr,
}

/// `transition start : off -> kernel, pc 0x4008_0000, sp 0x4010_0000, vectors 0x4008_0800, in_place, bbm;`
pub(crate) struct Transition {
    pub(crate) name: Name,
    pub(crate) place: Place,
    /// `None` for `off`.
    pub(crate) from: Option<Name>,
    pub(crate) to: Name,
    pub(crate) pc: Option<Expr>,
    pub(crate) sp: Option<Expr>,
    pub(crate) vectors: Option<Expr>,
    pub(crate) in_place: bool,
    pub(crate) bbm: bool,
}

/// What a region is, by its grants, its clauses and its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Map,
    Identity,
    Linear,
    Window,
    Stack,
    Guard,
    Channel,
}

impl Kind {
    /// The variant of the library's `Kind`.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Map => "Map",
            Self::Identity => "Identity",
            Self::Linear => "Linear",
            Self::Window => "Window",
            Self::Stack => "Stack",
            Self::Guard => "Guard",
            Self::Channel => "Channel",
        }
    }

    /// The word of the space's expansion.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Identity => "identity",
            Self::Linear => "linear",
            Self::Window => "window",
            Self::Stack => "stack",
            Self::Guard => "guard",
            Self::Channel => "channel",
        }
    }
}

impl Region {
    pub(crate) fn kind(&self) -> Kind {
        let clauses = &self.clauses;
        let stack = self.grants.stack.is_some()
            || clauses.guard_below.is_some()
            || clauses.guard_above.is_some()
            || clauses.grows_up
            || clauses.worst_case.is_some();
        if self.grants.guard.is_some() {
            Kind::Guard
        } else if self.grants.window.is_some() {
            Kind::Window
        } else if self.grants.linear.is_some() {
            Kind::Linear
        } else if stack {
            Kind::Stack
        } else if matches!(self.phys, Some(Phys::Channel { .. })) {
            Kind::Channel
        } else if matches!(self.virt, Some(Virt::Identity(_))) {
            Kind::Identity
        } else {
            Kind::Map
        }
    }

    /// Rights of the privileged level and of the user.
    pub(crate) fn access(&self) -> (Rights, Rights) {
        const DATA: Rights = 3;
        let grants = &self.grants;
        let rights = grants.rights.unwrap_or(0);
        match (grants.privileged, grants.user_rights) {
            (None, None) if grants.user => (rights & DATA, rights),
            (None, None) => (rights, 0),
            (privileged, user) => (privileged.unwrap_or(rights), user.unwrap_or(0)),
        }
    }
}
