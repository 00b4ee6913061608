//! The q35 while its live space is edited: accesses only, for the witness' tables cost what is cached of those under test.

use churn::Bench;
use example_maps::x86_64::q35_x86_64::kernel;
use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};
use x86_64::VirtAddr;
use x86_64::instructions::tlb;

use crate::machine::{Q35, is_emulated, refusal};

/// One of so many questions about ring 3 is asked.
const RARE: u32 = 8;

/// The only CPU.
pub(crate) struct Core {
    machine: Q35,
    is_emulated: bool,
    questions: u32,
}

impl Core {
    pub(crate) fn new(machine: Q35) -> Self {
        Self { machine, is_emulated: is_emulated(), questions: 0 }
    }

    /// Whether QEMU executes the instructions.
    pub(crate) const fn is_emulated(&self) -> bool {
        self.is_emulated
    }
}

impl Machine for Core {
    const WALKS: bool = false;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        self.questions += u32::from(who == Who::User);
        if who == Who::Kernel || !self.questions.is_multiple_of(RARE) {
            return Walk::Silent;
        }
        match self.machine.attempt(spot, right, who) {
            Ok(()) => Walk::Same,
            Err(report) => match refusal(&report, spot.virt, right, who) {
                Fault::Unmapped | Fault::Denied => Walk::Nowhere,
                Fault::Page | Fault::Other(_) => Walk::Other,
            },
        }
    }

    fn memory(&mut self, _: u64) -> Option<u8> {
        None
    }

    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault> {
        self.machine.read(virt, width)
    }

    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault> {
        self.machine.write(virt, width)
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        if self.is_emulated {
            // QEMU 7.2 also remembers code by its virtual address. When INVLPG drops a large leaf it forgets that of one
            // page of 4 KiB. Fetches share their translations with loads, by which all pages have been asked before.
            tlb::flush(VirtAddr::new_truncate(virt));
        }
        self.machine.execute(virt)
    }

    fn is_harmless(&self, word: u32) -> bool {
        self.machine.is_harmless(word)
    }
}

impl Bench for Core {
    /// `ret`, and what is never run.
    const RETURN: u32 = 0xcccc_ccc3;

    fn store(&mut self, phys: u64, word: u32) {
        // SAFETY: frames are RAM that the map shows there, and nobody uses them but the program of edits. What is fetched
        // from another address sees it after the next exception.
        unsafe { in_map(phys).write_volatile(word) };
    }
}

/// Where the map has the word at a physical address of RAM.
pub(crate) fn in_map(phys: u64) -> *mut u32 {
    let virt = |start: u64, base: u64| core::ptr::with_exposed_provenance_mut((start + (phys - base)) as usize);
    #[cfg(feature = "pdpe1gb")]
    if phys >= kernel::upper::PHYS {
        return virt(kernel::upper::START, kernel::upper::PHYS);
    }
    virt(kernel::physmap::START, kernel::physmap::PHYS)
}
