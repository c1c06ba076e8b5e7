//! Real servers for the tests: on the loopback, on a free port, with threads of their own; dropped, they are gone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// More than any step of a test takes: a server that waits longer ends, so that a broken test fails and does not hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// A TCP server that hands each connection to a thread.
pub struct Listening {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Listening {
    fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, serve) = (stop.clone(), Arc::new(serve));
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let serve = serve.clone();
                std::thread::spawn(move || serve(stream));
            }
        });
        Self { address, stop, accepting: Some(accepting) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().unwrap().join();
    }
}

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Recorded {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    fn read(stream: &mut impl Read) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let mut request = Self { method: words.next()?.into(), target: words.next()?.into(), ..Self::default() };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        request.body = vec![0; length];
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }
}

/// What a server does with a request.
pub enum Reply {
    /// Answers with a status line's rest, headers and a body.
    Answer(&'static str, Vec<(&'static str, String)>, Vec<u8>),
    /// Says nothing until the client gives up.
    Silence,
    /// Closes without an answer.
    Close,
    /// As a proxy, connects to this address and passes everything on.
    Tunnel(SocketAddr),
}

impl Reply {
    /// An answer with a body alone.
    pub fn of(status: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer(status, Vec::new(), body.into())
    }
}

/// An HTTP server that keeps what it was asked.
pub struct Http {
    listening: Listening,
    requests: Arc<Mutex<Vec<Recorded>>>,
}

impl Http {
    /// A server that answers as `reply` says.
    pub fn start(reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        Self { listening: Listening::start(move |stream| serve(stream, &log, &reply)), requests }
    }

    /// The same over TLS.
    pub fn start_tls(config: rustls::ServerConfig, reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let (requests, config) = (Arc::new(Mutex::new(Vec::new())), Arc::new(config));
        let log = requests.clone();
        let listening = Listening::start(move |stream| {
            let session = rustls::ServerConnection::new(config.clone()).unwrap();
            serve(rustls::StreamOwned::new(session, stream), &log, &reply);
        });
        Self { listening, requests }
    }

    /// A server that always says the same.
    pub fn saying(status: &'static str, body: &str) -> Self {
        let body = body.to_owned();
        Self::start(move |_| Reply::of(status, body.clone()))
    }

    /// A server that resets each connection: closing with something unread does.
    pub fn resetting() -> Self {
        let listening = Listening::start(|stream| drop(stream.peek(&mut [0]).map(|_| stream)));
        Self { listening, requests: Arc::default() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listening.address
    }

    /// A URL on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap().clone()
    }

    /// The only thing it was asked.
    #[track_caller]
    pub fn only(&self) -> Recorded {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

/// A stream that a tunnel can be made of.
trait Tunnelled: Read + Write {
    fn tunnel(self, to: SocketAddr);
}

impl Tunnelled for TcpStream {
    fn tunnel(mut self, to: SocketAddr) {
        let mut there = TcpStream::connect(to).unwrap();
        let (mut from, mut into) = (self.try_clone().unwrap(), there.try_clone().unwrap());
        let up = std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut into);
            let _ = into.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut there, &mut self);
        let _ = self.shutdown(std::net::Shutdown::Both);
        let _ = up.join();
    }
}

impl Tunnelled for rustls::StreamOwned<rustls::ServerConnection, TcpStream> {
    fn tunnel(self, _: SocketAddr) {
        unreachable!("no proxy of ours speaks TLS")
    }
}

fn serve(mut stream: impl Tunnelled, log: &Mutex<Vec<Recorded>>, reply: &impl Fn(&Recorded) -> Reply) {
    let Some(request) = Recorded::read(&mut stream) else { return };
    log.lock().unwrap().push(request.clone());
    match reply(&request) {
        Reply::Answer(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            for (name, value) in headers {
                head.extend([name, ": ", &value, "\r\n"]);
            }
            let _ = stream.write_all(format!("{head}\r\n").as_bytes());
            let _ = stream.write_all(&body);
            let _ = stream.flush();
        }
        // Until the client hangs up.
        Reply::Silence => drop(stream.read(&mut [0])),
        Reply::Close => {}
        Reply::Tunnel(to) => {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            stream.tunnel(to);
        }
    }
}

/// An IRC server that follows a script.
pub struct Irc {
    listening: Listening,
    lines: Arc<Mutex<Vec<String>>>,
}

/// The server's side of one conversation.
pub struct IrcTalk {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl IrcTalk {
    /// Sends a line.
    pub fn say(&mut self, line: &str) {
        let _ = self.stream.write_all(format!("{line}\r\n").as_bytes());
    }

    /// Reads up to a line that starts so, and gives what follows; nothing when the client has hung up.
    pub fn hear(&mut self, start: &str) -> Option<String> {
        loop {
            let mut line = Vec::new();
            if !matches!(self.reader.read_until(b'\n', &mut line), Ok(length) if length > 0) {
                return None;
            }
            let line = String::from_utf8(line).unwrap();
            let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("an end of a line: {line:?}"));
            self.lines.lock().unwrap().push(line.to_owned());
            if let Some(rest) = line.strip_prefix(start) {
                return Some(rest.trim_start().to_owned());
            }
        }
    }
}

impl Irc {
    /// A server whose conversations go as `script` says and end when it returns.
    pub fn start(script: impl Fn(&mut IrcTalk) + Send + Sync + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = lines.clone();
        let listening = Listening::start(move |stream| {
            let reader = BufReader::new(stream.try_clone().unwrap());
            script(&mut IrcTalk { stream, reader, lines: log.clone() });
        });
        Self { listening, lines }
    }

    /// Where it listens, as recipients are written.
    pub fn address(&self) -> SocketAddr {
        self.listening.address
    }

    /// What it was told so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

/// A name server that knows one name, as 127.0.0.1.
pub struct Dns {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<String>>>,
    answering: Option<JoinHandle<()>>,
}

impl Dns {
    /// A server that knows `name`, refuses names under `refused`, and denies the rest.
    pub fn knowing(name: &'static str) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, log) = (stop.clone(), asked.clone());
        let answering = std::thread::spawn(move || {
            let mut packet = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, question) = answer(&packet[..length], name);
                log.lock().unwrap().push(question);
                let _ = socket.send_to(&answer, from);
            }
        });
        Self { address, stop, asked, answering: Some(answering) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The names it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().send_to(b"x", self.address);
        let _ = self.answering.take().unwrap().join();
    }
}

/// RFC 1035: the header, the question as it came, and one address when the name is known.
fn answer(query: &[u8], known: &str) -> (Vec<u8>, String) {
    let (mut at, mut name) = (12, String::new());
    while query[at] != 0 {
        let label = &query[at + 1..=at + usize::from(query[at])];
        name.extend([&*String::from_utf8_lossy(label).to_lowercase(), "."]);
        at += label.len() + 1;
    }
    let name = name.trim_end_matches('.').to_owned();
    let is_a = query[at + 1..at + 3] == [0, 1];
    let question = &query[12..at + 5];
    let (flags, answers) = match (name == known, is_a) {
        (true, true) => ([0x81, 0x80], 1),
        (true, false) => ([0x81, 0x80], 0),
        (false, _) if name.starts_with("refused.") => ([0x81, 0x85], 0),
        (false, _) => ([0x81, 0x83], 0),
    };
    let mut answer = [&query[..2], &flags, &[0, 1, 0, answers, 0, 0, 0, 0], question].concat();
    if answers == 1 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    (answer, name)
}

/// A certificate authority of our own.
pub struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    /// Its certificate.
    pub pem: String,
}

impl Authority {
    /// A new one of that name.
    pub fn new(name: &str) -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: rcgen::Issuer::new(params, key), pem }
    }

    /// What a server for this name needs.
    pub fn server(&self, name: &str) -> rustls::ServerConfig {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}
