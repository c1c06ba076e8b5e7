//! Sessions kept between processes: one caller at a time asks STS, the others wait for its result.
//!
//! An entry that cannot be used, for whatever reason, is replaced; the cache is never a cause of failure.

use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, OFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Credentials, RoleRequest};

/// The folder, and how long an entry must still be good for.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    /// Entries that end sooner are replaced.
    pub min_ttl: Duration,
    /// How long to wait for whoever is asking STS.
    pub patience: Duration,
}

/// A session as it lies on disk.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    /// Seconds since 1970.
    expires: u64,
}

impl Entry {
    fn is_whole(&self) -> bool {
        [&self.access_key_id, &self.secret_access_key, &self.session_token].iter().all(|part| !part.is_empty())
    }
}

/// The place of one session, locked while this lives.
#[derive(Debug)]
pub struct Slot {
    file: PathBuf,
    _lock: Option<File>,
}

impl Cache {
    /// A cache in this folder.
    pub fn at(folder: PathBuf, min_ttl: Duration, patience: Duration) -> Self {
        Self { folder, min_ttl, patience }
    }

    /// The place of the session that this request gives to these credentials. Waits for whoever is asking STS for the
    /// same one; `None` when the folder cannot be used.
    pub fn slot(&self, with: &Credentials, role: &RoleRequest, endpoint: &str) -> Option<Slot> {
        private_folder(&self.folder)?;
        let name = key(with, role, endpoint);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(self.folder.join(format!("{name}.lock")))
            .ok();
        let lock = lock.and_then(|lock| locked(lock, self.patience));
        Some(Slot { file: self.folder.join(format!("{name}.json")), _lock: lock })
    }

    /// The session in a slot, if it is there, ours, private, whole and good for long enough.
    pub fn get(&self, slot: &Slot, role: &RoleRequest, now: SystemTime) -> Option<Credentials> {
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&slot.file)
            .ok()?;
        let metadata = file.metadata().ok()?;
        let ours = metadata.uid() == rustix::process::geteuid().as_raw();
        if !ours || !metadata.is_file() || metadata.mode() & 0o077 != 0 || metadata.len() > 1 << 16 {
            return None;
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        let expires = UNIX_EPOCH.checked_add(Duration::from_secs(entry.expires))?;
        let lasts = now.checked_add(self.min_ttl).is_some_and(|soon| expires > soon);
        if !lasts || !entry.is_whole() {
            return None;
        }
        Some(Credentials {
            access_key_id: entry.access_key_id,
            secret_access_key: entry.secret_access_key.into(),
            session_token: Some(entry.session_token.into()),
            expires: Some(expires),
            region: None,
            account: super::arn_account(&role.arn).map(ToOwned::to_owned),
            role: Some(role.arn.clone()),
        })
    }

    /// Keeps a session. What cannot be kept is not: the caller has its credentials.
    pub fn put(&self, slot: &Slot, session: &Credentials) {
        let Some(expires) = session.expires.and_then(|at| at.duration_since(UNIX_EPOCH).ok()) else { return };
        let entry = Entry {
            access_key_id: session.access_key_id.clone(),
            secret_access_key: session.secret_access_key.expose().to_owned(),
            session_token: session.session_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default(),
            expires: expires.as_secs(),
        };
        let _ =
            serde_json::to_vec(&entry).map_err(std::io::Error::other).and_then(|text| self.write(&slot.file, &text));
    }

    /// Temporary file, fsync, rename: 0600 whatever the umask, and never through a link.
    fn write(&self, target: &Path, text: &[u8]) -> std::io::Result<()> {
        let mut staged = tempfile::Builder::new().prefix(".session-").tempfile_in(&self.folder)?;
        staged.write_all(text)?;
        staged.as_file().sync_all()?;
        if target.is_dir() {
            std::fs::remove_dir_all(target)?;
        }
        staged.persist(target)?;
        Ok(())
    }
}

/// The file, locked; `None` when somebody holds the lock for longer than we wait: a stopped process, or one that is
/// stuck, must not hold up every other. Then two may ask STS, and the later answer is kept.
fn locked(file: File, patience: Duration) -> Option<File> {
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        return Some(file);
    }
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = std::thread::Builder::new().spawn(move || {
        let _ = rustix::fs::flock(&file, FlockOperation::LockExclusive).map(|()| tell.send(file));
    });
    waiting.ok().and_then(|_| told.recv_timeout(patience).ok())
}

/// Makes the folder, 0700, and checks that it is ours and nobody else's.
fn private_folder(folder: &Path) -> Option<()> {
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).ok()?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(_) => return None,
    }
    let metadata = std::fs::symlink_metadata(folder).ok()?;
    let ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
    if ours && metadata.mode() & 0o077 != 0 {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).ok()?;
    }
    ours.then_some(())
}

/// A digest of everything that decides which session STS gives: length-prefixed, so that no two requests are alike.
fn key(with: &Credentials, role: &RoleRequest, endpoint: &str) -> String {
    let mut digest = Sha256::new();
    let mut add = |part: &str| {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    };
    for part in [&with.access_key_id, &role.arn, &role.session_name, endpoint] {
        add(part);
    }
    add(&role.duration_seconds.map(|seconds| seconds.to_string()).unwrap_or_default());
    for option in [&role.external_id, &role.policy, &role.serial_number, &role.source_identity] {
        add(if option.is_some() { "1" } else { "0" });
        add(option.as_deref().unwrap_or_default());
    }
    for list in [&role.policy_arns, &role.transitive_tag_keys] {
        add(&list.len().to_string());
        for part in list {
            add(part);
        }
    }
    add(&role.tags.len().to_string());
    for (tag, value) in &role.tags {
        add(tag);
        add(value);
    }
    digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
