//! IRC: a NOTICE to a channel, in a conversation that goes on when the server says so.
//!
//! Written by hand: RFC 2812 asks for ten lines here, and the crates for it bring a runtime and a client's state.

mod talk; // the conversation

use std::time::Duration;

use self::talk::Talk;
use super::secrets::Secrets;
use super::{Notification, Outcome};
use crate::error::Error;
use crate::support::resolve::Names;

/// The port of a server that names none.
const PORT: u16 = 6667;
/// How long a line may be, with its end.
const LINE: usize = 512;
/// What a server puts before a line that it passes on: the longest user and host that servers allow.
const ORIGIN: usize = ":!@ ".len() + 10 + 63;
/// How long a nick may be: more than any server allows.
const LONGEST_NICK: usize = 64;
/// How long a channel may be: 50 by the RFC, 200 by its predecessor.
const LONGEST_CHANNEL: usize = 200;

/// Sends the text to each recipient.
pub fn send(notification: &Notification) -> Result<Outcome, Error> {
    let Notification { options, resource, build, .. } = notification;
    let recipients = match options.text("recipient") {
        Some(recipient) => vec![recipient],
        None => resource.recipients.clone(),
    };
    if recipients.is_empty() {
        return Err(Error::drop_in(format_args!(
            "no recipients in resource {}: IRC needs --recipient=SERVER#CHANNEL",
            resource.name
        )));
    }
    let mut secrets = Secrets::default();
    options.text("password").iter().for_each(|password| secrets.add(password));
    let said = Said {
        nick: nick(&options.text("username").unwrap_or_else(|| build.nick())),
        user: user(&build.user),
        password: last_word(&options.text("password").unwrap_or_else(|| "none".to_owned())),
        text: options.text("text").unwrap_or_else(|| build.plain_text()),
    };
    if lines(&said.text, LINE).is_empty() {
        return Err(Error::drop_in("--text has only blanks: IRC has no empty messages"));
    }
    let (names, timeout) = (notification.names()?, notification.timeout()?);
    let mut outcome = Outcome::default();
    for recipient in recipients {
        let shown = secrets.shown(recipient.as_bytes());
        // One that is none does not keep the message from the others.
        outcome.add(match Place::parse(&recipient) {
            Err(message) => Err(message),
            Ok(place) => match deliver(&place, &said, names, timeout) {
                Ok(()) => Ok(format!("{shown}: sent")),
                Err(cause) => Err(format!("{shown}: {}", secrets.shown(cause.as_bytes()))),
            },
        });
    }
    Ok(outcome)
}

/// What is said, and by whom.
struct Said {
    nick: String,
    user: String,
    password: String,
    text: String,
}

/// A channel of a server.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
    channel: String,
}

impl Place {
    /// `SERVER#CHANNEL`, `SERVER:PORT#CHANNEL` or `[IPV6]:PORT#CHANNEL`.
    fn parse(recipient: &str) -> Result<Self, String> {
        let recipient = recipient.trim();
        let (server, channel) = recipient.split_at(recipient.find('#').unwrap_or(recipient.len()));
        // What would end the name of a channel would be further words of a command.
        if !(2..=LONGEST_CHANNEL).contains(&channel.len())
            || channel.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',')
        {
            return Err(format!("no channel found in recipient {}: expected SERVER#CHANNEL", recipient.escape_debug()));
        }
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
            _ => (server, Some(PORT)),
        };
        match port {
            Some(port) if !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                Ok(Self { host: host.to_owned(), port, channel: channel.to_owned() })
            }
            _ => Err(format!(
                "no server address found in recipient {}: expected SERVER#CHANNEL",
                recipient.escape_debug()
            )),
        }
    }
}

/// A name with the characters that a nick may have.
fn nick(name: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "-[]\\`_^{|}".contains(*c);
    let nick: String = name.chars().filter(allowed).collect();
    let nick = nick.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    if nick.is_empty() { "Shippable".to_owned() } else { nick.chars().take(30).collect() }
}

fn user(name: &str) -> String {
    let user: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(10).collect();
    if user.is_empty() { "shipctl".to_owned() } else { user }
}

/// Text that cannot end its line, so that no other command can follow in it.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect()
}

/// A last parameter: it needs the colon only where a server would see two words, or none.
fn last_word(text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() || text.contains(' ') || text.starts_with(':') { format!(":{text}") } else { text }
}

/// The lines of a text, none empty and none longer than `room` bytes.
fn lines(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split(['\r', '\n']) {
        let line = one_line(line);
        let mut rest = line.trim_end();
        while !rest.is_empty() {
            let end = rest.floor_char_boundary(room);
            // Between words where there is a blank in the last half of the line.
            let blank = rest[..end].rfind(' ').filter(|at| rest.len() > end && *at > room / 2);
            let (now, later) = rest.split_at(blank.unwrap_or(end));
            lines.push(now.to_owned());
            rest = later.trim_start_matches(' ');
        }
    }
    lines
}

/// One conversation with one server.
fn deliver(place: &Place, said: &Said, names: Names, timeout: Duration) -> Result<(), String> {
    let mut talk = Talk::connect(place, names, timeout)?;
    talk.say(&format!("PASS {}", said.password))?;
    talk.say(&format!("NICK {}", said.nick))?;
    talk.say(&format!("USER {} 0 * :{}", said.user, said.nick))?;
    let nick = talk.until_welcome(&said.nick)?;
    talk.say(&format!("JOIN {}", place.channel))?;
    talk.until_joined(&nick, &place.channel)?;
    let before = format!("NOTICE {} :", place.channel);
    let room = LINE - "\r\n".len() - before.len() - nick.len().min(LONGEST_NICK) - ORIGIN;
    for line in lines(&said.text, room) {
        talk.say(&format!("{before}{line}"))?;
    }
    talk.say("QUIT")?;
    talk.until_closed(&place.channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(recipient: &str) -> Result<(String, u16, String), String> {
        Place::parse(recipient).map(|it| (it.host, it.port, it.channel))
    }

    #[test]
    fn recipients() {
        for (recipient, host, port, channel) in [
            ("chat.freenode.net#ops", "chat.freenode.net", 6667, "#ops"),
            ("chat.example:7000##ops", "chat.example", 7000, "##ops"),
            ("[::1]:7000#a", "[::1]", 7000, "#a"),
            ("[::1]#a", "[::1]", 6667, "#a"),
            ("::1#a", "::1", 6667, "#a"),
        ] {
            assert_eq!(place(recipient), Ok((host.into(), port, channel.into())), "{recipient}");
        }
        for (recipient, message) in [
            ("chat.example", "no channel found in recipient chat.example"),
            ("chat.example#", "no channel found in recipient chat.example#"),
            ("chat.example#a,#b", "no channel found in recipient"),
            ("chat.example#a\r\nQUIT", "no channel found in recipient chat.example#a\\r\\nQUIT"),
            ("#ops", "no server address found in recipient #ops"),
            ("chat:port#ops", "no server address found in recipient chat:port#ops"),
        ] {
            assert!(place(recipient).unwrap_err().contains(message), "{recipient}");
        }
    }

    #[test]
    fn nicks_and_users() {
        assert_eq!(nick("Shippable-42"), "Shippable-42");
        assert_eq!(nick("4 my bot é!\r\nQUIT"), "mybotQUIT");
        assert_eq!(nick("é"), "Shippable");
        assert_eq!(user("ci user\n"), "ciuser");
        assert_eq!(user(""), "shipctl");
    }

    #[test]
    fn text_is_split_between_words_or_letters() {
        assert_eq!(lines("a\r\n\r\nb\0c\n", 10), ["a", "bc"]);
        assert_eq!(lines("one two three", 8), ["one two", "three"]);
        assert_eq!(lines("ééééé", 4), ["éé", "éé", "é"]);
        assert_eq!(lines("a bcdefghij", 8), ["a bcdefg", "hij"]);
        assert!(lines("", 8).is_empty());
    }
}
