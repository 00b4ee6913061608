//! What a CPU block makes of a format.

use super::{Format, MAX_LEVELS};
use crate::attr::Features;
use crate::map::Cpu;

impl Format {
    /// Whether a control register chooses the level of the root: second stages of one mode for many widths.
    #[must_use]
    pub const fn has_start_level(&self) -> bool {
        self.guest && self.legal_input_bits.0 < self.legal_input_bits.1
    }

    /// The format that a CPU block asks for: wide descriptors, start level, memory-type register.
    #[must_use]
    pub const fn shaped(self, cpu: &Cpu<'_>, features: Features) -> Self {
        let mut format = match self.wide {
            Some((feature, wide)) if features.contains(feature) => *wide,
            _ => self,
        };
        if let (true, Some(start)) = (format.has_start_level(), cpu.start_level)
            && start <= 3
            && start >= 4 - MAX_LEVELS as i32
            && format.level[(3 - start) as usize].bits != 0
        {
            format.levels = (4 - start) as usize;
        }
        if !format.updating.is_empty() && features.contains(format.update_feature) {
            format.implied = format.updating;
        }
        let slots = match format.memory_register.name.as_bytes() {
            b"" => None,
            b"pat" => cpu.pat,
            _ => cpu.mair,
        };
        match slots {
            Some(slots) => format.with_slots(slots),
            None => format,
        }
    }
}
