//! A scripted STS: a real HTTP server on the loopback that plays what a test tells it to, and keeps every call.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::harness::{Ran, Sandbox};

/// The ambient keys of the sandboxes below.
pub const BASE_ID: &str = "AKIABASE00000EXAMPLE";
pub const BASE_SECRET: &str = "base/secret+of/the=caller";
/// What every secret of the granted sessions starts with.
pub const SESSION_SECRET: &str = "session/secret+";
pub const SESSION_TOKEN: &str = "session/token+";
/// A role, and the external id that tests use with it.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// More than any step of a test takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Call {
    /// Counted from 1.
    pub number: usize,
    pub at: Instant,
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    /// The parameters of the body, in order.
    pub form: Vec<(String, String)>,
    pub body: String,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn action(&self) -> &str {
        self.param("Action").unwrap_or_default()
    }

    /// `KEYID/DATE/REGION/SERVICE/aws4_request` of the signature.
    fn scope(&self) -> Vec<&str> {
        let authorization = self.header("authorization").unwrap_or_default();
        let scope = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
        scope.split(',').next().unwrap_or_default().split('/').collect()
    }

    /// Whose key signed it; empty when nobody's did.
    pub fn signer(&self) -> &str {
        self.scope().first().copied().unwrap_or_default()
    }

    /// The region it is signed for.
    pub fn region(&self) -> &str {
        self.scope().get(2).copied().unwrap_or_default()
    }

    /// When it says it was signed.
    pub fn signed_at(&self) -> i64 {
        let text = self.header("x-amz-date").unwrap_or("19700101T000000Z");
        let part = |range: std::ops::Range<usize>| &text[range];
        let spelled =
            format!("{}-{}-{}T{}:{}:{}Z", part(0..4), part(4..6), part(6..8), part(9..11), part(11..13), part(13..15));
        DateTime::from_str(&spelled, Format::DateTime).unwrap().secs()
    }

    fn read(stream: &TcpStream, number: usize) -> Option<Self> {
        let mut reader = BufReader::with_capacity(1, stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        if let Some((last, most)) = body.split_last_mut() {
            reader.read_exact(most).ok()?;
            // The last byte is only looked at, so that the connection can still be reset: see `Answer::Reset`.
            let mut byte = [0];
            if stream.peek(&mut byte).ok()? == 0 {
                return None;
            }
            *last = byte[0];
        }
        let body = String::from_utf8(body).ok()?;
        let pairs = body.split('&').filter(|pair| !pair.is_empty());
        let form = pairs
            .map(|pair| pair.split_once('=').map_or((decode(pair), String::new()), |(a, b)| (decode(a), decode(b))));
        let form = form.collect();
        Some(Self { number, at: Instant::now(), method, path, headers, form, body })
    }
}

fn decode(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        match bytes[at] {
            b'+' => out.push(b' '),
            b'%' => {
                out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
                at += 2;
            }
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).unwrap()
}

/// What the server does with a call.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A status, headers and a body.
    Http(u16, Vec<(&'static str, String)>, String),
    /// The connection is reset.
    Reset,
    /// Nothing, until the caller hangs up.
    Silence,
    /// A promise of a long answer, of which one byte comes every now and then.
    Trickle,
}

impl Answer {
    pub fn xml(body: impl Into<String>) -> Self {
        Self::Http(200, vec![("Content-Type", "text/xml".to_owned())], body.into())
    }

    /// An error in STS's words.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>req-{code}</RequestId></ErrorResponse>"
        );
        let id = ("x-amzn-RequestId", format!("req-{code}"));
        Self::Http(status, vec![("Content-Type", "text/xml".to_owned()), id], body)
    }

    pub fn throttled() -> Self {
        Self::error(400, "Throttling", "Rate exceeded")
    }

    /// What a proxy says.
    pub fn html(status: u16) -> Self {
        let page = "<!DOCTYPE html>\n<html><body><h1>Service Unavailable</h1></body></html>";
        Self::Http(status, vec![("Content-Type", "text/html".to_owned())], page.to_owned())
    }

    /// A session that lasts so many seconds, told from others by `name`.
    pub fn session(name: impl std::fmt::Display, seconds: i64) -> Self {
        Self::xml(format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>{}\
             <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/deploy/x</Arn><AssumedRoleId>AROA:x</AssumedRoleId>\
             </AssumedRoleUser></AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
             </AssumeRoleResponse>",
            credentials(&name.to_string(), seconds)
        ))
    }

    /// The same for a web identity.
    pub fn web_session(name: impl std::fmt::Display, seconds: i64) -> Self {
        Self::xml(format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithWebIdentityResult>{}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
            credentials(&name.to_string(), seconds)
        ))
    }

    /// Who the caller is.
    pub fn identity(account: &str, arn: &str) -> Self {
        Self::xml(format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>{arn}</Arn><UserId>AIDAUSER</UserId><Account>{account}</Account></GetCallerIdentityResult>\
             </GetCallerIdentityResponse>"
        ))
    }

    /// The same answer from a server whose clock is so many seconds ahead.
    #[must_use]
    pub fn dated(self, ahead: i64) -> Self {
        match self {
            Self::Http(status, mut headers, body) => {
                let date = DateTime::from_secs(now() + ahead).fmt(Format::HttpDate).unwrap();
                headers.push(("Date", date));
                Self::Http(status, headers, body)
            }
            other => other,
        }
    }

    fn give(self, mut stream: TcpStream, has_body: bool) -> std::io::Result<()> {
        if let Self::Reset = self {
            // Closed with the last byte unread: the kernel says RST, not FIN.
            return Ok(());
        }
        if has_body {
            stream.read_exact(&mut [0])?;
        }
        match self {
            Self::Reset => {}
            Self::Http(status, headers, body) => {
                let mut head =
                    format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
                for (name, value) in headers {
                    head.extend([name, ": ", &value, "\r\n"]);
                }
                stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
            }
            Self::Silence => drop(stream.read(&mut [0])),
            Self::Trickle => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
                // A caller that hangs up makes the next write fail.
                loop {
                    stream.write_all(b" ")?;
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
        Ok(())
    }
}

fn credentials(name: &str, seconds: i64) -> String {
    let expires = DateTime::from_secs(now() + seconds).fmt(Format::DateTime).unwrap();
    format!(
        "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{SESSION_SECRET}{name}</SecretAccessKey>\
         <SessionToken>{SESSION_TOKEN}{name}</SessionToken><Expiration>{expires}</Expiration></Credentials>",
        session_id(name)
    )
}

/// The access key id of a session.
pub fn session_id(name: impl std::fmt::Display) -> String {
    format!("ASIA0000SESSION{name}")
}

/// Seconds since 1970.
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The server. Dropped, it is gone.
pub struct Sts {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Sts {
    /// A server that does with each call what `script` says.
    pub fn start(script: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, log, script) = (stop.clone(), calls.clone(), Arc::new(script));
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let (log, script) = (log.clone(), script.clone());
                std::thread::spawn(move || {
                    let Some(call) = record(&stream, &log) else { return };
                    // A caller that has gone away is its own affair.
                    let _ = script(&call).give(stream, !call.body.is_empty());
                });
            }
        });
        Self { address, stop, accepting: Some(accepting), calls }
    }

    /// A server that grants every role for an hour: sessions 1, 2, 3 and so on.
    pub fn granting() -> Self {
        Self::start(|call| match call.action() {
            "GetCallerIdentity" => Answer::identity("123456789012", "arn:aws:sts::123456789012:assumed-role/deploy/x"),
            "AssumeRoleWithWebIdentity" => Answer::web_session(call.number, 3600),
            _ => Answer::session(call.number, 3600),
        })
    }

    /// A server that gives these answers in turn, and the last one from then on.
    pub fn saying(answers: impl Into<Vec<Answer>>) -> Self {
        let answers = answers.into();
        Self::start(move |call| answers[call.number.min(answers.len()) - 1].clone())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The only call so far.
    #[track_caller]
    pub fn only(&self) -> Call {
        let mut calls = self.calls();
        assert_eq!(calls.len(), 1, "{calls:#?}");
        calls.remove(0)
    }

    /// A sandbox whose ambient keys are [`BASE_ID`] and whose AWS is this server.
    pub fn sandbox(&self) -> Sandbox {
        let mut sandbox = Sandbox::new();
        sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
        self.settle_in(&mut sandbox);
        sandbox
    }

    /// Makes this server a sandbox's AWS. The instance metadata service is out of reach.
    pub fn settle_in(&self, sandbox: &mut Sandbox) {
        sandbox.set("AWS_ENDPOINT_URL", self.url()).set("AWS_REGION", "eu-west-1");
        sandbox.set("AWS_EC2_METADATA_DISABLED", "true");
        // What should be over in a moment must not wait as long as production does.
        sandbox.set("SHIPCTL_AWS_TIMEOUT", "6");
    }
}

fn record(stream: &TcpStream, log: &Mutex<Vec<Call>>) -> Option<Call> {
    let mut call = Call::read(stream, 0)?;
    let mut log = log.lock().unwrap();
    call.number = log.len() + 1;
    log.push(call.clone());
    Some(call)
}

impl Drop for Sts {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().unwrap().join();
    }
}

/// Words of a command line, then those of a role and of a format that prints nothing on failure.
pub fn assume_role<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["aws", "assume-role", "--role-arn", ROLE, "--format", "json"], more].concat()
}

/// What `--format json` printed.
#[track_caller]
pub fn printed(ran: &Ran) -> serde_json::Value {
    assert_eq!(ran.status, 0, "{}", ran.err());
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.out()))
}

/// Failed with this status, printed nothing, and said one line that holds all of these and no secret.
#[track_caller]
pub fn refuses(ran: &Ran, status: i32, holds: &[&str]) {
    assert_eq!((ran.status, ran.out()), (status, String::new()), "{}", ran.err());
    let said = ran.err();
    assert!(said.starts_with("shipctl: ") && said.ends_with('\n') && said.lines().count() == 1, "{said:?}");
    for words in holds {
        assert!(said.contains(words), "{words:?} is not in {said:?}");
    }
    tells_no_secret(&said);
}

/// Holds no secret of a sandbox's.
#[track_caller]
pub fn tells_no_secret(text: &str) {
    for secret in [BASE_SECRET, SESSION_SECRET, SESSION_TOKEN] {
        assert!(!text.contains(secret), "{secret:?} is in {text:?}");
    }
}
