"""`python -m jobs logs` and `python -m jobs cancel`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from jobs_fake import ArmOfJobs, FakeMl, Stop, install
from test_jobs_specs import FINETUNE, TARGET

from cloud import place, waiting
from cloud.errors import StageError
from jobs import __main__ as cli
from jobs.commands import logs
from jobs.training import finetune, stack_jobs
from tests.unit import arm_fake
from tests.unit.arm_fake import ArmFake, blob

FIRST, SECOND = (FINETUNE.job_name(attempt) for attempt in (1, 2))
TAGS = {"stack": "dev", "fingerprint": FINETUNE.fingerprint}


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    return arm_fake.install(monkeypatch)


@pytest.fixture
def texts(storage: ArmFake) -> dict[str, bytes]:
    """Log of each run, by its address."""
    return storage.blobs


def of_stacks_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def described(stack: str) -> Any:
        return None, SimpleNamespace(stack=stack.rsplit("/", 1)[-1], workspace=TARGET)

    monkeypatch.setattr(place, "described", described)


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch, texts: dict[str, bytes]) -> FakeMl:
    ml = install(monkeypatch)
    of_stacks_files(monkeypatch)

    def details(run: str) -> Any:
        return SimpleNamespace(
            start_time_utc=None, end_time_utc=None, log_files={"user_logs/std_log.txt": blob(run)}, error=None
        )

    ml.jobs._runs_operations.get_run_details = details
    return ml


def step(name: str, status: str) -> Any:
    return SimpleNamespace(name=name, display_name=name, status=status)


def test_the_newest_jobs_log_begins_with_the_failing_step(
    ml: FakeMl, texts: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    ml.jobs.put(FIRST, "Failed", **TAGS)
    ml.jobs.put(SECOND, "Failed", **TAGS)
    ml.jobs.put("finetune-0123456789ab-1", "Running", stack="prod", fingerprint="0123456789ab")
    ml.jobs.children[SECOND] = [step("import", "Completed"), step("train", "Failed")]
    texts.update({blob("import"): b"imported\n", blob("train"): b"CUDA out of memory. https://x?sig=SECRET\n"})
    cli.main(["logs", "--stack", "org/finetune-phi/dev"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{SECOND}  Failed")
    assert lines[1:5] == [
        "--- train, Failed",
        "CUDA out of memory. https://x?sig=***",
        "--- import, Completed",
        "imported",
    ]
    assert lines[5].startswith("Why: step train ended Failed")
    assert lines[6].startswith("Likely cause: GPU memory")
    assert lines[7].startswith("What to do: Lower recipe.per_device_train_batch_size")

    cli.main(["logs", "--stack", "dev", "--attempt", "1"])
    assert capsys.readouterr().out.splitlines()[:2] == [
        f"{FIRST}  Failed  {FIRST}  https://ml.azure.com/runs/{FIRST}",
        "(no lines yet)",
    ]
    with pytest.raises(SystemExit, match=r"there is no attempt 7.*has attempt 1, 2"):
        cli.main(["logs", "--stack", "dev", "--attempt", "7"])


def test_a_log_that_is_refused_is_not_one_without_lines(
    ml: FakeMl, storage: ArmFake, capsys: pytest.CaptureFixture[str]
) -> None:
    ml.jobs.put(FIRST, "Completed", **TAGS)
    ml.jobs.children[FIRST] = [step("train", "Completed")]
    storage.refuse("GET", blob("train"), 403, "AuthorizationFailure", "This request is not authorized")
    cli.main(["logs", "--stack", "dev"])
    (told,) = capsys.readouterr().out.splitlines()[1:]
    assert told.startswith("(the log of train cannot be read: ") and "not authorized" in told


def test_followed_to_its_end(ml: FakeMl, texts: dict[str, bytes], capsys: pytest.CaptureFixture[str]) -> None:
    job = ml.jobs.put(FIRST, "Running", **TAGS)
    texts[blob(FIRST)] = b"epoch 1\n"

    def goes_on() -> None:
        texts[blob(FIRST)] += b"epoch 2\n"

    def completes() -> None:
        texts[blob(FIRST)] += b"done\n"
        job.status = "Completed"

    logs.print_logs("dev", name=None, attempt=None, follow=True, stop=Stop(goes_on, completes))
    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if line in ("epoch 1", "epoch 2", "done")] == ["epoch 1", "epoch 2", "done"]
    assert out[-1] == f"{FIRST}  Completed"


def test_following_outlives_an_azure_that_does_not_answer_for_a_while(
    ml: FakeMl, texts: dict[str, bytes], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ml.jobs.put(FIRST, "Running", **TAGS)
    texts[blob(FIRST)] = b"epoch 1\n"
    find, looks = ArmOfJobs.find, iter(["there", "lost", "lost"])

    def flaky(self: ArmOfJobs, path: str, version: str) -> dict[str, Any] | None:
        if next(looks, "there") == "lost":
            raise ServiceRequestError("no route to host")
        return find(self, path, version)

    monkeypatch.setattr(ArmOfJobs, "find", flaky)
    stop = Stop(lambda: None, lambda: None, lambda: setattr(job, "status", "Completed"))
    logs.print_logs("dev", name=FIRST, attempt=None, follow=True, stop=stop)
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == f"{FIRST}  Completed"
    assert told.err.count("Azure gave no answer just now, trying again (no route to host)") == 2
    assert stop.waited[:2] == [15.0, 15.0]


@pytest.mark.parametrize("wrong", [None, {"properties": []}, HttpResponseError("(Forbidden) not now")])
def test_following_outlives_any_single_answer_that_is_wrong(
    ml: FakeMl, texts: dict[str, bytes], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    job = ml.jobs.put(FIRST, "Running", **TAGS)
    texts[blob(FIRST)] = b"epoch 1\n"
    find, looks = ArmOfJobs.find, iter(["there", "wrong"])

    def flaky(self: ArmOfJobs, path: str, version: str) -> dict[str, Any] | None:
        if next(looks, "there") != "wrong":
            return find(self, path, version)
        if isinstance(wrong, Exception):
            raise wrong
        return dict(wrong) if wrong else None

    monkeypatch.setattr(ArmOfJobs, "find", flaky)
    stop = Stop(lambda: None, lambda: setattr(job, "status", "Completed"))
    logs.print_logs("dev", name=FIRST, attempt=None, follow=True, stop=stop)
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == f"{FIRST}  Completed"
    assert told.err.count("trying again") == 1


def test_but_not_one_that_refuses_or_is_gone_for_good(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    ml.jobs.put(FIRST, "Running", **TAGS)
    looks: list[str] = []
    find, error = ArmOfJobs.find, ServiceRequestError("no route to host")

    def lost(self: ArmOfJobs, path: str, version: str) -> dict[str, Any] | None:
        looks.append(path)
        if len(looks) > 1:
            raise error
        return find(self, path, version)

    monkeypatch.setattr(ArmOfJobs, "find", lost)
    with pytest.raises(StageError, match="the logs could not be read"):
        logs.print_logs("dev", name=FIRST, attempt=None, follow=True, stop=Stop())
    assert len(looks) == 21


def test_a_stage_that_follows_a_job_passes_on_no_secret(ml: FakeMl, texts: dict[str, bytes]) -> None:
    job = ml.jobs.put(FIRST, "Running", **TAGS)
    texts[blob(FIRST)] = b"reading https://x/y?sv=1&sig=SECRET\n"
    said: list[str] = []
    finetune.run(FINETUNE, said.append, Stop(lambda: setattr(job, "status", "Completed")))
    assert "reading https://x/y?sv=1&sig=***" in said


@pytest.mark.parametrize("ended", ["Failed", "Canceled"])
def test_following_a_job_that_does_not_complete_exits_with_1(ml: FakeMl, ended: str, capsys: Any) -> None:
    ml.jobs.put(FIRST, ended, **TAGS)
    with pytest.raises(SystemExit) as left:
        cli.main(["logs", "--stack", "dev", "--follow"])
    assert left.value.code == 1
    assert f"ended {ended}" in capsys.readouterr().out.splitlines()[2], "why"


def test_no_job_to_show(ml: FakeMl) -> None:
    with pytest.raises(SystemExit, match=r"stack dev has submitted none.*pulumi up"):
        cli.main(["logs", "--stack", "dev"])
    with pytest.raises(SystemExit, match="there is no such job"):
        cli.main(["logs", "--stack", "dev", "--job", "brave_apple"])


def test_cancelling_asks_and_takes_no_for_an_answer(
    ml: FakeMl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ml.jobs.put(FIRST, "Running", **TAGS)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda question: "n")
    with pytest.raises(SystemExit, match=r"Nothing was cancelled.*did not say yes"):
        cli.main(["cancel", "--stack", "dev"])
    assert ml.jobs.cancels == []
    assert f"{FIRST}: Running, fine-tuning" in capsys.readouterr().out
    monkeypatch.setattr("builtins.input", lambda question: "y")
    cli.main(["cancel", "--stack", "dev"])
    assert ml.jobs.cancels == [FIRST]


@pytest.mark.parametrize(
    ("becomes", "told"), [("Completed", "had just completed"), ("Failed", "had just ended, Failed")]
)
def test_a_job_that_ends_before_it_is_cancelled(
    ml: FakeMl, capsys: pytest.CaptureFixture[str], becomes: str, told: str
) -> None:
    ml.jobs.put(FIRST, "Running", **TAGS)
    ml.jobs.cancelled[FIRST] = becomes
    cli.main(["cancel", "--stack", "dev", "--yes"])
    assert told in capsys.readouterr().out


def test_a_job_that_does_not_respond_may_still_bill_and_is_cancelled(ml: FakeMl) -> None:
    ml.jobs.put(FIRST, "NotResponding", **TAGS)
    cli.main(["cancel", "--stack", "dev", "--yes"])
    assert ml.jobs.cancels == [FIRST]


def test_a_job_that_takes_its_time_to_end(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs_fake import ArmOfJobs

    job = ml.jobs.put(FIRST, "Running", **TAGS)
    ml.jobs.cancelled[FIRST] = "CancelRequested"
    arm: Any = ArmOfJobs(ml.jobs)
    ended = Stop(lambda: None, lambda: setattr(job, "status", "Canceled"))
    assert stack_jobs.cancel(arm, TARGET, FIRST, print, ended) == "Canceled"
    assert ended.waited == [2.0, 2.0]
    ml.jobs.cancelled[FIRST] = "CancelRequested"
    never = Stop()
    clock = SimpleNamespace(monotonic=lambda: sum(seconds or 0 for seconds in never.waited))
    for module in (stack_jobs, waiting):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(stack_jobs, "_PATIENCE", 6.0)
    assert stack_jobs.cancel(arm, TARGET, FIRST, print, never) == "CancelRequested"
    assert len(never.waited) == 3


def test_the_time_for_a_cancel_includes_azures_own_operation(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs_fake import ArmOfJobs

    ml.jobs.put(FIRST, "Running", **TAGS)
    ml.jobs.cancelled[FIRST] = "CancelRequested"
    now, arm = [0.0], ArmOfJobs(ml.jobs)
    for module in (stack_jobs, waiting):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    run = arm.run

    def slow(*given: Any, seconds: float, **options: Any) -> None:
        run(*given, seconds=seconds, **options)
        now[0] += seconds  # it has not ended by then

    monkeypatch.setattr(arm, "run", slow)
    never = Stop()
    assert stack_jobs.cancel(arm, TARGET, FIRST, print, never) == "CancelRequested"  # type: ignore[arg-type]
    assert (now, never.waited) == ([120.0], [])


def test_a_refused_cancel_is_an_error_only_while_the_job_runs(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.core.exceptions import HttpResponseError
    from jobs_fake import ArmOfJobs

    def refuse(*given: Any, **options: Any) -> None:
        raise HttpResponseError("no")

    arm: Any = ArmOfJobs(ml.jobs)
    monkeypatch.setattr(arm, "run", refuse)
    job = ml.jobs.put(FIRST, "Completed", **TAGS)
    assert stack_jobs.cancel(arm, TARGET, FIRST, print) == "Completed"
    job.status = "Running"
    with pytest.raises(HttpResponseError):
        stack_jobs.cancel(arm, TARGET, FIRST, print)


@pytest.mark.parametrize("command", ["logs", "cancel"])
def test_before_the_first_up_there_is_no_workspace(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arm_fake.install(monkeypatch)
    of_stacks_files(monkeypatch)
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--stack", "dev"])
    assert str(ended.value).startswith("error: stack dev is not up (workspace ")
    assert "Run `make up STACK=dev` first" in str(ended.value)
