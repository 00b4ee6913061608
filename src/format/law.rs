//! What must hold of every format.

use core::marker::PhantomData;

use typenum::Unsigned;

use super::{Format, MAX_LEVELS};
use crate::regime::Regime;

mod effects;
mod leaves;
mod shape;

use effects::effects;
use leaves::level_law;
use shape::{encodings, geometry};

macro_rules! laws {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A law that a format can break. Without it an encoded word may read back as another, or a walk leave its tables.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Law { $($(#[$doc])* $name,)* }

        impl Law {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What it asks for.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

laws! {
    /// The number of levels.
    LevelCount = "a format has one to six levels, and its root has a level";
    /// The size of an entry.
    EntryBytes = "entries have four bytes or eight";
    /// Levels cover all bits between the page and the root.
    LevelsContiguous = "levels are not contiguous: `shift` of each is `shift + bits` of the one below, and `page_shift` at level 0";
    /// Tables are large enough.
    TableSize = "a table of `table_shift` holds the `bits` of its level, and the root no more than `max_root_tables` of them";
    /// The width is that of the walk.
    InputWidth = "`input_bits` ends inside the root, `range_bits` is that or one less where two halves share it, and both are below 64";
    /// Addresses come back out of the address field.
    AddressField = "the address field holds every page and every table below `max_output_bits`";
    /// No bit of a leaf has two meanings.
    LeafFields = "two fields of a leaf overlap: address, `leaf_set`, rights, memory type, global, software, guarded, accessed, dirty, run";
    /// No bit of a pointer has two meanings.
    PointerFields = "two fields of a table pointer overlap: address and `table_set`";
    /// Four bytes hold 32 bits.
    EntryWidth = "a field lies above the bits that an entry has";
    /// Rights stay in their field.
    Rights = "each encodable access has bits inside `rights_mask`, and there is one";
    /// Memory types stay in their field.
    MemoryTypes = "each encodable memory type has bits inside `memory_mask`, and there is one";
    /// Leaves read as leaves.
    LeafPattern = "every encoded leaf matches the pattern `leaf` of its level, which looks at no field that varies";
    /// Leaves do not read as pointers.
    LeafIsNoPointer = "an encoded leaf matches the pattern `table` of its level";
    /// Pointers read as pointers.
    TablePattern = "`table_set` matches the pattern `table` of its level, which looks at no address bit of a table";
    /// What is encoded is there.
    Present = "every leaf and table pointer has a `present` bit, and `present` is not empty";
    /// Runs fit in tables.
    Runs = "a run is a power of two of leaves of its level that lie in one table";
    /// The software field is a byte.
    Software = "the software field has at most eight bits";
    /// 52-bit descriptors obey the same laws.
    Wide = "`wide` names one feature, and a format of as many levels that has no other";
    /// What pointers withhold and what rights imply concerns rights alone.
    Effects = "`inherit` and `implied` change rights and the global bit, and neither pointers nor rights as written change any";
    /// The types agree with the format.
    Types = "`PageShift` and `IndexBits` of the regime are `page_shift` and the `bits` of level 0";
}

impl Format {
    /// The first law that the format breaks.
    #[must_use]
    pub const fn broken_law(&self) -> Option<Law> {
        if self.levels == 0 || self.levels > MAX_LEVELS || self.level[self.levels - 1].bits == 0 {
            return Some(Law::LevelCount);
        }
        if self.entry_bytes != 8 && self.entry_bytes != 4 {
            return Some(Law::EntryBytes);
        }
        if let Some(law) = geometry(self) {
            return Some(law);
        }
        if let Some(law) = encodings(self) {
            return Some(law);
        }
        let mut level = 0;
        while level < self.levels {
            if let Some(law) = level_law(self, level) {
                return Some(law);
            }
            level += 1;
        }
        if let Some(law) = effects(self) {
            return Some(law);
        }
        match self.wide {
            Some((feature, wide)) if feature.is_empty() || wide.wide.is_some() || wide.levels != self.levels => {
                Some(Law::Wide)
            }
            Some((_, wide)) => wide.broken_law(),
            None => None,
        }
    }

    /// Whether the format obeys every [`Law`].
    #[must_use]
    pub const fn is_lawful(&self) -> bool {
        self.broken_law().is_none()
    }

    /// The compile-time proof that the format obeys every [`Law`].
    ///
    /// # Panics
    /// If it breaks one, with its text. In a constant that is an error of the compiler.
    #[track_caller]
    pub const fn assert_lawful(&self) {
        if let Some(law) = self.broken_law() {
            panic!("{}", law.text());
        }
    }
}

/// The proof that a regime's format is lawful: whoever edits tables of `R` names [`Lawful::PROVEN`].
///
/// ```compile_fail,E0080
/// use tablature::format::{Format, Lawful};
/// use tablature::regime::Regime;
/// use tablature::regime::typenum::{U9, U12};
///
/// struct Gpu;
///
/// impl Regime for Gpu {
///     // Levels, and nothing that an entry could say.
///     const FORMAT: Format = Format::of_levels("GPU", 12, &[9, 9, 9]);
///     type PageShift = U12;
///     type IndexBits = U9;
/// }
///
/// const _: () = Lawful::<Gpu>::PROVEN;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lawful<R>(PhantomData<R>);

impl<R: Regime> Lawful<R> {
    /// Does not compile for an unlawful regime.
    pub const PROVEN: () = {
        R::FORMAT.assert_lawful();
        let bits = R::FORMAT.level[0].bits;
        if <R::PageShift as Unsigned>::U32 != R::FORMAT.page_shift || <R::IndexBits as Unsigned>::U32 != bits {
            panic!("{}", Law::Types.text());
        }
    };
}
