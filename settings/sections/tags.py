"""Which tags the settings may name: the kinds of `tags` and `tagsFromElsewhere`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from settings.problems import refuse

OWN_TAGS = ("project", "stack", "commit")
PAUSED, SERVED = "finetune-phi-paused", "finetune-phi-served"
"""Tags of the endpoint that `python -m jobs pause` and `resume` write (jobs/paused.py); an update leaves them alone."""
RESERVED_TAGS = ("microsoft", "azure", "windows")


def _named(key: str) -> str:
    if key.lower() in OWN_TAGS:
        raise refuse("is a tag the program sets itself", "remove it", value=key)
    return key


Tag = Annotated[str, StringConstraints(max_length=256, strict=True)]
TagName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=512), AfterValidator(_named)]


def azure_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags, as Azure takes them. Raises what `refuse` makes."""
    if len(tags) > 40:
        raise refuse("must be 40 tags or fewer, as Azure allows 50 in all", "remove some")
    lowered = [key.lower() for key in tags]
    for place, key in enumerate(tags):
        if key.lower() in lowered[:place]:
            raise refuse("is there twice: Azure ignores the case of tag names", "keep one", at=key, value=tags[key])
    for key, value in tags.items():
        if key.lower() in OWN_TAGS:
            raise refuse("is a tag the program sets itself", "remove it", at=key, value=value)
        if key.lower().startswith(RESERVED_TAGS):
            rule = f"must not begin with {', '.join(RESERVED_TAGS)}, which Azure keeps for itself"
            raise refuse(rule, "rename it", at=key, value=value)
        # 128 is the storage account's limit; other resources take 512.
        if not 1 <= len(key) <= 128 or set(key) & set("<>%&\\?/"):
            rule = "must have a name of 1 to 128 characters without < > % & \\ ? /"
            raise refuse(rule, "rename it", at=key, value=value)
    return tags
