//! Jira: an issue, and a file attached to it.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{Cursor, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};

use super::secrets::RESERVED;
use super::{Notification, Outcome, Service, bytes};
use crate::error::Error;
use crate::job::integration::scalar_text;
use crate::support::http::Body;

const KIND: &str = "Jira";

/// Makes an issue.
pub fn send(notification: &Notification) -> Result<Outcome, Error> {
    let resource = notification.resource;
    let payload = notification.payload()?;
    let url = resource.required_field("url")?;
    let username = resource.required_field("username")?;
    let token = resource.required_field("token")?;
    let message = match payload {
        Some(payload) => payload,
        None => bytes(&issue(notification)?),
    };
    // Opened before anything is posted: an issue without its attachment would have to be made again.
    let attachment =
        notification.options.get("attach-file").map(|path| Attachment::open(Path::new(path))).transpose()?;
    let basic = STANDARD.encode(format!("{username}:{token}"));
    let service = notification.service(&url, &[&token, &basic])?;
    let authorization = format!("Basic {basic}");
    let mut outcome = Outcome::default();
    outcome.add(make(&service, &authorization, &message, attachment));
    Ok(outcome)
}

fn issue(notification: &Notification) -> Result<Value, Error> {
    let options = notification.options;
    Ok(json!({
        "fields": {
            "project": {"key": options.required("project-id", KIND)?},
            "issuetype": {"name": options.required("type", KIND)?},
            "summary": options.required("summary", KIND)?,
            "description": options.text_or_empty("description"),
        }
    }))
}

fn make(
    service: &Service,
    authorization: &str,
    message: &[u8],
    attachment: Option<Attachment>,
) -> Result<String, String> {
    let answer = service.post_json(&format!("{}/issue", service.base), &[("Authorization", authorization)], message)?;
    let key = scalar_text(&Service::json(&answer)["key"]);
    if key.is_empty() {
        return Err(format!("no issue was made: {}", service.answered(&answer)));
    }
    let shown = service.secrets.shown(key.as_bytes());
    let Some(attachment) = attachment else { return Ok(format!("issue {shown}")) };
    let file = attachment.name.clone();
    match attachment.post(service, authorization, &key) {
        Ok(()) => Ok(format!("issue {shown} with {file}")),
        Err(cause) => Err(format!("issue {shown} is made, but {file} could not be attached: {cause}")),
    }
}

/// A file that is there and open.
struct Attachment {
    /// Its name for messages.
    name: String,
    /// Its name as a part of a form has it.
    form_name: Vec<u8>,
    file: File,
    length: u64,
}

impl Attachment {
    fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let cannot = |why: &dyn std::fmt::Display| {
            Error::drop_in(format_args!("--attach-file={name} cannot be read, so nothing was posted: {why}"))
        };
        let file = File::open(path).map_err(|error| cannot(&error))?;
        let metadata = file.metadata().map_err(|error| cannot(&error))?;
        if !metadata.is_file() {
            return Err(cannot(&"not a plain file"));
        }
        let form_name = form_name(path.file_name().unwrap_or_default().as_bytes());
        Ok(Self { name, form_name, file, length: metadata.len() })
    }

    /// Streams the file as the only part of a form; nothing of it is held in memory.
    fn post(self, service: &Service, authorization: &str, key: &str) -> Result<(), String> {
        let boundary = boundary();
        let mut head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"").into_bytes();
        head.extend(self.form_name);
        head.extend(b"\"\r\nContent-Type: application/octet-stream\r\n\r\n");
        let tail = format!("\r\n--{boundary}--\r\n");
        let length = (head.len() + tail.len()) as u64 + self.length;
        let mut form = Cursor::new(head).chain(self.file.take(self.length)).chain(Cursor::new(tail));
        let headers = [
            ("Authorization", authorization),
            // Without it Jira takes a form for a forged one.
            ("X-Atlassian-Token", "nocheck"),
            ("Content-Type", &format!("multipart/form-data; boundary={boundary}")),
        ];
        let url = format!("{}/issue/{}/attachments", service.base, utf8_percent_encode(key, RESERVED));
        service.post(&url, &headers, Body::Stream(&mut form, length)).map(|_| ())
    }
}

/// A file name as browsers write it in a form: any bytes but those that would end it.
fn form_name(name: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::new();
    for &byte in name {
        match byte {
            b'"' | b'\r' | b'\n' => escaped.extend(format!("%{byte:02X}").bytes()),
            _ => escaped.push(byte),
        }
    }
    escaped
}

/// A line that is in no file: 128 bits of chance, which std seeds its hash maps with.
fn boundary() -> String {
    let chance = || RandomState::new().build_hasher().finish();
    format!("shipctl-{:016x}{:016x}", chance(), chance())
}
