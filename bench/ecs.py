#!/usr/bin/env python3
"""Figures of a roll-out that takes a minute, in real time: ecs.py PEAK SHIPCTL [SECONDS].

PEAK is the program of peak.c.

An ECS that knows the few calls of a first deployment runs on the loopback; its one service has all its tasks after so
many seconds. Printed are the peak of memory, the processor time and the number of looks of `shipctl ecs deploy`."""

import collections
import http.server
import json
import os
import pathlib
import resource
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
        self.began = None
        self.calls = collections.Counter()

    def look(self):
        passed = time.monotonic() - self.began
        running = int(passed >= self.seconds)
        now = time.time()
        # A hundred events, as a service of some age has them.
        events = [
            {"id": f"{number}", "createdAt": now - number, "message": f"(service {self.service}) event {number}."}
            for number in range(100)
        ]
        deployment = {
            "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": f"{PREFIX}:task-definition/d-m:1",
            "desiredCount": 1, "runningCount": running, "pendingCount": 1 - running, "failedTasks": 0,
            "rolloutState": "COMPLETED" if running else "IN_PROGRESS",
        }
        return {
            "serviceName": self.service, "serviceArn": f"{PREFIX}:service/prod/{self.service}", "status": "ACTIVE",
            "taskDefinition": deployment["taskDefinition"], "desiredCount": 1, "runningCount": running,
            "pendingCount": 1 - running, "deployments": [deployment], "events": events,
        }

    def answer(self, action, request):
        self.calls[action] += 1
        if action == "RegisterTaskDefinition":
            return {"taskDefinition": {"taskDefinitionArn": f"{PREFIX}:task-definition/d-m:1", "family": "d-m"}}
        if action == "CreateService":
            self.service, self.began = request["serviceName"], time.monotonic()
            return {"service": self.look()}
        if action == "DescribeServices":
            if self.service:
                return {"services": [self.look()], "failures": []}
            missing = [{"arn": f"{PREFIX}:service/prod/{name}", "reason": "MISSING"} for name in request["services"]]
            return {"services": [], "failures": missing}
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


def main(peak, shipctl, seconds=60.0):
    ecs = Ecs(float(seconds))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(ecs))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "shippable.yml").write_text(YML)
        environment = {
            "HOME": folder, "PATH": os.environ["PATH"], "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
        }
        words = [os.path.abspath(peak), os.path.abspath(shipctl), "ecs", "deploy", "d", "--ambient", "--build-number", "1"]
        began = time.monotonic()
        ran = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
        passed = time.monotonic() - began
    if ran.returncode != 0:
        sys.exit(f"ecs.py: the deployment failed: {ran.stderr}")
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"  {'peak of memory':44} {float(ran.stdout):10.1f} MB")
    print(f"  {'processor time':44} {usage.ru_utime + usage.ru_stime:10.3f} s of {passed:.0f} s")
    print(f"  {'looks at the service':44} {ecs.calls['DescribeServices']:10} of {sum(ecs.calls.values())} calls")


main(*sys.argv[1:])
