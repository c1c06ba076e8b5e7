//! The shared AWS files on disk: where they are, and edits that are locked and whole.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::Credentials;
use super::profiles::{Edit, SharedFile, is_writable};
use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::support::atomic;

/// The credentials and the config file of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFiles {
    /// `$AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.
    pub credentials: PathBuf,
    /// `$AWS_CONFIG_FILE`, else `~/.aws/config`.
    pub config: PathBuf,
}

/// What a profile becomes.
#[derive(Debug, Default, Clone)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Keys of the credentials file.
    pub credentials: Vec<(&'static str, String)>,
    /// Keys of the config file.
    pub config: Vec<(&'static str, String)>,
}

impl Profile {
    /// A profile that holds these keys, and their region.
    pub fn of(name: impl Into<String>, credentials: &Credentials) -> Self {
        let mut profile = Self { name: name.into(), ..Self::default() };
        profile.credentials.push(("aws_access_key_id", credentials.access_key_id.clone()));
        profile.credentials.push(("aws_secret_access_key", credentials.secret_access_key.expose().to_owned()));
        let token = credentials.session_token.as_ref();
        profile.credentials.extend(token.map(|token| ("aws_session_token", token.expose().to_owned())));
        profile.config.extend(credentials.region.clone().map(|region| ("region", region)));
        profile
    }

    /// Refuses values that the files cannot hold; `whose` names their source.
    pub fn check(self, whose: impl std::fmt::Display) -> Result<Self, Error> {
        match self.credentials.iter().chain(&self.config).find(|(_, value)| !is_writable(value)) {
            Some((key, _)) => Err(Error::new(
                Kind::Configuration,
                format_args!(
                    "{whose}: its {key} cannot stand in an AWS file: it has blanks at an end or several lines"
                ),
            )),
            None => Ok(self),
        }
    }
}

/// Keys that decide who a profile is; the ones that a new profile does not set are removed, or the old identity could
/// win over the new.
const IDENTITY: [&str; 15] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "aws_account_id",
    "credential_process",
    "credential_source",
    "role_arn",
    "source_profile",
    "external_id",
    "mfa_serial",
    "web_identity_token_file",
    "sso_session",
    "sso_account_id",
    "sso_role_name",
];

impl SharedFiles {
    /// Where they are for this user.
    pub fn of(env: &Env) -> Result<Self, Error> {
        let home = env.get_filled("HOME").map(PathBuf::from);
        let place = |variable: &str, name: &str| {
            let set = env.get_filled(variable).map(PathBuf::from);
            set.or_else(|| home.as_ref().map(|home| home.join(".aws").join(name))).ok_or_else(|| {
                Error::new(Kind::Configuration, format_args!("neither {variable} nor HOME is set: set one of them"))
            })
        };
        Ok(Self {
            credentials: place("AWS_SHARED_CREDENTIALS_FILE", "credentials")?,
            config: place("AWS_CONFIG_FILE", "config")?,
        })
    }

    /// Whether the default profile is somebody: AWS clients ask it before they ask a container's endpoint.
    pub fn has_default_identity(&self) -> bool {
        [(&self.credentials, SharedFile::Credentials), (&self.config, SharedFile::Config)].iter().any(|(path, file)| {
            let text = std::fs::read(path).unwrap_or_default();
            let keys = file.keys(&String::from_utf8_lossy(&text), "default");
            keys.iter().any(|key| IDENTITY.contains(&key.as_str()))
        })
    }

    /// Writes the profiles. Both new texts are ready before the first file changes; two calls at once wait for each
    /// other, so neither loses the other's profile.
    pub fn write(&self, profiles: &[Profile]) -> Result<(), Error> {
        // One lock serves both: everybody who writes profiles takes that of the credentials' folder.
        let _lock = lock_folder(&self.credentials)?;
        make_folder(&self.config)?;
        let credentials = edited(&self.credentials, SharedFile::Credentials, profiles)?;
        let config = edited(&self.config, SharedFile::Config, profiles)?;
        // The credentials first: a profile whose region is old is less harm than one whose keys are another's.
        for (path, text) in [(&self.credentials, credentials), (&self.config, config)] {
            if let Some(text) = text {
                replace_private(path, text.as_bytes()).map_err(|error| Error::io("write", path, &error))?;
            }
        }
        Ok(())
    }
}

/// The new text of a file; `None` when nothing changes.
fn edited(path: &Path, file: SharedFile, profiles: &[Profile]) -> Result<Option<String>, Error> {
    let old = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Error::io("read", path, &error).with_kind(Kind::Configuration)),
    };
    let mut text = old.clone();
    for profile in profiles {
        let set = match file {
            SharedFile::Credentials => &profile.credentials,
            SharedFile::Config => &profile.config,
        };
        let mut edits: Vec<Edit> = set.iter().map(|(key, value)| (*key, Some(value.as_str()))).collect();
        let stale = IDENTITY.into_iter().filter(|key| !set.iter().any(|(known, _)| known == key));
        edits.extend(stale.map(|key| (key, None)));
        text = file.edit(&text, &profile.name, &edits);
    }
    Ok((text != old).then_some(text))
}

/// Replaces a file that holds secrets: 0600 when it is new, whatever the umask.
pub fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    atomic::replace_bytes(path, content)
}

/// Makes the folder of a file, private to the user, and locks it while the answer lives.
pub fn lock_folder(path: &Path) -> Result<File, Error> {
    let folder = make_folder(path)?;
    let handle = File::open(folder).and_then(|handle| {
        rustix::fs::flock(&handle, FlockOperation::LockExclusive)?;
        Ok(handle)
    });
    handle.map_err(|error| Error::io("lock", folder, &error).with_kind(Kind::Configuration))
}

/// Makes the folder of a file, private to the user.
pub fn make_folder(path: &Path) -> Result<&Path, Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| Error::io("make the folder", folder, &error).with_kind(Kind::Configuration))?;
    Ok(folder)
}
