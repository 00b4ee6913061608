//! A type for each space: what belongs to one cannot be used with another.

use core::marker::PhantomData;

use super::kind::{Kind, State};
use super::space::AddressSpace;

/// The kind of one space, and of no other: `K` as it is, but a type of its own for each `'id`.
///
/// Only [`AddressSpace::branded`] and [`AddressSpace::branded_mut`] make spaces of it. What such a space owes, maps, holds
/// and releases has its brand, so that it is of no use to another space, and does not leave the closure. An
/// [`OwnedFrame`](crate::page::OwnedFrame) has no brand: what came out of a flushed token is free memory, for any space.
#[derive(Debug)]
pub struct Brand<'id, K> {
    /// Invariant: no brand stands for another.
    id: PhantomData<fn(&'id ()) -> &'id ()>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Kind for Brand<'_, K> {
    type Regime = K::Regime;
    type Memory = K::Memory;
    type Hardware = K::Hardware;
    type Reach = K::Reach;

    const LARGEST_LEAF: u64 = K::LARGEST_LEAF;
    const BRANDED: bool = true;
}

/// A kind that has one space, so that a page of the kind is a page of that space and can be [`Held`](super::Held).
///
/// Each [`Brand`] is one. A kernel may declare it of the kind that its own space has, to hold pages in statics.
///
/// # Safety
/// In all its run the program makes at most one space of the kind.
#[diagnostic::on_unimplemented(
    message = "there may be several spaces of the kind `{Self}`",
    label = "a page that is held apart could be taken up in another space",
    note = "`space.branded(|space| ...)` gives the space a kind of its own; a kind that has one space implements `OneSpace`"
)]
pub unsafe trait OneSpace: Kind {}

// SAFETY: `'id` is new to each call of `branded` and `branded_mut`, which give out one space with it, and neither `new` nor
// `from_roots` compiles for a brand.
unsafe impl<K: Kind> OneSpace for Brand<'_, K> {}

impl<K: Kind, St: State> AddressSpace<K, St> {
    /// Runs `run` with this space as the only one of its kind; gives the space back, and what `run` returned beside it.
    ///
    /// Within `run` the space may change between offline and live. Costs nothing.
    ///
    /// ```
    /// # use tablature::edit::{AddressSpace, Kind, Live};
    /// # use tablature::page::{Page, Size4K};
    /// # use tablature::x86_64::Level4;
    /// # fn go<K: Kind<Regime = Level4>>(a: AddressSpace<K, Live>, b: AddressSpace<K, Live>, page: Page<Size4K>) {
    /// a.branded(|mut a| {
    ///     b.branded(|mut b| {
    ///         // SAFETY: nobody uses the page.
    ///         if let Ok(token) = unsafe { a.unmap_page(page) } {
    ///             a.flush(token); // `b.flush(token)` does not compile
    ///         }
    ///         (b, ())
    ///     });
    ///     (a, ())
    /// });
    /// # }
    /// ```
    pub fn branded<To: State, R>(
        self,
        run: impl for<'id> FnOnce(AddressSpace<Brand<'id, K>, St>) -> (AddressSpace<Brand<'id, K>, To>, R),
    ) -> (AddressSpace<K, To>, R) {
        let (space, result) = run(self.of_kind());
        (space.of_kind(), result)
    }

    /// Runs `run` with this space as the only one of its kind.
    pub fn branded_mut<R>(&mut self, run: impl for<'id> FnOnce(&mut AddressSpace<Brand<'id, K>, St>) -> R) -> R {
        // SAFETY: a space is laid out as its fields are in order, and each has one type in a kind and in its brands:
        // `Memory` is the kind's, `St::Hardware` is `()` or the kind's `Hardware`. A branded space can be put in the place
        // of none but itself, and it is borrowed exclusively.
        run(unsafe { &mut *core::ptr::from_mut(self).cast() })
    }

    /// The same space, called one of another kind with all that it has.
    fn of_kind<J: Kind<Memory = K::Memory, Hardware = K::Hardware>>(self) -> AddressSpace<J, St> {
        let Self { roots, memory, hardware, id, borders, unseen } = self;
        AddressSpace { roots, memory, hardware: St::same::<K, J>(hardware), id, borders, unseen }
    }
}
