//! Whether a commit, tag or release of one repository is one that another repository's settings ask for.

use std::borrow::Cow;

use serde_json::Value;

use crate::support::pattern;

/// What the settings say to the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is asked for.
    Matches,
    /// It is not; the branch or tag, for the message.
    Differs(String),
    /// Neither a tag nor a release, and without a branch.
    NoBranchName,
}

/// Compares a commit's `shaData` with the `version.propertyBag` of the repository that would get it. A tag is held
/// against `tags`, a branch against `branch` or else `branches`, and a release always matches.
pub fn verdict(sha_data: &Value, settings: &Value) -> Verdict {
    if is_true(&sha_data["isGitTag"]) {
        let tag = text(&sha_data["gitTagName"]).unwrap_or_default();
        return decide(allows(&settings["tags"], &tag), format!("tag {tag}"));
    }
    if is_true(&sha_data["isRelease"]) {
        return Verdict::Matches;
    }
    let Some(branch) = text(&sha_data["branchName"]) else { return Verdict::NoBranchName };
    let matches = match text(&settings["branch"]) {
        Some(only) => only == branch,
        None => allows(&settings["branches"], &branch),
    };
    decide(matches, format!("branch {branch}"))
}

fn decide(matches: bool, what: String) -> Verdict {
    if matches { Verdict::Matches } else { Verdict::Differs(what) }
}

/// `only`: one of the patterns must match, if there are any; `except`: none may.
fn allows(section: &Value, name: &str) -> bool {
    let any =
        |patterns: &[Cow<str>]| patterns.iter().any(|pattern| pattern::matches(pattern.as_bytes(), name.as_bytes()));
    let (only, except) = (texts(&section["only"]), texts(&section["except"]));
    (only.is_empty() || any(&only)) && !any(&except)
}

/// The patterns of a list; a single one may stand without it.
fn texts(value: &Value) -> Vec<Cow<'_, str>> {
    match value {
        Value::Array(items) => items.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
}

/// A text that says something. The yml's `1.10` arrives as a number, whose spelling is the branch's.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true) || value.as_str() == Some("true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_of_the_contract() {
        let on = |name: &str| json!({"branchName": name, "isGitTag": false});
        let tag = |name: &str| json!({"gitTagName": name, "isGitTag": true, "branchName": "master"});
        for (sha_data, settings, want) in [
            (on("master"), json!({}), true),
            (on("master"), json!({"branch": "master"}), true),
            (on("dev"), json!({"branch": "master"}), false),
            (on("dev"), json!({"branch": "master", "branches": {"only": ["dev"]}}), false),
            (on("mas"), json!({"branch": "ma*"}), false),
            (on("dev"), json!({"branches": {"only": ["mas*", "d?v"]}}), true),
            (on("dev"), json!({"branches": {"only": "dev"}}), true),
            (on("dev"), json!({"branches": {"except": "dev"}}), false),
            (on("feature/x/y"), json!({"branches": {"only": ["feature/*"], "except": ["*/y"]}}), false),
            (on("feature/x/y"), json!({"branches": {"only": [], "except": null}}), true),
            (on("1.10"), json!({"branches": {"only": [1.1]}}), false),
            (on("dev"), json!({"tags": {"only": ["v*"]}}), true),
            (tag("v1.2"), json!({"tags": {"only": ["v1.*"]}}), true),
            (tag("v2"), json!({"tags": {"only": ["v1.*"]}}), false),
            (tag("v2"), json!({"tags": {"except": ["v[!1]"]}}), false),
            (tag("v2"), json!({"branches": {"except": ["*"]}}), true),
            (json!({"isRelease": true}), json!({"branch": "x"}), true),
        ] {
            assert_eq!(verdict(&sha_data, &settings) == Verdict::Matches, want, "{sha_data} and {settings}");
        }
        assert_eq!(verdict(&json!({"isGitTag": false}), &json!({})), Verdict::NoBranchName);
    }
}
