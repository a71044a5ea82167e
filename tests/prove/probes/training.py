"""Azure's own fine-tune component on a few rows: the only probe that needs a GPU, and only when asked for."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from cloud.target import RegistryAsset, Target
from data_prep import fingerprint
from jobs.dataset import upload
from jobs.dataset.spec import DatasetSpec
from jobs.training import finetune
from jobs.training.spec import FinetuneSpec
from settings.sections.finetune import FinetuneSettings
from tests.prove.azure import ML, Azure
from tests.prove.group import Group
from tests.prove.probes import Facts, Probe
from tests.prove.probes.clusters import DELETE
from tests.prove.probes.readings import BASE, SIZE

ROWS = 12
RECIPE: dict[str, Any] = {
    "learning_rate": 2e-5,
    "num_train_epochs": 1,
    "per_device_train_batch_size": 1,
    "apply_lora": True,
    "precision": 16,
    "max_seq_length": 256,
}
_PATIENCE = 2 * 3600.0


def component(on: Group, azure: Azure, measured: Facts) -> Facts:
    workspace = on.workspace()
    target = Target(on.subscription, on.name, workspace.rsplit("/", 1)[1])
    scale = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    cluster = {"computeType": "AmlCompute", "properties": {"vmSize": SIZE, "scaleSettings": scale}}
    id_ = f"{workspace}/computes/gpu"
    on.undo("cluster gpu", lambda: on.quietly.call("", "DELETE", id_, query=DELETE))
    made = azure.call("a cluster", "PUT", id_, ML, {"location": on.location, "properties": cluster})
    if made.status >= 400 or not made.ended.startswith("Succeeded"):
        return {"cluster": made.outcome}
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        data = DatasetSpec(target=target, name="prove", fingerprint=fingerprint(_rows(Path(folder))), directory=folder)
        upload.run(data, on.report, stop)
    spec = FinetuneSpec(
        target=target,
        dataset_name=data.name,
        dataset_fingerprint=data.fingerprint,
        base_model=RegistryAsset(*BASE),
        recipe=RECIPE,
        cluster="gpu",
        gpus_per_node=1,
        finetune=FinetuneSettings.model_construct(experiment="prove", model_name="prove-phi", max_attempts=1),
    )
    failed: list[str] = []
    work = threading.Thread(target=_train, args=(spec, on, stop, failed), daemon=True)
    work.start()
    root = f"{workspace}/jobs/{spec.job_name(1)}"
    status = azure.wait(lambda: _status(on, root), 15 * 60) or "none"
    deadline = time.monotonic() + _PATIENCE
    while work.is_alive() and time.monotonic() < deadline:
        azure.sleep(1)
    stop.set()
    job = azure.call("the job", "GET", root)
    version = azure.call("the model", "GET", f"{workspace}/models/prove-phi/versions/{spec.model_version}")
    properties = (version.answer or {}).get("properties", {})
    measured["flavors"] = ", ".join(sorted(properties.get("flavors") or {}))
    measured["failure"] = "; ".join(failed)[:500] or "none"
    return {
        "cluster": made.outcome,
        "status of the pipeline while its first step waits": status,
        "ended": str((job.answer or {}).get("properties", {}).get("status")),
        "model": version.outcome,
        "model type": str(properties.get("modelType")),
    }


def _train(spec: FinetuneSpec, on: Group, stop: threading.Event, failed: list[str]) -> None:
    try:
        finetune.run(spec, on.report, stop)
    except Exception as error:  # noqa: BLE001 - told as what was seen; the probe goes on to read the job
        failed.append(on.quietly.disguised(str(error)))


def _status(on: Group, job: str) -> str:
    """The root's status once it is past being accepted."""
    status = str(on.quietly.get(job).get("properties", {}).get("status") or "")
    return "" if status in ("", "NotStarted") else status


def _rows(folder: Path) -> Path:
    for name in ("train", "test"):
        rows = [
            {
                "messages": [
                    {"role": "user", "content": f"What is {n} + 1?"},
                    {"role": "assistant", "content": str(n + 1)},
                ]
            }
            for n in range(ROWS)
        ]
        (folder / f"{name}_data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


PROBES = (
    Probe(
        name="component",
        claim="The fine-tune component trains on all rows of three files and its model is registered",
        run=component,
        believed={
            "cluster": "20[0-2], then Succeeded",
            "status of the pipeline while its first step waits": "",
            "ended": "Completed",
            "model": "200",
            "model type": "mlflow_model",
        },
        makes=f"a cluster with one {SIZE} for about an hour",
        minutes=75,
        hours={SIZE: 1.2},
        asked_for=True,
    ),
)
