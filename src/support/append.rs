//! Files that several processes add lines to.
//!
//! Lines are added under a lock of the record kind (`fcntl`), which a script's own `flock FILE shipctl …` does not
//! collide with.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags};

use super::{atomic, temporary};

/// One write of at most a page is not torn by a kill; what is longer replaces the file.
const ONE_WRITE: usize = 4096;

/// Adds bytes at the end of a file, all or none, whoever else adds to it or replaces it at the same time.
pub fn append(target: &Path, bytes: &[u8]) -> io::Result<()> {
    loop {
        let file = open(target, true)?;
        lock(&file);
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return (&file).write_all(bytes);
        }
        // Somebody replaced the file while this process waited for the lock.
        if !temporary::is_at(&file, target) {
            continue;
        }
        return if bytes.len() > ONE_WRITE {
            atomic::replace(target, |out| {
                io::copy(&mut (&file).take(metadata.len()), out)?;
                out.write_all(bytes)
            })
        } else {
            write_or_roll_back(&file, metadata.len(), bytes)
        };
    }
}

/// Replaces a file whole, and loses no line that is being added to it.
pub fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let held = loop {
        match open(target, false) {
            Ok(file) => {
                lock(&file);
                if temporary::is_at(&file, target) {
                    break Some(file);
                }
            }
            // Not there, or not to be written to: then nobody adds to it either.
            Err(_) => break None,
        }
    };
    let done = atomic::replace_bytes(target, bytes);
    drop(held);
    done
}

fn open(target: &Path, create: bool) -> io::Result<File> {
    let flags = atomic::flags(OFlags::NONBLOCK | OFlags::NOCTTY);
    let readable =
        OpenOptions::new().read(true).append(true).create(create).mode(0o666).custom_flags(flags).open(target);
    match readable {
        // A file that may be written but not read, as a script's `>>` could.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            OpenOptions::new().append(true).create(create).mode(0o666).custom_flags(flags).open(target)
        }
        opened => opened,
    }
}

/// Waits for the lock. Where a file system has none, one write at the end is still one write.
fn lock(file: &File) {
    while rustix::fs::fcntl_lock(file, FlockOperation::LockExclusive) == Err(rustix::io::Errno::INTR) {}
}

/// One write; when the disk has no room for all of it, what was written is taken back.
fn write_or_roll_back(file: &File, before: u64, bytes: &[u8]) -> io::Result<()> {
    let written = loop {
        match { file }.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result?,
        }
    };
    if written == bytes.len() {
        return Ok(());
    }
    // Writing on would tell the cause, but at a limit of the file's size it would also kill this process.
    if file.metadata()?.len() == before + written as u64 {
        file.set_len(before)?;
    }
    Err(io::Error::new(io::ErrorKind::StorageFull, "no room for all of it on the disk, or within `ulimit -f`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn bytes_are_added_short_and_long() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        let long = vec![b'x'; 3 * ONE_WRITE];
        append(&file, b"a\n").unwrap();
        append(&file, &long).unwrap();
        append(&file, b"b\n").unwrap();
        assert_eq!(fs::read(&file).unwrap(), [b"a\n", &long[..], b"b\n"].concat());
        replace(&file, b"c\n").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"c\n");
    }

    #[test]
    fn a_full_device_is_an_error() {
        assert!(append(Path::new("/dev/full"), b"x").is_err());
    }
}
