//! The event file of GitHub Actions: what the webhook said, which the variables leave out.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;

use super::variables::commit_id;
use super::{Host, Person, PullRequest, Release};
use crate::ctx::Env;
use crate::error::{Error, Kind};

/// The variable that names the file.
const EVENT_FILE: &str = "GITHUB_EVENT_PATH";

/// Adds what the file says, where there is one.
pub fn add(host: &mut Host, env: &Env) -> Result<(), Error> {
    let Some(path) = env.get_filled(EVENT_FILE) else { return Ok(()) };
    let path = Path::new(&path);
    let content = match fs::read(path) {
        Ok(content) => content,
        // A container that was given the variables need not have the file.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let path = path.display();
            host.notes
                .push(format!("GITHUB_EVENT_PATH names {path}, which is not here: facts of the event are missing"));
            return Ok(());
        }
        Err(error) => return Err(Error::io("read", path, &error)),
    };
    let event: Value = serde_json::from_slice(&content).map_err(|error| {
        let path = path.display();
        let message =
            format!("{path}, which GITHUB_EVENT_PATH names, is no JSON: {error}; unset the variable or mend the file");
        Error::new(Kind::Configuration, message)
    })?;
    merge(host, &event);
    Ok(())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn person(value: &Value) -> Option<Person> {
    let login = text(&value["username"]).or_else(|| text(&value["login"]));
    Person::new(login, text(&value["name"]), text(&value["email"]))
}

/// Puts `new` in the place of what is there, if it says anything.
fn set<T>(place: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *place = new;
    }
}

fn merge(host: &mut Host, event: &Value) {
    let facts = &mut host.event;
    let repository = &event["repository"];
    set(&mut facts.repository.full_name, text(&repository["full_name"]));
    set(&mut facts.repository.ssh_url, text(&repository["ssh_url"]));
    set(&mut facts.repository.https_url, text(&repository["clone_url"]));
    set(&mut facts.repository.is_private, repository["private"].as_bool());
    set(&mut facts.repository.is_fork, repository["fork"].as_bool());
    // A repeated run has an actor of its own; the sender is who caused the event.
    if host.actor.is_none() {
        host.actor = text(&event["sender"]["login"]);
    }
    if let Some(actor) = &host.actor {
        let pusher = &event["pusher"];
        let email = (pusher["name"].as_str() == Some(actor)).then(|| text(&pusher["email"])).flatten();
        facts.triggered_by = Some(Person { login: Some(actor.clone()), name: Some(actor.clone()), email });
    }
    merge_push(host, event);
    merge_pull_request(host, event);
    merge_release(host, event);
}

fn merge_push(host: &mut Host, event: &Value) {
    let facts = &mut host.event;
    let commit = &event["head_commit"];
    if !commit.is_object() {
        return;
    }
    set(&mut facts.before, text(&event["before"]).and_then(commit_id));
    set(&mut facts.compare_url, text(&event["compare"]));
    set(&mut facts.commit_url, text(&commit["url"]));
    set(&mut facts.message, text(&commit["message"]));
    set(&mut facts.committer, person(&commit["committer"]));
    set(&mut facts.author, person(&commit["author"]));
    // The branch that a tag was pushed with, where GitHub knows it.
    if facts.branch.is_none() {
        facts.branch = event["base_ref"].as_str().and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned);
    }
}

fn merge_pull_request(host: &mut Host, event: &Value) {
    let facts = &mut host.event;
    let pull = &event["pull_request"];
    let Some(number) = pull["number"].as_u64().or_else(|| event["number"].as_u64()) else { return };
    if !pull.is_object() {
        return;
    }
    let known = facts.pull_request.take().unwrap_or_default();
    facts.pull_request = Some(PullRequest {
        number: number.to_string(),
        base: text(&pull["base"]["ref"]).or(known.base),
        head: text(&pull["head"]["ref"]).or(known.head),
        // A fork that was deleted since has no repository.
        repository: text(&pull["head"]["repo"]["full_name"]),
        is_closed: event["action"] == "closed",
    });
    set(&mut facts.branch, text(&pull["base"]["ref"]));
    set(&mut facts.before, text(&pull["base"]["sha"]).and_then(commit_id));
    set(&mut facts.compare_url, text(&pull["html_url"]).map(|url| format!("{url}/files")));
    if let Some(head) = text(&pull["head"]["sha"]).and_then(commit_id)
        && facts.commit.as_ref() != Some(&head)
    {
        facts.checked_out = facts.commit.replace(head);
    }
}

fn merge_release(host: &mut Host, event: &Value) {
    let facts = &mut host.event;
    let release = &event["release"];
    let Some(tag) = text(&release["tag_name"]) else { return };
    facts.release = Some(Release {
        name: text(&release["name"]).or_else(|| Some(tag.clone())),
        body: text(&release["body"]),
        released_at: text(&release["published_at"]).or_else(|| text(&release["created_at"])),
    });
    facts.tag = Some(tag);
    // A release may name a commit in place of a branch.
    let target = text(&release["target_commitish"]).filter(|target| commit_id(target.clone()).is_none());
    set(&mut facts.branch, target);
}
