//! What is printed must be what jq 1.6 prints.

use shipctl::support::json::{Error, Path, Query, print_in};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The jq to compare with.
fn jq() -> std::path::PathBuf {
    crate::harness::tool("jq")
}

fn check_version() {
    let output = Command::new(jq()).arg("--version").output();
    let output = output.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "jq-1.6");
}

/// What jq prints, or `None` when it fails.
fn theirs(document: &[u8], field: &str) -> Option<Vec<u8>> {
    let mut jq = Command::new(jq())
        .args(["-r", &format!(".{field}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = jq.stdin.take().unwrap();
    // A program that does not compile ends jq before it reads anything.
    let _ = stdin.write_all(document);
    drop(stdin);
    let output = jq.wait_with_output().unwrap();
    output.status.success().then_some(output.stdout)
}

fn ours(document: &[u8], query: &Query) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    print_in(document, query, &mut out).map(|_| out)
}

/// Compares one case; what differs, if anything.
fn compare(document: &[u8], field: &str) -> Option<String> {
    let theirs = theirs(document, field);
    let ours = ours(document, &Query::under("", field));
    let same = match (&theirs, &ours) {
        (Some(theirs), Ok(ours)) => theirs == ours,
        (None, Err(_)) => true,
        _ => false,
    };
    let show = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    (!same).then(|| {
        format!(
            "{} with {field:?}:\n  jq:   {:?}\n  ours: {:?}\n",
            show(document),
            theirs.as_deref().map(show),
            ours.as_deref().map(show),
        )
    })
}

/// Compares many cases, a few at a time, as jq takes its time to start.
fn compare_all(cases: &[(Vec<u8>, String)]) {
    check_version();
    let next = AtomicUsize::new(0);
    let differing: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let claim = || cases.get(next.fetch_add(1, Ordering::Relaxed));
            std::iter::from_fn(claim).filter_map(|(document, field)| compare(document, field)).collect::<Vec<_>>()
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.concat());
}

#[test]
fn prints_what_jq_prints() {
    let mut shared = "";
    let mut cases = Vec::new();
    for line in include_str!("../json_parity.tsv").lines() {
        if line.starts_with("# ") {
            continue;
        }
        let (document, field) = line.rsplit_once('\t').unwrap();
        match document {
            "=S" => shared = field,
            "S" => cases.push((shared.as_bytes().to_vec(), field.to_owned())),
            document => cases.push((document.as_bytes().to_vec(), field.to_owned())),
        }
    }
    assert!(cases.len() > 600, "only {} cases were read", cases.len());
    compare_all(&cases);
}

#[test]
fn mends_broken_text_as_jq_does() {
    let texts: [&[u8]; 16] = [
        b"\"\xE2a\"",
        b"\"\xE2ab\"",
        b"\"\xE2\\n\"",
        b"\"\xED\xA0\x80\"",
        b"\"\xC0\x80\"",
        b"\"\xF4\x90\x80\x80\"",
        b"\"\xF5\x80\x80\x80\"",
        b"\"\xF0\x9F\x98\"",
        b"\"\xF0\x9F\x98\\u0041\"",
        b"\"\x80\xBFa\xFF\"",
        b"[\"\xE2\x82\xAC\xE2\x82\"]",
        b"{\"\xFF\":1,\"\xFE\":2}",
        b"{\"a\":{\"\xFF\":\"\xC3\"}}",
        b"\xEF\xBB\xBF{\"a\":\"\xEF\xBB\xBF\"}",
        b"\xEF\xBB[1]",
        b"\"\xE0\x80\x80\xE1\x80b\"",
    ];
    let fields = ["", "a?", "|tojson"];
    let cases = texts.iter().flat_map(|text| fields.map(|f| (text.to_vec(), f.to_owned())));
    compare_all(&cases.collect::<Vec<_>>());
}

#[test]
fn nests_as_deeply_as_jq() {
    let mut cases = Vec::new();
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        for n in [84, 85, 86, 127, 128, 129, 255, 256, 257] {
            for inner in ["1", "[]", "{}"] {
                let text = format!("{}{inner}{}", open.repeat(n), close.repeat(n));
                cases.push((text.into_bytes(), String::new()));
            }
        }
    }
    compare_all(&cases);
}

/// The document, the FIELD, what jq 1.6 prints (if it does not fail), what we print.
type Case = (&'static str, &'static str, Option<&'static str>, Option<&'static str>);

/// Where we are meant to differ, and where we are known to.
#[test]
fn known_differences() {
    check_version();
    let cases: &[Case] = &[
        // Numbers are not rounded.
        ("12345678901234567890", "", Some("12345678901234567000\n"), Some("12345678901234567890\n")),
        ("[1.10,1e2]", "[0]", Some("1.1\n"), Some("1.10\n")),
        ("[1.10,1e2]", "[]", Some("1.1\n100\n"), Some("1.10\n1e2\n")),
        ("1e1000", "", Some("1.7976931348623157e+308\n"), Some("1e1000\n")),
        ("1.50", "|tojson", Some("1.5\n"), Some("1.50\n")),
        ("\"1.50\"", "|fromjson", Some("1.5\n"), Some("1.50\n")),
        ("[9007199254740993,9007199254740992]", "|unique|length", Some("1\n"), Some("2\n")),
        ("null", "|100000000000000000000", Some("1e+20\n"), Some("100000000000000000000\n")),
        // Keys in plain paths.
        ("{\"a-b\":{\"0c\":1}}", "a-b.0c", None, Some("1\n")),
        ("{\"a-b\":[5]}", "a-b[0]", None, Some("5\n")),
        ("{\"1\":2}", "1", Some("0.1\n"), Some("2\n")),
        ("{\"a\":[1]}", "a.[0]", None, Some("1\n")),
        // Strict JSON.
        ("01", "", Some("1\n"), None),
        (".5", "", Some("0.5\n"), None),
        ("5.", "", Some("5\n"), None),
        ("+1", "", Some("1\n"), None),
        ("NaN", "", Some("null\n"), None),
        ("\u{c}1", "", Some("1\n"), None),
        ("\"\\ud800\"", "", None, Some("\u{FFFD}\n")),
        // Filters.
        ("[1,2,3,4]", "[] |= empty", Some("[\n  2,\n  4\n]\n"), Some("[]\n")),
        ("null", "|if 1 then 2 end", None, Some("2\n")),
        ("null", "|.1", Some("0.1\n"), None),
        ("[{\"a\":1}]", "[] as {$a} ?// [$a] | $a", Some("1\n"), None),
        ("[1,2]", "|first(.[])|=5", Some("[\n  5,\n  2\n]\n"), None),
        ("null", "|try ({(1): 2}) catch .", None, Some("Cannot use number (1) as object key\n")),
        ("null", "|builtins|type", Some("array\n"), None),
    ];
    for (document, field, jqs, expected) in cases {
        let found = theirs(document.as_bytes(), field);
        let found = found.map(|text| String::from_utf8(text).unwrap());
        assert_eq!(found.as_deref(), *jqs, "jq, {document} with {field}");
        let found = ours(document.as_bytes(), &Query::under("", field)).ok();
        let found = found.map(|text| String::from_utf8(text).unwrap());
        assert_eq!(found.as_deref(), *expected, "ours, {document} with {field}");
    }
}

#[test]
fn filters_under_a_prefix_bind_as_one_text() {
    let document = br#"{"version":{"propertyBag":{"list":[1,2],"a":null,"k-v":3}}}"#;
    let bag = ".version.propertyBag";
    for (field, expected) in [
        ("list | length", "2\n"),
        ("list[]", "1\n2\n"),
        ("a // \"b\"", "b\n"),
        ("k-v", "3\n"),
        ("[\"k-v\"] + 1", "4\n"),
        ("list[0] + 1, 7", "2\n7\n"),
    ] {
        let found = ours(document, &Query::under(bag, field)).unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), expected, "{field}");
    }
}

#[test]
fn nothing_is_printed_on_errors() {
    for (document, field) in
        [("{\"a\":1}{\"a\":2", "a"), ("{\"a\":1} [2]", "a"), ("[1,\"x\"]", "[] | . + 1"), ("1 {", "| .")]
    {
        let mut out = Vec::new();
        let query = Query::under("", field);
        assert!(print_in(document.as_bytes(), &query, &mut out).is_err());
        assert!(out.is_empty(), "{document} with {field}");
    }
}

#[test]
fn hostile_filters_fail_in_order() {
    let deep = format!("|{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("|{}1", "-".repeat(15_000));
    let many = "|1".repeat(100_000);
    for (field, fails) in [
        (deep.as_str(), true),
        (long.as_str(), false),
        (many.as_str(), true),
        ("| import \"x\" as x; 1", true),
        ("| include \"x\"; 1", true),
        ("| @unknown", true),
        ("| input", true),
        ("| [inputs]", false),
        ("| halt", false),
        ("| halt_error", true),
        ("| $__prog_args", true),
        ("| [limit(3; repeat(1))]", false),
        ("| reduce range(100000) as $i (0; [.]) | 1", false),
        ("| [range(100000)] | length", false),
        ("| \"x\" * 1e12", true),
        ("| [.[1e12] = 1]", true),
        ("| \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\" | test(\"^(a|aa)+\\\\1$\")", true),
    ] {
        let found = ours(b"null", &Query::under("", field));
        let start: String = field.chars().take(60).collect();
        assert_eq!(found.is_err(), fails, "{start}: {found:?}");
    }
}

#[test]
fn plain_paths_do_not_start_the_engine() {
    assert!(matches!(Query::under("", "a.b[0].\"c d\""), Query::Plain(_)));
    assert!(matches!(Query::under(".version.propertyBag", "x-y"), Query::Plain(_)));
    assert!(matches!(Query::under("", "a | b"), Query::Filter(_)));
    let path = Path::of_keys(["version", "a.b"]).join(Path::parse("c[0]").unwrap());
    let query = Query::Plain(path);
    let document = br#"{"version":{"a.b":{"c":["found"]}}}"#;
    assert_eq!(ours(document, &query).unwrap(), b"found\n");
}
