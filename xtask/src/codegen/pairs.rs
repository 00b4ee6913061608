//! The pairs. No function of the notation is longer than the one by hand.

use std::fmt::Write as _;

use super::compare::Comparison;
use crate::machine::Arch;

/// Which instructions of a pair are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All.
    All,
    /// Writes of system registers, barriers and invalidations.
    System,
}

/// A function that exists in both halves.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) name: &'static str,
    /// What it does, for the listings.
    pub(crate) what: &'static str,
    /// Which instructions are compared.
    pub(crate) part: Part,
    /// Functions of the library that are called as such, and whose instructions are therefore not seen.
    unseen: [usize; 3],
}

impl Pair {
    const fn equal(name: &'static str, what: &'static str) -> Self {
        Self { name, what, part: Part::All, unseen: [0; 3] }
    }

    /// Only what changes something beside memory and registers of the program.
    const fn of_the_system(self) -> Self {
        Self { part: Part::System, ..self }
    }

    /// Where functions of the library are called on AArch64, RISC-V and x86-64.
    const fn calling(self, unseen: [usize; 3]) -> Self {
        Self { unseen, ..self }
    }

    /// Whether the notation is as long as by hand, or shorter.
    ///
    /// # Errors
    /// It is not; the text says what.
    pub(crate) fn judge(&self, arch: Arch, compared: &Comparison) -> Result<(), String> {
        let at = Arch::ALL.iter().position(|one| *one == arch).unwrap_or_default();
        let (longer, calls, unseen) = (compared.excess(), self.unseen[at], compared.notation.unseen.len());
        let mut text = String::new();
        if longer > 0 {
            let _ = write!(text, "{longer} instructions longer than by hand");
        }
        if unseen > calls {
            let _ = write!(text, " {unseen} calls out of sight, {calls} are allowed: {:?}", compared.notation.unseen);
        }
        if unseen < calls {
            println!("   {}: {calls} calls are allowed, which can be lowered", self.name);
        }
        if text.is_empty() { Ok(()) } else { Err(text) }
    }
}

/// All pairs.
pub(crate) const PAIRS: &[Pair] = &[
    Pair::equal("window_map", "maps a page of a window"),
    Pair::equal("window_unmap", "unmaps it"),
    Pair::equal("window_protect", "makes it read-only"),
    Pair::equal("window_map_run", "maps a run of its pages"),
    Pair::equal("window_protect_run", "makes a run of them read-only"),
    Pair::equal("window_unmap_run", "unmaps a run of them"),
    Pair::equal("install", "makes the space live: what writes registers, waits or invalidates")
        .of_the_system()
        .calling([0, 0, 1]),
    Pair::equal("switch", "makes another declared space live"),
    Pair::equal("flush_page", "drops what is cached of a page"),
    Pair::equal("flush_fixed", "drops what is cached of a page known before the program runs"),
    Pair::equal("flush_everything", "drops all that is cached of a space"),
    Pair::equal("cursor_map", "maps the next page of a space that no core uses"),
    Pair::equal("cursor_protect", "makes the next page read-only"),
    Pair::equal("cursor_unmap", "unmaps the next page"),
];
