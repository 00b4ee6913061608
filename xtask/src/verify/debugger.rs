//! QEMU's remote debugger: the few packets that stop a machine and look at it ("GDB Remote Serial Protocol").

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// Time after which a machine is taken to hang.
const LIMIT: Duration = Duration::from_secs(60);

/// A stopped machine.
pub(super) struct Debugger {
    stream: TcpStream,
}

impl Debugger {
    /// Connects to a machine that was just started.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) fn connect(port: u16) -> Result<Self> {
        let start = Instant::now();
        loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(LIMIT))?;
                    return Ok(Self { stream });
                }
                Err(error) if start.elapsed() > LIMIT => return Err(error).context("the machine does not answer"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Lets it run until it gets to an address.
    ///
    /// # Errors
    /// It stops elsewhere, or does not stop.
    pub(super) fn run_to(&mut self, address: u64) -> Result<()> {
        let breakpoint = format!("1,{address:x},4");
        ensure!(self.ask(&format!("Z{breakpoint}"))? == "OK", "no breakpoint at {address:#x}");
        let stopped = self.ask("c").with_context(|| format!("the machine did not get to {address:#x}"))?;
        ensure!(stopped.starts_with("T05"), "the machine stopped with `{stopped}`, and not at {address:#x}");
        ensure!(self.ask(&format!("z{breakpoint}"))? == "OK", "the breakpoint at {address:#x} stays");
        Ok(())
    }

    /// A register of a machine whose first registers all have 64 bits.
    ///
    /// # Errors
    /// There is none of that number.
    pub(super) fn register(&mut self, number: usize) -> Result<u64> {
        let all = self.ask("g")?;
        let text = all.get(number * 16..(number + 1) * 16).unwrap_or_default();
        little_endian(text).with_context(|| format!("register {number} is `{text}`"))
    }

    /// The word at an address.
    ///
    /// # Errors
    /// There is no memory.
    pub(super) fn word(&mut self, address: u64) -> Result<u64> {
        let text = self.ask(&format!("m{address:x},8"))?;
        little_endian(&text).with_context(|| format!("the word at {address:#x} is `{text}`"))
    }

    /// Has the emulator's monitor do something.
    ///
    /// # Errors
    /// It does not do it, or says something.
    pub(super) fn monitor(&mut self, command: &str) -> Result<()> {
        let text = command.bytes().fold(String::from("qRcmd,"), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let mut answer = self.ask(&text)?;
        let mut said = Vec::new();
        while let Some(output) = answer.strip_prefix('O').filter(|output| *output != "K") {
            said.extend(bytes(output).context("the monitor's answer is no text")?);
            answer = self.answer()?;
        }
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        ensure!(answer == "OK" && said.is_empty(), "`{command}`: {answer} {said}");
        Ok(())
    }

    /// Sends a packet, and returns the answer.
    fn ask(&mut self, text: &str) -> Result<String> {
        let sum = text.bytes().fold(0, u8::wrapping_add);
        self.stream.write_all(format!("${text}#{sum:02x}").as_bytes())?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String> {
        let mut next = || {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).map(|()| byte[0])
        };
        loop {
            match next()? {
                b'$' => break,
                b'-' => bail!("the machine did not understand"),
                _ => {}
            }
        }
        let mut text = String::new();
        loop {
            match next()? {
                b'#' => break,
                byte => text.push(char::from(byte)),
            }
        }
        for _ in 0..2 {
            next()?;
        }
        self.stream.write_all(b"+")?;
        Ok(text)
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digits).collect()
}

fn little_endian(text: &str) -> Option<u64> {
    Some(u64::from_le_bytes(bytes(text)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_little_endian_bytes() {
        assert_eq!(little_endian("0010204000000000"), Some(0x4020_1000));
        assert_eq!(little_endian("E14"), None);
        assert_eq!(little_endian("00"), None);
        assert_eq!(bytes("4f4b"), Some(b"OK".to_vec()));
    }
}
