//! Templates: `$NAME` and `${NAME}` become values, exactly where GNU envsubst sees them; every other byte stays.
//!
//! A template is read through a window of fixed size, so its length costs no memory.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::ctx::Env;

/// Bytes looked at together: more than a name can have, since Linux takes no variable above 128 KiB (32 pages).
const WINDOW: usize = 256 * 1024;

/// How much of names that were looked up is remembered, in bytes.
const REMEMBERED: usize = 4 * 1024 * 1024;

/// The values of variables, each asked for once.
#[derive(Debug)]
pub struct Values<'a> {
    env: &'a Env,
    /// Where in `found` the value of a name is.
    known: HashMap<Vec<u8>, usize>,
    found: Vec<Vec<u8>>,
    weight: usize,
}

impl<'a> Values<'a> {
    /// The values of this environment.
    pub fn new(env: &'a Env) -> Self {
        Self { env, known: HashMap::new(), found: Vec::new(), weight: 0 }
    }

    /// What stands for a name: nothing for a variable that is not set.
    fn get(&mut self, name: &[u8]) -> &[u8] {
        let at = match self.known.get(name) {
            Some(at) => *at,
            None => self.ask(name),
        };
        &self.found[at]
    }

    fn ask(&mut self, name: &[u8]) -> usize {
        // A template may name any number of variables that do not exist.
        self.weight += name.len() + 128;
        if self.weight > REMEMBERED {
            self.known.clear();
            self.found.clear();
            self.weight = 0;
        }
        let at = self.found.len();
        self.found.push(self.env.get(OsStr::from_bytes(name)).unwrap_or_default().into_vec());
        self.known.insert(name.to_vec(), at);
        at
    }
}

/// A text with its references filled in: `value` is told the name, and `None` from it leaves the reference as it is.
/// Values are not looked into again. `None` where there is nothing to fill in.
pub fn expand(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut out: Option<String> = None;
    let mut from = 0;
    let mut search = 0;
    while let Some(found) = memchr::memchr(b'$', &text.as_bytes()[search..]) {
        let dollar = search + found;
        search = dollar + 1;
        // Names are ASCII, so that both ends are the ends of letters.
        if let At::Reference { name, length } = at_dollar(&text.as_bytes()[dollar..], true) {
            search = dollar + length;
            if let Some(value) = value(&text[dollar..][name]) {
                let filled = out.get_or_insert_default();
                filled.push_str(&text[from..dollar]);
                filled.push_str(&value);
                from = search;
            }
        }
    }
    if let Some(filled) = &mut out {
        filled.push_str(&text[from..]);
    }
    out
}

/// Copies a template from `input` to `out` with its references filled in. Values are not looked into again.
pub fn fill(input: &mut (impl Read + Seek), out: &mut impl Write, values: &mut Values) -> io::Result<()> {
    let mut window = vec![0; WINDOW];
    let mut filled = 0;
    loop {
        let read = match input.read(&mut window[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        filled += read;
        let used = fill_window(&window[..filled], read == 0, out, values)?;
        if read == 0 {
            return Ok(());
        }
        if used == 0 && filled == window.len() {
            pass_overlong(input, &mut window, out)?;
            filled = 0;
        } else {
            window.copy_within(used..filled, 0);
            filled -= used;
        }
    }
}

/// Writes what can be decided; how many bytes that was. Only a reference that the window's end cuts stays behind.
fn fill_window(text: &[u8], last: bool, out: &mut impl Write, values: &mut Values) -> io::Result<usize> {
    let mut from = 0;
    let mut search = 0;
    while let Some(found) = memchr::memchr(b'$', &text[search..]) {
        let dollar = search + found;
        match at_dollar(&text[dollar..], last) {
            At::Reference { name, length } => {
                out.write_all(&text[from..dollar])?;
                out.write_all(values.get(&text[dollar..][name]))?;
                from = dollar + length;
                search = from;
            }
            At::Text => search = dollar + 1,
            At::Cut => {
                out.write_all(&text[from..dollar])?;
                return Ok(dollar);
            }
        }
    }
    out.write_all(&text[from..])?;
    Ok(text.len())
}

/// What a `$` begins.
enum At {
    /// A variable's name, and how long the whole reference is.
    Reference { name: Range<usize>, length: usize },
    /// Nothing: the `$` is text, and so is what follows up to the next one.
    Text,
    /// The text ends before that can be told.
    Cut,
}

/// Looks at text that begins with a `$`. When `last` is set, nothing follows it.
fn at_dollar(text: &[u8], last: bool) -> At {
    let braced = text.get(1) == Some(&b'{');
    let start = if braced { 2 } else { 1 };
    let name = match text.get(start..) {
        Some([first, ..]) if !is_name_start(*first) => return At::Text,
        Some(rest @ [_, ..]) => start..start + name_length(rest),
        _ if last => return At::Text,
        _ => return At::Cut,
    };
    let end = name.end;
    match text.get(end) {
        None if !last => At::Cut,
        Some(b'}') if braced => At::Reference { name, length: end + 1 },
        _ if braced => At::Text,
        _ => At::Reference { name, length: end },
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn name_length(text: &[u8]) -> usize {
    text.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(text.len())
}

/// Steps over a reference whose name alone fills the window, which is longer than any variable's. It stands for
/// nothing, unless it is `${NAME` without its brace; then it is text, and is read once more to be copied.
fn pass_overlong(input: &mut (impl Read + Seek), window: &mut [u8], out: &mut impl Write) -> io::Result<()> {
    let mut length = window.len() as u64;
    let start = input.stream_position()? - length;
    let braced = window[1] == b'{';
    let behind = loop {
        let read = match input.read(window) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let name = name_length(&window[..read]);
        length += name as u64;
        if name < read || read == 0 {
            break window[..read].get(name).copied();
        }
    };
    if braced && behind != Some(b'}') {
        input.seek(SeekFrom::Start(start))?;
        io::copy(&mut input.take(length), out)?;
    } else {
        input.seek(SeekFrom::Start(start + length + u64::from(braced)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::Fixed(pairs.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    fn filled(template: &[u8], env: &Env) -> Vec<u8> {
        let mut out = Vec::new();
        fill(&mut Cursor::new(template), &mut out, &mut Values::new(env)).unwrap();
        out
    }

    /// Hands out a byte at a time, so that every reference is cut everywhere.
    struct Trickle<'a>(Cursor<&'a [u8]>);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    impl Seek for Trickle<'_> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn references_as_envsubst_sees_them() {
        let env = env(&[("A", "x"), ("B_2", "$A"), ("_", "u")]);
        for (template, want) in [
            ("$A$A${A}${B_2}$_", "xxx$Au"),
            ("${A }${1A}${}${${A}}$${A}", "${A }${1A}${}${x}$x"),
            ("${A$B_2}${A${A}}${A:-b}${A-}", "${A$A}${Ax}${A:-b}${A-}"),
            ("$1 $$ $} $- \\$A $A- $é $Aé ${é}", "$1 $$ $} $- \\x x- $é xé ${é}"),
            ("$none|${none}|${", "||${"),
            ("a\r\n$A\r\n$", "a\r\nx\r\n$"),
            ("${A", "${A"),
            ("$A", "x"),
        ] {
            assert_eq!(String::from_utf8(filled(template.as_bytes(), &env)).unwrap(), want, "{template}");
            let value = |name: &str| Some(env.get(name).unwrap_or_default().into_string().unwrap());
            assert_eq!(expand(template, value).unwrap_or_else(|| template.to_owned()), want, "{template}");
            assert_eq!(expand(template, |_| None), None);
            let mut out = Vec::new();
            fill(&mut Trickle(Cursor::new(template.as_bytes())), &mut out, &mut Values::new(&env)).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), want, "{template} a byte at a time");
        }
    }

    #[test]
    fn references_across_the_window_are_found() {
        let env = env(&[("NAME", "value")]);
        for before in WINDOW - 8..=WINDOW + 1 {
            let mut template = vec![b'.'; before];
            template.extend_from_slice(b"${NAME}$NAME.");
            let mut want = vec![b'.'; before];
            want.extend_from_slice(b"valuevalue.");
            assert!(filled(&template, &env) == want, "{before}");
        }
    }

    #[test]
    fn names_longer_than_any_variable_are_empty_where_they_are_names() {
        let env = env(&[("A", "x")]);
        for length in [WINDOW - 3, WINDOW - 2, WINDOW - 1, WINDOW, 3 * WINDOW + 7] {
            let name = "N".repeat(length);
            assert_eq!(filled(format!("a${name}-$A").as_bytes(), &env), b"a-x", "{length}");
            assert_eq!(filled(format!("a${name}").as_bytes(), &env), b"a", "{length}");
            assert_eq!(filled(format!("a${{{name}}}$A").as_bytes(), &env), b"ax", "{length}");
            for end in ["", ":-b}", "$A", "${A}"] {
                let want = format!("${{{name}{}", end.replace("${A}", "x").replace("$A", "x"));
                assert!(filled(format!("${{{name}{end}").as_bytes(), &env) == want.as_bytes(), "{length} {end}");
            }
        }
    }

    #[test]
    fn any_number_of_unknown_names_is_forgotten_again() {
        let env = env(&[("A", "x")]);
        let mut values = Values::new(&env);
        for count in 0..200_000 {
            assert_eq!(values.get(format!("N{count}").as_bytes()), b"");
        }
        assert_eq!(values.get(b"A"), b"x");
        assert!(values.known.len() < 100_000);
    }
}
