//! NOTIFY of a job that runs, against servers that the tests start.

use crate::harness::Sandbox;
use crate::servers::Http;

/// A job that runs this script and tells of everything.
fn project(script: &str, url: &str) -> Sandbox {
    let yml = format!(
        "resources:
  - name: ops
    type: notification
    integration: chat
    versionTemplate: {{method: slack, recipients: ['#ops']}}
  - name: other
    type: notification
    integration: chat
    pointer: {{method: slack, recipients: '#other'}}
  - name: lost
    type: notification
    integration: nowhere
  - name: img
    type: image
jobs:
  - name: make
    type: runSh
    steps:
      - TASK: {{script: [\"{script}\"]}}
      - NOTIFY: other
    on_start: [{{NOTIFY: ops}}]
    on_success: [{{script: echo yes}}, {{NOTIFY: ops}}]
    on_failure: [{{NOTIFY: [ops, lost, img, nobody]}}]
    on_cancel: [{{NOTIFY: ops}}]
    always: [{{NOTIFY: ops}}]
"
    );
    let mut sandbox = Sandbox::new();
    sandbox.write("work/shippable.yml", yml);
    sandbox.write("chat.yml", format!("chat: {{type: slackKey, webhookUrl: '{url}'}}\n"));
    sandbox.set("SHIPCTL_NOTIFY_TIMEOUT", "5");
    sandbox
}

fn run(sandbox: &Sandbox) -> crate::harness::Ran {
    let file = sandbox.path("chat.yml");
    sandbox.shipctl(["job", "run", "make", "--integrations", file.to_str().unwrap()])
}

/// Channel and text of each message.
fn told(server: &Http) -> Vec<(String, String)> {
    let said = server.requests().into_iter().map(|request| {
        let json = request.json();
        let text = json["attachments"][0]["text"].as_str().unwrap().to_owned();
        (json["channel"].as_str().unwrap().to_owned(), text)
    });
    said.collect()
}

fn want(messages: &[(&str, &str)]) -> Vec<(String, String)> {
    messages.iter().map(|(channel, text)| ((*channel).to_owned(), format!("[make] Build#1 {text}"))).collect()
}

#[test]
fn each_hook_tells_what_has_come_to_pass() {
    for (script, status, text) in [("true", 0, "succeeded"), ("kill -TERM $PPID; sleep 60", 143, "was cancelled")] {
        let server = Http::saying("200 OK", "ok");
        let ran = run(&project(script, &server.url("/services/secretpath")));
        assert_eq!(ran.status, status, "{}{}", ran.out(), ran.err());
        let messages = [("#ops", "has begun"), ("#ops", text), ("#ops", text), ("#other", text)];
        assert_eq!(told(&server), want(&messages), "{}", ran.err());
        assert!(!ran.err().contains("secretpath"), "{}", ran.err());
    }
}

#[test]
fn what_cannot_be_sent_is_said_and_changes_nothing() {
    let server = Http::saying("200 OK", "ok");
    let ran = run(&project("exit 7", &server.url("/x")));
    assert_eq!(ran.status, 7, "{}{}", ran.out(), ran.err());
    let messages = [("#ops", "has begun"), ("#ops", "failed"), ("#ops", "failed"), ("#other", "failed")];
    assert_eq!(told(&server), want(&messages), "{}", ran.err());
    for part in [
        "NOTIFY lost: not sent: ",
        "nowhere",
        "NOTIFY img: not sent: it is of type image, not notification (shippable.yml:",
        "NOTIFY nobody: not sent: the yml has no resource of this name",
    ] {
        assert!(ran.err().contains(part), "{part}: {}", ran.err());
    }

    let broken = Http::saying("500 Internal Server Error", "no");
    let sandbox = project("true", &broken.url("/services/secretpath"));
    let ran = run(&sandbox);
    assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    assert!(ran.err().contains("NOTIFY ops: not sent: #ops: ") && ran.err().contains("500"), "{}", ran.err());
    assert!(!ran.err().contains("secretpath"), "{}", ran.err());
    let listed = sandbox.shipctl(["version", "show", "make", "--job"]);
    assert_eq!(listed.status, 0, "{}", listed.err());
}

#[test]
fn a_run_that_keeps_nothing_tells_nobody() {
    let server = Http::saying("200 OK", "ok");
    let sandbox = project("true", &server.url("/x"));
    let file = sandbox.path("chat.yml");
    let ran = sandbox.shipctl(["job", "run", "make", "--dry-run", "--integrations", file.to_str().unwrap()]);
    assert_eq!((ran.status, server.requests().len()), (0, 0), "{}", ran.err());
}

/// What the job sets for its own notifications holds for these.
#[test]
fn words_of_the_job_win() {
    let server = Http::saying("200 OK", "ok");
    let mut sandbox = project("true", &server.url("/x"));
    sandbox.set("NOTIFY_TEXT", "look here");
    assert_eq!(run(&sandbox).status, 0);
    assert!(told(&server).iter().all(|(_, text)| text == "look here"), "{:?}", told(&server));
}
