from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from emulator.machine import environment
from emulator.machine.environment import StackFiles
from emulator.machine.home import EmulatorError, Home, Ports, choose_ports
from emulator.machine.store import Store
from tests import credentials

PORTS = Ports(1, 2, 3)


def test_real_access_does_not_reach_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ("AZURE_CLIENT_SECRET", "ARM_CLIENT_ID", "PULUMI_ACCESS_TOKEN", "PULUMI_BACKEND_URL", "HF_TOKEN")
    for name in (*real, "IDENTITY_ENDPOINT", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.setenv(name, "real")
    built = environment.build(Home(tmp_path), PORTS)
    assert [name for name, value in built.items() if value == "real"] == []
    assert built["AZURE_CLIENT_SECRET"] == built["ARM_CLIENT_SECRET"]


def test_no_well_known_credential_reaches_a_command_or_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = credentials.planted()
    assert len(planted) > 50
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    assert credentials.found(environment.build(Home(tmp_path), PORTS)) == []
    assert credentials.found(environment.for_services(os.environ)) == []


def test_a_command_keeps_what_opens_nothing_and_a_service_what_it_needs_to_run() -> None:
    kept = ("PATH", "HOME", "PWD", "OLDPWD", "TERM", "DISPLAY", "EDITOR", "TOKENIZERS_PARALLELISM", "MAKEFLAGS", "CI")
    kept += ("XAUTHORITY", "KEYBOARD", "MONKEY", "AUTHOR", "PATTERN", "COMPATIBLE")
    given = dict.fromkeys(kept, "value") | {"NOTES": "ghp_" + "a1" * 18, "MY_OWN_SETTING": "x", "LC_ALL": "C.UTF-8"}
    assert sorted(environment.without_access(given)) == sorted({*given} - {"NOTES"})
    assert sorted(environment.for_services(given)) == ["HOME", "LC_ALL", "PATH"]
    assert environment.for_services({"EMULATOR_PORT": "0", "EMULATOR_TOKEN": "x"}) == {"EMULATOR_PORT": "0"}


def test_a_server_in_the_foreground_has_no_more_than_one_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {**credentials.planted(), "PATH": "/bin", "OTHER": "x"})
    environment.confine()
    assert os.environ == {"PATH": "/bin"}


def test_secrets_of_a_home_stay_and_are_the_owners_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.secret("a") == home.secret("a") != home.secret("b")
    assert (tmp_path / "secrets" / "a").stat().st_mode & 0o077 == 0


def test_each_clone_has_a_passphrase_of_its_own_that_git_does_not_see(tmp_path: Path) -> None:
    files = []
    for clone in ("one", "another"):
        home = Home(tmp_path / clone / ".emulator")
        files.append(Path(environment.build(home, PORTS)["PULUMI_CONFIG_PASSPHRASE_FILE"]))
        assert files[-1].is_relative_to(home.root)
    assert files[0].read_text() != files[1].read_text()
    assert "/.emulator/" in (Path(__file__).resolve().parents[2] / ".gitignore").read_text().splitlines()


def test_the_salt_of_a_passphrase_stays_out_of_a_stack_file(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text("# why\nconfig:\n\n  a:b: true\n  a:c: {d: 1}\n")
    before = file.read_bytes()
    files = StackFiles(tmp_path)
    file.write_text('# why\nconfig:\n  a:b: "true"\n  a:c:\n    d: 1\nencryptionsalt: v1:x\n')
    files.restore()
    assert file.read_bytes() == before


def test_a_changed_stack_file_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text("config:\n  a:b: 1\n")
    files = StackFiles(tmp_path)
    file.write_text("config:\n  a:b: 2\nencryptionsalt: v1:x\n")
    files.restore()
    assert "a:b: 2" in file.read_text()


@pytest.mark.parametrize("value", ["many", "80", "65534", "-1"])
def test_a_bad_port_is_refused_with_the_rule(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EMULATOR_PORT", value)
    with pytest.raises(EmulatorError, match=r"EMULATOR_PORT is .* 1024 to 65533"):
        choose_ports()


def test_a_home_is_its_owners_alone_whoever_made_it(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o755)
    Store(Home(there).database).close()
    Store(tmp_path / "new" / "state.sqlite").close()
    earlier = tmp_path / "earlier"
    earlier.mkdir(mode=0o755)
    (earlier / "state.sqlite").touch()
    Home(earlier).make()
    Home(tmp_path / "a" / "b").secret("x")
    for place in (there, tmp_path / "new", earlier, tmp_path / "a" / "b", tmp_path / "a" / "b" / "secrets"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700, place


def test_a_folder_with_other_things_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open" / "thesis.txt").touch()
    with pytest.raises(EmulatorError, match=r"cannot be the emulator's home: others may enter it"):
        Home(tmp_path / "open").make()
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o755


def test_somebody_elses_home_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(EmulatorError, match="belongs to another user"):
        Store(tmp_path / "state.sqlite")
