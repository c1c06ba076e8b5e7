//! `notify`, against real servers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Ran, Sandbox};
use crate::servers::{Authority, Dns, Http, Irc, IrcTalk, Recorded, Reply};

/// The secret that each integration has.
const TOKEN: &str = "t0ken/+Value";

/// A job with one notification resource `alert`.
fn job(integration: &Value, property_bag: &Value) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let version = json!({"type": "notification", "version": {"propertyBag": property_bag}});
    sandbox.write("job/IN/alert/version.json", version.to_string());
    if !integration.is_null() {
        sandbox.write("job/IN/alert/integration.json", integration.to_string());
    }
    sandbox.write("job/message.json", "{}");
    let root = sandbox.path("job");
    for (name, value) in [
        ("JOB_NAME", "deploy"),
        ("JOB_TYPE", "runSh"),
        ("BUILD_NUMBER", "42"),
        ("BUILD_URL", "https://ci.test/b/42"),
        ("SHIPPABLE_WWW_URL", "https://www.test"),
        ("SHIPCTL_NOTIFY_TIMEOUT", "10"),
    ] {
        sandbox.set(name, value);
    }
    sandbox.set("JOB_PATH", root);
    sandbox
}

fn slack(url: &str, recipients: &Value) -> Sandbox {
    job(&json!({"masterName": "slackKey", "webhookUrl": url}), &json!({"method": "slack", "recipients": recipients}))
}

fn webhook(url: &str) -> Sandbox {
    let integration = json!({"masterName": "webhookV2", "webhookURL": url, "authorization": format!("Bearer {TOKEN}")});
    job(&integration, &json!({"recipients": ["#ignored"]}))
}

fn service(kind: &str, url: &str) -> Sandbox {
    let url = format!("{url}/");
    let integration = json!({"masterName": kind, "url": url, "token": TOKEN, "username": "bot@x.org"});
    job(&integration, &json!({"recipients": ["7"]}))
}

/// Succeeded, and said only this, on standard error.
#[track_caller]
fn says(ran: &Ran, messages: &[&str]) {
    let lines: Vec<_> = messages.iter().map(|message| format!("shipctl: notify alert: {message}\n")).collect();
    assert_eq!((ran.status, ran.out(), ran.err()), (0, String::new(), lines.concat()));
}

/// Failed in one line that holds these, and no secret.
#[track_caller]
fn fails(ran: &Ran, messages: &[&str]) {
    for message in messages {
        ran.fails(99, message);
    }
    assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
    assert!(!ran.err().contains(TOKEN), "{}", ran.err());
}

#[test]
fn slack_gets_one_message_per_recipient() {
    let server = Http::saying("200 OK", "ok");
    let sandbox = slack(&server.url("/services/T0/B0/secretpath"), &json!(["#ops", "@me"]));
    let origin = server.url("");
    let answered = format!("{origin} answered 200 OK: ok");
    says(&sandbox.shipctl(["notify", "alert"]), &[&format!("#ops: {answered}"), &format!("@me: {answered}")]);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for (request, channel) in requests.iter().zip(["#ops", "@me"]) {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/services/T0/B0/secretpath"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        let said = request.json();
        let pretext = said["attachments"][0]["pretext"].as_str().unwrap();
        // Such as `Wed Jan  2 03:04:05 UTC 2019`, as date prints it.
        let date = sandbox.command("date").args(["-d", pretext.trim_end()]).env("LC_ALL", "C").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&date.stdout), pretext);
        let text = "[deploy] <https://ci.test/b/42|Build#42>";
        let want = json!({
            "username": "Shippable",
            "attachments": [{"pretext": pretext, "text": text, "color": "#65cea7"}],
            "channel": channel,
            "icon_url": "https://www.test/images/slack-aye-aye-yoga.png",
        });
        assert_eq!(said, want);
    }
}

#[test]
fn the_date_is_in_the_time_zone_of_the_machine() {
    let server = Http::saying("200 OK", "ok");
    let mut sandbox = slack(&server.url("/x"), &json!([]));
    for zone in ["", "UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Berlin", "Asia/Kolkata", "<+0330>-3:30"] {
        sandbox.set("TZ", zone);
        assert_eq!(sandbox.shipctl(["notify", "alert"]).status, 0);
        let said = server.requests().pop().unwrap().json();
        let said = said["attachments"][0]["pretext"].as_str().unwrap().trim_end().to_owned();
        // What date says now, and what it said a moment ago, when the second has just changed.
        let now = ["now", "-1 second", "-2 second"].map(|when| {
            let date = sandbox.command("date").args(["-d", when]).env("LC_ALL", "C").output().unwrap();
            String::from_utf8(date.stdout).unwrap().trim_end().to_owned()
        });
        assert!(now.contains(&said), "TZ={zone:?}: {said} is none of {now:?}");
    }
}

#[test]
fn recipients_are_a_list_one_or_none() {
    let server = Http::saying("200 OK", "ok");
    for (recipients, want) in [(json!("#one"), vec!["#one"]), (json!([]), vec![""]), (json!(null), vec![""])] {
        let before = server.requests().len();
        let ran = slack(&server.url("/x"), &recipients).shipctl(["notify", "alert"]);
        assert_eq!(ran.status, 0, "{}", ran.err());
        let channels: Vec<_> = server.requests()[before..].iter().map(|it| it.json()["channel"].clone()).collect();
        assert_eq!(channels, want);
    }
    let sandbox = slack(&server.url("/x"), &json!(["#a", "#b"]));
    assert_eq!(sandbox.shipctl(["notify", "alert", "--recipient", "#c"]).status, 0);
    assert_eq!(server.requests().last().unwrap().json()["channel"], "#c");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn options_win_over_the_environment_and_any_text_arrives() {
    let server = Http::saying("200 OK", "ok");
    let mut sandbox = slack(&server.url("/x"), &json!(["#ops"]));
    let text = "say \"hi\" \\ $(touch owned) `id` 'é ☃' \t\nline 2\u{1} ${HOME} %s </b>";
    sandbox.set("NOTIFY_TEXT", "from the environment").set("NOTIFY_COLOR", "#000").set("NOTIFY_PRETEXT", "");
    sandbox.set("NOTIFY_ICON_URL", "https://i/c.png").set("NOTIFY_USERNAME", "env");
    let ran = sandbox.shipctl(["send_notification", "alert", "--text", text, "--username=--a=b", "--pretext=p"]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    let said = server.only().json();
    assert_eq!(said["attachments"], json!([{"pretext": "p", "text": text, "color": "#000"}]));
    assert_eq!((&said["username"], &said["icon_url"]), (&json!("--a=b"), &json!("https://i/c.png")));
    assert!(!sandbox.path("work/owned").exists());
}

#[test]
fn what_is_no_option_is_warned_of() {
    let server = Http::saying("200 OK", "ok");
    let sandbox = slack(&server.url("/x"), &json!(["#ops"]));
    let ran = sandbox.shipctl(["notify", "alert", "--txt=a", "word", "--text=b"]);
    assert_eq!((ran.status, ran.out()), (0, String::new()));
    assert!(ran.err().contains("option --txt is not known and is ignored; did you mean text?"), "{}", ran.err());
    assert!(ran.err().contains("word is not an option and is ignored"), "{}", ran.err());
    assert_eq!(server.only().json()["attachments"][0]["text"], "b");
    sandbox.shipctl(["notify", "alert", "--text"]).fails(99, "--text needs a value");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_webhook_gets_one_message_and_the_header() {
    let server = Http::saying("202 Accepted", "");
    let mut sandbox = webhook(&server.url("/hook?key=0123456789"));
    sandbox.set("JOB_TYPE", "runCI").set("REPO_FULL_NAME", "org/app").set("BRANCH", "main");
    let ran = sandbox.shipctl(["notify", "alert", "--pretext=p", "--recipient=r"]);
    says(&ran, &[&format!("{} answered 202 Accepted", server.url(""))]);
    let request = server.only();
    assert_eq!(request.target, "/hook?key=0123456789");
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    let want = json!({
        "username": "Shippable",
        "pretext": "p",
        "text": "[org/app:main] <https://ci.test/b/42|Build#42>",
        "color": "#65cea7",
        "recipient": "r",
        "icon_url": "https://www.test/images/slack-aye-aye-yoga.png",
    });
    assert_eq!(request.json(), want);
    assert_eq!(sandbox.shipctl(["notify", "alert"]).status, 0);
    assert_eq!(server.requests()[1].json()["recipient"], "");
}

#[test]
fn the_environment_wins_over_the_integration() {
    let server = Http::saying("200 OK", "ok");
    let mut sandbox = webhook("http://127.0.0.1:1/not-this");
    sandbox.set("ALERT_INTEGRATION_WEBHOOKURL", server.url("/env\n")).set("ALERT_INTEGRATION_AUTHORIZATION", "");
    assert_eq!(sandbox.shipctl(["notify", "alert"]).status, 0);
    assert_eq!((server.only().target.as_str(), server.only().header("authorization")), ("/env", None));
}

#[test]
fn a_payload_is_sent_byte_for_byte() {
    let server = Http::saying("200 OK", "ok");
    let sandbox = slack(&server.url("/x"), &json!(["#a", "#b"]));
    let payload = b" { \"b\" : 1e400,\r\n\t\"a\":[ 1.0,\"\\u00e9 $(id) \xe2\x98\x83\"] }\n\n";
    sandbox.write("work/pay load.json", payload);
    let ran = sandbox.shipctl(["notify", "alert", "--payload", "pay load.json"]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(server.only().body, payload);

    sandbox.write("work/bad.json", "{\"a\": }");
    fails(&sandbox.shipctl(["notify", "alert", "--payload=bad.json"]), &["payload file bad.json is not valid JSON: "]);
    fails(
        &sandbox.shipctl(["notify", "alert", "--payload=no.json"]),
        &["payload file no.json cannot be read: No such"],
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn every_recipient_is_tried_and_the_failed_ones_are_named() {
    let server = Http::start(|request| match request.json()["channel"].as_str() {
        Some("#b") => Reply::of("404 Not Found", "channel_not_found"),
        _ => Reply::of("200 OK", "ok"),
    });
    let ran = slack(&server.url("/x"), &json!(["#a", "#b", "#c"])).shipctl(["notify", "alert"]);
    let origin = server.url("");
    let message = format!(
        "notify alert: 1 of 3 recipients were not notified: #b: {origin} answered 404 Not Found: channel_not_found"
    );
    ran.fails(99, &message);
    assert_eq!(ran.err().lines().count(), 3);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn secrets_are_masked_in_what_a_server_says() {
    let said = format!(
        "<html>\n<b>{TOKEN}</b> t0ken%2F%2BValue t0ken\\/+Value \x1b[31m {} /hooks/verysecretpath</html>{}",
        "dDBrZW4vK1ZhbHVl",
        "x".repeat(4000)
    );
    let server = Http::saying("500 Internal Server Error", &said);
    let sandbox = webhook(&server.url("/hooks/verysecretpath"));
    let ran = sandbox.shipctl(["notify", "alert"]);
    let shown = format!(
        "{} answered 500 Internal Server Error: <html> <b>***</b> *** *** \u{fffd}[31m *** ***</html>x",
        server.url("")
    );
    fails(&ran, &[&shown]);
    assert!(!ran.err().contains("verysecretpath") && ran.err().len() < 1400, "{}", ran.err());
}

#[test]
fn servers_that_do_not_answer() {
    for (server, within, want) in [
        (Http::start(|_| Reply::Silence), "0.3", "no answer within 0.3 s"),
        (Http::start(|_| Reply::Close), "10", "the connection was closed before an answer"),
        (Http::resetting(), "10", "Connection reset by peer"),
    ] {
        let mut sandbox = slack(&server.url("/services/verysecret"), &json!(["#ops"]));
        sandbox.set("SHIPCTL_NOTIFY_TIMEOUT", within);
        let started = Instant::now();
        let ran = sandbox.shipctl(["notify", "alert"]);
        assert!(started.elapsed() < Duration::from_secs(8));
        fails(&ran, &[want, &format!("notify alert: #ops: {}: ", server.url(""))]);
        assert!(!ran.err().contains("verysecret"), "{}", ran.err());
        // Nothing is said twice.
        assert!(server.requests().len() <= 1);
    }
    let gone = Http::saying("200 OK", "").address();
    let sandbox = slack(&format!("http://{gone}/x"), &json!(["#ops"]));
    fails(&sandbox.shipctl(["notify", "alert"]), &["Connection refused"]);
}

#[test]
fn a_redirected_post_is_reported() {
    let other = Http::saying("200 OK", "ok");
    let location = other.url("/elsewhere/secretpath");
    let server =
        Http::start(move |_| Reply::Answer("307 Temporary Redirect", vec![("Location", location.clone())], Vec::new()));
    let ran = slack(&server.url("/x"), &json!(["#ops"])).shipctl(["notify", "alert"]);
    fails(&ran, &[&format!("answered 307 Temporary Redirect, a redirect to {}, which is not followed", other.url(""))]);
    assert!(other.requests().is_empty());
    // On the same host neither: a POST could be said twice.
    let server = Http::start(|_| Reply::Answer("308 Permanent Redirect", vec![("Location", "/y".into())], Vec::new()));
    let ran = slack(&server.url("/x"), &json!(["#ops"])).shipctl(["notify", "alert"]);
    fails(&ran, &["answered 308 Permanent Redirect, a redirect to another path, which is not followed"]);
    assert_eq!(server.only().target, "/x");
}

#[test]
fn a_key_is_not_taken_to_another_host() {
    let other = Http::start(new_relic);
    let location = other.url("/v2/applications.json");
    let server = Http::start(move |_| Reply::Answer("302 Found", vec![("Location", location.clone())], Vec::new()));
    let sandbox = service("newRelicKey", &server.url("/v2"));
    let ran = sandbox.shipctl(DEPLOYMENT.iter().chain(&["--appName=a"]));
    fails(&ran, &[&format!("answered 302 Found, a redirect to {}, which is not followed", other.url(""))]);
    assert!(other.requests().is_empty());
}

#[test]
fn resources_that_cannot_be_notified() {
    let unset = |kind: &str| job(&json!({"masterName": kind}), &json!({"recipients": ["7"]}));
    let alert = |sandbox: &Sandbox| sandbox.shipctl(["notify", "alert"]);
    unset("slackKey").shipctl(["notify"]).fails(99, "Usage: shipctl notify RESOURCE");
    fails(&unset("slackKey").shipctl(["notify", "alrt"]), &["resource data not found for alrt; did you mean alert?"]);
    fails(&alert(&unset("slackKey")), &["no endpoint found in resource alert"]);
    fails(&alert(&unset("webhook")), &["no endpoint found in resource alert"]);
    fails(&alert(&unset("hipchat")), &["unsupported notification type: hipchat"]);
    fails(&alert(&job(&Value::Null, &json!({"method": "email"}))), &["unsupported notification type: "]);
    fails(&alert(&unset("newRelicKey")), &["no url found in resource alert", "ALERT_INTEGRATION_URL is not set"]);
    let mut typed = unset("slackKey");
    fails(&alert(typed.set("ALERT_TYPE", "image")), &["resource alert is not of type 'notification'"]);
    fails(&alert(&slack("hooks.test/secretpath", &json!([]))), &["the URL of resource alert is not one"]);
    fails(
        &alert(slack("http://127.0.0.1:1/x", &json!([])).set("SHIPCTL_NOTIFY_TIMEOUT", "soon")),
        &["SHIPCTL_NOTIFY_TIMEOUT=soon"],
    );
}

const DEPLOYMENT: [&str; 6] =
    ["notify", "alert", "--type=deployment", "--revision=r1", "--description=say \"d\"", "--changelog=c\nd"];

fn new_relic(request: &Recorded) -> Reply {
    match request.method.as_str() {
        "GET" if request.target.contains("nothing") => Reply::of("200 OK", r#"{"applications": []}"#),
        "GET" if request.target.contains("moved") => {
            let location = request.target.replace("/v2/", "/v3/").replace("moved", "my");
            Reply::Answer("302 Found", vec![("Location", location)], Vec::new())
        }
        "GET" => {
            let found = json!([{"id": 5, "name": "my app & co staging"}, {"id": 6, "name": "my app & co"}]);
            Reply::of("200 OK", json!({"applications": found}).to_string())
        }
        _ if request.target.contains("/8/") => Reply::of("201 Created", "{}"),
        _ => Reply::of("201 Created", r#"{"deployment": {"id": 99}}"#),
    }
}

#[test]
fn new_relic_by_name() {
    let server = Http::start(new_relic);
    let sandbox = service("newRelicKey", &server.url("/v2"));
    let ran = sandbox.shipctl(DEPLOYMENT.iter().chain(&["--appName", "my app & co"]));
    says(&ran, &["Deployment Id: 99"]);
    let [find, record] = server.requests().try_into().unwrap();
    assert_eq!(find.target, "/v2/applications.json?filter%5Bname%5D=my%20app%20%26%20co&exclude_links=true");
    assert_eq!((record.method.as_str(), record.target.as_str()), ("POST", "/v2/applications/6/deployments.json"));
    for request in [&find, &record] {
        assert_eq!(request.header("x-api-key"), Some(TOKEN));
    }
    let want =
        json!({"deployment": {"revision": "r1", "description": "say \"d\"", "user": "Shippable", "changelog": "c\nd"}});
    assert_eq!(record.json(), want);

    // A GET may be redirected on its own host.
    says(&sandbox.shipctl(DEPLOYMENT.iter().chain(&["--appName=moved app"])), &["Deployment Id: 99"]);
    assert_eq!(server.requests()[3].target, "/v3/applications.json?filter%5Bname%5D=my%20app&exclude_links=true");
    let ran = sandbox.shipctl(DEPLOYMENT.iter().chain(&["--appName=nothing"]));
    fails(&ran, &["no application is named nothing: ", "answered 200 OK: {\"applications\": []}"]);
}

#[test]
fn new_relic_by_id() {
    let server = Http::start(new_relic);
    let mut sandbox = service("newRelicKey", &server.url("/v2"));
    sandbox.set("NOTIFY_APPID", "7");
    says(&sandbox.shipctl(DEPLOYMENT), &["Deployment Id: 99"]);
    assert_eq!(server.only().target, "/v2/applications/7/deployments.json");
    fails(
        &sandbox.shipctl(DEPLOYMENT.iter().chain(&["--appId=8"])),
        &["no deployment was recorded: ", "answered 201 Created: {}"],
    );
    fails(&sandbox.shipctl(["notify", "alert"]), &["--type is missing: New Relic needs --type=VALUE (or NOTIFY_TYPE)"]);
    fails(&sandbox.shipctl(["notify", "alert", "--type=d"]), &["--revision is missing"]);
    sandbox.write("work/p.json", "[1]");
    says(&sandbox.shipctl(["notify", "alert", "--payload=p.json"]), &["Deployment Id: 99"]);
    assert_eq!(server.requests()[2].body, b"[1]");
    sandbox.set("NOTIFY_APPID", "");
    fails(&sandbox.shipctl(DEPLOYMENT), &["--appId or --appName is missing"]);
}

#[test]
fn airbrake() {
    let server = Http::saying("201 Created", "{}");
    let mut sandbox = service("airBrakeKey", &server.url("/api/v4"));
    sandbox.set("NOTIFY_ENVIRONMENT", "prod");
    let options = ["notify", "alert", "--type=deploy", "--email=a@b", "--repository=r", "--revision=1", "--version=v"];
    says(&sandbox.shipctl(options), &[&format!("project 7: {} answered 201 Created: {{}}", server.url(""))]);
    let request = server.only();
    assert_eq!(request.target, "/api/v4/projects/7/deploys?key=t0ken%2F%2BValue");
    let want = json!({
        "environment": "prod", "username": "Shippable", "email": "a@b", "repository": "r", "revision": "1", "version": "v",
    });
    assert_eq!(request.json(), want);
    assert_eq!(sandbox.shipctl(options.iter().chain(&["--project-id=9"])).status, 0);
    assert!(server.requests()[1].target.starts_with("/api/v4/projects/9/deploys?"));
    fails(&sandbox.shipctl(["notify", "alert"]), &["--type is missing"]);
    fails(&sandbox.shipctl(["notify", "alert", "--type=build"]), &["--type=build: unsupported type"]);
    let nobody = json!({"masterName": "airBrakeKey", "url": server.url("/"), "token": TOKEN});
    fails(&job(&nobody, &json!({})).shipctl(options), &["--project-id is missing"]);
}

const ISSUE: [&str; 6] =
    ["notify", "alert", "--project-id=OPS", "--type=Bug", "--summary=It \"broke\"", "--description=d"];

#[test]
fn jira_with_an_attachment() {
    let server = Http::start(|request| match request.target.as_str() {
        "/rest/issue" => Reply::of("201 Created", r#"{"id": "1", "key": "OPS-1"}"#),
        _ => Reply::of("200 OK", "[]"),
    });
    let sandbox = service("jira", &server.url("/rest"));
    let content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    sandbox.write("work/log \"1\".txt", &content);
    let ran = sandbox.shipctl(ISSUE.iter().chain(&["--attach-file", "log \"1\".txt"]));
    says(&ran, &["issue OPS-1 with log \"1\".txt"]);
    let [issue, attachment] = server.requests().try_into().unwrap();
    let want = json!({
        "project": {"key": "OPS"}, "issuetype": {"name": "Bug"}, "summary": "It \"broke\"", "description": "d",
    });
    assert_eq!(issue.json(), json!({"fields": want}));
    for request in [&issue, &attachment] {
        // bot@x.org:t0ken/+Value
        assert_eq!(request.header("authorization"), Some("Basic Ym90QHgub3JnOnQwa2VuLytWYWx1ZQ=="));
    }
    assert_eq!(attachment.target, "/rest/issue/OPS-1/attachments");
    assert_eq!(attachment.header("x-atlassian-token"), Some("nocheck"));
    let boundary = attachment.header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"log %221%22.txt\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let form = [head.as_bytes(), &content, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
    assert!(attachment.body == form);
}

#[test]
fn jira_that_fails() {
    let server = Http::start(|request| match (request.target.as_str(), request.json()["fields"]["summary"].as_str()) {
        ("/rest/issue", Some("odd")) => Reply::of("200 OK", "{}"),
        ("/rest/issue", _) => Reply::of("401 Unauthorized", "Basic Ym90QHgub3JnOnQwa2VuLytWYWx1ZQ== is wrong"),
        _ => Reply::of("500 Oops", ""),
    });
    let sandbox = service("jira", &server.url("/rest"));
    for (missing, at) in [("project-id", 2), ("type", 3), ("summary", 4)] {
        let mut options = ISSUE.to_vec();
        options.remove(at);
        fails(&sandbox.shipctl(options), &[&format!("--{missing} is missing: Jira needs --{missing}=VALUE")]);
    }
    fails(
        &sandbox.shipctl(ISSUE.iter().chain(&["--attach-file=none.txt"])),
        &["--attach-file=none.txt cannot be read, so nothing was posted: No such file"],
    );
    fails(&sandbox.shipctl(ISSUE.iter().chain(&["--attach-file=."])), &["not a plain file"]);
    assert!(server.requests().is_empty());
    fails(&sandbox.shipctl(ISSUE), &["answered 401 Unauthorized: Basic *** is wrong"]);
    fails(&sandbox.shipctl(ISSUE.iter().chain(&["--summary=odd"])), &["no issue was made: ", "answered 200 OK: {}"]);
    let unset = job(&json!({"masterName": "jira", "url": server.url("/"), "token": TOKEN}), &json!({}));
    fails(&unset.shipctl(ISSUE), &["no username found in resource alert"]);
}

#[test]
fn jira_keeps_an_issue_without_its_attachment() {
    let server = Http::start(|request| match request.target.as_str() {
        "/issue" => Reply::of("201 Created", r#"{"key": "OPS-1"}"#),
        _ => Reply::of("413 Payload Too Large", "too big"),
    });
    let sandbox = service("jira", &server.url(""));
    sandbox.write("work/a.txt", "");
    let ran = sandbox.shipctl(ISSUE.iter().chain(&["--attach-file=a.txt"]));
    fails(&ran, &["issue OPS-1 is made, but a.txt could not be attached: ", "answered 413 Payload Too Large: too big"]);
}

fn irc(recipients: &Value) -> Sandbox {
    let mut sandbox = job(&Value::Null, &json!({"method": "irc", "recipients": recipients}));
    sandbox.set("USER", "ci");
    sandbox
}

/// An ordinary server: a ping before the welcome, and a JOIN that is echoed.
fn ordinary(talk: &mut IrcTalk) {
    talk.hear("USER ");
    talk.say(":irc.test NOTICE * :*** Looking up your hostname");
    talk.say("PING :prove it");
    talk.hear("PONG ");
    talk.say(":irc.test 001 Shippable-42 :Welcome");
    talk.say(":irc.test 376 Shippable-42 :End of MOTD");
    let channel = talk.hear("JOIN ").unwrap();
    talk.say(&format!(":Shippable-42!~ci@host JOIN {channel}"));
    talk.hear("QUIT");
    talk.say("ERROR :Closing Link: host (Quit)");
}

#[test]
fn irc_goes_on_when_the_server_says_so() {
    let server = Irc::start(ordinary);
    let place = format!("{}#ops", server.address());
    says(&irc(&json!([place])).shipctl(["notify", "alert"]), &[&format!("{place}: sent")]);
    let want = [
        "PASS none",
        "NICK Shippable-42",
        "USER ci 0 * :Shippable-42",
        "PONG :prove it",
        "JOIN #ops",
        "NOTICE #ops :[deploy] Build #42 https://ci.test/b/42",
        "QUIT",
    ];
    assert_eq!(server.lines(), want);
}

#[test]
fn irc_text_is_split_and_cannot_be_a_command() {
    let server = Irc::start(ordinary);
    let place = format!("{}#ops", server.address());
    let long = "é☃".repeat(400);
    let text = format!("one\r\nQUIT\n\0PRIVMSG\r{long}");
    let sandbox = irc(&json!("not.used#x"));
    let ran = sandbox.shipctl(["notify", "alert", "--recipient", &place, "--text", &text[..10], "--password=a b"]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    let mut by_environment = sandbox.command(sandbox.path("bin/shipctl"));
    // An argument cannot hold a NUL; a long text can come by the environment.
    by_environment.env("NOTIFY_TEXT", text.replace('\0', "")).args(["notify", "alert", "--recipient", &place]);
    assert_eq!(Ran::of(by_environment.output().unwrap()).status, 0);
    let lines = server.lines();
    assert_eq!(lines[0], "PASS :a b");
    let notices: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("NOTICE #ops :")).collect();
    assert_eq!(notices[..5], ["one", "QUIT", "one", "QUIT", "PRIVMSG"]);
    assert_eq!(notices[5..].concat(), long);
    assert!(notices.len() > 8 && lines.iter().all(|line| line.len() <= 510));
    assert_eq!(lines.iter().filter(|line| *line == "QUIT").count(), 2);
}

#[test]
fn irc_takes_another_nick() {
    let server = Irc::start(|talk| {
        talk.hear("USER ");
        talk.say(":irc.test 433 * Shippable-42 :Nickname is already in use");
        talk.hear("NICK ");
        talk.say(":irc.test 433 * Shippable-42_ :Nickname is already in use");
        talk.hear("NICK ");
        talk.say(":irc.test 001 Shippable-42__ :Welcome");
        talk.hear("JOIN ");
        // Somebody else's JOIN is not ours.
        talk.say(":other!o@host JOIN #ops");
        talk.say(":irc.test 353 Shippable-42__ = #ops :Shippable-42__");
        talk.say(":irc.test 366 Shippable-42__ #ops :End of /NAMES list");
        talk.hear("QUIT");
    });
    let ran = irc(&json!([format!("{}#ops", server.address())])).shipctl(["notify", "alert", "--text=t"]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(
        server.lines()[3..],
        ["NICK Shippable-42_", "NICK Shippable-42__", "JOIN #ops", "NOTICE #ops :t", "QUIT"]
    );
}

#[test]
fn irc_refusals_are_told_in_the_servers_words() {
    type Script = fn(&mut IrcTalk);
    let cases: [(Script, &str); 5] = [
        (
            |talk| drop((talk.hear("USER "), talk.say(":s 464 * :Password incorrect, not hunter2"))),
            "refused us: 464 Password incorrect, not ***",
        ),
        (
            |talk| drop((talk.hear("USER "), talk.say("ERROR :Closing Link: K-lined"))),
            "refused us: ERROR Closing Link: K-lined",
        ),
        (
            |talk| {
                talk.hear("USER ");
                talk.say(":s 001 me :hi");
                talk.hear("JOIN ");
                // Somebody else's JOIN lets nobody in.
                talk.say(":other!u@h JOIN #ops");
                talk.say(":s 474 me #ops :Cannot join channel (+b)");
                talk.hear("never");
            },
            "does not let us into #ops: 474 #ops Cannot join channel (+b)",
        ),
        (
            |talk| {
                talk.hear("USER ");
                talk.say(":s 001 me :hi");
                talk.hear("JOIN ");
                talk.say(":me!u@h JOIN #ops");
                talk.hear("QUIT");
                talk.say(":s 404 me #ops :Cannot send to channel");
            },
            "does not pass on what we say: 404 #ops Cannot send to channel",
        ),
        (|talk| drop(talk.hear("USER ")), "the server closed the connection before welcoming us"),
    ];
    for (script, message) in cases {
        let server = Irc::start(script);
        let sandbox = irc(&json!([format!("{}#ops", server.address())]));
        let ran = sandbox.shipctl(["notify", "alert", "--password=hunter2"]);
        fails(&ran, &[message]);
        assert!(!ran.err().contains("hunter2"));
    }
}

#[test]
fn irc_that_hangs_and_recipients_that_are_none() {
    let server = Irc::start(|talk| drop(talk.hear("never")));
    let good = Irc::start(ordinary);
    let mut sandbox = irc(&json!([format!("{}#a", server.address()), format!("{}#b", good.address())]));
    sandbox.set("SHIPCTL_NOTIFY_TIMEOUT", "1.5");
    let ran = sandbox.shipctl(["notify", "alert"]);
    ran.fails(
        99,
        &format!(
            "1 of 2 recipients were not notified: {}#a: the server took more than 1.5 s for welcoming us",
            server.address()
        ),
    );
    assert!(good.lines().contains(&"JOIN #b".to_owned()));
    let ran = irc(&json!(["host", format!("{}#c", good.address())])).shipctl(["notify", "alert"]);
    ran.fails(99, "1 of 2 recipients were not notified: no channel found in recipient host: expected SERVER#CHANNEL");
    assert!(good.lines().contains(&"JOIN #c".to_owned()));
    fails(&irc(&json!([])).shipctl(["notify", "alert"]), &["no recipients in resource alert"]);
    fails(&irc(&json!(["host"])).shipctl(["notify", "alert"]), &["no channel found in recipient host"]);
    fails(&irc(&json!(["#a"])).shipctl(["notify", "alert"]), &["no server address found in recipient #a"]);
}

#[test]
fn names_are_looked_up_without_the_c_library() {
    let dns = Dns::knowing("hooks.example.test");
    let server = Http::saying("200 OK", "ok");
    let port = server.address().port();
    let mut sandbox = slack(&format!("http://hooks.example.test:{port}/x"), &json!(["#ops"]));
    sandbox.set("SHIPCTL_DNS", dns.address().to_string());
    let ran = sandbox.shipctl(["notify", "alert"]);
    says(&ran, &[&format!("#ops: http://hooks.example.test:{port} answered 200 OK: ok")]);
    assert_eq!(server.only().header("host"), Some(format!("hooks.example.test:{port}").as_str()));
    assert!(dns.asked().contains(&"hooks.example.test".to_owned()));

    sandbox.set("ALERT_INTEGRATION_WEBHOOKURL", "http://no.example.test/x");
    fails(
        &sandbox.shipctl(["notify", "alert"]),
        &["the address of no.example.test is not known: there is no such name"],
    );
    sandbox.set("ALERT_INTEGRATION_WEBHOOKURL", "http://refused.example.test/x");
    fails(&sandbox.shipctl(["notify", "alert"]), &["refused.example.test is not known: the name server answered "]);
    let irc_server = Irc::start(ordinary);
    let place = format!("hooks.example.test:{}#ops", irc_server.address().port());
    let mut sandbox = irc(&json!([place]));
    sandbox.set("SHIPCTL_DNS", dns.address().to_string());
    says(&sandbox.shipctl(["notify", "alert"]), &[&format!("{place}: sent")]);
    // This machine is known without asking.
    let before = dns.asked().len();
    sandbox.set("NOTIFY_RECIPIENT", format!("localhost:{}#ops", irc_server.address().port()));
    assert_eq!(sandbox.shipctl(["notify", "alert"]).status, 0);
    assert_eq!(dns.asked().len(), before);
}

#[test]
fn a_name_server_that_is_silent() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut sandbox = slack("http://hooks.example.test/x", &json!(["#ops"]));
    sandbox.set("SHIPCTL_DNS", silent.local_addr().unwrap().to_string()).set("SHIPCTL_NOTIFY_TIMEOUT", "0.4");
    fails(&sandbox.shipctl(["notify", "alert"]), &["hooks.example.test"]);
    sandbox.set("SHIPCTL_DNS", "ns.test");
    fails(&sandbox.shipctl(["notify", "alert"]), &["SHIPCTL_DNS=ns.test: not an address"]);
}

#[test]
fn https_trusts_the_authorities_of_the_machine_alone() {
    let (ours, other) = (Authority::new("ours"), Authority::new("another"));
    let server = Http::start_tls(ours.server("localhost"), |_| Reply::of("200 OK", "ok"));
    let port = server.address().port();
    let mut sandbox = slack(&format!("https://localhost:{port}/secretpath"), &json!(["#ops"]));
    let (ours, other) = (sandbox.write("ours.pem", &ours.pem), sandbox.write("other.pem", &other.pem));
    sandbox.set("SSL_CERT_FILE", &ours);
    says(&sandbox.shipctl(["notify", "alert"]), &[&format!("#ops: https://localhost:{port} answered 200 OK: ok")]);
    assert_eq!(server.only().target, "/secretpath");

    sandbox.set("SSL_CERT_FILE", &other);
    let ran = sandbox.shipctl(["notify", "alert"]);
    fails(&ran, &["its certificate is of an authority that this machine does not trust: set SSL_CERT_FILE"]);
    sandbox.set("SSL_CERT_FILE", sandbox.path("none.pem"));
    fails(&sandbox.shipctl(["notify", "alert"]), &["no certificates to trust", "set SSL_CERT_FILE"]);
    sandbox.set("SSL_CERT_FILE", &ours);
    sandbox.set("ALERT_INTEGRATION_WEBHOOKURL", format!("https://127.0.0.1:{port}/secretpath"));
    fails(&sandbox.shipctl(["notify", "alert"]), &["its certificate is not valid: "]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn proxies_of_the_environment() {
    let authority = Authority::new("ours");
    let tls = Http::start_tls(authority.server("hooks.example.test"), |_| Reply::of("200 OK", "ok"));
    let plain = Http::saying("200 OK", "ok");
    let (to_tls, to_plain) = (tls.address(), plain.address());
    let proxy = Http::start(move |request| match request.target.as_str() {
        "hooks.example.test:443" => Reply::Tunnel(to_tls),
        "hooks.example.test:80" => Reply::Tunnel(to_plain),
        _ => Reply::of("403 Forbidden", "denied"),
    });
    let mut sandbox = slack("https://hooks.example.test/x", &json!(["#ops"]));
    let pem = sandbox.write("ca.pem", &authority.pem);
    sandbox.set("SSL_CERT_FILE", pem).set("HTTPS_PROXY", format!("http://me:pass-word@{}", proxy.address()));
    says(&sandbox.shipctl(["notify", "alert"]), &["#ops: https://hooks.example.test answered 200 OK: ok"]);
    assert_eq!((proxy.only().method.as_str(), tls.only().target.as_str()), ("CONNECT", "/x"));
    // me:pass-word
    assert_eq!(proxy.only().header("proxy-authorization"), Some("Basic bWU6cGFzcy13b3Jk"));

    sandbox.set("http_proxy", proxy.url("")).set("ALERT_INTEGRATION_WEBHOOKURL", "http://hooks.example.test/y");
    says(&sandbox.shipctl(["notify", "alert"]), &["#ops: http://hooks.example.test answered 200 OK: ok"]);
    assert_eq!(plain.only().target, "/y");

    sandbox.set("ALERT_INTEGRATION_WEBHOOKURL", "https://denied.test/x");
    let ran = sandbox.shipctl(["notify", "alert"]);
    fails(&ran, &["https://denied.test: the proxy refused (through the proxy 127.0.0.1:", "403"]);
    assert!(!ran.err().contains("pass-word"), "{}", ran.err());
    let asked = proxy.requests().len();
    sandbox.set("NO_PROXY", "example.test,127.0.0.1").set("ALERT_INTEGRATION_WEBHOOKURL", plain.url("/z"));
    assert_eq!(sandbox.shipctl(["notify", "alert"]).status, 0);
    assert_eq!((plain.requests()[1].target.as_str(), proxy.requests().len()), ("/z", asked));
}
