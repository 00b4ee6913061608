//! Laws that every format obeys, tested over all of its encodings.

use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{Format, Inherited, Leaf, LeafForm, NOT_ENCODABLE, View};

/// Levels are contiguous, tables fill whole pages, and fields do not share a bit.
pub(crate) fn geometry(format: &Format) {
    assert_eq!(format.level[0].shift, format.page_shift, "{}", format.name);
    for level in 0..format.levels - 1 {
        let (here, above) = (&format.level[level], &format.level[level + 1]);
        assert_eq!(here.shift + here.bits, above.shift, "{}", format.name);
        assert_eq!(u64::from(format.entry_bytes) << here.bits, format.table_size(), "{}", format.name);
    }
    let root = &format.level[format.levels - 1];
    assert_eq!(root.shift + format.root_bits(), format.input_bits, "{}", format.name);
    assert!(format.root_tables() <= format.max_root_tables);
    let software = ((1 << format.software.1) - 1) << format.software.0;
    let fields =
        [format.rights_mask, format.global, format.not_global, software, format.guarded, format.accessed, format.dirty];
    for (i, a) in fields.iter().enumerate() {
        for b in &fields[i + 1..] {
            assert_eq!(a & b, 0, "{}: {a:#x} and {b:#x} share a bit", format.name);
        }
        assert_eq!(a & format.memory_mask[0] & format.memory_mask[1], 0, "{}", format.name);
    }
    for access in 0..64 {
        let bits = format.rights[access];
        assert!(bits == NOT_ENCODABLE || bits & !format.rights_mask == 0, "{}", format.name);
    }
}

/// Whatever can be encoded is read back as something that has the same encoding, and as itself where the hardware
/// makes a difference.
pub(crate) fn round_trip(format: &Format) {
    let features = Features::NONE;
    let mut tried = 0u32;
    for level in 0..format.levels {
        if matches!(format.level[level].form, LeafForm::None) {
            assert!(!format.has_leaf(level, features));
            continue;
        }
        for leaf in every_leaf(format, level) {
            let word = match format.encode_leaf(level, &leaf) {
                Some(word) => word,
                None => {
                    let rights = format.rights_at(level, leaf.run, leaf.access).is_none();
                    let memory = format.memory[format.level[level].memory][leaf.memory as usize] == NOT_ENCODABLE;
                    assert!(rights || memory, "{}: {leaf:?} has no encoding", format.name);
                    continue;
                }
            };
            tried += 1;
            let View::Leaf(seen) = format.view(level, word) else {
                panic!("{}: {leaf:?} is {word:#x} and reads {:?}", format.name, format.view(level, word));
            };
            assert_eq!(format.encode_leaf(level, &seen), Some(word), "{}: {leaf:?}", format.name);
            let same = Leaf { access: leaf.access, memory: leaf.memory, ..seen };
            assert_eq!(same, leaf, "{}", format.name);
        }
    }
    assert!(tried >= 360, "{}: {tried}", format.name);
}

/// Below any pointers a leaf stays a leaf of the same memory: nobody gains a right, but for the kernel that executes what is
/// no user's any more, and nothing restricts twice.
pub(crate) fn restrictions(format: &Format) {
    assert_eq!(format.broken_law(), None, "{}", format.name);
    for above in 1..format.levels {
        let effects = format.level[above].inherit;
        for chosen in 0..1u32 << effects.len() {
            // Bits of the pointer that choose these effects and no others: each looks at bits of its own.
            let pointer = effects.iter().enumerate().fold(format.level[above].table_set, |word, (i, effect)| {
                let hit = effect.pattern.value;
                let word = word & !effect.pattern.mask;
                word | if chosen >> i & 1 == 1 { hit } else { !hit & effect.pattern.mask }
            });
            let inherited = format.level[above].below(pointer, Inherited::NOTHING);
            assert_eq!(format.level[above].below(pointer, inherited), inherited, "{}", format.name);
            for leaf in every_leaf(format, 0).filter(|leaf| leaf.run == 0 && leaf.software == 0) {
                let Some(word) = format.encode_leaf(0, &leaf) else { continue };
                let (View::Leaf(own), View::Leaf(seen)) = (format.view(0, word), format.view_below(0, word, inherited))
                else {
                    panic!(
                        "{}: {leaf:?} below {pointer:#x} is {:?}",
                        format.name,
                        format.view_below(0, word, inherited)
                    );
                };
                let took_over = seen.access.user.is_empty() && own.access.user.contains(Rights::X);
                let more = if took_over { Rights::X } else { Rights::NONE };
                assert!(own.access.user.contains(seen.access.user), "{}: {leaf:?} {pointer:#x}", format.name);
                assert!(
                    own.access.privileged.union(more).contains(seen.access.privileged),
                    "{}: {leaf:?}",
                    format.name
                );
                assert!(seen.global >= own.global, "{}", format.name);
                assert_eq!(Leaf { access: own.access, global: own.global, ..seen }, own, "{}", format.name);
            }
        }
    }
}

/// No leaf reads as a pointer, no pointer as a leaf, and zero is absent at every level.
pub(crate) fn pointers(format: &Format) {
    for level in 0..format.levels {
        assert_eq!(format.view(level, 0), View::Absent);
        let address = (1 << format.max_output_bits) - format.table_size();
        let word = format.encode_table(level, address);
        if level > 0 {
            assert_eq!(format.view(level, word), View::Table { address }, "{} level {level}", format.name);
        } else {
            assert!(!matches!(format.view(level, word), View::Table { .. }), "{}", format.name);
        }
    }
}

fn every_leaf(format: &Format, level: usize) -> impl Iterator<Item = Leaf> {
    let format = *format;
    let has_global = format.global_at(level) | format.not_global != 0;
    let runs =
        [0].into_iter().chain(format.runs.into_iter().filter(move |r| r.size != 0 && r.level == level).map(|r| r.size));
    let size = format.level[level].size();
    let top = 1u64 << format.max_output_bits;
    runs.flat_map(move |run| {
        let unit = size.max(run);
        (0..64).flat_map(move |access| {
            MemoryType::ALL.into_iter().flat_map(move |memory| {
                [false, true].into_iter().filter(move |&g| has_global || !g).flat_map(move |global| {
                    (0..1u8 << format.software.1).map(move |software| Leaf {
                        address: (top - unit).min(top - unit * (u64::from(software) + 1)),
                        access: Access::from_index(access),
                        memory,
                        global,
                        run,
                        software,
                        guarded: format.guarded != 0 && software & 1 == 1,
                    })
                })
            })
        })
    })
}

/// The word of a leaf with those rights in the memory type `memory`.
pub(crate) fn word(format: &Format, level: usize, address: u64, access: Access, memory: MemoryType) -> u64 {
    let leaf = Leaf { address, access, memory, global: false, run: 0, software: 0, guarded: false };
    format.encode_leaf(level, &leaf).expect("encodable")
}
