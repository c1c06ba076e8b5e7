//! What `job exec` and `job run` let through: no secret, however it is spelled and wherever a write ends; and every line
//! as soon as it is there.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use crate::harness::{Ran, Sandbox, tool};

/// Secrets from a param, from an integration and from a key, each in a variable of the caller.
const YML: &str = r#"
resources:
  - name: settings
    type: params
    versionTemplate: {params: {secure: {TOKEN: "env:ORIGINAL_0"}}}
jobs:
  - name: print
    type: runSh
    integrations: [words, deploy_key]
    steps:
      - IN: settings
      - TASK:
          script:
            - |
              [ "$TOKEN" = "$ORIGINAL_0" ] && [ "$WORDS_INTEGRATION_WORD" = "$ORIGINAL_1" ] || echo different
            - sh "$PIECES/print.sh"
    always: {script: sh "$PIECES/print.sh"}
"#;

const INTEGRATIONS: &str = r#"
words: {type: keyValuePair, envs: {WORD: "env:ORIGINAL_1"}}
deploy_key: {type: pem-key, key: "env:ORIGINAL_2"}
"#;

/// What a command prints of a secret, and where: text around it, the spelling, the places where a write ends.
#[derive(Debug, Clone)]
struct Print {
    secret: usize,
    spelling: usize,
    before: String,
    cuts: Vec<usize>,
    to_stderr: bool,
    pause: bool,
}

const SPELLINGS: usize = 9;

fn percent(text: &str, kept: &str, blank: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => blank.to_owned(),
        _ if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// A secret as programs write it.
fn spelled(secret: &str, spelling: usize) -> String {
    match spelling {
        0 => secret.to_owned(),
        1 => secret.lines().map(|line| format!("  {line}\n")).collect(),
        2 => STANDARD.encode(secret),
        3 => URL_SAFE_NO_PAD.encode(secret),
        4 => STANDARD.encode(format!("user:{secret}")),
        5 => percent(secret, "-_.~", "%20"),
        6 => percent(secret, "*-._", "+"),
        7 => json(secret),
        _ => json(&format!("{{\"key\": \"{}\"}}", json(secret))),
    }
}

/// What must not be seen of it.
fn traces(secret: &str) -> Vec<String> {
    let mut all: Vec<String> = [0, 2, 3, 5, 6, 7].map(|spelling| spelled(secret, spelling)).into();
    all.push(json(&json(secret)));
    all.extend(secret.lines().map(|line| line.trim().to_owned()));
    // The letters that are the same whatever follows and comes before by three bytes.
    all.push(STANDARD.encode(&secret.as_bytes()[..secret.len() / 3 * 3]));
    // "user:" is five bytes: the first letters of the secret's share one with it.
    let inner = STANDARD.encode(format!("user:{secret}"));
    all.push(inner[7..(4 * (5 + secret.len()) / 3).max(7)].to_owned());
    all.retain(|trace| trace.len() >= 4);
    all
}

fn prints() -> impl Strategy<Value = Vec<Print>> {
    let print =
        (0..3_usize, 0..SPELLINGS, "[ a-z.=\n]{0,6}", prop::collection::vec(1..9_usize, 1..4), any::<[bool; 3]>());
    let print = print.prop_map(|(secret, spelling, before, cuts, [to_stderr, pause, sparse])| Print {
        secret,
        spelling,
        before,
        // A write of a few bytes, or of most of it.
        cuts: if sparse { vec![cuts[0], 1 << 10] } else { cuts },
        to_stderr,
        pause,
    });
    prop::collection::vec(print, 1..5)
}

/// Four bytes and more; no word that a message of ours has, and no mask.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[0-9A-Z!-),-/:-@\\[-`{-~][ -),-~]{2,20}[0-9A-Z!-),-/:-@\\[-`{-~]",
        1 => "[0-9A-Z]{4}",
        1 => "[0-9A-Zäöß€😀\"\\\\/%+& ']{4,12}",
    ]
}

fn key() -> impl Strategy<Value = String> {
    let line = "[0-9A-Z+/]{3,40}=?";
    prop::collection::vec(line, 1..5)
        .prop_map(|lines| format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}

/// The files that hold what is written at once, and the script that writes them.
fn prepare(sandbox: &mut Sandbox, secrets: &[String], prints: &[Print]) {
    let mut script = String::new();
    let mut number = 0;
    for print in prints {
        let text = format!("{}{}\n", print.before, spelled(&secrets[print.secret], print.spelling));
        let traces = traces(&secrets[print.secret]);
        assert!(traces.iter().any(|trace| text.contains(trace)), "{text} tells nothing of {print:?}");
        let (mut rest, mut cuts) = (text.as_bytes(), print.cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at((*cuts.next().unwrap()).clamp(1, rest.len()));
            sandbox.write(format!("pieces/{number}"), piece);
            script += &format!("cat \"$PIECES/{number}\"{}\n", if print.to_stderr { " >&2" } else { "" });
            // So that what has been written is read on its own.
            script += if print.pause && number % 4 == 0 { "sleep 0.01\n" } else { "" };
            (rest, number) = (tail, number + 1);
        }
    }
    sandbox.write("pieces/print.sh", script + "echo end\n");
    let pieces = sandbox.path("pieces");
    sandbox.set("PIECES", pieces);
}

fn check(ran: &Ran, secrets: &[String], ends: usize) {
    let (out, err) = (ran.out(), ran.err());
    assert_eq!(ran.status, 0, "{out}{err}");
    assert_eq!(out.matches("end\n").count(), ends, "{out}{err}");
    assert!(!out.contains("different") && out.contains("***") | err.contains("***"), "{out}{err}");
    for trace in secrets.iter().flat_map(|secret| traces(secret)) {
        for (name, text) in [("output", &out), ("errors", &err)] {
            assert!(!text.contains(&trace), "{trace:?} is in the {name}: {text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_comes_through(first in secret(), second in secret(), key in key(), prints in prints()) {
        let secrets = [first, second, key];
        let mut sandbox = Sandbox::new();
        for (number, secret) in secrets.iter().enumerate() {
            sandbox.set(format!("ORIGINAL_{number}"), secret);
        }
        sandbox.write("work/shippable.yml", YML);
        sandbox.write("work/ints.yml", INTEGRATIONS);
        prepare(&mut sandbox, &secrets, &prints);
        check(&sandbox.shipctl(["job", "run", "print", "--integrations", "ints.yml"]), &secrets, 2);
        let ran = sandbox.shipctl(["job", "init", "print", "--dir", "d", "--integrations", "ints.yml"]);
        assert_eq!(ran.status, 0, "{}", ran.err());
        let script = "printf '%s\\n' \"$TOKEN\" \"$WORDS_INTEGRATION_WORD\"; sh \"$PIECES/print.sh\"";
        check(&sandbox.shipctl(["job", "exec", "--dir", "d", "--", "sh", "-c", script]), &secrets, 1);
    }
}

/// A child whose output is read as it comes; ended, should a line not come for a minute.
struct Streaming {
    child: Child,
    lines: mpsc::Receiver<Vec<u8>>,
}

impl Streaming {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            loop {
                let bytes = output.fill_buf().unwrap().to_vec();
                output.consume(bytes.len());
                if bytes.is_empty() || sender.send(bytes).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Everything up to this text.
    #[track_caller]
    fn until(&mut self, wanted: &str) -> String {
        let mut seen = Vec::new();
        while !seen.ends_with(wanted.as_bytes()) {
            match self.lines.recv_timeout(Duration::from_mins(1)) {
                Ok(bytes) => seen.extend(bytes),
                Err(error) => {
                    let _ = self.child.kill();
                    panic!("{wanted:?} has not come, but {:?}: {error}", String::from_utf8_lossy(&seen));
                }
            }
        }
        String::from_utf8(seen).unwrap()
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fifo(path: &Path) {
    assert!(Command::new(tool("mkfifo")).arg(path).status().unwrap().success());
}

/// Prints a line and the beginning of a secret, and does not go on before somebody has read that. A gate that the last
/// one has not closed yet ends at once.
const PAUSING: &str = "pause() { until read x < gate; do :; done; }
printf 'a line\\n'; pause; printf 'see: hunt'; pause; printf 'er2!\\n'; pause; printf 'see: hunt'; pause; echo ing; pause";

fn streams(sandbox: &Sandbox, words: &[&str], gate: &Path) {
    let mut command = sandbox.command(sandbox.path("bin/shipctl"));
    command.args(words);
    let mut child = Streaming::start(command);
    for wanted in ["a line\n", "see: ", "***!\n", "see: ", "hunting\n"] {
        let seen = child.until(wanted);
        assert!(!seen.contains("hunter2") && (wanted == "a line\n" || seen == wanted), "{seen:?}");
        // The script waits at the gate: whatever has been seen was seen before it went on.
        fs::write(gate, "go on\n").unwrap();
    }
    assert!(child.child.wait().unwrap().success());
}

#[test]
fn what_is_printed_is_seen_at_once() {
    let mut sandbox = Sandbox::new();
    sandbox.set("ORIGINAL_0", "hunter2").set("ORIGINAL_1", "unused").set("ORIGINAL_2", "unused");
    sandbox.write("work/shippable.yml", YML.replacen("- sh \"$PIECES/print.sh\"", "- cd $PIECES; . ./pausing.sh", 1));
    sandbox.write("work/ints.yml", INTEGRATIONS);
    sandbox.write("pieces/pausing.sh", PAUSING);
    sandbox.write("pieces/print.sh", "");
    let pieces = sandbox.path("pieces");
    sandbox.set("PIECES", &pieces);
    fifo(&pieces.join("gate"));
    streams(&sandbox, &["job", "run", "print", "--integrations", "ints.yml"], &pieces.join("gate"));
    let init = ["job", "init", "print", "--dir", "d", "--integrations", "ints.yml"];
    assert_eq!(sandbox.shipctl(init).status, 0);
    let exec = ["job", "exec", "--dir", "d", "--", "sh", "-c", "cd $PIECES; . ./pausing.sh"];
    streams(&sandbox, &exec, &pieces.join("gate"));
}

#[test]
fn standard_error_is_seen_at_once_too() {
    let mut sandbox = Sandbox::new();
    sandbox.set("ORIGINAL_0", "hunter2").set("ORIGINAL_1", "unused").set("ORIGINAL_2", "unused");
    sandbox.write("work/shippable.yml", YML);
    sandbox.write("work/ints.yml", INTEGRATIONS);
    fifo(&sandbox.path("gate"));
    let init = ["job", "init", "print", "--dir", "d", "--integrations", "ints.yml"];
    assert_eq!(sandbox.shipctl(init).status, 0);
    let mut command = sandbox.command(sandbox.path("bin/shipctl"));
    let script = "echo \"an error of $TOKEN\" >&2; read x < ../../gate; echo $x";
    command.args(["job", "exec", "--dir", "d", "--", "sh", "-c", script]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "an error of ***\n");
    fs::write(sandbox.path("gate"), "go on\n").unwrap();
    let mut rest = String::new();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), child.wait().unwrap().code()), ("go on\n", Some(0)));
}
