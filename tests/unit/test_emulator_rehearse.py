"""The rehearsal: its project directory, its table, and what it takes for a failure."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from emulator import rehearse
from emulator.machine.home import SUBSCRIPTION_ID, EmulatorError, Home
from emulator.machine.inventory import Inventory
from emulator.project import ROOT, chosen, copied, effective
from emulator.rehearse import Rehearsal, Step, StepFailed

PRINTED = """Outputs:
    endpoint: "e"

Resources:
    + 38 created
    2 unchanged

Duration: 1m2s
"""


def rehearsal(tmp_path: Path, purged: bool = True) -> Rehearsal:
    return Rehearsal("dev", tmp_path, Home(tmp_path / "home"), {"finetune-phi:purgeOnDestroy": purged})


def test_what_pulumi_did_is_read_from_its_end() -> None:
    assert rehearse.summary(PRINTED) == "38 created, 2 unchanged"
    assert rehearse.summary("") == "nothing"


def test_the_line_that_says_most_about_a_failure() -> None:
    printed = "starting\nerror: Status=403 AuthorizationFailed\nerror: update failed\n"
    assert rehearse._reason(printed) == "error: Status=403 AuthorizationFailed"
    assert rehearse._reason("only\nthis") == "this"
    assert rehearse._reason("") == "it printed nothing"


def test_the_table_says_which_step_failed(tmp_path: Path) -> None:
    trial = rehearsal(tmp_path)

    def failing() -> str:
        raise StepFailed("no quota")

    assert trial.step("settings", lambda: "fine")
    assert not trial.step("up", failing)
    lines = rehearse.table(trial.steps).splitlines()
    assert lines[0].endswith("s  fine")
    assert lines[1].endswith("s  FAILED: no quota")


def test_an_emulator_that_does_not_start_is_a_failed_step(tmp_path: Path) -> None:
    trial = rehearsal(tmp_path)

    def failing() -> str:
        raise EmulatorError("a port is taken")

    assert not trial.step("emulator", failing)
    assert trial.steps == [Step("emulator", pytest.approx(0, abs=1), "a port is taken", False)]


def test_a_command_that_fails_is_told_by_its_reason(tmp_path: Path) -> None:
    trial = rehearsal(tmp_path)
    with pytest.raises(StepFailed, match="sh ended with 3: error: x"):
        trial._command(["sh", "-c", "echo error: x; exit 3"])
    assert trial.log == "error: x"


@pytest.mark.parametrize(
    ("found", "purged", "seen"),
    [
        (Inventory([], [], [], []), True, "nothing"),
        (Inventory([], ["Microsoft.KeyVault/vaults  kv"], [], []), False, "1 soft-deleted"),
    ],
)
def test_what_the_settings_keep_may_be_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Inventory, purged: bool, seen: str
) -> None:
    monkeypatch.setattr(rehearse.inventory, "take", lambda home: found)
    assert rehearsal(tmp_path, purged)._left().startswith(seen)


@pytest.mark.parametrize(
    ("found", "purged"),
    [
        (Inventory(["Microsoft.Storage/storageAccounts  st"], [], [], []), False),
        (Inventory([], ["Microsoft.KeyVault/vaults  kv"], [], []), True),
        (Inventory([], ["Microsoft.Storage/storageAccounts  st"], [], []), False),
        (Inventory([], [], ["1 job x"], []), True),
        (Inventory([], [], [], ["example.com (1 times)"]), True),
    ],
)
def test_anything_else_that_is_left_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Inventory, purged: bool
) -> None:
    monkeypatch.setattr(rehearse.inventory, "take", lambda home: found)
    with pytest.raises(StepFailed):
        rehearsal(tmp_path, purged)._left()


def test_the_project_is_the_checkout_with_a_stack_file_of_its_own(tmp_path: Path) -> None:
    made = copied(tmp_path / "project", "prod", Path("data"), chosen("prod", None))
    assert (made / "__main__.py").resolve() == ROOT / "__main__.py"
    assert (made / "infra").is_symlink()
    assert sorted(path.name for path in made.glob("Pulumi.*.yaml")) == ["Pulumi.prod.yaml"]
    assert not (made / "Pulumi.prod.yaml").is_symlink()
    tried, own = (yaml.safe_load((each / "Pulumi.prod.yaml").read_text())["config"] for each in (made, ROOT))
    assert tried.pop("finetune-phi:evaluation") == {**own.pop("finetune-phi:evaluation", {}), "minimumScore": 0}
    assert tried == own
    assert not (made / "data").exists()
    assert not (made / ".git").exists()


def test_an_unknown_stack_is_one_message() -> None:
    with pytest.raises(EmulatorError, match="there is no stack 'nosuch'"):
        rehearse.rehearse("nosuch")


def test_what_a_failed_command_printed_is_kept_where_nobody_could_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link under the old name, and whatever else lies there, is not written through."""
    monkeypatch.setattr(rehearse.tempfile, "tempdir", str(tmp_path))
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    (tmp_path / "rehearse-local.log").symlink_to(victim)
    kept = [Path(rehearse._kept("local", "AccountKey=c2VjcmV0c2VjcmV0 failed")) for _ in range(2)]
    assert victim.read_text() == "theirs"
    assert kept[0] != kept[1] and all(path.name.startswith("rehearse-local-") for path in kept)
    assert [path.read_text() for path in kept] == ["AccountKey=*** failed"] * 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_settings_on_top_stand_in_the_place_of_the_stacks_own_with_ids_of_the_emulator(tmp_path: Path) -> None:
    subnet = "/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet/subnets/snet"
    theirs = f"/subscriptions/00000000-1111-2222-3333-444444444444{subnet}"
    on_top = {"finetune-phi:network": "private", "finetune-phi:privateEndpoints": {"subnet": theirs}}
    file = tmp_path / "more.yaml"
    file.write_text(yaml.safe_dump({"config": on_top}))
    settings = effective("dev", chosen("dev", file))
    assert settings["finetune-phi:network"] == "private"
    assert settings["finetune-phi:privateEndpoints"]["subnet"] == f"/subscriptions/{SUBSCRIPTION_ID}{subnet}"
    assert settings["finetune-phi:data"]["name"] == "ultrachat", "the rest is the stack's own"


@pytest.mark.parametrize("content", ["- a\n", "config: [", "finetune-phi:network: private\n"])
def test_a_file_on_top_that_is_none_is_one_message(tmp_path: Path, content: str) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(content)
    with pytest.raises(EmulatorError, match="is no file of settings"):
        chosen("dev", file)


def test_settings_on_top_that_do_not_go_together_are_told_before_anything_is_tried(tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(yaml.safe_dump({"config": {"finetune-phi:network": "private"}}))
    with pytest.raises(EmulatorError, match=r"privateEndpoints\.subnet"):
        effective("dev", chosen("dev", file))


def test_what_is_somebody_elses_may_stay_and_has_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = rehearsal(tmp_path)
    trial.others = ["Microsoft.Network/virtualNetworks  vnet"]
    monkeypatch.setattr(rehearse.inventory, "take", lambda home: Inventory(trial.others, [], [], []))
    assert trial._left() == "nothing, soft-deleted names included, and what was others' before"
    monkeypatch.setattr(rehearse.inventory, "take", lambda home: Inventory([], [], [], []))
    with pytest.raises(StepFailed, match=r"gone, and somebody else's: Microsoft\.Network/virtualNetworks vnet"):
        trial._left()
