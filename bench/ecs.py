#!/usr/bin/env python3
"""Roll-outs that take a minute, in real time, side by side: ecs.py PEAK SHIPCTL [SECONDS].

PEAK is the program of peak.c; `ecs` (the deploy tool ecs-deploy) and `aws` are on the path.

Each program has an ECS of its own on the loopback that knows the calls of a deployment and has all tasks of the one
service after so many seconds. Printed are the calls of each, how long after the roll-out it ended, and for `shipctl ecs
deploy` the peak of memory and the processor time."""

import collections
import concurrent.futures
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

PREFIX = "arn:aws:ecs:us-east-1:123456789012"
YML = """\
resources:
  - {name: c, type: cluster, pointer: {sourceName: prod, region: us-east-1}}
  - {name: web, type: image, pointer: {sourceName: org/web}, seed: {versionName: v1}}
jobs:
  - {name: m, type: manifest, steps: [{IN: web}]}
  - {name: d, type: deploy, steps: [{IN: m}, {IN: c}]}
"""


class Ecs:
    """What there is, and how often it was asked for."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.service = None
        self.revision = 1
        self.began = None
        self.calls = collections.Counter()

    def begin(self, service):
        self.service, self.began = service, time.monotonic()
        return {"service": self.look()}

    def is_done(self):
        return self.began is None or time.monotonic() >= self.began + self.seconds

    def definition(self):
        return f"{PREFIX}:task-definition/d-m:{self.revision}"

    def deployment(self, status, revision, running):
        return {
            "id": f"ecs-svc/{revision}", "status": status, "taskDefinition": f"{PREFIX}:task-definition/d-m:{revision}",
            "desiredCount": 1, "runningCount": running, "pendingCount": 1 - running, "failedTasks": 0,
            "rolloutState": "COMPLETED" if running else "IN_PROGRESS", "createdAt": time.time(),
        }

    def look(self):
        done, now = self.is_done(), time.time()
        # A hundred events, as a service of some age has them.
        events = [
            {"id": f"{number}", "createdAt": now - number, "message": f"(service {self.service}) event {number}."}
            for number in range(100)
        ]
        deployments = [self.deployment("PRIMARY", self.revision, int(done))]
        if not done and self.revision > 1:
            deployments.append(self.deployment("ACTIVE", self.revision - 1, 1))
        return {
            "serviceName": self.service, "serviceArn": f"{PREFIX}:service/prod/{self.service}", "status": "ACTIVE",
            "taskDefinition": self.definition(), "desiredCount": 1, "runningCount": int(done or self.revision > 1),
            "pendingCount": int(not done), "deployments": deployments, "events": events,
        }

    def answer(self, action, request):
        self.calls[action] += 1
        definition = {"family": "d-m", "revision": self.revision, "status": "ACTIVE",
                      "taskDefinitionArn": self.definition(), "volumes": [],
                      "containerDefinitions": [{"name": "web", "image": "org/web:v1", "environment": []}]}
        match action:
            case "RegisterTaskDefinition":
                self.revision += int(self.service is not None)
                return {"taskDefinition": definition | {"taskDefinitionArn": self.definition()}}
            case "DescribeTaskDefinition" | "DeregisterTaskDefinition":
                return {"taskDefinition": definition}
            case "CreateService":
                return self.begin(request["serviceName"])
            case "UpdateService":
                return self.begin(request["service"])
            case "DescribeServices" if self.service:
                return {"services": [self.look()], "failures": []}
            case "DescribeServices":
                missing = [{"arn": f"{PREFIX}:service/prod/{name}", "reason": "MISSING"} for name in request["services"]]
                return {"services": [], "failures": missing}
            case "ListTasks":
                return {"taskArns": [f"{PREFIX}:task/prod/1"]}
            case "DescribeTasks":
                revision = self.revision if self.is_done() else self.revision - 1
                task = {"taskArn": f"{PREFIX}:task/prod/1", "lastStatus": "RUNNING",
                        "taskDefinitionArn": f"{PREFIX}:task-definition/d-m:{revision}"}
                return {"tasks": [task], "failures": []}
        raise KeyError(action)


def handler(ecs):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(ecs.answer(self.headers["X-Amz-Target"].rsplit(".", 1)[1], body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    return Handler


class Run:
    """A program on an ECS of its own, from its start to its end."""

    def __init__(self, seconds, words, service=None):
        self.ecs = Ecs(seconds)
        self.ecs.service = service
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(self.ecs))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "shippable.yml").write_text(YML)
            environment = {
                "HOME": folder, "PATH": os.environ["PATH"], "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
            }
            ran = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
            ended = time.monotonic()
        if ran.returncode != 0:
            sys.exit(f"ecs.py: {words}: the deployment failed: {ran.stdout}{ran.stderr}")
        self.late = ended - self.ecs.began - seconds
        self.printed = ran.stdout

    def print(self, name):
        looks, calls = self.ecs.calls["DescribeServices"], sum(self.ecs.calls.values())
        print(f"  {name:44} {calls:6} calls, {looks:3} of them looks at the service; ended {self.late:4.1f} s after it")


def main(peak, shipctl, seconds=60.0):
    peak, shipctl, seconds = os.path.abspath(peak), os.path.abspath(shipctl), float(seconds)
    deployment = Run(seconds, [peak, shipctl, "ecs", "deploy", "d", "--ambient", "--build-number", "1"])
    megabytes, processor = deployment.printed.split()
    print(f"  {'shipctl ecs deploy, peak of memory':44} {megabytes:>6} MB")
    print(f"  {'shipctl ecs deploy, processor time':44} {processor:>6} s")
    deployment.print("shipctl ecs deploy")
    waiter = "aws ecs update-service --cluster prod --service s --force-new-deployment && " \
        "aws ecs wait services-stable --cluster prod --services s"
    peers = {
        "shipctl ecs update": [shipctl, "ecs", "update", "prod", "s", "--image", "web=org/web:v2", "--ambient"],
        "ecs-deploy": ["ecs", "deploy", "prod", "s", "--image", "web", "org/web:v2"],
        "aws ecs update-service, then its waiter": ["sh", "-c", waiter],
    }
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = {name: pool.submit(Run, seconds, words, "s") for name, words in peers.items()}
        for name, run in runs.items():
            run.result().print(name)


main(*sys.argv[1:])
