//! Files replaced whole or not at all.
//!
//! The new content goes into a file that has no name yet (`O_TMPFILE`), so that a killed process leaves nothing
//! behind. A target that is not there yet gets that file at once; one that is there is replaced by a rename, for which
//! the file needs a name beside the target for a moment. Where there are no nameless files (other systems, some file
//! systems, no `/proc`), it has that name from the start. What a process leaves when it is killed in that moment is
//! removed by the next one that replaces the same target: the name says which target it is for, and a lock whether its
//! owner is alive.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};

use super::temporary::{folder_of, is_at, with_free_name};

/// Replaces the file at `target` by what `write` writes. A symbolic link stays a link: what it points to is replaced.
/// An existing file keeps its mode and, where allowed, its owner; a new one gets the mode of the umask. When `write`
/// fails, the target is as it was and nothing is left behind. What is no file of its own (`/dev/null`, `/dev/stdout`)
/// is written to, as a shell's `>` would.
pub fn replace(target: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
    match Target::find(target)? {
        Target::Stream(path) => fill(&open_stream(&path)?, write),
        Target::File { path, existing } => prepare_at(path, existing.as_ref(), write)?.commit(),
    }
}

/// [`replace`] with bytes at hand.
pub fn replace_bytes(target: &Path, content: &[u8]) -> io::Result<()> {
    replace(target, |out| out.write_all(content))
}

/// The first half of [`replace`], for callers that change several things and want everything that can fail behind
/// them: the content is on the disk, [`Prepared::commit`] shows it.
pub fn prepare(target: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<Prepared> {
    match Target::find(target)? {
        Target::Stream(_) => Err(not_a_file()),
        Target::File { path, existing } => prepare_at(path, existing.as_ref(), write),
    }
}

/// New content that waits to be shown under its target's name.
#[derive(Debug)]
pub struct Prepared {
    staged: Staged,
    target: PathBuf,
}

impl Prepared {
    /// Puts the new content in the place of the old.
    pub fn commit(self) -> io::Result<()> {
        self.staged.persist(&self.target)
    }
}

fn prepare_at(
    target: PathBuf,
    existing: Option<&Metadata>,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<Prepared> {
    // Where the file is visible while it is written, nobody else may read it: the one that it replaces may be private.
    let staged = Staged::beside(&target, if existing.is_some() { 0o600 } else { 0o666 })?;
    fill(staged.file(), write)?;
    if let Some(old) = existing {
        keep_owner(staged.file(), old)?;
        staged.file().set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
    }
    Ok(Prepared { staged, target })
}

fn fill(file: &File, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    let written = write(&mut writer).and_then(|()| writer.flush());
    // What could not be written must not be tried again when the writer is dropped.
    drop(writer.into_parts());
    written
}

/// What a path stands for, to somebody who wants to write there.
#[derive(Debug)]
pub enum Target {
    /// A file that can be replaced, or a place for one; behind any symbolic links.
    File {
        /// Where the links end.
        path: PathBuf,
        /// What is there.
        existing: Option<Metadata>,
    },
    /// A device, a pipe or an open file: bytes can be written to it, but nothing can take its place.
    Stream(PathBuf),
}

impl Target {
    /// Looks at a path; a folder, or a socket, is an error.
    pub fn find(path: &Path) -> io::Result<Self> {
        let end = follow(path)?;
        // `/dev/stdout` ends there: what is behind is open already, and a new file would never be seen.
        if end.starts_with("/proc") || end.starts_with("/dev/fd") {
            return Ok(Self::Stream(end));
        }
        match fs::metadata(&end) {
            Ok(metadata) if metadata.is_file() => Ok(Self::File { path: end, existing: Some(metadata) }),
            Ok(metadata) if metadata.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
            Ok(metadata) if metadata.file_type().is_socket() => Err(not_a_file()),
            Ok(_) => Ok(Self::Stream(end)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::File { path: end, existing: None }),
            Err(error) => Err(error),
        }
    }
}

/// Opens a stream for writing. A pipe that nobody reads is an error, where a shell would wait for ever.
pub fn open_stream(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).custom_flags(flags(OFlags::NONBLOCK | OFlags::NOCTTY)).open(path)?;
    rustix::fs::fcntl_setfl(&file, rustix::fs::fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// The refusal of something that is no regular file.
pub fn not_a_file() -> io::Error {
    io::Error::other("it is neither a file nor a folder")
}

/// Flags as the standard library takes them.
#[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap)] // their type differs between systems
pub fn flags(flags: OFlags) -> i32 {
    flags.bits() as i32
}

/// Where a chain of symbolic links ends, whether or not something is there.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // As many links as the kernel itself follows.
    for _ in 0..40 {
        match fs::read_link(&path) {
            // The links of /proc do not lead where they say.
            Ok(_) if path.starts_with("/proc") => return Ok(path),
            Ok(link) => path = path.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Gives a new file the owner of the old one, as far as this user may.
pub fn keep_owner(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root may give files away; anybody else keeps the content and the mode, which is what scripts rely on.
        let both = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
        let _ = both.or_else(|_| std::os::unix::fs::fchown(file, None, Some(old.gid())));
    }
    Ok(())
}

/// New content on the file system of its target, not yet visible under the target's name.
#[derive(Debug)]
pub struct Staged {
    file: File,
    /// The name it already has, where it could not be nameless.
    named: Option<PathBuf>,
}

impl Staged {
    /// An empty file that can take the place of `target`, with this mode as far as the umask lets it.
    pub fn beside(target: &Path, mode: u32) -> io::Result<Self> {
        if let Some(file) = nameless::create(folder_of(target), mode)? {
            // Before it has a name, so that nobody ever finds it without an owner.
            let _ = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
            return Ok(Self { file, named: None });
        }
        let (file, path) = with_free_name(target, |name| {
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(name)?;
            let _ = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
            // Between the creation and the lock somebody may have taken it for abandoned.
            if is_at(&file, name) { Ok(file) } else { Err(io::Error::from(io::ErrorKind::AlreadyExists)) }
        })?;
        Ok(Self { file, named: Some(path) })
    }

    /// The file, for its content, mode and times.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Shows it under the name of `target`, in the place of what is there.
    pub fn persist(mut self, target: &Path) -> io::Result<()> {
        let name = match self.named.take() {
            Some(name) => name,
            None => match nameless::link(&self.file, target) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    with_free_name(target, |name| nameless::link(&self.file, name))?.1
                }
                done => return done,
            },
        };
        fs::rename(&name, target).inspect_err(|_| {
            let _ = fs::remove_file(&name);
        })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(name) = &self.named {
            let _ = fs::remove_file(name);
        }
    }
}

/// Files without a name, which the kernel drops with the process that made them.
#[cfg(target_os = "linux")]
mod nameless {
    use super::{File, OFlags, OpenOptions, OpenOptionsExt, Path, flags, io};
    use rustix::fs::{AtFlags, CWD};
    use rustix::io::Errno;
    use std::os::fd::AsRawFd;

    /// `None` where the file system has none, or there is no `/proc` through which one gets its name.
    pub(super) fn create(folder: &Path, mode: u32) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(mode).custom_flags(flags(OFlags::TMPFILE));
        match options.open(folder) {
            Ok(file) => Ok(Path::new(&proc_name(&file)).exists().then_some(file)),
            Err(error) if unsupported(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn link(file: &File, name: &Path) -> io::Result<()> {
        Ok(rustix::fs::linkat(CWD, proc_name(file), CWD, name, AtFlags::SYMLINK_FOLLOW)?)
    }

    fn proc_name(file: &File) -> String {
        format!("/proc/self/fd/{}", file.as_raw_fd())
    }

    fn unsupported(error: &io::Error) -> bool {
        [Errno::OPNOTSUPP, Errno::ISDIR, Errno::INVAL, Errno::NOENT, Errno::NOSYS]
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
}

/// Other systems have no such files.
#[cfg(not(target_os = "linux"))]
mod nameless {
    use super::{File, Path, io};

    pub(super) fn create(_folder: &Path, _mode: u32) -> io::Result<Option<File>> {
        Ok(None)
    }

    pub(super) fn link(_file: &File, _name: &Path) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn content_changes_and_mode_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o751)).unwrap();
        replace_bytes(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o751);
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        fs::write(&file, "old").unwrap();
        let failed = replace(&file, |out| {
            out.write_all(&vec![b'x'; 100_000])?;
            Err(io::Error::other("no"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("f"), "old").unwrap();
        std::os::unix::fs::symlink("f", dir.path().join("l")).unwrap();
        replace_bytes(&dir.path().join("l"), b"new").unwrap();
        assert_eq!(fs::read_link(dir.path().join("l")).unwrap(), Path::new("f"));
        assert_eq!(fs::read(dir.path().join("f")).unwrap(), b"new");
    }

    #[test]
    fn a_circle_of_links_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("b", dir.path().join("a")).unwrap();
        std::os::unix::fs::symlink("a", dir.path().join("b")).unwrap();
        assert!(replace_bytes(&dir.path().join("a"), b"x").is_err());
    }

    #[test]
    fn a_device_is_written_to_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        replace_bytes(&link, b"x").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        std::os::unix::fs::symlink("/dev/full", dir.path().join("full")).unwrap();
        assert!(replace_bytes(&dir.path().join("full"), b"x").is_err());
    }

    #[test]
    fn a_file_that_is_prepared_is_not_there_yet() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        let prepared = prepare(&file, |out| out.write_all(b"new")).unwrap();
        if cfg!(target_os = "linux") {
            assert!(names(dir.path()).is_empty());
        }
        prepared.commit().unwrap();
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("f");
        fs::write(&target, "old").unwrap();
        let (alive, name) = with_free_name(&target, |name| {
            let file = OpenOptions::new().write(true).create_new(true).open(name)?;
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
            Ok(file)
        })
        .unwrap();
        replace_bytes(&target, b"1").unwrap();
        assert!(name.exists());
        drop(alive);
        replace_bytes(&target, b"2").unwrap();
        assert_eq!(names(dir.path()), ["f"]);
        // The same for a folder that forbids its own removal.
        fs::create_dir_all(name.join("shut/more")).unwrap();
        fs::set_permissions(name.join("shut"), Permissions::from_mode(0o500)).unwrap();
        replace_bytes(&target, b"3").unwrap();
        assert_eq!(names(dir.path()), ["f"]);
    }
}
