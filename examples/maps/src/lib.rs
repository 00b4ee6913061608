//! The memory maps of the example firmware, one module per machine.
//!
//! Each map is written once; the features `linked` (the default), `placed` and `boot-filled` choose how its tables come
//! into the image.
#![no_std]

/// Declares the invocation of a map's `macro_rules!` with the tables clause of each mode, and with `more` behind it if
/// that is asked for.
macro_rules! in_each_mode {
    (
        $declare:ident: linked { $($linked:tt)* } placed { $($placed:tt)* } boot { $($boot:tt)* } more { $($more:tt)* }
    ) => {
        #[cfg(not(feature = "more"))]
        in_each_mode! { @ $declare: linked { $($linked)* } placed { $($placed)* } boot { $($boot)* } }
        #[cfg(feature = "more")]
        in_each_mode! {
            @ $declare: linked { $($linked)* $($more)* } placed { $($placed)* $($more)* } boot { $($boot)* $($more)* }
        }
    };
    (@ $declare:ident: linked { $($linked:tt)* } placed { $($placed:tt)* } boot { $($boot:tt)* }) => {
        #[cfg(not(any(feature = "placed", feature = "boot-filled")))]
        $declare! { $($linked)* }
        #[cfg(all(feature = "placed", not(feature = "boot-filled")))]
        $declare! { $($placed)* }
        #[cfg(feature = "boot-filled")]
        $declare! { $($boot)* }
    };
}

pub mod aarch64;
pub mod partitions;
pub mod riscv64;
pub mod x86_64;
