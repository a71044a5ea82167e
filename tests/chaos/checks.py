"""What has to be true after each round, read from the emulator's own record and through the endpoint."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil

from emulator.dataplane.flows import TYPE as FLOW
from emulator.machine import inventory
from emulator.machine.processes import Processes
from emulator.machine.store import Store
from emulator.resources.assets import DataVersion, ModelVersion
from emulator.resources.computes import Compute
from emulator.resources.endpoints import Deployment, OnlineEndpoint
from emulator.resources.jobs import Job
from emulator.resources.workspaces import Connection
from jobs.release.spec import BASE_DEPLOYMENT
from tests.chaos.kills import family
from tests.chaos.stack import ChaosStack

NOT_PULUMI_S = (
    "/datastores", "/data", "/versions", "/models", "/codes", "/environments", "/jobs", "/onlineendpoints/deployments",
    "/workspaces/flows",
)  # fmt: skip
"""Ends of the types that stages and Azure ML itself make; Pulumi knows nothing of these."""
QUESTION = {"input_data": {"input_string": [{"role": "user", "content": "Who founded Microsoft?"}], "parameters": {}}}
EMPTY = "0 live, 0 soft-deleted, 0 processes, 0 refused hosts"


@dataclass
class Findings:
    """What is not as it should be."""

    wrong: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)


def after_up(stack: ChaosStack) -> Findings:
    """Of a stack that is up."""
    found = Findings()
    state = stack.export()
    store = Store(stack.checkout.home.database)
    try:
        outputs = _outputs(state)
        found.expect(not state["deployment"].get("pending_operations"), "the state has pending operations")
        _cluster(found, stack, store)
        _jobs(found, store)
        _lineage(found, store, outputs)
        _serving(found, stack, store, outputs)
        _flows(found, stack, store)
        found.orphans += _unknown(store, state)
        found.orphans += _processes(stack, store)
        _connection(found, stack, store)
    finally:
        store.close()
    return found


def after_destroy(stack: ChaosStack) -> Findings:
    """Of a stack that is gone."""
    found = Findings()
    left = inventory.take(stack.checkout.home)
    if left.summary != EMPTY:
        found.orphans += [*left.live, *left.soft_deleted, *left.processes, *left.refused_hosts]
    resources = stack.export()["deployment"].get("resources") or []
    names = [each["urn"] for each in resources if not each["type"].startswith("pulumi:")]
    found.expect(not names, f"the state still has {names}")
    store = Store(stack.checkout.home.database)
    try:
        found.orphans += _processes(stack, store)
    finally:
        store.close()
    return found


def _outputs(state: dict[str, Any]) -> dict[str, Any]:
    resources = state["deployment"]["resources"]
    outputs: dict[str, Any] = next(each["outputs"] for each in resources if each["type"] == "pulumi:pulumi:Stack")
    return outputs


def _cluster(found: Findings, stack: ChaosStack, store: Store) -> None:
    """One, of the machines that the settings ask for, in capitals as Azure writes them."""
    sizes = [str(each.properties["properties"]["vmSize"]) for each in store.of_type(Compute.type)]
    found.expect(sizes == [stack.size.upper()], f"the training clusters are of {sizes}, not {stack.size}")


def _jobs(found: Findings, store: Store) -> None:
    """One job per recipe unless it failed."""
    by_recipe: dict[str, list[str]] = {}
    for job in store.of_type(Job.type):
        by_recipe.setdefault(job.name.rpartition("-")[0], []).append(str(job.internal["status"]))
    for recipe, states in by_recipe.items():
        good = [state for state in states if state not in ("Failed", "Canceled")]
        found.expect(len(good) <= 1, f"{recipe} has {len(good)} jobs that did not fail: {states}")


def _lineage(found: Findings, store: Store, outputs: dict[str, Any]) -> None:
    """Every model version ↔ its job ↔ its data and recipe; the last one is what the stack says."""
    models = {each.name: each for each in store.of_type(ModelVersion.type)}
    jobs = {each.name: each for each in store.of_type(Job.type)}
    data = {each.name for each in store.of_type(DataVersion.type)}
    found.expect(outputs["modelVersion"] in models, f"there is no model version {outputs['modelVersion']}")
    for version, model in models.items():
        tags = model.properties.get("tags") or {}
        job = jobs.get(str(tags.get("job")))
        if job is None:
            found.wrong.append(f"model {version} is of job {tags.get('job')}, which does not exist")
            continue
        fingerprint = str(tags.get("dataset_fingerprint"))
        found.expect(job.internal["status"] == "Completed", f"model {version} is of job {job.name}, not completed")
        found.expect(
            str(tags.get("fingerprint")) in job.name,
            f"model {version} is of job {job.name}, which is of another recipe",
        )
        found.expect(fingerprint in data, f"model {version} is of data {fingerprint}, which is not registered")
        node = json.dumps(job.properties["jobs"])
        found.expect(f":{fingerprint}" in node or f"/{fingerprint}" in node, f"job {job.name} read other data")
        rate = str(tags.get("recipe", "")).partition("learning_rate=")[2].partition(",")[0]
        found.expect(bool(rate) and f'"{rate}"' in node, f"job {job.name} had another learning rate than {rate}")


def _serving(found: Findings, stack: ChaosStack, store: Store, outputs: dict[str, Any]) -> None:
    """One deployment at 100 %, of the last model; beside it the base model's, if that is wanted."""
    endpoints, deployments = store.of_type(OnlineEndpoint.type), store.of_type(Deployment.type)
    found.expect(len(endpoints) == 1, f"there are {len(endpoints)} endpoints")
    expected = {outputs["deployment"], *([BASE_DEPLOYMENT] if stack.habits.compare else [])}
    names = {each.name for each in deployments}
    found.expect(names == expected, f"deployments are {sorted(names)}, not {sorted(expected)}")
    for endpoint in endpoints:
        traffic = endpoint.properties["traffic"]
        found.expect(traffic == {outputs["deployment"]: 100}, f"the traffic is {traffic}")
    for each in deployments:
        model = str(each.properties["model"])
        right = each.name == BASE_DEPLOYMENT or str(outputs["modelVersion"]) in model
        found.expect(right, f"deployment {each.name} serves {model}")
        state = each.properties["provisioningState"]
        found.expect(state == "Succeeded", f"deployment {each.name} is {state}")


def _flows(found: Findings, stack: ChaosStack, store: Store) -> None:
    """One flow in the project if it is wanted, else none: an earlier one went with its project."""
    names = [str(each.body["flow"]["flowName"]) for each in store.of_type(FLOW)]
    found.expect(len(names) == stack.habits.publish, f"there are {len(names)} flows: {names}")


def _connection(found: Findings, stack: ChaosStack, store: Store) -> None:
    """The key in the project's connection opens the endpoint, and the model answers."""
    (connection,) = (each for each in store.of_type(Connection.type) if each.properties["authType"] == "CustomKeys")
    url = str(connection.properties["metadata"]["endpoint"])
    key = str((connection.internal.get("credentials") or {}).get("keys", {}).get("key"))
    running = stack.checkout.home.running()
    assert running is not None
    with httpx.Client(
        proxy=f"http://127.0.0.1:{running[1].proxy}", verify=str(stack.checkout.home.ca_file), trust_env=False
    ) as client:
        for _ in range(3):  # a container that was killed is back at the next question
            answer = client.post(url, json=QUESTION, headers={"Authorization": f"Bearer {key}"}, timeout=60)
            if answer.status_code != 503:
                break
    found.expect(answer.status_code == 200, f"the connection's key and URL answer {answer.status_code} {answer.text}")


def _unknown(store: Store, state: dict[str, Any]) -> list[str]:
    """What lives in Azure although Pulumi should know it and does not."""
    known = {str(each.get("id", "")).lower() for each in state["deployment"]["resources"]}
    return [
        f"{each.type} {each.name} is not in the state"
        for each in store.everything()
        if not each.type.lower().endswith(NOT_PULUMI_S) and each.id.lower() not in known
    ]


def _processes(stack: ChaosStack, store: Store) -> list[str]:
    """Processes in the checkout that belong to nothing: not the emulator, nor a server of a deployment there is."""
    place = str(stack.checkout.root)
    here = [each for each in psutil.process_iter(["cwd", "cmdline"]) if str(each.info["cwd"] or "").startswith(place)]
    owners = {each.id.lower() for each in store.of_type(Deployment.type)}
    processes = Processes(store)
    recorded = processes.living()
    wrong = [
        f"process {pid} ({kind}) works for {owner}, which is gone"
        for pid, kind, owner in recorded
        if kind != "azurite" and owner.lower() not in owners
    ]
    wrong += [f"process {each.pid} is not on the emulator's record" for each in processes.strays()]
    running = stack.checkout.home.running()
    roots = [*(pid for pid, _, _ in recorded), *([running[0]] if running else [])]
    # After the list of all, so that what they have started meanwhile is not taken for a stray.
    known = {each.pid for root in roots for each in family(root)}
    for process in here:
        with suppress(psutil.NoSuchProcess):
            if process.pid not in known and process.status() != psutil.STATUS_ZOMBIE:
                wrong.append(f"process {process.pid} is left: {' '.join(process.info['cmdline'] or [])[:120]}")
    return wrong
