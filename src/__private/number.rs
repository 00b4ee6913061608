//! Addresses and sizes of a declaration, from constants of any integer type.

/// An integer type that a constant of an address or a size may have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no address, size or count",
    label = "expected an integer constant",
    note = "give the literals a type if they have none, as in `1u64 << BITS`"
)]
pub trait Number: Copy + sealed::Sealed {}

mod sealed {
    pub trait Sealed {
        /// Whether the type has negative values.
        const SIGNED: bool;
    }
}

macro_rules! numbers {
    ($($ty:ty: $signed:literal),*) => {
        $(
            impl sealed::Sealed for $ty { const SIGNED: bool = $signed; }
            impl Number for $ty {}
        )*
    };
}

numbers!(u8: false, u16: false, u32: false, u64: false, usize: false, i8: true, i16: true, i32: true, i64: true);

#[repr(C)]
union Bytes<T: Copy> {
    value: T,
    byte: u8,
    half: u16,
    word: u32,
    double: u64,
}

/// The number as `u64`.
///
/// # Panics
/// At compile time, where it is negative: literals without a type are `i32` beside a constant of another type, and
/// `1 << 31` is negative then.
#[must_use]
#[track_caller]
pub const fn number<T: Number>(value: T) -> u64 {
    let bytes = Bytes { value };
    let (number, sign) = match size_of::<T>() {
        // SAFETY: `T` is an integer of 1 byte (`Number` is sealed), and every byte is a `u8`.
        1 => (unsafe { bytes.byte } as u64, 7),
        // SAFETY: `T` is an integer of 2 bytes, and every two bytes are a `u16`.
        2 => (unsafe { bytes.half } as u64, 15),
        // SAFETY: `T` is an integer of 4 bytes, and every four bytes are a `u32`.
        4 => (unsafe { bytes.word } as u64, 31),
        // SAFETY: `T` is an integer of 8 bytes, the largest of the sealed set, and every eight bytes are a `u64`.
        _ => (unsafe { bytes.double }, 63),
    };
    assert!(
        !<T as sealed::Sealed>::SIGNED || number >> sign == 0,
        "an address, a size or a count is negative; give the literals a type, as in `1u64 << BITS`"
    );
    number
}

/// A number of a declaration as a type.
#[derive(Clone, Copy, Debug)]
pub struct Value<const NUMBER: u64>;

impl<const NUMBER: u64> Value<NUMBER> {
    /// The number.
    pub const OF: u64 = NUMBER;
}

/// A count or a width; greater numbers than `u32` holds are all alike wrong, and become the greatest.
#[must_use]
pub const fn small(number: u64) -> u32 {
    if number > u32::MAX as u64 { u32::MAX } else { number as u32 }
}

#[cfg(test)]
mod tests {
    use super::{number, small};

    #[test]
    fn every_type_gives_its_value() {
        assert_eq!(number(0x80_u8), 0x80);
        assert_eq!(number(0x8000_u16), 0x8000);
        assert_eq!(number(0x8000_0000_u32), 0x8000_0000);
        assert_eq!(number(u64::MAX), u64::MAX);
        assert_eq!(number(0x4000_0000_usize), 0x4000_0000);
        assert_eq!(number(7), 7);
    }

    #[test]
    #[should_panic(expected = "negative")]
    fn a_negative_number_is_refused() {
        let _ = number(1_i32 << 31);
    }

    #[test]
    fn what_does_not_fit_stays_wrong() {
        assert_eq!(small(52), 52);
        assert_eq!(small(1 << 32), u32::MAX);
    }
}
