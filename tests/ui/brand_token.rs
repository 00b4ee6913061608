//! A token of one space is not flushed with another space of the same kind, nor joined with its tokens, nor batched.

use tablature::edit::{AddressSpace, Brand, Kind, Live};
use tablature::flush::{Batch, TlbFlush};

fn flush<'a, 'b, K: Kind>(token: TlbFlush<Brand<'a, K>>, other: &mut AddressSpace<Brand<'b, K>, Live>) {
    other.flush(token);
}

fn join<'a, 'b, K: Kind>(token: TlbFlush<Brand<'a, K>>, other: TlbFlush<Brand<'b, K>>) {
    let _both = token.join(other);
}

fn collect<'a, 'b, K: Kind>(token: TlbFlush<Brand<'a, K>>, batch: &mut Batch<Brand<'b, K>, 4>) {
    batch.add(token);
}

fn main() {}
