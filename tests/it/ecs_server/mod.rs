//! A scripted ECS, with the services around it: a real HTTP server on the loopback. Its time is that of the requests'
//! signatures, so that everything is a function of what the client's clock says, and every id is counted.

mod calls; // the log
mod definitions; // task definitions
mod http; // requests, answers, protocols
mod identity; // IAM, STS, permissions, logs, target health
mod peer; // the client's process
mod scaling; // scalable targets, policies, alarms
mod scenario; // what a test decides
mod scheduler; // deployments, second by second
mod services; // services
mod tasks; // tasks
mod tests; // that it behaves
mod world; // the state

use std::io::BufReader;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::harness::{Ran, Sandbox};
use rustix::process::Signal;

pub use calls::Call;
use http::{Request, Response};
use scenario::fits;
pub use scenario::{Behaviour, Fault, Scenario, When};
use world::{Refusal, World};

/// More than any step of a test takes.
const PATIENCE: Duration = Duration::from_mins(1);
/// The ambient key of the sandboxes.
pub const KEY: &str = "AKIACI0000000EXAMPLE";
/// The clock of the sandboxes.
pub const CLOCK: &str = "2026-01-02T03:04:05Z";

/// A service, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceState {
    pub status: String,
    pub running: usize,
    pub pending: usize,
    pub desired: i64,
    /// As `family:revision`.
    pub task_definition: String,
    /// Messages, the newest first.
    pub events: Vec<String>,
}

struct State {
    world: World,
    calls: Vec<Call>,
    /// How often each fault of the scenario was asked for.
    seen: Vec<usize>,
}

/// The server. Dropped, it is gone.
pub struct Ecs {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    state: Arc<Mutex<State>>,
}

impl Ecs {
    pub fn start(scenario: Scenario) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { world: World::new(scenario), calls: Vec::new(), seen: Vec::new() };
        let (stop, state) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(state)));
        let (stopped, shared) = (stop.clone(), state.clone());
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_nodelay(true).unwrap();
                let shared = shared.clone();
                std::thread::spawn(move || converse(&stream, address, &shared));
            }
        });
        Self { address, stop, accepting: Some(accepting), state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A sandbox whose AWS is this server, with keys of its own and a clock that waits move on.
    pub fn sandbox(&self) -> Sandbox {
        let mut sandbox = Sandbox::new();
        self.settle_in(&mut sandbox);
        sandbox
    }

    /// Makes this server a sandbox's AWS. The clock of what runs in it begins where the server's is by now, so do this
    /// before each run (as [`Ecs::run`] does), or time stands still until the client has caught up.
    pub fn settle_in(&self, sandbox: &mut Sandbox) {
        sandbox.set("AWS_ENDPOINT_URL", self.url()).set("AWS_REGION", world::REGION);
        sandbox.set("AWS_ACCESS_KEY_ID", KEY).set("AWS_SECRET_ACCESS_KEY", "base/secret+of/the=caller");
        sandbox.set("AWS_EC2_METADATA_DISABLED", "true").set("SHIPCTL_CLOCK", self.clock());
        // What should be over in a moment must not wait as long as production does.
        sandbox.set("SHIPCTL_AWS_TIMEOUT", "6");
    }

    /// Runs the binary in a sandbox that this server is the AWS of.
    pub fn run(&self, sandbox: &mut Sandbox, words: &[&str]) -> Ran {
        sandbox.set("SHIPCTL_CLOCK", self.clock());
        sandbox.shipctl(words)
    }

    /// What the next client's clock should say: [`CLOCK`] at first.
    pub fn clock(&self) -> String {
        let state = self.state();
        state.world.start.map_or_else(|| CLOCK.to_owned(), |_| http::iso(state.world.now))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes the script from here on.
    pub fn change(&self, change: impl FnOnce(Scenario) -> Scenario) {
        let mut state = self.state();
        state.world.scenario = change(state.world.scenario.clone());
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls of an action so far.
    pub fn calls_of(&self, action: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.action == action).collect()
    }

    /// Their names, in order.
    pub fn actions(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.action).collect()
    }

    /// The calls as text, one line each; those that repeat the one before are counted.
    pub fn transcript(&self) -> String {
        calls::transcript(&self.state().calls)
    }

    /// Forgets the calls so far, and counts those of faults anew.
    pub fn forget_calls(&self) {
        let mut state = self.state();
        state.calls.clear();
        state.seen.clear();
    }

    /// A service of any cluster by its name; none if there never was one.
    pub fn service(&self, name: &str) -> Option<ServiceState> {
        let state = self.state();
        let world = &state.world;
        let place = world.services.iter().rposition(|service| service.name == name)?;
        let service = &world.services[place];
        let (running, pending) = world.counts(|task| task.is_of(place));
        let definition = &service.deployments[0].definition;
        let messages = service.events.iter().filter_map(|event| event["message"].as_str());
        Some(ServiceState {
            status: service.status.to_owned(),
            running,
            pending,
            desired: service.desired,
            task_definition: definition.rsplit('/').next().unwrap_or(definition).to_owned(),
            events: messages.map(str::to_owned).collect(),
        })
    }

    /// When a service first said something with these words: seconds since the first call. That is when the evidence was
    /// there to be seen.
    pub fn event_at(&self, name: &str, words: &str) -> Option<i64> {
        let state = self.state();
        let service = state.world.services.iter().rev().find(|service| service.name == name)?;
        let said = |event: &&serde_json::Value| event["message"].as_str().is_some_and(|said| said.contains(words));
        let at = service.events.iter().rev().find(said)?["createdAt"].as_f64()?;
        #[allow(clippy::cast_possible_truncation)] // whole seconds
        Some(at as i64 - state.world.start?)
    }

    /// What is there, as text: services with their counts (`running+pending/desired`), active task definitions, scalable
    /// targets, policies, alarms.
    pub fn world(&self) -> String {
        self.state().world.summary()
    }

    /// Seconds since the first call.
    pub fn elapsed(&self) -> i64 {
        self.state().world.elapsed()
    }

    /// Somebody else does something, now.
    #[track_caller]
    pub fn somebody(&self, action: &str, request: &serde_json::Value) {
        let done = self.state().world.act("ecs", action, request);
        assert!(done.is_ok(), "{action} {request}");
    }

    /// Lets time pass while nobody calls.
    pub fn pass(&self, seconds: i64) {
        let mut state = self.state();
        let to = state.world.now + seconds;
        state.world.advance(to);
    }
}

impl Drop for Ecs {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().unwrap().join();
    }
}

/// What the faults of a scenario make of a call.
#[derive(Default)]
struct Trouble {
    before: Vec<Fault>,
    refusal: Option<Refusal>,
    page: Option<Response>,
    after: Vec<Fault>,
}

impl Trouble {
    fn of(state: &mut State, request: &Request, line: &str) -> Self {
        let mut trouble = Self::default();
        let at = state.world.elapsed();
        let faults = state.world.scenario.faults.clone();
        state.seen.resize(faults.len(), 0);
        for (seen, (pattern, when, fault)) in state.seen.iter_mut().zip(faults) {
            if !World::is_action(&pattern, &request.service, &request.action) && !fits(&pattern, line) {
                continue;
            }
            *seen += 1;
            if when.is(*seen, at) {
                trouble.add(fault, request);
            }
        }
        trouble
    }

    fn add(&mut self, fault: Fault, request: &Request) {
        let refusal = |code: &str, message: &str| Some(Refusal::new(code, message));
        match fault {
            Fault::Throttle => self.refusal = refusal("ThrottlingException", "Rate exceeded"),
            Fault::TooManyConcurrent => {
                let message = "Too many concurrent attempts to create a new revision of the specified family.";
                self.refusal = refusal("ClientException", message);
            }
            Fault::Error(code, message) => self.refusal = refusal(code, message),
            Fault::AccessDenied => {
                let action = format!("{}:{}", identity::prefix(&request.service), request.action);
                self.refusal = Some(identity::denied(&action, "*"));
            }
            Fault::ExpiredToken(key) if key == request.key => self.refusal = Some(identity::expired()),
            Fault::ExpiredToken(_) => {}
            Fault::Html500 => self.page = Some(Response::html(500)),
            Fault::Html(status) => self.page = Some(Response::html(status)),
            Fault::Http503 => self.page = Some(Response::unavailable()),
            Fault::Slow(_) | Fault::Together(_) | Fault::DropBefore | Fault::SignalBefore(_) => self.before.push(fault),
            Fault::Nonsense | Fault::Half | Fault::DropAfter | Fault::SignalAfter(_) => self.after.push(fault),
        }
    }
}

/// Does to the client what faults say.
fn inflict(faults: &[Fault], stream: &TcpStream, server: SocketAddr) {
    for fault in faults {
        match fault {
            Fault::Slow(milliseconds) => std::thread::sleep(Duration::from_millis(*milliseconds)),
            Fault::SignalBefore(signal) | Fault::SignalAfter(signal) => {
                peer::send(stream.peer_addr().unwrap(), server, *signal);
            }
            _ => {}
        }
    }
}

/// Whether there is no answer any more.
fn cuts(faults: &[Fault]) -> bool {
    faults.iter().any(|fault| match fault {
        Fault::SignalBefore(signal) | Fault::SignalAfter(signal) => *signal == Signal::KILL,
        other => matches!(other, Fault::DropBefore | Fault::DropAfter),
    })
}

/// Waits until the same has been asked of so many services.
fn wait_for_others(faults: &[Fault], number: usize, shared: &Mutex<State>) {
    let Some(Fault::Together(count)) = faults.iter().find(|fault| matches!(fault, Fault::Together(_))) else { return };
    let end = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < end {
        let state = shared.lock().unwrap();
        let of_action = state.calls.iter().filter(|call| call.action == state.calls[number].action);
        if of_action.map(Call::line).collect::<std::collections::BTreeSet<_>>().len() >= *count {
            return;
        }
        drop(state);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One connection, as long as it lasts.
fn converse(stream: &TcpStream, server: SocketAddr, shared: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader) {
        let (number, trouble) = arrive(&mut shared.lock().unwrap(), &request);
        // Written down first: a client that is killed lets its test go on at once.
        let cut = |faults: &[Fault], how: &str| {
            let cut = cuts(faults);
            if let Some(call) = shared.lock().unwrap().calls.get_mut(number).filter(|_| cut) {
                call.error = Some(how.to_owned());
            }
            inflict(faults, stream, server);
            cut
        };
        if cut(&trouble.before, "closed before") {
            return;
        }
        wait_for_others(&trouble.before, number, shared);
        let (response, now) = perform(&mut shared.lock().unwrap(), number, &request, &trouble);
        if cut(&trouble.after, "closed after") {
            return;
        }
        let is_whole = !trouble.after.contains(&Fault::Half);
        let response = if trouble.after.contains(&Fault::Nonsense) { response.nonsense() } else { response };
        if let Some(call) = shared.lock().unwrap().calls.get_mut(number)
            && let Some(fault @ (Fault::Half | Fault::Nonsense)) = trouble.after.first()
        {
            call.error = Some(format!("{fault:?}"));
        }
        let written = response.write(stream, &request, (number + 1, now), is_whole);
        if written.is_err() || !is_whole || !request.keep_alive {
            return;
        }
    }
}

/// Time goes on, and the call is written down.
fn arrive(state: &mut State, request: &Request) -> (usize, Trouble) {
    if let Some(signed) = request.signed {
        state.world.advance(signed);
    }
    state.world.begin();
    let call = Call {
        service: request.service.clone(),
        action: request.action.clone(),
        request: request.body.clone(),
        at: state.world.elapsed(),
        access_key: request.key.clone(),
        error: None,
    };
    let line = call.line();
    state.calls.push(call);
    (state.calls.len() - 1, Trouble::of(state, request, &line))
}

fn perform(state: &mut State, number: usize, request: &Request, trouble: &Trouble) -> (Response, i64) {
    let world = &mut state.world;
    let now = world.now;
    if let Some(page) = &trouble.page {
        if let Some(call) = state.calls.get_mut(number) {
            call.error = Some(format!("HTTP {}", page.status));
        }
        return (page.clone(), now);
    }
    let answer = if let Some(refusal) = &trouble.refusal {
        Err(refusal.clone())
    } else if world.is_expired(&request.key) {
        Err(identity::expired())
    } else {
        let body = &request.body;
        world
            .authorize(&request.service, &request.action, body)
            .and_then(|()| world.act(&request.service, &request.action, body))
    };
    if let (Err(refusal), Some(call)) = (&answer, state.calls.get_mut(number)) {
        call.error = Some(refusal.code.clone());
    }
    (Response::of(request, &answer), now)
}
