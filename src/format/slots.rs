//! The register behind the memory-type indices: which slot holds what.

use super::{Format, MemoryRegister, NOT_ENCODABLE};
use crate::attr::{Access, MemoryType};

impl Format {
    /// The same format with other contents of its memory-type register.
    #[must_use]
    pub const fn with_slots(self, slots: &[u64]) -> Self {
        let mut format = self;
        let mut used = 0;
        while used < 8 && used < slots.len() {
            format.memory_register.slots[used] = slots[used] as u8;
            used += 1;
        }
        format.encode_memory(used)
    }

    /// The same format with the memory types in `used` (bit `n` is the type of value `n`) in its register, as far as
    /// they fit: slots that hold one of them stay, the others make room.
    #[must_use]
    pub const fn with_types(self, used: u32) -> Self {
        if self.memory_register.name.is_empty() || self.has_types(used) {
            return self;
        }
        let mut format = self;
        let mut t = 0;
        while t < MemoryType::COUNT {
            let value = format.memory_register.value[t];
            if used >> t & 1 == 1
                && value < 256
                && !format.memory_register.holds(value)
                && let Some(free) = format.memory_register.free_slot(used)
            {
                format.memory_register.slots[free] = value as u8;
            }
            t += 1;
        }
        format.encode_memory(8)
    }

    const fn has_types(&self, used: u32) -> bool {
        let mut t = 0;
        while t < MemoryType::COUNT {
            if used >> t & 1 == 1 && self.memory_register.value[t] < 256 && self.memory[0][t] == NOT_ENCODABLE {
                return false;
            }
            t += 1;
        }
        true
    }

    /// The encodings of the memory types that follow from the first `count` slots.
    const fn encode_memory(mut self, count: usize) -> Self {
        let mut t = 0;
        while t < MemoryType::COUNT {
            let (mut page, mut block) = (NOT_ENCODABLE, NOT_ENCODABLE);
            let mut i = count;
            while i > 0 {
                i -= 1;
                if self.memory_register.value[t] == self.memory_register.slots[i] as u16 {
                    page = self.memory_slot[0][i] | self.memory_share[t];
                    block = self.memory_slot[1][i] | self.memory_share[t];
                }
            }
            self.memory[0][t] = page;
            self.memory[1][t] = block;
            t += 1;
        }
        self
    }
}

impl Format {
    /// The same format with permission indices for the accesses in `used` (bit `n` is [`Access::index`] `n`), in
    /// ascending order; there are sixteen, and what does not fit cannot be encoded.
    #[must_use]
    pub const fn with_indirect_rights(mut self, used: u64) -> Self {
        self.rights = [NOT_ENCODABLE; 64];
        self.rights_mask = self.rights_slot[15];
        // Where the index says everything, pointers and other bits say nothing.
        self.implied = &[];
        let mut level = 0;
        while level < self.level.len() {
            self.level[level].inherit = &[];
            level += 1;
        }
        let (mut slot, mut access) = (0, 0);
        while access < 64 && slot < 16 {
            if used >> access & 1 == 1 {
                self.rights[access] = self.rights_slot[slot];
                slot += 1;
            }
            access += 1;
        }
        self
    }

    /// The access behind each permission index; `None` where the index is not in use.
    #[must_use]
    pub const fn indirect_rights(&self) -> [Option<Access>; 16] {
        let mut list = [None; 16];
        let mut access = 0;
        while access < 64 {
            let mut slot = 0;
            while slot < 16 {
                if self.rights[access] == self.rights_slot[slot] {
                    list[slot] = Some(Access::from_index(access));
                }
                slot += 1;
            }
            access += 1;
        }
        list
    }
}

impl MemoryRegister {
    const fn holds(&self, value: u16) -> bool {
        let mut i = 0;
        while i < 8 {
            if self.slots[i] as u16 == value {
                return true;
            }
            i += 1;
        }
        false
    }

    /// The first slot that no type in `used` is encoded with: its value is of no used type, or is there twice.
    const fn free_slot(&self, used: u32) -> Option<usize> {
        let mut i = 0;
        while i < 8 {
            let mut needed = false;
            let mut t = 0;
            while t < MemoryType::COUNT {
                needed |= used >> t & 1 == 1 && self.value[t] == self.slots[i] as u16;
                t += 1;
            }
            if !needed {
                return Some(i);
            }
            i += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aarch64::{El1, G4K};
    use crate::regime::Regime;

    const FORMAT: Format = <El1<G4K, 39> as Regime>::FORMAT;

    const fn bit(memory: MemoryType) -> u32 {
        1 << memory as u32
    }

    #[test]
    fn types_that_the_register_has_change_nothing() {
        let used = bit(MemoryType::NormalWb) | bit(MemoryType::DeviceGre);
        assert_eq!(FORMAT.with_types(used).memory_register.slots, FORMAT.memory_register.slots);
    }

    #[test]
    fn a_new_type_takes_the_first_slot_nobody_uses() {
        let used = bit(MemoryType::NormalWb) | bit(MemoryType::DeviceNgnre) | bit(MemoryType::NormalTagged);
        let format = FORMAT.with_types(used);
        assert_eq!(format.memory_register.slots, [0x04, 0xff, 0xf0, 0x00, 0xbb, 0x08, 0x0c, 0xee]);
        assert_eq!(format.memory[0][MemoryType::NormalTagged as usize], 2 << 2 | 3 << 8);
        assert_eq!(format.memory[0][MemoryType::NormalNc as usize], NOT_ENCODABLE);
        assert_eq!(format.memory[0][MemoryType::NormalWb as usize], 1 << 2 | 3 << 8);
    }

    #[test]
    fn nine_values_leave_one_type_without_an_encoding() {
        let all = u32::MAX;
        let format = FORMAT.with_types(all);
        let missing = MemoryType::ALL
            .iter()
            .filter(|t| format.memory_register.value[**t as usize] < 256)
            .filter(|t| format.memory[0][**t as usize] == NOT_ENCODABLE)
            .count();
        assert_eq!(missing, 2);
    }
}
