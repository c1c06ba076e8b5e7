//! User and password for https, where git looks for them: in a private file, never on a command line.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_encode;
use serde_json::{Map, Value};

use crate::error::{Error, Kind};
use crate::host::remote;
use crate::notify::secrets::RESERVED;
use crate::support::secret::Secret;

/// Users and passwords, and where git finds them.
#[derive(Debug, Default, Clone)]
pub struct Credentials {
    /// Each for its host; of two for the same, git takes the first.
    pub all: Vec<Credential>,
    /// The private file that they are put into.
    pub file: PathBuf,
    /// Where that file is for those who work in the clone: a job directory is made in another place.
    pub later: PathBuf,
}

impl Credentials {
    /// Puts them into their file.
    pub fn store(&self) -> Result<(), Error> {
        self.all.iter().try_for_each(|credential| credential.store(&self.file))
    }

    /// Whether one of them is for the host of an address.
    pub fn are_for(&self, url: &str) -> bool {
        let host = remote::parse(url).map(|remote| remote.host).unwrap_or_default();
        self.all.iter().any(|credential| bare_host(&credential.host).eq_ignore_ascii_case(&host))
    }
}

/// User and password for a host.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The host.
    pub host: String,
    /// A port of its own.
    pub port: Option<String>,
    /// Who.
    pub user: String,
    /// The password or token.
    pub password: Secret,
}

impl Default for Credential {
    fn default() -> Self {
        Self { host: String::new(), port: None, user: String::new(), password: Secret::from("") }
    }
}

impl Credential {
    /// What an integration lets git log in with: a `gitCredential`, or the account or token of a source provider, for
    /// the host of its `url`. `None` for what has nothing for https.
    pub fn of_integration(master_name: &str, fields: &Map<String, Value>) -> Option<Self> {
        let text = |field: &str| fields.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        if master_name == GIT_CREDENTIAL {
            return Some(Self {
                host: text("host")?.to_owned(),
                port: text("port").map(ToOwned::to_owned),
                user: text("username")?.to_owned(),
                password: Secret::from(text("password")?),
            });
        }
        // The users that the services have for tokens.
        let (user, password) = match master_name {
            "github" | "githubEnterprise" => ("x-access-token", text("token")?),
            "gitlab" => ("oauth2", text("token")?),
            "bitbucket" => ("x-token-auth", text("token")?),
            "bitbucketServer" => (text("username")?, text("token")?),
            "bitbucketServerBasic" | "gerritBasic" => (text("username")?, text("password")?),
            _ => return None,
        };
        let (host, port) = place_of(text("url")?)?;
        Some(Self { host, port, user: user.to_owned(), password: Secret::from(password) })
    }

    /// The address of a repository on its host.
    pub fn address(&self, full_name: &str) -> String {
        let port = self.port.as_ref().map(|port| format!(":{port}")).unwrap_or_default();
        format!("https://{}{port}/{full_name}.git", bare_host(&self.host))
    }

    /// Its lines for git's `store`.
    pub fn lines(&self) -> Result<Vec<u8>, Error> {
        credential_lines(&self.user, &self.password, &self.host, self.port.as_deref())
    }

    /// Adds its lines to a private file, unless they are there.
    pub fn store(&self, file: &Path) -> Result<(), Error> {
        let lines = self.lines()?;
        let fail = |error| Error::io("write", file, &error);
        let there = match fs::read(file) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(fail(error)),
        };
        let is_there = |line: &[u8]| there.split(|&byte| byte == b'\n').any(|other| other == line);
        let missing = lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty() && !is_there(line));
        let new: Vec<u8> = missing.flat_map(|line| [line, b"\n"].concat()).collect();
        let mut file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file).map_err(fail)?;
        file.write_all(&new).map_err(fail)
    }
}

/// The type that is for git alone.
pub const GIT_CREDENTIAL: &str = "gitCredential";

/// Host and port of the repositories of a service, from the address of its API.
fn place_of(url: &str) -> Option<(String, Option<String>)> {
    let rest = url.trim().strip_prefix("https://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    };
    let host = host.to_ascii_lowercase();
    let host = match host.as_str() {
        "api.github.com" => "github.com".to_owned(),
        "api.bitbucket.org" => "bitbucket.org".to_owned(),
        _ => host,
    };
    Some((host, port.map(ToOwned::to_owned))).filter(|(host, _)| !host.is_empty())
}

/// A host without the scheme that people put before it.
fn bare_host(host: &str) -> &str {
    let host = host.trim().trim_end_matches('/');
    ["https://", "http://"].iter().find_map(|scheme| host.strip_prefix(scheme)).unwrap_or(host)
}

/// The two lines of a credential in git's `store`: with the port, if there is one, and without.
pub fn credential_lines(user: &str, password: &Secret, host: &str, port: Option<&str>) -> Result<Vec<u8>, Error> {
    let host = bare_host(host);
    let plain = |text: &str| text.chars().all(|letter| letter.is_alphanumeric() || ".-_:[]".contains(letter));
    let port = port.map(str::trim).filter(|port| !port.is_empty());
    if host.is_empty() || !plain(host) || !port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit())) {
        let message = format!(
            "gitCredential: {host}{}{} is no host with a port; write the bare name, such as git.example.com",
            if port.is_some() { ":" } else { "" },
            port.unwrap_or_default()
        );
        return Err(Error::new(Kind::Configuration, message));
    }
    let (user, password) = (percent_encode(user.as_bytes(), RESERVED), percent_encode(password.expose(), RESERVED));
    let with = |place: &str| format!("https://{user}:{password}@{place}\n");
    let with_port = port.map(|port| with(&format!("{host}:{port}"))).unwrap_or_default();
    Ok((with(host) + &with_port).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn lines(user: &str, password: &str, host: &str, port: Option<&str>) -> Result<String, Error> {
        credential_lines(user, &Secret::from(password), host, port).map(|lines| String::from_utf8(lines).unwrap())
    }

    #[test]
    fn two_lines_escaped() {
        assert_eq!(
            lines("a@b", "p/w:1%\n@é", "git.example.com", Some("8443")).unwrap(),
            "https://a%40b:p%2Fw%3A1%25%0A%40%C3%A9@git.example.com\n\
             https://a%40b:p%2Fw%3A1%25%0A%40%C3%A9@git.example.com:8443\n"
        );
        assert_eq!(lines("u", "p", "https://h/", None).unwrap(), "https://u:p@h\n");
        for (host, port) in [("", None), ("h/x", None), ("h\nhttps://x", None), ("u@h", None), ("h", Some("x"))] {
            let error = lines("u", "hunter2", host, port).unwrap_err();
            assert!(error.kind() == Kind::Configuration && !error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn of_integrations() {
        let given = |master_name: &str, url: &str| {
            let fields = serde_json::json!({
                "url": url, "token": "T", "username": "U", "password": "P", "host": "h.io", "port": "8443"
            });
            let found = Credential::of_integration(master_name, fields.as_object().unwrap());
            found.map(|found| String::from_utf8(found.lines().unwrap()).unwrap()).unwrap_or_default()
        };
        for (master_name, url, want) in [
            ("gitCredential", "", "https://U:P@h.io\nhttps://U:P@h.io:8443\n"),
            ("github", "https://api.github.com", "https://x-access-token:T@github.com\n"),
            ("githubEnterprise", "https://Git.example.com/api/v3", "https://x-access-token:T@git.example.com\n"),
            ("gitlab", "https://gitlab.com/api/v4", "https://oauth2:T@gitlab.com\n"),
            ("bitbucket", "https://api.bitbucket.org", "https://x-token-auth:T@bitbucket.org\n"),
            ("bitbucketServer", "https://b.io:7990", "https://U:T@b.io\nhttps://U:T@b.io:7990\n"),
            ("bitbucketServerBasic", "https://x@b.io/", "https://U:P@b.io\n"),
            ("gerritBasic", "https://g.io", "https://U:P@g.io\n"),
            // Nobody's password goes over an open line.
            ("gitlab", "http://gitlab.example.com", ""),
            ("sshKey", "https://h", ""),
        ] {
            assert_eq!(given(master_name, url), want, "{master_name} {url}");
        }
    }

    #[test]
    fn stored_once_and_privately() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("credentials");
        let credential =
            Credential { host: "h".into(), port: Some("1".into()), user: "u".into(), password: "p".into() };
        credential.store(&file).unwrap();
        credential.store(&file).unwrap();
        Credential { user: "v".into(), ..credential }.store(&file).unwrap();
        let content = fs::read_to_string(&file).unwrap();
        assert_eq!(content, "https://u:p@h\nhttps://u:p@h:1\nhttps://v:p@h\nhttps://v:p@h:1\n");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
