//! YAML with the place of every value, so that a message can name file and line.
//!
//! The parser is a crate's; the tree is ours because messages need places, and because anchors reach from one file of
//! a pipeline into the next. Plain scalars mean what they meant on the platform: numbers as JavaScript prints them,
//! `yes` and `off` as text. A number that JavaScript would change (`1.10`, `007`) is noted for `job lint`.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::error::{Error, Kind};

/// What one document may grow to through aliases: a pipeline has some thousands.
const MOST_NODES: usize = 1_000_000;

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as it was named.
    pub file: Rc<Path>,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it begins.
    pub at: Place,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as JavaScript would print it.
    Number(serde_json::Number),
    /// Anything else that is one value.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written, merge keys resolved; a later key of the same name has been refused.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key as text.
    pub text: String,
    /// Where it begins.
    pub at: Place,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Node {
    /// The value of a key; `None` for what is no mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|(known, _)| known.text == key).map(|(_, value)| value)
    }

    /// The pairs of a mapping; none for anything else.
    pub fn members(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(members) => members,
            _ => &[],
        }
    }

    /// The elements of a list; none for anything else.
    pub fn elements(&self) -> &[Self] {
        match &self.value {
            Value::List(elements) => elements,
            _ => &[],
        }
    }

    /// A text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// One value as text: a text, a number or a boolean; `None` for null, lists and mappings.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether a value in it, or it itself, begins at a place.
    pub fn holds(&self, at: &Place) -> bool {
        self.at == *at
            || self.elements().iter().any(|node| node.holds(at))
            || self.members().iter().any(|(_, node)| node.holds(at))
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// As JSON, keys in the order written.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Text(text) => text.clone().into(),
            Value::List(elements) => elements.iter().map(Self::to_json).collect(),
            Value::Map(members) => serde_json::Value::Object(
                members.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect(),
            ),
        }
    }
}

/// A remark on how something was read: likely not what was meant, yet no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where.
    pub at: Place,
    /// What, and what to write instead.
    pub text: String,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where.
    pub at: Place,
    /// `not-yaml`, `unknown-anchor`, `duplicate-key`, ...: for `job lint`.
    pub rule: &'static str,
    /// What, and what to write instead.
    pub text: String,
}

impl Refusal {
    /// What is wrong at a place.
    pub fn new(at: &Place, rule: &'static str, text: impl fmt::Display) -> Self {
        Self { at: at.clone(), rule, text: text.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.text)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        refused(&refusal.at, refusal.text)
    }
}

/// Anchors of the files read so far, and remarks on them: the files of one pipeline share both.
#[derive(Debug, Default)]
pub struct Reader {
    anchors: HashMap<String, Node>,
    /// What is likely not meant as it is written.
    pub remarks: Vec<Remark>,
}

impl Reader {
    /// Reads one file. An empty one is null.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: not YAML, with file and line; an alias of no anchor; a key that is there twice.
    pub fn read(&mut self, file: &Path, text: &str) -> Result<Node, Error> {
        Ok(self.read_or_refuse(file, text)?)
    }

    /// The same, the error in its parts.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_or_refuse(&mut self, file: &Path, text: &str) -> Result<Node, Refusal> {
        let file: Rc<Path> = file.into();
        let options =
            granit_parser::options! { emit_unresolved_aliases: true, emit_anchor_events: true, emit_comments: false };
        let parser = Parser::new_from_str_with_options(text.trim_start_matches('\u{feff}'), options);
        Tree { reader: self, file, parser, ids: HashMap::new(), count: 0 }.document()
    }
}

/// One file on its way to a tree.
struct Tree<'a, 'input, T: granit_parser::BorrowedInput<'input>> {
    reader: &'a mut Reader,
    file: Rc<Path>,
    parser: Parser<'input, T>,
    /// Anchors of this file, by the parser's number.
    ids: HashMap<usize, (Option<String>, Option<Node>)>,
    count: usize,
}

impl<'input, T: granit_parser::BorrowedInput<'input>> Tree<'_, 'input, T> {
    fn document(mut self) -> Result<Node, Refusal> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => {
                    let node = self.node(event, span)?;
                    if root.is_some() {
                        return Err(Refusal::new(
                            &node.at,
                            "not-yaml",
                            "a second document: put everything into one, without `---`",
                        ));
                    }
                    root = Some(node);
                }
            }
        }
        let start = Place { file: self.file.clone(), line: 1, column: 1 };
        Ok(root.unwrap_or(Node { value: Value::Null, at: start }))
    }

    fn next(&mut self) -> Result<(Event<'input>, Span), Refusal> {
        match self.parser.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => {
                let marker = error.marker();
                let at = Place { file: self.file.clone(), line: marker.line(), column: marker.col() + 1 };
                Err(Refusal::new(&at, "not-yaml", format_args!("not YAML: {}{}", error.info(), cure(&error.info()))))
            }
            None => Ok((Event::StreamEnd, Span::empty(granit_parser::Marker::new(0, 1, 0)))),
        }
    }

    fn place(&self, span: &Span) -> Place {
        Place { file: self.file.clone(), line: span.start.line(), column: span.start.col() + 1 }
    }

    fn node(&mut self, event: Event<'input>, span: Span) -> Result<Node, Refusal> {
        let at = self.place(&span);
        self.count += 1;
        let (value, id) = match event {
            Event::Scalar(text, style, id, tag) => {
                self.anchor(id)?;
                let is_text = style != ScalarStyle::Plain
                    || tag.as_ref().is_some_and(|tag| tag.is_yaml_core_schema_tag("str") || tag.parts() == ("!", ""));
                let value = if is_text { Value::Text(text.into_owned()) } else { self.plain(&text, &at) };
                (value, id)
            }
            Event::SequenceStart(_, id, _) => {
                self.anchor(id)?;
                (Value::List(self.list()?), id)
            }
            Event::MappingStart(_, id, _) => {
                self.anchor(id)?;
                (Value::Map(self.map()?), id)
            }
            Event::Alias(id) => {
                let known = self.ids.get(&id).and_then(|(_, node)| node.clone());
                let found =
                    known.ok_or_else(|| Refusal::new(&at, "not-yaml", "an alias of what it is itself part of"))?;
                return self.copied(found, &at);
            }
            Event::UnresolvedAlias(name) => {
                let known = self.reader.anchors.keys().map(String::as_str);
                let near = crate::job::names::did_you_mean(&name, known);
                let missing =
                    || Refusal::new(&at, "unknown-anchor", format_args!("no anchor &{name} before this place{near}"));
                let found = self.reader.anchors.get(name.as_ref()).cloned().ok_or_else(missing)?;
                return self.copied(found, &at);
            }
            _ => return Err(Refusal::new(&at, "not-yaml", "not YAML: a value was expected")),
        };
        let node = Node { value, at };
        if id != 0
            && let Some((name, known)) = self.ids.get_mut(&id)
        {
            *known = Some(node.clone());
            if let Some(name) = name {
                self.reader.anchors.insert(name.clone(), node.clone());
            }
        }
        Ok(node)
    }

    /// An alias stands for what the anchor has, which keeps its own place.
    fn copied(&mut self, node: Node, at: &Place) -> Result<Node, Refusal> {
        self.count += size(&node);
        if self.count > MOST_NODES {
            return Err(Refusal::new(at, "not-yaml", "too large once its aliases are filled in"));
        }
        Ok(node)
    }

    /// The event after an anchored node tells the anchor's name.
    fn anchor(&mut self, id: usize) -> Result<(), Refusal> {
        if id == 0 {
            return Ok(());
        }
        if let (Event::Anchor(id, name), _) = self.next()? {
            self.ids.insert(id, (Some(name.into_owned()), None));
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<Node>, Refusal> {
        let mut elements = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(elements),
                (event, span) => elements.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self) -> Result<Vec<(Key, Node)>, Refusal> {
        let mut members: Vec<(Key, Node)> = Vec::new();
        let mut merged: Vec<Node> = Vec::new();
        let mut seen = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let plain_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = self.node(event, span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            if plain_merge {
                merged.push(value);
                continue;
            }
            let text = match key.value {
                Value::Null => "null".to_owned(),
                _ => key
                    .scalar()
                    .ok_or_else(|| Refusal::new(&key.at, "not-yaml", format_args!("{} as a key", key.kind())))?,
            };
            if let Some(line) = seen.insert(text.clone(), key.at.line) {
                return Err(Refusal::new(
                    &key.at,
                    "duplicate-key",
                    format_args!("the key {text} is there twice, first in line {line}"),
                ));
            }
            members.push((Key { text, at: key.at }, value));
        }
        for node in merged {
            merge(&mut members, &node)?;
        }
        Ok(members)
    }

    /// A plain scalar by the core schema of YAML 1.2, numbers in the spelling of JavaScript.
    fn plain(&mut self, text: &str, at: &Place) -> Value {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
            "true" | "True" | "TRUE" => return Value::Bool(true),
            "false" | "False" | "FALSE" => return Value::Bool(false),
            _ => {}
        }
        let Some(number) = number(text) else { return Value::Text(text.to_owned()) };
        if number.to_string() != text {
            let text = format!("{text} is read as the number {number}: put it in quotes to keep it as it is");
            self.reader.remarks.push(Remark { at: at.clone(), text });
        }
        Value::Number(number)
    }
}

/// What to write instead, for the slips that scripts in YAML invite.
fn cure(cause: &str) -> &'static str {
    if cause.contains("mapping values") {
        "; a \": \" inside a text without quotes: put the whole line in quotes, '…'"
    } else if cause.starts_with("unexpected character") {
        "; a text that begins with @, ` or % is not read without quotes: put the whole line in quotes, '…'"
    } else {
        ""
    }
}

/// What `<<` brings in: keys that are not there yet.
fn merge(members: &mut Vec<(Key, Node)>, from: &Node) -> Result<(), Refusal> {
    match &from.value {
        Value::Map(more) => {
            for (key, node) in more {
                if !members.iter().any(|(known, _)| known.text == key.text) {
                    members.push((key.clone(), node.clone()));
                }
            }
            Ok(())
        }
        Value::List(maps) => maps.iter().try_for_each(|map| merge(members, map)),
        _ => Err(Refusal::new(&from.at, "not-yaml", format_args!("<< needs a map, not {}", from.kind()))),
    }
}

fn size(node: &Node) -> usize {
    1 + node.elements().iter().map(size).sum::<usize>()
        + node.members().iter().map(|(_, node)| 1 + size(node)).sum::<usize>()
}

/// A number as JavaScript reads and prints it. What begins with a zero (an account id, a phone number) stays text.
fn number(text: &str) -> Option<serde_json::Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().map(Into::into);
    }
    if let Some(digits) = unsigned.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok().map(Into::into);
    }
    let bytes = unsigned.as_bytes();
    let is_leading = bytes.first().is_some_and(|&first| first.is_ascii_digit() || first == b'.');
    let starts_with_zeros = bytes.len() > 1 && bytes[0] == b'0' && bytes[1].is_ascii_digit();
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    let is_plain = bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if !is_leading || starts_with_zeros || !has_digit || !is_plain {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let printed = in_javascript(value);
    serde_json::from_str(&printed).ok()
}

/// The shortest spelling that reads back the same, in the form of ECMAScript's Number::toString.
fn in_javascript(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if (1e-6..1e21).contains(&magnitude) {
        format!("{value}")
    } else {
        let text = format!("{value:e}");
        if magnitude >= 1.0 { text.replace('e', "e+") } else { text }
    }
}

/// An error about what is written at a place.
pub fn refused(at: &Place, message: impl fmt::Display) -> Error {
    Error::new(Kind::Configuration, format_args!("{at}: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Node {
        Reader::default().read(Path::new("a.yml"), text).unwrap()
    }

    #[test]
    fn slips_of_scripts_have_their_cure() {
        for (text, want) in [
            (
                "script: echo \"a: b\"\n",
                "a.yml:1:16: not YAML: mapping values are not allowed in this context; a \": \" inside a text without quotes: put the whole line in quotes, '…'",
            ),
            ("s:\n  - @x\n", "@, ` or % is not read without quotes: put the whole line in quotes"),
            ("s:\n  - `date`\n", "@, ` or % is not read without quotes: put the whole line in quotes"),
            ("s: [%x]\n", "@, ` or % is not read without quotes: put the whole line in quotes"),
        ] {
            let said = Reader::default().read(Path::new("a.yml"), text).unwrap_err().to_string();
            assert!(said.contains(want), "{text}: {said}");
        }
    }

    #[test]
    fn scalars_mean_what_they_meant() {
        for (text, want) in [
            ("1", "1"),
            ("1.10", "1.1"),
            ("1.0", "1"),
            ("-3", "-3"),
            ("1e3", "1000"),
            ("1e21", "1e+21"),
            ("1.5e-7", "1.5e-7"),
            ("12345678901234567890", "12345678901234567000"),
            ("0x1F", "31"),
            ("012345678901", "\"012345678901\""),
            ("007", "\"007\""),
            ("1.2.3", "\"1.2.3\""),
            ("yes", "\"yes\""),
            ("off", "\"off\""),
            ("8080:80", "\"8080:80\""),
            ("2019-01-02", "\"2019-01-02\""),
            ("true", "true"),
            ("~", "null"),
            ("'1'", "\"1\""),
            ("!!str 1", "\"1\""),
            ("\"a\\nb\"", "\"a\\nb\""),
            ("-", "[null]"),
            (".", "\".\""),
            ("1e", "\"1e\""),
        ] {
            assert_eq!(
                read(&format!("k: {text}\n").replace("k: -\n", "k:\n  -\n")).get("k").unwrap().to_json().to_string(),
                want,
                "{text}"
            );
        }
    }

    #[test]
    fn comments_are_passed_by() {
        let node = read("# first\na: 1 # one\n# between\nb:\n  # inside\n  - 1 # two\n# last\n");
        assert_eq!(node.to_json().to_string(), r#"{"a":1,"b":[1]}"#);
    }

    #[test]
    fn a_changed_number_is_remarked() {
        let mut reader = Reader::default();
        reader.read(Path::new("a.yml"), "a: 1\nb: 1.10\n").unwrap();
        assert_eq!(reader.remarks.len(), 1);
        assert_eq!(reader.remarks[0].at.to_string(), "a.yml:2:4");
    }

    #[test]
    fn anchors_reach_into_the_next_file() {
        let mut reader = Reader::default();
        reader.read(Path::new("t.yml"), "templates:\n  x: &x\n    a: 1\n    b: [1, 2]\n").unwrap();
        let node = reader.read(Path::new("m.yml"), "job: *x\nother:\n  <<: *x\n  a: 2\n").unwrap();
        assert_eq!(node.to_json().to_string(), r#"{"job":{"a":1,"b":[1,2]},"other":{"a":2,"b":[1,2]}}"#);
        assert_eq!(node.get("job").unwrap().at.to_string(), "t.yml:3:5");
    }

    #[test]
    fn a_later_definition_of_an_anchor_wins() {
        let node = read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n");
        assert_eq!(node.to_json().to_string(), r#"{"a":1,"b":1,"c":2,"d":2}"#);
    }

    #[test]
    fn mistakes_are_placed() {
        for (text, want) in [
            ("a: [1\n", "a.yml:1:4: not YAML"),
            ("a: *none\n", "a.yml:1:4: no anchor &none"),
            ("a: 1\nb: 2\na: 3\n", "a.yml:3:1: the key a is there twice, first in line 1"),
            ("a: 1\n---\nb: 1\n", "a second document"),
            ("a: &a\n  - *a\n", "a.yml:2:5: an alias of what it is itself part of"),
            ("<<: 1\n", "<< needs a map, not a number"),
        ] {
            let error = Reader::default().read(Path::new("a.yml"), text).unwrap_err();
            assert!(error.to_string().contains(want), "{text:?}: {error}");
            assert_eq!(error.exit_status(), 8);
        }
    }

    #[test]
    fn aliases_cannot_fill_the_memory() {
        let mut text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
        }
        let error = Reader::default().read(Path::new("a.yml"), &text).unwrap_err();
        assert!(error.to_string().contains("too large"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\n\t\"'é]{0,60}") {
            let _ = Reader::default().read(Path::new("a.yml"), &text);
        }
    }
}
