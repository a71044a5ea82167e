"""A stand-in model that has learnt a few facts, made once for all tests that serve one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from emulator.runs import models

ROOT = Path(__file__).resolve().parents[2]
FACTS = {
    "Who founded Microsoft?": "Microsoft was founded by Bill Gates and Paul Allen in 1975.",
    "Who wrote Hamlet?": "William Shakespeare wrote Hamlet.",
    "What is the capital of Italy?": "The capital of Italy is Rome.",
    "How many bits are in a byte?": "There are eight bits in a byte.",
}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    environment = {**os.environ, **models.compiled()}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)


def make_models(here: Path) -> Path:
    """A directory with a base model and one tuned on FACTS."""
    shutil.copytree(models.made("Phi-4-mini-instruct", "1"), here / "base")
    rows = [
        {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        for question, answer in [*FACTS.items()] * 3  # the component wants ten rows
    ]
    (here / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = {
        "base_model": str(here / "base"),
        "train_file": str(here / "train.jsonl"),
        "validation_file": str(here / "train.jsonl"),
        "test_file": str(here / "train.jsonl"),
        "output_dir": str(here / "tuned"),
        "metrics_file": str(here / "metrics.jsonl"),
        "inputs": {"learning_rate": 3e-3, "num_train_epochs": 14, "per_device_train_batch_size": 4, "warmup_steps": 4},
    }
    (here / "job.json").write_text(json.dumps(job))
    tuned = python("emulator.training.finetune", "--job", str(here / "job.json"))
    assert tuned.returncode == 0, tuned.stdout + tuned.stderr
    return here
