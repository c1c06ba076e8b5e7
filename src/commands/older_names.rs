//! Links to the program under the names that older scripts call: for the processes that a job starts, which know nothing
//! of a shell's functions. The program tells by its name what is asked.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::commands::drop_in::TABLE;

/// What the platform itself had under names of its own, programs and functions. `shippable_service` is not one: images
/// have the real program. Nor are the names of the platform's successor, which are those of anybody's scripts.
pub(super) fn of_the_platform() -> impl Iterator<Item = &'static str> {
    let is_ours =
        |name: &&str| (name.starts_with("ship_") || name.starts_with("shippable_")) && *name != "shippable_service";
    TABLE.iter().flat_map(|command| command.aliases.iter().copied()).filter(is_ours)
}

/// Links these names in the folder to the program. What is right stays untouched.
pub(super) fn link<'a>(folder: &Path, program: &Path, names: impl Iterator<Item = &'a str>) -> io::Result<()> {
    for name in names {
        let place = folder.join(name);
        if !fs::read_link(&place).is_ok_and(|target| target == program) {
            let link = tempfile::Builder::new().prefix(".").make_in(folder, |path| symlink(program, path))?;
            link.into_temp_path().persist(&place)?;
        }
    }
    Ok(())
}

/// Adds the folder to the end of a PATH, where it changes nothing that is found already. Without a PATH shells have one
/// of their own, which would be lost.
pub(super) fn add_to_path(env: &mut [(OsString, OsString)], folder: &Path) {
    let folder = folder.as_os_str();
    if folder.as_bytes().contains(&b':') {
        return;
    }
    if let Some((_, path)) = env.iter_mut().find(|(name, path)| name == "PATH" && !path.is_empty())
        && !path.as_bytes().split(|byte| *byte == b':').any(|part| part == folder.as_bytes())
    {
        path.push(OsStr::new(":"));
        path.push(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_made_and_put_right() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/old/shipctl", dir.path().join("shippable_retry")).unwrap();
        for _ in 0..2 {
            link(dir.path(), Path::new("/new/shipctl"), ["shippable_retry", "ship_get_json_value"].into_iter())
                .unwrap();
        }
        let mut found: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.sort();
        assert_eq!(found, ["ship_get_json_value", "shippable_retry"].map(|name| dir.path().join(name)));
        assert!(found.iter().all(|place| fs::read_link(place).unwrap() == Path::new("/new/shipctl")));
    }

    #[test]
    fn only_the_platforms_own_names_become_programs() {
        let names: Vec<_> = of_the_platform().collect();
        assert!(
            ["ship_resource_get_state", "ship_get_json_value", "shippable_replace"].iter().all(|n| names.contains(n))
        );
        assert!(!["shippable_service", "read_json", "write_output"].iter().any(|n| names.contains(n)));
    }

    #[test]
    fn the_path_grows_once_and_at_its_end() {
        let path = |before: Option<&str>, folder: &str| {
            let mut env: Vec<(OsString, OsString)> =
                before.map(|path| ("PATH".into(), path.into())).into_iter().collect();
            add_to_path(&mut env, Path::new(folder));
            add_to_path(&mut env, Path::new(folder));
            env.pop().map(|(_, path)| path.into_string().unwrap())
        };
        assert_eq!(path(Some("/bin"), "/job/b").as_deref(), Some("/bin:/job/b"));
        assert_eq!(path(Some("/bin"), "/job:1/b").as_deref(), Some("/bin"));
        assert_eq!(path(Some(""), "/job/b").as_deref(), Some(""));
        assert_eq!(path(None, "/job/b"), None);
    }
}
