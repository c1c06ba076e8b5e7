//! Folders kept as archives, named by what is in them.
//!
//! The name is the SHA-256 over every entry in the order of the paths: kind, path, mode, content. The archive is a tar
//! under Zstandard, written and read as a stream. Kept are files, folders and symbolic links, which are never followed;
//! sockets, pipes and devices are not.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use super::objects::Objects;
use super::upload::PART;
use super::{Owner, Store};
use crate::error::{Error, Kind};
use crate::support::atomic::flags;
use crate::support::temporary::{folder_of, remove_tree};

/// How hard Zstandard tries: its own default.
const LEVEL: i32 = 3;
/// What of a mode is kept: who may read, write and run.
const MODE: u32 = 0o777;
const ENDING: &str = ".tar.zst";

/// A state in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub sha: String,
    /// Bytes of the archive.
    pub size: u64,
    /// When it was saved first.
    pub at: SystemTime,
}

/// One thing in a folder.
#[derive(Debug)]
struct Entry {
    path: PathBuf,
    kind: EntryType,
    mode: u32,
    size: u64,
}

/// The name in the making.
#[derive(Default)]
struct Name(Sha256);

impl Name {
    fn entry(&mut self, path: &Path, kind: EntryType, mode: u32, size: u64) {
        let path = path.as_os_str().as_bytes();
        // The same for every way in which an archive may mark a file.
        let kind = if kind.is_dir() { b'd' } else { [b'f', b'l'][usize::from(kind.is_symlink())] };
        self.0.update([kind]);
        self.0.update((path.len() as u64).to_le_bytes());
        self.0.update(path);
        self.0.update(if kind == b'l' { 0 } else { mode & MODE }.to_le_bytes());
        self.0.update(size.to_le_bytes());
    }

    fn hex(self) -> String {
        self.0.finalize().iter().fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
    }
}

/// Passes on what is read, and takes it into the name.
struct Named<'a, R> {
    inner: R,
    name: &'a mut Name,
}

impl<R: Read> Read for Named<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.name.0.update(&buffer[..read]);
        Ok(read)
    }
}

/// An object, read part by part.
struct Parts<'a> {
    objects: &'a Objects,
    object: &'a str,
    size: u64,
    next: u64,
    part: bytes::Bytes,
    failure: Option<Error>,
}

impl Read for Parts<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.part.is_empty() && self.next < self.size {
            let end = (self.next + PART as u64).min(self.size);
            self.part = self.objects.range(self.object, self.next..end).map_err(|error| {
                let told = io::Error::other(error.to_string());
                self.failure = Some(error);
                told
            })?;
            self.next = end;
        }
        let taken = self.part.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&self.part.split_to(taken));
        Ok(taken)
    }
}

fn object_of(owner: &Owner, sha: &str) -> String {
    format!("{}/state/{sha}{ENDING}", owner.folder())
}

/// Looks at what is about to be kept: a path below the folder, and its content. The outer error is that it cannot be
/// read, the inner one why it must not be kept.
pub type Inspect<'a> = dyn Fn(&Path, &mut dyn Read) -> io::Result<Result<(), Error>> + 'a;

/// Looks at all that a state would keep, as [`Store::save_inspected`] does, and keeps nothing.
pub fn inspect_state(folder: &Path, inspect: &Inspect) -> Result<(), Error> {
    looked_at(folder, &entries_of(folder)?, inspect)?.1
}

/// The name of what is in a folder, and why it must not be kept.
fn looked_at(folder: &Path, entries: &[Entry], inspect: &Inspect) -> Result<(String, Result<(), Error>), Error> {
    let (mut name, mut verdict) = (Name::default(), Ok(()));
    for entry in entries {
        content_of(folder, entry, &mut name, |content| {
            if verdict.is_ok() {
                verdict = inspect(&entry.path, content)?;
            }
            io::copy(content, &mut io::sink()).map(drop)
        })?;
    }
    Ok((name.hex(), verdict))
}

impl Store {
    /// Keeps what is in a folder, and returns the name that brings it back. What is there already is not written again.
    pub fn save_state(&self, owner: &Owner, folder: &Path) -> Result<String, Error> {
        self.save_inspected(owner, folder, &|_, _| Ok(Ok(())))
    }

    /// The same, unless `inspect` objects to something that is not in the store already. What is kept is what it has seen.
    pub fn save_inspected(&self, owner: &Owner, folder: &Path, inspect: &Inspect) -> Result<String, Error> {
        let entries = entries_of(folder)?;
        let (sha, verdict) = looked_at(folder, &entries, inspect)?;
        let object = object_of(owner, &sha);
        if self.objects().size(&object)?.is_some() {
            return Ok(sha);
        }
        verdict?;
        let mut upload = self.objects().upload(&object);
        match archive(folder, &entries, &mut upload) {
            Ok(written) if written == sha => upload.complete().map(|()| sha),
            Ok(_) => Err(Error::failed(format_args!(
                "{} was changed while it was saved: save a state when nothing writes to it any more",
                folder.display()
            ))),
            Err(error) => Err(upload.failure().unwrap_or(error)),
        }
    }

    /// Brings a state back into a folder that is empty, or not there yet. Nothing is in it before everything is right.
    pub fn fetch_state(&self, owner: &Owner, sha: &str, into: &Path) -> Result<(), Error> {
        let object = object_of(owner, sha);
        let is_name = sha.len() == 64 && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = if is_name { self.objects().size(&object)? } else { None };
        let Some(size) = size else {
            return Err(Error::new(
                Kind::Configuration,
                format_args!(
                    "{owner} has no state {sha} in the store {}: `shipctl state list` shows what is there",
                    self.place()
                ),
            ));
        };
        let stage = Stage::within(into)?;
        let mut parts =
            Parts { objects: self.objects(), object: &object, size, next: 0, part: bytes::Bytes::new(), failure: None };
        let unpacked = unpack(&mut parts, &stage.path);
        if let Some(error) = parts.failure {
            return Err(error);
        }
        let (written, folders) = unpacked.map_err(|error| {
            Error::failed(format_args!("cannot unpack {object} of the store {}: {error}", self.place()))
        })?;
        if written != sha {
            let told = format_args!(
                "{object} in the store {} is broken (it holds {written}): restore it, or remove it",
                self.place()
            );
            return Err(Error::new(Kind::Configuration, told));
        }
        stage.show(&folders)
    }

    /// The states that are kept, the newest first.
    pub fn states(&self, owner: &Owner) -> Result<Vec<Saved>, Error> {
        let listed = self.objects().list(&format!("{}/state", owner.folder()))?;
        let saved = listed.into_iter().filter_map(|listed| {
            let sha = listed.name.strip_suffix(ENDING)?.to_owned();
            Some(Saved { sha, size: listed.size, at: listed.modified })
        });
        let mut saved: Vec<Saved> = saved.collect();
        saved.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.sha.cmp(&b.sha)));
        Ok(saved)
    }

    /// The name of the state that the newest version has: `sha` of a job, `shaData` of a `state` resource.
    pub fn latest_state_of(&self, owner: &Owner) -> Result<Option<String>, Error> {
        let key = if matches!(owner, Owner::Job(_)) { "sha" } else { "shaData" };
        let newest = self.latest(owner)?;
        let sha = newest.as_ref().and_then(|version| version.property_bag.get(key)).and_then(Value::as_str);
        Ok(sha.filter(|sha| !sha.is_empty()).map(ToOwned::to_owned))
    }

    /// The name of the newest state of a job.
    pub fn latest_state(&self, job: &str) -> Result<Option<String>, Error> {
        self.latest_state_of(&Owner::Job(job.to_owned()))
    }
}

/// Everything in a folder, in the order of the paths.
fn entries_of(folder: &Path) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for found in walkdir::WalkDir::new(folder).min_depth(1).follow_root_links(true) {
        let found = found.and_then(|found| found.metadata().map(|metadata| (found, metadata)));
        let (found, metadata) = found.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            Error::io("read", &path, &error.into())
        })?;
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => EntryType::Directory,
            kind if kind.is_symlink() => EntryType::Symlink,
            kind if kind.is_file() => EntryType::Regular,
            _ => continue,
        };
        let path = found.path().strip_prefix(folder).unwrap_or(found.path()).to_owned();
        let size = if kind.is_file() { metadata.len() } else { 0 };
        entries.push(Entry { path, kind, mode: metadata.mode() & MODE, size });
    }
    entries.sort_by(|a, b| a.path.as_os_str().as_bytes().cmp(b.path.as_os_str().as_bytes()));
    Ok(entries)
}

/// Hands over the content of an entry, and takes everything about it into the name.
fn content_of(
    folder: &Path,
    entry: &Entry,
    name: &mut Name,
    take: impl FnOnce(&mut dyn Read) -> io::Result<()>,
) -> Result<(), Error> {
    let path = folder.join(&entry.path);
    let wrong = |error: io::Error| Error::io("read", &path, &error);
    if entry.kind.is_symlink() {
        let target = fs::read_link(&path).map_err(wrong)?;
        let target = target.as_os_str().as_bytes();
        name.entry(&entry.path, entry.kind, 0, target.len() as u64);
        return take(&mut Named { inner: target, name }).map_err(wrong);
    }
    name.entry(&entry.path, entry.kind, entry.mode, entry.size);
    if entry.kind.is_dir() {
        return take(&mut io::empty()).map_err(wrong);
    }
    // A link that has come into its place since is not followed, and a pipe not waited for.
    let file = OpenOptions::new().read(true).custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK)).open(&path);
    let content = file.map_err(wrong)?.take(entry.size);
    take(&mut Named { inner: content, name }).map_err(wrong)
}

/// Writes the archive; returns the name of what went into it.
fn archive(folder: &Path, entries: &[Entry], to: &mut dyn Write) -> Result<String, Error> {
    let failed = |error: io::Error| Error::failed(format_args!("cannot save {}: {error}", folder.display()));
    let encoder = zstd::stream::write::Encoder::new(to, LEVEL).map_err(failed)?;
    let mut archive = tar::Builder::new(encoder);
    let mut name = Name::default();
    for entry in entries {
        content_of(folder, entry, &mut name, |content| {
            let mut header = Header::new_gnu();
            header.set_entry_type(entry.kind);
            header.set_mode(entry.mode);
            header.set_mtime(0);
            header.set_size(entry.size);
            if entry.kind.is_symlink() {
                let mut target = Vec::new();
                content.read_to_end(&mut target)?;
                return archive.append_link(&mut header, &entry.path, OsStr::from_bytes(&target));
            }
            archive.append_data(&mut header, &entry.path, content)
        })?;
    }
    archive.into_inner().and_then(zstd::stream::write::Encoder::finish).map_err(failed)?;
    Ok(name.hex())
}

/// Unpacks into an empty folder; returns the name of what was there, and the modes that folders get in the end.
fn unpack(archive: &mut dyn Read, into: &Path) -> io::Result<(String, Vec<(PathBuf, u32)>)> {
    let mut archive = tar::Archive::new(zstd::stream::read::Decoder::new(archive)?);
    let mut name = Name::default();
    let mut folders = vec![];
    let mut known = HashSet::from([PathBuf::new()]);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        // A parent that is no folder of this archive is a link, or leads out.
        let plain = !path.as_os_str().is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || !path.parent().is_some_and(|parent| known.contains(parent)) {
            return Err(io::Error::other(format!("{} in it leads out of the folder", path.display())));
        }
        let (kind, mode, size) = (entry.header().entry_type(), entry.header().mode()? & MODE, entry.size());
        let target = into.join(&path);
        if kind.is_symlink() {
            let link = entry.link_name()?.unwrap_or_default().into_owned();
            let bytes = link.as_os_str().as_bytes();
            name.entry(&path, kind, 0, bytes.len() as u64);
            name.0.update(bytes);
            std::os::unix::fs::symlink(&link, &target)?;
        } else if kind.is_dir() {
            name.entry(&path, kind, mode, 0);
            DirBuilder::new().mode(0o700).create(&target)?;
            known.insert(path.clone());
            folders.push((path, mode));
        } else if kind.is_file() {
            name.entry(&path, kind, mode, size);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
            io::copy(&mut Named { inner: &mut entry, name: &mut name }, &mut file)?;
            file.set_permissions(Permissions::from_mode(mode))?;
        } else {
            return Err(io::Error::other(format!("{} in it is neither file, folder nor link", path.display())));
        }
    }
    Ok((name.hex(), folders))
}

/// A folder that is filled before it is seen.
struct Stage {
    path: PathBuf,
    into: PathBuf,
    is_inside: bool,
}

impl Stage {
    fn within(into: &Path) -> Result<Self, Error> {
        let is_inside = match fs::read_dir(into).map(|mut there| there.next().is_none()) {
            Ok(false) => {
                let told = format_args!("{} is not empty: name a folder that is, or a new one", into.display());
                return Err(Error::failed(told));
            }
            Ok(true) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(Error::io("read", into, &error)),
        };
        let beside = if is_inside { into } else { folder_of(into) };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(beside);
        made.map_err(|error| Error::io("make", beside, &error))?;
        let path = tempfile::Builder::new().prefix(".shipctl-").tempdir_in(beside);
        let path = path.map_err(|error| Error::io("write to", beside, &error))?.keep();
        Ok(Self { path, into: into.to_owned(), is_inside })
    }

    fn show(&self, folders: &[(PathBuf, u32)]) -> Result<(), Error> {
        let wrong = |error: io::Error| Error::io("write to", &self.into, &error);
        if self.is_inside {
            for entry in fs::read_dir(&self.path).map_err(wrong)? {
                let entry = entry.map_err(wrong)?;
                fs::rename(entry.path(), self.into.join(entry.file_name())).map_err(wrong)?;
            }
        } else {
            fs::rename(&self.path, &self.into).map_err(wrong)?;
        }
        // Those inside first: one that forbids writing must not stand in their way.
        for (path, mode) in folders.iter().rev() {
            let folder = File::open(self.into.join(path)).map_err(wrong)?;
            folder.set_permissions(Permissions::from_mode(*mode)).map_err(wrong)?;
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = remove_tree(&self.path);
    }
}
