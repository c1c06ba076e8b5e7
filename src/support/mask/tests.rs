use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

fn masker(secrets: &[&[u8]]) -> Masker {
    Masker::new(secrets).unwrap()
}

fn masked(secrets: &[&str], text: &str) -> String {
    let masker = Masker::new(secrets.iter().map(|secret| secret.as_bytes())).unwrap();
    String::from_utf8(masker.mask(text.as_bytes())).unwrap()
}

/// In pieces whose lengths `cuts` gives.
fn in_pieces(masker: &Masker, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut writer = masker.writer(Vec::new());
    let (mut rest, mut cuts) = (text, cuts.iter().cycle());
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at((*cuts.next().unwrap()).clamp(1, rest.len()));
        writer.write_all(piece).unwrap();
        writer.flush().unwrap();
        rest = tail;
    }
    writer.finish().unwrap()
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn table() {
    let key = "-----BEGIN KEY-----\nMIIEabcd\r\nxyz=\nq==\n-----END KEY-----\n";
    for (secrets, text, want) in [
        (&["hunter2"][..], "the hunter2!", "the ***!"),
        (&["abc"], "abc", "abc"),
        (&["true"], "is true", "is ***"),
        (&["abcd", "abcdef"], "abcdef abcd", "*** ***"),
        (&["abcdef", "defghi"], "<abcdefghi>", "<***>"),
        (&["abab"], "ababababx", "***x"),
        (&["abcd"], "abcabcabcd", "abcabc***"),
        (&["abcdef", "bcde"], "abcdeX abcdef", "a***X ***"),
        (&[key], "MIIEabcd\nxyz=", "***\n***"),
        (&[key], "q== MIIE", "q== MIIE"),
        (&["\nabcd\n"], "1\nabcd\n2\n", "1\n***\n2\n"),
        (&["ab\ncd\nef"], "ab\ncd\nef, ab\r\ncd\r\nef, ab\ncd", "***, ***, ab\ncd"),
        (&["a\"b\\c/d\n2345"], r#""a\"b\\c\/d\n2345" a\"b\\c/d"#, r#""***" ***"#),
        (&["pässword"], r"p\u00e4ssword p\u00E4ssword p%C3%A4ssword p%c3%a4ssword", "*** *** *** ***"),
        (&["a<b&c d"], r"a\u003cb\u0026c d a%3Cb%26c+d a%3cb%26c%20d", "*** *** ***"),
        (&["p w/x(y)"], "p+w%2Fx%28y%29 p%20w%2Fx(y) p%20w/x(y) p%20w%2fx%28y%29", "*** *** *** ***"),
        (&["it's $5"], r#"it'\''s $5 it'"'"'s $5 it\'s\ \$5 it's \$5"#, "*** *** *** ***"),
        (&["hunter2"], "eDpodW50ZXIy aHVudGVyMg== aHVudGVyMg aHVudGVyMgo=", "eDpo*** *** *** ***"),
    ] {
        let got = masked(secrets, text);
        if text.starts_with("eDpo") {
            assert!(!got.contains("dW50ZXIy") && got.ends_with("*** *** ***"), "{got}");
        } else {
            assert_eq!(got, want, "{secrets:?} in {text:?}");
        }
    }
}

#[test]
fn lines_of_base64() {
    let secret: Vec<u8> = (0..200_u8).map(|byte| byte.wrapping_mul(37)).collect();
    let whole = STANDARD.encode(&secret);
    for width in [64, 76] {
        let lines: Vec<_> = whole.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line)).collect();
        let got = masker(&[&secret]).mask(lines.join("\n").as_bytes());
        let left = got.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
        assert_eq!(left, 0, "{}", String::from_utf8_lossy(&got));
    }
}

#[test]
fn base64_of_a_larger_text_in_lines() {
    let secret = "correct horse battery";
    for before in 0..90 {
        let text = format!("{}{secret}{}", "-".repeat(before), "=".repeat(70));
        let whole = STANDARD.encode(text);
        let lines: Vec<_> = whole.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
        let got = masker(&[secret.as_bytes()]).mask(lines.join("\n").as_bytes());
        let got: Vec<u8> = got.into_iter().filter(|byte| *byte != b'\n').collect();
        let most = got.windows(8).filter(|window| holds(whole.as_bytes(), window));
        let (first, end) = (8 * before / 6, (8 * (before + secret.len())).div_ceil(6));
        for window in most {
            assert!(!holds(&whole.as_bytes()[first..end], window), "{}", String::from_utf8_lossy(&got));
        }
    }
}

#[test]
fn only_the_beginning_of_a_secret_waits() {
    let masker = masker(&[b"line one\nline two", b"hunter2"]);
    let mut stream = masker.stream();
    for (bytes, want) in [
        (&b"password: "[..], "password: "),
        (b"hun", ""),
        (b"t", ""),
        (b"er", ""),
        (b"2", "***"),
        (b"hun", ""),
        (b"g\n", "hung\n"),
        (b"line one\n", "***\n"),
        (b"line", ""),
        (b" hun", "line "),
    ] {
        let mut out = Vec::new();
        stream.feed(bytes, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), want, "after {:?}", String::from_utf8_lossy(bytes));
    }
    let mut out = Vec::new();
    stream.finish(&mut out);
    assert_eq!(out, b"hun");
}

#[test]
fn a_long_overlap_is_not_kept() {
    let masker = masker(&[b"aaaa"]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    for _ in 0..1000 {
        stream.feed(&[b'a'; 100], &mut out);
        assert!(stream.held.len() < 8);
    }
    stream.finish(&mut out);
    assert_eq!(out, b"***");
}

/// What programs make of a secret. `before` and `after` stand around it in base64.
fn spellings(secret: &[u8], before: &[u8], after: &[u8]) -> Vec<Vec<u8>> {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
    const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'!')
        .remove(b'~')
        .remove(b'*')
        .remove(b'\'')
        .remove(b'(')
        .remove(b')');
    let wide = percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let mut all = vec![
        secret.to_vec(),
        STANDARD.encode(secret).into_bytes(),
        STANDARD_NO_PAD.encode(secret).into_bytes(),
        URL_SAFE.encode(secret).into_bytes(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        STANDARD.encode([before, secret, after].concat()).into_bytes(),
        URL_SAFE_NO_PAD.encode([before, secret, after].concat()).into_bytes(),
        percent_encode(secret, COMPONENT).to_string().into_bytes(),
        wide.replace("%20", "+").into_bytes(),
        wide.into_bytes(),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        let json = serde_json::to_string(text).unwrap();
        all.push(json.replace('/', "\\/").into_bytes());
        all.push(json.into_bytes());
    }
    all
}

/// What must not be found: the spellings that stand alone, and what base64 has in common wherever it stands.
fn forbidden(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut all = spellings(secret, b"", b"");
    for spelling in &mut all {
        if spelling.starts_with(b"\"") && spelling.ends_with(b"\"") && spelling.len() > 5 && !secret.starts_with(b"\"")
        {
            *spelling = spelling[1..spelling.len() - 1].to_vec();
        }
    }
    for before in 0..3 {
        let text = STANDARD_NO_PAD.encode([&[0; 2][..before], secret].concat()).into_bytes();
        all.push(text[(8 * before).div_ceil(6)..8 * (before + secret.len()) / 6].to_vec());
    }
    all
}

fn a_secret() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-c]{4,8}".prop_map(String::into_bytes),
        "[a-zA-Z0-9+/=$'\"\\\\ äß<>&-]{4,40}".prop_map(String::into_bytes),
        "[a-z0-9]{0,6}\r?\n[a-zA-Z0-9]{4,30}(\n[a-zA-Z0-9 ]{0,20}){0,3}\n?".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>().prop_filter("no asterisk", |byte| *byte != b'*'), 4..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_comes_through(
        secrets in prop::collection::vec(a_secret(), 1..4),
        places in prop::collection::vec((any::<u8>(), any::<u8>(), "[ -)+-~\n]{0,12}"), 1..8),
        cuts in prop::collection::vec(1_usize..9, 1..6),
    ) {
        let mut text = Vec::new();
        for (which, spelling, filling) in &places {
            let secret = &secrets[usize::from(*which) % secrets.len()];
            let all = spellings(secret, filling.as_bytes(), b"after");
            text.extend_from_slice(filling.as_bytes());
            text.extend_from_slice(&all[usize::from(*spelling) % all.len()]);
        }
        let masker = Masker::new(&secrets).unwrap();
        let whole = masker.mask(&text);
        prop_assert_eq!(&in_pieces(&masker, &text, &cuts), &whole);
        prop_assert_eq!(&in_pieces(&masker, &text, &[1]), &whole);
        for secret in &secrets {
            for spelling in forbidden(secret) {
                prop_assert!(!holds(&whole, &spelling), "{:?} in {:?}", spelling, whole);
            }
            for line in secret.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
                prop_assert!(line.trim_ascii().is_empty() || line.len() < 4 || !holds(&whole, line));
            }
        }
    }

    #[test]
    fn a_text_without_secrets_is_unchanged(
        secret in "[a-z]{4,20}",
        text in prop::collection::vec(0_u8..0x30, 0..200),
        cuts in prop::collection::vec(1_usize..9, 1..6),
    ) {
        let masker = Masker::new([secret]).unwrap();
        prop_assert_eq!(in_pieces(&masker, &text, &cuts), text);
    }
}
