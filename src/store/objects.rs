//! The operations on objects that the rest is made of: the same for a folder and for a bucket.

use std::fs::{self, File, Permissions};
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{Error as Cause, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};
use rustix::fs::FlockOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Location;
use super::failure::Place;
use super::s3;
use super::upload::Upload;
use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::support::own_folder;

/// How often something is tried that others get in the way of, and how much longer each wait is than the one before.
const TRIES: u32 = 20;
const FIRST_WAIT: std::time::Duration = std::time::Duration::from_millis(10);

/// Objects in a folder or in a bucket.
#[derive(Debug)]
pub(super) struct Objects {
    /// Absent as long as the folder is not there: there is nothing to be read then.
    backend: Mutex<Option<std::sync::Arc<dyn ObjectStore>>>,
    runtime: Option<tokio::runtime::Runtime>,
    folder: Option<PathBuf>,
    prefix: String,
    place: Place,
}

/// An object as it was when it was read.
#[derive(Debug)]
pub(super) struct Seen<T> {
    pub value: T,
    tag: UpdateVersion,
}

impl<T> Seen<T> {
    /// What [`Objects::swap`] needs, without the value, and the value.
    pub(super) fn apart(self) -> (Seen<()>, T) {
        (Seen { value: (), tag: self.tag }, self.value)
    }
}

/// An object in a list.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    /// The last part of its name.
    pub name: String,
    pub size: u64,
    pub modified: std::time::SystemTime,
}

impl Objects {
    pub(super) fn open(location: &Location, env: &Env) -> Result<Self, Error> {
        match location {
            Location::Folder(path) => Ok(Self {
                backend: Mutex::new(None),
                runtime: None,
                folder: Some(path.clone()),
                prefix: String::new(),
                place: Place { name: path.display().to_string(), is_bucket: false },
            }),
            Location::S3 { bucket, prefix } => {
                let opened = s3::open(bucket, env)?;
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .map_err(|error| Error::failed(format_args!("cannot start the runtime: {error}")))?;
                Ok(Self {
                    backend: Mutex::new(Some(opened.store)),
                    runtime: Some(runtime),
                    folder: None,
                    prefix: prefix.clone(),
                    place: Place { name: format!("{location} at {}", opened.endpoint), is_bucket: true },
                })
            }
        }
    }

    /// A bucket of pretence, with every condition that a real one knows.
    #[cfg(test)]
    pub(super) fn in_memory() -> Self {
        Self {
            backend: Mutex::new(Some(std::sync::Arc::new(object_store::memory::InMemory::new()))),
            runtime: None,
            folder: None,
            prefix: "team/x".to_owned(),
            place: Place { name: "memory".to_owned(), is_bucket: true },
        }
    }

    /// The store in words.
    pub(super) fn place(&self) -> &str {
        &self.place.name
    }

    /// The error for an object that could not be read or written.
    pub(super) fn error(&self, doing: &str, object: &str, cause: &Cause) -> Error {
        self.place.error(doing, object, cause)
    }

    pub(super) fn key(&self, object: &str) -> Result<Key, Error> {
        let text = if self.prefix.is_empty() { object.to_owned() } else { format!("{}/{object}", self.prefix) };
        Key::parse(text).map_err(|error| Error::failed(format_args!("{object} cannot be an object's name: {error}")))
    }

    /// Runs a call to its end. Calls on files are done when they are first asked: no runtime is started for them.
    pub(super) fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        if let Some(runtime) = &self.runtime {
            return runtime.block_on(call);
        }
        let mut call = pin!(call);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            match call.as_mut().poll(&mut context) {
                Poll::Ready(done) => return done,
                Poll::Pending => std::thread::yield_now(),
            }
        }
    }

    /// What to read from; none where nothing has been written yet.
    fn backend(&self) -> Result<Option<std::sync::Arc<dyn ObjectStore>>, Error> {
        let mut backend = self.backend.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(folder)) = (&*backend, &self.folder) {
            match fs::metadata(folder) {
                Ok(found) if !found.is_dir() => {
                    let told = format_args!("the store {} is a file: give --store a folder", folder.display());
                    return Err(Error::new(Kind::Configuration, told));
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(Error::io("read", folder, &error)),
            }
            let files = LocalFileSystem::new_with_prefix(folder).map_err(|cause| self.error("read", "", &cause))?;
            *backend = Some(std::sync::Arc::new(files));
        }
        Ok(backend.clone())
    }

    /// What to write to, with the folders that the object needs, which nobody else may look into.
    pub(super) fn backend_for(&self, object: &str) -> Result<std::sync::Arc<dyn ObjectStore>, Error> {
        if let Some(folder) = self.parent(object) {
            let made = own_folder::make_ignored(&folder, super::DEFAULT_FOLDER);
            made.map_err(|error| Error::io("make", &folder, &error))?;
        }
        self.backend()?.ok_or_else(|| Error::failed(format_args!("the store {} has been removed", self.place())))
    }

    /// The folder of an object, where objects are files.
    fn parent(&self, object: &str) -> Option<PathBuf> {
        let path = self.folder.as_ref()?.join(object);
        Some(path.parent().unwrap_or(Path::new("/")).to_owned())
    }

    /// Files are for their owner alone.
    pub(super) fn make_private(&self, object: &str) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(object);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(|error| Error::io("protect", &path, &error))
    }

    /// The bytes of an object, if it is there.
    fn bytes(&self, object: &str) -> Result<Option<Seen<Bytes>>, Error> {
        let Some(backend) = self.backend()? else { return Ok(None) };
        let key = self.key(object)?;
        let read = self.wait(async {
            let found = backend.get(&key).await?;
            let tag = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
            Ok(Seen { tag, value: found.bytes().await? })
        });
        self.if_there("read", object, read)
    }

    fn if_there<T>(&self, doing: &str, object: &str, result: Result<T, Cause>) -> Result<Option<T>, Error> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(cause @ Cause::NotFound { .. }) if !self.place.lacks_bucket(&cause) => Ok(None),
            Err(cause) => Err(self.error(doing, object, &cause)),
        }
    }

    /// Reads an object that shipctl has written.
    pub(super) fn read<T: DeserializeOwned>(&self, object: &str) -> Result<Option<T>, Error> {
        Ok(self.see(object)?.map(|seen| seen.value))
    }

    /// The same, for [`Self::swap`].
    pub(super) fn see<T: DeserializeOwned>(&self, object: &str) -> Result<Option<Seen<T>>, Error> {
        let Some(Seen { value, tag }) = self.bytes(object)? else { return Ok(None) };
        let value = serde_json::from_slice(&value).map_err(|error| {
            let place = self.place();
            let told = format_args!("{object} in the store {place} is broken ({error}): restore it, or remove it");
            Error::new(Kind::Configuration, told)
        })?;
        Ok(Some(Seen { value, tag }))
    }

    /// Writes an object that must not be there yet; says whether it was this call that made it.
    pub(super) fn create<T: Serialize>(&self, object: &str, value: &T) -> Result<bool, Error> {
        match self.put(object, value, PutMode::Create) {
            Ok(()) => Ok(true),
            Err(Cause::AlreadyExists { .. } | Cause::Precondition { .. }) => Ok(false),
            Err(cause) => Err(self.error("write", object, &cause)),
        }
        .and_then(|made| if made { self.make_private(object).map(|()| true) } else { Ok(false) })
    }

    /// Writes an object that must not be there yet, or returns what is there. S3 refuses one of two that write at the
    /// same time even before the other is there: then it is tried again, since to go on would leave a hole.
    pub(super) fn create_or_read<T: Serialize + DeserializeOwned>(
        &self,
        object: &str,
        value: &T,
    ) -> Result<Option<T>, Error> {
        for tries in 0..TRIES {
            if self.create(object, value)? {
                return Ok(None);
            }
            if let Some(there) = self.read(object)? {
                return Ok(Some(there));
            }
            std::thread::sleep(FIRST_WAIT * tries);
        }
        let told = format_args!("{object} in the store {} cannot be made, and is not there: try again", self.place());
        Err(Error::failed(told))
    }

    /// Writes an object, whatever was there.
    pub(super) fn replace<T: Serialize>(&self, object: &str, value: &T) -> Result<(), Error> {
        self.put(object, value, PutMode::Overwrite).map_err(|cause| self.error("write", object, &cause))?;
        self.make_private(object)
    }

    /// Replaces an object that is still as it was seen; says whether it was.
    pub(super) fn swap<T: Serialize, S>(&self, object: &str, seen: &Seen<S>, value: &T) -> Result<bool, Error> {
        if self.folder.is_some() {
            return self.swap_file(object, &seen.tag, value);
        }
        match self.put(object, value, PutMode::Update(seen.tag.clone())) {
            Ok(()) => Ok(true),
            Err(Cause::Precondition { .. } | Cause::NotFound { .. } | Cause::AlreadyExists { .. }) => Ok(false),
            Err(cause) => Err(self.error("write", object, &cause)),
        }
    }

    /// Files know no condition but not to be there: whoever swaps holds their folder's lock.
    fn swap_file<T: Serialize>(&self, object: &str, tag: &UpdateVersion, value: &T) -> Result<bool, Error> {
        let folder = self.parent(object).unwrap_or_default();
        let lock = File::open(&folder).map_err(|error| Error::io("read", &folder, &error))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)
            .map_err(|error| Error::io("lock", &folder, &error.into()))?;
        match self.bytes(object)? {
            Some(now) if now.tag.e_tag == tag.e_tag => self.replace(object, value).map(|()| true),
            _ => Ok(false),
        }
    }

    fn put<T: Serialize>(&self, object: &str, value: &T, mode: PutMode) -> Result<(), Cause> {
        let generic = |source: Box<dyn std::error::Error + Send + Sync>| Cause::Generic { store: "store", source };
        let mut text = serde_json::to_vec(value).map_err(|error| generic(error.into()))?;
        text.push(b'\n');
        self.put_bytes(object, text.into(), mode)
    }

    pub(super) fn put_bytes(&self, object: &str, bytes: Bytes, mode: PutMode) -> Result<(), Cause> {
        let generic = |error: Error| Cause::Generic { store: "store", source: error.into() };
        let backend = self.backend_for(object).map_err(generic)?;
        let key = self.key(object).map_err(generic)?;
        let payload = PutPayload::from_bytes(bytes);
        self.wait(async { backend.put_opts(&key, payload, mode.into()).await }).map(drop)
    }

    /// Removes an object, if it is there.
    pub(super) fn remove(&self, object: &str) -> Result<(), Error> {
        let Some(backend) = self.backend()? else { return Ok(()) };
        let key = self.key(object)?;
        let removed = self.wait(async { backend.delete(&key).await });
        self.if_there("remove", object, removed).map(drop)
    }

    /// The objects of a folder, in no order.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<Listed>, Error> {
        let Some(backend) = self.backend()? else { return Ok(Vec::new()) };
        let key = self.key(folder)?;
        let listed = self.wait(async { backend.list_with_delimiter(Some(&key)).await });
        let listed = self.if_there("list", folder, listed)?;
        let listed = listed.map(|listed| listed.objects).unwrap_or_default();
        Ok(listed
            .into_iter()
            .filter_map(|meta| {
                let name = meta.location.filename()?.to_owned();
                Some(Listed { name, size: meta.size, modified: meta.last_modified.into() })
            })
            .collect())
    }

    /// The numbers among the names of a folder's objects, ascending: `7` of `7` and of `7.json`.
    pub(super) fn numbers(&self, folder: &str) -> Result<Vec<u64>, Error> {
        let listed = self.list(folder)?;
        let number = |listed: &Listed| listed.name.strip_suffix(".json").unwrap_or(&listed.name).parse().ok();
        let mut numbers: Vec<u64> = listed.iter().filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The size of an object, if it is there.
    pub(super) fn size(&self, object: &str) -> Result<Option<u64>, Error> {
        let Some(backend) = self.backend()? else { return Ok(None) };
        let key = self.key(object)?;
        let found = self.wait(async { backend.head(&key).await });
        Ok(self.if_there("read", object, found)?.map(|meta| meta.size))
    }

    /// Some bytes of an object.
    pub(super) fn range(&self, object: &str, range: std::ops::Range<u64>) -> Result<Bytes, Error> {
        let gone = || Error::failed(format_args!("{object} has gone from the store {}", self.place()));
        let backend = self.backend()?.ok_or_else(gone)?;
        let key = self.key(object)?;
        let read = self.wait(async { backend.get_range(&key, range).await });
        self.if_there("read", object, read)?.ok_or_else(gone)
    }

    /// Begins to write something large, which appears when it is whole.
    pub(super) fn upload(&self, object: &str) -> Upload<'_> {
        Upload::begin(self, object)
    }
}
