"""Why a job failed: which run, with which exit code, and the likely cause."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jobs_fake import FakeMl, install

from jobs.training.failures.causes import CAUSES, cause_of, page
from jobs.training.failures.component_error import split
from jobs.training.failures.explain import explained, failure
from jobs.training.joblog import JobLog, Run, failing
from tests.unit import arm_fake
from tests.unit.arm_fake import blob

LOGS = Path(__file__).resolve().parents[1] / "fixtures" / "component"
"""Ends of logs of the fine-tune component's own code, and what its users have to be told."""

SAID = {
    "four-rows": ("Training dataset has 4 non-null samples, which is fewer than 10 samples", "too few conversations"),
    "gpu-memory": ("There is not enough GPU memory on the machine to do the operation. Please try", "GPU memory"),
    "null-content": ("Failure while applying chat template to dataset: 'dict object' has no", "data row"),
    "shared-memory": ("There is not enough shared memory on the machine to do the operation.", "shared memory"),
    "surrogate": ("Error while loading the dataset: An error occurred while generating", "data file"),
    "lora-two-ranks": ("Lora is not supported for phi3. List of supported model_types with Lora:", "LoRA"),
}

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
    "azureml.acft.common_components.utils.error_handling.exceptions.ACFTUserException": "refused by the component",
    "the training loss became nan at step 12: it diverged.": "divergence",
    "{'loss': 0.0, 'grad_norm': nan, 'learning_rate': 1.9e-05, 'epoch': 0.02}": "divergence",
    "could not parse train_data.jsonl:17": "data row",
    # The component's own texts.
    "There is not enough GPU memory on the machine to do the operation. Please try:": "GPU memory",
    "Auto find batch size couldn't find the right batch size to do the operation.": "GPU memory, one row at a time",
    "RuntimeError: No executable batch size found, reached zero.": "GPU memory, one row at a time",
    "There is not enough shared memory on the machine to do the operation.": "shared memory",
    "RuntimeError: DataLoader worker (pid 22) is killed by signal: Bus error. It is possible that": "shared memory",
    "The selected compute does not meet minimum compute requirements, Please use Standard_NC24s_v3 SKU.": "no GPU",
    "Training dataset has 9 non-null samples, which is fewer than 10 samples": "too few conversations",
    "Found no examples after data preprocessing for train.jsonl": "too few conversations",
    "Error while loading the dataset: An error occurred while generating the dataset": "data file",
    "Path or dict: train.jsonl.Dataset Columns: ['prompt'].User Passed Columns: ['messages'].": "data file",
    "Unable to continue finetuning. No assistant tokens found after preprocessing.": "nothing to learn",
    "AttributeError: 'NoneType' object has no attribute 'write'": "nothing to learn",
    "Chat Special tokens are not set in finetune config.": "chat tokens",
    "Lora is not supported for phi3. List of supported model_types with Lora: ['bert']": "LoRA",
    "ValueError: Please specify `target_modules` in `peft_config`": "LoRA",
    "MLmodel file is not found, If this is a custom model it needs to be connected to pytorch_model_path": "base model",
    "RuntimeError: CUDA error: invalid device ordinal": "GPUs of the node",
    "The selected value for number_of_gpu_to_use_finetuning [2] is higher than gpus present": "GPUs of the node",
    "Current loss scale already at minimum - cannot decrease scale anymore.": "half precision",
    "Invalid settings found. Deep Speed cannot be coupled with auto_find_batch_size.": "recipe",
    "Set evaluation_strategy to one of steps or epoch when apply_early_stopping is True.": "recipe",
    "Encountered an internal ACFT error. Error Message/Code: 'eval_f1'. Traceback: ": "metric of the best model",
    "Failure while applying chat template to dataset: 'dict object' has no attribute 'content'": "data row",
    "jinja2.exceptions.TemplateError: Conversation roles must alternate user/assistant/user": "data row",
    "torch.distributed.DistBackendError: NCCL error: ncclSystemError: System call (e.g. socket) failed": "hardware",
}


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.mark.parametrize("text", SEEN)
def test_a_cause_is_recognised(text: str) -> None:
    found = cause_of([text], 1)
    assert found is not None and found.name == SEEN[text]


def test_each_cause_is_recognised_by_something_seen() -> None:
    assert [cause.name for cause in CAUSES if not any(cause.fits(text, None) for text in SEEN)] == []
    assert {cause.name for cause in CAUSES} == set(SEEN.values())


@pytest.mark.parametrize("code", [137, -9])
def test_a_killed_process_has_run_out_of_memory(code: int) -> None:
    found = cause_of(["Execution failed. User process 'python' exited with status code 137.", "epoch 1"], code)
    assert found is not None and found.name == "machine memory"


def test_what_azure_says_goes_before_the_log() -> None:
    found = cause_of(["ScriptExecution.StreamAccess.NotFound", "CUDA out of memory"], None)
    assert found is not None and found.name == "data missing"


@pytest.mark.parametrize("name", SAID)
def test_the_component_s_own_error_is_found_and_understood(name: str) -> None:
    lines = (LOGS / f"{name}.log").read_text(encoding="utf-8").splitlines()
    said, rest = split([line for line in lines if line.strip()])
    told, cause = SAID[name]
    assert said.startswith(told)
    found = cause_of(["Execution failed. User process 'python' exited with status code 1.", said, "".join(rest)], 1)
    assert found is not None and found.name == cause
    assert not any('"inner_error"' in line or '"code"' in line for line in rest)


def test_a_remedy_fits_what_happened() -> None:
    by_name = {cause.name: cause.todo for cause in CAUSES}  # of two of one name the later
    assert not any("checkpoint" in todo for todo in by_name.values())
    assert "disk" not in by_name["shared memory"] and "recipe.shm_size_finetune" in by_name["shared memory"]
    assert {name for name, todo in by_name.items() if "orrect the" in todo or "correct it" in todo} == {"data row"}
    assert "recipe.finetune_config_path" in by_name["LoRA"] and '"lora_target_modules"' in by_name["LoRA"]


def test_a_place_in_a_file_is_the_weakest_sign() -> None:
    log = "loading train_data.jsonl:17\nncclInternalError: Internal check failed.\n"
    assert getattr(cause_of(["", "", log], 1), "name", "") == "hardware"
    assert getattr(cause_of(["", "", "train.jsonl:17\n{'grad_norm': nan}"], 1), "name", "") == "divergence"
    assert getattr(cause_of(["", "", "train.jsonl:17\nKilled"], 137), "name", "") == "machine memory"


def test_the_log_without_an_error_of_the_component_is_left_as_it_is() -> None:
    lines = ["epoch 1", "\tErrorResponse ", "{ no JSON", "the end"]
    assert split(lines) == ("", lines)


def test_an_error_of_the_user_s_goes_before_what_follows_from_it() -> None:
    def response(code: str, message: str) -> list[str]:
        return ["ErrorResponse", "{", f'  "error": {{"code": "{code}", "message": "{message}"}}', "}"]

    lines = [*response("UserError", "too short"), "between", *response("SystemError", "internal"), "after"]
    assert split(lines) == ("too short", ["between", "after"])


def test_an_unknown_reason_is_no_cause() -> None:
    assert cause_of(["Execution failed. User process 'python' exited with status code 1.", "KeyError: 'x'"], 1) is None


def test_the_failing_run_is_the_first_that_no_failed_run_lies_below() -> None:
    def run(name: str, parent: str, status: str) -> Run:
        return Run(name=name, parent=parent, title=name, status=status)

    node = run("node", "job", "Failed")
    steps = [run("import", "node", "Completed"), run("train", "node", "Failed"), run("score", "node", "Canceled")]
    assert failing([node, *steps]) == steps[1]
    assert failing([run("node", "job", "Canceled"), run("train", "node", "NotResponding")]).name == "train"  # type: ignore[union-attr]
    assert failing([run("node", "job", "Running")]) is None


def details(code: str, message: str, inner: str = "") -> Any:
    inner_error = SimpleNamespace(code=inner, inner_error=None) if inner else None
    root = SimpleNamespace(code=code, message=message, inner_error=inner_error, details=None)
    return SimpleNamespace(
        start_time_utc=None,
        end_time_utc=None,
        log_files={"user_logs/std_log.txt": blob("log")},
        error=SimpleNamespace(error=root),
    )


def test_all_that_is_known_is_told(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "job": details("UserError", "Pipeline has failed child jobs."),
        "train": details(
            "UserError", "Execution failed. User process 'python'\nexited with status code 137.", "Killed"
        ),
    }
    ml.jobs.children["job"] = [SimpleNamespace(name="train", display_name="finetune", status="Failed")]
    ml.jobs._runs_operations.get_run_details = lambda run: told[run]
    arm_fake.install(monkeypatch).blobs[blob("log")] = "".join(f"line {n}\n" for n in range(99)).encode()
    log = JobLog(client=ml, job_name="job")  # type: ignore[arg-type]

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


def test_the_component_s_error_is_told_wherever_it_stands(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    ml.jobs.children["job"] = [SimpleNamespace(name="train", display_name="finetune", status="Failed")]
    told = details("UserError", "Execution failed. User process 'python' exited with status code 1.")
    ml.jobs._runs_operations.get_run_details = lambda run: told
    arm_fake.install(monkeypatch).blobs[blob("log")] = (LOGS / "lora-two-ranks.log").read_bytes()
    found = failure(JobLog(client=ml, job_name="job"), "Failed")  # type: ignore[arg-type]
    assert "with status code 1. The component says: Lora is not supported for phi3. List of supported" in found.why
    assert len(found.lines) == 15 and found.lines[-1].startswith("=====")
    assert found.cause is not None and found.cause.name == "LoRA"


def test_where_nothing_can_be_read_the_status_is_told(ml: FakeMl) -> None:
    found = failure(JobLog(client=ml, job_name="job"), "Failed")  # type: ignore[arg-type]
    assert found.why == "it ended Failed"


def test_the_page_has_two_rows_for_each() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| ")]
    assert len(rows) == 2 * (1 + len(CAUSES))
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)


def test_the_page_is_current() -> None:
    found = Path(__file__).resolve().parents[2] / "docs" / "failures.md"
    assert found.read_text(encoding="utf-8") == page(), "run: make diagram"
