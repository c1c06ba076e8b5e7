//! `split_tests` over real folders, its patterns against the real `find`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::harness::{Ran, Sandbox};

fn with_tests() -> Sandbox {
    let sandbox = Sandbox::new();
    for test in ["a.test.js", "b.test.js", "sub/c.test.js", "sub/.d.test.js", "sub/e f.test.js", "sub/notes.md"] {
        sandbox.write(format!("work/tests/{test}"), "");
    }
    fs::create_dir(sandbox.path("work/tests/folder.test.js")).unwrap();
    sandbox
}

fn split(sandbox: &Sandbox, node: Option<(usize, usize)>) -> Ran {
    let mut command = sandbox.command(sandbox.path("bin/shipctl"));
    if let Some((number, count)) = node {
        command.env("SHIPPABLE_JOB_NUMBER", number.to_string()).env("SHIPPABLE_JOB_COUNT", count.to_string());
    }
    Ran::of(command.args(["split_tests", "./tests", "*.test.js", "reports"]).output().unwrap())
}

#[test]
fn by_time_and_by_name() {
    let sandbox = with_tests();
    sandbox.write(
        "work/reports/one.xml",
        r#"<testsuites><testsuite filepath="/ci/repo/tests/b.test.js" time="1"/></testsuites>"#,
    );
    sandbox.write(
        "work/reports/deep/two.xml",
        r#"<testsuite time="99"><testcase file="tests/sub/c.test.js" time="1"/><testcase file="tests/sub/c.test.js" time="2"/></testsuite>"#,
    );
    sandbox.write("work/reports/other.txt", "not a report");
    let order = ["sub/c.test.js", "b.test.js", "a.test.js", "sub/.d.test.js", "sub/e f.test.js"];
    let lines = |wanted: &[usize]| wanted.iter().flat_map(|&at| ["./tests/", order[at], "\n"]).collect::<String>();
    split(&sandbox, None).prints(lines(&[0, 1, 2, 3, 4]));
    split(&sandbox, Some((1, 2))).prints(lines(&[0, 2, 4]));
    split(&sandbox, Some((2, 2))).prints(lines(&[1, 3]));
    split(&sandbox, Some((7, 7))).prints("");
}

#[test]
fn every_test_is_one_nodes() {
    let sandbox = with_tests();
    fs::create_dir(sandbox.path("work/reports")).unwrap();
    for count in 1..=6 {
        let mut all: Vec<String> = Vec::new();
        for number in 1..=count {
            let ran = split(&sandbox, Some((number, count)));
            assert_eq!((ran.status, ran.err()), (0, String::new()));
            all.extend(ran.out().lines().map(str::to_owned));
        }
        assert_eq!(all.len(), 5, "{count} nodes: {all:?}");
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 5, "{count} nodes: {all:?}");
    }
}

#[test]
fn damaged_reports_are_left_out_by_name_and_place() {
    let sandbox = with_tests();
    sandbox.write("work/reports/bad.xml", "<testsuites>\n  <testsuite file=\"a.test.js\" time=\"9\">\n</testsuites>");
    sandbox.write("work/reports/good.xml", r#"<testsuite file="b.test.js" time="1"/>"#);
    sandbox.write("work/reports/none.xml", "");
    let ran = split(&sandbox, None);
    assert_eq!((ran.status, ran.out().lines().next()), (0, Some("./tests/b.test.js")));
    assert!(ran.err().contains("reports/bad.xml:3: byte "), "{}", ran.err());
    assert!(ran.err().contains("reports/none.xml:1: "), "{}", ran.err());
    assert_eq!(ran.err().lines().count(), 2, "{}", ran.err());
}

#[test]
fn sloppy_reports_count() {
    let sandbox = with_tests();
    let mut report = b"\xef\xbb\xbf<?xml version=\"1.0\"?><testsuite file=\"b.test.js\" time=\"1\">".to_vec();
    report.extend_from_slice(
        b"<system-out><![CDATA[\xff\x00 <not> & xml]]></system-out><failure>\xfe &nbsp;</failure></testsuite>",
    );
    sandbox.write("work/reports/raw.xml", report);
    let ran = split(&sandbox, None);
    assert_eq!((ran.out().lines().next(), ran.err()), (Some("./tests/b.test.js"), String::new()));
}

#[test]
fn what_is_missing() {
    let sandbox = with_tests();
    let ran = split(&sandbox, None);
    assert_eq!((ran.status, ran.out().lines().count()), (0, 5));
    assert!(ran.err().contains("no test reports at reports"), "{}", ran.err());
    sandbox.shipctl(["split_tests", "nowhere", "*", "reports"]).fails(99, "no tests at nowhere");
    let ran = sandbox.shipctl(["split_tests", "tests", "*.none", "reports"]);
    assert_eq!((ran.status, ran.out()), (0, String::new()));
    assert!(ran.err().contains("no test under tests"), "{}", ran.err());
    sandbox.shipctl(["split_tests", "tests", "*"]).fails(99, "Usage: shipctl split_tests TEST_PATH");
}

#[test]
fn numbers_of_nodes() {
    for (number, count, message) in [
        (Some("0"), Some("2"), "SHIPPABLE_JOB_NUMBER is `0`"),
        (Some("-1"), Some("2"), "SHIPPABLE_JOB_NUMBER is `-1`"),
        (Some("one"), Some("2"), "SHIPPABLE_JOB_NUMBER is `one`"),
        (Some("1"), Some("0"), "SHIPPABLE_JOB_COUNT is `0`"),
        (Some("3"), Some("2"), "number the nodes from 1"),
        (Some("2"), None, "SHIPPABLE_JOB_COUNT is not set"),
        (None, Some("2"), "SHIPPABLE_JOB_NUMBER is not set"),
    ] {
        let mut sandbox = with_tests();
        fs::create_dir(sandbox.path("work/reports")).unwrap();
        for (name, value) in [("SHIPPABLE_JOB_NUMBER", number), ("SHIPPABLE_JOB_COUNT", count)] {
            if let Some(value) = value {
                sandbox.set(name, value);
            }
        }
        split(&sandbox, None).fails(99, message);
    }
    let mut sandbox = with_tests();
    fs::create_dir(sandbox.path("work/reports")).unwrap();
    sandbox.set("SHIPPABLE_JOB_NUMBER", "").set("SHIPPABLE_JOB_COUNT", "1");
    assert_eq!(split(&sandbox, None).out().lines().count(), 5);
}

/// Each pattern over odd names, as `find -name` matches them; the paths spelled as it prints them.
#[test]
fn patterns_and_paths_are_finds() {
    let sandbox = Sandbox::new();
    let root = sandbox.path("work/t");
    fs::create_dir_all(root.join("in/side")).unwrap();
    let names: [&[u8]; 19] = [
        b"a",
        b"ab",
        b"abc",
        b".abc",
        b"a.js",
        b"a.jsx",
        b"[ab",
        b"]",
        b"-",
        b"{a,b}",
        b"*",
        b"a*c",
        b"a b",
        b"A",
        b"7up",
        "\u{e9}".as_bytes(),
        "a\u{e9}c".as_bytes(),
        b"\\",
        b"!",
    ];
    for (at, name) in names.iter().enumerate() {
        let folder = ["", "in", "in/side"][at % 3];
        fs::write(root.join(folder).join(OsStr::from_bytes(name)), "").unwrap();
    }
    let patterns = [
        "*",
        "?",
        "a?c",
        "*.js",
        "*.js*",
        "[ab",
        "[ab]",
        "[!ab]",
        "[^ab]",
        "[]]",
        "[]-]",
        "[a-c]",
        "[!a-c]*",
        "{a,b}",
        "\\*",
        "a\\*c",
        "*\\**",
        "[[:digit:]]*",
        "[[:upper:]]",
        "[[:alpha:]][[:alpha:]]",
        "a*c",
        ".*",
        "*b*",
        "[\\\\]",
        "[!]a]",
        "**",
        "?*c",
        "\\a",
        "[a-]",
        "*[ ]*",
    ];
    for folder in ["t", "t/", "./t", ".", "t/in", "./t//in"] {
        for pattern in patterns {
            let found =
                Ran::of(sandbox.command("find").args([folder, "-type", "f", "-name", pattern]).output().unwrap());
            let mut want: Vec<_> = found.stdout.split_inclusive(|&byte| byte == b'\n').collect();
            want.sort_by_key(|line| &line[..line.len() - 1]);
            let ran = sandbox.shipctl(["split_tests", folder, pattern, "/nonexistent"]);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(text(&ran.stdout), text(&want.concat()), "{folder} {pattern}: {}", ran.err());
        }
    }
}

#[test]
fn a_link_to_a_test_is_a_test_and_loops_end() {
    let sandbox = with_tests();
    fs::create_dir(sandbox.path("work/reports")).unwrap();
    std::os::unix::fs::symlink("a.test.js", sandbox.path("work/tests/link.test.js")).unwrap();
    std::os::unix::fs::symlink("nowhere", sandbox.path("work/tests/dangling.test.js")).unwrap();
    std::os::unix::fs::symlink("..", sandbox.path("work/tests/sub/up")).unwrap();
    let out = split(&sandbox, None).out();
    assert!(out.contains("./tests/link.test.js\n") && !out.contains("dangling") && !out.contains("/up/"), "{out}");
}
