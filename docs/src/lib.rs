//! Guides for those who know another system. Each shows that system's own example, and the same in tablature; both are
//! compiled and run. [`codegen`] is for those who know their processor.

pub mod codegen;

#[doc = include_str!("../coming-from/patina_paging.md")]
pub mod patina_paging {}

#[doc = include_str!("../coming-from/page_table_multiarch.md")]
pub mod page_table_multiarch {}

#[doc = include_str!("../coming-from/page-walker.md")]
pub mod page_walker {}

#[doc = include_str!("../coming-from/awkernel.md")]
pub mod awkernel {}
