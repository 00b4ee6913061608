//! Entries side by side in a table that nothing walks: ordinary memory, which the compiler may access as it likes.
//!
//! Each function leaves the memory written, for whatever comes after it: an entry that is linked then, a register.

use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::Release;
use core::sync::atomic::compiler_fence;

use crate::format::Pattern;
use crate::regime::Regime;

/// An entry as it lies in memory.
trait Word: Copy {
    fn of(word: u64) -> Self;
    fn wide(self) -> u64;
}

impl Word for u32 {
    #[inline]
    fn of(word: u64) -> Self {
        word as Self
    }

    #[inline]
    fn wide(self) -> u64 {
        self.into()
    }
}

impl Word for u64 {
    #[inline]
    fn of(word: u64) -> Self {
        word
    }

    #[inline]
    fn wide(self) -> u64 {
        self
    }
}

/// A function of a row, for entries of either width.
macro_rules! by_width {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?, $of:ident) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// `at` is aligned for entries, and the `count` entries from there on are memory that nobody else accesses now.
        /// Those that are read were written.
        #[inline]
        pub(crate) unsafe fn $name<R: Regime>(at: NonNull<u8>, count: usize $(, $argument: $type)*) $(-> $result)? {
            if R::FORMAT.entry_bytes == 4 {
                // SAFETY: as the caller promises, for entries of four bytes.
                unsafe { $of::<u32>(at.cast(), count $(, $argument)*) }
            } else {
                // SAFETY: as the caller promises, for entries of eight bytes.
                unsafe { $of::<u64>(at.cast(), count $(, $argument)*) }
            }
        }
    };
}

by_width! {
    /// Makes all of them absent.
    clear(), clear_of
}

by_width! {
    /// Writes `first`, and behind it words that grow by `step`.
    fill(first: u64, step: u64), fill_of
}

by_width! {
    /// Keeps some bits of each, and sets others.
    change(keep: u64, set: u64), change_of
}

by_width! {
    /// The bits that any of them has.
    union() -> u64, union_of
}

by_width! {
    /// The bits in which any of them differs from the pattern.
    differing(pattern: Pattern) -> u64, differing_of
}

by_width! {
    /// The bits of `mask` in which any of them differs from words that grow by `step`, and the bits that any of them has.
    diverging(mask: u64, first: u64, step: u64) -> (u64, u64), diverging_of
}

/// So many words at a time: the compiler makes wide accesses of them, and the processor foresees where a table ends.
const MANY: usize = 16;

/// Whether each word is accessed by itself. Firmware is built for cores that may not access a vector where its words are
/// aligned, for which the compiler puts vectors together in memory; and vector registers may be somebody else's there.
const BY_ITSELF: bool = cfg!(target_os = "none");

#[inline]
fn read<W: Word>(word: &W) -> u64 {
    // SAFETY: a reference can be read.
    if BY_ITSELF { unsafe { ptr::from_ref(word).read_volatile() }.wide() } else { word.wide() }
}

#[inline]
fn write<W: Word>(word: &mut MaybeUninit<W>, value: u64) {
    if BY_ITSELF {
        // SAFETY: an exclusive reference can be written.
        unsafe { ptr::from_mut(word).write_volatile(MaybeUninit::new(W::of(value))) };
    } else {
        word.write(W::of(value));
    }
}

/// Writes each word. Elsewhere than in firmware the compiler knows better how many to write at a time.
#[inline]
fn each<W: Word>(words: &mut [MaybeUninit<W>], next: impl FnMut(&mut MaybeUninit<W>)) {
    if BY_ITSELF { many(words, next) } else { words.iter_mut().for_each(next) }
}

/// Does something to each word, to several in a round.
#[inline]
fn many<T>(words: &mut [T], mut on: impl FnMut(&mut T)) {
    let (many, rest) = words.as_chunks_mut::<MANY>();
    for words in many {
        for word in words {
            on(word);
        }
    }
    for word in rest {
        on(word);
    }
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn vacant<'a, W: Word>(at: NonNull<W>, count: usize) -> &'a mut [MaybeUninit<W>] {
    // SAFETY: as the caller promises.
    unsafe { NonNull::slice_from_raw_parts(at.cast(), count).as_mut() }
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn words<'a, W: Word>(at: NonNull<W>, count: usize) -> &'a [W] {
    // SAFETY: as the caller promises.
    unsafe { NonNull::slice_from_raw_parts(at, count).as_ref() }
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn clear_of<W: Word>(at: NonNull<W>, count: usize) {
    // SAFETY: as the caller promises.
    each(unsafe { vacant::<W>(at, count) }, |word| write(word, 0));
    compiler_fence(Release);
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn fill_of<W: Word>(at: NonNull<W>, count: usize, first: u64, step: u64) {
    let mut next = first;
    // SAFETY: as the caller promises.
    each(unsafe { vacant::<W>(at, count) }, |word| {
        write(word, next);
        next = next.wrapping_add(step);
    });
    compiler_fence(Release);
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn change_of<W: Word>(at: NonNull<W>, count: usize, keep: u64, set: u64) {
    // SAFETY: as the caller promises.
    many(unsafe { vacant::<W>(at, count) }, |word| {
        // SAFETY: as the caller promises, it was written.
        let old = read(unsafe { word.assume_init_ref() });
        write(word, old & keep | set);
    });
    compiler_fence(Release);
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn union_of<W: Word>(at: NonNull<W>, count: usize) -> u64 {
    // SAFETY: as the caller promises.
    let (many, rest) = unsafe { words::<W>(at, count) }.as_chunks::<MANY>();
    let mut all = 0;
    for words in many {
        for word in words {
            all |= read(word);
        }
    }
    for word in rest {
        all |= read(word);
    }
    all
}

/// The bits that any has, and those that all have: two operations for each at most, and none waits for the one before.
#[inline]
fn gathered<W: Word>(words: &[W]) -> (u64, u64) {
    const LANES: usize = MANY / 2;
    let (many, rest) = words.as_chunks::<LANES>();
    // Two arrays of words, and none of pairs: what wide accesses are made of.
    let (mut some, mut all) = ([0; LANES], [u64::MAX; LANES]);
    for words in many {
        let words = words.each_ref().map(read);
        for lane in 0..LANES {
            some[lane] |= words[lane];
            all[lane] &= words[lane];
        }
    }
    let first = rest.iter().map(read).fold((0, u64::MAX), |(some, all), word| (some | word, all & word));
    some.into_iter().zip(all).fold(first, |(some, all), lane| (some | lane.0, all & lane.1))
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn differing_of<W: Word>(at: NonNull<W>, count: usize, pattern: Pattern) -> u64 {
    // SAFETY: as the caller promises.
    let words = unsafe { words(at, count) };
    let (some, all) = gathered(words);
    // What one has that none may have, and what one lacks that all must have.
    (some & !pattern.value & pattern.mask) | (!all & pattern.value) | (pattern.value & !pattern.mask)
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn diverging_of<W: Word>(at: NonNull<W>, count: usize, mask: u64, first: u64, step: u64) -> (u64, u64) {
    let (mut wrong, mut all, mut expected) = (0, 0, first);
    // SAFETY: as the caller promises.
    for word in unsafe { words(at, count) } {
        let word = read(word);
        wrong |= (word ^ expected) & mask;
        all |= word;
        expected = expected.wrapping_add(step);
    }
    (wrong, all)
}
