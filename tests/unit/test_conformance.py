"""Which of Pulumi's own programs are found, what takes their place, and how each outcome is told."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from emulator import rehearse
from emulator.conformance import journey, parts
from emulator.conformance.parts import PLUGIN, Part, Parts
from emulator.machine.home import Home
from toolchain.commands import Completed, OnLine

FOLDER = f"plugins/resource-azure-native-v{importlib.metadata.version('pulumi-azure-native')}"
Answer = Callable[[list[str], Mapping[str, str]], Completed | None]


class Programs:
    """A runner: what a test says, and nothing else can be reached."""

    def __init__(self, answer: Answer = lambda _, __: None) -> None:
        self._answer = answer

    def __call__(
        self,
        args: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        said = [str(each) for each in args]
        return self._answer(said, env or {}) or Completed(1, "first line\nthe site cannot be reached\n")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with the programs that set-up makes, and a cache of its own with nothing in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        program(tmp_path / "clone" / ".venv" / "pulumi" / "bin" / name, "ours")
    return tmp_path / "clone"


def program(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def environ(root: Path, *directories: Path) -> dict[str, str]:
    """Ours first, as `make` puts it."""
    path = [root / ".venv" / "pulumi" / "bin", root / "emulator" / "bin", *directories]
    return {"PATH": ":".join(map(str, path)), "HOME": str(root.parent / "user")}


def told_version(said: list[str], _: Mapping[str, str]) -> Completed | None:
    return Completed(0, "v3.260.0\n") if said[-1] == "version" else None


def test_here_nothing_of_pulumis_own_is_found_and_each_part_says_why(root: Path) -> None:
    program(root / "emulator" / "bin" / PLUGIN)  # the stand-in is none of Pulumi's own
    found = parts.find(Programs(), environ(root), root)
    assert (found.found, found.missing) == ([], ["CLI", "language host", "azure-native plugin"])
    cli, host, plugin = (part.line() for part in found.all)
    assert cli.startswith("CLI  ") and "on PATH: no pulumi" in cli and "the site cannot be reached" in cli
    assert "ours takes its place: no pulumi-language-python on PATH" in host
    assert "cannot be downloaded: the site cannot be reached" in plugin


def test_what_is_on_path_is_used(root: Path, tmp_path: Path) -> None:
    there = tmp_path / "official"
    for name in ("pulumi", "pulumi-language-python", PLUGIN):
        program(there / name)
    found = parts.find(Programs(told_version), environ(root, there), root)
    assert [part.program for part in found.all] == [there / n for n in ("pulumi", "pulumi-language-python", PLUGIN)]
    assert found.missing == []
    assert found.cli.line() == f"CLI                  Pulumi's own, {there / 'pulumi'}"


def test_a_language_host_alone_goes_with_our_cli(root: Path, tmp_path: Path) -> None:
    host = program(tmp_path / "official" / "pulumi-language-python", "Pulumi's own")
    found = parts.find(Programs(), environ(root, host.parent), root)
    assert found.found == ["language host"]
    assert found.host.program == host
    bin_directory = tmp_path / "bin"
    cli = Part("CLI", program(tmp_path / "cli" / "pulumi", "a CLI"))
    program(tmp_path / "cli" / "pulumi-language-python", "the one beside it")
    program(tmp_path / "cli" / "pulumi-language-python-exec", "what the host starts")
    journey.lay(bin_directory, Parts(cli, found.host, found.plugin))
    assert {path.name: path.read_text() for path in bin_directory.iterdir()} == {
        "pulumi": "a CLI",
        "pulumi-language-python": "Pulumi's own",
        "pulumi-language-python-exec": "what the host starts",
    }
    assert not (bin_directory / "pulumi").is_symlink(), "the engine would look beside what a link leads to"
    assert (tmp_path / "cli" / "pulumi-language-python").read_text() == "the one beside it"


def test_a_plugin_that_pulumi_has_installed_is_used(root: Path) -> None:
    own = program(root.parent / "user" / ".pulumi" / FOLDER / PLUGIN)
    assert parts.find(Programs(), environ(root), root).plugin.program == own


def test_a_plugin_that_can_be_downloaded_is(root: Path) -> None:
    def download(said: list[str], env: Mapping[str, str]) -> Completed | None:
        if said[1:3] != ["plugin", "install"]:
            return None
        program(Path(env["PULUMI_HOME"]) / FOLDER / PLUGIN)
        return Completed(0, "installed")

    found = parts.find(Programs(download), environ(root), root)
    assert found.plugin.program == root.parent / "cache" / "finetune-phi" / "pulumi-home" / FOLDER / PLUGIN
    assert found.found == ["azure-native plugin"]


def some(*names: str) -> Parts:
    cli, host, plugin = (
        Part(name, Path("/there") if name in names else None, "not there")
        for name in ("CLI", "language host", "azure-native plugin")
    )
    return Parts(cli, host, plugin)


EVERYTHING = some("CLI", "language host", "azure-native plugin")


@pytest.mark.parametrize(
    ("found", "journey_ends", "code", "said"),
    [
        (
            some(),
            None,
            3,
            "conformance: not run: none of Pulumi's own programs was found or could be downloaded",
        ),
        (
            some("language host"),
            0,
            3,
            "conformance: passed with Pulumi's own language host; "
            "not run with Pulumi's own CLI and azure-native plugin",
        ),
        (some("language host"), 1, 1, "conformance: failed with Pulumi's own language host"),
        (EVERYTHING, 0, 0, "conformance: passed with Pulumi's own CLI, language host and azure-native plugin"),
        (EVERYTHING, 1, 1, "conformance: failed with Pulumi's own CLI, language host and azure-native plugin"),
    ],
)
def test_what_was_not_run_is_told_apart_from_what_failed(
    found: Parts,
    journey_ends: int | None,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def rehearsed(*_: object) -> int:
        assert journey_ends is not None, "there is nothing to take the journey with"
        return journey_ends

    monkeypatch.setattr(parts, "find", lambda _: found)
    monkeypatch.setattr(rehearse, "rehearse", rehearsed)
    assert journey.conform() == code
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == said
    assert [line.split("  ")[0] for line in printed.err.splitlines()] == ["CLI", "language host", "azure-native plugin"]


def test_the_journey_stops_at_the_first_step_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def command(_: object, argv: list[str]) -> str:
        ran.append(argv)
        if "review" in argv:
            raise rehearse.StepFailed("a policy is violated")
        return "Resources:\n    + 39 to create\n"

    monkeypatch.setattr(rehearse.Rehearsal, "_command", command)
    trial = journey.Journey("local", tmp_path, Home(tmp_path / "home"), {}, parts=EVERYTHING)
    assert not trial.journey()
    assert [(step.name, step.good, step.seen) for step in trial.steps] == [
        ("preview", True, "39 to create"),
        ("review", False, "a policy is violated"),
    ]
    assert ran[1][-2:] == ["--fail-on", "policy=mandatory"]
