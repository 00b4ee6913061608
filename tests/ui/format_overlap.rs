//! A format of one's own whose rights lie where large leaves are marked.

use tablature::attr::{Access, MemoryType, Rights};
use tablature::format::{AddressField, Format, Pattern};

const VALID: u64 = 1 << 0;
const LARGE: u64 = 1 << 1;
const WRITE: u64 = LARGE;

const GPU: Format = Format { present: VALID, ..Format::of_levels("GPU", 12, &[9, 9, 9]) }
    .with_addresses(AddressField::in_place(0xffff_ffff_f000), 48)
    .with_pointers(Pattern::new(VALID | LARGE, VALID), VALID)
    .with_leaves(0, Pattern::new(VALID, VALID), VALID)
    .with_leaves(1, Pattern::new(VALID | LARGE, VALID | LARGE), VALID | LARGE)
    .with_rights(WRITE, &[(Access::kernel(Rights::R), 0), (Access::kernel(Rights::RW), WRITE)])
    .with_memory(0, &[(MemoryType::NormalWb, 0)]);

const _: () = GPU.assert_lawful();

fn main() {}
