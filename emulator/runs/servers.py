"""Deployments: a model folder on disk and an inference server process in front of it."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.faults.book import ARM_HOST, Faults
from emulator.faults.rules import DEPLOYMENT, Rule
from emulator.machine.home import free_port
from emulator.machine.store import Resource
from emulator.runs.models import fetch_model
from emulator.training.serving import key

log = logging.getLogger(__name__)

START_SECONDS = 60.0
POLL_SECONDS = 0.1
STOP_SECONDS = 5.0
CRASHES = 3
CRASH_LOG = """\
[INFO] Booting worker with pid: {pid}
Traceback (most recent call last):
  File "/var/azureml-server/aml_blueprint.py", line 91, in setup
    self.user_script.invoke_init()
RuntimeError: {why}
[INFO] Worker exiting (pid: {pid})
[INFO] Reason: Worker failed to boot.
"""
DRAIN_SECONDS = 30.0
"""How long a server that is going may take for the answers it owes."""


class Servers:
    """Starts, finds and stops the inference servers of deployments."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._resuming: set[str] = set()
        self._faults = Faults(cloud.store)
        self._lock = threading.Lock()

    def serve(self, deployment_id: str, workspace_id: str, model_uri: str) -> None:
        """Serve a model for a deployment; returns once it answers.

        Raises:
            AzureError: the model has no files, or its server does not come up.
        """
        work = self._work(deployment_id)
        work.mkdir(parents=True, exist_ok=True)
        self._cloud.processes.stop_all(deployment_id)
        rule = self._faults.hit(DEPLOYMENT, "PUT", ARM_HOST, deployment_id)
        if rule is not None:
            self._crash(deployment_id, rule)
        model = self._fetch(deployment_id, workspace_id, model_uri)
        port = free_port()
        child = self._cloud.processes.start(
            "deployment",
            deployment_id,
            ["emulator.training.serving.serve", "--model", str(model), "--port", str(port)],
            log=self._log_file(deployment_id),
            port=port,
            environment={**os.environ, key.VARIABLE: self.key},
        )
        self._wait(deployment_id, child, port)

    @property
    def key(self) -> str:
        """What the servers of this home want to see of who asks them."""
        return self._cloud.home.secret("model-servers")

    def _fetch(self, deployment_id: str, workspace_id: str, model_uri: str) -> Path:
        """What the container does that runs before the server's, with a log of its own (in words of ours)."""
        with self._loading_file(deployment_id).open("a") as log_file:
            try:
                model = fetch_model(self._cloud, workspace_id, model_uri, self._work(deployment_id) / "model")
            except AzureError as error:
                log_file.write(f"fetching {model_uri} failed: {error.message}\n")
                raise
            log_file.write(f"fetched {model_uri}\n")
            return model

    def _wait(self, deployment_id: str, child: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and child.poll() is None:
            try:
                healthy = httpx.get(
                    f"http://127.0.0.1:{port}/", headers=key.headers(self.key), timeout=2, trust_env=False
                )
                if healthy.status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(POLL_SECONDS)
        self._cloud.processes.stop_all(deployment_id)
        raise _crashed(" ".join(self.log(deployment_id)[-5:]))

    def _crash(self, deployment_id: str, rule: Rule) -> None:
        """Leave the log of a container that starts and crashes again and again.

        Raises:
            AzureError: always, as for any container that does not come up.
        """
        with self._log_file(deployment_id).open("a") as log_file:
            for attempt in range(1, CRASHES + 1):
                log_file.write(CRASH_LOG.format(pid=6 + attempt, why=rule.message or "made to crash by a fault rule"))
        raise _crashed("Liveness probe failed: HTTP probe failed with statuscode: 502.")

    def kill(self, deployment_id: str) -> None:
        """End a deployment's server as a crash would: at once, with nobody told."""
        for process in self._cloud.processes.family(deployment_id):
            with suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait(STOP_SECONDS)

    def revive(self, deployment: Resource) -> None:
        """Bring back a server that died, as the platform restarts a container; returns at once."""
        name = deployment.id.lower()
        with self._lock:
            if name in self._resuming:
                return
            self._resuming.add(name)
        threading.Thread(target=self._serve_again, args=(deployment,), daemon=True, name="revive").start()

    def port(self, deployment_id: str) -> int | None:
        """The port of a deployment's server; waits for one that is coming back after a restart."""
        self._await_resumed(deployment_id)
        return self._cloud.processes.port_of(deployment_id)

    def stop(self, deployment_id: str) -> None:
        """End a server once it has answered what it was asked, as Azure does for a deployment without traffic."""
        # One that is just coming back would be there after its deployment is gone.
        self._await_resumed(deployment_id)
        if not self._cloud.traffic.drained(deployment_id, DRAIN_SECONDS):
            log.warning("deployment %s is stopped with requests under way", deployment_id)
        self._cloud.processes.stop_all(deployment_id)
        shutil.rmtree(self._work(deployment_id), ignore_errors=True)

    def log(self, deployment_id: str) -> list[str]:
        """Lines the server printed, oldest first."""
        return _lines(self._log_file(deployment_id))

    def loading(self, deployment_id: str) -> list[str]:
        """Lines of the container that fetches the model, oldest first."""
        return _lines(self._loading_file(deployment_id))

    def to_resume(self) -> list[Resource]:
        """Deployments to serve again after a restart of the emulator; from now on, whoever needs one waits for it."""
        kind = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
        healthy = [
            each for each in self._cloud.store.of_type(kind) if each.properties["provisioningState"] == "Succeeded"
        ]
        self._resuming |= {each.id.lower() for each in healthy}
        return healthy

    def resume(self, deployments: list[Resource]) -> None:
        """Serve them again."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(self._serve_again, deployments))

    def _serve_again(self, deployment: Resource) -> None:
        workspace = deployment.id[: deployment.id.lower().rindex("/onlineendpoints/")]
        try:
            self.serve(deployment.id, workspace, str(deployment.properties["model"]))
        except AzureError as error:
            log.error("deployment %s does not serve again: %s", deployment.id, error.message)
        else:
            if self._cloud.store.get(deployment.id) is None:  # deleted by somebody who did not know of this
                self._cloud.processes.stop_all(deployment.id)
        finally:
            self._resuming.discard(deployment.id.lower())

    def _await_resumed(self, deployment_id: str) -> None:
        while deployment_id.lower() in self._resuming:
            time.sleep(POLL_SECONDS)

    def _work(self, deployment_id: str) -> Path:
        return self._cloud.home.work_of(deployment_id)

    def _log_file(self, deployment_id: str) -> Path:
        return self._work(deployment_id) / "server.log"

    def _loading_file(self, deployment_id: str) -> Path:
        return self._work(deployment_id) / "loading.log"


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _crashed(why: str) -> AzureError:
    return AzureError(400, "ResourceNotReady", f"User container has crashed or terminated: {why}")
