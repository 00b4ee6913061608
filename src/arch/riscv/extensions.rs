//! What is known of a hart.

use crate::attr::Features;

/// The extensions of a hart, as far as the program knows them.
///
/// Supervisor mode cannot ask the hart for Svpbmt, Svnapot, Svadu or H: no register reports them, and an entry that
/// uses one that is missing faults. The device tree does report them (`riscv,isa-extensions`, or `riscv,isa`), and a
/// program for one board may know them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    features: Features,
    hypervisor: bool,
}

impl Extensions {
    /// None is known.
    pub const NONE: Self = Self { features: Features::NONE, hypervisor: false };

    /// These too.
    #[must_use]
    pub const fn with(self, features: Features) -> Self {
        Self { features: self.features.union(features), ..self }
    }

    /// The hypervisor extension too.
    #[must_use]
    pub const fn with_hypervisor(self) -> Self {
        Self { hypervisor: true, ..self }
    }

    /// The features known.
    #[must_use]
    pub const fn features(self) -> Features {
        self.features
    }

    /// Whether the hypervisor extension is known to be there.
    #[must_use]
    pub const fn has_hypervisor(self) -> bool {
        self.hypervisor
    }

    /// The extensions in the value of a device tree's `riscv,isa-extensions` (names that end in NUL) or `riscv,isa`
    /// (`"rv64imafdch_svpbmt"`). What this crate has no use for is passed over.
    #[must_use]
    pub const fn parse(property: &[u8]) -> Self {
        let mut known = Self::NONE;
        let (mut rest, mut first) = (property, true);
        while !rest.is_empty() {
            let (token, after) = split_token(rest);
            known = known.with_token(token, first);
            (rest, first) = (after, false);
        }
        known
    }

    const fn with_token(self, token: &[u8], first: bool) -> Self {
        if names(token, b"svpbmt") {
            self.with(Features::SVPBMT)
        } else if names(token, b"svnapot") {
            self.with(Features::SVNAPOT)
        } else if names(token, b"svadu") {
            self.with(Features::SVADU)
        } else if names(token, b"h") || (first && single_letters_have_h(token)) {
            self.with_hypervisor()
        } else {
            self
        }
    }
}

/// The letters and digits at the front, and what follows the separator.
const fn split_token(text: &[u8]) -> (&[u8], &[u8]) {
    let mut n = 0;
    while n < text.len() && text[n].is_ascii_alphanumeric() {
        n += 1;
    }
    let (token, rest) = text.split_at(n);
    match rest {
        [_, after @ ..] => (token, after),
        [] => (token, rest),
    }
}

/// Whether `token` is the name, in either case, perhaps with a version (`svpbmt1p0`).
const fn names(token: &[u8], name: &[u8]) -> bool {
    if token.len() < name.len() {
        return false;
    }
    let (front, version) = token.split_at(name.len());
    front.eq_ignore_ascii_case(name) && (version.is_empty() || version[0].is_ascii_digit())
}

/// Whether H is among the single-letter extensions of `rv64imafdch`, which end where a longer name begins.
const fn single_letters_have_h(token: &[u8]) -> bool {
    if !starts_with_base(token) {
        return false;
    }
    let mut i = 4;
    while i < token.len() {
        match token[i].to_ascii_lowercase() {
            b'h' => return true,
            b's' | b'x' | b'z' => return false,
            _ => i += 1,
        }
    }
    false
}

const fn starts_with_base(token: &[u8]) -> bool {
    if token.len() < 4 {
        return false;
    }
    let (base, _) = token.split_at(4);
    base.eq_ignore_ascii_case(b"rv32") || base.eq_ignore_ascii_case(b"rv64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_properties_of_the_device_tree() {
        let all = Extensions::NONE.with(Features::SVPBMT).with(Features::SVNAPOT).with_hypervisor();
        assert_eq!(Extensions::parse(b"rv64imafdch_zicbom_svinval_svnapot_svpbmt\0"), all);
        assert_eq!(Extensions::parse(b"i\0m\0a\0h\0zicsr\0svnapot\0svpbmt\0"), all);
        assert_eq!(Extensions::parse(b"RV64IMAFDCH_Svnapot1p0_Svpbmt1p0"), all);
        assert_eq!(Extensions::parse(b"rv64imac_svadu"), Extensions::NONE.with(Features::SVADU));
    }

    #[test]
    fn names_that_only_look_alike() {
        for text in ["", "rv64imafdc_zihpm", "rv64imafdcsvh", "rv64imac_svpbmtx", "xrv64h", "i\0zvkh\0"] {
            assert_eq!(Extensions::parse(text.as_bytes()), Extensions::NONE, "{text}");
        }
    }
}
