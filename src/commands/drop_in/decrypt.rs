//! `decrypt`: opens a file that was encrypted for the job's key.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Args;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::support::atomic;
use crate::support::oaep::PrivateKey;

/// Where the platform put the key of the subscription, newer place first.
const KEYS: [&str; 2] = ["/tmp/ssh/00_sub", "/tmp/00_sub"];

pub(super) fn decrypt(_ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let file = Path::new(args.get(0));
    let (key_file, key) = match args.get(1) {
        given if given.is_empty() => first_key(&KEYS.map(Path::new))?,
        given => first_key(&[Path::new(given)])?,
    };
    let key = PrivateKey::from_pem(&key)
        .map_err(|fault| Error::failed(format_args!("cannot use the key {}: {fault}", key_file.display())))?;
    let text = fs::read(file).map_err(|error| Error::io("read", file, &error))?;
    let plain = key.decrypt(&text).map_err(|fault| {
        Error::failed(format_args!("cannot decrypt {} with the key {}: {fault}", file.display(), key_file.display()))
    })?;
    let mut target = file.as_os_str().to_owned();
    target.push(".decrypted");
    let target = Path::new(&target);
    write_private(target, &plain).map_err(|error| Error::io("write", target, &error))
}

/// The first of these files that is there, and what is in it.
fn first_key<'a>(places: &[&'a Path]) -> Result<(&'a Path, Vec<u8>), Error> {
    for place in places {
        match fs::read(place) {
            Ok(key) => return Ok((place, key)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => {}
            Err(error) => return Err(Error::io("read the key", place, &error)),
        }
    }
    let looked: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    let message = format!("there is no key at {}: name one with decrypt FILE KEY", looked.join(" or "));
    Err(Error::new(Kind::NoKey, message))
}

/// Writes what only the owner may read. The original added to a file that was there, so that a job's second run got
/// the text twice; here it is replaced.
fn write_private(target: &Path, plain: &[u8]) -> io::Result<()> {
    let private = Permissions::from_mode(0o600);
    match fs::metadata(target) {
        // A file that is replaced keeps its mode, so that must be right before.
        Ok(metadata) if metadata.is_file() => fs::set_permissions(target, private.clone())?,
        Ok(_) => return Err(io::Error::other("something that is no file is in its place")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    atomic::replace(target, |out| {
        out.get_ref().set_permissions(private)?;
        out.write_all(plain)
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_first_key_that_is_there_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second): (PathBuf, PathBuf) = (dir.path().join("ssh/00_sub"), dir.path().join("00_sub"));
        let places = [first.as_path(), second.as_path()];
        let none = first_key(&places).unwrap_err();
        assert_eq!(none.exit_status(), 100);
        assert!(
            none.to_string().contains(first.to_str().unwrap()) && none.to_string().contains(second.to_str().unwrap())
        );
        fs::write(&second, "old").unwrap();
        assert_eq!(first_key(&places).unwrap(), (second.as_path(), b"old".to_vec()));
        fs::create_dir(dir.path().join("ssh")).unwrap();
        fs::write(&first, "new").unwrap();
        assert_eq!(first_key(&places).unwrap(), (first.as_path(), b"new".to_vec()));
    }
}
