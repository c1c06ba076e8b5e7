//! Names and places that paths stand for.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::error::Error;

/// The last part of a path as `cp` sees it; none for `.`, `..` and `/`, which name no entry.
pub fn base_name(path: &OsStr) -> Option<&OsStr> {
    let bytes = path.as_bytes();
    let end = bytes.iter().rposition(|&byte| byte != b'/')? + 1;
    let start = bytes[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    Some(&bytes[start..end]).filter(|name| *name != b"." && *name != b"..").map(OsStr::from_bytes)
}

/// The path of `name` below a folder; a leading `/` counts for nothing, and `..` may not lead out.
pub fn inside(folder: &Path, name: &OsStr) -> Result<PathBuf, Error> {
    let mut depth = 0_i32;
    let mut path = folder.to_owned();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => {
                depth += 1;
                path.push(part);
            }
            Component::ParentDir => {
                depth -= 1;
                path.push("..");
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
        if depth < 0 {
            return Err(Error::drop_in(format_args!(
                "{} leads out of {}: name a file inside it",
                name.display(),
                folder.display()
            )));
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_names_as_cp_sees_them() {
        for (path, want) in [
            ("a/b", Some("b")),
            ("b//", Some("b")),
            ("-x", Some("-x")),
            ("a/.", None),
            ("..", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(base_name(OsStr::new(path)), want.map(OsStr::new), "{path}");
        }
    }

    #[test]
    fn names_stay_inside() {
        let place = Path::new("/p");
        for (name, want) in [("a/b", Some("/p/a/b")), ("/a", Some("/p/a")), ("a/../b", Some("/p/a/../b"))] {
            assert_eq!(inside(place, OsStr::new(name)).ok(), want.map(PathBuf::from), "{name}");
        }
        for name in ["..", "../p/x", "/../x", "a/../../x"] {
            assert_eq!(inside(place, OsStr::new(name)).unwrap_err().exit_status(), 99, "{name}");
        }
    }
}
