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


NOT_STARTED = "NotStarted"


def run(job: str, node: str, step: str) -> str:
    """The id of a step's run, below the run of its node in the pipeline."""
    return f"{job}-{node}-{step}"


def tree(job: str, node: str, current: str, status: str = "") -> list[dict[str, str]]:
    """The runs of a pipeline around the component (job → node → steps) that is at one of its steps.

    Without ``status``, that step's and the node's are the job's.
    """
    own = {"status": status} if status else {}
    child = f"{job}-{node}"
    found = [{"id": child, "parent": job, "name": node, **own}]
    for at, step in enumerate(STEPS):
        past = {"status": "Completed"} if at < STEPS.index(current) else {"status": NOT_STARTED}
        found.append({"id": run(job, node, step), "parent": child, "name": step, **(own if step == current else past)})
    return found
