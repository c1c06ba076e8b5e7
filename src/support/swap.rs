//! The content of a folder replaced whole.
//!
//! The new content is prepared in a folder of its own and then changes places with the old in one step, so that a
//! killed process leaves old or new. Where that cannot be (the folder is a mount point, or a shell stands in it and
//! would be left in a folder that is gone), its entries are replaced one by one.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags};
use rustix::io::Errno;

use super::{atomic, copy, temporary};

/// The future content of a folder. Dropped, it is gone.
#[derive(Debug)]
pub struct NewContent {
    /// Where it is prepared; after the exchange, what is to be removed.
    path: PathBuf,
    /// The folder whose content it becomes, behind any links.
    target: PathBuf,
    /// Whether it is prepared inside the target, whose entries are then replaced one by one.
    inside: bool,
    /// Locks that tell others that this process is alive.
    locks: Vec<File>,
}

impl NewContent {
    /// An empty folder for the new content of `target`; `cwd` is where the caller stands.
    pub fn of(target: &Path, cwd: Option<&Path>) -> io::Result<Self> {
        let target = target.canonicalize().or_else(|_| absent(target))?;
        let standing_in_it = cwd.and_then(|cwd| cwd.canonicalize().ok()).is_some_and(|cwd| cwd.starts_with(&target));
        if standing_in_it || is_mount_point(&target) {
            return Self::create(&target, true);
        }
        match Self::create(&target, false) {
            // The folder around may be shut while the target itself is not.
            Err(_) if target.is_dir() => Self::create(&target, true),
            beside => beside,
        }
    }

    fn create(target: &Path, inside: bool) -> io::Result<Self> {
        let place = if inside { target } else { temporary::folder_of(target) };
        let name = target.file_name().unwrap_or_default();
        // As private as the target may be, until it gets the target's mode.
        let mode = if target.exists() { 0o700 } else { 0o777 };
        let (lock, path) = temporary::with_free_name_in(place, name, |name| {
            fs::DirBuilder::new().mode(mode).create(name)?;
            let folder = File::open(name)?;
            let _ = rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive);
            // Between the creation and the lock somebody may have taken it for abandoned.
            if temporary::is_at(&folder, name) {
                Ok(folder)
            } else {
                Err(io::Error::from(io::ErrorKind::AlreadyExists))
            }
        })?;
        Ok(Self { path, target: target.to_owned(), inside, locks: vec![lock] })
    }

    /// Where the new content goes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it takes the target's place entry by entry, so that a kill may leave some of each.
    pub fn is_inside(&self) -> bool {
        self.inside
    }

    /// Makes it the content of the target, which keeps its mode and owner.
    pub fn commit(mut self) -> io::Result<()> {
        if self.inside {
            return self.replace_entries(&self.path);
        }
        let old = match File::open(&self.target) {
            Ok(old) => old,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return fs::rename(&self.path, &self.target),
            Err(error) => return Err(error),
        };
        let metadata = old.metadata()?;
        atomic::keep_owner(&File::open(&self.path)?, &metadata)?;
        fs::set_permissions(&self.path, Permissions::from_mode(metadata.mode() & 0o7777))?;
        // From now on the old folder is the one that must not be taken for abandoned.
        let _ = rustix::fs::flock(&old, FlockOperation::NonBlockingLockExclusive);
        self.locks.push(old);
        match rustix::fs::renameat_with(CWD, &self.path, CWD, &self.target, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(()),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self.rename_twice(),
            Err(_) => self.move_inside(),
        }
    }

    /// Where a file system cannot exchange names there is a moment without the folder.
    fn rename_twice(&self) -> io::Result<()> {
        let ((), old) = temporary::with_free_name(&self.target, |name| match fs::symlink_metadata(name) {
            Ok(_) => Err(io::Error::from(io::ErrorKind::AlreadyExists)),
            Err(_) => fs::rename(&self.target, name),
        })?;
        if let Err(error) = fs::rename(&self.path, &self.target) {
            fs::rename(&old, &self.target)?;
            return Err(error);
        }
        let _ = temporary::remove_tree(&old);
        Ok(())
    }

    /// A folder that cannot be renamed after all gets the new content into it, and then entry by entry.
    fn move_inside(&self) -> io::Result<()> {
        let inner = Self::create(&self.target, true)?;
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let to = inner.path.join(entry.file_name());
            if fs::rename(entry.path(), &to).is_err() {
                copy_entry(&entry.path(), &to)?;
            }
        }
        inner.commit()
    }

    /// Puts every new entry in the place of the old one of its name, then removes the other old ones.
    fn replace_entries(&self, from: &Path) -> io::Result<()> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            let (new, place) = (from.join(&name), self.target.join(&name));
            match rustix::fs::renameat_with(CWD, &new, CWD, &place, RenameFlags::EXCHANGE) {
                Ok(()) => {}
                Err(Errno::NOENT) => fs::rename(&new, &place)?,
                Err(_) => {
                    if fs::symlink_metadata(&place).is_ok_and(|old| old.is_dir()) {
                        temporary::remove_tree(&place)?;
                    }
                    fs::rename(&new, &place)?;
                }
            }
            kept.push(name);
        }
        for entry in fs::read_dir(&self.target)? {
            let entry = entry?;
            let path = entry.path();
            if kept.contains(&entry.file_name()) || path == self.path {
                continue;
            }
            if entry.file_type()?.is_dir() { temporary::remove_tree(&path)? } else { fs::remove_file(&path)? }
        }
        Ok(())
    }
}

impl Drop for NewContent {
    fn drop(&mut self) {
        let ours = |path: &Path| self.locks.iter().any(|lock| temporary::is_at(lock, path));
        if ours(&self.path) {
            let _ = temporary::remove_tree(&self.path);
        }
    }
}

/// The place of a folder that is not there yet, its parent without links.
fn absent(target: &Path) -> io::Result<PathBuf> {
    let parent = temporary::folder_of(target).canonicalize()?;
    target.file_name().map(|name| parent.join(name)).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}

fn is_mount_point(folder: &Path) -> bool {
    match (fs::metadata(folder), fs::metadata(temporary::folder_of(folder))) {
        (Ok(inner), Ok(outer)) => inner.dev() != outer.dev() || inner.ino() == outer.ino(),
        _ => false,
    }
}

fn copy_entry(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(from)?;
    let failed = |error| io::Error::other(format!("{error}"));
    if metadata.is_dir() {
        copy::tree(from, to).into_result().map(drop).map_err(failed)
    } else if metadata.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)
    } else {
        copy::file(from, to).map_err(failed)
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

    fn replaced(cwd: Option<&Path>, root: &Path) {
        let target = root.join("t");
        let new = NewContent::of(&target, cwd).unwrap();
        fs::create_dir(new.path().join("sub")).unwrap();
        fs::write(new.path().join("sub/f"), "new").unwrap();
        fs::write(new.path().join("both"), "new").unwrap();
        new.commit().unwrap();
        assert_eq!(names(root), ["t"]);
        assert_eq!(names(&target), ["both", "sub"]);
        assert_eq!(fs::read(target.join("both")).unwrap(), b"new");
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o7777, 0o751);
    }

    fn old(root: &Path) -> PathBuf {
        let target = root.join("t");
        fs::create_dir_all(target.join("sub/deep")).unwrap();
        fs::create_dir_all(target.join("gone")).unwrap();
        fs::write(target.join("both"), "old").unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o751)).unwrap();
        target
    }

    #[test]
    fn whole() {
        let dir = tempfile::tempdir().unwrap();
        old(dir.path());
        replaced(None, dir.path());
    }

    #[test]
    fn entry_by_entry_below_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        let target = old(dir.path());
        let before = fs::metadata(&target).unwrap();
        replaced(Some(&target.join("sub")), dir.path());
        assert!(temporary::same(&before, &fs::metadata(&target).unwrap()));
    }

    #[test]
    fn without_exchange_and_without_renames() {
        let dir = tempfile::tempdir().unwrap();
        let target = old(dir.path());
        let new = NewContent::of(&target, None).unwrap();
        fs::write(new.path().join("f"), "1").unwrap();
        new.rename_twice().unwrap();
        drop(new);
        assert_eq!((names(dir.path()), names(&target)), (vec!["t".into()], vec!["f".to_owned()]));
        let new = NewContent::of(&target, None).unwrap();
        fs::write(new.path().join("g"), "2").unwrap();
        new.move_inside().unwrap();
        drop(new);
        assert_eq!((names(dir.path()), names(&target)), (vec!["t".into()], vec!["g".to_owned()]));
    }

    #[test]
    fn dropped_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let target = old(dir.path());
        drop(NewContent::of(&target, None).unwrap());
        assert_eq!(names(dir.path()), ["t"]);
        assert_eq!(names(&target), ["both", "gone", "sub"]);
    }
}
