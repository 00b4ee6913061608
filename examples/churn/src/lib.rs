//! Edits a live address space at random, and lets the hardware testify after every step.
//!
//! [`run`] maps, protects, remaps, splits, promotes and unmaps pages of a [`Subject`], a seeded random program of as many
//! steps as one likes. Beside it runs a model that knows nothing of tables: an array of pages, each with a frame, rights
//! and a memory type. After every step the machine is asked about the pages that were touched, about their neighbours and
//! about some others: where do accesses go, what is read there, what is refused?
//!
//! Every frame carries a stamp that changes whenever the frame is given out, and frames that were just freed are given out
//! first: a translation that should have been flushed shows as the wrong stamp, or as an access that does not fault.
//!
//! The same program runs on every architecture; a guest brings a [`Bench`] and the [`Ground`] on which it runs.
#![cfg_attr(not(test), no_std)]

mod examine;
mod ground;
mod live;
mod model;
mod program;
mod random;
mod report;
mod room;
mod session;
mod subject;

pub use ground::Ground;
pub use live::{Care, Edited};
pub use model::{Frame, Page};
pub use program::{Storage, run};
pub use report::Report;
pub use room::Room;
pub use session::Session;
pub use subject::{Emptied, Leaves, Range, Refused, Subject};

use probe::Machine;

/// A machine that can also reach the frames by another way than the space under test.
pub trait Bench: Machine {
    /// A word that returns when it is called.
    const RETURN: u32;

    /// Stores a word of a frame by its physical address.
    ///
    /// Instructions that are fetched from there later see it.
    fn store(&mut self, phys: u64, word: u32);
}

#[cfg(test)]
mod tests;
