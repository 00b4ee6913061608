//! The partition that tries every forbidden access.
//!
//! It asks the kernel what to try. If that faults, the kernel counts it and starts the program anew; otherwise the program
//! says that it has been done. Like `control`, it is one function in a section of its own.

use crate::machine::system::rogue::{link, scratch};
use crate::machine::user;
use crate::shared::{FRAME, PAYLOAD, ROGUE_MARK, call, count, deed, load, mix, store};

/// The program.
///
/// # Safety
/// For the kernel only, as the first instruction of the partition.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rogue_code.entry")]
unsafe extern "C" fn rogue_entry() -> ! {
    // SAFETY: the page is this partition's, and nothing else refers to it.
    let mark = unsafe { load(scratch::START) };
    if mark != ROGUE_MARK && mark != 0 {
        user::call(call::COUNT, count::ALARM, 0);
    }
    // SAFETY: as above.
    unsafe { store(scratch::START, ROGUE_MARK) };
    loop {
        receive();
        user::call(call::YIELD, 0, 0);
        let (what, address) = user::call(call::NEXT, 0, 0);
        match what {
            // Nothing is left to try: from here on its turns end by the timer alone.
            deed::END => loop {
                receive();
            },
            deed::READ => {
                // SAFETY: none; that it faults is what the map promises. Here and below.
                let _ = unsafe { load(address) };
            }
            // SAFETY: as above.
            deed::WRITE => unsafe { store(address, 0x0bad_0bad) },
            deed::EXECUTE => user::jump(address),
            deed::INSTRUCTION => user::privileged(address),
            _ => {
                user::call(call::PRINT, address, 16);
                continue;
            }
        }
        user::call(call::DONE, 0, 0);
    }
}

/// Reads both frames of the channel: one that was not written meanwhile holds what its number says.
#[inline(always)]
fn receive() {
    let mut at = 0;
    while at < 2 {
        let frame = link::START + at * FRAME;
        // SAFETY: the channel is this partition's to read; here and below.
        let number = unsafe { load(frame) };
        user::order_loads();
        let (mut good, mut i) = (true, 0);
        while i < PAYLOAD {
            // SAFETY: as above.
            good &= unsafe { load(frame + 8 + 8 * i) } == mix((number / 2) ^ (i << 32));
            i += 1;
        }
        user::order_loads();
        // SAFETY: as above.
        if number != 0 && number % 2 == 0 && unsafe { load(frame) } == number {
            user::call(call::COUNT, if good { count::FRAME } else { count::BAD_FRAME }, 0);
        }
        at += 1;
    }
}
