"""Several recipes by their names: each says what it has other than the recipe that they share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails

from settings.problems import refuse
from settings.recipes.recipe import Recipe

BEST = "best"
"""In the place of a name: the one of which a metric says so."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 24


class _AsInRecipe:
    """A section whose keys are those of a recipe; what they hold is looked at with the rest of the recipe."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler(source)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        keys = Recipe.model_json_schema()["properties"]
        # One that is left out is as in the recipe that all share, whatever its default is there.
        own = {name: {word: told for word, told in key.items() if word != "default"} for name, key in keys.items()}
        return {"type": "object", "properties": own, "additionalProperties": False}


Own = Annotated[dict[str, Any], _AsInRecipe()]
"""What a recipe has other than the one it is based on, as it was written."""


def names(recipes: Mapping[str, Any]) -> None:
    """They are parts of a stage's name, and of tags. Raises what `refuse` makes."""
    for name, own in recipes.items():
        if name == BEST:
            rule = f"cannot be called {BEST}, which says that the best of them is released"
            raise refuse(rule, "give it another name", at=name, value=own)
        if not _NAME.fullmatch(name) or len(name) > _LONGEST:
            rule = f"must be lower-case letters, digits and single hyphens, {_LONGEST} at most, a letter first"
            raise refuse(rule, "for example gentle, or lora-r16", at=name, value=own)


def merged(base: Recipe, own: Mapping[str, Any]) -> Recipe:
    """The whole recipe. Raises pydantic.ValidationError."""
    return Recipe.model_validate({**base.model_dump(exclude_unset=True), **own})


def errors(base: Recipe, recipes: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ErrorDetails]]:
    """What is wrong with each, by its name."""
    for name, own in recipes.items():
        try:
            merged(base, own)
        except ValidationError as error:
            yield from ((name, each) for each in error.errors())
