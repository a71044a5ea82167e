"""What the checks and estimates need to know about base models and GPU sizes.

Context lengths, parameters and chat templates are those of the models' cards and tokenizer files on the Hugging Face
hub (organisation microsoft); peak speeds those of NVIDIA's data sheets for dense 16-bit numbers. The component's waits
are seven of 60 seconds, counted in the logs of a run of its code (azureml-acft 0.0.91): importing the model 1,
preparing the data 1, training 3, converting the model 2.
"""

from __future__ import annotations

from dataclasses import dataclass

_PHI3 = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}<|endoftext|>"
_PHI4_MINI = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}<|endoftext|>"
_PHI4 = "{% for m in messages %}<|im_start|>{{ m.role }}<|im_sep|>{{ m.content }}<|im_end|>{% endfor %}"


@dataclass(frozen=True)
class Model:
    """Context in tokens, parameters, template: None where unknown. ``per_message``: the template's own tokens."""

    name: str
    context: int | None = None
    parameters: float | None = None
    template: str | None = None
    per_message: int = 4

    @property
    def repository(self) -> str:
        """Where its tokenizer is on the hub."""
        return f"microsoft/{self.name}"


_KNOWN = (
    Model("Phi-4-mini-instruct", 131_072, 3.8e9, _PHI4_MINI, 3),
    Model("Phi-4", 16_384, 14e9, _PHI4, 4),
    Model("Phi-3-mini-4k-instruct", 4_096, 3.8e9, _PHI3, 4),
    Model("Phi-3-mini-128k-instruct", 131_072, 3.8e9, _PHI3, 4),
    Model("Phi-3.5-mini-instruct", 131_072, 3.8e9, _PHI3, 4),
)
_MODELS = {known.name.lower(): known for known in _KNOWN}

PEAK_FLOPS = {
    "Standard_NC24ads_A100_v4": 312e12,
    "Standard_NC48ads_A100_v4": 2 * 312e12,
    "Standard_NC96ads_A100_v4": 4 * 312e12,
    "Standard_NC40ads_H100_v5": 835e12,
    "Standard_NC80adis_H100_v5": 2 * 835e12,
    "Standard_NC4as_T4_v3": 65e12,
    "Standard_NC8as_T4_v3": 65e12,
    "Standard_NC16as_T4_v3": 65e12,
    "Standard_NC64as_T4_v3": 4 * 65e12,
}
"""Peak 16-bit floating-point operations a second of all GPUs of a machine."""

UTILISATION = 0.3
"""Share of the peak that fine-tuning reaches; 0.2 to 0.45 is what is usually reported."""


WAITS = 420
"""Seconds that the fine-tune component sleeps on the cluster's node in every job, once a step or more often."""
WAITS_OF_TRAINING = 180
"""Those of them that the step sleeps which trains, on each of its nodes."""


def model(name: str) -> Model:
    """What is known of a model; of another than the ones above, its name."""
    return _MODELS.get(name.lower(), Model(name))
