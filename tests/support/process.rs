//! Programs that end with this process, whatever ends it.
//!
//! Their life hangs on a pipe: a shell waits for the pipe to close, which happens when this process ends by any
//! cause, and then kills the program and deletes its folder. It is there before there is anything to delete.

use std::io::{Read, Write};
use std::mem::ManuallyDrop;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Folder;

/// `$1` is the folder, `$2` the signal that ends the program, the rest the program, which is started by an empty
/// line. A program that ends by itself leaves its last words on stderr. Nothing else goes there: nobody may be left
/// to read it, and the shell would die of that before it has deleted the folder. That takes more than one attempt
/// if those who were filling it are not at their end yet.
const SHELL: &str = r#"
folder=$1 signal=$2; shift 2
exec 3<&0 </dev/null 4>&2 2>/dev/null
if read -r _ <&3; then
    "$@" >"$folder/log" 2>&1 3<&- 4>&- &
    program=$!
    { read -r _; kill -"$signal" $program; } <&3 4>&- &
    wait $program
    kill $!
    tail -n 50 "$folder/log" >&4
fi
for _ in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$folder" && break
    sleep 1
done
"#;

/// A program in a folder of its own. Dropping it ends it, and waits for its end.
pub struct Process {
    shell: Child,
}

impl Process {
    /// Readies a program; what it will say goes into the file `log` of its folder. The folder is gone with it.
    pub fn prepare<'a>(
        folder: &Path,
        signal: &str,
        program: &Path,
        args: impl IntoIterator<Item = &'a Path>,
    ) -> Self {
        let shell = as_server_user(Path::new("/bin/sh"))
            .args(["-c", SHELL, "sh"])
            .arg(folder)
            .arg(signal)
            .arg(program)
            .args(args)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        Self { shell }
    }

    /// Starts it and waits until it answers: there is no other way to know that it is ready. If it ends before,
    /// that is an error, its last words.
    pub fn start(mut self, answers: impl Fn() -> bool) -> Result<Self, String> {
        self.shell.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        for _ in 0..6000 {
            if answers() {
                return Ok(self);
            }
            if self.shell.try_wait().unwrap().is_some() {
                let mut words = String::new();
                let mut stderr = self.shell.stderr.take().unwrap();
                stderr.read_to_string(&mut words).unwrap();
                return Err(words);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("it never answered".to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        drop(self.shell.stderr.take());
        let _ = self.shell.wait();
    }
}

/// Starts what needs a port, on another one if somebody was quicker to take it.
pub fn on_free_port<T>(start: impl Fn(u16) -> Result<T, String>) -> T {
    let mut words = String::new();
    for _ in 0..5 {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        match start(port) {
            Ok(started) => return started,
            Err(error) => words = error,
        }
    }
    panic!("{words}")
}

/// Who PostgreSQL runs as when the tests run as root, which it refuses.
pub fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let entry = ["postgres:", "nobody:"]
        .iter()
        .find_map(|name| passwd.lines().find(|line| line.starts_with(name)));
    let fields: Vec<&str> = entry
        .expect("there is a user postgres or nobody")
        .split(':')
        .collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

pub fn as_server_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C");
    if let Some((uid, gid)) = server_user() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Runs a program to its end as the server's user.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A folder of the server's user, which a `Process` deletes.
pub fn folder() -> PathBuf {
    let folder = ManuallyDrop::new(Folder::new());
    own(folder.path());
    folder.path().to_owned()
}

/// Writes a file that is nobody's business but the server's user's: private keys have to be such files.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(bytes.as_ref()).unwrap();
    own(path);
}

/// Gives it to the server's user.
pub fn own(path: &Path) {
    if let Some((uid, gid)) = server_user() {
        chown(path, Some(uid), Some(gid)).unwrap();
    }
}
