//! Where the image lies, said once: the map decides, and the linker follows.

/// The difference between virtual and physical address (modulo 2⁶⁴) that all regions share, each given as a pair of the
/// two. Evaluated while compiling, by [`displacement!`](crate::displacement!).
///
/// # Panics
/// Two regions differ.
#[must_use]
pub const fn displacement(regions: &[(u64, u64)]) -> u64 {
    let (virt, phys) = regions[0];
    let displacement = virt.wrapping_sub(phys);
    let mut i = 1;
    while i < regions.len() {
        assert!(regions[i].0.wrapping_sub(regions[i].1) == displacement, "the image is linked with one displacement");
        i += 1;
    }
    displacement
}

/// Defines a constant: what all regions of the image add to a physical address, by which it is linked above where it is
/// loaded.
///
/// ```
/// # mod kernel {
/// #     pub mod text { pub const START: u64 = 0xf000; pub const PHYS: u64 = 0x1000; }
/// #     pub mod data { pub const START: u64 = 0x1_0000; pub const PHYS: u64 = 0x2000; }
/// # }
/// kit::displacement! {
///     /// Virtual minus physical address of everything in the image.
///     const RISE: kernel { text, data }
/// }
///
/// # fn main() {
/// assert_eq!(RISE, 0xe000);
/// # }
/// ```
#[macro_export]
macro_rules! displacement {
    ($(#[$attribute:meta])* $vis:vis const $name:ident: $space:ident { $($region:ident),+ $(,)? }) => {
        $(#[$attribute])*
        $vis const $name: u64 = $crate::displacement(&[$(($space::$region::START, $space::$region::PHYS)),+]);
    };
}

/// Defines the word of a section: an instruction, at the end of a page that is probed.
#[macro_export]
macro_rules! word {
    ($section:literal = $word:literal) => {
        ::core::arch::global_asm!(
            concat!(".pushsection ", $section, ", \"ax\""),
            concat!(".long ", stringify!($word)),
            ".popsection",
        );
    };
}

#[cfg(test)]
mod tests {
    use super::displacement;

    #[test]
    fn regions_share_their_displacement() {
        assert_eq!(displacement(&[(0x9000, 0x1000)]), 0x8000);
        assert_eq!(displacement(&[(0x1000, 0x9000), (0x3000, 0xb000)]), 0x8000u64.wrapping_neg());
    }

    #[test]
    #[should_panic(expected = "one displacement")]
    fn a_region_with_another_displacement_is_refused() {
        let _ = displacement(&[(0x9000, 0x1000), (0xa000, 0x2000), (0xb000, 0x2000)]);
    }
}
