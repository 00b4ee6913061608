//! The partition that works: it adds up a table, sends frames, and never gives its turn away.
//!
//! Everything here is inlined into one function of a section that the map gives to this partition alone: a call to
//! anything else would fault.

use crate::machine::system::control::{data, link, scratch};
use crate::machine::user;
use crate::shared::{self, CONTROL_MARK, FRAME, PAYLOAD, SUM, TABLE, call, count, load, mix, store};

/// What it says first.
#[unsafe(link_section = ".control_code.hello")]
static HELLO: [u8; 27] = *b"control: I add up, forever\n";

/// The program.
///
/// # Safety
/// For the kernel only, as the first instruction of the partition.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".control_code.entry")]
unsafe extern "C" fn control_entry() -> ! {
    let text = &raw const HELLO;
    user::call(call::PRINT, text.addr() as u64, size_of_val(&HELLO) as u64);
    // SAFETY: the regions are this partition's, and nothing else refers to them; here and below.
    unsafe { store(scratch::START, CONTROL_MARK) };
    let table = data::START + shared::data::TABLE;
    let mut i = 0;
    while i < TABLE {
        // SAFETY: as above.
        unsafe { store(table + 8 * i, mix(i)) };
        i += 1;
    }
    let mut round = 1;
    loop {
        let (mut sum, mut i) = (0u64, 0);
        while i < TABLE {
            // SAFETY: as above.
            sum = sum.rotate_left(1) ^ unsafe { load(table + 8 * i) };
            i += 1;
        }
        // SAFETY: as above.
        if sum >> 33 != SUM || unsafe { load(scratch::START) } != CONTROL_MARK {
            user::call(call::COUNT, count::ALARM, 0);
        }
        send(round);
        // SAFETY: as above.
        unsafe { store(data::START + shared::data::FINISHED, round) };
        // SAFETY: as above.
        unsafe { store(data::START + shared::data::ROUNDS, round) };
        round += 1;
    }
}

/// Fills the frame that is not the one sent last: an odd number before, twice the round after.
#[inline(always)]
fn send(round: u64) {
    let frame = link::START + round % 2 * FRAME;
    // SAFETY: the channel is this partition's to write; here and below.
    unsafe { store(frame, 2 * round - 1) };
    user::order_stores();
    let mut i = 0;
    while i < PAYLOAD {
        // SAFETY: as above.
        unsafe { store(frame + 8 + 8 * i, mix(round ^ i << 32)) };
        i += 1;
    }
    user::order_stores();
    // SAFETY: as above.
    unsafe { store(frame, 2 * round) };
}
