//! The address space: its roots, where its tables come from, and whether hardware uses it.

use core::fmt;

use super::kind::{Kind, Live, Offline, State};
use super::node::Node;
use super::share::Borders;
use super::tree::Tree;
use super::unseen::Unseen;
use crate::addr::PhysAddr;
use crate::flush::{Id, Maintain, covers_every_change};
use crate::format::{Format, Lawful};
use crate::regime::Regime;
pub use crate::space::Roots;
use crate::tables::{TableAccess, TableMemory, row};

/// The format of a kind as one constant in memory, which code refers to and does not copy; lawful, or it does not compile.
pub(crate) const fn format_of<K: Kind>() -> &'static Format {
    const {
        let () = Lawful::<K::Regime>::PROVEN;
        let duties = <K::Regime as Maintain>::DUTIES;
        assert!(
            covers_every_change(duties),
            "a change has no line in the regime's table of obligations, or owes too little"
        );
        &<K::Regime as Regime>::FORMAT
    }
}

/// Which halves of the input range a space gets roots for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halves {
    /// The lower range.
    Lower,
    /// The upper range.
    Upper,
    /// Both.
    Both,
}

/// One set of tables, and the right to edit them.
///
/// [`Offline`] spaces are used by no core: edits owe nothing and are safe. [`Live`] spaces may be walked at any time: edits are
/// `unsafe`, for the code that runs may stand on what they change, and return what they owe.
///
/// ```text
///   new, from_roots ─► Offline ── activate, assume_live ─► Live ◄─ open_active
///                       │  ▲                                │
///     free, into_roots ─┘  └──── flush of what it owes ──── retire
/// ```
///
/// # Invariants
/// 1. The roots, which are aligned to their size, and every table that their entries lead to, are reached by `memory`, and
///    nobody else edits them.
/// 2. Tables below root entries in `borders.shared`, and below a root entry that points to its own root, are not owned: they are
///    neither edited nor freed.
#[derive(Debug)]
#[repr(C)] // Spaces of a kind and of its brands are laid out alike.
#[must_use = "dropping an address space leaks its tables; `free` gives them back, `into_roots` hands them over"]
pub struct AddressSpace<K: Kind, St: State = Offline> {
    pub(super) roots: Roots,
    pub(super) memory: K::Memory,
    pub(super) hardware: St::Hardware<K>,
    pub(super) id: Id,
    pub(super) borders: Borders,
    pub(super) unseen: Unseen,
}

impl<K: Kind> AddressSpace<K, Offline> {
    /// A space in which nothing is mapped. Where one root serves both halves, there is one whatever `halves` says.
    ///
    /// # Errors
    /// [`NewError`]; then nothing was allocated.
    pub fn new(mut memory: K::Memory, halves: Halves) -> Result<Self, NewError> {
        const { not_of_a_brand::<K>() };
        let format = format_of::<K>();
        if !format.upper_half && !matches!(halves, Halves::Lower) {
            return Err(NewError::NoUpperHalf);
        }
        let split = format.split_roots;
        let lower = if split && matches!(halves, Halves::Upper) { None } else { Some(new_root::<K>(&mut memory)?) };
        let upper = if split && !matches!(halves, Halves::Lower) {
            match new_root::<K>(&mut memory) {
                Ok(root) => Some(root),
                Err(error) => {
                    if let Some(root) = lower {
                        // SAFETY: it was allocated above, and nothing points to it.
                        unsafe { memory.free(PhysAddr::new(root), format.root_tables() as usize) };
                    }
                    return Err(error);
                }
            }
        } else {
            None
        };
        Ok(Self {
            roots: Roots { lower, upper },
            memory,
            hardware: (),
            id: Id::Every,
            borders: Borders::NONE,
            unseen: Unseen::NOTHING,
        })
    }

    /// The space of tables that are there already.
    ///
    /// # Safety
    /// The tables at `roots` are of this regime and not used by hardware, `memory` reaches them, and nobody else edits
    /// them. One entry points to each, but for entries of a root that point to it. Those that `memory` did not allocate it
    /// must leave alone in `free`. No run in them is larger than [`Kind::LARGEST_LEAF`].
    ///
    /// # Errors
    /// [`OpenError`] if a root is missing, unaligned or out of reach.
    pub unsafe fn from_roots(roots: Roots, memory: K::Memory) -> Result<Self, OpenError> {
        const { not_of_a_brand::<K>() };
        check_roots::<K>(&roots, &memory)?;
        Ok(Self { roots, memory, hardware: (), id: Id::Every, borders: Borders::NONE, unseen: Unseen::NOTHING })
    }

    /// The same space, which hardware may use from now on.
    ///
    /// # Safety
    /// What the program uses while the tables are in use is mapped as it uses it, and no physical memory that a mapping
    /// names is used in conflict with it. `hardware` is the core that runs this whenever the space is edited, and any other
    /// value of the type is the core that uses it. Cores tag what they cache of the space with its [`id`](Self::id).
    /// Where the kind's reach is one core, that core alone edits the space, and flushes the tokens.
    pub unsafe fn assume_live(self, hardware: K::Hardware) -> AddressSpace<K, Live> {
        let Self { roots, memory, id, borders, unseen, .. } = self;
        AddressSpace { roots, memory, hardware, id, borders, unseen }
    }

    /// Gives up the space: whoever has the roots owns the tables.
    #[must_use]
    pub fn into_roots(self) -> (Roots, K::Memory) {
        (self.roots, self.memory)
    }
}

impl<K: Kind, St: State> AddressSpace<K, St> {
    /// The roots, for the registers.
    #[must_use]
    pub const fn roots(&self) -> Roots {
        self.roots
    }

    /// The identifier (ASID, VMID, PCID) that translations of the space are tagged with.
    #[must_use]
    pub const fn id(&self) -> Id {
        self.id
    }

    /// Where its tables come from.
    #[must_use]
    pub const fn memory(&self) -> &K::Memory {
        &self.memory
    }

    /// The tables, for one operation.
    #[inline(always)]
    pub(super) fn tree(&mut self) -> Tree<'_, K, St::Ledger<'_, K>> {
        let ledger = St::ledger(&mut self.hardware, &mut self.unseen, self.id, &self.borders);
        Tree::new(&self.roots, &self.borders, &mut self.memory, ledger)
    }

    /// The root that translates `virt`, which is canonical.
    pub(crate) fn root_of(&self, virt: u64) -> Option<Node> {
        let format = format_of::<K>();
        let root = if format.split_roots && format.is_upper(virt) { self.roots.upper } else { self.roots.lower };
        root.map(|root| Node::root(format, PhysAddr::new(root), virt))
    }
}

impl<K: Kind> AddressSpace<K, Offline> {
    /// The same space with that identifier: its translations are tagged with it once it is live.
    pub fn with_id(self, id: Id) -> Self {
        Self { id, ..self }
    }
}

/// A brand has the one space that it was made for.
const fn not_of_a_brand<K: Kind>() {
    assert!(!K::BRANDED, "a brand has one space already: make a space of the kind itself, and brand that");
}

fn new_root<K: Kind>(memory: &mut K::Memory) -> Result<u64, NewError> {
    let format = format_of::<K>();
    let tables = const { format_of::<K>().root_tables() as usize };
    let root = memory.allocate(tables).ok_or(NewError::OutOfTables { tables })?;
    let node = Node::fresh(root, format.levels - 1);
    let entries = node.entries::<K::Regime>();
    if <K::Memory as TableAccess<K::Regime>>::STAYS
        && tables == 1
        && let Some(at) = memory.whole(root)
    {
        // SAFETY: the memory was allocated as a root, which has so many entries, and nobody has it yet.
        unsafe { row::clear::<K::Regime>(at, entries) };
        return Ok(root.as_u64());
    }
    for index in 0..entries {
        // SAFETY: as above.
        unsafe { memory.store(node.at::<K::Regime>(index), 0) };
    }
    Ok(root.as_u64())
}

fn check_roots<K: Kind>(roots: &Roots, memory: &K::Memory) -> Result<(), OpenError> {
    let format = format_of::<K>();
    if !format.split_roots && roots.upper.is_some() {
        return Err(OpenError::OneRoot);
    }
    if roots.lower.is_none() && roots.upper.is_none() {
        return Err(OpenError::NoRoot);
    }
    let bytes = u64::from(format.entry_bytes) << format.root_bits();
    if roots.lower == roots.upper {
        return Err(OpenError::SameRoot);
    }
    for root in [roots.lower, roots.upper].into_iter().flatten() {
        if root & (bytes.max(u64::from(format.entry_bytes)) - 1) != 0 {
            return Err(OpenError::Unaligned { root: PhysAddr::new(root) });
        }
        let node = Node::root(format, PhysAddr::new(root), 0);
        if memory.load(node.at::<K::Regime>(0)).is_none() {
            return Err(OpenError::NoTable { root: PhysAddr::new(root) });
        }
    }
    Ok(())
}

/// Why there is no new space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewError {
    /// The memory for tables is used up.
    OutOfTables {
        /// How many in a row the root needs.
        tables: usize,
    },
    /// The regime has one range of input addresses.
    NoUpperHalf,
}

impl fmt::Display for NewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfTables { tables: 1 } => f.write_str("there is no memory for a root table"),
            Self::OutOfTables { tables } => write!(f, "there is no memory for a root of {tables} tables in a row"),
            Self::NoUpperHalf => f.write_str("the regime has no upper half"),
        }
    }
}

impl core::error::Error for NewError {}

/// Why tables that are there are no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// There is none.
    NoRoot,
    /// There are two, and in this regime one serves both halves.
    OneRoot,
    /// Both halves have the same: an edit of one would be an edit of the other.
    SameRoot,
    /// A root is not aligned to its size.
    Unaligned {
        /// Where it is.
        root: PhysAddr,
    },
    /// The memory does not reach a root.
    NoTable {
        /// Where it should be.
        root: PhysAddr,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoot => f.write_str("a space has at least one root"),
            Self::SameRoot => f.write_str("both halves have the same root, so that an edit of one changes the other"),
            Self::OneRoot => f.write_str("one root serves both halves in this regime"),
            Self::Unaligned { root } => write!(f, "the root at {root:?} is not aligned to its size"),
            Self::NoTable { root } => write!(f, "the root at {root:?} is out of reach"),
        }
    }
}

impl core::error::Error for OpenError {}
