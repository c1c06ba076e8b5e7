//! Options of every command on a deploy job, or on a cluster.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::commands::aws::args::Elsewhere;
use crate::commands::version::StoreArgs;
use crate::credentials::source::Source;
use crate::ecs::run::Options;
use crate::error::{Error, Kind};

/// Whose credentials, where they are not those of the cluster's integration.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Access {
    /// A resource or integration of the job directory, for its credentials
    #[arg(long, value_name = "NAME", conflicts_with_all = ["profile", "ambient", "clouddriver"])]
    pub source: Option<OsString>,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
    /// The region (else the cluster's own, AWS_REGION, AWS_DEFAULT_REGION, the profile's)
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

impl Access {
    /// The source that was named, if one was.
    pub(super) fn source(&self) -> Option<Source> {
        let named = self.source.as_ref().map(|name| Source::Named(name.clone()));
        named.or_else(|| self.elsewhere.source())
    }
}

/// A deploy job, and what is known of it.
#[derive(Debug, Clone, Args)]
pub(super) struct JobArgs {
    /// The deploy job, as the yml has it
    #[arg(value_name = "JOB")]
    pub job: String,
    /// A file of the pipeline, its sibling files included [default: shippable.yml]
    #[arg(long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The values of integrations, YAML or JSON
    #[arg(long, value_name = "FILE")]
    pub integrations: Option<PathBuf>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub access: Access,
    /// One JSON object per line on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// What is deployed.
#[derive(Debug, Clone, Args)]
pub(super) struct WhatArgs {
    /// The tag of an image, instead of its version
    #[arg(long = "image", value_name = "RESOURCE=TAG", value_parser = image)]
    pub images: Vec<(String, String)>,
    /// The build number [default: that of the CI, else the next of the store]
    #[arg(long, value_name = "N", value_parser = build_number)]
    pub build_number: Option<String>,
    /// How long a new version may take to serve; the old one has as long again to go [default: the job's maxWaitTime]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: Option<u64>,
    /// Old revisions of a task definition that are kept for a roll-back
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub keep: usize,
}

impl WhatArgs {
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout.map(Duration::from_secs)
    }
}

/// How long a command on what is deployed waits.
#[derive(Debug, Clone, Args)]
pub(super) struct WaitArgs {
    /// How long a service may take [default: 600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: Option<u64>,
    /// End when everything is begun
    #[arg(long)]
    pub no_wait: bool,
}

impl WaitArgs {
    /// How it is done.
    pub(super) fn options(&self, build_number: String) -> Options {
        Options {
            force: true,
            no_wait: self.no_wait,
            prune: false,
            keep: 1,
            rollback: false,
            build_number,
            timeout: self.timeout.map(Duration::from_secs),
        }
    }
}

/// `RESOURCE=TAG`.
fn image(word: &str) -> Result<(String, String), Error> {
    match word.split_once('=') {
        Some((resource, tag)) if !resource.is_empty() && !tag.is_empty() => Ok((resource.to_owned(), tag.to_owned())),
        _ => Err(Error::new(Kind::Usage, format_args!("{word:?} is not RESOURCE=TAG: name an image and its tag"))),
    }
}

/// A build number becomes part of a service's name.
pub(super) fn build_number(word: &str) -> Result<String, Error> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !word.is_empty() && word.chars().all(is_part) {
        return Ok(word.to_owned());
    }
    Err(Error::new(
        Kind::Usage,
        format_args!("{word:?} is no build number: letters, digits, - and _ make a service's name"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_build_numbers() {
        assert_eq!(image("web_img=1.2").unwrap(), ("web_img".to_owned(), "1.2".to_owned()));
        assert_eq!(image("web_img=sha256:a=b").unwrap().1, "sha256:a=b");
        assert!(image("web_img").is_err() && image("=1").is_err() && image("a=").is_err());
        assert!(build_number("12").is_ok() && build_number("12-rc_1").is_ok());
        assert!(build_number("").is_err() && build_number("a b").is_err());
    }
}
