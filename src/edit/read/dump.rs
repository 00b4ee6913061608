//! Tables for people.

use core::fmt;
use core::ops::ControlFlow;

use super::range::last_of_half;
use super::regions::Region;
use super::visit::{Visit, VisitError, Visitor};
use super::{Reader, Words};
use crate::addr::VirtAddr;
use crate::attr::{Access, Rights};
use crate::format::{Leaf, View};
use crate::regime::Regime;
use crate::size::{GIB, KIB, MIB, TIB};

/// The tables of a reader as text; see [`Reader::dump`].
#[derive(Debug)]
pub struct Dump<R: Regime, W> {
    reader: Reader<R, W>,
    style: Style,
}

#[derive(Clone, Copy, Debug)]
enum Style {
    Regions,
    Entries,
}

impl<R: Regime, W: Words<R> + Copy> Reader<R, W> {
    /// The regions as text: one line each, with addresses, size, rights of both privileges, memory type, and the sizes of the
    /// leaves.
    #[must_use]
    pub const fn dump(self) -> Dump<R, W> {
        Dump { reader: self, style: Style::Regions }
    }
}

impl<R: Regime, W> Dump<R, W> {
    /// One line for each entry that is not absent, indented by its level.
    #[must_use]
    pub fn by_entry(self) -> Self {
        Self { style: Style::Entries, ..self }
    }
}

impl<R: Regime, W: Words<R> + Copy> fmt::Display for Dump<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", R::FORMAT.name)?;
        match self.style {
            Style::Regions => self.regions(f),
            Style::Entries => self.entries(f),
        }
    }
}

impl<R: Regime, W: Words<R> + Copy> Dump<R, W> {
    fn regions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut regions = self.reader.regions(VirtAddr::new(0));
        for region in regions.by_ref() {
            line(f, &region)?;
        }
        match regions.fault() {
            Some(fault) => writeln!(f, "passed over: {fault}"),
            None => Ok(()),
        }
    }

    fn entries(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for start in [Some(0), R::FORMAT.upper_start()].into_iter().flatten() {
            let size = (last_of_half(&R::FORMAT, start) - start).saturating_add(1);
            let mut lines = Lines { f, levels: R::FORMAT.levels };
            match self.reader.walk(VirtAddr::new(start), size, &mut lines) {
                Err(VisitError::Stopped(error)) => return Err(error),
                Err(error @ VisitError::NoTable { .. }) => writeln!(f, "{error}")?,
                Ok(()) | Err(VisitError::NoRoot | VisitError::Range(_)) => {}
            }
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, region: &Region) -> fmt::Result {
    let Region { virt, phys, size, attributes, leaves, .. } = *region;
    let last = virt.as_u64().wrapping_add(size - 1);
    write!(f, "{virt:#018x} - {last:#018x} => {phys:#014x}  {}  {}", Bytes(size), Both(attributes.access))?;
    write!(f, "  {}", attributes.memory.name())?;
    notes(f, attributes.global, region.guarded, region.software)?;
    match leaves {
        (small, large) if small == large => writeln!(f, "  ({} leaves)", Trimmed(small)),
        (small, large) => writeln!(f, "  ({} to {} leaves)", Trimmed(small), Trimmed(large)),
    }
}

fn notes(f: &mut fmt::Formatter<'_>, global: bool, guarded: bool, software: u8) -> fmt::Result {
    if global {
        f.write_str("  global")?;
    }
    if guarded {
        f.write_str("  guarded")?;
    }
    if software != 0 {
        write!(f, "  software {software:#x}")?;
    }
    Ok(())
}

/// Prints each entry it comes to.
struct Lines<'f, 'b> {
    f: &'f mut fmt::Formatter<'b>,
    levels: usize,
}

impl Lines<'_, '_> {
    fn print(&mut self, at: &Visit) -> fmt::Result {
        let f = &mut *self.f;
        if matches!(at.view, View::Absent) {
            return Ok(());
        }
        let indent = 2 * (self.levels - 1 - at.level);
        write!(f, "{:indent$}{:4} {:#018x}  {}  {:#018x}  ", "", at.index, at.virt, Bytes(at.size), at.word)?;
        match at.view {
            View::Leaf(Leaf { address, access, memory, global, run, software, guarded }) => {
                write!(f, "=> {address:#014x}  {}  {}", Both(access), memory.name())?;
                notes(f, global, guarded, software)?;
                if run != 0 {
                    write!(f, "  in a run of {}", Trimmed(run))?;
                }
                writeln!(f)
            }
            View::Table { address } if at.recursive => writeln!(f, "recursive: the table at {address:#x}"),
            View::Table { address } if at.shared => writeln!(f, "another space's table at {address:#x}"),
            View::Table { address } => writeln!(f, "table at {address:#x}"),
            View::Reserved | View::Absent => writeln!(f, "reserved"),
        }
    }
}

impl Visitor for Lines<'_, '_> {
    type Stop = fmt::Error;

    fn entry(&mut self, at: &Visit) -> ControlFlow<fmt::Error> {
        match self.print(at) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// Rights of the privileged level and of the user.
struct Both(Access);

impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = |rights: Rights| {
            [('r', Rights::R), ('w', Rights::W), ('x', Rights::X)]
                .map(|(letter, right)| if rights.contains(right) { letter } else { '-' })
        };
        letters(self.0.privileged)
            .into_iter()
            .chain(['/'])
            .chain(letters(self.0.user))
            .try_for_each(|c| write!(f, "{c}"))
    }
}

const fn unit(bytes: u64) -> (u64, &'static str) {
    match bytes {
        0 => (0, "B"),
        _ if bytes % TIB == 0 => (bytes / TIB, "TiB"),
        _ if bytes % GIB == 0 => (bytes / GIB, "GiB"),
        _ if bytes % MIB == 0 => (bytes / MIB, "MiB"),
        _ if bytes % KIB == 0 => (bytes / KIB, "KiB"),
        _ => (bytes, "B"),
    }
}

/// A size in the largest unit it is a multiple of, in a column.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, name) = unit(self.0);
        write!(f, "{count:8} {name}")
    }
}

/// The same without a column.
struct Trimmed(u64);

impl fmt::Display for Trimmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, name) = unit(self.0);
        write!(f, "{count} {name}")
    }
}
