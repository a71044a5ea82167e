"""What is made once, by whom, and what a failure leaves behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from toolchain import bootstrap, cache
from toolchain.errors import SetupError
from toolchain.stamp import Stamp, inputs


def no_wait() -> None:
    raise AssertionError("nobody else is building")


def write_program(directory: Path) -> None:
    (directory / "program").write_text("built")


def test_made_once(tmp_path: Path) -> None:
    entry = cache.make_once(tmp_path / "thing", "program", write_program, no_wait)
    assert (entry / "program").read_text() == "built"

    def again(directory: Path) -> None:
        raise AssertionError("it is there already")

    assert cache.make_once(tmp_path / "thing", "program", again, no_wait) == entry


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def fail(directory: Path) -> None:
        write_program(directory)
        raise SetupError("no compiler")

    with pytest.raises(SetupError, match="no compiler"):
        cache.make_once(tmp_path / "thing", "program", fail, no_wait)
    assert [path.name for path in tmp_path.iterdir()] == ["thing.lock"]


def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "thing.tmp-killed").mkdir()
    (tmp_path / "thing").mkdir()  # an entry without its program is no entry
    cache.make_once(tmp_path / "thing", "program", write_program, no_wait)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thing", "thing.lock"]


def test_two_clones_build_once(tmp_path: Path) -> None:
    building, second_waits = threading.Event(), threading.Event()
    builds: list[Path] = []

    def slow(directory: Path) -> None:
        builds.append(directory)
        building.set()
        assert second_waits.wait(5)
        write_program(directory)

    first = threading.Thread(target=cache.make_once, args=(tmp_path / "thing", "program", slow, no_wait))
    first.start()
    assert building.wait(5)
    cache.make_once(tmp_path / "thing", "program", slow, second_waits.set)
    first.join()
    assert len(builds) == 1


def test_a_disk_that_refuses_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError) as caught:
        cache.make_once(tmp_path / "file" / "thing", "program", write_program, no_wait)
    assert "cannot write" in str(caught.value) and "XDG_CACHE_HOME" in str(caught.value)


def test_digest_depends_on_content_and_facts(tmp_path: Path) -> None:
    one = tmp_path / "go.mod"
    one.write_text("a")
    before = cache.digest([one], "linux")
    assert before == cache.digest([one], "linux") and len(before) == 12
    assert before != cache.digest([one], "darwin")
    one.write_text("b")
    assert before != cache.digest([one], "linux")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "clone"
    (root / ".venv").mkdir(parents=True)
    (root / "requirements.txt").write_text("pulumi==1\n")
    (root / "pulumi").write_text("")
    Stamp(inputs(root), str(root), (str(root / "pulumi"),)).write(root)
    return root


def test_an_untouched_clone_is_up_to_date(clone: Path) -> None:
    assert bootstrap.up_to_date(clone)


def test_a_changed_requirement_is_noticed(clone: Path) -> None:
    (clone / "requirements.txt").write_text("pulumi==2\n")
    assert not bootstrap.up_to_date(clone)


def test_a_deleted_cache_is_noticed(clone: Path) -> None:
    (clone / "pulumi").unlink()
    assert not bootstrap.up_to_date(clone)


def test_a_moved_clone_is_noticed(clone: Path) -> None:
    moved = clone.rename(clone.with_name("moved"))
    assert not bootstrap.up_to_date(moved)


@pytest.mark.parametrize("content", ["", "[]", '{"inputs": 1}'])
def test_a_broken_stamp_is_no_stamp(clone: Path, content: str) -> None:
    Stamp.path(clone).write_text(content)
    assert not bootstrap.up_to_date(clone)


@pytest.mark.parametrize(("mode", "refused"), [(0o755, False), (0o700, False), (0o775, True), (0o757, True)])
def test_what_others_could_have_put_there_is_not_run(tmp_path: Path, mode: int, refused: bool) -> None:
    place = tmp_path / "cache"
    place.mkdir()
    place.chmod(mode)
    (place / "thing").mkdir()
    (place / "thing" / "program").write_text("planted")
    if refused:
        with pytest.raises(SetupError, match="can be written by others"):
            cache.make_once(place / "thing", "program", write_program, no_wait)
        return
    cache.make_once(place / "thing", "program", write_program, no_wait)
    assert place.stat().st_mode & 0o777 == 0o700


def test_nor_is_a_cache_of_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache.os, "geteuid", lambda: 4711)
    for use in (
        lambda: cache.make_once(tmp_path / "thing", "program", write_program, no_wait),
        lambda: locked(tmp_path),
    ):
        with pytest.raises(SetupError, match="belongs to another user"):
            use()


def locked(place: Path) -> None:
    with cache.locked(place / "lock", no_wait):
        raise AssertionError("somebody else's lock is not taken")
