//! What the emulator does for the program.

use core::arch::asm;
use core::ptr::addr_of_mut;

use qemu_exit::{AArch64, QEMUExit as _};

/// Ends the emulation with that status.
pub fn exit(status: u32) -> ! {
    AArch64::new().exit(status)
}

/// SYS_GET_CMDLINE of the Arm semihosting interface.
const GET_COMMAND_LINE: u64 = 0x15;

/// Copies what the emulator was given as argument into `buffer`, and returns it; empty if there is none, or it is longer.
pub fn command_line(buffer: &mut [u8; 64]) -> &str {
    let mut block = [buffer.as_mut_ptr() as u64, buffer.len() as u64];
    let failed: u64;
    // SAFETY: the emulator writes no more than the length into the buffer, and the length into the block.
    unsafe {
        asm!(
            "hlt #0xf000",
            inlateout("x0") GET_COMMAND_LINE => failed,
            in("x1") addr_of_mut!(block),
            options(nostack),
        );
    }
    let length = if failed == 0 { block[1] as usize } else { 0 };
    buffer.get(..length).and_then(|text| str::from_utf8(text).ok()).unwrap_or("")
}
