"""Known causes of a failed job, recognised by what Azure and the job say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """Why jobs fail.

    ``pattern`` is looked for, without regard to case, in Azure's error codes and message and in the last lines of the
    log; ``exit_codes`` are the process's. ``source`` says where the wording was found.
    """

    name: str
    pattern: str
    means: str
    todo: str
    source: str
    exit_codes: tuple[int, ...] = ()

    def fits(self, text: str, exit_code: int | None) -> bool:
        if exit_code is not None and exit_code in self.exit_codes:
            return True
        return bool(self.pattern) and re.search(self.pattern, text, re.IGNORECASE) is not None


CAUSES = (
    Cause(
        "GPU memory",
        r"CUDA out of memory|OutOfMemoryError: CUDA|torch\.(cuda\.)?OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED",
        "the GPU's memory does not hold model, batch and optimizer",
        "Lower recipe.per_device_train_batch_size (raise recipe.gradient_accumulation_steps by the same factor) or "
        "recipe.max_seq_length, set recipe.apply_lora, or take a GPU with more memory (compute.vmSize).",
        "PyTorch's torch.cuda.OutOfMemoryError; the wording `CUDA out of memory.` is what accelerate's "
        "should_reduce_batch_size looks for",
    ),
    Cause(
        "disk",
        r"No space left on device|insufficient shared memory \(shm\)",
        "the node's disk or shared memory is full",
        "Take a size with a larger disk (compute.vmSize), or keep fewer checkpoints (recipe.save_total_limit).",
        "the errno text ENOSPC; PyTorch's DataLoader",
    ),
    Cause(
        "machine memory",
        r"DefaultCPUAllocator: can't allocate memory|\bMemoryError\b|OOMKilled|out of memory: killed process"
        r"|died with <Signals\.SIGKILL|insufficient memory",
        "the node's main memory did not suffice and the process was killed",
        "Take a size with more memory (compute.vmSize; data.cluster.vmSize for preparing data), or less data at once.",
        "exit code 137 is 128 + SIGKILL, which the kernel's out-of-memory killer sends; PyTorch's CPU allocator",
        (137, -9),
    ),
    Cause(
        "quota",
        r"ClusterCoreQuotaReached|ClusterMinNodesExceedCoreQuota|OutOfQuota|Not enough .{0,40}quota|vCPU quota of",
        "the subscription has no quota left for the VM family",
        "Ask for more with `python -m jobs quota request`, or end what uses it (`python -m jobs quota`).",
        "Azure ML's cluster error codes, as in azureml-assets and azure-docs issues",
    ),
    Cause(
        "capacity",
        r"OutOfCapacity|AllocationFailed|SkuNotAvailable|ZonalAllocationFailed|OverconstrainedAllocation",
        "the region has no such machine free now; quota is only the right to one",
        "Wait and run `pulumi up` again, or choose another compute.vmSize or region.",
        "Azure Compute's allocation error codes (Microsoft Learn, allocation failures)",
    ),
    Cause(
        "eviction",
        r"\bpreempt(ed|ion)\b|\bevict(ed|ion)\b|node (was|has been) (lost|removed|preempted)|NodeLost|NodePreempted",
        "Azure took the machine away: an evicted low-priority node, or maintenance of a dedicated one",
        "Run `pulumi up` again: a new attempt; steps that had succeeded are reused.",
        "Azure Batch's and Azure ML's node states; no recorded text of a job's own error was found",
    ),
    Cause(
        "image pull",
        r"AggregatedUnauthorizedAccessError|Failed to pull Docker image|FailedPullingImage|ImagePullBackOff",
        "the node may not or cannot pull the job's image",
        "Give the cluster's identity the role AcrPull on the container registry (`pulumi up --refresh` puts it back), "
        "and let the network reach the registry.",
        "`AzureMLCompute job failed. AggregatedUnauthorizedAccessError: Failed to pull Docker image …`, seen verbatim",
    ),
    Cause(
        "image build",
        r"Image ?build ?fail|CondaEnvException|ResolvePackageNotFound|pip failed|Docker image build",
        "the job's environment could not be built",
        "Read the build's log in the studio (environment, Build log). A component pinned to an old version may name "
        "packages that are gone: set finetune.component.version to latest.",
        "`ImageBuildFailure` of Microsoft Learn's troubleshooting pages; conda's and pip's own errors",
    ),
    Cause(
        "missing role",
        r"StreamAccess\.Authentication|AuthorizationPermissionMismatch|AuthorizationFailed"
        r"|This request is not authorized to perform this operation|KeyBasedAuthenticationNotPermitted"
        r"|does not have (the role|authorization)|PermissionDenied",
        "the identity that the job runs as may not do what it has to",
        "A role granted a moment ago takes up to ten minutes: run `pulumi up` again. Otherwise `pulumi up --refresh` "
        "puts back the roles that the stack declares; see the message for the one that is missing.",
        "`ScriptExecution.StreamAccess.Authentication … This request is not authorized to perform this operation using "
        "this permission`, seen verbatim; Microsoft Learn, data access error codes",
    ),
    Cause(
        "data missing",
        r"StreamAccess\.NotFound|The requested stream was not found|\bBlobNotFound\b|does not exist in storage",
        "the file behind a data asset is gone from the storage account",
        "Let the data be registered anew under another version: change data.seed or the data, then `make data` and "
        "`pulumi up`. An asset's version cannot be overwritten.",
        "`ScriptExecution.StreamAccess.NotFound`, seen verbatim; Microsoft Learn, data access error codes",
    ),
    Cause(
        "compute missing",
        r"(cluster|compute) \S+ (does not exist|was not found)|ComputeNotFound",
        "the cluster is not in the workspace",
        "Run `pulumi up --refresh`: it makes again what was deleted by hand.",
        "`AzureMLCompute cluster {n} does not exist`, seen verbatim",
    ),
    Cause(
        "network",
        r"Name or service not known|Temporary failure in name resolution|Max retries exceeded with url|ProxyError",
        "the node does not reach a host it needs",
        "With network: managed, the workspace needs an outbound rule for the host that the log names.",
        "the texts of getaddrinfo and urllib3",
    ),
    Cause(
        "data row",
        r"\b(row|line) \d+ of \S+|\S+\.(jsonl?|csv|parquet):\d+\b|JSON parse error|DatasetGenerationError"
        r"|ACFTValidationException|JSONDecodeError|Conversation roles must alternate",
        "a row of the data is not what the training takes",
        "Correct the row that the log names, or let data.badRows: repair or skip do it; then `make data`.",
        "the component's ACFTValidationException (azureml-assets, finetune_acft_hf_nlp); pyarrow and datasets",
    ),
    Cause(
        "recipe",
        r"loss (became|is) (nan|inf)|diverged",
        "the training diverged",
        "Lower recipe.learning_rate or raise recipe.warmup_steps.",
        "common wording of training loops",
    ),
)
"""The first that fits is told, so what is special comes before what is general."""


def cause_of(texts: Sequence[str], exit_code: int | None) -> Cause | None:
    """The likely cause of a failure, by what Azure says first and the log after it; None for an unknown one."""
    for text in texts:
        for cause in CAUSES:
            if cause.fits(text, None):
                return cause
    return next((cause for cause in CAUSES if cause.fits("", exit_code)), None)


def page() -> str:
    """The causes as a page."""
    rows = ["| cause | means | what to do |", "|---|---|---|"]
    rows += [f"| {cause.name} | {cause.means} | {cause.todo} |" for cause in CAUSES]
    signs = ["| cause | recognised by | where the wording is from |", "|---|---|---|"]
    for cause in CAUSES:
        codes = [f"exit code {code}" for code in cause.exit_codes]
        found = ", ".join([f"`{cause.pattern}`".replace("|", "\\|"), *codes])
        signs.append(f"| {cause.name} | {found} | {cause.source} |")
    return "\n\n".join(
        (
            "# Why a fine-tune fails",
            "Generated from `jobs/causes.py` by `make diagram`.",
            "A failed job's error ends with the likely cause, where one of these is recognised. It is a guess from "
            "words: the step, the exit code and the last lines of the log stand before it in the same message "
            "([how to go on](operations.md#a-failed-fine-tune)).",
            "\n".join(rows),
            "## How it is recognised",
            "Regular expressions, without regard to case: first in Azure's error codes and message, then in the last "
            "lines of the failing step's log, last by the exit code. The first that fits is told. *Seen verbatim* is "
            "what somebody has published; none was provoked on Azure by this project.",
            "\n".join(signs) + "\n",
        )
    )
