//! Files and folders copied: each file whole or not at all, with its mode and times, as fast as `cp`.

use std::fs::{self, File, FileTimes, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, Timespec, Timestamps};

use super::atomic::{self, Staged, Target};
use super::temporary;
use crate::error::Error;

/// Copies a regular file to the file named `target`. What is there stays whole until the copy is complete; a link
/// stays a link and what it points to is replaced, but one that points to nothing is replaced itself. Source and
/// target being one file is fine. A source that is no regular file is an error and never waited for.
pub fn file(source: &Path, target: &Path) -> Result<(), Error> {
    let writing = |error| Error::io("write", target, &error);
    let from = Source::open(source)?;
    match Target::find(target).map_err(writing)? {
        Target::Stream(stream) => {
            let to = atomic::open_stream(&stream).map_err(writing)?;
            io::copy(&mut { &from.file }, &mut { &to }).map(drop).map_err(writing)
        }
        Target::File { existing: None, .. } => from.copy_to(target, None),
        Target::File { path, existing } => from.copy_to(&path, existing.as_ref()),
    }
}

/// A regular file that is open for reading.
struct Source<'a> {
    path: &'a Path,
    file: File,
    metadata: Metadata,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let reading = |error| Error::io("read", path, &error);
        let flags = atomic::flags(OFlags::NONBLOCK | OFlags::NOCTTY);
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(reading)?;
        let metadata = file.metadata().map_err(reading)?;
        if metadata.is_file() { Ok(Self { path, file, metadata }) } else { Err(reading(atomic::not_a_file())) }
    }

    /// Puts a copy in the place of what `target` itself names.
    fn copy_to(&self, target: &Path, existing: Option<&Metadata>) -> Result<(), Error> {
        let writing = |error| Error::io("write", target, &error);
        if existing.is_some_and(|existing| temporary::same(&self.metadata, existing)) {
            return Ok(());
        }
        let staged = Staged::beside(target, 0o600).map_err(writing)?;
        let copied = content(&self.file, staged.file(), &self.metadata);
        copied.map_err(|error| {
            Error::failed(format_args!("cannot copy {} to {}: {error}", self.path.display(), target.display()))
        })?;
        if let Some(existing) = existing {
            atomic::keep_owner(staged.file(), existing).map_err(writing)?;
        }
        keep_mode_and_times(staged.file(), &self.metadata).map_err(writing)?;
        staged.persist(target).map_err(writing)
    }
}

/// Copies bytes by the kernel's means, which share or move them without a detour; holes stay holes.
fn content(from: &File, to: &File, metadata: &Metadata) -> io::Result<()> {
    let sparse = metadata.blocks() * 512 < metadata.len();
    if !sparse || !sparse_content(from, to, metadata.len())? {
        io::copy(&mut { from }, &mut { to })?;
    }
    Ok(())
}

/// Copies what is no hole; false where the file system does not tell, and nothing has been copied.
fn sparse_content(from: &File, to: &File, length: u64) -> io::Result<bool> {
    use io::{Read, Seek, SeekFrom::Start};
    use rustix::fs::SeekFrom::{Data, Hole};
    let mut at = 0;
    while at < length {
        let data = match rustix::fs::seek(from, Data(at)) {
            Ok(data) => data,
            // Nothing but a hole up to the end.
            Err(rustix::io::Errno::NXIO) => break,
            Err(_) if at == 0 => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let hole = rustix::fs::seek(from, Hole(data))?;
        { from }.seek(Start(data))?;
        { to }.seek(Start(data))?;
        io::copy(&mut from.take(hole - data), &mut { to })?;
        at = hole;
    }
    if to.metadata()?.len() < length {
        to.set_len(length)?;
    }
    Ok(true)
}

fn keep_mode_and_times(to: &File, from: &Metadata) -> io::Result<()> {
    let same_owner = to.metadata().is_ok_and(|metadata| (metadata.uid(), metadata.gid()) == (from.uid(), from.gid()));
    // Set-id bits are a promise of the owner's; a copy that belongs to another must not make it.
    let mode = from.mode() & if same_owner { 0o7777 } else { 0o1777 };
    to.set_permissions(Permissions::from_mode(mode))?;
    to.set_times(FileTimes::new().set_accessed(from.accessed()?).set_modified(from.modified()?))
}

/// What became of a folder's copy.
#[derive(Debug, Default)]
pub struct Copied {
    /// Files and links that were copied.
    pub files: usize,
    /// Pipes, sockets and devices, which are not.
    pub skipped: Vec<PathBuf>,
    /// What could not be copied.
    pub failed: Vec<Error>,
}

impl Copied {
    /// Nothing failed; else the first failure, and how many more there were.
    pub fn into_result(mut self) -> Result<Self, Error> {
        match self.failed.len() {
            0 => Ok(self),
            1 => Err(self.failed.remove(0)),
            more => Err(Error::failed(format_args!("{} (and {} more)", self.failed.remove(0), more - 1))),
        }
    }
}

/// Copies the folder `source` to `target`, as `cp -r` does: an existing folder is merged into and keeps its mode,
/// files are replaced one by one, links are copied as links, and what cannot be copied does not stop the rest.
pub fn tree(source: &Path, target: &Path) -> Copied {
    let mut copied = Copied::default();
    folder(source, target, &mut copied);
    copied
}

fn folder(source: &Path, target: &Path, copied: &mut Copied) {
    match folder_entries(source, target, copied) {
        Ok(()) => {}
        Err(error) => copied.failed.push(error),
    }
}

fn folder_entries(source: &Path, target: &Path, copied: &mut Copied) -> Result<(), Error> {
    let reading = |error| Error::io("read", source, &error);
    let opened = File::open(source).map_err(reading)?;
    let metadata = opened.metadata().map_err(reading)?;
    let entries = fs::read_dir(source).map_err(reading)?;
    let created = match fs::symlink_metadata(target) {
        Ok(existing) if existing.is_dir() => false,
        Ok(_) => {
            let (source, target) = (source.display(), target.display());
            return Err(Error::failed(format_args!(
                "cannot copy the folder {source} over {target}, which is none: remove it"
            )));
        }
        Err(_) => {
            fs::create_dir(target).map_err(|error| Error::io("create", target, &error))?;
            true
        }
    };
    for entry in entries {
        let entry = entry.map_err(reading)?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type().map_err(|error| Error::io("read", &from, &error))?;
        let done = if kind.is_dir() {
            folder(&from, &to, copied);
            continue;
        } else if kind.is_symlink() {
            link(&from, &to)
        } else if kind.is_file() {
            file_in_folder(&from, &to)
        } else {
            copied.skipped.push(from);
            continue;
        };
        match done {
            Ok(()) => copied.files += 1,
            Err(error) => copied.failed.push(error),
        }
    }
    if created {
        // Last, since a folder's mode may forbid writing into it, and writing changes its times.
        let done = File::open(target).and_then(|folder| keep_mode_and_times(&folder, &metadata));
        done.map_err(|error| Error::io("set the mode of", target, &error))?;
    }
    Ok(())
}

/// Copies a file of a folder. Here a link is replaced by the file, since what an older link of its name leads to may be
/// outside of the folder.
fn file_in_folder(source: &Path, target: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(target) {
        Ok(existing) if existing.is_symlink() => Source::open(source)?.copy_to(target, None),
        _ => file(source, target),
    }
}

/// Copies a symbolic link as what it says.
fn link(source: &Path, target: &Path) -> Result<(), Error> {
    let reading = |error| Error::io("read", source, &error);
    let writing = |error| Error::io("write", target, &error);
    let says = fs::read_link(source).map_err(reading)?;
    let metadata = fs::symlink_metadata(source).map_err(reading)?;
    match fs::read_link(target) {
        Ok(old) if old == says => return Ok(()),
        Ok(_) => {}
        Err(_) => match std::os::unix::fs::symlink(&says, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.and_then(|()| keep_times_of_link(target, &metadata)).map_err(writing),
        },
    }
    let make = |name: &Path| std::os::unix::fs::symlink(&says, name);
    let ((), name) = temporary::with_free_name(target, make).map_err(writing)?;
    let done = keep_times_of_link(&name, &metadata).and_then(|()| fs::rename(&name, target));
    done.map_err(|error| {
        let _ = fs::remove_file(&name);
        writing(error)
    })
}

#[allow(clippy::cast_lossless, clippy::unnecessary_cast)] // the field's type differs between systems
fn keep_times_of_link(link: &Path, metadata: &Metadata) -> io::Result<()> {
    let time = |tv_sec, nanoseconds: i64| Timespec { tv_sec, tv_nsec: nanoseconds as _ };
    let times = Timestamps {
        last_access: time(metadata.atime(), metadata.atime_nsec()),
        last_modification: time(metadata.mtime(), metadata.mtime_nsec()),
    };
    Ok(rustix::fs::utimensat(CWD, link, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom, Write};

    #[test]
    fn holes_stay_holes() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        let mut sparse = File::create(&from).unwrap();
        sparse.seek(SeekFrom::Start(8 << 20)).unwrap();
        sparse.write_all(b"middle").unwrap();
        sparse.set_len(16 << 20).unwrap();
        file(&from, &to).unwrap();
        assert_eq!(fs::read(&from).unwrap(), fs::read(&to).unwrap());
        let (from, to) = (fs::metadata(&from).unwrap(), fs::metadata(&to).unwrap());
        assert!(to.blocks() <= from.blocks() + 16, "{} blocks for {}", to.blocks(), from.blocks());
    }

    #[test]
    fn a_file_onto_itself_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "x").unwrap();
        file(&path, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }
}
