//! Files replaced whole or not at all.
//!
//! The new content goes into a file that has no name yet (`O_TMPFILE`), so that a killed process leaves nothing
//! behind; it gets a name beside the target for the moment before it is renamed over it. Where a file system has no
//! nameless files, a private temporary file beside the target does.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags};

/// Replaces the file at `target` by what `write` writes. A symbolic link stays a link: what it points to is replaced.
/// An existing file keeps its mode and, where allowed, its owner; a new one gets the mode of the umask. When `write`
/// fails, the target is as it was and nothing is left behind.
pub fn replace(target: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
    let target = follow(target)?;
    let existing = match std::fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let staged = Staged::beside(&target)?;
    {
        let mut writer = BufWriter::with_capacity(1 << 16, &staged.file);
        write(&mut writer)?;
        writer.flush()?;
    }
    if let Some(metadata) = existing {
        keep_identity(&staged.file, &metadata)?;
    }
    staged.persist(&target)
}

/// [`replace`] with bytes at hand.
pub fn replace_bytes(target: &Path, content: &[u8]) -> io::Result<()> {
    replace(target, |out| out.write_all(content))
}

/// Where a chain of symbolic links ends, whether or not something is there.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // As many links as the kernel itself follows.
    for _ in 0..40 {
        match std::fs::read_link(&path) {
            Ok(link) => path = path.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

fn keep_identity(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root may give files away; anybody else keeps the content and the mode, which is what scripts rely on.
        let _ = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))
}

/// New content on the file system of its target, not yet visible under the target's name.
struct Staged {
    file: File,
    /// The name it already has, where it could not be nameless.
    named: Option<PathBuf>,
}

impl Staged {
    fn beside(target: &Path) -> io::Result<Self> {
        let folder = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let nameless = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(0o666)
            .custom_flags(OFlags::TMPFILE.bits().cast_signed())
            .open(folder);
        match nameless {
            Ok(file) => Ok(Self { file, named: None }),
            Err(error) if unsupported(&error) => {
                let (file, path) = create_named(target)?;
                Ok(Self { file, named: Some(path) })
            }
            Err(error) => Err(error),
        }
    }

    fn persist(mut self, target: &Path) -> io::Result<()> {
        let name = match self.named.take() {
            Some(name) => name,
            None => self.give_name(target)?,
        };
        std::fs::rename(&name, target).inspect_err(|_| {
            let _ = std::fs::remove_file(&name);
        })
    }

    fn give_name(&self, target: &Path) -> io::Result<PathBuf> {
        let nameless = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        loop {
            let name = temporary_name(target);
            match rustix::fs::linkat(CWD, nameless.as_str(), CWD, &name, AtFlags::SYMLINK_FOLLOW) {
                Ok(()) => return Ok(name),
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(name) = &self.named {
            let _ = std::fs::remove_file(name);
        }
    }
}

fn unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::OPNOTSUPP, Errno::ISDIR, Errno::INVAL, Errno::NOENT]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn create_named(target: &Path) -> io::Result<(File, PathBuf)> {
    loop {
        let name = temporary_name(target);
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o666).open(&name) {
            Ok(file) => return Ok((file, name)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// A name beside the target that nobody else takes: the process's id and a counter.
fn temporary_name(target: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut name = std::ffi::OsString::from(".shipctl-");
    name.push(format!("{}-{count}.tmp", std::process::id()));
    target.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn content_changes_and_mode_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o751)).unwrap();
        replace_bytes(&file, b"new").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o7777, 0o751);
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "old").unwrap();
        let failed = replace(&file, |out| {
            out.write_all(&vec![b'x'; 100_000])?;
            Err(io::Error::other("no"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "old").unwrap();
        std::os::unix::fs::symlink("f", dir.path().join("l")).unwrap();
        replace_bytes(&dir.path().join("l"), b"new").unwrap();
        assert_eq!(std::fs::read_link(dir.path().join("l")).unwrap(), Path::new("f"));
        assert_eq!(std::fs::read(dir.path().join("f")).unwrap(), b"new");
    }

    #[test]
    fn a_circle_of_links_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("b", dir.path().join("a")).unwrap();
        std::os::unix::fs::symlink("a", dir.path().join("b")).unwrap();
        assert!(replace_bytes(&dir.path().join("a"), b"x").is_err());
    }
}
