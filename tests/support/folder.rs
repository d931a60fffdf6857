//! A folder for one test, gone afterwards. Its path is short, since sockets live below it, and the server's user
//! may enter it.
//!
//! All of them are in one, which goes when this process ends, whatever ends it: a shell waits for that, as it does
//! for programs (`process.rs`).

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

static ROOT: LazyLock<Root> = LazyLock::new(Root::new);

/// `$1` is the folder of all folders. A server of the tests is being ended by others, who need its files for that; one
/// that the program under test has started is ended here. They are given ten seconds. What outlives the tests for a
/// moment may still write into the folder. A test may have put any number into a file: only a process that was started
/// with this folder is ended.
const SHELL: &str = r#"
exec 2>/dev/null
cat >/dev/null
seconds=0
while [ $seconds -lt 120 ]; do
    files=$(find "$1" -maxdepth 4 -name postmaster.pid -type f)
    if [ $seconds -ge 10 ] || [ -z "$files" ]; then
        rm -rf "$1" && exit
    fi
    for file in $files; do
        read -r program <"$file"
        case $program in
            '' | *[!0-9]*) ;;
            *) grep -qF "$1/" "/proc/$program/cmdline" && kill -QUIT "$program" ;;
        esac
    done
    sleep 1
    seconds=$((seconds + 1))
done
"#;

/// The folder of all folders of this process.
struct Root {
    path: PathBuf,
    /// Waits for the end of its standard input, which is the end of this process.
    _shell: Child,
}

impl Root {
    fn new() -> Self {
        let folder = folder("ts-", Path::new("/tmp"));
        // As in /tmp, everybody deletes what is theirs: the server's user too.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
        let shell = Command::new("/bin/sh")
            .args(["-c", SHELL, "sh"])
            .arg(folder.path())
            .current_dir("/")
            .stdin(Stdio::piped())
            // What waits for the end of the output of the tests does not wait for this.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of the terminal's Ctrl-C.
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            path: folder.keep(),
            _shell: shell,
        }
    }
}

fn folder(prefix: &str, parent: &Path) -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix(prefix)
        .rand_bytes(4)
        .tempdir_in(parent)
        .unwrap()
}

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = folder("", &ROOT.path);
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, making its folders.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Names of the files in a folder below, sorted.
    pub fn list(&self, name: &str) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.path().join(name))
            .map(|entries| {
                entries
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                    .collect()
            })
            .unwrap_or_default();
        names.sort();
        names
    }
}
