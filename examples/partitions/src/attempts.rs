//! Every forbidden access, as a list.

use crate::machine::system::{boot, control, rogue};
use crate::machine::{self, PRIVILEGED};
use crate::shared::deed;

/// One forbidden access.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// A number of [`deed`].
    pub(crate) deed: u64,
    /// Where, or which instruction.
    pub(crate) address: u64,
    /// What is there.
    pub(crate) name: &'static str,
}

/// How an access faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The tables refuse a load.
    Read,
    /// The tables refuse a store.
    Write,
    /// The tables refuse a fetch.
    Execute,
    /// The CPU refuses an instruction, or what it is about, without an address.
    Refused,
}

/// What an access of a partition raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// How.
    pub(crate) kind: Kind,
    /// Where; 0 for [`Kind::Refused`].
    pub(crate) address: u64,
}

/// A place, and what must not be done there.
struct Target {
    name: &'static str,
    address: u64,
    deeds: &'static [u64],
}

const ALL: &[u64] = &[deed::READ, deed::WRITE, deed::EXECUTE];
const WRITE: &[u64] = &[deed::WRITE];
const EXECUTE: &[u64] = &[deed::EXECUTE];
const WRITE_EXECUTE: &[u64] = &[deed::WRITE, deed::EXECUTE];
const DEPUTY: &[u64] = &[deed::DEPUTY];

const fn of(name: &'static str, address: u64, deeds: &'static [u64]) -> Target {
    Target { name, address, deeds }
}

/// The places; those of the boot space are where the kernel has them in every space.
const TARGETS: &[Target] = &[
    of("kernel text", boot::text::START, ALL),
    of("kernel constants", boot::rodata::START, ALL),
    of("kernel data", boot::kernel_data::START, ALL),
    of("kernel stack", boot::kernel_stack::END - 8, ALL),
    of("kernel stack guard", boot::kernel_stack::START - 8, ALL),
    of("page tables of control", boot::table_pool::START + TABLES_OF_CONTROL, ALL),
    of("own page tables", boot::table_pool::START + TABLES_OF_ROGUE, ALL),
    of("page tables, physical", rogue::TABLES_AT, ALL),
    of("kernel text, physical", boot::text::PHYS, ALL),
    of(machine::DEVICE.0, machine::DEVICE.1, ALL),
    of("code of control", control::code::START, ALL),
    of("data of control", control::data::START, ALL),
    of("stack of control", control::stack::END - 8, ALL),
    of("channel end of control", control::link::START, ALL),
    of("data of control, physical", control::data::PHYS, ALL),
    of("own code", rogue::code::START, WRITE),
    of("own data", rogue::data::START, EXECUTE),
    of("own stack", rogue::stack::END - 16, EXECUTE),
    of("own scratch", rogue::scratch::START, EXECUTE),
    of("own stack guard", rogue::stack::START - 8, ALL),
    of("channel, second frame", rogue::link::START + 4096, WRITE_EXECUTE),
    of("channel, last word", rogue::link::END - 8, WRITE),
    of("behind the channel", rogue::link::END, ALL),
    of("null pointer", 0, ALL),
    of("null page", 0xff8, ALL),
    of("end of the lower half", machine::LOWER_END - 8, ALL),
    of("between the halves", machine::LOWER_END, ALL),
    of("end of memory", u64::MAX - 7, ALL),
    of("a print of kernel data", boot::kernel_data::START, DEPUTY),
    of("a print of control's data", control::data::START, DEPUTY),
    of("a print that wraps around", u64::MAX - 7, DEPUTY),
    of("a print across the end", rogue::data::END - 8, DEPUTY),
];

const TABLES_OF_CONTROL: u64 = control::TABLES_AT - boot::table_pool::PHYS;
const TABLES_OF_ROGUE: u64 = rogue::TABLES_AT - boot::table_pool::PHYS;

/// How many there are.
pub(crate) const COUNT: usize = {
    let mut count = PRIVILEGED.len();
    let mut i = 0;
    while i < TARGETS.len() {
        count += TARGETS[i].deeds.len();
        i += 1;
    }
    count
};

impl Attempt {
    /// Number `index` of [`COUNT`].
    pub(crate) fn number(index: usize) -> Option<Self> {
        let mut rest = index;
        for target in TARGETS {
            if let Some(&deed) = target.deeds.get(rest) {
                return Some(Self { deed, address: target.address, name: target.name });
            }
            rest -= target.deeds.len();
        }
        let name = PRIVILEGED.get(rest)?;
        Some(Self { deed: deed::INSTRUCTION, address: rest as u64, name })
    }

    /// The fault that it must raise; none for what the kernel itself refuses.
    pub(crate) fn expected(&self) -> Option<Fault> {
        let kind = match self.deed {
            deed::READ => Kind::Read,
            deed::WRITE => Kind::Write,
            deed::EXECUTE => Kind::Execute,
            deed::INSTRUCTION => return Some(Fault { kind: Kind::Refused, address: 0 }),
            _ => return None,
        };
        Some(machine::fault_at(kind, self.address))
    }

    /// What is tried, as a word.
    pub(crate) const fn verb(&self) -> &'static str {
        match self.deed {
            deed::READ => "read",
            deed::WRITE => "write",
            deed::EXECUTE => "execute",
            deed::INSTRUCTION => "privileged",
            _ => "call",
        }
    }
}
