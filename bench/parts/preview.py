"""A preview with nothing changed, beside a bare program of the same resources, and beside an empty one."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure, Section
from bench.standing import ROOT, STACK, Timed, standing, timed

HEAVY = ("azure.ai.ml", "datasets", "promptflow", "pandas")
"""What a stage may import and a preview must not."""
BARE = """\
import json
from pathlib import Path

import pulumi

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
LINE = re.compile(r"^import time:\s+(\d+) \|\s+(\d+) \|( +)(\S+)$", re.MULTILINE)
TEXT = """
The bare program registers the same resources of the same names with literal inputs, as the state has them: no settings,
no components' code, no checks, no typed classes of the SDK. What a dynamic provider records is left out of it. The
empty one has no resource. All three take turns, so that a busy machine is as busy for each.
"""


def run(runs: int) -> Section:
    stack = standing()
    environ = stack.environ
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bare, empty = _project(Path(folder) / "bare", _bare(environ)), _project(Path(folder) / "empty", "")
        timed("pulumi", "stack", "init", "empty", environ=environ, directory=empty)
        ways = {"ours": (ROOT, STACK), "bare": (bare, STACK), "empty": (empty, "empty")}
        times: dict[str, list[Timed]] = {name: [] for name in ways}
        for number in range(runs + 1):
            for name, (directory, chosen) in ways.items():
                done = timed("pulumi", "preview", "--stack", chosen, "--json", environ=environ, directory=directory)
                if number:
                    times[name].append(done)
    seconds = {name: tuple(each.seconds for each in done) for name, done in times.items()}
    ratios = tuple(a / b for a, b in zip(seconds["ours"], seconds["bare"], strict=True))
    imports, heavy = _imports()
    return Section(
        title="Preview",
        figures=(
            Figure(name="preview, nothing changed", values=seconds["ours"], unit="s", most=6.3),
            Figure(name="preview ÷ bare program's", values=ratios, unit="x", most=1.25),
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


def _project(directory: Path, resources: list[dict[str, object]] | str) -> Path:
    directory.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (directory / "Pulumi.yaml").write_text(json.dumps({"name": "finetune-phi", "runtime": runtime}))
    (directory / "resources.json").write_text(json.dumps(resources or []))
    program = (
        BARE.replace("VERSION", importlib.metadata.version("pulumi-azure-native")) if resources else "import pulumi\n"
    )
    (directory / "__main__.py").write_text(program)
    return directory


def _imports() -> tuple[dict[str, float], list[str]]:
    """Seconds of each package's own modules in the program's imports, the longest first; and the heavy ones."""
    code = "import runpy, sys\ntry:\n    runpy.run_path('__main__.py')\nexcept BaseException:\n    pass\n"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], cwd=ROOT, capture_output=True, text=True)
    spent: dict[str, float] = {}
    names = set()
    for own, _, _, name in LINE.findall(done.stderr):
        names.add(name)
        package = name.partition(".")[0]
        spent[package] = spent.get(package, 0.0) + int(own) / 1e6
    first = dict(sorted(spent.items(), key=lambda each: -each[1])[:10])
    return first, [name for name in HEAVY if name in names]
