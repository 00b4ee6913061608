//! What `memory_map!` expands to for a window.

use super::count::Run;
use super::facts::{Facts, WindowRegion};
use super::handle::Window;
use crate::edit::Kind;
use crate::space::Of;

/// All pages of the window `R`.
///
/// # Safety
/// The tables are there, and their pages are given out once. Nobody else edits these entries, which are absent, and no core has them cached otherwise. Any core
/// that uses the space is one that the reach of `K` names, and tags its translations with the declared identifier.
pub unsafe fn all_pages<R: WindowRegion, K: Kind<Regime = Of<R::Space>>>() -> Window<R, K> {
    Window::new(Facts::<R>::FIRST, Run(Facts::<R>::PAGES))
}

/// The functions of a region that is a window.
#[doc(hidden)]
#[macro_export]
macro_rules! __declare_window {
    (window $region:ident $index:literal $region_index:literal) => {
        impl $region {
            /// All pages of this window, none of which is mapped; the first call alone gets them.
            #[must_use]
            pub fn window<K>(
                _live: &$crate::space::Installed<Space>,
            ) -> ::core::option::Option<$crate::window::Window<Self, K>>
            where
                K: $crate::edit::Kind<Regime = $crate::space::Of<Space>>,
                Self: $crate::window::WindowRegion,
            {
                // SAFETY: by the contract of `install` the space is used as kinds of it say.
                unsafe { Self::assume_window() }
            }

            /// The same before the space is live, or where another program made it live. `None` also if the tables are not
            /// filled yet.
            ///
            /// # Safety
            /// Nobody else edits the entries of the region, which are absent, and no core has them cached otherwise. The
            /// space is used by as many cores as the reach of `K` says, under the declared identifier.
            #[must_use]
            pub unsafe fn assume_window<K>() -> ::core::option::Option<$crate::window::Window<Self, K>>
            where
                K: $crate::edit::Kind<Regime = $crate::space::Of<Space>>,
                Self: $crate::window::WindowRegion,
            {
                let at = const { __private_::position(super::LAYOUT, $index, $region_index) };
                // Tables that are filled at boot stay where they are from now on.
                let claimed = Space::keep_tables() && super::__TAKEN.claim(at, &[false; super::LAYOUT.extents.len()]);
                // SAFETY: passed on to the caller; one caller alone claims the region, whose tables are there.
                claimed.then(|| unsafe { __private_::all_pages::<Self, K>() })
            }
        }
    };
    ($other:ident $region:ident $index:literal $region_index:literal) => {};
}
