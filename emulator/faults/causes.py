"""Ways a job fails on Azure ML: exit code, log and the words of the run's error.

The wording of a failed user process and of ``AzureMLCompute job failed`` is that of public issues (for one
Azure/azure-cli-extensions#3574); logs end as those of the fine-tune component's own code do (azureml-acft packages
0.0.91), with its error as JSON; what a lost node and a failed pull say is from Microsoft's documentation and in part
inferred.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.faults.rules import Rule
from emulator.registry import steps
from emulator.training.errors import component_error

LOG = "user_logs/std_log.txt"


@dataclass(frozen=True)
class Cause:
    """One way.

    Attributes:
        exit_code: of the user's process; None if it never ran or was lost with its node.
        log: what the process had printed.
        message: the error of the run, where no exit code makes it.
        step: where it usually happens.
    """

    exit_code: int | None
    log: tuple[str, ...] = ()
    message: str = ""
    step: str = steps.FINETUNE


_NO_MEMORY = (
    "There is not enough GPU memory on the machine to do the operation. Please try:\n"
    "1. Running the experiment on a VM with higher GPU memory.\n"
    "2. Decreasing the `per_device_train_batch_size`.\n"
    "3. Enabling LoRA or Deepspeed or ORT or any combinations of these.\n"
    "4. Setting the `pad_to_max_length` to false for Language tasks.\n"
    "5. Decreasing the `image_size` for Image tasks.\n"
    "6. Decreasing the `lora_r` if `apply_lora` is set to true.\n"
)

CAUSES = {
    "": Cause(1, ("Traceback (most recent call last):", "RuntimeError: made to fail by a fault rule of the emulator")),
    "out-of-memory": Cause(
        1,
        (
            "{'loss': 1.9531, 'grad_norm': 0.8381, 'learning_rate': 2e-05, 'epoch': 0.01}",
            "Traceback (most recent call last):",
            '  File "…/azureml/acft/accelerator/finetune.py", line 451, in ft_with_trainer',
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of "
            "79.15 GiB of which 1.62 GiB is free.",
            "During handling of the above exception, another exception occurred:",
            "Traceback (most recent call last):",
            '  File "…/azureml/acft/common_components/utils/error_handling/swallow_all_exceptions_decorator.py", line '
            "78, in wrapper",
            "    raise AzureMLException._with_error(azureml_error)",
            *component_error(
                "azureml._common.exceptions.AzureMLException: AzureMLException",
                _NO_MEMORY,
                "ResourceExhausted",
                "Memory",
            ),
        ),
    ),
    "killed": Cause(137, ("Loading checkpoint shards:  50%", "Killed")),
    "bad-row": Cause(
        1,
        (
            "Traceback (most recent call last):",
            '  File "…/azureml/acft/contrib/hf/nlp/tasks/chat_completion/preprocess/base.py", line 568, in _helper',
            "    raise ACFTValidationException._with_error(",
            *component_error(
                "azureml.acft.common_components.utils.error_handling.exceptions.ACFTValidationException: "
                "ACFTValidationException",
                "Failure while applying chat template to dataset: 'dict object' has no attribute 'content'",
                "ACFTUserError",
            ),
        ),
        step=steps.PREPROCESS,
    ),
    "image-pull": Cause(
        None,
        message="AzureMLCompute job failed.\nFailedPullingImage: Unable to pull docker image\n\timageName: "
        "mcr.microsoft.com/azureml/curated/acft-hf-nlp-gpu:latest\n\tReason: Error response from daemon: unauthorized",
        step=steps.IMPORT,
    ),
    "quota": Cause(
        None,
        message="AzureMLCompute job failed.\nClusterCoreQuotaReached: Operation results in exceeding quota limits of "
        "Total Cluster Dedicated Regional vCPUs. Maximum allowed: 24, Current in use: 24, Additional requested: 24.",
        step=steps.IMPORT,
    ),
    "node-lost": Cause(
        None,
        ("{'loss': 1.4219, 'learning_rate': 1e-05, 'epoch': 0.43}",),
        message="AzureMLCompute job failed.\nNodeLost: The node was lost while the job ran on it, and it could not "
        "be run again.",
    ),
}


def last_words(log: Sequence[str]) -> str:
    """What of a failed process's log the run's error repeats: the component's own message, else the last line."""
    lines = [line.strip() for line in log if line.strip()]
    return next((line for line in reversed(lines) if line.startswith("Message: ")), lines[-1] if lines else "")


@dataclass(frozen=True)
class Failure:
    """What a rule makes of a job: the step that fails, what it leaves in its log, and the run's error."""

    step: str
    exit_code: int | None
    log: str
    message: str

    @classmethod
    def of(cls, rule: Rule) -> Failure:
        cause = CAUSES[rule.cause]
        code = rule.exit_code if rule.exit_code is not None else cause.exit_code
        told = (
            f"Execution failed. User process 'python' exited with status code {code}. Please check log file '{LOG}' "
            f"for error details. Error: {last_words(cause.log)}"
        )
        return cls(
            rule.step or cause.step,
            code,
            "".join(f"{line}\n" for line in cause.log),
            rule.message or (told if code is not None else cause.message),
        )

    def command(self, work: Path) -> list[str]:
        """A process that does what the user's did: print and end."""
        file = work / "fault.txt"
        file.write_text(self.log)
        code = self.exit_code or 0
        return [sys.executable, "-S", "-c", f"print(open({str(file)!r}).read(), end=''); raise SystemExit({code})"]

    def runs(self, job: str, node: str) -> list[dict[str, str]]:
        """The job's tree of runs, at the step that failed."""
        return steps.tree(job, node, self.step, "Failed")
