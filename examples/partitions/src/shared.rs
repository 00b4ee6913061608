//! What the kernel and the programs agree on.
//!
//! Constants that programs use have at most 31 bits: larger ones may go into a pool of the compiler, which is the kernel's.

/// Numbers of the system calls.
pub(crate) mod call {
    /// Gives the rest of the turn away.
    pub(crate) const YIELD: u64 = 0;
    /// Prints bytes of the caller: address, length.
    pub(crate) const PRINT: u64 = 1;
    /// Counts something: a number of [`count`](super::count).
    pub(crate) const COUNT: u64 = 2;
    /// What `rogue` tries next: a number of [`deed`](super::deed), an address.
    pub(crate) const NEXT: u64 = 3;
    /// What was tried has been done.
    pub(crate) const DONE: u64 = 4;
}

/// What a call answers that is refused.
pub(crate) const REFUSED: u64 = u64::MAX;

/// What is counted.
pub(crate) mod count {
    /// A frame of the channel was read, and is as it should be.
    pub(crate) const FRAME: u64 = 0;
    /// A frame was read that is not.
    pub(crate) const BAD_FRAME: u64 = 1;
    /// A partition found its own memory changed.
    pub(crate) const ALARM: u64 = 2;
    /// How many things are counted.
    pub(crate) const KINDS: usize = 3;
}

/// What `rogue` tries.
pub(crate) mod deed {
    /// Nothing any more.
    pub(crate) const END: u64 = 0;
    /// A load.
    pub(crate) const READ: u64 = 1;
    /// A store.
    pub(crate) const WRITE: u64 = 2;
    /// A jump.
    pub(crate) const EXECUTE: u64 = 3;
    /// A privileged instruction, by its number.
    pub(crate) const INSTRUCTION: u64 = 4;
    /// Has the kernel print bytes that are another's.
    pub(crate) const DEPUTY: u64 = 5;
}

/// Words of the table that `control` adds up all the time.
pub(crate) const TABLE: u64 = 256;
/// Words of a frame behind its number.
pub(crate) const PAYLOAD: u64 = 62;
/// Bytes of a frame.
pub(crate) const FRAME: u64 = 4096;
/// What `control` keeps in its scratch page.
pub(crate) const CONTROL_MARK: u64 = 0x636f_6e74;
/// What `rogue` keeps in its own, at the same address.
pub(crate) const ROGUE_MARK: u64 = 0x726f_6775;

/// Offsets in the data of `control`: how often it has been round, which frame it has finished, and the table.
pub(crate) mod data {
    pub(crate) const ROUNDS: u64 = 0;
    pub(crate) const FINISHED: u64 = 8;
    pub(crate) const TABLE: u64 = 4096;
}

/// A word that nothing else is likely to hold.
#[inline(always)]
pub(crate) const fn mix(n: u64) -> u64 {
    let n = (n ^ n >> 30).wrapping_mul(0x1ce4_e5b9);
    (n ^ n >> 27) ^ 0x7f4a_7c15
}

/// The sum of the table, in 31 bits.
pub(crate) const SUM: u64 = {
    let (mut sum, mut i) = (0u64, 0);
    while i < TABLE {
        sum = sum.rotate_left(1) ^ mix(i);
        i += 1;
    }
    sum >> 33
};

/// Reads a word of memory that the map gives to whoever runs this.
///
/// # Safety
/// The word is mapped for the running code.
#[inline(always)]
pub(crate) unsafe fn load(address: u64) -> u64 {
    // SAFETY: passed on to the caller.
    unsafe { core::ptr::with_exposed_provenance::<u64>(address as usize).read_volatile() }
}

/// Writes one.
///
/// # Safety
/// As for [`load`], and nobody's reference is to it.
#[inline(always)]
pub(crate) unsafe fn store(address: u64, value: u64) {
    // SAFETY: passed on to the caller.
    unsafe { core::ptr::with_exposed_provenance_mut::<u64>(address as usize).write_volatile(value) };
}
