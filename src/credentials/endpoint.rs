//! Fresh credentials for a child process: the container-credentials protocol on a loopback port.
//!
//! A few lines over `httparse`: one verb, one path, one token; a web server would be more than everything it serves.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::{Credentials, timestamp};
use crate::error::Error;

/// The longest request head that is read.
const LONGEST_HEAD: usize = 16 << 10;

/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where credentials come from when the ones at hand are running out.
pub type Supply = Box<dyn Fn() -> Result<Credentials, Error> + Send>;

/// A port that is bound, and the token that opens it.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    token: String,
}

/// What the threads of an endpoint share.
struct Shared {
    token: String,
    host: String,
    supply: Mutex<(Supply, Credentials)>,
    /// Credentials that end sooner are renewed before they are handed out.
    min_ttl: Duration,
    now: fn() -> SystemTime,
}

impl Endpoint {
    /// Binds a free port of the loopback address, and draws a token.
    pub fn bind() -> io::Result<Self> {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let token = random.iter().fold(String::new(), |token, byte| token + &format!("{byte:02x}"));
        Ok(Self { listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, token })
    }

    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn url(&self) -> io::Result<String> {
        Ok(format!("http://{}/", self.listener.local_addr()?))
    }

    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Answers requests in threads of their own until the process ends.
    pub fn serve(
        self,
        first: Credentials,
        supply: Supply,
        min_ttl: Duration,
        now: fn() -> SystemTime,
    ) -> io::Result<()> {
        let host = self.listener.local_addr()?.to_string();
        let shared = Arc::new(Shared { token: self.token, host, supply: Mutex::new((supply, first)), min_ttl, now });
        std::thread::Builder::new().name("credentials".to_owned()).spawn(move || {
            for stream in self.listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that says nothing must not keep the others waiting. One that cannot be served is dropped.
                let _ = std::thread::Builder::new().spawn(move || shared.answer(stream));
            }
        })?;
        Ok(())
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        if !stream.peer_addr()?.ip().is_loopback() {
            return Ok(());
        }
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (status, body) = match read_head(&mut stream)? {
            Some(head) => self.respond(&head),
            None => (400, json!({"code": "BadRequest", "message": "not an HTTP request"})),
        };
        let body = body.to_string();
        let reason = if status == 200 { "OK" } else { "Error" };
        write!(
            stream,
            "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        stream.flush()
    }

    fn respond(&self, head: &Head) -> (u16, serde_json::Value) {
        // The host is checked so that no web page can reach the port through a name of its own.
        let known = head.host.as_deref() == Some(self.host.as_str());
        if !known || !same(head.authorization.as_deref().unwrap_or_default().as_bytes(), self.token.as_bytes()) {
            return (403, json!({"code": "AccessDenied", "message": "wrong or missing authorization token"}));
        }
        if head.method != "GET" || head.path != "/" {
            return (404, json!({"code": "NotFound", "message": "only GET / is answered"}));
        }
        match self.fresh() {
            Ok(credentials) => (200, document(&credentials)),
            Err(error) => (500, json!({"code": "CredentialsError", "message": error.to_string()})),
        }
    }

    /// The credentials at hand, renewed when they are running out. One thread at a time renews, the others wait.
    fn fresh(&self) -> Result<Credentials, Error> {
        let Ok(mut held) = self.supply.lock() else { return Err(Error::failed("an earlier request has failed badly")) };
        let soon = (self.now)().checked_add(self.min_ttl);
        if held.1.expires.is_some_and(|expires| soon.is_none_or(|soon| expires <= soon)) {
            match (held.0)() {
                Ok(renewed) => held.1 = renewed,
                // What is at hand is still good for a while; the next request tries again.
                Err(_) if held.1.expires.is_some_and(|expires| expires > (self.now)()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(held.1.clone())
    }
}

/// The document of the container-credentials protocol.
fn document(credentials: &Credentials) -> serde_json::Value {
    json!({
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.expose(),
        "Token": credentials.session_token.as_ref().map(crate::support::secret::SecretText::expose),
        "Expiration": credentials.expires.map(timestamp),
    })
}

/// What matters of a request.
struct Head {
    method: String,
    path: String,
    host: Option<String>,
    authorization: Option<String>,
}

/// Reads a request up to its empty line; `None` when it is none.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<Head>> {
    let mut text = Vec::new();
    let mut chunk = [0_u8; 2048];
    loop {
        let read = stream.read(&mut chunk)?;
        text.extend_from_slice(&chunk[..read]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&text) {
            Ok(status) if status.is_complete() => return Ok(Some(Head::of(&request))),
            Ok(_) if read > 0 && text.len() < LONGEST_HEAD => {}
            _ => return Ok(None),
        }
    }
}

impl Head {
    fn of(request: &httparse::Request) -> Self {
        let header = |name: &str| {
            let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.and_then(|header| std::str::from_utf8(header.value).ok()).map(ToOwned::to_owned)
        };
        Self {
            method: request.method.unwrap_or_default().to_owned(),
            path: request.path.unwrap_or_default().to_owned(),
            host: header("host"),
            authorization: header("authorization"),
        }
    }
}

/// Compares without telling by its time how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
