//! The server by itself, asked over the wire.

mod calls; // protocols, faults, permissions, one-off tasks
mod rollouts; // services and their deployments

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::http::iso;
use super::{Ecs, KEY};

/// A caller with a clock of its own, on one connection.
struct Caller {
    stream: TcpStream,
    now: i64,
    key: &'static str,
}

impl Caller {
    fn new(server: &Ecs) -> Self {
        Self { stream: TcpStream::connect(server.address).unwrap(), now: 1_767_323_045, key: KEY }
    }

    /// The status, `Date` and body of an answer; none if there is none.
    fn post(&mut self, service: &str, path: &str, headers: &str, body: &[u8]) -> Option<(u16, String, Vec<u8>)> {
        let date = iso(self.now).replace(['-', ':'], "");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nX-Amz-Date: {date}\r\n{headers}Content-Length: {}\r\nAuthorization: \
             AWS4-HMAC-SHA256 Credential={}/20260102/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\
             \r\n\r\n",
            body.len(),
            self.key
        );
        self.stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
        let mut reader = BufReader::with_capacity(1, &self.stream);
        let (mut lines, mut line) = (Vec::new(), String::new());
        while reader.read_line(&mut line).ok()? > 0 && line != "\r\n" {
            lines.push(std::mem::take(&mut line));
        }
        let find =
            |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
        let status = lines.first()?.split(' ').nth(1)?.parse().ok()?;
        let mut body = vec![0; find("Content-Length: ")?.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        Some((status, find("Date: ")?, body))
    }

    fn json(&mut self, target: &str, body: Value) -> Option<(u16, Value)> {
        let api = match target.split_once('.') {
            Some(_) => target.to_owned(),
            None => format!("AmazonEC2ContainerServiceV20141113.{target}"),
        };
        let headers = format!("X-Amz-Target: {api}\r\nContent-Type: application/x-amz-json-1.1\r\n");
        let (status, _, body) = self.post("ecs", "/", &headers, body.to_string().as_bytes())?;
        Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    #[track_caller]
    fn does(&mut self, action: &str, mut body: Value) -> Value {
        if !action.contains('.') {
            body["cluster"] = "prod".into();
        }
        let (status, answer) = self.json(action, body).unwrap();
        assert_eq!(status, 200, "{action}: {answer}");
        answer
    }

    #[track_caller]
    fn refused(&mut self, action: &str, mut body: Value) -> String {
        if body["cluster"].is_null() {
            body["cluster"] = "prod".into();
        }
        let (status, answer) = self.json(action, body).unwrap();
        assert_eq!(status, 400, "{action}: {answer}");
        format!("{}: {}", answer["__type"].as_str().unwrap(), answer["message"].as_str().unwrap())
    }

    /// An answer in XML.
    fn form(&mut self, service: &str, body: &str) -> (u16, String) {
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        let (status, _, body) = self.post(service, "/", headers, body.as_bytes()).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    fn register(&mut self, family: &str, image: &str) -> String {
        let made = self.does("RegisterTaskDefinition", definition(family, image));
        made["taskDefinition"]["taskDefinitionArn"].as_str().unwrap().to_owned()
    }

    fn create(&mut self, name: &str, definition: &str, count: i64) -> Value {
        self.does("CreateService", json!({"serviceName": name, "taskDefinition": definition, "desiredCount": count}))
    }

    fn describe(&mut self, name: &str) -> Value {
        self.does("DescribeServices", json!({"services": [name]}))["services"][0].clone()
    }

    /// Describes every five seconds until it is so.
    #[track_caller]
    fn until(&mut self, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..200 {
            let seen = self.describe(name);
            if is_so(&seen) {
                return seen;
            }
            self.now += 5;
        }
        panic!("{}", self.describe(name));
    }
}

fn definition(family: &str, image: &str) -> Value {
    let app = json!({"name": "app", "image": image, "memory": 400, "portMappings": [{"containerPort": 80}]});
    json!({"family": family, "containerDefinitions": [app]})
}
