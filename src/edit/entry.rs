//! Entries as types: what is mapped there, with which rights, and what may be done with it.

use super::levels::Levels;
use core::fmt;
use core::marker::PhantomData;

use super::cursor::Cursor;
use super::error::{MapError, Offender, UnmapError};
use super::kind::{Kind, State};
use super::leaves::can_withhold;
use super::node::Sort;
use super::page::{LevelOf, Spot, missing_leaf};
use super::protect::{Edit, Protect};
use super::range::RangeError;
use super::rights::{AnyRights, CanRead, CanWrite, Granted};
use super::space::format_of;
use crate::addr::VirtAddr;
use crate::attr::MemoryType;
use crate::page::{Frame, HasLeaf, OwnedFrame, Page, PageSize};
use crate::regime::Regime;
use crate::table::Attributes;

/// Where a page of one size is that is mapped in a space of one kind.
pub trait PagePlace: Sized + sealed::Sealed {
    /// The kind of space.
    type Kind: Kind<Regime: HasLeaf<Self::Size>>;
    /// The size of its leaf.
    type Size: PageSize;

    /// The memory that it translates.
    fn page(&self) -> Page<Self::Size>;
}

/// Where an entry is within reach: at a cursor, or in a window.
#[diagnostic::on_unimplemented(
    message = "the entry of this page is not at hand",
    label = "the page is held, apart from its space",
    note = "`cursor.take_up(page)` goes back to its entry"
)]
pub trait EntryPlace: PagePlace {
    /// What a change returns that gives `T`: that, or the token that owns it.
    type Owes<T>;

    /// Makes it a leaf; it is absent.
    #[doc(hidden)]
    fn put(&mut self, frame: Frame<Self::Size>, attributes: Attributes) -> Result<Self::Owes<()>, MapError>;

    /// Changes the leaf that it is, in a way that has an encoding.
    #[doc(hidden)]
    fn change(&mut self, change: &Protect) -> Self::Owes<()>;

    /// Makes it absent; it is a leaf.
    #[doc(hidden)]
    fn clear<T>(&mut self, value: T) -> Self::Owes<T>;
}

pub(super) mod sealed {
    pub trait Sealed {}
}

/// An entry that is absent.
#[must_use = "an entry does nothing until something is mapped there"]
pub struct Unmapped<P> {
    place: P,
}

/// An entry that is a leaf, and grants `A`.
///
/// One with rights such as [`Rw`](super::Rw) was mapped through this very entry, and owns the frame: to unmap it is safe.
/// One with [`AnyRights`] was found. One that is [`Held`](super::Held) is kept apart from its space.
pub struct Mapped<P: PagePlace, A> {
    pub(super) place: P,
    pub(super) frame: Frame<P::Size>,
    pub(super) attributes: Attributes,
    pub(super) rights: PhantomData<A>,
}

/// What an entry is.
pub enum Entry<P: EntryPlace> {
    /// Absent.
    Vacant(Unmapped<P>),
    /// A leaf of this size.
    Occupied(Mapped<P, AnyRights>),
    /// A table with smaller leaves.
    Table(Offender),
    /// Part of a larger leaf.
    Inside(Offender),
    /// Reserved.
    Reserved(Offender),
}

impl<P: EntryPlace> fmt::Debug for Unmapped<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unmapped at {:?}", self.place.page().start())
    }
}

impl<P: PagePlace, A> fmt::Debug for Mapped<P, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (virt, phys) = (self.place.page().start(), self.frame.start());
        write!(f, "Mapped at {virt:?} to {phys:?} with {:?}", self.attributes)
    }
}

impl<P: EntryPlace> fmt::Debug for Entry<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vacant(entry) => entry.fmt(f),
            Self::Occupied(entry) => entry.fmt(f),
            Self::Table(found) => write!(f, "Table at {found}"),
            Self::Inside(found) => write!(f, "Inside of {found}"),
            Self::Reserved(found) => write!(f, "Reserved at {found}"),
        }
    }
}

/// Nothing was mapped, and this is all that it would have taken.
pub struct NotMapped<P: EntryPlace> {
    /// Why.
    pub error: MapError,
    /// The entry.
    pub entry: Unmapped<P>,
    /// The frame.
    pub frame: OwnedFrame<P::Size>,
}

impl<P: EntryPlace> fmt::Debug for NotMapped<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NotMapped").field(&self.error).finish()
    }
}

impl<P: EntryPlace> fmt::Display for NotMapped<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<P: EntryPlace> core::error::Error for NotMapped<P> {}

/// Compile-time check of rights.
struct Encodes<R, S, A>(PhantomData<(R, S, A)>);

impl<R: HasLeaf<S>, S: PageSize, A: Granted> Encodes<R, S, A> {
    const CHECK: () = {
        assert!(
            R::FORMAT.rights_at(LevelOf::<R, S>::LEVEL, 0, A::ACCESS).is_some(),
            "leaves of this regime cannot have these rights"
        );
        assert!(
            can_withhold(&R::FORMAT, R::FEATURES, A::ACCESS),
            "the CPU cannot keep code from being executed: only rights that execute can be had"
        );
    };
}

type RegimeOf<P> = <<P as PagePlace>::Kind as Kind>::Regime;
type Changed<P, A> = (Mapped<P, A>, <P as EntryPlace>::Owes<()>);

impl<P: EntryPlace> Unmapped<P> {
    /// The memory that the entry translates.
    pub fn page(&self) -> Page<P::Size> {
        self.place.page()
    }

    /// Maps `frame`, which belongs to the mapping then. Rights that no leaf of the regime can have do not compile.
    ///
    /// Leaves are global; [`map_local`](Self::map_local) makes others.
    ///
    /// # Errors
    /// [`NotMapped`], with all that was given.
    pub fn map<A: Granted>(
        self,
        frame: OwnedFrame<P::Size>,
        rights: A,
        memory: MemoryType,
    ) -> Result<Changed<P, A>, NotMapped<P>> {
        self.map_as(frame, rights, Attributes::new(A::ACCESS, memory))
    }

    /// The same, for this address space only.
    ///
    /// # Errors
    /// As for [`map`](Self::map).
    pub fn map_local<A: Granted>(
        self,
        frame: OwnedFrame<P::Size>,
        rights: A,
        memory: MemoryType,
    ) -> Result<Changed<P, A>, NotMapped<P>> {
        self.map_as(frame, rights, Attributes::new(A::ACCESS, memory).not_global())
    }

    fn map_as<A: Granted>(
        mut self,
        frame: OwnedFrame<P::Size>,
        _: A,
        attributes: Attributes,
    ) -> Result<Changed<P, A>, NotMapped<P>> {
        const { Encodes::<RegimeOf<P>, P::Size, A>::CHECK };
        match self.place.put(frame.frame(), attributes) {
            Ok(owed) => {
                let frame = frame.into_frame();
                Ok((Mapped { place: self.place, frame, attributes, rights: PhantomData }, owed))
            }
            Err(error) => Err(NotMapped { error, entry: self, frame }),
        }
    }
}

impl<P: PagePlace, A> Mapped<P, A> {
    /// The memory that the entry translates.
    pub fn page(&self) -> Page<P::Size> {
        self.place.page()
    }

    /// Where it goes.
    pub const fn frame(&self) -> Frame<P::Size> {
        self.frame
    }

    /// Rights, memory type.
    pub const fn attributes(&self) -> Attributes {
        self.attributes
    }
}

impl<P: EntryPlace> Mapped<P, AnyRights> {
    /// The same mapping as one that was mapped through this entry.
    ///
    /// # Safety
    /// Nobody else uses the mapping or its memory, or knows of it.
    ///
    /// # Errors
    /// The entry, if it grants something else.
    pub unsafe fn assume<A: Granted>(self) -> Result<Mapped<P, A>, Self> {
        if self.attributes.access != A::ACCESS {
            return Err(self);
        }
        let Self { place, frame, attributes, .. } = self;
        Ok(Mapped { place, frame, attributes, rights: PhantomData })
    }
}

/// Methods are there for all rights, and compile for those that allow them.
impl<P: EntryPlace, A> Mapped<P, A> {
    /// Grants `B` instead. Rights that no leaf of the regime can have do not compile.
    pub fn protect<B: Granted>(mut self, _: B) -> Changed<P, B>
    where
        A: Granted,
    {
        const { Encodes::<RegimeOf<P>, P::Size, B>::CHECK };
        let owed = self.place.change(&Protect::access(B::ACCESS));
        let Self { place, frame, attributes, .. } = self;
        let attributes = Attributes { access: B::ACCESS, ..attributes };
        (Mapped { place, frame, attributes, rights: PhantomData }, owed)
    }

    /// Unmaps it. Where that owes a flush, the frame comes out of the token.
    ///
    /// Mapped again before that flush, the entry is flushed first if the architecture asks for break-before-make.
    pub fn unmap(mut self) -> (Unmapped<P>, P::Owes<OwnedFrame<P::Size>>)
    where
        A: Granted,
    {
        // SAFETY: by the contracts of `Unmapped::map` and `assume` the frame is this mapping's, which ends here.
        let frame = unsafe { OwnedFrame::assume(self.frame) };
        let owed = self.place.clear(frame);
        (Unmapped { place: self.place }, owed)
    }
}

/// Access follows the rights.
impl<P: PagePlace, A> Mapped<P, A> {
    /// The bytes of the page.
    ///
    /// # Safety
    /// The space is the one in use on this core, and what mapping the page owed is done. The memory is initialized, and
    /// ordinary memory.
    #[must_use]
    pub unsafe fn bytes(&self) -> &[u8]
    where
        A: CanRead,
    {
        // SAFETY: the caller vouches that the page is mapped readable and initialized; the borrow of `self` keeps it so,
        // and `bytes_mut` out.
        unsafe { core::slice::from_raw_parts(self.start(), P::Size::BYTES as usize) }
    }

    /// Reads a value at `offset`, once and whole; `None` if it does not lie in the page, aligned.
    ///
    /// # Safety
    /// The space is the one in use on this core, and what mapping the page owed is done. What is there is a `T`.
    #[must_use]
    pub unsafe fn read<T: Copy>(&self, offset: usize) -> Option<T>
    where
        A: CanRead,
    {
        let at = self.at::<T>(offset)?;
        // SAFETY: inside the page and aligned; the caller vouches for the rest.
        Some(unsafe { at.read_volatile() })
    }

    fn start(&self) -> *const u8 {
        core::ptr::with_exposed_provenance(self.page().start().as_u64() as usize)
    }

    fn at<T>(&self, offset: usize) -> Option<*mut T> {
        let size = P::Size::BYTES as usize;
        // A page is aligned to its size, and to no more.
        let lies = size_of::<T>() <= size && align_of::<T>() <= size;
        let fits = lies && offset % align_of::<T>() == 0 && offset <= size - size_of::<T>();
        fits.then(|| self.start().wrapping_add(offset).cast_mut().cast())
    }

    /// The bytes of the page, to write.
    ///
    /// # Safety
    /// As for [`bytes`](Self::bytes).
    #[must_use]
    pub unsafe fn bytes_mut(&mut self) -> &mut [u8]
    where
        A: CanWrite,
    {
        // SAFETY: as in `bytes`, and the exclusive borrow of `self` keeps everybody else out.
        unsafe { core::slice::from_raw_parts_mut(self.start().cast_mut(), P::Size::BYTES as usize) }
    }

    /// Writes a value at `offset`, once and whole. `None` if it does not lie in the page, aligned: nothing is written.
    ///
    /// # Safety
    /// As for [`read`](Self::read), but for what is there.
    pub unsafe fn write<T: Copy>(&mut self, offset: usize, value: T) -> Option<()>
    where
        A: CanWrite,
    {
        let at = self.at::<T>(offset)?;
        // SAFETY: inside the page and aligned; the caller vouches for the rest.
        unsafe { at.write_volatile(value) };
        Some(())
    }
}

/// The entry that a cursor stands at.
pub struct AtCursor<'c, 's, K: Kind, St: State, S> {
    pub(super) cursor: &'c mut Cursor<'s, K, St>,
    pub(super) size: PhantomData<S>,
}

impl<K: Kind, St: State, S> sealed::Sealed for AtCursor<'_, '_, K, St, S> {}

impl<K: Kind<Regime: HasLeaf<S>>, St: State, S: PageSize> PagePlace for AtCursor<'_, '_, K, St, S> {
    type Kind = K;
    type Size = S;

    fn page(&self) -> Page<S> {
        Page::containing(self.cursor.position())
    }
}

impl<K: Kind<Regime: HasLeaf<S>>, St: State, S: PageSize> EntryPlace for AtCursor<'_, '_, K, St, S> {
    type Owes<T> = St::Owes<K, T>;

    fn put(&mut self, frame: Frame<S>, attributes: Attributes) -> Result<St::Owes<K, ()>, MapError> {
        let page = self.page();
        self.cursor.map_one(page, frame, attributes)
    }

    fn change(&mut self, change: &Protect) -> St::Owes<K, ()> {
        let spot = self.spot();
        let edit = Edit::new(format_of::<K>(), <K::Regime as Regime>::FEATURES, *change);
        self.cursor.on_leaf(spot, (), |tree, Spot { node, .. }, slot| tree.protect_in(node, slot, &edit))
    }

    fn clear<T>(&mut self, value: T) -> St::Owes<K, T> {
        let spot = self.spot();
        self.cursor.on_leaf(spot, value, |tree, spot, _| tree.clear_leaf(spot))
    }
}

impl<K: Kind<Regime: HasLeaf<S>>, St: State, S: PageSize> AtCursor<'_, '_, K, St, S> {
    /// The leaf, which is there because nobody but this could have changed it.
    fn spot(&mut self) -> Option<Spot> {
        self.cursor.arrive(LevelOf::<K::Regime, S>::LEVEL).ok()
    }
}

/// Why there is no entry of a size where a cursor stands.
pub type EntryError = UnmapError;

impl<'s, K: Kind, St: State> Cursor<'s, K, St> {
    /// The entry of size `S` where the cursor stands.
    ///
    /// # Errors
    /// [`EntryError`]: no such entry can be there.
    pub fn entry<S: PageSize>(&mut self) -> Result<Entry<AtCursor<'_, 's, K, St, S>>, EntryError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = LevelOf::<K::Regime, S>::LEVEL;
        let spot = self.spot_of::<S>()?;
        let Spot { node, word, .. } = spot;
        let (found, read) = self.describe(spot);
        let place = AtCursor { cursor: self, size: PhantomData };
        Ok(match Levels::<K::Regime>::sort(node.level, word) {
            Sort::Absent => Entry::Vacant(Unmapped { place }),
            Sort::Table => Entry::Table(found),
            Sort::Leaf if node.level > level => Entry::Inside(found),
            Sort::Leaf | Sort::Reserved => match read {
                None => Entry::Reserved(found),
                Some((phys, attributes)) => {
                    let frame = Frame::containing(phys);
                    Entry::Occupied(Mapped { place, frame, attributes, rights: PhantomData })
                }
            },
        })
    }

    /// Where the walk to the entry of size `S` ends.
    pub(super) fn spot_of<S: PageSize>(&mut self) -> Result<Spot, EntryError>
    where
        K::Regime: HasLeaf<S>,
    {
        let (format, level) = (format_of::<K>(), LevelOf::<K::Regime, S>::LEVEL);
        if let Some(feature) = missing_leaf(format, <K::Regime as Regime>::FEATURES, level) {
            return Err(EntryError::NoSuchLeaf(feature));
        }
        let virt: VirtAddr = self.position();
        if !virt.is_aligned(S::BYTES) {
            return Err(RangeError::UnalignedVirt { virt, unit: S::BYTES }.into());
        }
        self.turn(virt);
        Ok(self.arrive(level)?)
    }
}
