//! The architectures: formats as data, register words, and the sequences that install them.

/// `Activate` for regimes of one instruction set, by the functions `active` and `activate` of the module that asks.
macro_rules! activated {
    ($architecture:ty: $($regime:ty),*) => { $(
        impl Activate for $regime {
            fn active_with<H: Hardware<$architecture>>(
                format: &'static Format,
                features: Features,
                hardware: &mut H,
            ) -> Result<Active, ActiveError> {
                active(format, features, hardware)
            }

            unsafe fn activate_with<H: Hardware<$architecture>>(
                format: &'static Format,
                features: Features,
                to: &Active,
                hardware: &mut H,
            ) -> Result<(), ActiveError> {
                // SAFETY: passed on to the caller word by word.
                unsafe { activate(format, features, to, hardware) }
            }
        }
    )* };
}

pub mod aarch64;
pub mod armv7;
pub mod loongarch64;
pub mod riscv;
pub mod x86;
pub mod x86_64;

#[cfg(feature = "evidence")]
pub(crate) mod evidence;
#[cfg(test)]
mod laws;
