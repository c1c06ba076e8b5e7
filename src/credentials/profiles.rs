//! Profiles in the shared AWS files.
//!
//! Crates that parse INI drop comments or reorder what they write, and these files belong to people; so an edit here
//! touches only the lines of the keys that it sets or removes.

use std::fmt::Write as _;

/// Which of the two shared files a section is for: they name it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedFile {
    /// `~/.aws/credentials`: `[name]`.
    Credentials,
    /// `~/.aws/config`: `[profile name]`, but `[default]`.
    Config,
}

/// What becomes of a key in a profile.
pub type Edit<'a> = (&'a str, Option<&'a str>);

impl SharedFile {
    fn header(self, profile: &str) -> String {
        let name = if needs_quotes(profile) { format!("\"{profile}\"") } else { profile.to_owned() };
        match self {
            Self::Config if profile != "default" => format!("[profile {name}]"),
            Self::Config | Self::Credentials => format!("[{name}]"),
        }
    }

    /// The profile that a line opens, if it opens one of this file's.
    fn profile_of(self, line: &str) -> Option<String> {
        let inner = line.trim_start().strip_prefix('[')?.split(']').next()?.trim();
        let name = match self {
            Self::Credentials => inner,
            Self::Config if inner == "default" => inner,
            Self::Config => inner.strip_prefix("profile").filter(|rest| rest.starts_with([' ', '\t', '"']))?.trim(),
        };
        let unquoted = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Some(unquoted.unwrap_or(name).to_owned())
    }

    /// The text with a profile's keys set (or removed, where there is no value). Everything else stays as it is: other
    /// profiles, other keys, comments, blank lines.
    pub fn edit(self, text: &str, profile: &str, edits: &[Edit]) -> String {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let start = lines.iter().position(|line| self.profile_of(line).as_deref() == Some(profile));
        let Some(start) = start else { return self.append(text, profile, edits) };
        let end = lines[start + 1..]
            .iter()
            .position(|line| line.trim_start().starts_with('['))
            .map_or(lines.len(), |after| start + 1 + after);
        let mut out: String = lines[..start].concat();
        push_line(&mut out, lines[start]);
        out.push_str(&edit_section(&lines[start + 1..end], edits));
        out.push_str(&lines[end..].concat());
        out
    }

    /// The keys that a profile sets.
    pub fn keys(self, text: &str, profile: &str) -> Vec<String> {
        let mut within = false;
        let mut keys = Vec::new();
        for line in text.lines() {
            if line.trim_start().starts_with('[') {
                within = self.profile_of(line).as_deref() == Some(profile);
            } else if within && !line.starts_with([' ', '\t']) {
                keys.extend(key_of(line));
            }
        }
        keys
    }

    fn append(self, text: &str, profile: &str, edits: &[Edit]) -> String {
        let mut out = text.to_owned();
        let set: Vec<_> = edits.iter().filter_map(|(key, value)| value.map(|value| (key, value))).collect();
        if set.is_empty() {
            return out;
        }
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "{}", self.header(profile));
        for (key, value) in set {
            let _ = writeln!(out, "{key} = {value}");
        }
        out
    }
}

/// The lines of one section, edited: a key is changed where it stands, added before the blank lines and comments that
/// lead to the next section, and removed with the nested lines below it.
fn edit_section(lines: &[&str], edits: &[Edit]) -> String {
    let mut kept: Vec<String> = Vec::new();
    let mut done = vec![false; edits.len()];
    let mut dropping = false;
    for line in lines {
        let nested = line.starts_with([' ', '\t']) && !line.trim().is_empty();
        if nested && dropping {
            continue;
        }
        dropping = false;
        let found =
            key_of(line).filter(|_| !nested).and_then(|key| edits.iter().position(|(edited, _)| *edited == key));
        match found {
            Some(at) => {
                dropping = true;
                if let (Some(value), false) = (edits[at].1, done[at]) {
                    kept.push(format!("{} = {value}\n", edits[at].0));
                }
                done[at] = true;
            }
            None => kept.push((*line).to_owned()),
        }
    }
    let body = kept.iter().rposition(|line| key_of(line).is_some()).map_or(0, |at| at + 1);
    let added = edits.iter().zip(&done).filter(|(_, done)| !**done);
    let added: Vec<String> =
        added.filter_map(|((key, value), _)| value.map(|value| format!("{key} = {value}\n"))).collect();
    if !added.is_empty()
        && let Some(last) = body.checked_sub(1).and_then(|at| kept.get_mut(at))
        && !last.ends_with('\n')
    {
        last.push('\n');
    }
    kept.splice(body..body, added);
    kept.concat()
}

/// The key that a line sets: not a comment's, not a nested line's parent.
fn key_of(line: &str) -> Option<String> {
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with(['#', ';', '[']) {
        return None;
    }
    trimmed.split_once('=').map(|(key, _)| key.trim().to_ascii_lowercase())
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push('\n');
    }
}

fn needs_quotes(profile: &str) -> bool {
    profile.contains([' ', '\t'])
}

/// Whether a value can stand in these files: one line, without blanks at its ends.
pub fn is_writable(value: &str) -> bool {
    !value.contains(['\n', '\r', '\0']) && value.trim() == value && !value.contains(" #") && !value.contains(" ;")
}

/// Whether a name can be a profile's.
pub fn is_profile_name(name: &str) -> bool {
    !name.is_empty() && is_writable(name) && !name.contains(['[', ']', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
# mine
[default]
region = us-east-1  # here
output = json

# the other
[profile build]
region=eu-west-1
s3 =
  max_concurrent_requests = 20
credential_process = old

[profile \"two words\"]
region = x
";

    #[test]
    fn keys_change_where_they_stand_and_everything_else_stays() {
        let got =
            SharedFile::Config.edit(CONFIG, "build", &[("region", Some("us-west-2")), ("credential_process", None)]);
        let want = CONFIG.replace("region=eu-west-1", "region = us-west-2").replace("credential_process = old\n", "");
        assert_eq!(got, want);
    }

    #[test]
    fn new_keys_come_after_the_last_key_of_the_profile() {
        let got = SharedFile::Config.edit(CONFIG, "default", &[("credential_process", Some("shipctl x"))]);
        let want = CONFIG.replace("output = json\n", "output = json\ncredential_process = shipctl x\n");
        assert_eq!(got, want);
    }

    #[test]
    fn a_new_profile_is_added_at_the_end() {
        let got = SharedFile::Credentials.edit("[a]\nx = 1", "b", &[("y", Some("2")), ("z", None)]);
        assert_eq!(got, "[a]\nx = 1\n\n[b]\ny = 2\n");
        assert_eq!(SharedFile::Config.edit("", "b", &[("y", Some("2"))]), "[profile b]\ny = 2\n");
        assert_eq!(SharedFile::Config.edit("", "default", &[("y", Some("2"))]), "[default]\ny = 2\n");
    }

    #[test]
    fn nested_lines_go_with_their_key() {
        let got = SharedFile::Config.edit(CONFIG, "build", &[("s3", None)]);
        assert_eq!(got, CONFIG.replace("s3 =\n  max_concurrent_requests = 20\n", ""));
        let kept = SharedFile::Config.edit(CONFIG, "build", &[("max_concurrent_requests", Some("1"))]);
        assert!(kept.contains("  max_concurrent_requests = 20\n"), "{kept}");
    }

    #[test]
    fn keys_of_one_profile() {
        assert_eq!(SharedFile::Config.keys(CONFIG, "build"), ["region", "s3", "credential_process"]);
        assert_eq!(SharedFile::Config.keys(CONFIG, "default"), ["region", "output"]);
        assert!(SharedFile::Credentials.keys(CONFIG, "build").is_empty());
    }

    #[test]
    fn names_with_blanks_are_quoted() {
        let got = SharedFile::Config.edit(CONFIG, "two words", &[("region", Some("y"))]);
        assert_eq!(got, CONFIG.replace("region = x", "region = y"));
    }

    #[test]
    fn a_second_edit_changes_nothing() {
        let edits = [("region", Some("q")), ("new", Some("1"))];
        let once = SharedFile::Config.edit(CONFIG, "build", &edits);
        assert_eq!(SharedFile::Config.edit(&once, "build", &edits), once);
    }

    proptest::proptest! {
        #[test]
        fn other_profiles_never_change(text in "(\\[(profile )?[a-c]\\]\n|[a-c] = [a-z]*\n|  n = 1\n|# [a-z]*\n|\n){0,12}") {
            let got = SharedFile::Config.edit(&text, "zz", &[("k", Some("v"))]);
            proptest::prop_assert!(got.starts_with(&text));
        }
    }
}
