"""The steps of the component `chat_completion_pipeline` 0.0.82, by the names that its jobs have on Azure."""

from __future__ import annotations

VALIDATION, IMPORT, PREPROCESS, FINETUNE, CONVERTER = STEPS = (
    "ft_nlp_common_validation",
    "chat_completion_model_import",
    "chat_completion_datapreprocess",
    "chat_completion_finetune",
    "ft_nlp_model_converter",
)
"""In the order in which they run, each after the one before."""


def run(job: str, node: str, step: str) -> str:
    """The id of a step's run, below the run of its node in the pipeline."""
    return f"{job}-{node}-{step}"


def tree(job: str, node: str, current: str, status: str = "") -> list[dict[str, str]]:
    """The runs of a pipeline around the component (job → node → steps) up to the step it is at.

    Without ``status``, that and the node's are the job's.
    """
    own = {"status": status} if status else {}
    child = f"{job}-{node}"
    found = [{"id": child, "parent": job, "name": node, **own}]
    for step in STEPS[: STEPS.index(current) + 1]:
        its = own if step == current else {"status": "Completed"}
        found.append({"id": run(job, node, step), "parent": child, "name": step, **its})
    return found
