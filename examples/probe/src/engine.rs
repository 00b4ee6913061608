//! The questions, and the comparison of the answers with the declaration.

use core::fmt::{self, Write};

use tablature::attr::{Access, MemoryType, Rights};
use tablature::layout::{Extent, Layout};
use tablature::map::{Kind, Map, Region};

use crate::Register;
use crate::declared::{Declared, Expected};
use crate::leaves::{gaps, sample};
use crate::machine::{Fault, Machine, Right, Spot, Walk, Who, Width};
use crate::report::Report;

/// Mismatches of one region that are written out.
const SHOWN: u32 = 8;

/// Probes every region of the space number `space` of `map`, and everything that no region covers; writes one line for
/// each, and returns the counts.
///
/// `registers` are the device registers that may be read. A device without one is a mismatch, for nothing would testify
/// for it; so is a leaf of a device without one, where the machine cannot tell without an access.
///
/// # Errors
/// Those of `out`.
pub fn run<'a, M: Machine, const R: usize>(
    machine: &mut M,
    out: &mut dyn Write,
    (map, layout, space): (&'a Map<'a>, &'a Layout<R>, usize),
    registers: &[Register],
) -> Result<Report, fmt::Error> {
    let mut report = Report::default();
    let Some(declared) = Declared::new(map, layout, space) else {
        return Ok(report);
    };
    for (region, extent) in declared.regions() {
        let mut probe = Probe { machine, out, declared: &declared, region, extent, counts: Report::default() };
        probe.region(registers)?;
        probe.line()?;
        report = report.and(probe.counts);
    }
    let mut rest = Rest { machine, counts: Report::default() };
    rest.sweep(out, &declared)?;
    Ok(report.and(rest.counts))
}

/// Probes as [`run`] does, and ends the list with the counts: whether nothing contradicts the declaration, and `out` took
/// it all.
pub fn testify<'a, M: Machine, const R: usize>(
    machine: &mut M,
    out: &mut dyn Write,
    declared: (&'a Map<'a>, &'a Layout<R>, usize),
    registers: &[Register],
) -> bool {
    let report = run(machine, out, declared, registers);
    report.is_ok_and(|report| writeln!(out, "{report}").is_ok() && report.is_good())
}

/// Everything that no region covers.
struct Rest<'p, M> {
    machine: &'p mut M,
    counts: Report,
}

impl<M: Machine> Rest<'_, M> {
    /// Probes the first word of whatever an entry could map outside all regions.
    fn sweep<const R: usize>(&mut self, out: &mut dyn Write, declared: &Declared<'_, R>) -> fmt::Result {
        gaps(declared, |virt| {
            let (read, execute) = (self.machine.read(virt, Width::Word).map(|_| ()), self.machine.execute(virt));
            for (right, answer) in [(Right::Read, read), (Right::Execute, execute)] {
                self.counts.probes += 1;
                self.counts.faults += u32::from(answer.is_err());
                if !matches!(answer, Err(Fault::Page | Fault::Unmapped)) {
                    self.counts.mismatches += 1;
                    writeln!(out, "  ! {virt:#018x}: nothing is declared, {right:?} gives {answer:x?}")?;
                }
            }
            Ok(())
        })?;
        let counts = self.counts;
        write!(out, "{:<76} {:>6} probes {:>6} faults  ", "everywhere else", counts.probes, counts.faults)?;
        verdict(out, counts)
    }
}

/// Ends a line.
fn verdict(out: &mut dyn Write, counts: Report) -> fmt::Result {
    match counts.mismatches {
        0 => writeln!(out, "ok"),
        wrong => writeln!(out, "{wrong} WRONG"),
    }
}

/// One region under examination.
struct Probe<'p, 'a, M, const R: usize> {
    machine: &'p mut M,
    out: &'p mut dyn Write,
    declared: &'p Declared<'a, R>,
    region: &'a Region<'a>,
    extent: &'a Extent,
    counts: Report,
}

impl<M: Machine, const R: usize> Probe<'_, '_, M, R> {
    fn region(&mut self, registers: &[Register]) -> fmt::Result {
        self.counts.regions = 1;
        if self.extent.bad {
            return self.wrong(0, format_args!("cannot be mapped as declared"));
        }
        if self.declared.is_device(self.region, self.extent) {
            self.device(registers)?;
        } else {
            self.range(self.extent.v_lo, self.extent.v_hi)?;
        }
        let (lo, hi) = (self.extent.v_lo, self.extent.v_hi);
        let below = u128::from(self.region.guard_below);
        let above = u128::from(self.region.guard_above);
        if below > 0 {
            self.range(lo.saturating_sub(below), lo)?;
        }
        if above > 0 {
            self.range(hi, hi + above)?;
        }
        self.outside(lo.saturating_sub(below), hi + above)
    }

    /// Probes the first and last word of the sampled leaves of a range.
    fn range(&mut self, from: u128, to: u128) -> fmt::Result {
        let mut result = Ok(());
        let (declared, region, extent) = (self.declared, self.region, self.extent);
        sample(declared, (region, extent), (from, to), |start, size| {
            if result.is_ok() {
                result = self.word(start);
            }
            if result.is_ok() {
                result = self.word(start + (size - 4));
            }
        });
        result
    }

    /// Probes the pages just outside where nothing is declared.
    fn outside(&mut self, lo: u128, hi: u128) -> fmt::Result {
        let last = lo.checked_sub(4).and_then(|at| u64::try_from(at).ok());
        let next = u64::try_from(hi).ok();
        for virt in [last, next].into_iter().flatten() {
            if self.declared.format().is_canonical(virt) && self.declared.at(virt) == Expected::Nothing {
                self.word(virt)?;
            }
        }
        Ok(())
    }

    /// Probes a device: translation everywhere if the MMU can be asked without an access, accesses at its registers.
    fn device(&mut self, registers: &[Register]) -> fmt::Result {
        let mut result = Ok(());
        let (declared, region, extent) = (self.declared, self.region, self.extent);
        sample(declared, (region, extent), (extent.v_lo, extent.v_hi), |start, size| {
            if result.is_ok() {
                result = self.device_leaf(registers, start, size);
            }
        });
        result?;
        let mut found = false;
        for register in registers.iter().filter(|register| register.region == region.name) {
            found = true;
            let virt = self.place(register);
            let spot = Spot { width: register.width, marks: register.marks, ..self.spot(virt) };
            let expected = declared.at(virt);
            self.walks(&spot, expected)?;
            self.accesses(&spot, expected, register.marks.is_some())?;
        }
        if found { Ok(()) } else { self.wrong(extent.virt as u64, format_args!("no register is safe to probe")) }
    }

    /// Asks where the ends of a leaf go, or sees to it that a register testifies for it.
    fn device_leaf(&mut self, registers: &[Register], start: u64, size: u64) -> fmt::Result {
        if M::WALKS {
            for virt in [start, start + (size - 4)] {
                self.walks(&self.spot(virt), self.declared.at(virt))?;
            }
            return Ok(());
        }
        let writable = self.region.access.privileged.contains(Rights::W);
        let testifies = |register: &Register| {
            register.region == self.region.name
                && self.place(register).wrapping_sub(start) < size
                && (register.marks.is_some() || !writable)
        };
        if registers.iter().any(testifies) {
            return Ok(());
        }
        self.wrong(start, format_args!("no register of this leaf is safe to probe"))
    }

    /// Where a register of this region is mapped.
    fn place(&self, register: &Register) -> u64 {
        (self.extent.virt as u64).wrapping_add(register.offset)
    }

    fn spot(&self, virt: u64) -> Spot {
        let phys = match self.declared.at(virt) {
            Expected::Nothing => None,
            Expected::Mapped { phys, .. } => Some(phys),
        };
        let mark = (virt >> 12) as u32 ^ virt as u32 ^ 0x5a5a_5a5a;
        Spot { virt, phys, width: Width::Word, marks: Some([mark, !mark]) }
    }

    /// Probes one word of memory, or of nothing.
    fn word(&mut self, virt: u64) -> fmt::Result {
        let (spot, expected) = (self.spot(virt), self.declared.at(virt));
        self.walks(&spot, expected)?;
        self.accesses(&spot, expected, true)
    }

    /// Asks where accesses go.
    fn walks(&mut self, spot: &Spot, expected: Expected) -> fmt::Result {
        for who in [Who::Kernel, Who::User] {
            for right in [Right::Read, Right::Write, Right::Execute] {
                let walk = self.machine.translate(spot, right, who);
                self.judge_walk(spot, expected, (walk, right, who))?;
            }
        }
        let Expected::Mapped { memory: Some(memory), .. } = expected else {
            return Ok(());
        };
        self.memory(spot.virt, memory)
    }

    fn judge_walk(&mut self, spot: &Spot, expected: Expected, (walk, right, who): (Walk, Right, Who)) -> fmt::Result {
        if walk == Walk::Silent {
            return Ok(());
        }
        self.counts.probes += 1;
        let good = match (walk, promised(expected, right, who)) {
            (Walk::To(phys), Some(promised)) => phys == promised,
            (Walk::Same, Some(_)) | (Walk::Nowhere, None) => true,
            _ => false,
        };
        if good {
            return Ok(());
        }
        let expected = Shown(promised(expected, right, who));
        self.wrong(spot.virt, format_args!("{who:?} {right:?} goes {walk:x?}, declared {expected}"))
    }

    fn memory(&mut self, virt: u64, memory: MemoryType) -> fmt::Result {
        let (Some(found), Some(code)) = (self.machine.memory(virt), self.declared.memory_code(memory)) else {
            return Ok(());
        };
        self.counts.probes += 1;
        if found == code {
            return Ok(());
        }
        self.wrong(virt, format_args!("memory type {found:#04x}, declared {} = {code:#04x}", memory.name()))
    }

    /// Reads, writes back and executes as the kernel.
    fn accesses(&mut self, spot: &Spot, expected: Expected, writable: bool) -> fmt::Result {
        let read = self.machine.read(spot.virt, spot.width);
        self.judge(spot, expected, (Right::Read, read.map(|_| ())))?;
        if writable || promised(expected, Right::Write, Who::Kernel).is_none() {
            let write = self.machine.write(spot.virt, spot.width);
            self.judge(spot, expected, (Right::Write, write))?;
        }
        let stub = match read {
            Ok(_) if spot.width == Width::Word && !self.declared.is_device(self.region, self.extent) => {
                self.machine.harmless(spot.virt)
            }
            _ => None,
        };
        if stub.is_none() && promised(expected, Right::Execute, Who::Kernel).is_some() {
            return self.wrong(spot.virt, format_args!("has no instruction that is safe to call"));
        }
        let execute = self.machine.execute(stub.unwrap_or(spot.virt));
        self.judge(spot, expected, (Right::Execute, execute))
    }

    fn judge(&mut self, spot: &Spot, expected: Expected, (right, answer): (Right, Result<(), Fault>)) -> fmt::Result {
        self.counts.probes += 1;
        self.counts.faults += u32::from(answer.is_err());
        let allowed = promised(expected, right, Who::Kernel).is_some();
        let good = match (answer, expected) {
            (Ok(()), _) => allowed,
            (Err(Fault::Page), _) => !allowed,
            (Err(Fault::Unmapped), Expected::Nothing) => true,
            (Err(Fault::Denied), Expected::Mapped { .. }) => !allowed,
            _ => false,
        };
        if good {
            return Ok(());
        }
        let what = if answer.is_ok() { "allowed" } else { "refused" };
        let rights = Declaration(expected);
        match answer {
            Ok(()) => self.wrong(spot.virt, format_args!("{right:?} is {what}, declared {rights}")),
            Err(fault) => self.wrong(spot.virt, format_args!("{right:?} is {what} ({fault:x?}), declared {rights}")),
        }
    }

    fn wrong(&mut self, virt: u64, what: fmt::Arguments<'_>) -> fmt::Result {
        self.counts.mismatches += 1;
        if self.counts.mismatches > SHOWN {
            return Ok(());
        }
        writeln!(self.out, "  ! {} {virt:#018x}: {what}", self.region.name)
    }

    fn line(&mut self) -> fmt::Result {
        let (region, extent, counts) = (self.region, self.extent, self.counts);
        let last = extent.v_hi.saturating_sub(1);
        write!(self.out, "{:<13} {:#018x}..={last:#018x} ", region.name, extent.v_lo)?;
        if extent.has_phys {
            write!(self.out, "-> {:#011x} ", extent.p_lo)?;
        } else {
            write!(self.out, "{:15}", "")?;
        }
        write!(self.out, "{:<7} {:>6} probes {:>6} faults  ", label(region), counts.probes, counts.faults)?;
        verdict(self.out, counts)
    }
}

/// What a region is, in the word that its declaration uses.
fn label(region: &Region<'_>) -> &'static str {
    match region.kind {
        Kind::Guard => "guard",
        Kind::Window => "window",
        _ => ["none", "r", "w", "rw", "x", "rx", "wx", "rwx"][usize::from(region.access.any().bits())],
    }
}

/// The physical address that the declaration promises for an access; `None` if it must fault.
fn promised(expected: Expected, right: Right, who: Who) -> Option<u64> {
    let Expected::Mapped { phys, access, .. } = expected else {
        return None;
    };
    let needed = match right {
        Right::Read => Rights::R,
        Right::Write => Rights::W,
        Right::Execute => Rights::X,
    };
    rights_of(access, who).contains(needed).then_some(phys)
}

const fn rights_of(access: Access, who: Who) -> Rights {
    match who {
        Who::Kernel => access.privileged,
        Who::User => access.user,
    }
}

/// Writes where an access should go.
struct Shown(Option<u64>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(phys) => write!(f, "{phys:#x}"),
            None => f.write_str("to fault"),
        }
    }
}

/// Writes what is declared.
struct Declaration(Expected);

impl fmt::Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expected::Nothing => f.write_str("unmapped"),
            Expected::Mapped { access, .. } => write!(f, "{:?} for the kernel", access.privileged),
        }
    }
}
