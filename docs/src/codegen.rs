//! What the compiler makes of the notation, instruction by instruction.
//!
//! Beside each function (left) stands the same by hand, with raw pointers and the numbers written out (right); arguments,
//! checks and results are those of the notation. `cargo xtask codegen` compiles both, fails where the notation has grown, and
//! with `--update` writes these listings.

macro_rules! listings {
    ($($pair:ident)*) => { $(
        #[doc = "```text"]
        #[doc = include_str!(concat!("../../tests/codegen/listings/aarch64/", stringify!($pair), ".txt"))]
        #[doc = "```\n\n```text"]
        #[doc = include_str!(concat!("../../tests/codegen/listings/riscv64/", stringify!($pair), ".txt"))]
        #[doc = "```\n\n```text"]
        #[doc = include_str!(concat!("../../tests/codegen/listings/x86_64/", stringify!($pair), ".txt"))]
        #[doc = "```"]
        pub mod $pair {}
    )* };
}

listings! {
    window_map window_unmap window_protect window_map_run window_unmap_run
    install flush_page flush_fixed flush_everything
    cursor_map cursor_protect cursor_unmap
}
