//! Addresses of repositories: which service, which repository, and how it is reached by ssh and by https.

use serde_json::{Map, Value};

use super::Repository;

/// An address, taken apart. User and password are left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The service: `github`, `gitlab`, `bitbucket`, `azure` or `git`.
    pub provider: &'static str,
    /// The host; empty for a path of this machine.
    pub host: String,
    /// `owner/name`.
    pub full_name: String,
    /// The address for ssh.
    pub ssh_url: Option<String>,
    /// The address for https.
    pub https_url: Option<String>,
}

/// Takes apart `ssh://git@host/owner/name.git`, `git@host:owner/name.git`, `https://host/owner/name` or a path.
pub fn parse(address: &str) -> Option<Remote> {
    let address = address.trim();
    let Some((scheme, rest)) = address.split_once("://") else { return parse_scp(address) };
    let (authority, path) = rest.split_once('/')?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let full_name = full_name(path)?;
    match scheme {
        "file" => Some(local(&full_name)),
        "http" | "https" => {
            let host = host_of(authority);
            let ssh_url = format!("git@{host}:{full_name}.git");
            Some(Remote {
                provider: provider(host),
                host: host.to_owned(),
                https_url: Some(format!("{scheme}://{authority}/{full_name}.git")),
                ssh_url: Some(ssh_url),
                full_name,
            })
        }
        "ssh" | "git" | "git+ssh" => {
            let host = host_of(authority);
            let ssh_url = if authority == host {
                format!("git@{host}:{full_name}.git")
            } else {
                format!("ssh://git@{authority}/{full_name}.git")
            };
            Some(by_ssh(host, full_name, ssh_url))
        }
        _ => None,
    }
}

/// `git@host:owner/name.git`, or a path.
fn parse_scp(address: &str) -> Option<Remote> {
    let before_slash = address.split('/').next().unwrap_or_default();
    let Some((authority, _)) = before_slash.split_once(':') else {
        return address.contains('/').then(|| full_name(address)).flatten().map(|name| local(&name));
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("git", authority));
    let full_name = full_name(&address[authority.len() + 1..])?;
    // A password has no place in this form, but somebody may have put one there.
    let user = user.split(':').next().unwrap_or("git");
    let ssh_url = format!("{user}@{host}:{full_name}.git");
    Some(by_ssh(host, full_name, ssh_url))
}

fn by_ssh(host: &str, full_name: String, ssh_url: String) -> Remote {
    let https_url = Some(format!("https://{host}/{full_name}.git"));
    Remote { provider: provider(host), host: host.to_owned(), full_name, ssh_url: Some(ssh_url), https_url }
}

fn local(path: &str) -> Remote {
    // The last two parts are what stands for owner and name.
    let mut parts: Vec<_> = path.rsplit('/').take(2).collect();
    parts.reverse();
    Remote { provider: "git", host: String::new(), full_name: parts.join("/"), ssh_url: None, https_url: None }
}

fn full_name(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    let name = path.strip_suffix(".git").unwrap_or(path);
    (!name.is_empty()).then(|| name.to_owned())
}

fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn provider(host: &str) -> &'static str {
    let host = host.to_ascii_lowercase();
    // Companies name their own servers after the product: git.example.com says nothing, gitlab.example.com does.
    for name in ["github", "gitlab", "bitbucket"] {
        if host.contains(name) {
            return name;
        }
    }
    if host == "dev.azure.com" || host.ends_with(".visualstudio.com") || host == "ssh.dev.azure.com" {
        return "azure";
    }
    "git"
}

impl Remote {
    /// The address that a browser opens.
    pub fn web_url(&self) -> Option<String> {
        self.https_url.as_deref().map(|url| url.strip_suffix(".git").unwrap_or(url).to_owned())
    }

    /// Where a commit is shown.
    pub fn commit_url(&self, commit: &str) -> Option<String> {
        let web = self.web_url()?;
        Some(match self.provider {
            "gitlab" => format!("{web}/-/commit/{commit}"),
            "bitbucket" => format!("{web}/commits/{commit}"),
            _ => format!("{web}/commit/{commit}"),
        })
    }

    /// Where the changes between two commits are shown.
    pub fn compare_url(&self, before: &str, after: &str) -> Option<String> {
        let web = self.web_url()?;
        Some(match self.provider {
            "gitlab" => format!("{web}/-/compare/{before}...{after}"),
            "bitbucket" => format!("{web}/branches/compare/{after}..{before}"),
            _ => format!("{web}/compare/{before}...{after}"),
        })
    }
}

/// `normalizedRepo` of a repository resource, from the address of its remote and from what the CI says of the same
/// repository.
pub fn normalized_repo(address: Option<&str>, said: Option<&Repository>) -> Map<String, Value> {
    let nothing = Repository::default();
    let said = said.unwrap_or(&nothing);
    let parse_said = || said.https_url.as_deref().or(said.ssh_url.as_deref()).and_then(parse);
    let remote = address.and_then(parse).or_else(parse_said);
    let part = |own: &Option<String>, of: fn(&Remote) -> Option<String>| {
        let value = own.as_deref().map(strip_credentials).or_else(|| remote.as_ref().and_then(of));
        Value::from(value.unwrap_or_default())
    };
    let provider = remote.as_ref().map_or("git", |remote| remote.provider);
    let mut repo = Map::new();
    repo.insert("repositoryProvider".into(), provider.into());
    repo.insert("repositorySshUrl".into(), part(&said.ssh_url, |remote| remote.ssh_url.clone()));
    repo.insert("repositoryHttpsUrl".into(), part(&said.https_url, |remote| remote.https_url.clone()));
    repo.insert("isFork".into(), said.is_fork.unwrap_or(false).into());
    repo.insert("fullName".into(), part(&said.full_name, |remote| Some(remote.full_name.clone())));
    repo.insert("isPrivateRepository".into(), said.is_private.unwrap_or(false).into());
    repo
}

/// An address without user and password, but for the user that ssh needs.
pub fn strip_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some((user, host)) = authority.rsplit_once('@') else { return address.to_owned() };
    match user.split(':').next() {
        Some(user) if scheme.ends_with("ssh") && !user.is_empty() => format!("{scheme}://{user}@{host}{path}"),
        _ => format!("{scheme}://{host}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (address, provider, name, ssh, https) in [
            ("git@github.com:o/r.git", "github", "o/r", "git@github.com:o/r.git", "https://github.com/o/r.git"),
            ("https://github.com/o/r", "github", "o/r", "git@github.com:o/r.git", "https://github.com/o/r.git"),
            (
                "https://x:to%40ken@github.com/o/r.git",
                "github",
                "o/r",
                "git@github.com:o/r.git",
                "https://github.com/o/r.git",
            ),
            (
                "https://t@ken@gitlab.com/g/s/r.git/",
                "gitlab",
                "g/s/r",
                "git@gitlab.com:g/s/r.git",
                "https://gitlab.com/g/s/r.git",
            ),
            (
                "https://git.example.com:8443/o/r",
                "git",
                "o/r",
                "git@git.example.com:o/r.git",
                "https://git.example.com:8443/o/r.git",
            ),
            (
                "ssh://git@bitbucket.org/o/r.git",
                "bitbucket",
                "o/r",
                "git@bitbucket.org:o/r.git",
                "https://bitbucket.org/o/r.git",
            ),
            (
                "ssh://me:pw@git.example.com:7999/o/r",
                "git",
                "o/r",
                "ssh://git@git.example.com:7999/o/r.git",
                "https://git.example.com/o/r.git",
            ),
            (
                "gitlab.example.com:o/r",
                "gitlab",
                "o/r",
                "git@gitlab.example.com:o/r.git",
                "https://gitlab.example.com/o/r.git",
            ),
            ("http://localhost:3000/o/r.git", "git", "o/r", "git@localhost:o/r.git", "http://localhost:3000/o/r.git"),
        ] {
            let remote = parse(address).unwrap_or_else(|| panic!("{address}"));
            let got =
                (remote.provider, remote.full_name.as_str(), remote.ssh_url.as_deref(), remote.https_url.as_deref());
            assert_eq!(got, (provider, name, Some(ssh), Some(https)), "{address}");
        }
        for path in ["file:///srv/git/o/r.git", "/srv/git/o/r.git", "../o/r"] {
            let remote = parse(path).unwrap();
            assert_eq!((remote.full_name.as_str(), remote.ssh_url, remote.https_url), ("o/r", None, None), "{path}");
        }
        for nothing in ["", "https://github.com", "https://github.com/", "ext::sh -c x", "name"] {
            assert!(parse(nothing).is_none_or(|remote| remote.host != "github.com"), "{nothing}");
        }
    }

    #[test]
    fn credentials_are_left_behind() {
        for (address, want) in [
            ("https://u:p@h/x", "https://h/x"),
            ("https://token@h/x@y", "https://h/x@y"),
            ("https://u:p@h", "https://h"),
            ("ssh://git:p@h/x", "ssh://git@h/x"),
            ("git@h:x", "git@h:x"),
            ("https://h/x", "https://h/x"),
        ] {
            assert_eq!(strip_credentials(address), want);
        }
    }

    #[test]
    fn what_the_contract_shows() {
        let said = Repository { is_private: Some(false), is_fork: Some(false), ..Repository::default() };
        let repo = normalized_repo(Some("https://x-access-token:t0ken@github.com/o/r"), Some(&said));
        let want = r#"{"repositoryProvider":"github","repositorySshUrl":"git@github.com:o/r.git","repositoryHttpsUrl":"https://github.com/o/r.git","isFork":false,"fullName":"o/r","isPrivateRepository":false}"#;
        assert_eq!(serde_json::to_string(&repo).unwrap(), want);
        let said = Repository {
            https_url: Some("https://u:p@gitlab.com/o/r.git".into()),
            is_private: Some(true),
            ..Repository::default()
        };
        let repo = serde_json::to_string(&normalized_repo(None, Some(&said))).unwrap();
        assert!(repo.contains(r#""repositoryHttpsUrl":"https://gitlab.com/o/r.git""#), "{repo}");
        assert!(repo.contains(r#""isPrivateRepository":true"#) && !repo.contains("u:p"), "{repo}");
    }
}
