//! Names hashed once, so that a reference is followed without looking at every name.

use super::NOWHERE;
use crate::map::Map;
use crate::text::{hash, same};

/// Slots of the table; at most half of them are used.
const SLOTS: usize = 2048;

/// The resources of a map by name. Of equal names the first counts.
pub(crate) struct ResourceNames {
    /// Index plus one; 0 is free.
    slots: [u16; SLOTS],
}

impl ResourceNames {
    /// The names of a map; those beyond half of the table are found one by one.
    pub(crate) const fn of(map: &Map<'_>) -> Self {
        let mut slots = [0; SLOTS];
        let mut i = 0;
        while i < map.resources.len() && i < SLOTS / 2 {
            let name = map.resources[i].name;
            let mut slot = hash(name) as usize % SLOTS;
            while slots[slot] != 0 && !same(map.resources[slots[slot] as usize - 1].name, name) {
                slot = (slot + 1) % SLOTS;
            }
            if slots[slot] == 0 {
                slots[slot] = i as u16 + 1;
            }
            i += 1;
        }
        Self { slots }
    }

    /// Index of the resource of that name, or [`NOWHERE`].
    pub(crate) const fn find(&self, map: &Map<'_>, name: &str) -> u16 {
        let mut slot = hash(name) as usize % SLOTS;
        while self.slots[slot] != 0 {
            let index = self.slots[slot] - 1;
            if same(map.resources[index as usize].name, name) {
                return index;
            }
            slot = (slot + 1) % SLOTS;
        }
        let mut i = SLOTS / 2;
        while i < map.resources.len() {
            if same(map.resources[i].name, name) {
                return i as u16;
            }
            i += 1;
        }
        NOWHERE
    }
}
