"""Known causes of a failed job, recognised by what Azure and the job say."""

from __future__ import annotations

from collections.abc import Sequence

from cloud.roles import Role
from jobs.training.failures.cause import Cause
from jobs.training.failures.component_causes import COMPONENT, LIGHTER, REFUSED

_PLATFORM = (
    Cause(
        name="GPU memory",
        pattern=r"not enough GPU memory on the machine|CUDA out of memory|OutOfMemoryError: CUDA"
        r"|torch\.(cuda\.)?OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED",
        means="the GPU's memory does not hold model, batch and optimizer",
        todo=LIGHTER,
        source="the component's InsufficientGPUMemory (ran), PyTorch's torch.cuda.OutOfMemoryError that it stands "
        "for; the wording `CUDA out of memory.` is what accelerate's should_reduce_batch_size looks for",
    ),
    Cause(
        name="disk",
        pattern=r"No space left on device",
        means="the node's disk is full",
        todo="Take a size with a larger disk (compute.vmSize).",
        source="the errno text ENOSPC",
    ),
    Cause(
        name="machine memory",
        pattern=r"DefaultCPUAllocator: can't allocate memory|\bMemoryError\b|OOMKilled|out of memory: killed process"
        r"|died with <Signals\.SIGKILL|insufficient memory",
        means="the node's main memory did not suffice and the process was killed",
        todo="Take a size with more memory (compute.vmSize; data.cluster.vmSize for preparing data), or less data at "
        "once.",
        source="exit code 137 is 128 + SIGKILL, which the kernel's out-of-memory killer sends; PyTorch's CPU allocator",
        exit_codes=(137, -9),
    ),
    Cause(
        name="quota",
        pattern=r"ClusterCoreQuotaReached|ClusterMinNodesExceedCoreQuota|OutOfQuota|Not enough .{0,40}quota|vCPU "
        r"quota of",
        means="the subscription has no quota left for the VM family",
        todo="Ask for more with `python -m jobs quota request`, or end what uses it (`python -m jobs quota`).",
        source="Azure ML's cluster error codes, as in azureml-assets and azure-docs issues",
    ),
    Cause(
        name="capacity",
        pattern=r"OutOfCapacity|AllocationFailed|SkuNotAvailable|ZonalAllocationFailed|OverconstrainedAllocation",
        means="the region has no such machine free now; quota is only the right to one",
        todo="Wait and run `pulumi up` again, or choose another compute.vmSize or region.",
        source="Azure Compute's allocation error codes (Microsoft Learn, allocation failures)",
    ),
    Cause(
        name="eviction",
        pattern=r"\bpreempt(ed|ion)\b|\bevict(ed|ion)\b|node (was|has been) "
        r"(lost|removed|preempted)|NodeLost|NodePreempted",
        means="Azure took the machine away: an evicted low-priority node, or maintenance of a dedicated one",
        todo="Run `pulumi up` again: a new attempt; steps that had succeeded are reused.",
        source="Azure Batch's and Azure ML's node states; no recorded text of a job's own error was found",
    ),
    Cause(
        name="image pull",
        pattern=r"AggregatedUnauthorizedAccessError|Failed to pull Docker image|FailedPullingImage|ImagePullBackOff",
        means="the node may not or cannot pull the job's image",
        todo=f"Give the cluster's identity the role {Role.ACR_PULL.title} on the container registry "
        "(`pulumi up --refresh` puts it back), and let the network reach the registry.",
        source="`AzureMLCompute job failed. AggregatedUnauthorizedAccessError: Failed to pull Docker image …`, seen "
        "verbatim",
    ),
    Cause(
        name="image build",
        pattern=r"Image ?build ?fail|CondaEnvException|ResolvePackageNotFound|pip failed|Docker image build",
        means="the job's environment could not be built",
        todo="Read the build's log in the studio (environment, Build log). A component pinned to an old version may "
        "name packages that are gone: set finetune.component.version to latest.",
        source="`ImageBuildFailure` of Microsoft Learn's troubleshooting pages; conda's and pip's own errors",
    ),
    Cause(
        name="missing role",
        pattern=r"StreamAccess\.Authentication|AuthorizationPermissionMismatch|AuthorizationFailed"
        r"|This request is not authorized to perform this operation|KeyBasedAuthenticationNotPermitted"
        r"|does not have (the role|authorization)|PermissionDenied",
        means="the identity that the job runs as may not do what it has to",
        todo="A role granted a moment ago takes up to ten minutes: run `pulumi up` again. Otherwise `pulumi up "
        "--refresh` puts back the roles that the stack declares; see the message for the one that is missing.",
        source="`ScriptExecution.StreamAccess.Authentication … This request is not authorized to perform this "
        "operation using this permission`, seen verbatim; Microsoft Learn, data access error codes",
    ),
    Cause(
        name="data missing",
        pattern=r"StreamAccess\.NotFound|The requested stream was not found|\bBlobNotFound\b|does not exist in storage",
        means="the file behind a data asset is gone from the storage account",
        todo="Let the data be registered anew under another version: change data.seed or the data, then `make data` "
        "and `pulumi up`. An asset's version cannot be overwritten.",
        source="`ScriptExecution.StreamAccess.NotFound`, seen verbatim; Microsoft Learn, data access error codes",
    ),
    Cause(
        name="compute missing",
        pattern=r"(cluster|compute) \S+ (does not exist|was not found)|ComputeNotFound",
        means="the cluster is not in the workspace",
        todo="Run `pulumi up --refresh`: it makes again what was deleted by hand.",
        source="`AzureMLCompute cluster {n} does not exist`, seen verbatim",
    ),
    Cause(
        name="network",
        pattern=r"Name or service not known|Temporary failure in name resolution|Max retries exceeded with "
        r"url|ProxyError",
        means="the node does not reach a host it needs",
        todo="With network: managed, the workspace needs an outbound rule for the host that the log names.",
        source="the texts of getaddrinfo and urllib3",
    ),
)
"""From the special to the general: the first that fits is told."""

_WEAK = (
    Cause(
        name="data row",
        pattern=r"\b(row|line) \d+ of \S+|JSON parse error|DatasetGenerationError|JSONDecodeError",
        means="a row of the data is not what the training takes",
        todo="Correct the row that the log names, or let data.badRows: repair or skip do it; then `make data`.",
        source="pyarrow, datasets and Python's json",
        weak=True,
    ),
    Cause(
        name="divergence",
        pattern=r"loss (became|is) (nan|inf)|diverged|[\"']?(grad_norm|loss)[\"']?\s*[:=]\s*[\"']?(nan|inf)\b",
        means="the training diverged: loss or gradient are no numbers any more",
        todo="Lower recipe.learning_rate, raise recipe.warmup_steps, or set recipe.precision to 32.",
        source="transformers' log lines; common wording of training loops",
        weak=True,
    ),
    REFUSED,
    Cause(
        name="data row",
        pattern=r"\S+\.(jsonl?|csv|parquet):\d+\b",
        means="a row of the data may not be what the training takes",
        todo="Look at the row that the log names; if it is wrong, correct it, or let data.badRows: repair or skip do "
        "it, then `make data`.",
        source="how tools name a place in a file; the weakest sign of all",
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
