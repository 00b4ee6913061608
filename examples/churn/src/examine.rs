//! The questions to the hardware, and the comparison of the answers with the model.

use probe::{Fault, Right, Spot, Walk, Who, Width};
use tablature::attr::Rights;

use crate::model::Target;
use crate::program::Program;
use crate::{Bench, Subject};

/// Mismatches that are written out.
const SHOWN: u32 = 16;
/// Where in a page the instruction lies that returns.
pub(crate) const CODE: u64 = 4;

impl<S: Subject, B: Bench> Program<'_, '_, S, B> {
    /// Loads from one page, so that its translation may be cached.
    pub(crate) fn touch(&mut self, page: usize) {
        self.load(page, 0);
    }

    /// Asks about some pages: all of them by loads and stores first, because whatever a machine does for a fetch or for
    /// the user may drop what is cached.
    pub(crate) fn examine(&mut self, pages: &[usize]) {
        for &page in pages {
            self.load(page, 0);
            self.load(page, self.ground.page - 4);
            self.access(page, Right::Write);
        }
        for &page in pages {
            self.access(page, Right::Execute);
        }
        for &page in pages {
            self.walks(self.ground.virt(page) + CODE, self.model.target(page));
        }
    }

    /// Loads the stamp at one end of a page.
    fn load(&mut self, page: usize, offset: u64) {
        let (virt, target) = (self.ground.virt(page) + offset, self.model.target(page));
        let rights = self.rights(target, Who::Kernel);
        let stamp = target.map(|target| self.model.stamp(target.frame));
        let holds = if offset == 0 { stamp } else { stamp.map(|stamp| !stamp) };
        let read = self.bench.read(virt, Width::Word);
        self.judge(virt, "read", (read, holds.filter(|_| rights.contains(Rights::R))), target);
    }

    /// Stores or calls.
    fn access(&mut self, page: usize, right: Right) {
        let (virt, target) = (self.ground.virt(page), self.model.target(page));
        let (what, answer, needed) = match right {
            Right::Write => ("write", self.bench.write(virt, Width::Word), Rights::W),
            _ => ("execute", self.bench.execute(virt + CODE), Rights::X),
        };
        let expected = self.rights(target, Who::Kernel).contains(needed).then_some(0);
        self.judge(virt, what, (answer.map(|()| 0), expected), target);
    }

    /// Compares an answer with what is expected: a value, or a refusal.
    fn judge(&mut self, virt: u64, what: &str, answer: (Result<u32, Fault>, Option<u32>), target: Option<Target>) {
        self.report.checks += 1;
        let good = match answer {
            (Ok(found), Some(expected)) => found == expected,
            (Err(Fault::Page), None) => true,
            (Err(Fault::Unmapped), None) => target.is_none(),
            (Err(Fault::Denied), None) => target.is_some(),
            _ => false,
        };
        if !good {
            self.wrong(virt, what, format_args!("{answer:x?}, {target:?}"));
        }
    }

    /// Asks where accesses go.
    fn walks(&mut self, virt: u64, target: Option<Target>) {
        let phys = target.map(|target| self.ground.phys(target.frame as usize) + CODE);
        let spot = Spot { virt, phys, width: Width::Word, marks: Some([0x5a5a_5a5a, 0xa5a5_a5a5]) };
        for who in [Who::Kernel, Who::User] {
            let rights = self.rights(target, who);
            for (right, needed) in [(Right::Read, Rights::R), (Right::Write, Rights::W), (Right::Execute, Rights::X)] {
                let walk = self.bench.translate(&spot, right, who);
                let promised = phys.filter(|_| rights.contains(needed));
                let good = match (walk, promised) {
                    (Walk::Silent, _) => continue,
                    (Walk::To(found), Some(promised)) => found == promised,
                    (Walk::Same, Some(_)) | (Walk::Nowhere, None) => true,
                    _ => false,
                };
                self.report.checks += 1;
                if !good {
                    self.wrong(virt, "walk", format_args!("{who:?} {right:?} {walk:x?}, expected {promised:x?}"));
                }
            }
        }
        self.memory(virt, target);
    }

    fn memory(&mut self, virt: u64, target: Option<Target>) {
        let Some(memory) = target.and_then(|target| self.ground.types.get(usize::from(target.memory))) else {
            return;
        };
        let Some(code) = self.memory_codes.get(*memory as usize).copied() else {
            return;
        };
        if let Some(found) = self.bench.memory(virt) {
            self.report.checks += 1;
            if u16::from(found) != code {
                self.wrong(virt, "memory type", format_args!("{found:#x}, expected {code:#x}"));
            }
        }
    }

    fn rights(&self, target: Option<Target>, who: Who) -> Rights {
        let access = target.and_then(|target| self.ground.accesses.get(usize::from(target.access)));
        access.map_or(Rights::NONE, |access| match who {
            Who::Kernel => access.privileged,
            Who::User => access.user,
        })
    }

    /// Counts a mismatch, and writes out the first ones.
    pub(crate) fn wrong(&mut self, virt: u64, what: &str, text: core::fmt::Arguments<'_>) {
        self.report.mismatches += 1;
        if self.report.mismatches <= SHOWN {
            let (step, op) = (self.report.steps, self.op);
            // A console that takes nothing keeps the count right.
            let _ = writeln!(self.out, "mismatch in step {step} ({op}) at {virt:#018x}: {what}: {text}");
        }
    }
}
