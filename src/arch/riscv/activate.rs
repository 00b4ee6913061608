//! Which tables a hart uses: reading `satp` and `hgatp`, and writing them for tables that no declaration knows.
//!
//! PRIV "Supervisor-Level ISA", "Supervisor Address Translation and Protection (satp) Register": a write orders nothing,
//! and drops nothing that is cached. So a fence of the identifier comes before it, with which the walks that follow see
//! all earlier stores to the tables; it drops what is cached under that identifier. `sstatus` is left alone.

use crate::attr::Features;
use crate::edit::{Activate, Active, ActiveError};
use crate::flush::{Hardware, Id};
use crate::format::Format;
use crate::space::{Refusal, Roots};

use super::install::refusal;
use super::operation::{Op, Register, RiscV};
use super::regs::{Root, Words, root_mode};
use super::{Sv32, Sv39, Sv39C9xx, Sv39x4, Sv48, Sv48x4, Sv57};

/// The register of a regime, and its words.
struct Seat {
    register: Register,
    words: Words,
    fence: fn(Option<u64>, Option<u16>) -> Op,
}

impl Seat {
    fn of(format: &Format) -> Self {
        let (root, mode) = root_mode(format);
        let (register, fence): (_, fn(_, _) -> _) = match root {
            Root::Satp32 | Root::Satp => (Register::Satp, Op::SfenceVma),
            Root::Hgatp => (Register::Hgatp, Op::HfenceGvma),
        };
        let words = Words {
            register: root,
            value: mode,
            mode: format.mode,
            needs: Features::NONE,
            sstatus: 0,
            sstatus_clear: 0,
            menvcfg: 0,
        };
        Self { register, words, fence }
    }

    /// What the register holds.
    fn parse(&self, value: u64) -> Result<Active, ActiveError> {
        let (mode, field) = (self.words.register.mode(), self.words.register.identifier());
        if value & mode == 0 {
            return Err(ActiveError::Off);
        }
        if value & mode != self.words.value {
            let shift = mode.trailing_zeros();
            return Err(ActiveError::Mode { expected: self.words.value >> shift, found: (value & mode) >> shift });
        }
        let page = value & !(mode | field);
        let id = (value & field) >> field.trailing_zeros();
        Ok(Active { roots: Roots { lower: Some(page << 12), upper: None }, id: Id::One(id as u16) })
    }

    /// The value for `to`, and its identifier.
    fn value(&self, to: &Active) -> Result<(u64, u16), ActiveError> {
        let root = to.roots.lower.ok_or(ActiveError::NoRoot)?;
        let id = match to.id {
            Id::Every => 0,
            Id::One(id) => id,
        };
        let field = self.words.register.identifier();
        if u64::from(id) > field >> field.trailing_zeros() {
            return Err(Refusal::AsidBits { needs: u16::BITS - id.leading_zeros(), has: field.count_ones() }.into());
        }
        let pages = !(self.words.register.mode() | field);
        if root >> 12 & !pages != 0 || (root >> 12 & pages) << 12 != root {
            let (needs, has) = (u64::BITS - root.leading_zeros(), pages.trailing_ones() + 12);
            return Err(Refusal::OutputBits { needs, has }.into());
        }
        Ok((self.words.rooted(root) | u64::from(id) << field.trailing_zeros(), id))
    }

    /// # Safety
    /// As for [`Activate::activate`].
    unsafe fn take<H: Hardware<RiscV>>(&self, to: &Active, hardware: &mut H) -> Result<(), ActiveError> {
        let (target, id) = self.value(to)?;
        let before = hardware.read(self.register);
        let (all, own) = ((self.fence)(None, None), (self.fence)(None, Some(id)));
        let (earlier, later) = match self.parse(before) {
            // Whatever is cached came from older tables, global translations too.
            Err(ActiveError::Off) => (all, Some(all)),
            Err(other) => return Err(other),
            Ok(active) if active.id == Id::One(id) => (own, Some(own)),
            Ok(_) => (own, None),
        };
        execute(hardware, earlier);
        execute(hardware, Op::Write(self.register, target));
        let now = hardware.read(self.register);
        if now != target {
            execute(hardware, Op::Write(self.register, before));
            // What walks under a refused identifier left.
            execute(hardware, all);
            return Err(refusal(&self.words, target, now).into());
        }
        if let Some(later) = later {
            execute(hardware, later);
        }
        Ok(())
    }
}

fn execute<H: Hardware<RiscV>>(hardware: &mut H, op: Op) {
    // SAFETY: a fence, the root that the caller of `activate` vouches for, or the value that the register had.
    unsafe { hardware.execute(op) };
}

macro_rules! activate {
    ($($regime:ty),*) => { $(
        impl Activate for $regime {
            fn active_with<H: Hardware<RiscV>>(
                format: &'static Format,
                _: Features,
                hardware: &mut H,
            ) -> Result<Active, ActiveError> {
                let seat = Seat::of(format);
                seat.parse(hardware.read(seat.register))
            }

            unsafe fn activate_with<H: Hardware<RiscV>>(
                format: &'static Format,
                _: Features,
                to: &Active,
                hardware: &mut H,
            ) -> Result<(), ActiveError> {
                // SAFETY: passed on to the caller word by word.
                unsafe { Seat::of(format).take(to, hardware) }
            }
        }
    )* };
}

activate!(Sv32, Sv39, Sv39C9xx, Sv48, Sv57, Sv39x4, Sv48x4);
