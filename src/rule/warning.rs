//! Warnings as rustc prints them: a use of something deprecated, at the object's tokens.

use super::catalogue::Rule;

/// A place where a warning stands; one type per rule, and 0 for no warning.
#[derive(Clone, Copy, Debug)]
pub struct Warning<const CODE: u8>;

impl Warning<0> {
    /// Nothing to say here.
    pub const fn here() {}
}

/// What is used where the map could not be evaluated, so that nothing follows from that: another error says why.
pub trait NoWarning {
    /// Nothing to say here.
    fn here() {}
}

impl<const CODE: u8> NoWarning for Warning<CODE> {}

macro_rules! warnings {
    ($($code:literal $rule:ident $note:literal;)*) => {
        $(
            impl Warning<$code> {
                /// Says so here.
                #[deprecated(note = $note)]
                pub const fn here() {}
            }
        )*

        /// The [`Warning`] of a rule; 0 for a rule that is no warning.
        #[must_use]
        pub const fn warning_code(rule: Rule) -> u8 {
            match rule { $(Rule::$rule => $code,)* _ => 0 }
        }
    };
}

// A note must be a literal, so it says what is true of every such object; the numbers are in the finding, which a
// program reads with `check`.
warnings! {
    1 UnusedResource "unused-resource: nothing refers to this resource; remove it, map it, or mark it `reserved`";
    2 BudgetSlack "budget-slack: these tables have more room than the map needs; the space's constant \
        `TABLES` is the need";
    3 LeafIncongruent "leaf-incongruent: this region is large enough for blocks, but its virtual and physical \
        start are not congruent modulo the block size, so it gets pages; move either start";
    4 WaiverUnused "waiver-unused: this waiver suppresses nothing; remove it";
}

const _: () = {
    let mut i = 0;
    while i < Rule::ALL.len() {
        let rule = Rule::ALL[i];
        assert!((warning_code(rule) == 0) == rule.is_error(), "every warning has its note, and no error has one");
        i += 1;
    }
};
