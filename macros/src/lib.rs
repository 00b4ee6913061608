//! The `memory_map!` macro: parse, check, expand.
