//! What the halves by hand have executed.

use std::cell::RefCell;

/// An instruction and its operand.
pub(crate) type Listed = (String, u64);

/// CR4 with PAE and PGE.
pub(crate) const CR4: u64 = 0xa0;

thread_local! {
    static LIST: RefCell<Vec<Listed>> = const { RefCell::new(Vec::new()) };
}

/// An instruction is executed.
pub(crate) fn put(text: &str, value: u64) {
    LIST.with_borrow_mut(|list| list.push((text.to_owned(), value)));
}

/// What there was since this was asked last.
pub(crate) fn take() -> Vec<Listed> {
    LIST.take()
}

/// A register is read.
pub(crate) fn value_of(text: &str) -> u64 {
    if text.ends_with("cr4") { CR4 } else { 0 }
}
