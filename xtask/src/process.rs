//! Running other programs: said aloud, with their failure explained.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// The directory that cargo builds into.
pub(crate) fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Lines of a failed program's output that its error repeats.
const REPEATED: usize = 60;

/// Runs `command` with its output shown; where nobody looks on, a failure repeats the end of it.
///
/// # Errors
/// It cannot be started, or it fails.
pub(crate) fn call(command: &mut Command) -> Result<()> {
    call_before(std::io::stdout().is_terminal(), command)
}

/// [`call`], before somebody's eyes or before nobody's.
fn call_before(watched: bool, command: &mut Command) -> Result<()> {
    let line = shown(command);
    println!("$ {line}");
    if !watched {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let mut child = command.spawn().with_context(|| format!("cannot start `{line}`"))?;
    let out = child.stdout.take().map(|pipe| show_aside(pipe, std::io::stdout()));
    let err = child.stderr.take().map(|pipe| show_aside(pipe, std::io::stderr()));
    let ends = [err, out].into_iter().flatten().flat_map(|shown| shown.join().unwrap_or_default());
    let end = ends.fold(String::new(), |text, line| text + "\n" + &line);
    let status = child.wait()?;
    if !status.success() {
        bail!("`{line}` failed: {status}{end}");
    }
    Ok(())
}

/// Copies the lines of `pipe` to `to` in a thread, which returns the last ones.
fn show_aside(
    pipe: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
) -> thread::JoinHandle<Vec<String>> {
    thread::spawn(move || {
        let mut last = VecDeque::with_capacity(REPEATED + 1);
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            // Nobody may be left to read it; the program's own end is what counts.
            let _ = writeln!(to, "{line}");
            last.push_back(line);
            last.drain(..last.len().saturating_sub(REPEATED));
        }
        last.into()
    })
}

/// What a program wrote, and how it ended.
pub(crate) struct Ended {
    /// Standard output, then standard error.
    pub(crate) output: String,
    /// `None` if it was stopped at the time-out.
    pub(crate) status: Option<ExitStatus>,
}

/// Runs `command` for at most `limit` and returns what it wrote; its failure is not an error.
///
/// # Errors
/// It cannot be started.
pub(crate) fn capture(command: &mut Command, limit: Duration) -> Result<Ended> {
    converse(command, "", limit)
}

/// Like [`capture`], where `input` is what the program reads.
///
/// # Errors
/// It cannot be started.
pub(crate) fn converse(command: &mut Command, input: &str, limit: Duration) -> Result<Ended> {
    let line = shown(command);
    let mut child = command
        .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let readers = [child.stdout.take().map(read_aside), child.stderr.take().map(read_aside)];
    if let Some(mut pipe) = child.stdin.take() {
        // A program that has ended already reads nothing, and its status says why.
        let _ = pipe.write_all(input.as_bytes());
    }
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let mut output = String::new();
    for bytes in readers.into_iter().flatten().filter_map(|reader| reader.recv().ok()) {
        output.push_str(&String::from_utf8_lossy(&bytes));
    }
    Ok(Ended { output, status })
}

/// Reads `pipe` to its end in a thread, so that the writer never blocks.
fn read_aside(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks has been read as far as it goes.
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_is_captured_whole() {
        let ended = capture(Command::new("rustc").arg("--version"), Duration::from_secs(60)).expect("rustc is here");
        assert!(ended.status.is_some_and(|status| status.success()));
        assert!(ended.output.starts_with("rustc "));
    }

    #[cfg(unix)]
    #[test]
    fn a_failure_that_nobody_watched_repeats_the_end_of_what_was_said() {
        let script = "seq 1 100; echo why >&2; exit 3";
        let shown = show_aside(&b"1\n2\n3"[..], std::io::sink()).join().expect("nothing panics");
        assert_eq!(shown, ["1", "2", "3"]);
        let said = call_before(false, Command::new("sh").args(["-c", script])).expect_err("it fails").to_string();
        assert!(said.contains("exit status: 3\nwhy\n41\n42\n") && said.ends_with("\n100"), "{said}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_hangs_is_stopped() {
        let ended = capture(Command::new("sleep").arg("60"), Duration::from_millis(50)).expect("sleep is here");
        assert!(ended.status.is_none());
    }
}
