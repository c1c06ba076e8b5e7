//! `/build`: the link by which old scripts find the job directory.
//!
//! In its containers the platform had the job directory under this name, which scripts wrote out.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::error::{Error, Kind};

/// Where it is.
pub const PLACE: &str = "/build";

/// Makes `place` a link to a job directory, which need not be there yet; false when it is one already. A link that
/// leads nowhere is what a killed run left, and is replaced.
///
/// # Errors
///
/// [`Kind::Configuration`]: something else is there, or the link cannot be made.
pub fn make(place: &Path, root: &Path) -> Result<bool, Error> {
    let refuse = |what: &dyn std::fmt::Display, cure: &str| {
        Err(Error::new(Kind::Configuration, format_args!("--link-build: {}: {what}: {cure}", place.display())))
    };
    match fs::read_link(place) {
        Ok(there) if there == root => return Ok(false),
        Ok(there) if place.exists() => {
            let what = format!("a link to {}", there.display());
            return refuse(&what, "wait for the run that it is for, or remove it");
        }
        Ok(_) => {
            if let Err(error) = fs::remove_file(place) {
                return refuse(&error, "remove what leads nowhere");
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(_) => return refuse(&"there already, and no link", "move it away, or write $JOB_PATH in the scripts"),
    }
    match symlink(root, place) {
        Ok(()) => Ok(true),
        Err(error) => refuse(&error, "run as root, or write $JOB_PATH in the scripts"),
    }
}

/// Removes `place` where it is a link to this job directory.
///
/// # Errors
///
/// A link that cannot be removed.
pub fn remove(place: &Path, root: &Path) -> Result<(), Error> {
    let Ok(there) = fs::read_link(place) else { return Ok(()) };
    let real = |path: &Path| path.canonicalize().ok();
    if there != root && (real(root).is_none() || real(root) != real(place)) {
        return Ok(());
    }
    match fs::remove_file(place) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", place, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_and_removed_by_its_own_directory_alone() {
        let dir = tempfile::tempdir().unwrap();
        let [place, root, other] = ["build", "root", "other"].map(|name| dir.path().join(name));
        assert!(make(&place, &root).unwrap());
        assert_eq!(fs::read_link(&place).unwrap(), root);
        assert!(!make(&place, &root).unwrap());
        // It led nowhere, and now it does not.
        assert!(make(&place, &other).unwrap());
        fs::create_dir(&other).unwrap();
        let error = make(&place, &root).unwrap_err();
        assert_eq!(error.exit_status(), 8);
        assert!(error.to_string().contains("wait for the run"), "{error}");

        remove(&place, &root).unwrap();
        assert!(place.is_symlink());
        let roundabout = dir.path().join("way");
        symlink(&other, &roundabout).unwrap();
        remove(&place, &roundabout).unwrap();
        assert!(!place.is_symlink());
        remove(&place, &other).unwrap();
    }

    #[test]
    fn what_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let [file, root] = ["file", "root"].map(|name| dir.path().join(name));
        fs::write(&file, "mine").unwrap();
        assert!(make(&file, &root).unwrap_err().to_string().contains("no link: move it away"));
        remove(&file, &root).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        let error = make(&dir.path().join("none/build"), &root).unwrap_err();
        assert!(error.to_string().contains("run as root"), "{error}");
    }
}
