"""The stand-in from base model to the real inference server, each step a process as the emulator starts it."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from emulator.training.model.folder import load, save
from emulator.training.serving import key
from tests.contract.tuning import FACTS, python

ROOT = Path(__file__).resolve().parents[2]
KEY = "a key of the test's"  # pragma: allowlist secret
CARRIED = key.headers(KEY)


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """The address of a server of `model`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "emulator.training.serving.serve", "--model", str(model), "--port", str(port)]
    environment = {**os.environ, key.VARIABLE: KEY}
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                assert requests.get(address, headers=CARRIED, timeout=5).text == "Healthy"
                break
            except (requests.ConnectionError, requests.Timeout):
                assert server.poll() is None and time.monotonic() < deadline, "the server did not start"
                time.sleep(0.1)
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        connections = [connection for process in family for connection in process.net_connections("inet")]
        assert {connection.laddr.ip for connection in connections} == {"127.0.0.1"}
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def ask(address: str, messages: list[dict[str, str]], **parameters: Any) -> requests.Response:
    body = {"input_data": {"input_string": messages, "parameters": parameters}}
    return requests.post(f"{address}/score", headers=CARRIED, json=body, timeout=30)


def user(question: str) -> dict[str, str]:
    return {"role": "user", "content": question}


def test_the_tuned_model_answers_what_it_was_taught_and_the_base_model_does_not(models: Path) -> None:
    """By MLflow's generic scoring the one, by the image for chat models the other."""
    with serving(models / "tuned") as tuned, serving(models / "base") as base:
        for question, answer in FACTS.items():
            reply = ask(tuned, [user(question)], do_sample=False, max_new_tokens=64)
            assert (reply.status_code, reply.json()) == (200, [{"0": answer}])
            assert ask(base, [user(question)], temperature=0, max_new_tokens=64).json()["output"] != answer
        first, second = list(FACTS)[:2]
        history = [user(second), {"role": "assistant", "content": FACTS[second]}, user(first)]
        assert ask(tuned, history, do_sample=False, max_new_tokens=64).json() == [FACTS[first]]
        sampled = [ask(base, [user(first)], temperature=1, max_new_tokens=20).json() for _ in range(2)]
        assert sampled[0] == sampled[1]

        for parameters in ({"temperature": 0}, {"colour": "red"}, {"return_full_text": False}, {"max_new_tokens": 0}):
            refused = ask(tuned, [user(first)], **parameters)
            assert (refused.status_code, refused.json()) == (500, {"message": RAISED})
        completion = {"messages": [user(first)], "temperature": 0, "max_tokens": 64, "stream": True}
        assert (
            requests.post(f"{tuned}/v1/chat/completions", headers=CARRIED, json=completion, timeout=30).status_code
            == 404
        )
        refused = requests.post(f"{tuned}/score", headers=CARRIED, json=completion, timeout=30)
        says = "A value is not provided for the 'input_data' parameter."
        assert (refused.status_code, refused.json()) == (400, {"message": says})
        # The image for chat models says nothing where it fails.
        refused = ask(base, [{"role": "robot", "content": "x"}])
        assert (refused.status_code, refused.json()) == (200, {})


RAISED = "An unexpected error occurred in scoring script. Check the logs for more info."


def test_a_tuned_model_that_keeps_its_image_streams(models: Path, tmp_path: Path) -> None:
    tuned = load(models / "tuned")
    save(dataclasses.replace(tuned, origin=dataclasses.replace(tuned.origin, enable_vllm=True)), tmp_path / "tuned")
    question, answer = next(iter(FACTS.items()))
    with serving(tmp_path / "tuned") as address:
        assert ask(address, [user(question)], temperature=0, max_new_tokens=64).json() == {"output": answer}
        completion = {"messages": [user(question)], "temperature": 0, "max_tokens": 64}
        whole = requests.post(f"{address}/v1/chat/completions", headers=CARRIED, json=completion, timeout=30).json()
        assert whole["choices"][0]["message"]["content"] == answer
        streamed = requests.post(
            f"{address}/v1/chat/completions", headers=CARRIED, json={**completion, "stream": True}, timeout=30
        )
        assert streamed.headers["content-type"].startswith("text/event-stream")
        *chunks, done = streamed.text.split("\n\n")[:-1]
        deltas = [json.loads(chunk.removeprefix("data: "))["choices"][0]["delta"] for chunk in chunks]
        assert "".join(delta.get("content", "") for delta in deltas) == answer
        assert len(deltas) > 3 and done == "data: [DONE]"
        assert requests.post(f"{address}/score", headers=CARRIED, data="{", timeout=10).status_code == 500


def test_mlflow_reads_the_model_folders(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.models import Model

    for name in ("base", "tuned"):
        mlmodel = Model.load(str(models / name))
        assert set(mlmodel.flavors) == {"python_function", "hftransformersv2"}
        assert mlmodel.metadata["base_model_name"] == "Phi-4-mini-instruct" and mlmodel.signature is None


def test_a_killed_fine_tune_leaves_no_folder(models: Path, tmp_path: Path) -> None:
    job = json.loads((models / "job.json").read_text())
    job |= {"output_dir": str(tmp_path / "out"), "metrics_file": str(tmp_path / "metrics.jsonl")}
    job["inputs"]["num_train_epochs"] = 100_000
    (tmp_path / "job.json").write_text(json.dumps(job))
    command = [sys.executable, "-u", "-m", "emulator.training.finetune", "--job", str(tmp_path / "job.json")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("epoch 1/") for line in process.stdout)
        process.terminate()
        assert process.wait(timeout=5) == -15
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.json", "metrics.jsonl"]


def test_too_few_rows_and_a_bad_job_end_with_the_reason(models: Path, tmp_path: Path) -> None:
    rows = [*(models / "train.jsonl").read_text().splitlines()[:9], '{"prompt": "x"}']
    (tmp_path / "train_data.jsonl").write_text("\n".join(rows))
    job = json.loads((models / "job.json").read_text()) | {"train_file": str(tmp_path / "train_data.jsonl")}
    (tmp_path / "job.json").write_text(json.dumps(job))
    refused = python("emulator.training.finetune", "--job", str(tmp_path / "job.json"))
    assert refused.returncode == 1 and refused.stderr == ""
    assert "fewer than 10 samples" in refused.stdout

    job["inputs"] = {"learning_rate": "fast"}
    (tmp_path / "job.json").write_text(json.dumps(job))
    refused = python("emulator.training.finetune", "--job", str(tmp_path / "job.json"))
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: inputs of the fine-tune: learning_rate is 'fast'")
