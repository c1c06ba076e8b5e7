//! Groups in the CI's log, and secrets that it is told to hide.
//!
//! A name comes from a file that people write: it must neither end the line early nor begin a command of its own.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::{Host, Kind};
use crate::error::one_line;
use crate::support::secret::Secret;

/// A secret, or a line of one, that is shorter than this is not hidden.
const SHORTEST_MASK: usize = 4;

impl Host {
    /// What begins a group in the log, newline included.
    pub fn group_start(&self, name: &str, now: SystemTime) -> String {
        let shown = one_line(name);
        match self.kind {
            // The runner decodes `%25`, so that a name with `%0A` in it stays as it is.
            Kind::GitHubActions => format!("::group::{}\n", shown.replace('%', "%25")),
            Kind::GitLab => format!("\x1b[0Ksection_start:{}:{}\r\x1b[0K{shown}\n", seconds(now), section_id(name)),
            Kind::Buildkite => format!("--- {shown}\n"),
            Kind::TeamCity => format!("##teamcity[blockOpened name='{}']\n", teamcity_escape(name)),
            Kind::Azure => format!("##[group]{shown}\n"),
            Kind::Jenkins | Kind::CircleCi | Kind::Drone | Kind::Woodpecker | Kind::None => format!("== {shown} ==\n"),
        }
    }

    /// What ends it, newline included; empty where groups have no end.
    pub fn group_end(&self, name: &str, now: SystemTime) -> String {
        match self.kind {
            Kind::GitHubActions => "::endgroup::\n".to_owned(),
            Kind::GitLab => format!("\x1b[0Ksection_end:{}:{}\r\x1b[0K\n", seconds(now), section_id(name)),
            Kind::TeamCity => format!("##teamcity[blockClosed name='{}']\n", teamcity_escape(name)),
            Kind::Azure => "##[endgroup]\n".to_owned(),
            // Buildkite's groups end where the next one begins.
            Kind::Buildkite | Kind::Jenkins | Kind::CircleCi | Kind::Drone | Kind::Woodpecker | Kind::None => {
                String::new()
            }
        }
    }

    /// The lines that tell the CI to hide a secret, which hides them as well; `None` where it has no such command.
    pub fn mask_line(&self, secret: &Secret) -> Option<Vec<u8>> {
        if self.kind != Kind::GitHubActions {
            return None;
        }
        let mut lines = Vec::new();
        // The runner looks at one line at a time, so a secret of several lines is only found line by line.
        for line in secret.expose().split(|byte| matches!(byte, b'\n' | b'\r')) {
            // To hide every `{` or `OK` of the log would only make it unreadable.
            if line.trim_ascii().len() < SHORTEST_MASK {
                continue;
            }
            lines.extend_from_slice(b"::add-mask::");
            for &byte in line {
                match byte {
                    b'%' => lines.extend_from_slice(b"%25"),
                    _ => lines.push(byte),
                }
            }
            lines.push(b'\n');
        }
        (!lines.is_empty()).then_some(lines)
    }
}

fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// GitLab takes letters, digits, `_`, `.` and `-`, and knows a section's end by this id: two names must not share one.
fn section_id(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter_map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => Some(letter),
            _ if letter.is_whitespace() => Some('_'),
            _ => None,
        })
        .take(40)
        .collect();
    if plain == name && !name.is_empty() {
        return plain;
    }
    let digest = Sha256::digest(name.as_bytes());
    let hash = format!("{:08x}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]));
    if plain.is_empty() { format!("section-{hash}") } else { format!("{plain}-{hash}") }
}

/// A value of a TeamCity service message.
fn teamcity_escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '\'' | '|' | '[' | ']' => escaped.extend(['|', letter]),
            '\n' => escaped.push_str("|n"),
            '\r' => escaped.push_str("|r"),
            ' '..='~' => escaped.push(letter),
            // Whatever else, in UTF-16 as Java has it, and so safe in any encoding of the agent's.
            _ => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    let _ = write!(escaped, "|0x{unit:04X}"); // a String takes everything
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Event;
    use std::time::Duration;

    fn host(kind: Kind) -> Host {
        Host {
            kind,
            build_number: None,
            build_id: None,
            build_url: None,
            actor: None,
            event: Event::default(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn groups_of_each_ci() {
        let now = UNIX_EPOCH + Duration::from_secs(1_560_896_352);
        for (kind, start, end) in [
            (Kind::GitHubActions, "::group::tests\n", "::endgroup::\n"),
            (
                Kind::GitLab,
                "\x1b[0Ksection_start:1560896352:tests\r\x1b[0Ktests\n",
                "\x1b[0Ksection_end:1560896352:tests\r\x1b[0K\n",
            ),
            (Kind::Buildkite, "--- tests\n", ""),
            (Kind::TeamCity, "##teamcity[blockOpened name='tests']\n", "##teamcity[blockClosed name='tests']\n"),
            (Kind::Azure, "##[group]tests\n", "##[endgroup]\n"),
            (Kind::Jenkins, "== tests ==\n", ""),
            (Kind::None, "== tests ==\n", ""),
        ] {
            let host = host(kind);
            assert_eq!(host.group_start("tests", now), start, "{kind:?}");
            assert_eq!(host.group_end("tests", now), end, "{kind:?}");
        }
    }

    #[test]
    fn names_stay_within_their_line() {
        let name = "it's [50%0A]\n::set-env name=X::\r|ü";
        let github = host(Kind::GitHubActions).group_start(name, UNIX_EPOCH);
        assert_eq!(github, "::group::it's [50%250A]\\n::set-env name=X::\\r|ü\n");
        let teamcity = host(Kind::TeamCity).group_start(name, UNIX_EPOCH);
        assert_eq!(teamcity, "##teamcity[blockOpened name='it|'s |[50%0A|]|n::set-env name=X::|r|||0x00FC']\n");
        for kind in [Kind::GitLab, Kind::Buildkite, Kind::Azure, Kind::None, Kind::GitHubActions, Kind::TeamCity] {
            let text = host(kind).group_start(name, UNIX_EPOCH);
            assert_eq!(text.matches('\n').count(), 1, "{kind:?}: {text:?}");
        }
    }

    #[test]
    fn section_ids_differ_as_their_names_do() {
        let ids: std::collections::BTreeSet<_> =
            ["a b", "a_b", "a  b", "a:b", "ab", "ü", "ö", ""].map(section_id).into();
        assert_eq!(ids.len(), 8, "{ids:?}");
        for id in &ids {
            assert!(
                !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)),
                "{id}"
            );
        }
    }

    #[test]
    fn masks_line_by_line() {
        let github = host(Kind::GitHubActions);
        let lines = |value: &str| github.mask_line(&Secret::from(value)).map(|lines| String::from_utf8(lines).unwrap());
        assert_eq!(lines("hunter2").as_deref(), Some("::add-mask::hunter2\n"));
        assert_eq!(lines("a%0Ab").as_deref(), Some("::add-mask::a%250Ab\n"));
        assert_eq!(lines("line1\r\n{\n \nline2\n").as_deref(), Some("::add-mask::line1\n::add-mask::line2\n"));
        assert_eq!((lines(""), lines("\n \nabc")), (None, None));
        assert_eq!(host(Kind::Azure).mask_line(&Secret::from("hunter2")), None);
    }
}
