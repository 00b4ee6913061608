//! What the importers write for maps that break no rule, as rustc sees it: `formats` holds these files to what is written.

mod dtb {
    include!("data/declared/dtb.rs");
}

mod jailhouse {
    include!("data/declared/jailhouse.rs");
}

mod microkit {
    include!("data/declared/microkit.rs");
}

mod tf_a {
    include!("data/declared/tf_a.rs");
}

mod zephyr {
    include!("data/declared/zephyr.rs");
}

const _: () = assert!(dtb::board::SOUND);
const _: () = assert!(microkit::good::SOUND);
const _: () = assert!(jailhouse::root::SOUND);
const _: () = assert!(zephyr::good::SOUND);
const _: () = assert!(tf_a::good::SOUND);

#[test]
fn every_declaration_has_regions_and_tables() {
    use tablature::space::Declared;
    assert!(<tf_a::good::firmware::Space as Declared>::memory().bytes > 0);
}
