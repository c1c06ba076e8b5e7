//! Notifications: one message to the service that a notification resource names.
//!
//! Nothing is sent twice: no call is retried, and a redirected POST is reported, not followed.

pub mod airbrake; // deploys
pub mod irc; // a NOTICE to a channel
pub mod jira; // issues with an attachment
pub mod message; // what a notification says when the script does not
pub mod new_relic; // deployments of an application
pub mod options; // the options of the command
pub mod resource; // the notification resource
pub mod secrets; // what must never be shown
pub mod webhook; // Slack and plain webhooks

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::ctx::Env;
use crate::error::Error;
use crate::notify::message::Build;
use crate::notify::options::Options;
use crate::notify::resource::Resource;
use crate::notify::secrets::Secrets;
use crate::support::http::{self, Answer, Body, Client};
use crate::support::resolve::Names;

/// Seconds, fractions allowed, that one call or one IRC conversation may take.
pub const TIMEOUT_VARIABLE: &str = "SHIPCTL_NOTIFY_TIMEOUT";
/// What they may take when that is not set.
const TIMEOUT: Duration = Duration::from_secs(30);
/// More than anybody waits for.
const LONGEST_TIMEOUT: f64 = 86_400.0;

/// What every service makes its message from.
#[derive(Debug)]
pub struct Notification<'a> {
    /// Where to.
    pub resource: &'a Resource<'a>,
    /// What the script said.
    pub options: &'a Options,
    /// What is known of the build.
    pub build: &'a Build,
    /// The date in the words of `date`.
    pub date: &'a str,
    /// Where names are looked up, proxies and certificates come from.
    pub env: &'a Env,
}

/// What came of a notification, in lines for standard error.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was sent.
    pub done: Vec<String>,
    /// Why the rest was not.
    pub failed: Vec<String>,
    /// How many were to be sent.
    pub total: usize,
}

impl Outcome {
    /// Adds what came of one recipient. All are tried: those that work should not miss the message.
    fn add(&mut self, result: Result<String, String>) {
        self.total += 1;
        match result {
            Ok(line) => self.done.push(line),
            Err(line) => self.failed.push(line),
        }
    }
}

/// Sends a notification by the service that its resource names.
pub fn send(notification: &Notification) -> Result<Outcome, Error> {
    if notification.resource.method == "irc" {
        return irc::send(notification);
    }
    match notification.resource.kind.as_str() {
        "Slack" | "slackKey" => webhook::send_slack(notification),
        "webhook" | "webhookV2" => webhook::send_webhook(notification),
        "newRelicKey" => new_relic::send(notification),
        "airBrakeKey" => airbrake::send(notification),
        "jira" => jira::send(notification),
        other => Err(Error::drop_in(format_args!(
            "unsupported notification type: {other} (resource {}): \
             expected Slack, webhook, newRelicKey, airBrakeKey, jira or the method irc",
            notification.resource.name
        ))),
    }
}

impl Notification<'_> {
    /// The content of `--payload`, which is sent byte for byte, so it is checked before.
    fn payload(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(path) = self.options.get("payload").map(Path::new) else { return Ok(None) };
        let shown = path.display();
        let payload = std::fs::read(path)
            .map_err(|error| Error::drop_in(format_args!("payload file {shown} cannot be read: {error}")))?;
        match serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
            Ok(_) => Ok(Some(payload)),
            Err(error) => Err(Error::drop_in(format_args!("payload file {shown} is not valid JSON: {error}"))),
        }
    }

    fn username(&self) -> String {
        self.options.text("username").unwrap_or_else(|| "Shippable".to_owned())
    }

    fn timeout(&self) -> Result<Duration, Error> {
        let Some(value) = self.env.get_filled(TIMEOUT_VARIABLE) else { return Ok(TIMEOUT) };
        let seconds = value.to_str().and_then(|value| value.parse::<f64>().ok());
        match seconds.filter(|seconds| *seconds > 0.0 && *seconds <= LONGEST_TIMEOUT) {
            Some(seconds) => Ok(Duration::from_secs_f64(seconds)),
            None => Err(Error::drop_in(format_args!(
                "{TIMEOUT_VARIABLE}={}: not a number of seconds, such as 30 or 0.5",
                value.display()
            ))),
        }
    }

    fn names(&self) -> Result<Names, Error> {
        Names::from_env(self.env).map_err(Error::drop_in)
    }

    /// The service at a URL of the integration. The secrets are known before anything can fail.
    fn service(&self, url: &str, secrets: &[&str]) -> Result<Service, Error> {
        let mut known = Secrets::default();
        for secret in secrets {
            known.add(secret);
        }
        known.add_user_of(url);
        let Some(origin) = http::origin(url) else {
            return Err(Error::drop_in(format_args!(
                "the URL of resource {} is not one: expected http://HOST or https://HOST",
                self.resource.name
            )));
        };
        let client = Client::new(self.env, self.names()?, self.timeout()?);
        Ok(Service { client, secrets: known, base: url.trim_end_matches('/').to_owned(), origin })
    }
}

/// A service that is called over HTTP.
#[derive(Debug)]
struct Service {
    client: Client,
    secrets: Secrets,
    /// The URL of the integration without a slash at its end.
    base: String,
    /// All of it that is shown: the rest may be a secret.
    origin: String,
}

impl Service {
    /// Posts to a URL. Anything but success is an error in words, with what the server said.
    fn post(&self, url: &str, headers: &[(&str, &str)], body: Body) -> Result<Answer, String> {
        self.checked(self.client.call(url, headers, body))
    }

    fn post_json(&self, url: &str, headers: &[(&str, &str)], json: &[u8]) -> Result<Answer, String> {
        let mut all = vec![("Content-Type", "application/json")];
        all.extend(headers);
        self.post(url, &all, Body::Bytes(json))
    }

    fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, String> {
        self.checked(self.client.call(url, headers, Body::None))
    }

    fn checked(&self, answer: Result<Answer, String>) -> Result<Answer, String> {
        match answer {
            Ok(answer) if answer.is_success() => Ok(answer),
            Ok(answer) => Err(self.answered(&answer)),
            Err(cause) => Err(format!("{}: {}", self.origin, self.secrets.shown(cause.as_bytes()))),
        }
    }

    /// What a server said, as the end of a line.
    fn answered(&self, answer: &Answer) -> String {
        let mut line = format!("{} answered {}", self.origin, answer.status);
        if !answer.reason.is_empty() {
            line = format!("{line} {}", answer.reason);
        }
        if (300..400).contains(&answer.status)
            && let Some(location) = &answer.location
        {
            let to = http::origin(location).unwrap_or_else(|| "another path".to_owned());
            line = format!("{line}, a redirect to {}, which is not followed", self.secrets.shown(to.as_bytes()));
        }
        let body = self.secrets.shown(&answer.body);
        if body.is_empty() { line } else { format!("{line}: {body}") }
    }

    /// The answer as JSON, null when it is none.
    fn json(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }
}

/// What a JSON document is as bytes.
fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
