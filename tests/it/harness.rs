//! A sandbox for one test: a temporary folder, an exact environment, real programs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The binary under test.
pub const SHIPCTL: &str = env!("CARGO_BIN_EXE_shipctl");

/// A program that a test needs: from the folder that `make test` fills, else from the path. Its absence is a failure,
/// never a skipped test.
pub fn tool(name: &str) -> PathBuf {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/bin").join(name);
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(fetched)
        .chain(std::env::split_paths(&on_path).map(|folder| folder.join(name)))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is not on this machine: run `make tools`, which fetches what the tests need"))
}

/// A temporary folder with an environment that holds nothing of the caller's.
pub struct Sandbox {
    dir: tempfile::TempDir,
    /// The whole environment of what runs in it.
    pub env: BTreeMap<OsString, OsString>,
    /// Where it runs.
    pub cwd: PathBuf,
}

/// Copies the binary, by another process: a child that is forked meanwhile would hold a file of ours open for writing, and
/// the copy could not be run.
pub fn copy_program(to: &Path) {
    assert!(Command::new("cp").arg(SHIPCTL).arg(to).status().unwrap().success());
}

impl Sandbox {
    /// An empty sandbox with `home` and `bin` (first on the path, holds `shipctl`), run in its `work`.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("shipctl-test-").tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for folder in ["home", "bin", "work", "tmp"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(SHIPCTL, root.join("bin/shipctl")).unwrap();
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/bin");
        let path = [root.join("bin").as_os_str(), tools.as_os_str(), "/usr/local/bin:/usr/bin:/bin".as_ref()]
            .join(":".as_ref());
        let env = [
            ("HOME", root.join("home").into_os_string()),
            ("TMPDIR", root.join("tmp").into_os_string()),
            ("PATH", path),
            ("TZ", "UTC".into()),
            ("LANG", "C.UTF-8".into()),
            ("GIT_AUTHOR_DATE", "2019-01-02T03:04:05Z".into()),
            ("GIT_COMMITTER_DATE", "2019-01-02T03:04:05Z".into()),
        ];
        Self { cwd: root.join("work"), env: env.map(|(name, value)| (name.into(), value)).into(), dir }
    }

    /// The root, without symbolic links in its path.
    pub fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// A path below the root.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root().join(below)
    }

    /// Writes a file below the root, with its folders.
    pub fn write(&self, below: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Reads a file below the root.
    pub fn read(&self, below: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path(below);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// A program in the sandbox's folder and environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.cwd).env_clear().envs(&self.env).stdin(std::process::Stdio::null());
        command
    }

    /// Runs the binary.
    pub fn shipctl<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(&self, args: I) -> Ran {
        Ran::of(self.command(self.path("bin/shipctl")).args(args).output().unwrap())
    }

    /// Runs the binary as somebody who is not root, since root may read and write anywhere.
    pub fn shipctl_as_nobody(&self, words: &[&str]) -> Ran {
        if !rustix::process::geteuid().is_root() {
            return self.shipctl(words);
        }
        let binary = self.path("shipctl-for-all");
        if !binary.exists() {
            copy_program(&binary);
        }
        fs::set_permissions(self.root(), fs::Permissions::from_mode(0o755)).unwrap();
        let who = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        Ran::of(self.command(tool("setpriv")).args(who).arg(binary).args(words).output().unwrap())
    }

    /// Runs a script under the real bash.
    pub fn bash(&self, script: &str) -> Ran {
        self.shell("bash", script)
    }

    /// Runs a script under a real shell.
    pub fn shell(&self, shell: &str, script: &str) -> Ran {
        Ran::of(self.command(tool(shell)).arg("-c").arg(script).output().unwrap())
    }
}

/// What a process left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit status as a shell reports it: 128 + n for signal n.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Ran {
    /// From an output.
    pub fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status.code().or_else(|| output.status.signal().map(|signal| 128 + signal)).unwrap();
        Self { status, stdout: output.stdout, stderr: output.stderr }
    }

    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Succeeded, printed exactly this, and said nothing.
    #[track_caller]
    pub fn prints(&self, stdout: impl AsRef<[u8]>) {
        let want = String::from_utf8_lossy(stdout.as_ref()).into_owned();
        assert_eq!((self.status, self.out(), self.err()), (0, want, String::new()));
        assert_eq!(self.stdout, stdout.as_ref());
    }

    /// Failed with this status, printed nothing, and said something that holds this.
    #[track_caller]
    pub fn fails(&self, status: i32, message: &str) {
        assert_eq!((self.status, self.out()), (status, String::new()), "standard error: {}", self.err());
        assert!(self.err().contains(message), "{:?} is not in {:?}", message, self.err());
        assert!(!self.err().contains("panicked"), "{}", self.err());
    }
}
