//! `bump_version`: the version after this one.

use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;

const ACTIONS: &str = "major, minor, patch, alpha, beta, rc or final";

pub(super) fn bump_version(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let action = args.get(1).to_str().and_then(Action::by_name).ok_or_else(|| {
        Error::drop_in(format_args!("bump_version: {} is no action: say {ACTIONS}", args.get(1).to_string_lossy()))
    })?;
    let version = args.get(0).to_str().and_then(Version::parse).ok_or_else(|| {
        let given = args.get(0).to_string_lossy();
        Error::drop_in(format_args!("bump_version: {given} is no version: write it as 1.2.3, v1.2.3 or 1.2.3-rc.4"))
    })?;
    ctx.print_line(version.bumped(action))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Major,
    Minor,
    Patch,
    /// The tag that the version is to carry.
    PreRelease(&'static str),
    Final,
}

impl Action {
    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "major" => Self::Major,
            "minor" => Self::Minor,
            "patch" => Self::Patch,
            "alpha" => Self::PreRelease("alpha"),
            "beta" => Self::PreRelease("beta"),
            "rc" => Self::PreRelease("rc"),
            "final" => Self::Final,
            _ => return None,
        })
    }
}

/// A version as the original cut it up: numbers between dots, and one pre-release between the first two dashes.
/// A fourth number and a third dash-separated part are dropped. Numbers stay text, so that they have no largest one.
#[derive(Debug)]
struct Version<'a> {
    prefix: &'a str,
    major: &'a str,
    minor: &'a str,
    patch: &'a str,
    pre_release: &'a str,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut dashed = text.split('-');
        let numbers = dashed.next()?;
        let pre_release = dashed.next().unwrap_or_default();
        let (prefix, numbers) = numbers.strip_prefix('v').map_or(("", numbers), |numbers| ("v", numbers));
        let mut dotted = numbers.split('.');
        let mut number =
            || dotted.next().filter(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        Some(Self { prefix, major: number()?, minor: number()?, patch: number()?, pre_release })
    }

    fn bumped(&self, action: Action) -> String {
        let Self { prefix, major, minor, patch, .. } = self;
        match action {
            Action::Major => format!("{prefix}{}.0.0", successor(major)),
            Action::Minor => format!("{prefix}{major}.{}.0", successor(minor)),
            Action::Patch => format!("{prefix}{major}.{minor}.{}", successor(patch)),
            Action::PreRelease(tag) => format!("{prefix}{major}.{minor}.{patch}-{}", self.next_pre_release(tag)),
            Action::Final => format!("{prefix}{major}.{minor}.{patch}"),
        }
    }

    /// `tag` for a version that does not carry it yet, then `tag.1`, `tag.2`, …
    fn next_pre_release(&self, tag: &str) -> String {
        let Some((_, after)) = self.pre_release.split_once(tag) else {
            return tag.to_owned();
        };
        let after = after.strip_prefix('.').unwrap_or_default();
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        format!("{tag}.{}", successor(&after[..digits]))
    }
}

/// The decimal number after this one; after none comes 1. Leading zeros are decimal here, where bash's arithmetic
/// took `08` for a broken octal number.
fn successor(number: &str) -> String {
    let significant = number.trim_start_matches('0');
    let stays = significant.trim_end_matches('9');
    let nines = significant.len() - stays.len();
    let (head, last) = stays.split_at(stays.len().saturating_sub(1));
    let risen = last.bytes().next().map_or('1', |digit| char::from(digit + 1));
    format!("{head}{risen}{}", "0".repeat(nines))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bump(version: &str, action: &str) -> Option<String> {
        Some(Version::parse(version)?.bumped(Action::by_name(action)?))
    }

    #[test]
    fn odd_versions_are_cut_up_as_the_original_did() {
        assert_eq!(bump("1.2.3.4", "patch").unwrap(), "1.2.4");
        assert_eq!(bump("1.2.3-rc.1-foo", "rc").unwrap(), "1.2.3-rc.2");
        assert_eq!(bump("1.2.3-", "rc").unwrap(), "1.2.3-rc");
        assert_eq!(bump("1.2.3-rc4", "rc").unwrap(), "1.2.3-rc.1");
        assert_eq!(bump("1.2.3-rc.", "rc").unwrap(), "1.2.3-rc.1");
        assert_eq!(bump("1.2.3-my.rc.8", "rc").unwrap(), "1.2.3-rc.9");
        assert_eq!(bump("1.2.3-rc.4.5", "rc").unwrap(), "1.2.3-rc.5");
        assert_eq!(bump("1.2.3-rc.x", "rc").unwrap(), "1.2.3-rc.1");
        assert_eq!(bump("1.2.3-rc.09", "rc").unwrap(), "1.2.3-rc.10");
        assert_eq!(bump("1.08.3", "minor").unwrap(), "1.9.0");
        assert_eq!(bump("01.2.3", "minor").unwrap(), "01.3.0");
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for version in
            ["", "1", "1.2", "v", "vv1.2.3", "1..3", "1.2.x", " 1.2.3", "1.2.3 ", "1.2.+3", "1.2.٣", "-1.2.3"]
        {
            assert_eq!(bump(version, "patch"), None, "{version:?}");
        }
        for action in ["", "Major", "release", "final "] {
            assert_eq!(bump("1.2.3", action), None, "{action:?}");
        }
    }

    #[test]
    fn numbers_have_no_largest_one() {
        assert_eq!(bump("99999999999999999999999.0.0", "major").unwrap(), "100000000000000000000000.0.0");
    }

    proptest! {
        #[test]
        fn the_successor_is_one_more(number in 0_u64..u64::MAX) {
            prop_assert_eq!(successor(&number.to_string()), (number + 1).to_string());
            prop_assert_eq!(successor(&format!("00{number}")), (number + 1).to_string());
        }
    }
}
