//! User and password for https, where git looks for them: in a private file, never on a command line.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use percent_encoding::percent_encode;

use crate::error::{Error, Kind};
use crate::notify::secrets::RESERVED;
use crate::support::secret::Secret;

/// A `gitCredential`.
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

/// The two lines of a credential in git's `store`: with the port, if there is one, and without.
pub fn credential_lines(user: &str, password: &Secret, host: &str, port: Option<&str>) -> Result<Vec<u8>, Error> {
    let host = host.trim().trim_end_matches('/');
    let host = ["https://", "http://"].iter().find_map(|scheme| host.strip_prefix(scheme)).unwrap_or(host);
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
