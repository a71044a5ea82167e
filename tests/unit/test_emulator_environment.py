from __future__ import annotations

from pathlib import Path

import pytest

from emulator.machine import environment
from emulator.machine.environment import StackFiles
from emulator.machine.home import EmulatorError, Home, Ports, choose_ports

PORTS = Ports(1, 2, 3)


def test_real_access_does_not_reach_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ("AZURE_CLIENT_SECRET", "ARM_CLIENT_ID", "PULUMI_ACCESS_TOKEN", "PULUMI_BACKEND_URL", "HF_TOKEN")
    for name in (*real, "IDENTITY_ENDPOINT", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.setenv(name, "real")
    built = environment.build(Home(tmp_path), PORTS)
    assert [name for name, value in built.items() if value == "real"] == []
    assert built["AZURE_CLIENT_SECRET"] == built["ARM_CLIENT_SECRET"]


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
