//! Files of each format, modelled on those of real boards: what is written for the good ones, what is found in the bad ones.

mod boards;
mod data;
mod findings;
mod garbage;
mod tree;
mod written;
