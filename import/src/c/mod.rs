//! As much of C as configurations in C are made of: the preprocessor, constant expressions, and calls of known macros.
//!
//! [`token`] has words with the place they come from, [`unit`] a file with its headers and definitions, [`condition`]
//! which parts of it are read, [`expand`] macros, [`value`] constant expressions, [`find`] calls and [`init`] initializers
//! among the words.
//!
//! # Invariants
//! Nothing here trusts its input: files, words, nesting and expansion are bounded, and what exceeds a bound is an error.

mod condition;
pub(crate) mod expand;
pub(crate) mod find;
pub(crate) mod init;
pub(crate) mod token;
pub(crate) mod unit;
pub(crate) mod value;

#[cfg(test)]
mod tests;
