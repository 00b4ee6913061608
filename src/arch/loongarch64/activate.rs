//! Which tables a core uses: reading `PGDL`, `PGDH`, `ASID` and what says how they are walked, and writing them (LOONG
//! "Control and Status Registers Related to Mapped Address Translation").
//!
//! Whether walks happen at all depends on a refill handler, which is the program's: translation is not turned on here.

use crate::attr::Features;
use crate::edit::{Activate, Active, ActiveError};
use crate::flush::{Hardware, Id};
use crate::format::Format;
use crate::space::{Refusal, Roots};

use super::La64;
use super::operation::{Invtlb, LoongArch, Op, Register};

/// Translation through page tables, in `CRMD`.
const PG: u64 = 1 << 4;
/// The identifier, in `ASID`.
const ASID: u64 = 0x3ff;
/// The root, in `PGDL` and `PGDH`.
const ROOT: u64 = !0xfff;
/// What is no reserved bit of `PWCL` and `PWCH`.
const WIDTHS: [u64; 2] = [0xffff_ffff, 0x00ff_ffff];

/// What `PWCL` and `PWCH` hold for a format: start and width of the index of each level. Entries have 64 bits.
pub(super) const fn walk_of(format: &Format) -> [u64; 2] {
    let (mut low, mut high, mut level) = (0, 0, 0);
    while level < format.levels {
        let (start, bits) = (format.level[level].shift as u64, format.index_bits(level) as u64);
        if level < 3 {
            low |= (start | bits << 5) << (10 * level);
        } else {
            high |= (start | bits << 6) << (12 * (level - 3));
        }
        level += 1;
    }
    [low, high]
}

impl Activate for La64 {
    fn active_with<H: Hardware<LoongArch>>(
        format: &'static Format,
        _: Features,
        hardware: &mut H,
    ) -> Result<Active, ActiveError> {
        if hardware.read(Register::Crmd) & PG == 0 {
            return Err(ActiveError::Off);
        }
        let expected = walk_of(format);
        let registers = [Register::Pwcl, Register::Pwch];
        for ((register, mask), expected) in registers.into_iter().zip(WIDTHS).zip(expected) {
            let found = hardware.read(register) & mask;
            if found != expected {
                return Err(ActiveError::Mode { expected, found });
            }
        }
        let lower = Some(hardware.read(Register::Pgdl) & ROOT);
        let upper = Some(hardware.read(Register::Pgdh) & ROOT);
        let id = Id::One((hardware.read(Register::Asid) & ASID) as u16);
        Ok(Active { roots: Roots { lower, upper }, id })
    }

    unsafe fn activate_with<H: Hardware<LoongArch>>(
        format: &'static Format,
        features: Features,
        to: &Active,
        hardware: &mut H,
    ) -> Result<(), ActiveError> {
        let before = Self::active_with(format, features, hardware)?;
        let id = match to.id {
            Id::Every => 0,
            Id::One(id) => id,
        };
        if u64::from(id) > ASID {
            return Err(Refusal::AsidBits { needs: u16::BITS - id.leading_zeros(), has: ASID.count_ones() }.into());
        }
        let Roots { lower, upper } = to.roots;
        if lower.is_none() && upper.is_none() {
            return Err(ActiveError::NoRoot);
        }
        execute(hardware, Op::Dbar);
        for (register, root) in [(Register::Pgdl, lower), (Register::Pgdh, upper)] {
            if let Some(root) = root {
                execute(hardware, Op::Write(register, root));
            }
        }
        // Bits above the identifier say how many it has, and ignore what is written.
        execute(hardware, Op::Write(Register::Asid, id.into()));
        if before.id == Id::One(id) {
            execute(hardware, Op::Invtlb(Invtlb::Asid(id)));
        }
        Ok(())
    }
}

fn execute<H: Hardware<LoongArch>>(hardware: &mut H, op: Op) {
    // SAFETY: a barrier, an invalidation, or a root that the caller of `activate` vouches for.
    unsafe { hardware.execute(op) };
}
