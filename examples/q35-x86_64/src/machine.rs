//! The q35 as a machine that can be asked.
//!
//! Where an address leads is observed, not computed: a mark is stored through the witness' tables, read through those
//! under test, and taken back. On x86 one translation serves reads, writes and fetches of both privileges, so what
//! distinguishes them is tried by access, and the marks are the same for all.
//!
//! Memory types do not show in any access, and x86 has no instruction that asks for one: PWT, PCD and PAT of a leaf are
//! not probed.

use core::arch::x86_64::__cpuid;

use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};
use tablature::space::TableMemory;

use crate::trap::{self, Access, Report, code};
use crate::witness::{Witness, is_device};

/// Marks for live tables: bits that the MMU ignores (SDM 3A, 4.5.4: 11:9 and 62:52), for the low and the high word.
const TABLE_MARKS: [u32; 2] = [1 << 9, 1 << 20];
/// The last word of a page.
const LAST_WORD: u64 = 0xffc;
/// A near return, in the first byte of a word.
const RET: u32 = 0xc3;

/// Bytes between two entries of the code of ring 3.
const USER_CODE_STRIDE: u64 = 16;

/// The leaf of CPUID in which hypervisors say who they are, and what QEMU's own CPU says there.
const HYPERVISOR: u32 = 0x4000_0000;
const EMULATOR: [[u8; 4]; 3] = [*b"TCGT", *b"CGTC", *b"GTCG"];

/// Whether QEMU executes the instructions.
pub(crate) fn is_emulated() -> bool {
    let found = __cpuid(HYPERVISOR);
    [found.ebx, found.ecx, found.edx].map(u32::to_le_bytes) == EMULATOR
}

/// Entries of the code of ring 3, in their order.
#[derive(Clone, Copy)]
enum UserCode {
    Read,
    Rewrite,
    Clear,
}

/// The only CPU.
pub(crate) struct Q35 {
    /// What shows physical memory.
    witness: Witness,
    /// Physical addresses of the tables: first byte and end.
    tables: (u64, u64),
    /// The first entry of the code of ring 3.
    user_code: u64,
    /// The address last observed, and whether it led where it should.
    last: Option<(u64, bool)>,
}

impl Q35 {
    /// The machine with the tables under test in `tables`, and with the code of ring 3 at `user_code`.
    ///
    /// # Safety
    ///
    /// [`trap::init`] has run. Whoever uses the machine probes addresses that the map in force declares, or that are not
    /// mapped, and only registers of devices for which a load has no effect.
    pub(crate) unsafe fn new(witness: Witness, tables: &TableMemory, user_code: u64) -> Self {
        let tables = (tables.physical, tables.physical + tables.bytes as u64);
        Self { witness, tables, user_code, last: None }
    }

    /// Tries an access, leaving memory as it is.
    pub(crate) fn attempt(&mut self, spot: &Spot, right: Right, who: Who) -> Result<(), Report> {
        match (who, right) {
            (Who::Kernel, Right::Read) => self.load(spot.virt, spot.width).map(|_| ()),
            (Who::Kernel, Right::Write) => self.store(spot.virt, spot.width),
            // SAFETY: what `new` asks for; an address without a `ret` is not executable, and if it is against the
            // declaration one instruction runs.
            (who, Right::Execute) => unsafe { trap::execute(spot.virt, who == Who::User) },
            (Who::User, Right::Read) => self.user(UserCode::Read, spot.virt),
            (Who::User, Right::Write) => match self.user(UserCode::Read, spot.virt) {
                Ok(()) => self.user(UserCode::Rewrite, spot.virt),
                Err(_) => self.user(UserCode::Clear, spot.virt),
            },
        }
    }

    fn user(&mut self, code: UserCode, virt: u64) -> Result<(), Report> {
        let entry = self.user_code + USER_CODE_STRIDE * code as u64;
        // SAFETY: what `new` asks for; the code loads, stores what it loaded, or stores where nothing can be loaded.
        unsafe { trap::access_in_user_mode(entry, virt) }
    }

    fn load(&mut self, virt: u64, width: Width) -> Result<u32, Report> {
        let access = match width {
            Width::Byte => Access::ReadByte,
            Width::Word => Access::ReadWord,
        };
        // SAFETY: a load, and what `new` asks for.
        unsafe { trap::access(access, virt) }
    }

    fn store(&mut self, virt: u64, width: Width) -> Result<(), Report> {
        let access = match (self.load(virt, width), width) {
            (Ok(_), Width::Byte) => Access::RewriteByte,
            (Ok(_), Width::Word) => Access::RewriteWord,
            (Err(_), Width::Byte) => Access::ClearByte,
            (Err(_), Width::Word) => Access::ClearWord,
        };
        // SAFETY: it stores what is there; where nothing can be loaded nothing can be stored on x86.
        unsafe { trap::access(access, virt) }.map(|_| ())
    }

    /// Whether `spot.virt` leads to `phys`. The engine asks for all rights of one address in turn, and the translation
    /// is the same for each, so the last answer is kept.
    fn leads_to(&mut self, spot: &Spot, phys: u64) -> bool {
        if let Some((virt, answer)) = self.last
            && virt == spot.virt
        {
            return answer;
        }
        let answer = self.load(spot.virt, spot.width).is_ok() && self.shows_marks(spot, phys);
        self.last = Some((spot.virt, answer));
        answer
    }

    /// Whether a mark at `phys` appears at `spot.virt`, which can be read.
    fn shows_marks(&self, spot: &Spot, phys: u64) -> bool {
        let mask = match spot.width {
            Width::Byte => 0xff,
            Width::Word => u32::MAX,
        };
        let is_table = (self.tables.0 <= phys && phys < self.tables.1) || self.witness.holds(phys);
        let seen = |keep, flip| {
            // SAFETY: the declaration says that RAM or a register is at `phys`, whose word is back before anything else
            // happens; live tables keep every bit that the MMU looks at; the virtual side can be read.
            let (stored, read) = unsafe { self.witness.observe(phys, spot.virt, keep, flip) };
            (stored ^ read) & mask == 0
        };
        match spot.marks {
            _ if is_table => seen(u32::MAX, TABLE_MARKS[usize::from(phys % 8 != 0)]),
            // A register holds what it can; in RAM the word that was there changes, whatever it was.
            Some([first, second]) if is_device(phys) => seen(0, first) && seen(0, second),
            Some([mark, _]) => seen(u32::MAX, mark),
            None => seen(u32::MAX, 0),
        }
    }
}

impl Machine for Q35 {
    const WALKS: bool = false;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        match self.attempt(spot, right, who) {
            Err(report) => match refusal(&report, spot.virt, right, who) {
                Fault::Unmapped | Fault::Denied => Walk::Nowhere,
                Fault::Page | Fault::Other(_) => Walk::Other,
            },
            Ok(()) => match spot.phys {
                Some(phys) if self.leads_to(spot, phys) => Walk::Same,
                _ => Walk::Other,
            },
        }
    }

    fn memory(&mut self, _virt: u64) -> Option<u8> {
        None
    }

    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault> {
        self.load(virt, width).map_err(|report| refusal(&report, virt, Right::Read, Who::Kernel))
    }

    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault> {
        self.store(virt, width).map_err(|report| refusal(&report, virt, Right::Write, Who::Kernel))
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        // SAFETY: the engine calls only where `is_harmless` agreed, or where it expects a fault; one instruction runs.
        unsafe { trap::execute(virt, false) }.map_err(|report| refusal(&report, virt, Right::Execute, Who::Kernel))
    }

    fn is_harmless(&self, word: u32) -> bool {
        word & 0xff == RET
    }

    fn harmless(&mut self, virt: u64) -> Option<u64> {
        // The linker script ends pages of code with a return. Where neither is one, the trap flag limits what happens to
        // one instruction, and no page needs to be searched.
        [virt, virt | LAST_WORD]
            .into_iter()
            .find(|&at| self.load(at, Width::Word).is_ok_and(|word| self.is_harmless(word)))
    }
}

/// Why an access was refused, if the exception is the page fault that such an access raises and no other.
pub(crate) fn refusal(report: &Report, virt: u64, right: Right, who: Who) -> Fault {
    let kind = match right {
        Right::Read => 0,
        Right::Write => code::WRITE,
        Right::Execute => code::FETCH,
    };
    let user = if who == Who::User { code::USER } else { 0 };
    if !report.is_page_fault_at(virt) || report.code & !code::PRESENT != kind | user {
        return Fault::Other(report.vector << 32 | report.code);
    }
    if report.code & code::PRESENT == 0 { Fault::Unmapped } else { Fault::Denied }
}
