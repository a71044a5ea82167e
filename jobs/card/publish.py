"""The card where others find it: as the version's description and tags, and as a file beside the model."""

from __future__ import annotations

from cloud.arm import Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import StageError, azure_errors
from cloud.services import blobs, models
from cloud.target import Target
from jobs.card.card import ModelCard
from jobs.card.files import markdown

NAME = "model_card.md"
CARD, CARDED = "card", "card_at"
"""Tags of a version: where its card is, and of when."""
_MOST = 4_000
"""Characters of a description: how many Azure takes is not published, and the whole card is beside the model."""
_TAG = 256


def publish(target: Target, card: ModelCard) -> str:
    """Where the file is. Raises StageError."""
    on = f"model {card.model}:{card.version}"
    arm = Arm()
    with azure_errors("the card could not be published", on):
        path = f"{target.path}/models/{card.model}/versions/{card.version}"
        found = arm.get(path, ML_VERSION)["properties"]
        place = blobs.place(str(found["modelUri"]))
        # Beside the model's folder and not in it, so that the model stays what it was.
        beside = f"{place['path'].rstrip('/').rpartition('/')[0]}/{NAME}"
        text = markdown(card, [])
        blobs.write(arm, target, place["store"], beside, text.encode())
        where = f"azureml://datastores/{place['store']}/paths/{beside}"
        tags = {CARD: where[:_TAG], CARDED: card.at.isoformat(timespec="seconds")}
        models.tag(arm, path, {**found, "description": _short(text)}, tags)
    return where


def _short(text: str) -> str:
    if len(text) <= _MOST:
        return text
    return f"{text[:_MOST].rpartition(chr(10))[0]}\n\n… the rest is in {NAME}, beside the model\n"


def refuse_taken(stack: str, other: str) -> StageError:
    """For a stack whose model is another's."""
    return StageError(
        "the card could not be published",
        on=f"stack {stack}",
        why=f"its model is that of stack {other} (model.promote), in a registry that this stack only reads",
        todo=f"Publish it there: `python -m jobs card --publish --stack {other}`.",
    )
