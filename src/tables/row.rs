//! Entries side by side in a table that nothing walks: ordinary memory, which the compiler may access as it likes.
//!
//! Each function leaves the memory written, for whatever comes after it: an entry that is linked then, a register.

use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Release;
use core::sync::atomic::compiler_fence;

use crate::format::Pattern;
use crate::regime::Regime;

/// An entry as it lies in memory.
trait Word: Copy {
    const ABSENT: Self;
    fn of(word: u64) -> Self;
    fn wide(self) -> u64;
}

impl Word for u32 {
    const ABSENT: Self = 0;

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
    const ABSENT: Self = 0;

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
unsafe fn words_mut<'a, W: Word>(at: NonNull<W>, count: usize) -> &'a mut [W] {
    // SAFETY: as the caller promises.
    unsafe { NonNull::slice_from_raw_parts(at, count).as_mut() }
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn clear_of<W: Word>(at: NonNull<W>, count: usize) {
    // SAFETY: as the caller promises.
    for word in unsafe { vacant(at, count) } {
        word.write(W::ABSENT);
    }
    compiler_fence(Release);
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn fill_of<W: Word>(at: NonNull<W>, count: usize, first: u64, step: u64) {
    let mut next = first;
    // SAFETY: as the caller promises.
    for word in unsafe { vacant(at, count) } {
        word.write(W::of(next));
        next = next.wrapping_add(step);
    }
    compiler_fence(Release);
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn change_of<W: Word>(at: NonNull<W>, count: usize, keep: u64, set: u64) {
    // SAFETY: as the caller promises.
    let (many, rest) = unsafe { words_mut(at, count) }.as_chunks_mut::<MANY>();
    for words in many {
        for word in words {
            *word = W::of(word.wide() & keep | set);
        }
    }
    for word in rest {
        *word = W::of(word.wide() & keep | set);
    }
    compiler_fence(Release);
}

/// # Safety
/// As for all of these.
#[inline]
unsafe fn union_of<W: Word>(at: NonNull<W>, count: usize) -> u64 {
    // SAFETY: as the caller promises.
    unsafe { words(at, count) }.iter().fold(0, |all, word| all | word.wide())
}

/// The bits that any has, and those that all have: two operations for each at most, and none waits for the one before.
#[inline]
fn gathered<W: Word>(words: &[W]) -> (u64, u64) {
    let (many, rest) = words.as_chunks::<MANY>();
    let mut lanes = [(0, u64::MAX); MANY / 2];
    for words in many {
        for (index, word) in words.iter().enumerate() {
            let (some, all) = &mut lanes[index % (MANY / 2)];
            (*some, *all) = (*some | word.wide(), *all & word.wide());
        }
    }
    let first = rest.iter().fold((0, u64::MAX), |(some, all), word| (some | word.wide(), all & word.wide()));
    lanes.iter().fold(first, |(some, all), lane| (some | lane.0, all & lane.1))
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
        wrong |= (word.wide() ^ expected) & mask;
        all |= word.wide();
        expected = expected.wrapping_add(step);
    }
    (wrong, all)
}
