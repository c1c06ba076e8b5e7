//! What bash reads: one file for each entry and each hook, and one that runs them by the rules.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Hooks, Task};
use crate::error::Error;
use crate::support::shell::posix_quote;

/// The rules, in bash.
const RULES: &[u8] = include_bytes!("task.sh");

/// The files of one TASK.
#[derive(Debug)]
pub struct Files {
    /// The entries and, in the same shell, their hooks.
    pub main: PathBuf,
    /// The hooks after success in a shell of their own, where the TASK's shell has not come to them.
    pub after_success: PathBuf,
    /// The same after failure.
    pub after_failure: PathBuf,
    /// `on_cancel` and `always`.
    pub after_cancel: PathBuf,
    /// Made by us when the TASK is told to end: no hooks then.
    cancelled: PathBuf,
    /// Written by bash as it comes to the hooks.
    stage: PathBuf,
}

/// How far the hooks have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// None has begun.
    Before,
    /// The first have begun.
    Begun,
    /// `always` has begun.
    Always,
}

impl Files {
    /// Writes the files of a TASK into a folder of its own below `dir`.
    pub fn write(dir: &Path, task: &Task, hooks: &Hooks) -> Result<Self, Error> {
        let folder = dir.join(format!("task-{}", task.number));
        make_folder(dir, &folder).map_err(|error| Error::io("make the folder of scripts", &folder, &error))?;
        let path = |name: &str| folder.join(name);
        let files = Self {
            main: path("task.sh"),
            after_success: path("after_success.sh"),
            after_failure: path("after_failure.sh"),
            after_cancel: path("after_cancel.sh"),
            cancelled: path("cancelled"),
            stage: path("stage"),
        };
        let entries = write_all(&folder, "entry", &task.scripts)?;
        let always = write_all(&folder, "always", &hooks.always)?;
        let after = |name: &str, first: &[String], target: &Path| {
            let first = write_all(&folder, name, first)?;
            write(target, &files.hooks(&first, &always))
        };
        after("on_failure", &hooks.on_failure, &files.after_failure)?;
        after("on_cancel", &hooks.on_cancel, &files.after_cancel)?;
        after("on_success", &hooks.on_success, &files.after_success)?;
        write(&files.main, &files.rules(task, &entries))?;
        Ok(files)
    }

    /// From now on, the TASK's shell ends without hooks.
    pub fn cancel(&self) -> Result<(), Error> {
        write(&self.cancelled, b"")
    }

    /// How far the hooks have come, as bash has told.
    pub fn stage(&self) -> Stage {
        match fs::read(&self.stage) {
            Ok(text) if text == b"always" => Stage::Always,
            Ok(_) => Stage::Begun,
            Err(_) => Stage::Before,
        }
    }

    /// The hooks' script: in one shell, so that what the first set, `always` sees; `exit` skips the rest.
    fn hooks(&self, first: &[PathBuf], always: &[PathBuf]) -> Vec<u8> {
        let stage = quoted(&self.stage);
        let mut out = [&b"builtin printf begun >| "[..], &stage, b"\n"].concat();
        source(&mut out, first);
        out.extend_from_slice(&[b"builtin printf always >| ", &stage[..], b"\n"].concat());
        source(&mut out, always);
        out.extend_from_slice(b"builtin exit 0\n");
        out
    }

    fn rules(&self, task: &Task, entries: &[PathBuf]) -> Vec<u8> {
        let mut out = b"# Written by shipctl: the entries of one TASK, and its hooks.\n".to_vec();
        let after_success = if task.last { quoted(&self.after_success) } else { b"''".to_vec() };
        for (name, value) in [
            (&b"__shipctl_cancelled"[..], quoted(&self.cancelled)),
            (b"__shipctl_after_success", after_success),
            (b"__shipctl_after_failure", quoted(&self.after_failure)),
        ] {
            out.extend_from_slice(&[name, b"=", &value[..], b"\n"].concat());
        }
        out.extend_from_slice(RULES);
        for entry in entries {
            // On the left of `||`, `eval` turns `set -e` off; the ERR trap, armed within, stays on.
            let armed = b"builtin trap 'builtin exit \"$?\"' ERR\n__shipctl_trace\nbuiltin source ";
            let line = [armed, &quoted(entry)[..]].concat();
            let line = posix_quote(&line);
            out.extend_from_slice(
                &[
                    b"\"${__shipctl_run[@]}\" ",
                    &line[..],
                    b" || builtin exit \"$?\"\n{ __shipctl_keep; } 2>/dev/null\n",
                ]
                .concat(),
            );
        }
        out.extend_from_slice(b"builtin exit 0\n");
        out
    }
}

fn source(out: &mut Vec<u8>, files: &[PathBuf]) {
    for file in files {
        out.extend_from_slice(&[b"builtin source ", &quoted(file)[..], b"\n"].concat());
    }
}

fn quoted(path: &Path) -> Vec<u8> {
    posix_quote(path.as_os_str().as_bytes())
}

/// The TASK's folder, empty.
fn make_folder(dir: &Path, folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.mode(0o700).recursive(true).create(dir)?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    builder.recursive(false).create(folder)
}

fn write_all(folder: &Path, name: &str, scripts: &[String]) -> Result<Vec<PathBuf>, Error> {
    let write_one = |(number, script): (usize, &String)| {
        let path = folder.join(format!("{name}-{number}.sh"));
        write(&path, format!("{script}\n").as_bytes())?;
        Ok(path)
    };
    (1..).zip(scripts).map(write_one).collect()
}

fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(content)).map_err(|error| Error::io("write", path, &error))
}
