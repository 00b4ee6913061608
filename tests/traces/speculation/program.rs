//! Random programs. Numbers in them are taken modulo what there is, so that any change of one is a program again.

use proptest::collection::vec;
use proptest::prelude::*;

/// Operations on a live space, and the seed of what cores look at meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) then: Then,
}

/// What becomes of the token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// It is flushed, and others wait.
    Flush,
    /// It waits.
    Keep,
    /// It is joined with all that wait, and they are flushed as one.
    Join,
    /// It is put in a batch with all that wait.
    Batch,
}

/// Cells side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells {
    pub(crate) first: u8,
    pub(crate) count: u8,
}

/// What a mapping says beside the addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// Memory to look at first.
    pub(crate) block: u8,
    /// Which rights and memory type.
    pub(crate) kind: u8,
    pub(crate) leaves: Leaves,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaves {
    Any,
    Pages,
    Runs,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Map {
        cells: Cells,
        how: How,
    },
    Replace {
        cells: Cells,
        how: How,
    },
    Unmap {
        cells: Cells,
    },
    Reclaim {
        cells: Cells,
    },
    Protect {
        cells: Cells,
        kind: u8,
    },
    Split {
        cell: u8,
    },
    Promote {
        slot: u8,
    },
    Page {
        single: u8,
        what: One,
    },
    Large {
        slot: u8,
        what: One,
    },
    /// `what` with page after page by one cursor.
    Cursor {
        single: u8,
        count: u8,
        what: One,
    },
}

/// What is done with one leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) enum One {
    Map(How),
    Unmap,
    Protect {
        kind: u8,
    },
    Remap(How),
    /// Break, flush, make.
    Break(How),
}

fn cells() -> impl Strategy<Value = Cells> {
    // One cell, some, or as many as a slot and more.
    (any::<u8>(), prop_oneof![Just(0_u8), 0..6_u8, 10..30_u8]).prop_map(|(first, count)| Cells { first, count })
}

fn slot() -> impl Strategy<Value = Cells> {
    any::<u8>().prop_map(|slot| Cells { first: slot & !63, count: u8::MAX })
}

fn how() -> impl Strategy<Value = How> {
    let leaves = prop_oneof![3 => Just(Leaves::Any), 1 => Just(Leaves::Pages), 2 => Just(Leaves::Runs)];
    (any::<u8>(), any::<u8>(), leaves).prop_map(|(block, kind, leaves)| How { block, kind, leaves })
}

fn one() -> impl Strategy<Value = One> {
    prop_oneof![
        2 => how().prop_map(One::Map),
        2 => Just(One::Unmap),
        1 => any::<u8>().prop_map(|kind| One::Protect { kind }),
        2 => how().prop_map(One::Remap),
        1 => how().prop_map(One::Break),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let range = || prop_oneof![2 => cells(), 1 => slot()];
    prop_oneof![
        2 => (range(), how()).prop_map(|(cells, how)| Op::Map { cells, how }),
        4 => (range(), how()).prop_map(|(cells, how)| Op::Replace { cells, how }),
        1 => range().prop_map(|cells| Op::Unmap { cells }),
        2 => range().prop_map(|cells| Op::Reclaim { cells }),
        2 => (range(), any::<u8>()).prop_map(|(cells, kind)| Op::Protect { cells, kind }),
        1 => any::<u8>().prop_map(|cell| Op::Split { cell }),
        2 => any::<u8>().prop_map(|slot| Op::Promote { slot }),
        2 => (any::<u8>(), one()).prop_map(|(single, what)| Op::Page { single, what }),
        2 => (any::<u8>(), one()).prop_map(|(slot, what)| Op::Large { slot, what }),
        2 => (any::<u8>(), 1..5_u8, one()).prop_map(|(single, count, what)| Op::Cursor { single, count, what }),
    ]
}

pub(crate) fn programs(steps: usize) -> impl Strategy<Value = Program> {
    let then = prop_oneof![
        4 => Just(Then::Flush),
        3 => Just(Then::Keep),
        1 => Just(Then::Join),
        1 => Just(Then::Batch),
    ];
    let step = (op(), then).prop_map(|(op, then)| Step { op, then });
    (any::<u64>(), vec(step, 1..=steps)).prop_map(|(seed, steps)| Program { seed, steps })
}

/// A large leaf, its split, and a few edits of pages: short enough for an interpreter.
pub(crate) fn tiny() -> impl Strategy<Value = Program> {
    let whole = Cells { first: 0, count: u8::MAX };
    let how = How { block: 0, kind: 0, leaves: Leaves::Any };
    let large = Step { op: Op::Map { cells: whole, how }, then: Then::Keep };
    let split = Step { op: Op::Split { cell: 3 }, then: Then::Flush };
    let edit = (0..8_u8, one()).prop_map(|(single, what)| Op::Page { single, what });
    let then = prop_oneof![Just(Then::Flush), Just(Then::Keep), Just(Then::Join)];
    let step = (edit, then).prop_map(|(op, then)| Step { op, then });
    (any::<u64>(), vec(step, 2)).prop_map(move |(seed, edits)| {
        let last = Step { op: Op::Reclaim { cells: whole }, then: Then::Join };
        Program { seed, steps: [large, split].into_iter().chain(edits).chain([last]).collect() }
    })
}
