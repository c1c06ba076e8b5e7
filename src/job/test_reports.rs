//! Times of tests in JUnit reports, and which test a reported path means.

use std::collections::HashMap;
use std::io::BufRead;

use bstr::ByteSlice;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Seconds by the path of a test file, as the reports spell it.
pub type Times = HashMap<Vec<u8>, f64>;

/// Where a report is no XML, and why.
#[derive(Debug)]
pub struct Damage {
    /// Bytes before it.
    pub offset: u64,
    /// What is wrong.
    pub cause: String,
}

/// The path that holds for an element and what is inside it.
#[derive(Debug, Clone, Default)]
struct Scope {
    path: Option<Vec<u8>>,
    /// A time around has been counted for the path already.
    counted: bool,
}

/// Adds the times of one report. Frameworks differ in where they put the path (`filepath` or `file`, on a suite or on
/// each case) and in how deep they nest suites, so any element with a path counts, and a time inside a time that has
/// been counted for the same path does not.
pub fn read(source: impl BufRead, times: &mut Times) -> Result<(), Damage> {
    let mut reader = Reader::from_reader(source);
    let mut found = Vec::new();
    let mut scopes: Vec<Scope> = Vec::new();
    let mut buffer = Vec::new();
    let mut elements = 0;
    loop {
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(error) => return Err(Damage { offset: reader.error_position(), cause: error.to_string() }),
        };
        let outer = scopes.last().cloned().unwrap_or_default();
        let damage = |cause: String| Damage { offset: reader.buffer_position(), cause };
        match event {
            Event::Start(element) => {
                scopes.push(enter(&element, outer, &mut found).map_err(damage)?);
                elements += 1;
            }
            Event::Empty(element) => {
                enter(&element, outer, &mut found).map_err(damage)?;
                elements += 1;
            }
            Event::End(_) => drop(scopes.pop()),
            Event::Eof if !scopes.is_empty() => return Err(damage("it ends inside an element".to_owned())),
            Event::Eof if elements == 0 => return Err(damage("it has no element".to_owned())),
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
    }
    // Only a report that is whole counts.
    for (path, seconds) in found {
        *times.entry(path).or_default() += seconds;
    }
    Ok(())
}

/// Counts one element; what holds inside it.
fn enter(element: &BytesStart, outer: Scope, found: &mut Vec<(Vec<u8>, f64)>) -> Result<Scope, String> {
    if !matches!(element.local_name().as_ref(), b"testsuites" | b"testsuite" | b"testcase") {
        return Ok(outer);
    }
    let (mut path, mut file, mut seconds) = (None, None, None);
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        match attribute.key.as_ref() {
            b"filepath" => path = Some(unescape(&attribute.value)),
            b"file" => file = Some(unescape(&attribute.value)),
            b"time" => seconds = parse_seconds(&attribute.value),
            _ => {}
        }
    }
    let own = path.or(file).filter(|path| !path.is_empty());
    let mut scope = match own {
        Some(path) if outer.path.as_ref() != Some(&path) => Scope { path: Some(path), counted: false },
        _ => outer,
    };
    if let (Some(path), Some(seconds), false) = (&scope.path, seconds, scope.counted) {
        found.push((path.clone(), seconds));
        scope.counted = true;
    }
    Ok(scope)
}

/// The text of an attribute: the five entities of XML and numbers, on bytes of any encoding.
fn unescape(value: &[u8]) -> Vec<u8> {
    match value.to_str().ok().and_then(|text| quick_xml::escape::unescape(text).ok()) {
        Some(text) => text.into_owned().into_bytes(),
        None => value.to_vec(),
    }
}

/// Seconds; some frameworks put a comma between thousands.
fn parse_seconds(value: &[u8]) -> Option<f64> {
    let text = value.to_str().ok()?.trim().replace(',', "");
    text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

/// The tests, slowest first; a test without a report has no time and comes last; equals go by name. A reported path
/// means the test whose path it ends with, as it does when the report was written in another checkout, or every test
/// whose path ends with it. Both only at the border of a folder or file name.
pub fn by_time(tests: Vec<Vec<u8>>, times: &Times) -> Vec<Vec<u8>> {
    let plain: Vec<Vec<u8>> = tests.iter().map(|test| normal(test)).collect();
    let mut whole: HashMap<&[u8], usize> = HashMap::new();
    let mut by_end: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (at, path) in plain.iter().enumerate() {
        whole.insert(path, at);
        for end in ends(path) {
            by_end.entry(end).or_default().push(at);
        }
    }
    let mut seconds: Vec<Option<f64>> = vec![None; tests.len()];
    for (reported, spent) in times {
        let reported = normal(reported);
        let longest = || ends(&reported).find_map(|end| whole.get(end)).map(std::slice::from_ref);
        let meant = by_end.get(&reported[..]).map(Vec::as_slice).or_else(longest).unwrap_or_default();
        for &at in meant {
            *seconds[at].get_or_insert(0.0) += spent;
        }
    }
    let mut slowest: Vec<_> = seconds.into_iter().zip(tests).collect();
    slowest.sort_by(|(a_time, a), (b_time, b)| {
        let of = |time: &Option<f64>| time.unwrap_or(-1.0);
        of(b_time).total_cmp(&of(a_time)).then_with(|| a.cmp(b))
    });
    slowest.into_iter().map(|(_, test)| test).collect()
}

/// A path without `.` and empty parts.
fn normal(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = path.split_str("/").filter(|part| !part.is_empty() && *part != b".").collect();
    parts.join(&b'/')
}

/// A path and what is left of it without its first parts, longest first.
fn ends(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let borders = path.find_iter("/").map(|at| at + 1);
    std::iter::once(0).chain(borders).map(|at| &path[at..])
}

/// The share of one node: every `count`-th from its `number`, which counts from 1.
pub fn share<T>(all: Vec<T>, number: usize, count: usize) -> impl Iterator<Item = T> {
    all.into_iter().skip(number.saturating_sub(1)).step_by(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(report: &str) -> Vec<(String, f64)> {
        let mut times = Times::new();
        read(report.as_bytes(), &mut times).unwrap();
        let mut sorted: Vec<_> =
            times.into_iter().map(|(path, seconds)| (String::from_utf8(path).unwrap(), seconds)).collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        sorted
    }

    fn pairs(want: &[(&str, f64)]) -> Vec<(String, f64)> {
        want.iter().map(|(path, seconds)| ((*path).to_owned(), *seconds)).collect()
    }

    #[test]
    fn roots_and_places_of_the_path() {
        for (report, want) in [
            (r#"<testsuites><testsuite filepath="/r/a" time="2.5"/></testsuites>"#, &[("/r/a", 2.5)][..]),
            (r#"<?xml version="1.0"?><testsuite file="a" time="1"><testcase/></testsuite>"#, &[("a", 1.0)]),
            (
                r#"<testsuites><testsuite file="a" time="1"/><testsuite file="b" time="2"/></testsuites>"#,
                &[("a", 1.0), ("b", 2.0)],
            ),
            // On each case, without a path on the suite.
            (
                r#"<testsuite time="9"><testcase file="a" time="1"/><testcase file="a" time="2"></testcase></testsuite>"#,
                &[("a", 3.0)],
            ),
            // On the suite and on its cases: once.
            (
                r#"<testsuite name="all" time="9"><testsuite file="a" time="3"><testcase file="a" time="1"/><testcase time="2"/></testsuite></testsuite>"#,
                &[("a", 3.0)],
            ),
            // A path without a time: that of its cases.
            (
                r#"<testsuite file="a"><testcase time="1"/><testsuite><testcase time="2"/></testsuite></testsuite>"#,
                &[("a", 3.0)],
            ),
            (r#"<testsuite file="a" filepath="b/a" time="1,234.5"/>"#, &[("b/a", 1234.5)]),
            (r#"<testsuite file="a&amp;b" time="1"/>"#, &[("a&b", 1.0)]),
            (r#"<other file="a" time="1"><testsuite time="1"/></other>"#, &[]),
            (r#"<testsuite file="a" time="NaN"/>"#, &[]),
        ] {
            assert_eq!(times(report), pairs(want), "{report}");
        }
    }

    #[test]
    fn entities_of_a_document_type_are_never_expanded() {
        let bomb = concat!(
            r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">"#,
            r#"<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><testsuite file="&c;" time="1"/>"#
        );
        assert_eq!(times(bomb), pairs(&[("&c;", 1.0)]));
    }

    #[test]
    fn a_damaged_report_counts_nothing() {
        for report in [
            "",
            "plain text",
            r#"<testsuite file="a" time="1">"#,
            r#"<testsuite file="a" time="1"></testcase>"#,
            r#"<testsuite file="a" time="1"/><testsuite file="#,
            r#"<testsuite><testcase file="a" time="1"/><testcase file=a></testsuite>"#,
        ] {
            let mut times = Times::new();
            assert!(read(report.as_bytes(), &mut times).is_err(), "{report}");
            assert!(times.is_empty(), "{report}");
        }
    }

    fn ordered(tests: &[&str], reported: &[(&str, f64)]) -> Vec<String> {
        let times = reported.iter().map(|(path, seconds)| (path.as_bytes().to_vec(), *seconds)).collect();
        let tests = tests.iter().map(|test| test.as_bytes().to_vec()).collect();
        by_time(tests, &times).into_iter().map(|test| String::from_utf8(test).unwrap()).collect()
    }

    #[test]
    fn slowest_first_and_unreported_last() {
        let tests = ["./t/a", "./t/b", "./t/c", "./t/d", "./t/e"];
        let reported = [("/ci/repo/t/c", 9.0), ("/ci/repo/t/a", 1.0), ("t/d", 1.0)];
        assert_eq!(ordered(&tests, &reported), ["./t/c", "./t/a", "./t/d", "./t/b", "./t/e"]);
    }

    #[test]
    fn paths_meet_at_borders_only() {
        assert_eq!(ordered(&["t/a", "t/ba"], &[("x/t/ba", 1.0)]), ["t/ba", "t/a"]);
        assert_eq!(ordered(&["x/a", "ya"], &[("zya", 1.0)]), ["x/a", "ya"]);
        // The longest path that fits, not every one.
        assert_eq!(ordered(&["a", "t/a", "z"], &[("/r/t/a", 1.0)]), ["t/a", "a", "z"]);
        // The test's path is the longer one.
        assert_eq!(ordered(&["/w/t/a", "/w/t/b"], &[("t/b", 1.0)]), ["/w/t/b", "/w/t/a"]);
    }

    proptest! {
        #[test]
        fn every_test_runs_on_exactly_one_node(
            names in proptest::collection::btree_set("[a-c]{1,3}(/[a-c]{1,2}){0,2}", 0..40),
            reported in proptest::collection::vec(("[a-c]{1,3}(/[a-c]{1,2}){0,3}", 0.0f64..100.0), 0..20),
            count in 1usize..9,
        ) {
            let tests: Vec<Vec<u8>> = names.iter().map(|name| name.clone().into_bytes()).collect();
            let times: Times = reported.into_iter().map(|(path, seconds)| (path.into_bytes(), seconds)).collect();
            let mut union: Vec<_> =
                (1..=count).flat_map(|number| share(by_time(tests.clone(), &times), number, count)).collect();
            union.sort();
            prop_assert_eq!(union, tests);
        }
    }
}
