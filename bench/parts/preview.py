"""A preview with nothing changed, beside a bare program of the same resources, and beside an empty one."""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, Section
from bench.standing import ROOT, STACK, Timed, standing, timed

HEAVY = ("azure.ai.ml", "datasets", "promptflow", "pandas")
"""What a stage may import and a preview must not."""
BARE = """\
import importlib
import json
from pathlib import Path

import pulumi

for name in json.loads(Path("imports.json").read_text()):
    importlib.import_module(name)
made = {}
for each in json.loads(Path("resources.json").read_text()):
    options = pulumi.ResourceOptions(parent=made.get(each["parent"]), protect=each["protect"] or None)
    if not each["custom"]:
        made[each["urn"]] = pulumi.ComponentResource(each["type"], each["name"], None, options)
    elif each["type"] == "pulumi:index:Stash":
        made[each["urn"]] = pulumi.Stash(each["name"], input=each["inputs"]["input"], opts=options)
    else:
        options.version = "VERSION"
        made[each["urn"]] = pulumi.CustomResource(each["type"], each["name"], each["inputs"], options)
"""
LINE = re.compile(r"import time: +(\d+) \| +\d+ \| +([\w.]+)")
TEXT = """
The bare program registers the same resources of the same names with literal inputs, as the state has them: no settings,
no components' code, no checks, no typed classes of the SDK. The one *with the SDK's classes* imports the modules of
pulumi-azure-native that ours uses: Pulumi's generated classes cost that much whoever uses them, so the ratio to it is
what this project adds. What a dynamic provider records is left out of both. The empty one has no resource. All take
turns, so that a busy machine is as busy for each.
"""


def run(runs: int) -> Section:
    stack = standing()
    environ = stack.environ
    imports, heavy, typed = _imports(environ)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        resources = _bare(environ)
        ways = {
            "ours": (ROOT, STACK),
            "typed": (_project(Path(folder) / "typed", resources, typed), STACK),
            "bare": (_project(Path(folder) / "bare", resources), STACK),
            "empty": (_project(Path(folder) / "empty", []), "empty"),
        }
        timed("pulumi", "stack", "init", "empty", environ=environ, directory=ways["empty"][0])
        times: dict[str, list[Timed]] = {name: [] for name in ways}
        for number in range(runs + 1):
            for name, (directory, chosen) in ways.items():
                done = timed("pulumi", "preview", "--stack", chosen, "--json", environ=environ, directory=directory)
                if number:
                    times[name].append(done)
    seconds = {name: tuple(each.seconds for each in done) for name, done in times.items()}
    ratios, added = (
        tuple(a / b for a, b in zip(seconds["ours"], seconds[name], strict=True)) for name in ("bare", "typed")
    )
    return Section(
        title="Preview",
        figures=(
            Figure(name="preview, nothing changed", values=seconds["ours"], unit="s", most=6.3),
            Figure(name="preview ÷ bare program's", values=ratios, unit="x", most=1.25),
            Figure(name="preview ÷ bare program's with the SDK's classes", values=added, unit="x"),
            Figure(name="preview: the bare program", values=seconds["bare"], unit="s"),
            Figure(name="preview: an empty program", values=seconds["empty"], unit="s"),
            Figure(
                name="preview: work of all its processes", values=tuple(each.cpu for each in times["ours"]), unit="s"
            ),
            Figure(name="preview: heavy packages imported", values=(float(len(heavy)),), unit="packages", most=0),
        ),
        text=TEXT + (f"\nHeavy and imported: {', '.join(heavy)}.\n" if heavy else ""),
        bars=imports,
        bars_title="where a preview's imports go: seconds by package",
    )


def _bare(environ: dict[str, str]) -> list[dict[str, object]]:
    exported = timed("pulumi", "stack", "export", "--stack", STACK, "--show-secrets", environ=environ).printed
    found = []
    for each in json.loads(exported)["deployment"]["resources"]:
        if each["type"].startswith(("pulumi:providers:", "pulumi-python:", "pulumi:pulumi:Stack")):
            continue
        inputs = {key: value for key, value in (each.get("inputs") or {}).items() if not key.startswith("__")}
        found.append(
            {
                "urn": each["urn"],
                "name": each["urn"].rpartition("::")[2],
                "type": each["type"],
                "custom": each.get("custom", False),
                "parent": each.get("parent", ""),
                "protect": each.get("protect", False),
                "inputs": _plain(inputs),
            }
        )
    return found


def _plain(value: object) -> object:
    """Without Pulumi's wrapping of secrets."""
    if isinstance(value, dict):
        if "plaintext" in value:
            return json.loads(value["plaintext"])
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _project(directory: Path, resources: list[dict[str, object]], imports: Sequence[str] = ()) -> Path:
    directory.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (directory / "Pulumi.yaml").write_text(json.dumps({"name": "finetune-phi", "runtime": runtime}))
    (directory / "resources.json").write_text(json.dumps(resources))
    (directory / "imports.json").write_text(json.dumps(imports))
    program = (
        BARE.replace("VERSION", importlib.metadata.version("pulumi-azure-native")) if resources else "import pulumi\n"
    )
    (directory / "__main__.py").write_text(program)
    return directory


def _imports(environ: dict[str, str]) -> tuple[dict[str, float], list[str], list[str]]:
    """Seconds of each package's own modules in a preview's program, the longest first; the heavy ones; the SDK's."""
    watched = {**environ, "PYTHONPROFILEIMPORTTIME": "1"}
    printed = timed("pulumi", "preview", "--stack", STACK, "--json", environ=watched).printed
    spent: dict[str, float] = {}
    names = set()
    for own, name in LINE.findall(printed):
        names.add(name)
        package = name.partition(".")[0]
        spent[package] = spent.get(package, 0.0) + int(own) / 1e6
    if "pulumi" not in names:
        raise SystemExit(f"the program's imports are not in what the preview printed:\n{printed[-2000:]}")
    first = dict(sorted(spent.items(), key=lambda each: -each[1])[:10])
    sdk = sorted(name for name in names if name.startswith("pulumi_azure_native"))
    return first, [name for name in HEAVY if name in names], sdk
