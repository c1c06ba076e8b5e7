//! moto, a whole AWS of pretence, as a server of its own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::harness::{Sandbox, tool};

/// Starts the server on a free port of the loopback and runs `SETUP` against it, prints the address and what the set-up
/// made, and ends when standard input does: a test process that is killed leaves nothing running.
const SERVE: &str = r#"
import json, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
import logging
logging.getLogger("werkzeug").setLevel(logging.ERROR)
import boto3
def client(service, **more):
    keys = dict(aws_access_key_id="setup", aws_secret_access_key="setup")
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", **{**keys, **more})
made = {}
exec(sys.argv[1])
print(json.dumps({"url": url, "made": made}), flush=True)
sys.stdin.read()
import os
os._exit(0)
"#;

/// A running moto.
pub struct Moto {
    /// Its address.
    pub url: String,
    /// What the set-up made.
    pub made: Value,
    _child: Child,
}

/// A server with the bucket `team`, for everybody: whoever writes into it does so under a prefix of his own. What moto
/// checks and what it does then are two steps of two threads: one at a time is as S3 does it.
pub fn bucket() -> &'static Moto {
    static BUCKET: LazyLock<Moto> = LazyLock::new(|| {
        Moto::start(
            r#"
import threading
from moto.s3.responses import S3Response
one_at_a_time, put_object = threading.Lock(), S3Response.put_object
def locked(self):
    with one_at_a_time:
        return put_object(self)
S3Response.put_object = locked
client("s3").create_bucket(Bucket="team")
made["ci"] = {"AccessKeyId": "AKIATEST", "SecretAccessKey": "word"}
"#,
        )
    });
    &BUCKET
}

impl Moto {
    /// A server, set up by Python that fills `made` by means of `client(service)`.
    pub fn start(setup: &str) -> Self {
        let mut command = Command::new(tool("python"));
        command.args(["-c", SERVE, setup]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("AWS_PROFILE").env_remove("AWS_ENDPOINT_URL");
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(told) = serde_json::from_str::<Value>(&line) else {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("moto did not start: {line} {said}");
        };
        // Nobody reads what it says from here on, and nobody must wait for that.
        let mut rest = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut rest, &mut std::io::sink()));
        Self { url: told["url"].as_str().unwrap().to_owned(), made: told["made"].clone(), _child: child }
    }

    /// A sandbox whose AWS is this server, with the keys that the set-up made under a name.
    pub fn sandbox(&self, keys: &str) -> Sandbox {
        let mut sandbox = Sandbox::new();
        let key = |part: &str| self.made[keys][part].as_str().unwrap_or_else(|| panic!("{keys}: {}", self.made));
        sandbox.set("AWS_ACCESS_KEY_ID", key("AccessKeyId")).set("AWS_SECRET_ACCESS_KEY", key("SecretAccessKey"));
        self.settle_in(&mut sandbox);
        sandbox
    }

    /// Makes this server a sandbox's AWS.
    pub fn settle_in(&self, sandbox: &mut Sandbox) {
        sandbox.set("AWS_ENDPOINT_URL", &self.url).set("AWS_REGION", "us-east-1");
        sandbox.set("AWS_EC2_METADATA_DISABLED", "true");
    }
}
