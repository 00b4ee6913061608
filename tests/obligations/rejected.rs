//! Each of these loses a token. What it releases has the name of the function, and is in the type that is dropped.
#![crate_type = "lib"]
#![allow(clippy::all, dropping_copy_types, let_underscore_drop, missing_docs, unused)]

mod kernel;
use kernel::{Kernel, Refused, change, owed, work};
use tablature::edit::{AddressSpace, Kind, Live};
use tablature::flush::{Batch, Id, Recorder, Scope, TlbFlush};
use tablature::riscv::RiscV;

type Core = Recorder<RiscV, 8>;

pub struct AtTheEnd;
pub fn at_the_end() {
    let token = owed(AtTheEnd);
}

pub struct ByName;
pub fn by_name() {
    drop(owed(ByName));
}

pub struct Underscore;
pub fn underscore() {
    let _ = owed(Underscore);
}

pub struct OfAResult;
pub fn of_a_result() {
    let _ = change(OfAResult);
}

pub struct EarlyReturn;
pub fn early_return(core: &mut Core, hurry: bool) {
    let token = owed(EarlyReturn);
    if hurry {
        return;
    }
    token.flush(core);
}

pub struct QuestionMark;
pub fn question_mark(core: &mut Core) -> Result<(), Refused> {
    let token = owed(QuestionMark);
    work()?;
    token.flush(core);
    Ok(())
}

pub struct OneBranch;
pub fn one_branch(core: &mut Core, number: u32) {
    let token = owed(OneBranch);
    match number {
        0 => drop(token.flush(core)),
        _ => {}
    }
}

pub struct InALoop;
pub fn in_a_loop(core: &mut Core) {
    let mut last = owed(InALoop);
    for _ in 0..3 {
        last = owed(InALoop);
    }
    last.flush(core);
}

pub struct OfAnOption;
pub fn of_an_option(token: Option<TlbFlush<Kernel, OfAnOption>>) {
    if token.is_some() {
        return;
    }
}

pub struct InAStruct;
pub struct Holder {
    token: TlbFlush<Kernel, InAStruct>,
}
pub fn in_a_struct(holder: Holder) -> bool {
    core::mem::size_of_val(&holder.token) > 8
}

pub struct OfATuple;
pub fn of_a_tuple(core: &mut Core) {
    let (kept, _) = (owed(OfATuple), owed(OfATuple));
    kept.flush(core);
}

pub struct InABatch;
pub fn in_a_batch() {
    let mut batch = Batch::<Kernel, 2, InABatch>::new();
    if let Err(token) = batch.push(owed(InABatch)) {
        core::mem::forget(token);
    }
}

pub struct InAClosure;
pub fn in_a_closure() {
    let token = owed(InAClosure);
    let run = move || token.scope();
    run();
}

pub struct InABrand;
pub fn in_a_brand(space: &mut AddressSpace<Kernel, Live>) {
    fn lose<K: Kind>(_: &AddressSpace<K, Live>) {
        let token = TlbFlush::<K, _>::new(Scope::nothing(Id::Every), InABrand);
    }
    space.branded_mut(|space| lose(space));
}
