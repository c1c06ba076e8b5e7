//! The short spellings of Docker: ports, volumes, hosts, limits.

use serde_json::{Map, Value, json};

use super::field::{Field, Findings};
use super::shapes::{self, fit};
use crate::job::integration::scalar_text;
use crate::job::names;

/// What a container mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Volume {
    /// A folder of the host, or a volume's name; none for a volume of its own.
    pub source: Option<String>,
    /// Where the container has it.
    pub path: String,
    pub read_only: bool,
}

/// A list whose elements are read one by one. Objects are in the words of ECS already.
pub(super) fn each(field: &Field, found: &mut Findings, read: fn(&Field, &mut Findings) -> Option<Value>) -> Value {
    field.elements(found).iter().filter_map(|element| read(element, found)).collect()
}

/// `host:container/protocol`; the host's port may be left out, and then is any.
pub(super) fn port(field: &Field, found: &mut Findings) -> Option<Value> {
    if field.value.is_object() {
        return Some(fit(field, shapes::PORT, found));
    }
    let text = field.text(found)?;
    let (ports, protocol) = text.trim().rsplit_once('/').unwrap_or((text.trim(), "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp") {
        field.wrong(found, "/tcp or /udp");
        return None;
    }
    if ports.contains('-') {
        field.wrong(found, "one port (a range goes through as `containerPortRange: 8000-8010` of a map)");
        return None;
    }
    let (host, container) = match ports.split(':').collect::<Vec<_>>().as_slice() {
        [container] => ("", *container),
        [host, container] => (*host, *container),
        _ => {
            field.wrong(found, "HOSTPORT:CONTAINERPORT/PROTOCOL without an address, which ECS cannot bind to,");
            return None;
        }
    };
    let number = |text: &str, least: u16| text.parse::<u16>().ok().filter(|port| *port >= least);
    let host_port = if host.is_empty() { Some(None) } else { number(host, 0).map(Some) };
    let (Some(host_port), Some(container_port)) = (host_port, number(container, 1)) else {
        field.wrong(found, "HOSTPORT:CONTAINERPORT/PROTOCOL, such as \"80:8080/tcp\",");
        return None;
    };
    let mut mapping = Map::new();
    mapping.insert("containerPort".to_owned(), container_port.into());
    if let Some(host_port) = host_port {
        mapping.insert("hostPort".to_owned(), host_port.into());
    }
    mapping.insert("protocol".to_owned(), protocol.into());
    Some(mapping.into())
}

/// `host:address`; the address may be one of IPv6.
pub(super) fn host(field: &Field, found: &mut Findings) -> Option<Value> {
    if field.value.is_object() {
        return Some(fit(field, shapes::HOST, found));
    }
    let text = field.text(found)?;
    match text.split_once(':') {
        Some((host, address)) if !host.is_empty() && !address.is_empty() => {
            Some(json!({"hostname": host.trim(), "ipAddress": address.trim()}))
        }
        _ => {
            field.wrong(found, "HOST:ADDRESS");
            None
        }
    }
}

/// `container:ro`.
pub(super) fn volumes_from(field: &Field, found: &mut Findings) -> Option<Value> {
    if field.value.is_object() {
        return Some(fit(field, shapes::VOLUME_FROM, found));
    }
    let text = field.text(found)?;
    let (container, option) = text.split_once(':').unwrap_or((&text, "rw"));
    if container.is_empty() || !matches!(option, "ro" | "rw") {
        field.wrong(found, "CONTAINER, CONTAINER:ro or CONTAINER:rw");
        return None;
    }
    Some(json!({"sourceContainer": container, "readOnly": option == "ro"}))
}

/// What a limit may have.
const LIMIT: [&str; 5] = ["name", "soft", "softLimit", "hard", "hardLimit"];

/// `{name, soft, hard}`.
pub(super) fn ulimit(field: &Field, found: &mut Findings) -> Option<Value> {
    field.map(found)?;
    let mut limit = Map::new();
    match field.member("name") {
        Some(name) => drop(limit.insert("name".to_owned(), name.text(found)?.into())),
        None => field.lacks(found, "name", "nofile"),
    }
    for (key, ecs) in [("soft", "softLimit"), ("hard", "hardLimit")] {
        match field.member(key).or_else(|| field.member(ecs)) {
            Some(member) => {
                let number = member.integer(found, -1..=i64::from(i32::MAX), "a whole number")?;
                limit.insert(ecs.to_owned(), number.into());
            }
            None => field.lacks(found, key, "1024"),
        }
    }
    for other in field.members().filter(|other| !LIMIT.contains(&other.key())) {
        let near = names::did_you_mean(other.key(), ["name", "soft", "hard"]);
        found.warn(other.at(), format_args!("{} is left out: a limit has name, soft and hard{near}", other.shown()));
    }
    Some(limit.into())
}

/// `{type, options}`.
pub(super) fn log(field: &Field, found: &mut Findings) -> Option<Value> {
    field.map(found)?;
    let mut log = Map::new();
    for member in field.members() {
        match member.key() {
            "type" | "logDriver" => drop(log.insert("logDriver".to_owned(), member.text(found)?.into())),
            "options" => drop(log.insert("options".to_owned(), member.map_of_texts(found)?.into())),
            other => drop(log.insert(other.to_owned(), shapes::known_or_not(&member, other, shapes::LOG, found))),
        }
    }
    if !log.contains_key("logDriver") {
        field.lacks(found, "type", "awslogs");
    }
    Some(log.into())
}

/// A list of words as it is; one text as a shell splits it.
pub(super) fn words(field: &Field, found: &mut Findings) -> Option<Value> {
    let Value::String(text) = field.value else { return Some(field.texts(found)) };
    let words = shell_words::split(text).ok();
    if words.is_none() {
        field.wrong(found, "a list, or a text whose quotes are closed,");
    }
    words.map(Value::from)
}

/// `[{name, value}]` as ECS has it, `{NAME: value}`, or `[{NAME: value}]`.
pub(super) fn environment(field: &Field, found: &mut Findings) -> Value {
    let is_map = field.value.is_object();
    let elements = if is_map { vec![field.clone()] } else { field.elements(found) };
    let mut all = Vec::new();
    for element in elements {
        let Some(map) = element.map(found) else { continue };
        if !is_map && map.contains_key("name") {
            all.push(fit(&element, shapes::VARIABLE, found));
        } else {
            let pairs = map.iter().map(|(name, value)| json!({"name": name, "value": scalar_text(value)}));
            all.extend(pairs);
        }
    }
    all.into()
}

/// `source:path:options`, `source:path`, or the path alone.
pub(super) fn volume(field: &Field, found: &mut Findings) -> Option<Volume> {
    let text = field.text(found)?;
    let parts: Vec<&str> = text.trim().split(':').collect();
    let (source, path, options) = match parts.as_slice() {
        [path] => (None, *path, ""),
        [path, options] if is_options(options) => (None, *path, *options),
        [source, path] => (Some(*source), *path, ""),
        [source, path, options] => (Some(*source), *path, *options),
        _ => {
            field.wrong(found, "SOURCE:PATH:OPTIONS");
            return None;
        }
    };
    let source = source.filter(|source| !source.is_empty());
    let is_relative = source.is_some_and(|source| !source.starts_with('/') && source.contains(['/', '.', '~']));
    if !path.starts_with('/') || is_relative {
        field.wrong(
            found,
            "SOURCE:PATH:OPTIONS with an absolute path, and a volume's name or an absolute path as source,",
        );
        return None;
    }
    let mut read_only = false;
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" => read_only = false,
            other => {
                found.warn(field.at(), format_args!("{}: the option {other} has no meaning on ECS", field.shown()));
            }
        }
    }
    Some(Volume { source: source.map(str::to_owned), path: path.to_owned(), read_only })
}

fn is_options(text: &str) -> bool {
    !text.is_empty() && text.split(',').all(|option| matches!(option, "ro" | "rw" | "z" | "Z" | "nocopy"))
}
