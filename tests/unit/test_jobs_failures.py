"""Why a job failed: which run, with which exit code, and the likely cause."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jobs_fake import FakeMl, install

from jobs import joblog
from jobs.causes import CAUSES, cause_of, page
from jobs.failures import explained, failure
from jobs.joblog import JobLog, Run, failing

SEEN = {
    # What Azure, PyTorch and others print, in their words, to the cause it has to be taken for.
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB": "GPU memory",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 96.00 MiB. GPU 0 has": "GPU memory",
    "OSError: [Errno 28] No space left on device": "disk",
    "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried": "machine memory",
    "subprocess.CalledProcessError: Command '...' died with <Signals.SIGKILL: 9>.": "machine memory",
    "ClusterCoreQuotaReached": "quota",
    "The specified subscription has a Standard NCADSA100v4 family vCPU quota of 0 and cannot accomodate": "quota",
    "OutOfCapacity": "capacity",
    "The node has been preempted.": "eviction",
    "AzureMLCompute job failed. AggregatedUnauthorizedAccessError: Failed to pull Docker image x.azurecr.io/e_1. This "
    "error may occur because the compute could not authenticate with the Docker registry": "image pull",
    "Image build failed. For more details, check log file azureml-logs/20_image_build_log.txt.": "image build",
    "Error Code: ScriptExecution.StreamAccess.Authentication Native Error: error in streaming StreamError("
    "PermissionDenied(Some(This request is not authorized to perform this operation using this permission.)))": (
        "missing role"
    ),
    "Error Code: ScriptExecution.StreamAccess.NotFound Error Message: The requested stream was not found. Please make "
    "sure the request uri is correct.": "data missing",
    "AzureMLCompute cluster gpu does not exist": "compute missing",
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded "
    "with url: /x": "network",
    "error: row 3 of train_data.jsonl has no messages": "data row",
    "pyarrow.lib.ArrowInvalid: JSON parse error: Missing a closing quotation mark in string. in row 2": "data row",
    "azureml.acft.common_components.utils.error_handling.exceptions.ACFTValidationException": "data row",
    "the training loss became nan at step 12: it diverged.": "recipe",
}


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.mark.parametrize("text", SEEN)
def test_a_cause_is_recognised(text: str) -> None:
    found = cause_of([text], 1)
    assert found is not None and found.name == SEEN[text]


def test_each_cause_is_recognised_by_something_seen() -> None:
    assert {cause.name for cause in CAUSES} == set(SEEN.values())


@pytest.mark.parametrize("code", [137, -9])
def test_a_killed_process_has_run_out_of_memory(code: int) -> None:
    found = cause_of(["Execution failed. User process 'python' exited with status code 137.", "epoch 1"], code)
    assert found is not None and found.name == "machine memory"


def test_what_azure_says_goes_before_the_log() -> None:
    found = cause_of(["ScriptExecution.StreamAccess.NotFound", "CUDA out of memory"], None)
    assert found is not None and found.name == "data missing"


def test_an_unknown_reason_is_no_cause() -> None:
    assert cause_of(["Execution failed. User process 'python' exited with status code 1.", "KeyError: 'x'"], 1) is None


def test_the_failing_run_is_the_first_that_no_failed_run_lies_below() -> None:
    def run(name: str, parent: str, status: str) -> Run:
        return Run(name, parent, name, status)

    node = run("node", "job", "Failed")
    steps = [run("import", "node", "Completed"), run("train", "node", "Failed"), run("score", "node", "Canceled")]
    assert failing([node, *steps]) == steps[1]
    assert failing([run("node", "job", "Canceled"), run("train", "node", "NotResponding")]).name == "train"  # type: ignore[union-attr]
    assert failing([run("node", "job", "Running")]) is None


def details(code: str, message: str, inner: str = "") -> Any:
    inner_error = SimpleNamespace(code=inner, inner_error=None) if inner else None
    root = SimpleNamespace(code=code, message=message, inner_error=inner_error, details=None)
    return SimpleNamespace(log_files={"user_logs/std_log.txt": "log"}, error=SimpleNamespace(error=root))


def test_all_that_is_known_is_told(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "job": details("UserError", "Pipeline has failed child jobs."),
        "train": details(
            "UserError", "Execution failed. User process 'python'\nexited with status code 137.", "Killed"
        ),
    }
    ml.jobs.children["job"] = [SimpleNamespace(name="train", display_name="finetune", status="Failed")]
    ml.jobs._runs_operations.get_run_details = lambda run: told[run]
    monkeypatch.setattr(joblog, "_download", lambda url, start: "".join(f"line {n}\n" for n in range(99)).encode())
    log = JobLog(ml, "job")  # type: ignore[arg-type]

    found = failure(log, "Failed")
    assert (found.step, found.exit_code, found.codes) == ("finetune", 137, ("UserError", "Killed"))
    assert found.lines == tuple(f"line {n}" for n in range(84, 99))
    assert found.why.startswith(
        "step finetune ended Failed with exit code 137. Azure says: Killed: Execution failed. User process 'python' "
        "exited with status code 137. Last lines of its log:\n  line 84\n"
    )
    assert found.why.splitlines()[-1].startswith("Likely cause: machine memory, ")

    short = explained(log, "Failed")
    assert "line 84" not in short and "What to do: Take a size with more memory" in short


def test_where_nothing_can_be_read_the_status_is_told(ml: FakeMl) -> None:
    found = failure(JobLog(ml, "job"), "Failed")  # type: ignore[arg-type]
    assert found.why == "it ended Failed"


def test_the_page_has_two_rows_for_each() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| ")]
    assert len(rows) == 2 * (1 + len(CAUSES))
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)


def test_the_page_is_current() -> None:
    found = Path(__file__).resolve().parents[2] / "docs" / "failures.md"
    assert found.read_text(encoding="utf-8") == page(), "run: make diagram"
