"""The preparation on several nodes: an Azure ML pipeline of as many parts as nodes, and a step that joins them.

Which rows are a part's, and that the whole has the bytes of one machine's, is `data_prep`'s; when a step runs, and on
which node of the cluster, is Azure's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.dataset.spec import PreparationSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.ai.ml import Input
    from azure.ai.ml.entities import Environment, PipelineJob

JOIN, MADE, PART = "join", "made", "part"


def part(number: int) -> str:
    """The node of a part, from 1."""
    return f"{PART}_{number}"


def divided(
    spec: PreparationSpec,
    *,
    command: str,
    inputs: Mapping[str, Input],
    code: str,
    environment: Environment,
    output: str,
    folder: str,
) -> PipelineJob:
    """``command`` prepares all rows, but for where they come to; ``folder`` is where the files lie at the end."""
    from azure.ai.ml import Input, Output, dsl
    from azure.ai.ml import command as step
    from azure.ai.ml.constants import AssetTypes, InputOutputModes

    a_folder, numbers = AssetTypes.URI_FOLDER, range(1, spec.nodes + 1)
    declared = {name: Input(type=given.type) for name, given in inputs.items()}
    every: dict[str, Any] = {"code": code, "environment": environment, "compute": spec.cluster}
    every["timeout"] = round(spec.max_hours * 3600)
    # The data of a failed attempt are made anew by the next one: no step's result is taken from an earlier job.
    every["is_deterministic"] = False
    # Not mounted: files are renamed into place, which blob storage cannot do.
    work = step(
        name="prepare_part",
        command=f"{command} --part ${{{{inputs.number}}}} --out ${{{{outputs.{MADE}}}}}",
        inputs={**declared, "number": Input(type="string")},
        outputs={MADE: Output(type=a_folder, mode=InputOutputModes.UPLOAD)},
        **every,
    )
    parts = " ".join(f"${{{{inputs.{part(number)}}}}}" for number in numbers)
    whole = step(
        name="join_parts",
        command=f"{command} --parts {parts} --out ${{{{outputs.{output}}}}}",
        inputs={**declared, **{part(number): Input(type=a_folder) for number in numbers}},
        outputs={output: Output(type=a_folder, mode=InputOutputModes.UPLOAD)},
        **every,
    )

    @dsl.pipeline(  # type: ignore[call-overload,untyped-decorator]
        display_name=f"{spec.name}: {spec.source}", experiment_name=spec.experiment
    )
    def prepare() -> dict[str, Any]:
        made = {}
        for number in numbers:
            node = work(number=f"{number}/{spec.nodes}", **inputs)
            node.name, node.display_name = part(number), f"part {number} of {spec.nodes}"
            made[part(number)] = node.outputs[MADE]
        node = whole(**made, **inputs)
        node.name = node.display_name = JOIN
        return {output: node.outputs[output]}

    job: PipelineJob = prepare()
    outputs: Any = job.outputs
    outputs[output] = Output(type=a_folder, path=folder)
    outputs[output].mode = InputOutputModes.UPLOAD  # which the line above would lose
    if job.settings is not None:
        job.settings.continue_on_step_failure = False
    return job
