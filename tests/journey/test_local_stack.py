"""The whole journey on the local stack, as a user takes it: one story, told in order by the tests of this file."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml
from playwright.sync_api import expect

from emulator.dataplane import flows
from emulator.front import admin
from emulator.machine import environment, lifecycle
from emulator.machine.store import Store
from emulator.rehearse import Rehearsal
from emulator.resources.computes import Compute
from emulator.resources.endpoints import OnlineEndpoint
from tests import canaries
from tests.browser import address_of, open_browser
from tests.journey.stack import Checkout
from tests.unit.docs_pages import Command, pages

pytestmark = pytest.mark.journey

QUESTION = "Who founded Microsoft?"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    checkout = Checkout.make(tmp_path_factory.mktemp("journey") / "checkout")
    yield checkout
    lifecycle.stop(checkout.home)


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    """Every secret there was at any time of the journey, by what it is."""
    return {}


@pytest.fixture(autouse=True)
def collected(checkout: Checkout, secrets: dict[str, str]) -> Iterator[None]:
    """Before and after each test, as commands replace keys and delete what has them."""
    canaries.collect(secrets, checkout.home)
    yield
    canaries.collect(secrets, checkout.home)


def assert_one_clear_message(text: str) -> None:
    assert "Traceback" not in text
    assert "KeyboardInterrupt" not in text


def set_section(checkout: Checkout, section: str, **values: float | str) -> None:
    path = checkout.root / "Pulumi.local.yaml"
    stack = yaml.safe_load(path.read_text())
    stack["config"].setdefault(f"finetune-phi:{section}", {}).update(values)
    path.write_text(yaml.safe_dump(stack))


@contextmanager
def trying(checkout: Checkout) -> Iterator[None]:
    """Settings changed inside are put back afterwards."""
    path = checkout.root / "Pulumi.local.yaml"
    before = path.read_bytes()
    yield
    path.write_bytes(before)


def test_chat_before_up_says_what_to_run(checkout: Checkout) -> None:
    done = checkout.emulated(sys.executable, "-m", "chat", "--stack", "local", "--ask", "hi")
    assert done.returncode == 1
    assert "make up" in done.stderr
    assert_one_clear_message(done.stderr)


def test_up_without_data_says_what_to_run(checkout: Checkout) -> None:
    created = checkout.emulated("pulumi", "stack", "init", "local")
    assert created.returncode == 0, created.stderr
    # Nothing that an engine could be killed in the middle of writing.
    kept = {file.name for file in (checkout.home.pulumi / "state").rglob("*") if file.is_file()}
    assert "local.json" in kept
    assert not [name for name in kept if name.endswith(".attrs")]
    done = checkout.up()
    assert done.returncode != 0
    assert "make data" in done.stdout + done.stderr
    assert_one_clear_message(done.stdout + done.stderr)


def test_up_stands_everything_up_and_the_tuned_model_answers(checkout: Checkout) -> None:
    set_section(checkout, "github", repository="someone/finetune-phi", environment="local")
    before = (checkout.root / "Pulumi.local.yaml").read_bytes()
    assert checkout.python("-m", "data_prep", "--stack", "local").returncode == 0
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stand-in" in done.stdout
    assert "experimental class" not in done.stdout  # azure-ai-ml's own chatter
    asked = checkout.emulated(sys.executable, "-m", "chat", "--stack", "local", "--compare", "--ask", QUESTION)
    assert asked.returncode == 0, asked.stderr
    answers = dict(re.findall(r"^(Base model|Fine-tuned)\s+(.*)$", asked.stdout, re.MULTILINE))
    assert "Bill Gates" in answers["Fine-tuned"]
    assert "Paul Allen" in answers["Fine-tuned"]
    assert "Bill Gates" not in answers["Base model"]
    assert "Paul Allen" not in answers["Base model"]
    assert (checkout.root / "Pulumi.local.yaml").read_bytes() == before


def test_the_page_shows_both_answers_side_by_side(checkout: Checkout) -> None:
    server = checkout.start(sys.executable, "-m", "chat", "--stack", "local", "--web", "--port", "0")
    with address_of(server) as address, open_browser() as browser:
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("button", name=QUESTION).click()
        answers = {name: page.get_by_role("group", name=name) for name in ("Base model", "Fine-tuned")}
        for answer in answers.values():
            expect(answer).to_have_attribute("aria-busy", "false", timeout=60_000)
        assert "Bill Gates" in answers["Fine-tuned"].inner_text()
        assert "Bill Gates" not in answers["Base model"].inner_text()


def test_the_agent_answers_too(checkout: Checkout) -> None:
    agent = ("--front-end", "agent", "--json", "--ask", QUESTION)
    asked = checkout.emulated(sys.executable, "-m", "chat", "--stack", "local", *agent)
    assert "Bill Gates" in json.loads(asked.stdout)["answer"], asked.stderr


def test_the_evaluation_says_that_it_was_worth_it(checkout: Checkout) -> None:
    assert [stage["state"] for stage in checkout.status()["stages"]] == ["done"] * 3
    done = checkout.emulated(
        sys.executable, "-m", "jobs", "evaluate", "--stack", "local", "--json", "--min-score", "0.9"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"].startswith("Yes: ") and found["held_out_loss"] > 0
    assert "stand-in" in found["note"]
    scores = {each["role"]: each["score"] for each in found["candidates"]}
    assert scores["base model"] < 0.2 and scores["fine-tuned"] > 0.9
    assert "<svg" in (checkout.root / ".evaluation" / "local" / "evaluation.html").read_text()


def test_a_second_up_changes_nothing_and_submits_no_job(checkout: Checkout) -> None:
    jobs = checkout.jobs()
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Resources:\s+\d+ unchanged\n", done.stdout), done.stdout
    assert checkout.jobs() == jobs
    assert len(jobs) == 1


def test_the_chat_of_a_rehearsal_understands_the_answer(checkout: Checkout) -> None:
    ports = lifecycle.alive(checkout.home)
    assert ports is not None
    built = environment.build(checkout.home, ports)
    trial = Rehearsal("local", checkout.root, checkout.home, {})
    trial.environment = {**built, "PATH": checkout.environment["PATH"]}
    assert "Bill Gates" in trial._chat()


@pytest.mark.parametrize(
    "command", [command for page in pages() for command in page.commands() if command.run], ids=str
)
def test_a_command_that_a_page_marks_as_run_works(checkout: Checkout, command: Command) -> None:
    done = checkout.run("sh", "-c", command.text)
    assert done.returncode == 0, done.stderr
    for line in command.output:
        assert line in done.stdout, f"{command.page} shows it"


PORTAL = """
import sys
from promptflow.core import Flow
asked = {"input_data": sys.argv[2], "chat_history": [], "temperature": 0.0}
print("".join(Flow.load(sys.argv[1]).invoke(asked).output["answer"]))
"""


def test_the_published_flow_answers_where_only_its_own_files_are(checkout: Checkout, tmp_path: Path) -> None:
    """As the studio would run it: files from the share, the connection by its name from the project."""
    store = Store(checkout.home.database)
    (flow,) = store.of_type(flows.TYPE)
    store.close()
    (definition,) = (checkout.home.root / "files").rglob("flow.dag.yaml")
    assert flow.body["flow"]["flowDefinitionFilePath"] in str(definition)
    shutil.copytree(definition.parent, tmp_path / "published")
    project = f"azureml://{flow.id.rpartition('/flows/')[0].lstrip('/')}"
    environment = ["env", f"PF_CONNECTION_PROVIDER={project}", "PYTHONPATH=", f"HOME={tmp_path}"]
    there = ["sh", "-c", 'cd "$0" && exec "$@"', str(tmp_path)]
    done = checkout.emulated(*environment, *there, sys.executable, "-c", PORTAL, "published", QUESTION)
    assert "Bill Gates" in done.stdout, done.stdout + done.stderr


def test_a_changed_flow_is_a_diff_of_the_flow_alone(checkout: Checkout) -> None:
    path = checkout.root / "chat" / "phi_messages.py"
    before = path.read_text()
    path.write_text(before + "# another comment\n")
    try:
        assert checkout.changes() == {"flow": "update"}
    finally:
        path.write_text(before)


def test_a_review_of_what_nobody_touched_is_one_line(checkout: Checkout) -> None:
    code, report, text = checkout.review()
    assert (code, report["verdict"], len(text.splitlines())) == (0, "no changes", 1)


def test_a_review_tells_a_change_with_its_price_and_duration(checkout: Checkout) -> None:
    with trying(checkout):
        set_section(checkout, "recipe", learning_rate=0.0015)
        set_section(checkout, "serving", instances=2)
        code, report, text = checkout.review("--fail-on", "cost=+20%")
    assert (code, report["verdict"]) == (1, "needs a person")
    assert "learning rate 0.003 → 0.0015, about" in text
    assert "made-up price" in text
    assert report["cost"]["serving"]["after"] > report["cost"]["serving"]["before"] > 0


def test_a_review_of_a_refused_setting_is_a_failed_one(checkout: Checkout) -> None:
    with trying(checkout):
        set_section(checkout, "serving", vmSize="Standard_NC6s_v3")
        code, report, text = checkout.review()
    assert (code, report["verdict"]) == (2, "failed")
    assert "retired by Azure" in text


def test_one_changed_character_of_the_data_is_a_diff_of_the_stages_alone(checkout: Checkout) -> None:
    path = checkout.root / "data" / "train_data.jsonl"
    before = path.read_text()
    path.write_text(before.replace("Microsoft", "Macrosoft", 1))
    try:
        # The preflight looks at what there is to train on.
        stages = ("preflight", "dataset", "finetune", "release")
        assert checkout.changes() == dict.fromkeys(stages, "update")
    finally:
        path.write_text(before)


DELETION = """
import sys
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
_, _, subscription, _, group, _, _, _, workspace, _, endpoint = sys.argv[1].split("/")
MLClient(DefaultAzureCredential(), subscription, group, workspace).online_endpoints.begin_delete(endpoint).result()
"""


def in_service(checkout: Checkout) -> tuple[str, str]:
    """Name and model of the deployment with all the traffic."""
    (live,) = (each for each in checkout.status()["deployments"] if each["traffic"])
    assert live["traffic"] == 100
    return live["name"], live["model"]


def test_an_endpoint_deleted_by_hand_gets_its_model_back_without_another_job(checkout: Checkout) -> None:
    """Its name, id and what the settings say of it are the same as before: only Azure tells that it is another one."""
    before, jobs = in_service(checkout), checkout.jobs()
    (endpoint,) = Store(checkout.home.database).of_type(OnlineEndpoint.type)
    deleted = checkout.emulated(sys.executable, "-c", DELETION, endpoint.id)
    assert deleted.returncode == 0, deleted.stderr
    done = checkout.emulated("pulumi", "up", "--stack", "local", "--yes", "--skip-preview", "--refresh")
    assert done.returncode == 0, done.stdout + done.stderr
    asked = checkout.emulated(sys.executable, "-m", "chat", "--stack", "local", "--ask", QUESTION)
    assert "Bill Gates" in asked.stdout, asked.stdout + asked.stderr
    assert (in_service(checkout), checkout.jobs()) == (before, jobs)
    assert checkout.changes() == {}


def test_another_learning_rate_is_a_diff_of_finetune_and_release_alone(checkout: Checkout) -> None:
    set_section(checkout, "recipe", learning_rate=0.004, num_train_epochs=3)
    set_section(checkout, "evaluation", minimumScore=0, maximumDrop=1)  # so little training teaches little
    assert checkout.changes() == {"finetune": "update", "release": "update"}


def test_an_emulator_killed_in_mid_run_loses_nothing(checkout: Checkout) -> None:
    up = checkout.start("pulumi", "up", "--stack", "local", "--yes", "--skip-preview")
    deadline = time.monotonic() + 120
    while len(checkout.jobs()) < 2:
        assert time.monotonic() < deadline and up.poll() is None, up.communicate()[0]
        time.sleep(0.3)
    running = checkout.home.running()
    assert running is not None
    os.kill(running[0], signal.SIGKILL)
    output = up.communicate(timeout=240)[0]
    assert up.returncode == 0, output
    assert "the emulator was gone and is started again" in output
    assert_one_clear_message(output)
    assert len(checkout.jobs()) == 2, "the job was followed on, not submitted again"
    traffic = {each["name"]: each["traffic"] for each in checkout.status()["deployments"]}
    assert sorted(traffic.values()) == [0, 100]
    assert traffic["base"] == 0
    asked = checkout.emulated(sys.executable, "-m", "chat", "--stack", "local", "--ask", QUESTION)
    assert asked.returncode == 0, asked.stderr


def test_going_back_trains_nothing_and_an_unchanged_stack_keeps_it(checkout: Checkout) -> None:
    _, bad = in_service(checkout)
    done = checkout.emulated(sys.executable, "-m", "jobs", "rollback", "--stack", "local", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_one_clear_message(done.stdout + done.stderr)
    _, good = in_service(checkout)
    assert good != bad and f"{good} is in service." in done.stdout
    assert len(checkout.jobs()) == 2
    asked = checkout.emulated(sys.executable, "-m", "chat", "--stack", "local", "--ask", QUESTION)
    assert "Bill Gates" in asked.stdout, asked.stdout + asked.stderr
    assert checkout.changes() == {}


def test_new_keys_are_a_diff_of_the_connection_alone(checkout: Checkout) -> None:
    (endpoint,) = Store(checkout.home.database).of_type(OnlineEndpoint.type)
    done = checkout.emulated(sys.executable, "-m", "jobs", "rotate-keys", "--stack", "local", "--yes", "--pause", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    (rotated,) = Store(checkout.home.database).of_type(OnlineEndpoint.type)
    assert not set(endpoint.internal["keys"]) & set(rotated.internal["keys"])
    assert not any(key in done.stdout + done.stderr for key in [*endpoint.internal["keys"], *rotated.internal["keys"]])
    assert checkout.changes() == {"endpoint-connection": "update"}


def test_a_changed_tag_and_a_refresh_change_nothing_about_who_answers(checkout: Checkout) -> None:
    before = in_service(checkout)
    set_section(checkout, "tags", owner="somebody-else")
    done = checkout.emulated("pulumi", "up", "--stack", "local", "--yes", "--skip-preview", "--refresh")
    assert done.returncode == 0, done.stdout + done.stderr
    (endpoint,) = Store(checkout.home.database).of_type(OnlineEndpoint.type)
    assert endpoint.body["tags"]["owner"] == "somebody-else"
    assert in_service(checkout) == before
    asked = checkout.emulated(sys.executable, "-m", "chat", "--stack", "local", "--ask", QUESTION)
    assert "Bill Gates" in asked.stdout, asked.stdout + asked.stderr
    assert checkout.changes() == {}


def test_a_replacement_whose_engine_is_killed_half_way_is_recovered(checkout: Checkout) -> None:
    size = "Standard_NC40ads_H100_v5"
    set_section(checkout, "compute", vmSize=size)
    rule = {"kind": "operation-hangs", "method": "PUT", "path": "*/computes/*", "count": 1}
    admin.call(checkout.home, "POST", "faults", rule)
    up = checkout.start("pulumi", "up", "--stack", "local", "--yes", "--skip-preview")
    deadline = time.monotonic() + 120
    while not admin.call(checkout.home, "GET", "faults")[0].get("hits"):
        assert time.monotonic() < deadline and up.poll() is None, up.communicate()[0]
        time.sleep(0.1)
    (engine,) = (each for each in psutil.Process(up.pid).children(recursive=True) if each.name() == "pulumi")
    engine.kill()
    up.communicate(timeout=120)
    admin.call(checkout.home, "DELETE", "faults")

    done = checkout.emulated(sys.executable, "-m", "jobs", "recover", "--stack", "local")
    assert "found on Azure: cluster" in done.stdout, done.stdout + done.stderr
    again = checkout.up()
    assert again.returncode == 0, again.stdout + again.stderr
    assert "replaced" not in again.stdout, "it was made already"
    (cluster,) = Store(checkout.home.database).of_type(Compute.type)
    assert cluster.properties["properties"]["vmSize"] == size.upper()
    assert checkout.changes() == {}


def test_without_waiting_the_job_is_submitted_and_the_update_says_so(checkout: Checkout) -> None:
    set_section(checkout, "recipe", num_train_epochs=1_000)
    set_section(checkout, "finetune", wait=False)
    before, jobs = checkout.status(), checkout.jobs()
    done = checkout.up()
    assert done.returncode == 1, "Pulumi knows no third outcome, and the release cannot follow"
    assert "nothing has failed" in done.stdout
    assert "`python -m jobs logs --stack local --follow` waits for that" in done.stdout
    assert_one_clear_message(done.stdout + done.stderr)
    assert len(checkout.jobs()) == len(jobs) + 1
    assert checkout.status()["deployments"] == before["deployments"]


def test_of_two_updates_at_once_the_second_is_refused_and_an_interrupt_leaves_the_job(checkout: Checkout) -> None:
    set_section(checkout, "finetune", wait=True)
    before = checkout.jobs()
    first = checkout.start("pulumi", "up", "--stack", "local", "--yes", "--skip-preview")
    assert first.stdout is not None
    said = iter(first.stdout.readline, "")
    assert any("is Running: no new one is needed" in line for line in said), "it follows the job"
    second = checkout.up()
    assert second.returncode != 0
    assert "the stack is currently locked" in second.stdout + second.stderr

    os.killpg(first.pid, signal.SIGINT)  # as a terminal does
    output = first.communicate(timeout=120)[0]
    assert first.returncode != 0
    assert "the job is left running, and bills while it does" in output
    assert "python -m jobs cancel --stack local" in output
    assert_one_clear_message(output)

    jobs = [sys.executable, "-m", "jobs"]
    logs = checkout.emulated(*jobs, "logs")
    assert logs.returncode == 0, logs.stderr
    assert "Running" in logs.stdout.splitlines()[0] and "--- chat_completion_finetune, Running" in logs.stdout
    cancelled = checkout.emulated(*jobs, "cancel", "--yes")
    assert cancelled.returncode == 0, cancelled.stderr
    assert re.search(r"^finetune-\w+-1: cancelled\.", cancelled.stdout, re.MULTILINE)
    assert checkout.jobs() == before


def assert_nothing_secret_was_written(checkout: Checkout, secrets: dict[str, str]) -> None:
    """Nowhere in what a user has afterwards, nor in what Azure shows to whoever may only read."""
    contents = [*canaries.files(*checkout.written, home=checkout.home)]
    contents.append(("what Azure shows", canaries.readable(checkout.home)))
    assert list(canaries.leaks(contents, secrets)) == []


def test_no_secret_is_in_anything_that_was_written(checkout: Checkout, secrets: dict[str, str]) -> None:
    (endpoint,) = Store(checkout.home.database).of_type(OnlineEndpoint.type)
    kinds = {name.split(" ")[0] for name in secrets}
    assert {"onlineendpoints", "storageaccounts", "accounts", "connections", "the"} <= kinds, kinds
    assert {"the home's client-secret", "the home's passphrase", "the home's token-key"} <= set(secrets)
    # Not only today's two keys: those that were rotated away as well, and those of an endpoint that was deleted.
    assert len([name for name in secrets if name.startswith("onlineendpoints ")]) >= 4
    contents = dict(canaries.files(*checkout.written, home=checkout.home))
    # What is searched holds what it should: state, what was printed, reviews, what jobs were given.
    for part in ("/pulumi/state/", "checkout-transcripts/"):
        assert any(part in place and endpoint.name.encode() in content for place, content in contents.items()), part
    for part in (".review/local/report.html", ".review/local/events.jsonl"):
        assert any(part in place for place in contents), part
    for folder in ("work", "logs"):
        assert any(f"/{folder}/" in place for place in contents), folder
    assert_nothing_secret_was_written(checkout, secrets)


def test_destroy_leaves_nothing(checkout: Checkout, secrets: dict[str, str]) -> None:
    done = checkout.emulated("pulumi", "destroy", "--stack", "local", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    left = checkout.python("-m", "emulator", "inventory")
    assert left.stdout == "0 live, 0 soft-deleted, 0 processes, 0 refused hosts\n"
    assert_nothing_secret_was_written(checkout, secrets)
