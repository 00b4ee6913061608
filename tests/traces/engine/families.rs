//! The files: regimes, CPUs, and how to read their instructions.

mod arm;
mod others;
mod x86;
