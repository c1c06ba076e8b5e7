//! Folders that nobody else can write to: for files that a shell is told to read.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Makes a folder, with those above it, unless it is there; `None` when it cannot be made, or when somebody else could
/// put something in its place.
pub fn make(path: &Path) -> Option<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).ok()?;
    // Links on the way are followed once, and what counts from here on is where they lead.
    let path = path.canonicalize().ok()?;
    let own = rustix::process::geteuid().as_raw();
    let is_own = path.metadata().is_ok_and(|folder| folder.uid() == own && folder.mode() & 0o022 == 0);
    let above = path.ancestors().skip(1).all(|folder| folder.metadata().is_ok_and(|folder| is_safe(&folder, own)));
    (is_own && above).then_some(path)
}

/// Makes a folder, with those above it, for us alone. One of them that is called `name` and was not there is kept out of
/// git: what is in it is for this machine.
pub fn make_ignored(path: &Path, name: &str) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    if let Some(ignored) = path.ancestors().find(|folder| folder.file_name().is_some_and(|last| last == name))
        && !ignored.exists()
    {
        if let Some(parent) = ignored.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            builder.create(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(ignored) {
            Ok(()) => std::fs::write(ignored.join(".gitignore"), "*\n")?,
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    builder.create(path)
}

/// Nobody but us and root can rename what is in it.
fn is_safe(folder: &Metadata, own: u32) -> bool {
    let is_sticky = folder.mode() & 0o1000 != 0;
    (folder.uid() == own || folder.uid() == 0) && (is_sticky || folder.mode() & 0o022 == 0)
}

/// A new folder with a name that nobody can guess.
pub fn make_new(parent: &Path) -> io::Result<PathBuf> {
    Ok(tempfile::Builder::new().prefix("shipctl-").tempdir_in(parent)?.keep())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn open_folders_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        let Some(made) = make(&inner) else { panic!("{} is not safe", inner.display()) };
        assert_eq!(made.metadata().unwrap().mode() & 0o777, 0o700);
        set_permissions(&inner, Permissions::from_mode(0o770)).unwrap();
        assert_eq!(make(&inner), None);
        set_permissions(&inner, Permissions::from_mode(0o700)).unwrap();
        set_permissions(dir.path().join("a"), Permissions::from_mode(0o777)).unwrap();
        assert_eq!(make(&inner), None);
        set_permissions(dir.path().join("a"), Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(make(&inner), Some(made));
    }

    #[test]
    fn a_new_folder_is_kept_out_of_git() {
        let dir = tempfile::tempdir().unwrap();
        let ignore = |folder: &str| std::fs::read_to_string(dir.path().join(folder).join(".gitignore")).ok();
        make_ignored(&dir.path().join("a/.own/b/c"), ".own").unwrap();
        assert!(dir.path().join("a/.own/b/c").is_dir());
        assert_eq!(ignore("a/.own").as_deref(), Some("*\n"));
        assert_eq!(dir.path().join("a/.own").metadata().unwrap().mode() & 0o777, 0o700);
        // What somebody made, or has taken the file from, stays as it is.
        std::fs::remove_file(dir.path().join("a/.own/.gitignore")).unwrap();
        make_ignored(&dir.path().join("a/.own/d"), ".own").unwrap();
        make_ignored(&dir.path().join("other/d"), ".own").unwrap();
        assert_eq!((ignore("a/.own"), ignore("other")), (None, None));
    }

    #[test]
    fn a_file_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "").unwrap();
        assert_eq!(make(&dir.path().join("f")), None);
        assert!(make_new(&dir.path().join("f")).is_err());
    }
}
