//! The obligation to flush, as a value.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr;

use super::cover::{Cover, Fixed, Span};
use super::hardware::{Maintain, Reach};
use super::scope::Scope;
use super::shootdown::Interprocessor;
use crate::edit::Kind;

/// What a change of a live space owes, and what it released.
///
/// The token owns what the change took out of the tables (a frame, tables), and gives it back only for the sequence of
/// operations that the architecture asks for: [`flush`](Self::flush) on the core that runs it, or [`shootdown`](Self::shootdown) on all.
/// Until then nobody can use it again. A token that is lost leaks it.
///
/// Losing one is a bug all the same. Where the program is compiled with `panic = "abort"`, as kernels are, dropping a
/// token does not compile: neither at the end of a block, nor by `let _ =`, nor by `?` with a token in hand. That is
/// decided for each copy of generic code, when code is generated, so `cargo check` does not see it. Tokens may be moved,
/// returned and matched; assigning one over another in an `Option`, and `Result::ok`, count as dropping it.
///
/// The last parameter says how the token knows its scope; see [`Cover`].
#[must_use = "the change is not in force everywhere until this is flushed, and what it released is lost without"]
pub struct TlbFlush<K: Kind, T = (), C: Cover = Span> {
    cover: C,
    released: ManuallyDrop<T>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind, T> TlbFlush<K, T> {
    /// The obligation `scope`, which keeps `released` until it is met.
    ///
    /// For changes made by hand; an obligation too many does no harm.
    #[inline]
    pub const fn new(scope: Scope, released: T) -> Self {
        Self::covering(Span(scope), released)
    }
}

impl<K: Kind, T, C: Cover> TlbFlush<K, T, C> {
    /// The obligation for what `cover` says, which keeps `released` until it is met.
    #[inline]
    pub const fn covering(cover: C, released: T) -> Self {
        Self { cover, released: ManuallyDrop::new(released), kind: PhantomData }
    }

    /// What is owed.
    #[inline]
    pub fn scope(&self) -> Scope {
        self.cover.scope()
    }

    /// The same obligation with its scope as a value.
    #[inline]
    pub fn widen(self) -> TlbFlush<K, T> {
        let scope = self.scope();
        TlbFlush::new(scope, self.into_released())
    }

    /// Executes what is owed, and gives back what was released.
    ///
    /// Where other cores may have translations of the space cached, and the instructions of this one do not reach them,
    /// this does not compile.
    #[inline]
    pub fn flush(self, hardware: &mut K::Hardware) -> T {
        const { check_reach::<K>() };
        self.cover.meet::<K>(hardware);
        self.into_released()
    }

    /// Executes what is owed on this core and all others, waits until they have, and gives back what was released.
    ///
    /// For spaces that every core may use, where the instructions of one do not reach the others.
    #[inline]
    pub fn shootdown<I: Interprocessor<K>>(self, hardware: &mut K::Hardware, cores: &mut I) -> T {
        cores.everywhere(&self.scope().bounded(K::Regime::MANY), hardware);
        self.into_released()
    }

    /// One obligation in place of two: that of the least range that holds both.
    #[inline]
    pub fn join<U, D: Cover>(self, other: TlbFlush<K, U, D>) -> TlbFlush<K, (T, U)> {
        let scope = self.scope().union(other.scope());
        TlbFlush::new(scope, (self.into_released(), other.into_released()))
    }

    /// Gives back what was released, and does nothing.
    ///
    /// # Safety
    /// No core has anything of the scope cached: something else has flushed it, or the cores that had it are off.
    #[inline]
    pub unsafe fn assume_flushed(self) -> T {
        self.into_released()
    }

    /// The same obligation, which keeps something else.
    #[inline]
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> TlbFlush<K, U> {
        let scope = self.scope();
        TlbFlush::new(scope, change(self.into_released()))
    }

    /// What the token owns, without the token.
    #[inline]
    pub(super) fn into_released(self) -> T {
        let this = ManuallyDrop::new(self);
        // SAFETY: the token is forgotten by the line above, so what it owns is moved out of it once.
        unsafe { ptr::read(&raw const *this.released) }
    }
}

impl<K: Kind, T, C: Cover> Drop for TlbFlush<K, T, C> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(panic = "abort")]
        const {
            panic!("a `TlbFlush` is dropped: call `flush` or `shootdown`, join it, or return it on every path");
        }
    }
}

impl<K: Kind, T, C: Cover> fmt::Debug for TlbFlush<K, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlbFlush").field(&self.scope()).finish()
    }
}

/// Whether the instructions of a core reach all that may have something cached.
pub(super) const fn check_reach<K: Kind>() {
    assert!(
        !K::Reach::EVERY_CORE || K::Regime::BROADCASTS,
        "every core may use a space of this kind, and the invalidations of this regime reach only the core that executes \
         them: call `shootdown`, or declare `type Reach = OneCore`"
    );
}

/// The obligation that `P` is, and nothing at run time.
impl<K: Kind, P: super::Place> TlbFlush<K, (), Fixed<P>> {
    /// The obligation for `P`.
    #[inline]
    pub const fn fixed() -> Self {
        Self::covering(Fixed::new(), ())
    }
}

#[cfg(test)]
mod tests {
    use core::mem::size_of;

    use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any};

    use super::*;
    use crate::edit::Kind;
    use crate::flush::toy::{Op, ToyKind};
    use crate::flush::{Duty, EveryCore, Extent, Id, OneCore, OnePage, Place, Recorder, Whole};
    use crate::page::{Frame, OwnedFrame, Page, Size2M, Size4K};

    type One = ToyKind<false, OneCore>;
    type All = ToyKind<true, EveryCore>;

    struct Window;
    impl Place for Window {
        const SCOPE: Scope = range(0x5000, 0x5fff, 12);
    }

    // Linear, and as small as what it says; it can go to another core.
    assert_not_impl_any!(TlbFlush<One>: Clone, Copy, Default);
    assert_not_impl_any!(OwnedFrame<Size4K>: Clone, Copy, Default);
    assert_impl_all!(TlbFlush<One, OwnedFrame<Size4K>>: Send, Sync);
    assert_eq_size!(TlbFlush<One, (), Fixed<Window>>, ());
    assert_eq_size!(TlbFlush<One, (), Whole>, u64);
    assert_eq_size!(TlbFlush<One, (), OnePage<Size4K>>, [u64; 2]);
    assert_eq_size!(TlbFlush<One, OwnedFrame<Size4K>, Fixed<Window>>, u64);

    const fn range(start: u64, last: u64, stride: u32) -> Scope {
        Scope { duty: Duty::LEAF, extent: Extent::Range { start, last, stride }, id: Id::One(7) }
    }

    fn hardware<K: Kind<Hardware = Recorder<crate::flush::toy::ToyCore, 64>>>() -> K::Hardware {
        Recorder::new()
    }

    #[test]
    fn a_flush_executes_the_scope_and_gives_back_what_was_released() {
        let mut core = hardware::<One>();
        // SAFETY: nobody else owns a frame in this test.
        let frame = unsafe { OwnedFrame::assume(Frame::<Size4K>::at::<0x8000_0000>()) };
        let token = TlbFlush::<One, _>::new(range(0x1000, 0x2fff, 12), frame);
        let frame = token.flush(&mut core);
        assert_eq!(frame.frame(), Frame::at::<0x8000_0000>());
        assert_eq!(core.ops(), [Op::Barrier, Op::Page(0x1000, Id::One(7), false), Op::Page(0x2000, Id::One(7), false)]);
    }

    #[test]
    fn what_the_type_says_is_what_is_flushed() {
        let mut core = hardware::<All>();
        let page = Page::<Size2M>::at::<0x20_0000>();
        TlbFlush::<All, (), _>::covering(OnePage::new(page, Duty::LEAF, Id::Every), ()).flush(&mut core);
        TlbFlush::<All, (), _>::covering(Whole::new(Duty::LEAF, Id::One(3)), ()).flush(&mut core);
        TlbFlush::<All, (), Fixed<Window>>::fixed().widen().flush(&mut core);
        assert_eq!(
            core.ops(),
            [
                Op::Barrier,
                Op::Page(0x20_0000, Id::Every, true),
                Op::Barrier,
                Op::All(Id::One(3), true),
                Op::Barrier,
                Op::Page(0x5000, Id::One(7), true)
            ]
        );
    }

    #[test]
    fn joined_tokens_cover_both_and_own_both() {
        let near = TlbFlush::<One, u8>::new(range(0x1000, 0x1fff, 12), 1);
        let next = TlbFlush::<One, u16>::new(range(0x20_0000, 0x3f_ffff, 21), 2);
        let both = near.join(next);
        assert_eq!(both.scope(), range(0x1000, 0x3f_ffff, 12));
        let mut core = hardware::<One>();
        assert_eq!(both.flush(&mut core), (1, 2));
        // The hull has far more than eight pages.
        assert_eq!(core.ops(), [Op::Barrier, Op::All(Id::One(7), false)]);
    }

    #[test]
    fn what_owes_nothing_does_nothing() {
        let mut core = hardware::<One>();
        TlbFlush::<One>::new(Scope::nothing(Id::Every), ()).flush(&mut core);
        assert_eq!(core.executed(), 0);
    }

    #[test]
    fn the_last_page_and_all_addresses_do_not_overflow() {
        let last = range(0xffff_ffff_ffff_f000, u64::MAX, 12);
        assert_eq!(last.bounded(1), last);
        assert_eq!(range(0, u64::MAX, 12).bounded(u64::MAX >> 12).extent, Extent::Everywhere);
        assert_eq!(range(0, 0x7fff, 12).bounded(8), range(0, 0x7fff, 12));
        assert_eq!(range(0, 0x8fff, 12).bounded(8).extent, Extent::Everywhere);
        assert_eq!(range(0x2000, 0x1fff, 12).bounded(8).extent, Extent::Everywhere);
        assert_eq!(range(0, 0xfff, 64).bounded(8), range(0, 0xfff, 64));
    }

    #[test]
    #[cfg(panic = "unwind")]
    fn what_a_lost_token_owned_is_lost() {
        struct Owned<'a>(&'a core::cell::Cell<bool>);
        impl Drop for Owned<'_> {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let given_back = core::cell::Cell::new(false);
        drop(TlbFlush::<One, _>::new(range(0, 0xfff, 12), Owned(&given_back)));
        assert!(!given_back.get());
        assert_eq!(size_of::<TlbFlush<One, u64>>(), size_of::<TlbFlush<One>>() + 8);
    }
}
