//! Which leaves there are (LOONG "Multi-level Page Table Structure Supported by Page Walking").

use crate::page::{HasLeaf, Size1G, Size2M, Size4K};

use super::La64;

impl HasLeaf<Size4K> for La64 {}
impl HasLeaf<Size2M> for La64 {}
impl HasLeaf<Size1G> for La64 {}
