//! Several programs in a row, and one verdict.

use core::fmt::{self, Write};

use crate::report::Report;

/// Steps of a program whose flushes are left out.
const CARELESS: u32 = 2_000;

/// Programs that run one after the other, with a line for each.
pub struct Session<'o> {
    out: &'o mut dyn Write,
    good: bool,
}

impl<'o> Session<'o> {
    /// None has run; lines go to `out`.
    pub const fn new(out: &'o mut dyn Write) -> Self {
        Self { out, good: true }
    }

    /// Whether every program came to what it should.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.good
    }

    /// A program of so many steps that meets its obligations: nothing may contradict it.
    ///
    /// # Errors
    /// Those of the output.
    pub fn careful(
        &mut self,
        what: fmt::Arguments<'_>,
        steps: u32,
        program: impl FnOnce(&mut dyn Write, u32) -> Report,
    ) -> fmt::Result {
        let report = program(self.out, steps);
        self.good &= report.is_good(steps);
        writeln!(self.out, "edit {what}: {report}")
    }

    /// A program that leaves out flushes: the machine has to notice, or it would notice nothing above either.
    ///
    /// # Errors
    /// Those of the output.
    pub fn careless(
        &mut self,
        what: fmt::Arguments<'_>,
        program: impl FnOnce(&mut dyn Write, u32) -> Report,
    ) -> fmt::Result {
        let Report { mismatches, .. } = program(&mut Silence, CARELESS);
        self.good &= mismatches > 0;
        let verdict = if mismatches > 0 { "noticed" } else { "NOT NOTICED" };
        writeln!(self.out, "edit {what}, {CARELESS} steps without flushes: {verdict}, {mismatches} times")
    }
}

/// Takes everything, and shows nothing.
struct Silence;

impl Write for Silence {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}
