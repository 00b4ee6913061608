//! Pages of a window as types.

use core::fmt;
use core::marker::PhantomData;

use super::count::{Count, One, Run};
use super::facts::{Facts, Flags, Owes, WindowRegion};
use crate::attr::MemoryType;
use crate::edit::{Granted, Kind};
use crate::flush::TlbFlush;
use crate::page::{Frame, OwnedFrame, OwnedFrames, Page, PageSize};
use crate::space::{Declared, Of};

/// What a page goes to.
pub trait Memory: 'static {
    /// Its type, where the declaration names no other.
    const TYPE: MemoryType;
}

/// Ordinary memory: of the type that the window says with `memory`; else cached, or what all memory of the map is.
#[derive(Clone, Copy, Debug)]
pub enum Normal {}

/// Registers of a device: in the same way of the window's type, or that of the devices of the map.
#[derive(Clone, Copy, Debug)]
pub enum Device {}

impl Memory for Normal {
    const TYPE: MemoryType = MemoryType::NormalWb;
}

impl Memory for Device {
    const TYPE: MemoryType = MemoryType::DeviceNgnre;
}

/// A page of the window `R` that is not mapped, or a run of them ([`Window`]).
///
/// # Invariants
/// There is one handle for each page of the region, this one or one that it became, and the entry is absent. No core has it
/// cached otherwise. All entries are of the region; `first` alone may be the one behind it, where there are none.
#[must_use = "a page that is dropped is lost to its window"]
pub struct Unmapped<R, K, N = One> {
    /// The entry of the first page, counted from the first one of the space: what the address of that is made of.
    first: usize,
    count: N,
    kind: PhantomData<fn() -> (R, K)>,
}

/// Neighbouring pages that are not mapped: at first, all of the region.
pub type Window<R, K> = Unmapped<R, K, Run>;

/// A page of the window `R` that grants `A`, or a run of them. It owns the frames.
///
/// # Invariants
/// There is one handle for each page, and the entries are leaves that grant `A` and go to `frame` and what follows. They are
/// of the region; `first` alone may be the one behind it, where there are none.
#[must_use = "a page that is dropped stays mapped for ever"]
pub struct Mapped<R: WindowRegion, K, A, M = Normal, N = One> {
    first: usize,
    count: N,
    frame: Frame<R::Size>,
    kind: PhantomData<Kinds<R, K, A, M>>,
}

/// Handles own none of these.
type Kinds<R, K, A, M> = fn() -> (R, K, A, M);

/// A run of pages that are mapped.
pub type MappedRun<R, K, A, M = Normal> = Mapped<R, K, A, M, Run>;

/// Pages were not mapped: there are as many frames as the handle has pages, or none is mapped.
pub struct NotMapped<R: WindowRegion, K> {
    /// The pages.
    pub pages: Window<R, K>,
    /// The frames.
    pub frames: OwnedFrames<R::Size>,
}

impl<R: WindowRegion, K> fmt::Debug for NotMapped<R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames for {} pages", self.frames.len(), self.pages.count.pages())
    }
}

impl<R: WindowRegion, K> fmt::Display for NotMapped<R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a run of {} pages takes as many frames, not {}", self.pages.count.pages(), self.frames.len())
    }
}

impl<R: WindowRegion, K> core::error::Error for NotMapped<R, K> {}

/// A run that was mapped, once that is flushed; or what there was.
pub type MapRun<R, K, A, M = Normal> = Result<Owed<R, K, MappedRun<R, K, A, M>, Run>, NotMapped<R, K>>;

/// What a change of `N` pages owes, which owns `T`.
pub type Owed<R, K, T, N = One> = TlbFlush<K, T, <N as Count>::Cover<<R as WindowRegion>::Size>>;

impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>, N: Count> Unmapped<R, K, N> {
    pub(super) const fn new(first: usize, count: N) -> Self {
        Self { first, count, kind: PhantomData }
    }

    /// The first page.
    #[inline]
    pub fn page(&self) -> Page<R::Size> {
        // SAFETY: as the invariants say.
        unsafe { Facts::<R>::page(self.first) }
    }

    /// Makes the pages leaves.
    #[inline(always)]
    fn put<A: Granted, M: Memory>(self, frame: Frame<R::Size>) -> Owed<R, K, Mapped<R, K, A, M, N>, N> {
        let page = self.page();
        let Self { first, count, .. } = self;
        // SAFETY: this is the handle of the pages.
        unsafe { Facts::<R>::store(first, count.pages(), |i| Mapped::<R, K, A, M, N>::word(frame, i)) };
        let owed = count.cover(page, const { Owes::<K>::MAP }, Facts::<R>::ID);
        TlbFlush::covering(owed, Mapped { first, count, frame, kind: PhantomData })
    }
}

/// Cost: a store, and what the regime asks for.
impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>> Unmapped<R, K> {
    /// Maps `frame`, which belongs to the page then.
    ///
    /// Rights beyond those of the declaration do not compile, nor those that no page can have.
    #[inline]
    pub fn map<A: Granted>(self, frame: OwnedFrame<R::Size>, _: A) -> Owed<R, K, Mapped<R, K, A>> {
        const { Flags::<R, A, Normal>::POSSIBLE };
        self.put(frame.into_frame())
    }

    /// Maps registers of a device.
    #[inline]
    pub fn map_device<A: Granted>(self, frame: OwnedFrame<R::Size>, _: A) -> Owed<R, K, Mapped<R, K, A, Device>> {
        const { Flags::<R, A, Device>::POSSIBLE };
        self.put(frame.into_frame())
    }
}

/// Cost: a store for each page, and what the regime asks for.
impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>> Window<R, K> {
    /// How many pages it has.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.count.0
    }

    /// Whether it has none.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.count.0 == 0
    }

    /// Takes the first page out of it.
    #[inline]
    pub const fn next_page(&mut self) -> Option<Unmapped<R, K>> {
        if self.count.0 == 0 {
            return None;
        }
        let page = Unmapped::new(self.first, One);
        self.first += 1;
        self.count.0 -= 1;
        Some(page)
    }

    /// Takes the first `pages` pages out of it, or all if there are fewer.
    #[inline]
    pub const fn take_run(&mut self, pages: usize) -> Self {
        let pages = if pages < self.count.0 { pages } else { self.count.0 };
        let run = Self::new(self.first, Run(pages));
        self.first += pages;
        self.count.0 -= pages;
        run
    }

    /// One run of two, of which `other` starts where this one ends.
    ///
    /// # Errors
    /// Both, if it does not.
    pub fn join(self, other: Self) -> Result<Self, (Self, Self)> {
        if self.first + self.count.0 == other.first {
            Ok(Self::new(self.first, Run(self.count.0 + other.count.0)))
        } else {
            Err((self, other))
        }
    }

    /// Maps as many frames side by side.
    ///
    /// # Errors
    /// [`NotMapped`], with all that was given.
    #[inline]
    pub fn map_run<A: Granted>(self, frames: OwnedFrames<R::Size>, _: A) -> MapRun<R, K, A> {
        const { Flags::<R, A, Normal>::POSSIBLE };
        self.put_run(frames)
    }

    /// Maps as many frames of registers side by side.
    ///
    /// # Errors
    /// [`NotMapped`], with all that was given.
    #[inline]
    pub fn map_device_run<A: Granted>(self, frames: OwnedFrames<R::Size>, _: A) -> MapRun<R, K, A, Device> {
        const { Flags::<R, A, Device>::POSSIBLE };
        self.put_run(frames)
    }

    #[inline(always)]
    fn put_run<A: Granted, M: Memory>(self, frames: OwnedFrames<R::Size>) -> MapRun<R, K, A, M> {
        if frames.len() != self.count.0 {
            return Err(NotMapped { pages: self, frames });
        }
        Ok(self.put(frames.first()))
    }
}

impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>> From<Unmapped<R, K>> for Window<R, K> {
    fn from(page: Unmapped<R, K>) -> Self {
        Self::new(page.first, Run(1))
    }
}

impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>, A: Granted, M: Memory, N: Count> Mapped<R, K, A, M, N> {
    /// The word of page `i` of those that go to `frame` and on. That is memory which the CPU can address, so that nothing of the
    /// address has to be masked out.
    #[inline(always)]
    const fn word(frame: Frame<R::Size>, i: u64) -> u64 {
        const { assert!(R::Size::BYTES == <R::Space as Declared>::FORMAT.page_size(), "pages of another size") };
        let field = const { <R::Space as Declared>::FORMAT.address };
        let (flags, start) = (Flags::<R, A, M>::WORD, frame.start().as_u64());
        if field.high_bits == 0 {
            // The words of neighbouring pages differ by as much.
            let step = const { <R::Space as Declared>::FORMAT.address.place(R::Size::BYTES) };
            return (flags | field.place(start)).wrapping_add(i.wrapping_mul(step));
        }
        flags | field.place(start.wrapping_add(i.wrapping_mul(R::Size::BYTES)))
    }

    /// The first page.
    #[inline]
    pub fn page(&self) -> Page<R::Size> {
        // SAFETY: as the invariants say.
        unsafe { Facts::<R>::page(self.first) }
    }

    /// Where it goes.
    #[inline]
    pub const fn frame(&self) -> Frame<R::Size> {
        self.frame
    }

    /// Bytes of it.
    #[inline]
    pub fn size(&self) -> usize {
        self.count.pages() * R::Size::BYTES as usize
    }

    /// Grants `B` instead. Rights beyond those of the declaration do not compile, nor those that no page can have.
    ///
    /// Cost: a store for each page, and what the regime asks for.
    #[inline]
    pub fn protect<B: Granted>(self, _: B) -> Owed<R, K, Mapped<R, K, B, M, N>, N> {
        const { Flags::<R, B, M>::POSSIBLE };
        let page = self.page();
        let Self { first, count, frame, .. } = self;
        // SAFETY: this is the handle of the pages.
        unsafe { Facts::<R>::store(first, count.pages(), |i| Mapped::<R, K, B, M, N>::word(frame, i)) };
        let duty = const { Owes::<K>::protect(A::ACCESS, B::ACCESS) };
        let owed = count.cover(page, duty, Facts::<R>::ID);
        TlbFlush::covering(owed, Mapped { first, count, frame, kind: PhantomData })
    }

    /// Unmaps it. Page and frame come out of the token.
    ///
    /// Cost: a store for each page, and what the regime asks for.
    #[inline]
    #[expect(clippy::type_complexity, reason = "the alias is what callers read")]
    pub fn unmap(self) -> Owed<R, K, (Unmapped<R, K, N>, N::Frames<R::Size>), N> {
        let page = self.page();
        let Self { first, count, frame, .. } = self;
        // SAFETY: this is the handle of the pages.
        unsafe { Facts::<R>::store(first, count.pages(), |_| 0) };
        let owed = count.cover(page, const { Owes::<K>::UNMAP }, Facts::<R>::ID);
        // SAFETY: the frames were this handle's, which ends here; the token keeps them until no core can use them.
        let frames = unsafe { count.own(frame) };
        TlbFlush::covering(owed, (Unmapped::new(first, count), frames))
    }
}

/// The pages of a run, one after the other or apart.
impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>, A: Granted, M: Memory> Mapped<R, K, A, M, Run> {
    /// How many pages it has.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.count.0
    }

    /// Whether it has none.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.count.0 == 0
    }

    /// Takes the first `pages` pages out of it, or all if there are fewer.
    #[inline]
    pub fn take_run(&mut self, pages: usize) -> Self {
        let pages = pages.min(self.count.0);
        let run = Self { first: self.first, count: Run(pages), frame: self.frame, kind: PhantomData };
        self.first += pages;
        self.count.0 -= pages;
        self.frame = self.frame.ahead(pages);
        run
    }
}

impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>, N: Count> fmt::Debug for Unmapped<R, K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, pages) = (self.page().start(), self.count.pages());
        write!(f, "{pages} unmapped pages of `{}` at {start:?}", R::REGION.name)
    }
}

impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>, A: Granted, M: Memory, N: Count> fmt::Debug
    for Mapped<R, K, A, M, N>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, pages, phys) = (self.page().start(), self.count.pages(), self.frame().start());
        write!(f, "{pages} pages of `{}` at {start:?}, mapped to {phys:?}", R::REGION.name)
    }
}
