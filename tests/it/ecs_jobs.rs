//! Deploy jobs, run against the scripted ECS one after the other, and what becomes of them.

use std::fmt::Write as _;

use crate::ecs_server::{Ecs, Scenario};
use crate::harness::{Ran, Sandbox};

/// A deploy job `d` of one manifest `m`, which has one image `web`, with whatever else.
#[derive(Debug, Clone, Copy, Default)]
pub struct Yml<'a> {
    /// More resources, a line each.
    pub resources: &'a str,
    /// More jobs, a line each.
    pub jobs: &'a str,
    /// More steps of the manifest: `, {IN: o}`.
    pub manifest: &'a str,
    /// More steps of the deploy job.
    pub deploy: &'a str,
    /// Keys of the deploy job: `, method: upgrade`.
    pub job: &'a str,
    /// The cluster; `prod` where it is empty.
    pub cluster: &'a str,
}

impl Yml<'_> {
    pub fn text(self) -> String {
        let Self { resources, jobs, manifest, deploy, job, cluster } = self;
        let cluster = if cluster.is_empty() { "prod" } else { cluster };
        format!(
            "resources:
  - {{name: c, type: cluster, pointer: {{sourceName: {cluster}, region: us-east-1}}}}
  - {{name: web, type: image, pointer: {{sourceName: org/web}}, seed: {{versionName: v1}}}}
{resources}jobs:
  - {{name: m, type: manifest, steps: [{{IN: web}}{manifest}]}}
{jobs}  - {{name: d, type: deploy, steps: [{{IN: m}}, {{IN: c}}{deploy}]{job}}}
"
        )
    }
}

/// A sandbox and its ECS.
pub struct Bench {
    pub ecs: Ecs,
    pub sandbox: Sandbox,
}

impl Bench {
    pub fn new(scenario: Scenario) -> Self {
        let ecs = Ecs::start(scenario);
        let sandbox = ecs.sandbox();
        Self { ecs, sandbox }
    }

    /// One whose job is this.
    pub fn of(scenario: Scenario, yml: Yml) -> Self {
        let bench = Self::new(scenario);
        bench.job(yml);
        bench
    }

    /// The job, from here on.
    pub fn job(&self, yml: Yml) {
        self.sandbox.write("work/shippable.yml", yml.text());
    }

    /// Runs `shipctl ecs …` with the caller's own credentials; its calls are those that are looked at then.
    pub fn run(&mut self, words: &str) -> Ran {
        self.ecs.forget_calls();
        let words: Vec<&str> = ["ecs"].into_iter().chain(words.split_whitespace()).chain(["--ambient"]).collect();
        self.ecs.run(&mut self.sandbox, &words)
    }

    /// A deployment of build `number`, which has to succeed.
    #[track_caller]
    pub fn deploys(&mut self, number: usize, more: &str) -> Ran {
        let ran = self.run(&format!("deploy d --build-number {number} {more}"));
        assert_eq!(ran.status, 0, "{}", ran.err());
        ran
    }

    /// What becomes of `shipctl ecs …`: its exit status, notes, what it says at last, the calls, what is there then.
    pub fn tale(&mut self, words: &str) -> String {
        let ran = self.run(words);
        let mut tale = format!("exit {}\n", ran.status);
        for note in notes(&ran) {
            let _ = writeln!(tale, "note: {note}");
        }
        let said = if ran.status == 0 { ran.out() } else { format!("{}\n", last(&ran)) };
        let _ = write!(tale, "{said}\n{}\n{}", self.ecs.transcript(), self.ecs.world());
        tale
    }

    /// The same of a deployment of build `number`.
    pub fn deploy(&mut self, number: usize, more: &str) -> String {
        self.tale(&format!("deploy d --build-number {number} {more}"))
    }
}

/// The notes of a run, without their times.
pub fn notes(ran: &Ran) -> Vec<String> {
    ran.err().lines().filter_map(|line| Some(line.split_once("note: ")?.1.to_owned())).collect()
}

/// What it said last on standard error.
pub fn last(ran: &Ran) -> String {
    ran.err().lines().last().unwrap_or_default().to_owned()
}

/// The same without the words of AWS and the cure.
pub fn brief(ran: &Ran) -> String {
    let said = last(ran);
    let (Some((head, _)), Some((_, tail))) = (said.split_once(": User:"), said.rsplit_once("what is needed")) else {
        return said;
    };
    format!("{head} \u{2026}{tail}")
}
