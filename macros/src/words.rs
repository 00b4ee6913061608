//! The words of the notation that stand for constants of the library.

/// Memory types: the word, and the variant of `MemoryType`.
pub(crate) const MEMORY: &[(&str, &str)] = &[
    ("normal", "NormalWb"),
    ("device", "DeviceNgnre"),
    ("normal_wb", "NormalWb"),
    ("normal_wt", "NormalWt"),
    ("normal_nc", "NormalNc"),
    ("normal_wb_nsh", "NormalWbNsh"),
    ("normal_wb_ra", "NormalWbRa"),
    ("normal_wb_transient", "NormalWbTransient"),
    ("normal_tagged", "NormalTagged"),
    ("device_nGnRnE", "DeviceNgnrne"),
    ("device_nGnRE", "DeviceNgnre"),
    ("device_nGRE", "DeviceNgre"),
    ("device_GRE", "DeviceGre"),
    ("wp", "WriteProtected"),
];

/// CPU features: the word, and the constant of `Features`.
pub(crate) const FEATURES: &[(&str, &str)] = &[
    ("lpa2", "LPA2"),
    ("lpa", "LPA"),
    ("lva", "LVA"),
    ("ttst", "TTST"),
    ("s1pie", "S1PIE"),
    ("bti", "BTI"),
    ("mte", "MTE"),
    ("xs", "XS"),
    ("hafdbs", "HAFDBS"),
    ("bbml2", "BBML2"),
    ("asid16", "ASID16"),
    ("tlbirange", "TLBIRANGE"),
    ("bbml1", "BBML1"),
    ("svnapot", "SVNAPOT"),
    ("svpbmt", "SVPBMT"),
    ("svadu", "SVADU"),
    ("nx", "NX"),
    ("pdpe1gb", "PDPE1GB"),
    ("la57", "LA57"),
    ("pcid", "PCID"),
    ("pge", "PGE"),
    ("cet_ss", "CET_SS"),
    ("ept_2m", "EPT_2M"),
    ("ept_1g", "EPT_1G"),
    ("ept_ad", "EPT_AD"),
    ("ept5", "EPT5"),
    ("pse", "PSE"),
    ("svvptc", "SVVPTC"),
    ("svinval", "SVINVAL"),
    ("invpcid", "INVPCID"),
    ("invlpgb", "INVLPGB"),
];

/// Granules and modes: the word, and the constant of `Features`.
pub(crate) const MODES: &[(&str, &str)] = &[
    ("granule_4k", "GRANULE_4K"),
    ("granule_16k", "GRANULE_16K"),
    ("granule_64k", "GRANULE_64K"),
    ("G4K", "GRANULE_4K"),
    ("G16K", "GRANULE_16K"),
    ("G64K", "GRANULE_64K"),
    ("sv32", "SV32"),
    ("sv39", "SV39"),
    ("sv48", "SV48"),
    ("sv57", "SV57"),
    ("sv39x4", "SV39X4"),
    ("Sv32", "SV32"),
    ("Sv39", "SV39"),
    ("Sv48", "SV48"),
    ("Sv57", "SV57"),
    ("Sv39x4", "SV39X4"),
];

/// Roles of a space: the word, and the variant of `Role`.
pub(crate) const ROLES: &[(&str, &str)] = &[
    ("kernel", "Kernel"),
    ("boot", "Boot"),
    ("run", "Run"),
    ("firmware", "Firmware"),
    ("user", "Partition"),
    ("partition", "Partition"),
    ("guest", "Guest"),
];

/// Regimes by architecture, which a declaration names without importing them.
pub(crate) const REGIMES: &[(&str, &[&str])] = &[
    ("aarch64", &["El1", "El2", "El2And0", "El3", "Stage2"]),
    ("armv7", &["Lpae", "LpaeHyp", "LpaeStage2", "Short"]),
    ("loongarch64", &["La64"]),
    ("riscv", &["Sv32", "Sv39", "Sv39C9xx", "Sv39x4", "Sv48", "Sv48x4", "Sv57"]),
    ("x86", &["Legacy32", "Pae"]),
    ("x86_64", &["Level4", "Level5", "Ept4", "Ept5"]),
];

/// Units of size: the word, and the constant of `size`.
pub(crate) const UNITS: &[(&str, &str)] = &[("KiB", "KIB"), ("MiB", "MIB"), ("GiB", "GIB"), ("TiB", "TIB")];

/// Words that are meant as units and are none.
pub(crate) const NO_UNITS: &[&str] = &[
    "B", "K", "k", "KB", "Kb", "kB", "kb", "kib", "Kib", "KIB", "kiB", "M", "MB", "Mb", "mb", "mib", "Mib", "MIB", "G",
    "GB", "Gb", "gb", "gib", "Gib", "GIB", "T", "TB", "Tb", "tb", "tib", "Tib", "TIB", "PiB", "bytes", "pages",
];

/// Words that start a block.
pub(crate) const BLOCKS: &[&str] = &["cpu", "policy", "physical", "space", "channel", "isolate", "dma", "transition"];

/// Words that start an item of a space that is no region.
pub(crate) const SPACE_ITEMS: &[&str] = &["tables", "image", "asid", "self_map"];

/// Words that start a clause of a region.
pub(crate) const CLAUSES: &[&str] = &[
    "guard",
    "grows",
    "worst_case",
    "page",
    "contiguous",
    "round",
    "alias_of",
    "memory",
    "software",
    "raw_memory",
    "dirty",
    "bti",
    "of",
    "inside",
    "waive",
];

/// Words that start a clause of a section.
pub(crate) const SECTION_CLAUSES: &[&str] = &["load", "nobits", "reserve", "from", "keep"];

/// What a word stands for.
pub(crate) fn find(table: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == word).map(|(_, constant)| *constant)
}

/// All words of a table, for messages.
pub(crate) fn list(table: &[(&str, &str)]) -> String {
    table.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

/// The word that differs from `word` in the fewest letters, and in no more than a third of them.
pub(crate) fn similar<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let close = |known: &&str| distance(word, known) <= known.len().max(3) / 3;
    words.filter(close).min_by_key(|known| distance(word, known))
}

/// Letters to insert, drop, change or swap with the next, to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<_>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let change = usize::from(from[i - 1] != to[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

/// `rwx` as bits; `None` if it is made of anything else.
pub(crate) fn rights(word: &str) -> Option<u8> {
    if word == "none" {
        return Some(0);
    }
    let mut bits = 0;
    for letter in word.chars() {
        let bit = match letter {
            'r' => 1,
            'w' => 2,
            'x' => 4,
            _ => return None,
        };
        if bits & bit != 0 {
            return None;
        }
        bits |= bit;
    }
    Some(bits)
}

/// Words that cannot name an item.
pub(crate) const KEYWORDS: &[&str] = &[
    "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "Self", "static", "struct",
    "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield",
];
