//! Whether the process that wrote something down is still there: known for those of this machine, as long as it runs.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

/// A process, told apart from all others: those of other machines and containers, and later ones with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessMark {
    /// The machine, from its start to its end.
    boot: String,
    /// Where the id has its meaning: containers of one machine count for themselves.
    namespace: String,
    id: i32,
    /// When it began, in ticks since the machine did.
    began: String,
}

/// What is known of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is there.
    Alive,
    /// It has ended.
    Over,
    /// It is another machine's, or another container's.
    Unknown,
}

impl ProcessMark {
    /// This process; none where the system does not tell.
    pub fn own() -> Option<Self> {
        let id = i32::try_from(std::process::id()).ok()?;
        let (boot, namespace) = place()?;
        Some(Self { boot, namespace, id, began: began(id)? })
    }

    /// What is known of it.
    pub fn life(&self) -> Life {
        if place().is_none_or(|place| place != (self.boot.clone(), self.namespace.clone())) {
            return Life::Unknown;
        }
        // Signals tell of processes that /proc may hide.
        let is_gone = Pid::from_raw(self.id).is_none_or(|id| test_kill_process(id) == Err(Errno::SRCH));
        let is_another = || fs::read_to_string(format!("/proc/{}/stat", self.id)).is_ok_and(|stat| !self.is_in(&stat));
        if is_gone || is_another() { Life::Over } else { Life::Alive }
    }

    /// Whether the state of the process with its id is its own, and not that of one that waits to be buried.
    fn is_in(&self, stat: &str) -> bool {
        fields(stat).is_some_and(|(state, began)| began == self.began && !matches!(state, "Z" | "X"))
    }
}

/// The machine and the container.
fn place() -> Option<(String, String)> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some((boot.trim().to_owned(), namespace.to_string_lossy().into_owned()))
}

fn began(id: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    fields(&stat).map(|(_, began)| began.to_owned())
}

/// State and beginning; the name before them may hold anything, blanks and parentheses too.
fn fields(stat: &str) -> Option<(&str, &str)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?, fields.nth(18)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_more_than_its_id() {
        let own = ProcessMark::own().unwrap();
        assert_eq!(own.life(), Life::Alive);
        // A later process with the same id.
        assert_eq!(ProcessMark { began: "1".to_owned(), ..own.clone() }.life(), Life::Over);
        let elsewhere = ProcessMark { boot: "another machine".to_owned(), began: "1".to_owned(), ..own.clone() };
        assert_eq!(elsewhere.life(), Life::Unknown);
        let container = ProcessMark { namespace: "pid:[1]".to_owned(), began: "1".to_owned(), ..own };
        assert_eq!(container.life(), Life::Unknown);
    }

    #[test]
    fn a_process_that_was_killed_is_over() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let id = i32::try_from(child.id()).unwrap();
        let mark = ProcessMark { id, began: began(id).unwrap(), ..ProcessMark::own().unwrap() };
        assert_eq!(mark.life(), Life::Alive);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(mark.life(), Life::Over);
    }

    #[test]
    fn names_of_programs_are_no_fields() {
        let stat = "7 (a) Z 1 b) S 1 7 7 0 -1 4194304 95 0 0 0 0 0 0 0 20 0 1 0 8675309 5 6";
        assert_eq!(fields(stat), Some(("S", "8675309")));
    }
}
