"""Known causes of a failed job, recognised by what Azure and the job say."""

from __future__ import annotations

from collections.abc import Sequence

from cloud.roles import Role
from jobs.training.failures.cause import Cause
from jobs.training.failures.component_causes import COMPONENT, LIGHTER, REFUSED

_PLATFORM = (
    Cause(
        "GPU memory",
        r"not enough GPU memory on the machine|CUDA out of memory|OutOfMemoryError: CUDA"
        r"|torch\.(cuda\.)?OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED",
        "the GPU's memory does not hold model, batch and optimizer",
        LIGHTER,
        "the component's InsufficientGPUMemory (ran), PyTorch's torch.cuda.OutOfMemoryError that it stands for; the "
        "wording `CUDA out of memory.` is what accelerate's should_reduce_batch_size looks for",
    ),
    Cause(
        "disk",
        r"No space left on device",
        "the node's disk is full",
        "Take a size with a larger disk (compute.vmSize).",
        "the errno text ENOSPC",
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
        f"Give the cluster's identity the role {Role.ACR_PULL.title} on the container registry "
        "(`pulumi up --refresh` puts it back), and let the network reach the registry.",
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
)
"""From the special to the general: the first that fits is told."""

_WEAK = (
    Cause(
        "data row",
        r"\b(row|line) \d+ of \S+|JSON parse error|DatasetGenerationError|JSONDecodeError",
        "a row of the data is not what the training takes",
        "Correct the row that the log names, or let data.badRows: repair or skip do it; then `make data`.",
        "pyarrow, datasets and Python's json",
        weak=True,
    ),
    Cause(
        "divergence",
        r"loss (became|is) (nan|inf)|diverged|[\"']?(grad_norm|loss)[\"']?\s*[:=]\s*[\"']?(nan|inf)\b",
        "the training diverged: loss or gradient are no numbers any more",
        "Lower recipe.learning_rate, raise recipe.warmup_steps, or set recipe.precision to 32.",
        "transformers' log lines; common wording of training loops",
        weak=True,
    ),
    REFUSED,
    Cause(
        "data row",
        r"\S+\.(jsonl?|csv|parquet):\d+\b",
        "a row of the data may not be what the training takes",
        "Look at the row that the log names; if it is wrong, correct it, or let data.badRows: repair or skip do it, "
        "then `make data`.",
        "how tools name a place in a file; the weakest sign of all",
        weak=True,
    ),
)

CAUSES = (*COMPONENT, *_PLATFORM, *_WEAK)


def cause_of(texts: Sequence[str], exit_code: int | None) -> Cause | None:
    """The likely cause of a failure, by what Azure says first and the log last; None for an unknown one."""
    for weak in (False, True):
        causes = [cause for cause in CAUSES if cause.weak == weak]
        for text in texts:
            for cause in causes:
                if cause.fits(text, None):
                    return cause
        # Being killed says more than what may stand in any log.
        if killed := next((cause for cause in causes if cause.fits("", exit_code)), None):
            return killed
    return None


def page() -> str:
    """The causes as a page."""
    rows = ["| cause | means | what to do |", "|---|---|---|"]
    rows += [f"| {cause.name} | {_cell(cause.means)} | {_cell(cause.todo)} |" for cause in CAUSES]
    signs = ["| cause | recognised by | where the wording is from |", "|---|---|---|"]
    for cause in CAUSES:
        codes = [f"exit code {code}" for code in cause.exit_codes]
        found = ", ".join([f"`{_cell(cause.pattern)}`", *codes])
        signs.append(f"| {cause.name}{' (weak)' if cause.weak else ''} | {found} | {cause.source} |")
    return "\n\n".join(
        (
            "# Why a fine-tune fails",
            "Generated from `causes.py` and `component_causes.py` in `jobs/training/failures/` by `make diagram`.",
            "A failed job's error ends with the likely cause, where one of these is recognised. It is a guess from "
            "words: the step, the exit code, the component's own error and the last lines of the log stand before it "
            "in the same message ([how to go on](operations.md#a-failed-fine-tune)).",
            "\n".join(rows),
            "## How it is recognised",
            "Regular expressions, without regard to case: first in Azure's error codes and message, then in the error "
            "that the fine-tune component prints as JSON at the end of its log, then in the last lines of the failing "
            "step's log, last by the exit code. The first that fits is told; those marked *weak* only where no other "
            "fits. *Seen verbatim* is what somebody has published, *ran* what the component's own code said when it "
            "was run away from Azure; none was provoked on Azure by this project.",
            "\n".join(signs) + "\n",
        )
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
