//! What a notification says when the script does not.

use std::ffi::OsString;
use std::time::SystemTime;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::ctx::Env;

/// What is known of the build that a notification is about; off the platform any of it may be empty.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// `JOB_TYPE`.
    pub job_type: String,
    /// `JOB_NAME`, else the name in the job's message.
    pub job_name: String,
    /// `REPO_FULL_NAME`.
    pub repository: String,
    /// `BRANCH`.
    pub branch: String,
    /// `BUILD_URL`.
    pub url: String,
    /// `BUILD_NUMBER`.
    pub number: String,
    /// `SHIPPABLE_WWW_URL`.
    pub www_url: String,
    /// The user that the job runs as, for IRC.
    pub user: String,
}

impl Build {
    /// As the environment knows it.
    pub fn from_env(env: &Env, job_name: Option<OsString>) -> Self {
        let text = |name: &str| env.get(name).unwrap_or_default().to_string_lossy().into_owned();
        let user = ["USER", "LOGNAME"].iter().find_map(|name| env.get_filled(name));
        Self {
            job_type: text("JOB_TYPE"),
            job_name: job_name.unwrap_or_default().to_string_lossy().into_owned(),
            repository: text("REPO_FULL_NAME"),
            branch: text("BRANCH"),
            url: text("BUILD_URL"),
            number: text("BUILD_NUMBER"),
            www_url: text("SHIPPABLE_WWW_URL"),
            user: user.unwrap_or_else(|| "shipctl".into()).to_string_lossy().into_owned(),
        }
    }

    /// `[deploy] `, or `[org/repo:master] ` for a CI job. The original refused any type but runCI and runSh; off the
    /// platform the type is often not set, so every other one is named as runSh is.
    fn subject(&self) -> String {
        let subject = match self.job_type.as_str() {
            "runCI" => format!("{}:{}", self.repository, self.branch),
            _ => self.job_name.clone(),
        };
        if matches!(subject.as_str(), "" | ":") { String::new() } else { format!("[{subject}] ") }
    }

    /// The text with a link, as Slack writes links.
    pub fn linked_text(&self) -> String {
        let label = if self.number.is_empty() { "Build".to_owned() } else { format!("Build#{}", self.number) };
        let link = if self.url.is_empty() { label } else { format!("<{}|{label}>", self.url) };
        format!("{}{link}", self.subject())
    }

    /// The text for IRC, which has no links.
    pub fn plain_text(&self) -> String {
        let number = if self.number.is_empty() { String::new() } else { format!(" #{}", self.number) };
        let text = format!("{}Build{number} {}", self.subject(), self.url);
        text.trim_end().to_owned()
    }

    /// The picture beside the message.
    pub fn icon_url(&self) -> String {
        format!("{}/images/slack-aye-aye-yoga.png", self.www_url)
    }

    /// The nick on IRC.
    pub fn nick(&self) -> String {
        if self.number.is_empty() { "Shippable".to_owned() } else { format!("Shippable-{}", self.number) }
    }
}

/// The date as `date` prints it, in the time zone of the machine.
pub fn date(now: SystemTime, zone: TimeZone) -> String {
    let now = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH);
    Zoned::new(now, zone).strftime("%a %b %e %H:%M:%S %Z %Y").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn build(job_type: &str) -> Build {
        Build {
            job_type: job_type.into(),
            job_name: "deploy".into(),
            repository: "org/app".into(),
            branch: "master".into(),
            url: "https://ci/42".into(),
            number: "42".into(),
            ..Build::default()
        }
    }

    #[test]
    fn texts_of_the_original() {
        assert_eq!(build("runSh").linked_text(), "[deploy] <https://ci/42|Build#42>");
        assert_eq!(build("").linked_text(), "[deploy] <https://ci/42|Build#42>");
        assert_eq!(build("runCI").linked_text(), "[org/app:master] <https://ci/42|Build#42>");
        assert_eq!(build("runCI").plain_text(), "[org/app:master] Build #42 https://ci/42");
        assert_eq!(build("runSh").nick(), "Shippable-42");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(Build::default().linked_text(), "Build");
        assert_eq!(Build::default().plain_text(), "Build");
        assert_eq!(Build { number: "7".into(), ..Build::default() }.linked_text(), "Build#7");
        assert_eq!(Build { job_type: "runCI".into(), ..Build::default() }.plain_text(), "Build");
        assert_eq!(Build::default().nick(), "Shippable");
    }

    #[test]
    fn a_date_is_that_of_date() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_546_398_245);
        assert_eq!(date(at, TimeZone::UTC), "Wed Jan  2 03:04:05 UTC 2019");
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(date(at, zone), "Wed Jan  2 04:04:05 CET 2019");
    }
}
