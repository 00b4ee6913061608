//! The architectures: formats as data, register words, and the sequences that install them.

pub mod aarch64;
