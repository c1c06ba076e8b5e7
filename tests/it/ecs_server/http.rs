//! Requests as they arrive, answers as they leave, and the three protocols in between.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::world::Refusal;

/// Seconds as `2026-01-02T03:04:05Z`.
pub fn iso(seconds: i64) -> String {
    DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Json,
    Cbor,
    Query,
}

/// A request, understood.
#[derive(Debug, Clone)]
pub struct Request {
    pub service: String,
    pub action: String,
    pub protocol: Protocol,
    pub body: Value,
    /// Whose key signed it.
    pub key: String,
    /// When it says it was signed.
    pub signed: Option<i64>,
    pub keep_alive: bool,
}

impl Request {
    /// The next request of a connection; none when that ends.
    pub fn read(reader: &mut BufReader<&TcpStream>) -> Option<Self> {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split_whitespace().nth(1)?.to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).ok()?;
        let scope = header("authorization").and_then(|value| value.split_once("Credential=")).map_or("", |(_, s)| s);
        let scope: Vec<&str> = scope.split(',').next().unwrap_or_default().split('/').collect();
        let (service, mut action, protocol) = match (header("x-amz-target"), path.strip_prefix("/service/")) {
            (Some(target), _) => {
                let (api, action) = target.split_once('.').unwrap_or((target, ""));
                (service_of(api).to_owned(), action.to_owned(), Protocol::Json)
            }
            (None, Some(path)) => {
                let (api, action) = path.split_once("/operation/").unwrap_or((path, ""));
                (service_of(api).to_owned(), action.to_owned(), Protocol::Cbor)
            }
            (None, None) => (scope.get(3).copied().unwrap_or_default().to_owned(), String::new(), Protocol::Query),
        };
        let mut body = match protocol {
            Protocol::Json => serde_json::from_slice(&body).unwrap_or_else(|_| json!({})),
            Protocol::Cbor => ciborium::from_reader(&body[..]).map_or_else(|_| json!({}), from_cbor),
            Protocol::Query => from_form(&String::from_utf8_lossy(&body)),
        };
        if let (Protocol::Query, Some(fields)) = (protocol, body.as_object_mut()) {
            fields.remove("Version");
            action = fields.remove("Action").and_then(|action| Some(action.as_str()?.to_owned())).unwrap_or_default();
        }
        Some(Self {
            service,
            action,
            protocol,
            key: scope.first().copied().unwrap_or_default().to_owned(),
            signed: header("x-amz-date").and_then(signed),
            keep_alive: header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")),
            body,
        })
    }
}

/// The service of an API's name.
fn service_of(api: &str) -> &str {
    let names = [
        ("AmazonEC2ContainerService", "ecs"),
        ("AnyScaleFrontendService", "application-autoscaling"),
        ("GraniteServiceVersion", "monitoring"),
        ("Logs_", "logs"),
    ];
    names.iter().find(|(prefix, _)| api.starts_with(prefix)).map_or(api, |(_, service)| service)
}

/// The seconds of `20260102T030405Z`.
fn signed(text: &str) -> Option<i64> {
    let part = |range| text.get(range);
    let (date, time) = ((part(0..4)?, part(4..6)?, part(6..8)?), (part(9..11)?, part(11..13)?, part(13..15)?));
    let spelled = format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, time.0, time.1, time.2);
    DateTime::from_str(&spelled, Format::DateTime).ok().map(|time| time.secs())
}

fn from_cbor(value: ciborium::Value) -> Value {
    match value {
        ciborium::Value::Text(text) => text.into(),
        ciborium::Value::Bool(value) => value.into(),
        ciborium::Value::Integer(number) => i64::try_from(number).map_or(Value::Null, Value::from),
        // `70.0` says no more than `70`.
        ciborium::Value::Float(number) if number.fract() == 0.0 => {
            serde_json::from_str(&format!("{number:.0}")).unwrap()
        }
        ciborium::Value::Float(number) => json!(number),
        ciborium::Value::Array(items) => items.into_iter().map(from_cbor).collect(),
        ciborium::Value::Tag(_, value) => from_cbor(*value),
        ciborium::Value::Map(pairs) => {
            let text = |key: ciborium::Value| key.into_text().unwrap_or_default();
            pairs.into_iter().map(|(key, value)| (text(key), from_cbor(value))).collect::<Map<_, _>>().into()
        }
        _ => Value::Null,
    }
}

/// `A.B=1&L.member.1=x` as an object; lists become lists.
fn from_form(text: &str) -> Value {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let mut all = json!({});
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut place = &mut all;
        for part in decode(name).split('.') {
            place = &mut place[part];
        }
        *place = decode(value).into();
    }
    listed(all)
}

fn listed(value: Value) -> Value {
    let Value::Object(mut object) = value else { return value };
    match object.remove("member") {
        Some(Value::Object(items)) => items.into_iter().map(|(_, item)| listed(item)).collect(),
        Some(other) => other,
        None => object.into_iter().map(|(name, item)| (name, listed(item))).collect::<Map<_, _>>().into(),
    }
}

/// What is sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    pub error: Option<String>,
    pub body: Vec<u8>,
}

impl Response {
    /// What a proxy says.
    pub fn html(status: u16) -> Self {
        let page =
            format!("<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><h1>No</h1></body></html>");
        Self { status, content_type: "text/html", error: None, body: page.into() }
    }

    pub fn nonsense(self) -> Self {
        Self { status: 200, body: b"\x00{\"not\": json".into(), ..self }
    }

    pub fn unavailable() -> Self {
        Self { status: 503, content_type: "text/plain", error: None, body: Vec::new() }
    }

    /// An answer in the protocol of its request.
    pub fn of(request: &Request, answer: &Result<Value, Refusal>) -> Self {
        let (status, error) = match answer {
            Ok(_) => (200, None),
            Err(refusal) if request.protocol == Protocol::Query => {
                let forbidden = ["AccessDeniedException", "ExpiredTokenException"].contains(&refusal.code.as_str());
                (if forbidden { 403 } else { refusal.status }, None)
            }
            Err(refusal) => (refusal.status, Some(refusal.code.clone())),
        };
        let (content_type, body) = match request.protocol {
            Protocol::Json => {
                let body = match answer {
                    Ok(value) => value.to_string(),
                    Err(refusal) => json!({"__type": refusal.code, "message": refusal.message}).to_string(),
                };
                ("application/x-amz-json-1.1", body.into_bytes())
            }
            Protocol::Cbor => {
                let body = match answer {
                    Ok(_) => vec![0xa0],
                    Err(refusal) => {
                        let told = [("__type", &refusal.code), ("message", &refusal.message)];
                        let told: std::collections::BTreeMap<_, _> = told.into();
                        let mut bytes = Vec::new();
                        ciborium::into_writer(&told, &mut bytes).unwrap();
                        bytes
                    }
                };
                ("application/cbor", body)
            }
            Protocol::Query => ("text/xml", xml(request, answer).into_bytes()),
        };
        Self { status, content_type, error, body }
    }

    /// Sends it, dated; all of it, or half of its body.
    pub fn write(
        &self,
        mut stream: &TcpStream,
        request: &Request,
        (number, now): (usize, i64),
        is_whole: bool,
    ) -> std::io::Result<()> {
        let date = DateTime::from_secs(now).fmt(Format::HttpDate).unwrap();
        let mut head = format!(
            "HTTP/1.1 {} Answer\r\nDate: {date}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
             x-amzn-RequestId: 00000000-0000-4000-8000-{number:012}\r\n",
            self.status,
            self.content_type,
            self.body.len()
        );
        if request.protocol == Protocol::Cbor {
            head.push_str("smithy-protocol: rpc-v2-cbor\r\n");
            if let Some(code) = &self.error {
                head.extend(["x-amzn-query-error: ", code, ";Sender\r\n"]);
            }
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        bytes.extend(&self.body[..if is_whole { self.body.len() } else { self.body.len() / 2 }]);
        stream.write_all(&bytes)
    }
}

fn xml(request: &Request, answer: &Result<Value, Refusal>) -> String {
    let action = &request.action;
    match answer {
        Ok(value) => format!(
            "<{action}Response xmlns=\"https://{}.amazonaws.com/doc/\"><{action}Result>{}</{action}Result>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>",
            request.service,
            elements(value)
        ),
        Err(refusal) => {
            // The same errors have shorter names here.
            let code = refusal.code.strip_suffix("Exception").unwrap_or(&refusal.code);
            let told = elements(&json!({"Type": "Sender", "Code": code, "Message": refusal.message}));
            format!("<ErrorResponse><Error>{told}</Error><RequestId>r</RequestId></ErrorResponse>")
        }
    }
}

fn elements(value: &Value) -> String {
    match value {
        Value::Object(all) => all.iter().map(|(name, value)| format!("<{name}>{}</{name}>", elements(value))).collect(),
        Value::Array(all) => all.iter().map(|item| format!("<member>{}</member>", elements(item))).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        other => other.to_string(),
    }
}
