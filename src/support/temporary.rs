//! Temporary names beside a target, and what killed processes left under them.
//!
//! A name says which target it is for, and a lock (`flock`) on what it names whether its owner is alive.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags};

use super::atomic::flags;

/// The folder that a path is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Takes a temporary name beside `target` by `take`, which fails with `AlreadyExists` where it is taken. What a killed
/// process left for the same target is removed, so that there is never more than one such name per process at work.
pub fn with_free_name<T>(target: &Path, take: impl FnMut(&Path) -> io::Result<T>) -> io::Result<(T, PathBuf)> {
    with_free_name_in(folder_of(target), target.file_name().unwrap_or_default(), take)
}

/// [`with_free_name`] in another folder than the target's own.
pub fn with_free_name_in<T>(
    folder: &Path,
    target: &OsStr,
    mut take: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(T, PathBuf)> {
    let mut hasher = DefaultHasher::new();
    target.hash(&mut hasher);
    let hash = hasher.finish();
    for attempt in 0..10_000 {
        let name = folder.join(format!("{TEMPORARY}{hash:016x}-{attempt}.tmp"));
        loop {
            match take(&name) {
                Ok(taken) => return Ok((taken, name)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !remove_abandoned(&name) {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
    Err(io::Error::other("too many temporary files beside it: remove .shipctl-*.tmp"))
}

/// What every temporary name begins with.
pub const TEMPORARY: &str = ".shipctl-";

/// Removes what killed processes have left in a folder, whatever it was for.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY) && name.ends_with(".tmp") {
            remove_abandoned(&entry.path());
        }
    }
}

/// Removes a temporary file or folder whose owner was killed; false when the owner may be alive.
fn remove_abandoned(name: &Path) -> bool {
    match fs::symlink_metadata(name) {
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
        // A link cannot be locked; the process that made it renames it at once.
        Ok(metadata) if metadata.is_symlink() => {
            let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
            return age.is_some_and(|age| age > Duration::from_mins(1)) && fs::remove_file(name).is_ok();
        }
        Ok(_) => {}
    }
    let wanted = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags(wanted)).open(name) else { return false };
    // As long as this lock is held nobody else removes it, and its owner, who held the lock, is gone.
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return false;
    }
    if !is_at(&file, name) {
        return true;
    }
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => remove_tree(name).is_ok(),
        Ok(_) => fs::remove_file(name).is_ok(),
        Err(_) => false,
    }
}

/// Whether an open file is what lies at a path.
pub fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => same(&open, &named),
        _ => false,
    }
}

/// Whether two descriptions are of one file.
pub fn same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Removes a folder with what is in it, also where its folders forbid that.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        done => done,
    }
}

fn open_up(folder: &Path) {
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
