//! Levels, width, address field, and the tables of encodings.

use super::Law;
use crate::format::{Format, NOT_ENCODABLE};

pub(super) const fn geometry(format: &Format) -> Option<Law> {
    let mut level = 0;
    while level < format.levels {
        let here = &format.level[level];
        let next = if level + 1 < format.levels { format.level[level + 1].shift } else { here.shift + here.bits };
        if here.shift + here.bits != next || here.bits > 31 || (level == 0 && here.shift != format.page_shift) {
            return Some(Law::LevelsContiguous);
        }
        if here.bits + format.entry_bytes.trailing_zeros() > format.table_shift {
            return Some(Law::TableSize);
        }
        level += 1;
    }
    if format.root_tables() > format.max_root_tables {
        return Some(Law::TableSize);
    }
    let halves = format.range_bits + 1 == format.input_bits && (format.upper_half || format.split_roots);
    if format.input_bits <= format.level[format.levels - 1].shift
        || format.input_bits > 63
        || !(format.range_bits == format.input_bits || halves)
        || (format.split_roots && !format.upper_half)
    {
        return Some(Law::InputWidth);
    }
    address_law(format)
}

const fn address_law(format: &Format) -> Option<Law> {
    if format.max_output_bits > 63 || format.output_bits > format.max_output_bits {
        return Some(Law::AddressField);
    }
    let top = 1u64 << format.max_output_bits;
    let page = top - format.page_size();
    let table = top - format.table_size();
    if format.address.decode(format.address.encode(page)) & !(format.page_size() - 1) != page
        || format.address.decode(format.address.encode(table)) != table
    {
        return Some(Law::AddressField);
    }
    None
}

/// Rights and memory types stay in their fields.
pub(super) const fn encodings(format: &Format) -> Option<Law> {
    if !stay_inside(&format.rights, format.rights_mask) {
        return Some(Law::Rights);
    }
    let mut table = 0;
    while table < 2 {
        if !stay_inside(&format.memory[table], format.memory_mask[table]) {
            return Some(Law::MemoryTypes);
        }
        table += 1;
    }
    if format.software.1 > 8 {
        return Some(Law::Software);
    }
    if format.present == 0 { Some(Law::Present) } else { None }
}

const fn stay_inside(encodings: &[u64], mask: u64) -> bool {
    let (mut encodable, mut i) = (false, 0);
    while i < encodings.len() {
        if encodings[i] != NOT_ENCODABLE {
            encodable = true;
            if encodings[i] & !mask != 0 {
                return false;
            }
        }
        i += 1;
    }
    encodable
}
