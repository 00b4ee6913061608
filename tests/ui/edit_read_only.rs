//! What is mapped read-only is not written.

use tablature::attr::MemoryType;
use tablature::edit::{EntryPlace, Ro, Unmapped};
use tablature::page::OwnedFrame;

fn go<P: EntryPlace>(entry: Unmapped<P>, frame: OwnedFrame<P::Size>) {
    let Ok((mut page, _owed)) = entry.map(frame, Ro, MemoryType::NormalWb) else { return };
    // SAFETY: it does not come to that.
    unsafe { page.write(0, 1u32) };
}

fn main() {}
