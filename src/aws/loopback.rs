//! A server of the loopback that answers as a test says, and keeps what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Connection, Settings};
use crate::credentials::Credentials;
use crate::ctx::Env;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// The action of a JSON service, of a CBOR one, or of a query.
    pub(crate) fn action(&self) -> String {
        let target = self.headers.get("x-amz-target").map(|target| target.rsplit('.').next().unwrap().to_owned());
        target.unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An answer: a status and a body. No status: the connection is closed without one.
pub(crate) type Answer = (u16, String);

pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request by its number, from 0 on.
    pub(crate) fn start(answer: impl Fn(usize, &Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Some(request) = read(&mut stream) else { continue };
                let number = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(request.clone());
                    kept.len() - 1
                };
                let (status, body) = answer(number, &request);
                if status > 0 {
                    let head =
                        format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
                    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
                }
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn actions(&self) -> Vec<String> {
        self.asked().iter().map(Asked::action).collect()
    }

    pub(crate) fn connection(&self) -> Connection {
        connection(&self.url)
    }
}

/// A connection to one address, with nothing of the machine's environment.
pub(crate) fn connection(url: &str) -> Connection {
    let settings = Settings { region: Some("eu-west-1".to_owned()), without_profiles: true, ..Settings::default() };
    Connection::open(&Env::Fixed(BTreeMap::new()), settings).unwrap().with_endpoint(url)
}

pub(crate) fn keys(id: &str) -> Credentials {
    Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: "wJalrXUtnFEMI".into(),
        session_token: None,
        expires: None,
        region: Some("eu-west-1".to_owned()),
        account: None,
        role: None,
    }
}

/// A refusal of a JSON service.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Answer {
    (status, json!({"__type": code, "message": message}).to_string())
}

pub(crate) fn ok(body: &Value) -> Answer {
    (200, body.to_string())
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length: usize = headers.get("content-length").and_then(|it| it.parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { headers, body })
}
