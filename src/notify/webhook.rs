//! Slack and plain webhooks: one JSON document to a URL that is itself the secret.

use serde_json::{Value, json};

use super::{Notification, Outcome, Service, bytes};
use crate::error::Error;

/// One message per recipient, in the form of Slack's incoming webhooks.
pub fn send_slack(notification: &Notification) -> Result<Outcome, Error> {
    let payload = notification.payload()?;
    let service = endpoint(notification, &[])?;
    let mut outcome = Outcome::default();
    if let Some(payload) = payload {
        outcome.add(post(&service, &[], &payload, ""));
        return Ok(outcome);
    }
    let said = Said::by(notification);
    let mut recipients = match notification.options.text("recipient") {
        Some(recipient) => vec![recipient],
        None => notification.resource.recipients.clone(),
    };
    if recipients.is_empty() {
        // Without a channel the webhook's own is used.
        recipients.push(String::new());
    }
    for recipient in recipients {
        let message = json!({
            "username": said.username,
            "attachments": [{"pretext": said.pretext, "text": said.text, "color": said.color}],
            "channel": recipient,
            "icon_url": said.icon_url,
        });
        outcome.add(post(&service, &[], &bytes(&message), &recipient));
    }
    Ok(outcome)
}

/// One message, whoever the recipients are: who listens to a webhook knows.
pub fn send_webhook(notification: &Notification) -> Result<Outcome, Error> {
    let payload = notification.payload()?;
    let authorization = notification.resource.field("authorization")?;
    let service = endpoint(notification, &authorization.as_deref().map(secret_parts).unwrap_or_default())?;
    let headers: Vec<_> = authorization.as_deref().map(|value| ("authorization", value)).into_iter().collect();
    let recipient = notification.options.text_or_empty("recipient");
    let message = payload.unwrap_or_else(|| bytes(&Said::by(notification).to_webhook(&recipient)));
    let mut outcome = Outcome::default();
    outcome.add(post(&service, &headers, &message, ""));
    Ok(outcome)
}

/// A header's whole value, and what follows its scheme: `Bearer TOKEN`.
fn secret_parts(authorization: &str) -> Vec<&str> {
    let mut parts = vec![authorization];
    parts.extend(authorization.split_whitespace().skip(1));
    parts
}

fn endpoint(notification: &Notification, secrets: &[&str]) -> Result<Service, Error> {
    let Some(url) = notification.resource.field("webhookUrl")? else {
        return Err(Error::drop_in(format_args!(
            "no endpoint found in resource {}: its integration has no webhookUrl",
            notification.resource.name
        )));
    };
    let mut service = notification.service(&url, secrets)?;
    service.secrets.add_url(&url);
    // A webhook's path is taken as it stands, slash at the end and all.
    service.base = url;
    Ok(service)
}

fn post(service: &Service, headers: &[(&str, &str)], message: &[u8], recipient: &str) -> Result<String, String> {
    let to =
        if recipient.is_empty() { String::new() } else { format!("{}: ", service.secrets.shown(recipient.as_bytes())) };
    match service.post_json(&service.base, headers, message) {
        Ok(answer) => Ok(format!("{to}{}", service.answered(&answer))),
        Err(cause) => Err(format!("{to}{cause}")),
    }
}

/// The parts that both forms have.
struct Said {
    username: String,
    pretext: String,
    text: String,
    color: String,
    icon_url: String,
}

impl Said {
    fn by(notification: &Notification) -> Self {
        let Notification { options, build, date, .. } = notification;
        Self {
            username: notification.username(),
            pretext: options.text("pretext").unwrap_or_else(|| format!("{date}\n")),
            text: options.text("text").unwrap_or_else(|| build.linked_text()),
            color: options.text("color").unwrap_or_else(|| "#65cea7".to_owned()),
            icon_url: options.text("icon_url").unwrap_or_else(|| build.icon_url()),
        }
    }

    fn to_webhook(&self, recipient: &str) -> Value {
        json!({
            "username": self.username,
            "pretext": self.pretext,
            "text": self.text,
            "color": self.color,
            "recipient": recipient,
            "icon_url": self.icon_url,
        })
    }
}
