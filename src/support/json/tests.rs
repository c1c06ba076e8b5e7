//! Tests against a reference, over arbitrary documents and windows of any size.

use super::input::Input;
mod reference;

use super::source::{print_file, print_once};
use super::{Error, Path, Query, Value};
use proptest::prelude::*;
use reference::{Doc, doc, expected, follow, looks, path, printed, written};
use std::fmt::Write as _;
use std::io::Write as _;

fn file_of(text: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

/// Prints in each of the ways there are, which must agree.
fn print_all_ways(text: &[u8], path: &Path, window: usize) -> Result<Vec<u8>, String> {
    let show = |e: Error| e.to_string();
    let mut whole = Vec::new();
    let result = print_once(&mut Input::of_slice(text), path, &mut whole).map(|_| whole).map_err(show);
    let mut piped = Vec::new();
    let mut reader = text;
    let pipe = print_once(&mut Input::of_reader(&mut reader, window), path, &mut piped).map(|_| piped).map_err(show);
    assert_eq!(pipe, result, "from a pipe, window {window}");
    let mut from_file = Vec::new();
    let file = print_file(&file_of(text), window, path, &mut from_file).map(|_| from_file).map_err(show);
    assert_eq!(file, result, "from a file, window {window}");
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn finds_what_the_reference_finds(
        doc in doc(),
        looks in looks(),
        random in path(),
        choices in proptest::collection::vec(any::<usize>(), 0..5),
        window in 1usize..64,
    ) {
        let text = written(&doc, looks);
        let mut leading = Vec::new();
        follow(&doc, &choices, &mut leading);
        for steps in [random, leading] {
            let path = Path::from(steps.clone());
            let result = print_all_ways(text.as_bytes(), &path, window);
            match expected(&text, &steps) {
                Some(value) => {
                    prop_assert_eq!(String::from_utf8(result.unwrap()).unwrap(), printed(&value));
                    let got = super::get_in(text.as_bytes(), &path).unwrap();
                    prop_assert_eq!(got.is_none(), value.is_null());
                    if let Some(got) = got {
                        let shown = format!("{}\n", String::from_utf8(got.to_text().unwrap()).unwrap());
                        prop_assert_eq!(shown, printed(&value));
                    }
                }
                None => prop_assert!(result.unwrap_err().starts_with("Cannot index")),
            }
        }
    }

    #[test]
    fn filters_read_what_paths_read(doc in doc(), looks in looks()) {
        let text = written(&doc, looks);
        let mut out = Vec::new();
        super::print_in(text.as_bytes(), &Query::Filter(".".into()), &mut out).unwrap();
        prop_assert_eq!(out, print_all_ways(text.as_bytes(), &Path::default(), 9).unwrap());
    }

    #[test]
    fn every_truncation_is_an_error(doc in doc(), looks in looks(), window in 1usize..64) {
        let container = Doc::Array(vec![doc]);
        let text = written(&container, looks);
        for end in 1..text.len() {
            let result = print_all_ways(&text.as_bytes()[..end], &Path::default(), window);
            prop_assert!(result.is_err(), "{:?}", &text.as_bytes()[..end]);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), window in 1usize..64) {
        let _ = print_all_ways(&bytes, &Path::default(), window);
        let _ = super::print_in(&bytes, &Query::Filter(".".into()), &mut Vec::new());
    }

    #[test]
    fn nearly_json_is_judged_as_the_reference_judges_it(
        doc in doc(), looks in looks(), at in any::<usize>(), byte in any::<u8>(), window in 1usize..64,
    ) {
        let mut text = written(&Doc::Array(vec![doc]), looks).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let ours = print_all_ways(&text, &Path::default(), window).is_ok();
        // The reference refuses broken UTF-8 and unpaired surrogates, which jq mends.
        let lone = text.windows(4).any(|w| w[..2] == *b"\\u" && w[2].eq_ignore_ascii_case(&b'd'));
        if std::str::from_utf8(&text).is_ok() && !lone {
            let mut values = serde_json::Deserializer::from_slice(&text)
                .into_iter::<serde_json::Value>();
            let theirs = values.all(|value| value.is_ok());
            prop_assert_eq!(ours, theirs, "{:?}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn any_path_text_is_read_without_panic(field in any::<String>()) {
        let _ = Query::under("", &field);
        let _ = Query::under(".version.propertyBag", &field);
    }
}

fn nested(open: &str, close: &str, n: usize) -> String {
    format!("{}1{}", open.repeat(n), close.repeat(n))
}

#[test]
fn depth_is_limited_as_in_jq() {
    for (open, close, most) in [("[", "]", 256), ("{\"a\":", "}", 128)] {
        for window in [1, 7, 100_000] {
            let path = Path::default();
            assert!(print_all_ways(nested(open, close, most).as_bytes(), &path, window).is_ok());
            for n in [most + 1, most + 2, 100_000] {
                let text = nested(open, close, n);
                let result = print_all_ways(text.as_bytes(), &path, window);
                assert_eq!(result, Err("invalid JSON: nested too deeply".into()));
            }
        }
        let deep = nested(open, close, 100_000);
        let filter = Query::Filter(".".into());
        let result = super::print_in(deep.as_bytes(), &filter, &mut Vec::new());
        assert!(matches!(result, Err(Error::Depth)));
    }
}

#[test]
fn empty_containers_are_as_deep_as_others() {
    let path = Path::default();
    let text = |n: usize| format!("{}[]{}", "[".repeat(n), "]".repeat(n));
    assert!(print_all_ways(text(255).as_bytes(), &path, 1000).is_ok());
    assert!(print_all_ways(text(256).as_bytes(), &path, 1000).is_err());
}

#[test]
fn errors_say_where_and_what() {
    for (text, message) in [
        ("{\n  \"a\": 01\n}", "invalid JSON at line 2, column 9: a number must not start with 0"),
        ("[1,]", "invalid JSON at line 1, column 4: expected a value, found ']'"),
        ("[1 2]", "invalid JSON at line 1, column 4: expected ',' or ']', found '2'"),
        ("{\"a\" 1}", "invalid JSON at line 1, column 6: expected ':' after a key, found '1'"),
        ("{a:1}", "invalid JSON at line 1, column 2: expected a key in double quotes, found 'a'"),
        ("\n\n\"a", "invalid JSON at line 3, column 3: the text ends inside a string"),
        ("[", "invalid JSON at line 1, column 2: the text ends before its value is complete"),
        ("\"\\x\"", "invalid JSON at line 1, column 3: no such escape in a string"),
        ("\"a\tb\"", "invalid JSON at line 1, column 3: a control character inside a string"),
        ("12true", "invalid JSON at line 1, column 3: expected white space after a value, found 't'"),
        ("\u{c}1", "invalid JSON at line 1, column 1: expected a value, found the byte 0x0c"),
    ] {
        for window in [1, 3, 1000] {
            let result = print_all_ways(text.as_bytes(), &Path::default(), window);
            assert_eq!(result, Err(message.to_owned()), "{text:?}");
        }
    }
}

#[test]
fn values_are_told_apart() {
    let text = br#"{"s":"a\nb","n":1.10,"t":true,"z":null,"c":{"k": [1]},"s":"last"}"#;
    let get = |field: &str| super::get_in(text, &Path::parse(field).unwrap()).unwrap();
    assert_eq!(get("s"), Some(Value::String("last".into())));
    assert_eq!(get("n"), Some(Value::Scalar("1.10".into())));
    assert_eq!(get("t"), Some(Value::Scalar("true".into())));
    assert_eq!(get("z"), None);
    assert_eq!(get("nope.further"), None);
    assert_eq!(get("c"), Some(Value::Container(br#"{"k": [1]}"#.to_vec())));
    let paths = ["n", "z", "c.k[0]"].map(|f| Path::parse(f).unwrap());
    let many = super::get_many(&file_of(text), &paths).unwrap();
    let one = Some(Value::Scalar("1".into()));
    assert_eq!(many, [Some(Value::Scalar("1.10".into())), None, one]);
    let from_file = super::get(&file_of(text), &paths[0]).unwrap();
    assert_eq!(from_file, Some(Value::Scalar("1.10".into())));
    let wrong = super::get_in(text, &Path::parse("s.x").unwrap()).unwrap_err();
    assert_eq!(wrong.to_string(), "Cannot index string with string \"x\"");
}

#[test]
fn layouts() {
    let text = br#" {"a": [1, {}, []], "a": {"b":"\u0041\/"}} "#;
    assert_eq!(super::compact(text).unwrap(), br#"{"a":{"b":"A/"}}"#);
    assert_eq!(super::pretty(b"[ ]").unwrap(), b"[]");
    assert_eq!(super::pretty(b"[1]").unwrap(), b"[\n  1\n]");
    assert!(super::compact(b"1 2").is_err());
    assert!(super::compact(b"").is_err());
}

#[test]
fn no_documents_are_no_results() {
    for text in ["", " \n\t", "\u{FEFF}", "\u{FEFF} "] {
        let mut out = Vec::new();
        let printed = super::print_in(text.as_bytes(), &Query::under("", "a"), &mut out).unwrap();
        assert_eq!((printed.documents, printed.results, out.len()), (0, 0, 0), "{text:?}");
        let filter = Query::under("", "a | length");
        assert_eq!(super::print(&file_of(text.as_bytes()), &filter, &mut out).unwrap(), printed);
    }
}

#[test]
fn many_documents_overflow_what_is_remembered() {
    let value = "x".repeat(70_000);
    let mut text = String::new();
    let mut expected = String::new();
    for i in 0..3000 {
        // The first long value makes all that follow wait in the file.
        let value = if i == 10 { &value } else { "short" };
        writeln!(text, "{{\"v\":\"{value}{i}\"}}").unwrap();
        writeln!(expected, "{value}{i}").unwrap();
    }
    let path = Path::parse("v").unwrap();
    let mut out = Vec::new();
    let printed = print_file(&file_of(text.as_bytes()), 1000, &path, &mut out).unwrap();
    assert_eq!(printed.documents, 3000);
    assert!(out == expected.as_bytes());
}

#[test]
fn reading_starts_where_the_file_stands() {
    let mut file = file_of(b"junk{\"a\":\"found it\"}");
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(4)).unwrap();
    let mut out = Vec::new();
    print_file(&file, 3, &Path::parse("a").unwrap(), &mut out).unwrap();
    assert_eq!(out, b"found it\n");
}

/// Cuts the file short as soon as something is printed.
struct Shrink<'a>(&'a std::fs::File, Vec<u8>);

impl std::io::Write for Shrink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.set_len(50_000)?;
        self.1.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_that_shrinks_is_an_error() {
    let text = format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000));
    let file = file_of(text.as_bytes());
    let mut out = Shrink(&file, Vec::new());
    let result = print_file(&file, 64, &Path::parse("a").unwrap(), &mut out);
    assert!(matches!(&result, Err(Error::Io(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof), "{result:?}");
}
