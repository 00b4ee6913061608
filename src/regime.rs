//! A translation regime as a type.

use typenum::Unsigned;

use crate::attr::Features;
use crate::format::Format;

/// A translation regime: what a root register points at, and how the CPU reads it.
///
/// The constants of the format, and the same geometry as types, so that levels and page sizes that a regime lacks do
/// not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no translation regime",
    label = "expected a regime such as `aarch64::El1<G4K, 39>`, `riscv::Sv39` or `x86_64::Level4`"
)]
pub trait Regime: 'static {
    /// The format of its tables.
    const FORMAT: Format;
    /// The optional features that the CPU is known to have.
    const FEATURES: Features = Self::FORMAT.default_features;
    /// log2 of the page size.
    type PageShift: Unsigned;
    /// Index bits of a table below the root.
    type IndexBits: Unsigned;
    /// Whether the code is compiled for the architecture that has this regime.
    const NATIVE: bool = false;
}
