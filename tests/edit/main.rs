//! Editing spaces: table counts measured on other systems, field bugs that must not come back, obligations.

#[path = "../support/arena.rs"]
mod arena;
mod bits;
mod brand;
mod broken;
mod counts;
mod cursor;
mod errors;
mod held;
mod kinds;
mod live;
#[path = "../support/measured.rs"]
mod measured;
mod order;
mod pages;
mod pitfalls;
mod resized;
mod sight;
