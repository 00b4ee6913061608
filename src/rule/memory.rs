//! Memory types of one region, and the registers behind them.

use super::catalogue::Rule;
use super::judge::{Judge, Who};
use crate::attr::{MemoryType, Rights};
use crate::format::{Format, MemoryRegister, NOT_ENCODABLE};
use crate::layout::{Extent, NOWHERE, TOP, bus_type};
use crate::map::{Kind, Region};
use crate::plan::declared_bus;
use crate::text::same;

impl<'m, 'a, const R: usize, const N: usize> Judge<'m, 'a, R, N> {
    /// `reserved-encoding` of the declared memory-type registers (DDI 0487 D19.2 MAIR_ELx; SDM 3A 12.12.2 IA32_PAT).
    pub(super) const fn registers(&mut self) {
        let register = self.register();
        if let Some(values) = self.map.cpu.mair {
            self.register_values(register, values, "mair");
        }
        if let Some(values) = self.map.cpu.pat {
            self.register_values(register, values, "pat");
        }
    }

    /// The memory-type register of the first format that has one.
    const fn register(&self) -> &'m MemoryRegister {
        let mut s = 0;
        while s < self.map.spaces.len() && self.map.format.memory_register.name.is_empty() {
            let register = &self.declared_format(s).memory_register;
            if !register.name.is_empty() {
                return register;
            }
            s += 1;
        }
        &self.map.format.memory_register
    }

    const fn register_values(&mut self, register: &MemoryRegister, values: &[u64], name: &'static str) {
        let mut i = 0;
        while i < values.len() && same(register.name, name) {
            let value = values[i];
            if value > 0xff || !register.is_legal(value as u8, self.features) {
                self.report(Rule::ReservedEncoding, &[Who::named(name, self.map.cpu.anchor)], &[value as u128]);
            }
            i += 1;
        }
    }

    /// The rules about what a region maps as what; whether it kept them all.
    pub(super) const fn memory(&mut self, i: usize, region: &Region<'_>, e: &Extent, format: &Format) -> bool {
        let before = self.errors.total;
        let (mut at, end) = (e.phys, e.phys + e.size);
        while e.has_phys && at < end && end <= TOP {
            let segment = self.segment_of(e, at);
            at = segment.hi;
            if let Some(memory) = self.type_at(i, &segment) {
                self.note_register_value(i, format, memory);
                if segment.resource != NOWHERE {
                    let natural = bus_type(self.map, self.resource(segment.resource));
                    self.memory_type(i, region, format, memory, natural);
                    self.device_memory(i, region, format, memory, segment.resource);
                }
            }
        }
        if let (Kind::Window, Some(memory)) = (region.kind, region.memory) {
            // Memory of a type that the map does not declare is RAM.
            let natural = match declared_bus(self.map, memory) {
                Some(natural) => natural,
                None => MemoryType::NormalWb,
            };
            self.note_register_value(i, format, memory);
            self.memory_type(i, region, format, memory, natural);
        }
        self.errors.total == before
    }

    const fn note_register_value(&mut self, i: usize, format: &Format, memory: MemoryType) {
        let value = format.memory_register.value[memory as usize];
        if self.facts[i].counts && !format.memory_register.name.is_empty() && value <= 0xff {
            self.register_values[value as usize / 64] |= 1 << (value % 64);
        }
    }

    /// `memory-type-unsupported`, and `feature-missing` of memory types.
    ///
    /// The bus has the type `natural` there.
    const fn memory_type(
        &mut self,
        i: usize,
        region: &Region<'_>,
        format: &Format,
        memory: MemoryType,
        natural: MemoryType,
    ) {
        let register = &format.memory_register;
        let value = register.value[memory as usize];
        let indexed = !register.name.is_empty();
        let overrides = format.inherent_memory && !memory.is(natural);
        let supported = if indexed {
            value <= 0xff
        } else if format.inherent_memory && !(overrides && self.features.contains(format.memory_override)) {
            is_bus_type(memory)
        } else {
            format.memory[0][memory as usize] != NOT_ENCODABLE && !(overrides && asks_in_vain(format, memory, natural))
        };
        let cpu = &self.map.cpu;
        let declared =
            (cpu.mair.is_some() && same(register.name, "mair")) || (cpu.pat.is_some() && same(register.name, "pat"));
        if !supported {
            self.report(Rule::MemoryTypeUnsupported, &[self.who(i)], &[]);
        } else if indexed && declared && format.memory[0][memory as usize] == NOT_ENCODABLE {
            let who = [self.who(i), Who::named(register.name, self.map.cpu.anchor)];
            self.report(Rule::MemoryTypeUnsupported, &who, &[value as u128]);
        }
        if overrides && region.raw_memory.is_none() && !region.dirty {
            self.feature(self.who(i), format.memory_override);
        }
        let mut g = 0;
        while g < format.memory_gate.len() {
            if memory.is(format.memory_gate[g].0) {
                self.feature(self.who(i), format.memory_gate[g].1);
            }
            g += 1;
        }
    }

    /// `device-executable`, `device-mapped-as-normal`, `stack-not-plain-ram`: devices suffer no speculative access
    /// (DDI 0487 B2.7; SDM 3A 12.3). Where no entry can withhold execution, the type of the memory alone has to do.
    const fn device_memory(
        &mut self,
        i: usize,
        region: &Region<'_>,
        format: &Format,
        memory: MemoryType,
        resource: u16,
    ) {
        let who = [self.who(i), self.who_resource(resource)];
        let device = self.resource(resource).memory.is_device();
        let executable = (device || memory.is_device()) && self.facts[i].any.contains(Rights::X);
        if executable && format.withholds_execution() {
            self.report(Rule::DeviceExecutable, &who, &[]);
        }
        if device && !memory.is_device() && !matches!(region.kind, Kind::Linear) {
            self.report(Rule::DeviceMappedAsNormal, &who, &[]);
        }
        if memory.is_device() && matches!(region.kind, Kind::Stack) {
            self.report(Rule::StackNotPlainRam, &who, &[]);
        }
    }

    /// `reserved-encoding` and `software-bits-invalid` of one region (RISC-V Svpbmt; DDI 0487 D8 MemAttr; SDM 3A 4.6
    /// shadow stacks).
    pub(super) const fn raw_attributes(&mut self, i: usize, region: &Region<'_>, format: &Format) {
        if let Some(raw) = region.raw_memory
            && (raw >= 1 << format.raw_memory.bits || format.raw_memory.reserved >> raw & 1 == 1)
        {
            self.report(Rule::ReservedEncoding, &[self.who(i)], &[raw as u128]);
        }
        let other_meaning = !format.dirty_read_only.is_empty() && self.features.contains(format.dirty_read_only);
        if region.dirty && other_meaning && !self.facts[i].any.contains(Rights::W) {
            self.report(Rule::ReservedEncoding, &[self.who(i)], &[]);
        }
        let most = (1u64 << format.software.1) - 1;
        if let Some(software) = region.software
            && software > most
        {
            self.report(Rule::SoftwareBitsInvalid, &[self.who(i)], &[software as u128, most as u128]);
        }
    }

    /// `memory-type-table-full`: an index selects one of the register's slots (DDI 0487 D8 AttrIndx).
    pub(super) const fn memory_type_table_full(&mut self) {
        let register = self.register();
        let (mut used, mut i) = (0, 0);
        while i < self.register_values.len() {
            used += self.register_values[i].count_ones();
            i += 1;
        }
        let slots = register.slots.len();
        if used as usize > slots {
            let who = Who::named(self.register().name, self.map.cpu.anchor);
            self.report(Rule::MemoryTypeTableFull, &[who], &[used as u128, slots as u128]);
        }
    }
}

/// Whether an override has the encoding of none: what the bus has stays in force, write-back cannot be asked for.
const fn asks_in_vain(format: &Format, memory: MemoryType, natural: MemoryType) -> bool {
    let inherent = format.memory[0][MemoryType::Inherent as usize];
    format.memory[0][memory as usize] == inherent && !natural.is_device()
}

/// Whether a bus can give memory this type by itself (RISC-V "Physical Memory Attributes": main memory, cacheable or not,
/// and I/O).
const fn is_bus_type(memory: MemoryType) -> bool {
    memory.is_device() || matches!(memory, MemoryType::NormalWb | MemoryType::NormalNc)
}
