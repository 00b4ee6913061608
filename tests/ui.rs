//! The exact text of typical errors.

/// `tests/ui/*.stderr` are written anew with `TRYBUILD=overwrite cargo test --test ui`.
#[test]
fn errors_say_what_where_and_how_to_fix_it() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass.rs");
    for case in [
        "brand_closure",
        "brand_escape",
        "brand_page",
        "brand_second",
        "brand_token",
        "budget",
        "device_executable",
        "edit_found",
        "edit_frame_size",
        "edit_live_is_unsafe",
        "edit_make_before_flush",
        "edit_page_size",
        "edit_read_only",
        "edit_token_owns",
        "edit_while_read",
        "format_levels",
        "format_overlap",
        "held_rights",
        "held_several",
        "held_size",
        "misaligned",
        "missing_feature",
        "missing_guard",
        "no_value",
        "not_a_number",
        "not_canonical",
        "overlap",
        "rights_sealed",
        "several",
        "syntax",
        "token_kind",
        "token_reach",
        "token_size",
        "token_unused",
        "unknown_name",
        "unknown_regime",
        "very_many",
        "warnings",
        "window_guard",
        "window_memory",
        "window_none",
        "window_read_only",
        "window_reuse",
        "window_rights",
        "window_size",
        "window_unflushed",
        "write_and_execute",
        "wrong_generics",
        "wrong_waiver",
    ] {
        cases.compile_fail(format!("tests/ui/{case}.rs"));
    }
    // It names what could be installed on the machine that compiles.
    if cfg!(target_arch = "x86_64") {
        cases.compile_fail("tests/ui/installed_elsewhere.rs");
    }
}
