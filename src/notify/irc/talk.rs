//! The lines of an IRC conversation, and waiting for the ones that say when to go on.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Place, one_line};
use crate::support::resolve::Names;

/// How many nicks are tried when others have ours.
const NICKS: usize = 8;
/// How long a server may take to hang up once everything is said.
const GOODBYE: Duration = Duration::from_secs(5);
/// More than any line that a server sends: tags included, they have 8 KiB.
const LONGEST_LINE: usize = 1 << 14;

/// A connection, and when it has lasted long enough.
pub(super) struct Talk {
    stream: TcpStream,
    received: Vec<u8>,
    deadline: Instant,
    timeout: Duration,
}

/// One line of a server.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// The nick it is from, for lines that are of somebody.
    from: String,
    command: String,
    params: Vec<String>,
}

impl Line {
    /// `@tags :nick!user@host COMMAND param param :the rest`.
    fn parse(line: &str) -> Self {
        let mut rest = line.trim_start();
        if rest.starts_with('@') {
            rest = rest.split_once(' ').map_or("", |(_, rest)| rest).trim_start();
        }
        let mut from = String::new();
        if let Some(prefixed) = rest.strip_prefix(':') {
            let (prefix, after) = prefixed.split_once(' ').unwrap_or((prefixed, ""));
            prefix.split(['!', '@']).next().unwrap_or_default().clone_into(&mut from);
            rest = after.trim_start();
        }
        let mut words = Vec::new();
        while !rest.is_empty() {
            if let Some(last) = rest.strip_prefix(':').filter(|_| !words.is_empty()) {
                words.push(last.to_owned());
                break;
            }
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            words.push(word.to_owned());
            rest = after.trim_start();
        }
        let params = words.split_off(words.len().min(1));
        Self { from, command: words.pop().unwrap_or_default().to_ascii_uppercase(), params }
    }

    fn param(&self, at: usize) -> &str {
        self.params.get(at).map_or("", String::as_str)
    }

    /// What the server says in it, for messages.
    fn words(&self) -> String {
        // The first parameter of a numeric reply is our own nick.
        let skip = usize::from(self.is_numeric());
        format!("{} {}", self.command, self.params.iter().skip(skip).cloned().collect::<Vec<_>>().join(" "))
    }

    fn is_numeric(&self) -> bool {
        self.command.len() == 3 && self.command.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether it is a refusal that names the channel.
    fn refuses(&self, channel: &str) -> bool {
        let is_error = self.is_numeric() && matches!(self.command.as_bytes()[0], b'4' | b'5');
        is_error && self.param(1).eq_ignore_ascii_case(channel)
    }
}

impl Talk {
    pub(super) fn connect(place: &Place, names: Names, timeout: Duration) -> Result<Self, String> {
        let deadline = Instant::now() + timeout;
        let addresses = names.addresses(&place.host, place.port, timeout).map_err(|error| error.to_string())?;
        let mut failure = String::new();
        for (at, address) in addresses.iter().enumerate() {
            // Each address has its share of the time that is left.
            let left = deadline.saturating_duration_since(Instant::now());
            let shares = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
            let share = (left / shares).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(address, share) {
                Ok(stream) => return Ok(Self { stream, received: Vec::new(), deadline, timeout }),
                Err(error) => failure = format!("cannot connect to {address}: {error}"),
            }
        }
        Err(failure)
    }

    pub(super) fn say(&mut self, line: &str) -> Result<(), String> {
        self.allow_time("taking what it is sent")?;
        self.stream.write_all(format!("{line}\r\n").as_bytes()).map_err(|error| self.failure(&error, "taking a line"))
    }

    /// The welcome; gives the nick that the server knows us by.
    pub(super) fn until_welcome(&mut self, wanted: &str) -> Result<String, String> {
        let mut nick = wanted.to_owned();
        let mut tries = 0;
        loop {
            let line = self.hear("welcoming us")?;
            match line.command.as_str() {
                "001" => return Ok(if line.param(0).is_empty() { nick } else { line.param(0).to_owned() }),
                "433" | "436" if tries < NICKS => {
                    tries += 1;
                    nick.push('_');
                    self.say(&format!("NICK {nick}"))?;
                }
                "ERROR" | "432" | "433" | "436" | "437" | "461" | "463" | "464" | "465" | "466" | "468" => {
                    return Err(format!("the server refused us: {}", line.words()));
                }
                _ => {}
            }
        }
    }

    /// The server's own JOIN for us, or the end of the list of who is in the channel.
    pub(super) fn until_joined(&mut self, nick: &str, channel: &str) -> Result<(), String> {
        loop {
            let line = self.hear(&format!("letting us into {channel}"))?;
            match line.command.as_str() {
                "JOIN" if line.from.eq_ignore_ascii_case(nick) => return Ok(()),
                "366" if line.param(1).eq_ignore_ascii_case(channel) => return Ok(()),
                "ERROR" | "437" | "451" | "461" | "465" | "471" | "473" | "474" | "475" | "477" => {
                    return Err(format!("the server does not let us into {channel}: {}", line.words()));
                }
                _ if line.refuses(channel) => {
                    return Err(format!("the server does not let us into {channel}: {}", line.words()));
                }
                _ => {}
            }
        }
    }

    /// The end: the server hangs up when it has read everything before QUIT. One that only forgets to do so has the
    /// message nevertheless, and repeating it would say it twice.
    pub(super) fn until_closed(&mut self, channel: &str) -> Result<(), String> {
        self.deadline = self.deadline.min(Instant::now() + GOODBYE);
        loop {
            match self.hear("closing the connection") {
                Ok(line) if line.refuses(channel) => {
                    return Err(format!("the server does not pass on what we say: {}", line.words()));
                }
                Ok(line) if line.command == "ERROR" && line.param(0).to_ascii_lowercase().contains("flood") => {
                    return Err(format!("the server cut us off: {}", line.words()));
                }
                Ok(_) => {}
                Err(_) => return Ok(()),
            }
        }
    }

    /// The next line that is not a PING, which is answered.
    fn hear(&mut self, doing: &str) -> Result<Line, String> {
        loop {
            let line = Line::parse(&self.line(doing)?);
            if line.command == "PING" {
                let token = one_line(line.params.last().map_or("", String::as_str));
                self.say(&format!("PONG :{token}"))?;
            } else if !line.command.is_empty() {
                return Ok(line);
            }
        }
    }

    fn line(&mut self, doing: &str) -> Result<String, String> {
        loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.received.len() > LONGEST_LINE {
                return Err("the server does not speak IRC: a line without an end".to_owned());
            }
            self.allow_time(doing)?;
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(format!("the server closed the connection before {doing}")),
                Ok(length) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failure(&error, doing)),
            }
        }
    }

    /// Gives the next call on the connection the time that is left.
    fn allow_time(&self, doing: &str) -> Result<(), String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.too_late(doing));
        }
        let set = self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.set_write_timeout(Some(left)));
        set.map_err(|error| error.to_string())
    }

    fn failure(&self, error: &io::Error, doing: &str) -> String {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.too_late(doing),
            _ => format!("the connection broke before {doing}: {error}"),
        }
    }

    fn too_late(&self, doing: &str) -> String {
        format!("the server took more than {} s for {doing}", self.timeout.as_secs_f32())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_server() {
        let line = Line::parse(":nick!u@h JOIN :#a");
        assert_eq!((line.from.as_str(), line.command.as_str(), line.param(0)), ("nick", "JOIN", "#a"));
        let line = Line::parse("@t=1 :irc.example 474 me #A :Cannot join channel (+b)");
        assert!(line.refuses("#a") && !line.refuses("#b"));
        assert_eq!(line.words(), "474 #A Cannot join channel (+b)");
        assert_eq!(Line::parse("PING :x y").param(0), "x y");
        assert_eq!(Line::parse("").command, "");
        assert_eq!(Line::parse(":only").command, "");
    }
}
