"""The project that a rehearsal tries: the checkout, and a stack file of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from emulator import given
from emulator.machine.home import EmulatorError
from settings.stack import SettingsError, load

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (".git", ".emulator", ".promptflow", ".runs")


def chosen(stack: str, on_top: Path | None) -> dict[str, Any]:
    """The content of the stack file that is tried.

    Raises:
        EmulatorError: there is no such stack, or the other file is none.
    """
    if not (ROOT / f"Pulumi.{stack}.yaml").is_file():
        effective(stack, None)  # which says so
    content: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    if on_top is not None:
        try:
            content["config"] |= yaml.safe_load(on_top.read_text())["config"]
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise EmulatorError(f"{on_top} is no file of settings, config: and keys below it ({error})") from None
    content["config"] = given.here(content["config"])
    return content


def effective(stack: str, content: dict[str, Any] | None) -> dict[str, Any]:
    """The settings in effect: of that content, or of the stack's own file."""
    try:
        if content is None:
            return load(stack, ROOT).effective()
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "Pulumi.yaml").symlink_to(ROOT / "Pulumi.yaml")
            (Path(folder) / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
            return load(stack, Path(folder)).effective()
    except SettingsError as error:
        raise EmulatorError(str(error)) from None


def copied(directory: Path, stack: str, data: Path, content: dict[str, Any]) -> Path:
    """The checkout once more: links to all of it, but a stack file of its own for Pulumi to write into, and no data."""
    directory.mkdir()
    for path in ROOT.iterdir():
        if path.name not in (*LEFT_OUT, data.parts[0]) and not path.match("Pulumi.*.yaml"):
            (directory / path.name).symlink_to(path)
    config = dict(content["config"])
    config["finetune-phi:evaluation"] = {**(config.get("finetune-phi:evaluation") or {}), "minimumScore": 0}
    (directory / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({**content, "config": config}, sort_keys=False))
    return directory
