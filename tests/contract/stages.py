"""A workspace whose jobs stay queued until a test says what becomes of them, and stages to run there."""

from __future__ import annotations

import copy
import dataclasses
import functools
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import data_prep
from cloud import client, place
from cloud.target import RegistryAsset, Target
from data_prep.card.card import TEST, TRAIN
from emulator.front import admin
from emulator.machine.home import SUBSCRIPTION_ID, Home
from emulator.machine.store import Resource, Store
from jobs.dataset import upload
from jobs.dataset.spec import DatasetSpec
from jobs.training import finetune, stack_jobs
from jobs.training.spec import FinetuneSpec
from settings.commandline import own_name
from settings.sections.finetune import ComponentSettings, FinetuneSettings
from settings.stack import Settings, load
from tests.changing import changed
from tests.contract.arm import Arm
from tests.contract.bodies import cluster_body
from tests.contract.conftest import GROUP, make_workspace

CLUSTER = "gpu"
FAMILY = "StandardNCADSA100v4Family"


class Turns(threading.Event):
    """A stop signal that takes no time: each wait moves the world on by one turn, and after the last it is set."""

    def __init__(self, *turns: Callable[[], Any]) -> None:
        super().__init__()
        self._turns = list(turns)

    def wait(self, timeout: float | None = None) -> bool:
        if self._turns:
            self._turns.pop(0)()
        else:
            self.set()
        return self.is_set()


class Place:
    """The workspace, with tiny data registered in it."""

    def __init__(self, arm: Arm, home: Home, rows: Path, folder: Path, stem: str) -> None:
        self.arm, self.home, self.store = arm, home, Store(home.database)
        self.workspace = make_workspace(arm, GROUP, stem)
        self.target = Target(SUBSCRIPTION_ID, GROUP, f"mlw-{stem}")
        arm.put(f"{self.workspace}/computes/{CLUSTER}", "2025-12-01", cluster_body())
        self.data = self.files("tiny", folder, rows.read_text())
        self.run_dataset(self.data)
        self.said: list[str] = []

    def described(self, stack: str) -> tuple[Settings, place.Place]:
        """What a command is told of any stack: that it is in this workspace."""
        settings = load("dev")
        found = place.Place.of(settings, own_name(stack), SUBSCRIPTION_ID)
        names = dataclasses.replace(found.names, resource_group=GROUP, workspace=self.target.workspace)
        return settings, dataclasses.replace(found, names=names)

    @functools.cached_property
    def ml(self) -> Any:
        return client.ml_client(self.target)

    # --- data

    def files(self, name: str, folder: Path, text: str) -> DatasetSpec:
        """The spec of two files with the same rows."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in (TRAIN, TEST):
            (folder / file).write_text(text)
        return DatasetSpec(
            target=self.target, name=name, fingerprint=data_prep.fingerprint(folder), directory=str(folder)
        )

    def run_dataset(self, spec: DatasetSpec) -> list[str]:
        said: list[str] = []
        upload.run(spec, said.append, threading.Event())
        return said

    def blobs(self) -> Any:
        """Azure's own client of the workspace's blob container."""
        from azure.storage.blob import ContainerClient

        store = self.ml.datastores.get_default(include_secrets=True)
        return ContainerClient(
            f"https://{store.account_name}.blob.core.windows.net", store.container_name, store.credentials.account_key
        )

    # --- jobs

    def recipe(self, seed: int, **changes: Any) -> FinetuneSpec:
        """A fine-tuning whose fingerprint hangs on ``seed``."""
        spec = FinetuneSpec(
            target=self.target,
            dataset_name=self.data.name,
            dataset_fingerprint=self.data.fingerprint,
            base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "1"),
            recipe={"num_train_epochs": 1, "seed": seed},
            cluster=CLUSTER,
            gpus_per_node=1,
            finetune=FinetuneSettings.model_construct(
                component=ComponentSettings(version="0.0.82"), experiment="states", model_name="tuned", max_attempts=2
            ),
            stack="states",
        )
        return changed(spec, **changes)

    def finetune(self, spec: FinetuneSpec, *turns: Callable[[], Any]) -> None:
        """Runs the stage; what it says is in ``said``."""
        self.said = []
        finetune.run(spec, self.said.append, Turns(*turns))

    def hold(self) -> None:
        """From now on jobs stay queued, behind one that has no quota."""
        admin.call(self.home, "POST", "quota", {FAMILY: 0})
        self.submit(self.recipe(0, stack="holds"))

    def release(self) -> None:
        """Ends what is queued, and lets jobs run again."""
        for resource in self.store.below(self.workspace, "Microsoft.MachineLearningServices/workspaces/jobs"):
            self.arm.post(f"{resource.id}/cancel", "2025-12-01")
        admin.call(self.home, "DELETE", "quota")
        self.store.close()

    def submit(self, spec: FinetuneSpec, attempt: int = 1) -> str:
        """A job that an earlier run has left queued."""
        name = spec.job_name(attempt)
        finetune._submit(self.ml, spec, name, lambda _: None, anew=False)
        return name

    def left(self, spec: FinetuneSpec, status: str, attempt: int = 1) -> str:
        """A job that an earlier run has left in a state."""
        return self.becomes(self.submit(spec, attempt), status)

    def becomes(self, name: str, status: str, output: bool = True) -> str:
        """A job is in another state now; a completed one has left a model, unless ``output`` is false."""
        job = self._job(name)
        self.store.put(Resource(copy.deepcopy(job.body), {**job.internal, "status": status}))
        if status == "Completed" and output:
            self.blobs().upload_blob(f"azureml/{name}/mlflow_model_folder/MLmodel", b"flavors: {}\n", overwrite=True)
        return name

    def began(self, name: str, when: datetime) -> None:
        """A job has been at work since then."""
        job = self._job(name)
        self.store.put(Resource(copy.deepcopy(job.body), {**job.internal, "started": when.isoformat()}))

    def completes(self, spec: FinetuneSpec, attempt: int = 1) -> Callable[[], Any]:
        """A turn."""
        return lambda: self.becomes(spec.job_name(attempt), "Completed")

    def delete(self, what: str) -> None:
        self.arm.delete(f"{self.workspace}/{what}", "2025-12-01")

    def status(self, name: str) -> str:
        """State of a job; "" if there is none."""
        from cloud.arm import Arm as JobsArm

        return stack_jobs.status_of(stack_jobs.one(JobsArm(), self.target, name))

    def attempts(self, spec: FinetuneSpec) -> dict[int, str]:
        """State of each attempt."""
        found = {attempt: self.status(spec.job_name(attempt)) for attempt in range(1, 5)}
        return {attempt: status for attempt, status in found.items() if status}

    def model_job(self, spec: FinetuneSpec) -> str:
        """The job that the registered model was made from."""
        model = self.ml.models.get(spec.finetune.model_name, version=spec.model_version)
        return str(model.tags["job"])

    def _job(self, name: str) -> Resource:
        found = self.store.get(f"{self.workspace}/jobs/{name}")
        assert found is not None, name
        return found
