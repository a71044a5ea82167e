"""The stand-in from base model to the real inference server, each step a process as the emulator starts it."""

from __future__ import annotations

import json
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

from tests.contract.tuning import FACTS, python

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """The address of a server of `model`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "emulator.training.serve", "--model", str(model), "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert requests.get(address, timeout=5).text == "Healthy"
                break
            except requests.ConnectionError:
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
    return requests.post(f"{address}/score", json=body, timeout=30)


def user(question: str) -> dict[str, str]:
    return {"role": "user", "content": question}


def test_the_tuned_model_answers_what_it_was_taught_and_the_base_model_does_not(models: Path) -> None:
    with serving(models / "tuned") as tuned, serving(models / "base") as base:
        for question, answer in FACTS.items():
            reply = ask(tuned, [user(question)], temperature=0, max_new_tokens=64)
            assert (reply.status_code, reply.json()) == (200, {"output": answer})
            assert ask(base, [user(question)], temperature=0, max_new_tokens=64).json()["output"] != answer
        first, second = list(FACTS)[:2]
        history = [user(second), {"role": "assistant", "content": FACTS[second]}, user(first)]
        assert ask(tuned, history, temperature=0, max_new_tokens=64).json() == {"output": FACTS[first]}
        sampled = [ask(base, [user(first)], temperature=1, max_new_tokens=20).json() for _ in range(2)]
        assert sampled[0] == sampled[1]

        completion = {"messages": [user(first)], "temperature": 0, "max_tokens": 64}
        whole = requests.post(f"{tuned}/v1/chat/completions", json=completion, timeout=30).json()
        assert whole["choices"][0]["message"]["content"] == FACTS[first]
        streamed = requests.post(f"{tuned}/v1/chat/completions", json={**completion, "stream": True}, timeout=30)
        assert streamed.headers["content-type"].startswith("text/event-stream")
        *chunks, done = streamed.text.split("\n\n")[:-1]
        deltas = [json.loads(chunk.removeprefix("data: "))["choices"][0]["delta"] for chunk in chunks]
        assert "".join(delta.get("content", "") for delta in deltas) == FACTS[first]
        assert len(deltas) > 3 and done == "data: [DONE]"

        refused = ask(tuned, [{"role": "robot", "content": "x"}])
        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "BadRequest"
        assert "role 'robot'" in refused.json()["error"]["message"]
        assert requests.post(f"{tuned}/score", data="{", timeout=10).status_code == 400


def test_mlflow_reads_the_model_folders(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow.pyfunc
    from mlflow.models import Model

    for name in ("base", "tuned"):
        mlmodel = Model.load(str(models / name))
        assert set(mlmodel.flavors) == {"python_function", "stand_in"}
        assert mlmodel.metadata["base_model"] == "Phi-4-mini-instruct"
    question = next(iter(FACTS))
    loaded = mlflow.pyfunc.load_model(str(models / "tuned"))
    assert loaded.predict([user(question)], params={"temperature": 0}) == {"output": FACTS[question]}


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


def test_a_bad_row_and_a_bad_job_end_with_one_line(models: Path, tmp_path: Path) -> None:
    rows = (models / "train.jsonl").read_text().splitlines()[:1] * 16 + ['{"prompt": "x"}']
    (tmp_path / "train_data.jsonl").write_text("\n".join(rows))
    job = json.loads((models / "job.json").read_text()) | {"train_file": str(tmp_path / "train_data.jsonl")}
    (tmp_path / "job.json").write_text(json.dumps(job))
    refused = python("emulator.training.finetune", "--job", str(tmp_path / "job.json"))
    assert refused.returncode == 1 and refused.stderr == ""
    assert refused.stdout.splitlines()[-1] == "error: row 17 of train_data.jsonl has no messages"

    job["inputs"] = {"learning_rate": "fast"}
    (tmp_path / "job.json").write_text(json.dumps(job))
    refused = python("emulator.training.finetune", "--job", str(tmp_path / "job.json"))
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: inputs of the fine-tune: learning_rate is 'fast'")
