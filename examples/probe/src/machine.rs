//! What a machine can be asked.

/// Bytes around an address that are searched for a harmless instruction.
const PAGE: u64 = 4096;

/// One of the three rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Loads.
    Read,
    /// Stores.
    Write,
    /// Instruction fetches.
    Execute,
}

/// On whose behalf an access is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The privileged level the firmware runs at.
    Kernel,
    /// The level below.
    User,
}

/// How many bytes an access moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One byte.
    Byte,
    /// Four bytes.
    Word,
}

impl Width {
    /// The routine for this width.
    pub fn pick<T>(self, byte: fn(u64) -> T, word: fn(u64) -> T) -> fn(u64) -> T {
        match self {
            Self::Byte => byte,
            Self::Word => word,
        }
    }
}

/// An address to probe, and what the declaration says about it.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// Virtual address, aligned to `width`.
    pub virt: u64,
    /// Physical address that the declaration promises; `None` if it promises that nothing is mapped.
    pub phys: Option<u64>,
    /// How wide it may be accessed.
    pub width: Width,
    /// Two values that may be stored there for an instant (by one uninterrupted sequence that puts back what it found);
    /// `None` where nothing may be stored.
    pub marks: Option<[u32; 2]>,
}

/// What a machine says about where an access would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// To this physical address.
    To(u64),
    /// It reaches what lies at the physical address of the [`Spot`] (observed by marks or by content).
    Same,
    /// It reaches something else.
    Other,
    /// Nowhere: it faults.
    Nowhere,
    /// This machine cannot tell.
    Silent,
}

/// Why an access was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is mapped there.
    Unmapped,
    /// Something is mapped there, which does not allow the access.
    Denied,
    /// One of the two (the architecture does not say which).
    Page,
    /// Anything else: the raw syndrome.
    Other(u64),
}

/// A machine whose MMU is on.
///
/// Every method leaves memory as it found it, and returns also when the access faults.
pub trait Machine {
    /// Whether [`Machine::translate`] asks the MMU without an access, so that it may be asked about any address.
    /// Otherwise a device is probed at its registers only.
    const WALKS: bool;

    /// Where an access to `spot` would go.
    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk;

    /// The memory type that the MMU finds for `virt`, as the format's memory-type register encodes it; `None` if this
    /// machine cannot tell.
    fn memory(&mut self, virt: u64) -> Option<u8>;

    /// Loads from `virt`.
    ///
    /// # Errors
    /// The fault, if it was refused.
    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault>;

    /// Stores to `virt` what was loaded from it by the instruction before, or 0 where that load faults.
    ///
    /// # Errors
    /// The fault of the store, if it was refused.
    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault>;

    /// Calls `virt`. An instruction that was fetched and then trapped counts as executed.
    ///
    /// # Errors
    /// The fault, if the fetch was refused.
    fn execute(&mut self, virt: u64) -> Result<(), Fault>;

    /// Whether a call of an address where `word` lies is harmless: it returns at once, or traps as undefined.
    fn is_harmless(&self, word: u32) -> bool;

    /// Where [`Machine::is_harmless`] holds in the page around `virt`, which can be read; the nearest place behind it
    /// first.
    fn harmless(&mut self, virt: u64) -> Option<u64> {
        let page = virt & !(PAGE - 1);
        (0..PAGE).step_by(4).map(|step| page + ((virt - page + step) & (PAGE - 4))).find(|&at| {
            let word = self.read(at, Width::Word);
            word.is_ok_and(|word| self.is_harmless(word))
        })
    }
}
