//! What was found mapped is somebody's: it is not unmapped without saying whose.

use tablature::edit::{AnyRights, EntryPlace, Mapped};

fn go<P: EntryPlace>(found: Mapped<P, AnyRights>) {
    let _ = found.unmap();
}

fn main() {}
