//! A job of the yml: its steps, tasks and hooks.

use super::Problem;
use crate::config::yaml::{Node, Place, Value};
use crate::job::directory::Operation;

/// A name, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Where.
    pub at: Place,
}

/// An entry of a script: one line, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What bash is given.
    pub text: String,
    /// Where it begins.
    pub at: Place,
}

/// An `IN` or `OUT` step.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// Which of both.
    pub operation: Operation,
    /// The resource or job.
    pub name: String,
    /// Where.
    pub at: Place,
    /// The whole step, options and all.
    pub step: Node,
}

impl Dependency {
    /// An option of the step, such as `versionName`.
    pub fn option(&self, key: &str) -> Option<&Node> {
        self.step.get(key).filter(|node| !node.is_null())
    }

    /// An option that is true; texts count as JavaScript would take them.
    pub fn is_set(&self, key: &str) -> bool {
        self.option(key).is_some_and(|node| match &node.value {
            Value::Bool(value) => *value,
            Value::Text(text) => !text.is_empty(),
            _ => true,
        })
    }

    /// `scopes`, with `configure` first, each once.
    pub fn scopes(&self) -> Vec<String> {
        let mut scopes = vec!["configure".to_owned()];
        for scope in self.option("scopes").map(texts).unwrap_or_default() {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }
}

/// A text, or the texts of a list.
fn texts(node: &Node) -> Vec<String> {
    match &node.value {
        Value::List(elements) => elements.iter().filter_map(Node::scalar).collect(),
        _ => node.scalar().into_iter().collect(),
    }
}

/// A `TASK` step.
#[derive(Debug, Clone)]
pub struct Task {
    /// `name`, when there is one.
    pub name: Option<String>,
    /// Its entries, lists in lists written out; empty for a managed job.
    pub scripts: Vec<Script>,
    /// What is under `TASK`.
    pub yml: Node,
}

impl Task {
    /// `runtime.options.env`: a map, or a list of maps.
    pub fn env(&self) -> Vec<&Node> {
        let options = self.yml.get("runtime").and_then(|runtime| runtime.get("options"));
        match options.and_then(|options| options.get("env")) {
            Some(env) if env.elements().is_empty() => vec![env],
            Some(env) => env.elements().iter().collect(),
            None => Vec::new(),
        }
    }

    /// What is under `secure` in it.
    pub fn secure_env(&self) -> impl Iterator<Item = &Node> {
        self.env().into_iter().filter_map(|map| map.get(crate::job::params::SECURE))
    }
}

/// A step.
#[derive(Debug, Clone)]
pub enum Step {
    /// `IN` or `OUT`.
    Dependency(Dependency),
    /// `TASK`.
    Task(Task),
    /// `NOTIFY`.
    Notify(Named),
}

/// What runs, and who is told, at one point of a job.
#[derive(Debug, Clone, Default)]
pub struct Hook {
    /// Entries.
    pub scripts: Vec<Script>,
    /// Resources of type notification.
    pub notify: Vec<Named>,
}

/// The hooks of a job.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    /// Before the first TASK; tells only.
    pub on_start: Hook,
    /// After the last TASK succeeded.
    pub on_success: Hook,
    /// After a TASK failed.
    pub on_failure: Hook,
    /// After cancel or timeout.
    pub on_cancel: Hook,
    /// After one of these.
    pub always: Hook,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// Its type, such as `runSh`.
    pub kind: String,
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// The job's own integrations.
    pub integrations: Vec<Named>,
    /// Hooks.
    pub hooks: Hooks,
    /// The whole entry.
    pub yml: Node,
}

impl Job {
    /// `IN` and `OUT` steps, in order.
    pub fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.steps.iter().filter_map(|step| match step {
            Step::Dependency(dependency) => Some(dependency),
            _ => None,
        })
    }

    /// `TASK` steps, in order.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.steps.iter().filter_map(|step| match step {
            Step::Task(task) => Some(task),
            _ => None,
        })
    }

    /// `timeoutMinutes`, of the job's `runtime` or of the job.
    pub fn timeout_minutes(&self) -> Option<f64> {
        let inside = self.yml.get("runtime").and_then(|runtime| runtime.get("timeoutMinutes"));
        inside.or_else(|| self.yml.get("timeoutMinutes"))?.scalar()?.parse().ok()
    }

    /// Whether runs of this job may overlap: `triggerMode: parallel`.
    pub fn is_parallel(&self) -> bool {
        self.yml.get("triggerMode").and_then(Node::as_text) == Some("parallel")
    }

    /// Reads an entry of `jobs:`; what is wrong in it comes back beside what could be read.
    pub(super) fn read(entry: &Node, name: &str, kind: &str) -> (Self, Vec<Problem>) {
        let mut parts = Parts { name, problems: Vec::new() };
        let steps = match entry.get("steps") {
            Some(steps) => parts.steps(steps),
            None => Vec::new(),
        };
        let integrations = entry.get("integrations").map(|list| parts.names(list, "integrations")).unwrap_or_default();
        let hooks = Hooks {
            on_start: parts.hook(entry, "on_start"),
            on_success: parts.hook(entry, "on_success"),
            on_failure: parts.hook(entry, "on_failure"),
            on_cancel: parts.hook(entry, "on_cancel"),
            always: parts.hook(entry, "always"),
        };
        let job = Self { name: name.to_owned(), kind: kind.to_owned(), steps, integrations, hooks, yml: entry.clone() };
        (job, parts.problems)
    }
}

/// The end of a message about a key that is a slip of one of these; `None` for what is more likely a line of a script.
fn misspelt(key: &str, value: &Node, known: &[&'static str]) -> Option<String> {
    let is_slip =
        !key.contains(' ') && !value.is_null() && crate::job::names::slip_of(key, known.iter().copied()).is_some();
    is_slip.then(|| crate::job::names::did_you_mean(key, known.iter().copied()))
}

/// The parts of a job on their way.
struct Parts<'a> {
    name: &'a str,
    problems: Vec<Problem>,
}

impl Parts<'_> {
    fn problem(&mut self, rule: &'static str, at: &Place, text: String) {
        self.problems.push(Problem { at: at.clone(), rule, entry: Some(self.name.to_owned()), text });
    }

    fn steps(&mut self, node: &Node) -> Vec<Step> {
        let mut steps = Vec::new();
        match &node.value {
            Value::Null => {}
            Value::List(elements) => {
                for element in elements {
                    match &element.value {
                        // From a template.
                        Value::List(_) => steps.extend(self.steps(element)),
                        Value::Map(_) => steps.extend(self.step(element)),
                        _ => self.problem(
                            "unknown-step",
                            &element.at,
                            format!("a step is {}: write `- IN: name`", element.kind()),
                        ),
                    }
                }
            }
            _ => {
                self.problem("wrong-kind", &node.at, format!("steps: of {} is {}, not a list", self.name, node.kind()));
            }
        }
        steps
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        const KINDS: [&str; 4] = ["IN", "OUT", "TASK", "NOTIFY"];
        let known = node.members().iter().find(|(key, _)| KINDS.contains(&key.text.as_str()));
        let Some((key, value)) = known else {
            let word = node.members().first().map(|(key, _)| key.text.as_str()).unwrap_or_default();
            // The words of the platform's first years.
            let near = match word {
                "GET" => "; write IN: instead".to_owned(),
                "PUT" => "; write OUT: instead".to_owned(),
                _ => crate::job::names::did_you_mean(word, KINDS),
            };
            let text = format!("{word:?} is no step: IN, OUT, TASK and NOTIFY are{near}");
            self.problem("unknown-step", &node.at, text);
            return None;
        };
        let operation = match key.text.as_str() {
            "IN" => Operation::In,
            "OUT" => Operation::Out,
            "TASK" => {
                if self.is_beside(node, value) {
                    return None;
                }
                return Some(Step::Task(self.task(value)));
            }
            _ => return self.name_of(value, "NOTIFY").map(Step::Notify),
        };
        let named = self.name_of(value, &key.text)?;
        Some(Step::Dependency(Dependency { operation, name: named.name, at: named.at, step: node.clone() }))
    }

    /// Whether what belongs in a TASK stands beside it, for want of a blank or two before it.
    fn is_beside(&mut self, step: &Node, task: &Node) -> bool {
        let beside =
            step.members().iter().filter(|(key, _)| ["script", "name", "runtime"].contains(&key.text.as_str()));
        let words: Vec<&str> = beside.clone().map(|(key, _)| key.text.as_str()).collect();
        let Some((first, _)) = beside.into_iter().next() else { return false };
        let (at, words) = (first.at.clone(), words.join(", "));
        if task.is_null() {
            let text =
                format!("{words}: beside TASK:, which has nothing in it then: indent by two blanks more than TASK:");
            self.problem("beside-task", &at, text);
        }
        task.is_null()
    }

    fn name_of(&mut self, node: &Node, key: &str) -> Option<Named> {
        let name = node.scalar().filter(|name| !name.is_empty());
        if name.is_none() {
            self.problem("wrong-kind", &node.at, format!("{key}: is {}, not a name", node.kind()));
        }
        name.map(|name| Named { name, at: node.at.clone() })
    }

    /// A name, a list of names, or a list of maps that each have a `name`.
    fn names(&mut self, node: &Node, key: &str) -> Vec<Named> {
        match &node.value {
            Value::Null => Vec::new(),
            Value::List(elements) => elements.iter().flat_map(|element| self.names(element, key)).collect(),
            Value::Map(_) => {
                if let Some(name) = node.get("name") {
                    return self.name_of(name, key).into_iter().collect();
                }
                let text = format!("{key}: has a map where a name was expected: write `- NAME`");
                self.problem("wrong-kind", &node.at, text);
                Vec::new()
            }
            _ => self.name_of(node, key).into_iter().collect(),
        }
    }

    fn task(&mut self, node: &Node) -> Task {
        let mut task = Task { name: None, scripts: Vec::new(), yml: node.clone() };
        match &node.value {
            Value::Map(_) => {
                task.name = node.get("name").and_then(Node::scalar);
                if let Some(script) = node.get("script") {
                    self.scripts(script, &mut task.scripts);
                } else {
                    let near = node.members().iter().find_map(|(key, value)| misspelt(&key.text, value, &["script"]));
                    let text = format!("TASK has no script: add `script:`{}", near.unwrap_or_default());
                    self.problem("missing-script", &node.at, text);
                }
            }
            // The older spelling: one TASK with all scripts.
            Value::List(elements) => {
                for element in elements {
                    match element.get("script") {
                        Some(script) => self.scripts(script, &mut task.scripts),
                        None => self.scripts(element, &mut task.scripts),
                    }
                }
            }
            Value::Text(text) if text == "managed" => {}
            _ => self.scripts(node, &mut task.scripts),
        }
        task
    }

    /// A text, or a list in which templates may have left further lists.
    fn scripts(&mut self, node: &Node, into: &mut Vec<Script>) {
        match &node.value {
            Value::Null => {}
            Value::List(elements) => elements.iter().for_each(|element| self.scripts(element, into)),
            Value::Map(members) => {
                let keys = members.iter().map(|(key, _)| key.text.as_str()).collect::<Vec<_>>().join(", ");
                let cure = match members.as_slice() {
                    [(key, value)] => match value.scalar() {
                        Some(rest) => {
                            format!("- '{}'", format_args!("{}: {rest}", key.text).to_string().replace('\'', "''"))
                        }
                        None => format!("- '{}: …'", key.text.replace('\'', "''")),
                    },
                    _ => "each line of the script as one text".to_owned(),
                };
                if let [(key, value)] = members.as_slice()
                    && let Some(near) = misspelt(&key.text, value, &["script"])
                {
                    let text = format!("{}: is none of script and NOTIFY and does nothing{near}", key.text);
                    return self.problem("unknown-key", &key.at, text);
                }
                let text = format!(
                    "a map where a line of a script was meant: YAML takes what is before `: ` for a key ({keys}): put the \
                     line in quotes, {cure}"
                );
                self.problem("map-in-script", &node.at, text);
            }
            _ => into.extend(node.scalar().map(|text| Script { text, at: node.at.clone() })),
        }
    }

    fn hook(&mut self, entry: &Node, key: &str) -> Hook {
        let mut hook = Hook::default();
        if let Some(node) = entry.get(key) {
            self.hook_parts(node, &mut hook);
        }
        hook
    }

    fn hook_parts(&mut self, node: &Node, hook: &mut Hook) {
        match &node.value {
            Value::Null => {}
            Value::List(elements) => elements.iter().for_each(|element| self.hook_parts(element, hook)),
            Value::Map(_) => {
                let notify = node.get("NOTIFY").map(|names| self.names(names, "NOTIFY")).unwrap_or_default();
                hook.notify.extend(notify);
                match node.get("script") {
                    Some(script) => self.scripts(script, &mut hook.scripts),
                    None if node.get("NOTIFY").is_none() => self.scripts(node, &mut hook.scripts),
                    None => {}
                }
            }
            _ => self.scripts(node, &mut hook.scripts),
        }
    }
}
