"""What a source's name means: which files in which order, what is left out and why, and each refusal in whole words."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from test_data_prep_card_text import PLAIN

from data_prep import DataError, mixing
from data_prep.card.card import Card
from data_prep.request import Mixed, Request
from data_prep.run.targets import RESULTS, not_ours, refuse_to_overwrite, without_results
from data_prep.source.locate import (
    SAMPLE_FILE,
    Source,
    by_name,
    files_of,
    held_back,
    locate,
    with_own,
    without_validation,
)


def put(root: Path, *names: str, text: str = "x") -> list[Path]:
    paths = [root / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return paths


def test_a_name_is_the_sample_an_asset_a_data_set_or_a_file(tmp_path: Path) -> None:
    (file,) = put(tmp_path, "a.jsonl.gz")
    assert locate("sample", tmp_path) == Source("sample", "the bundled sample", (SAMPLE_FILE,))
    assert locate("azureml:a:1", tmp_path) == Source("azureml", "azureml:a:1")
    assert locate("a/b", tmp_path) == Source("hub", "a/b")
    assert locate("a.jsonl.gz", tmp_path) == Source("file", "a.jsonl.gz", (file,))
    assert locate(str(file), Path("/elsewhere")) == Source("file", str(file), (file,))
    assert SAMPLE_FILE.name == "conversations.jsonl" and SAMPLE_FILE.is_file()


def test_a_folder_stands_for_its_data_in_the_order_of_their_paths(tmp_path: Path) -> None:
    b, a, below = put(tmp_path, "b.jsonl", "a.csv", "c/d.json")
    put(tmp_path, ".git/x.jsonl", "_log/y.json", ".hidden.csv", "notes.txt", "c/dataset_info.json", "Card.JSON")
    put(tmp_path, "empty.jsonl", text="")
    (tmp_path / "z.jsonl").symlink_to(b)
    left_out = (
        ".git/x.jsonl, .hidden.csv, _log/y.json: hidden",
        "Card.JSON, c/dataset_info.json: about other files, by the name",
        "empty.jsonl: empty",
        "z.jsonl: read already under another name",
    )
    found = locate("./", tmp_path)
    assert sorted(found.left_out) == sorted(left_out)
    assert dataclasses.replace(found, left_out=()) == Source("file", "./", (a, b, below), root=tmp_path)
    assert locate("*.jsonl", tmp_path) == Source(
        "file", "*.jsonl", (b,), ("empty.jsonl: empty", "z.jsonl: read already under another name"), root=tmp_path
    )
    assert locate("c/*.json", tmp_path).files == (below,) and locate("c/*.json", tmp_path).root == tmp_path / "c"
    put(tmp_path, *(f".h{at}.csv" for at in range(4)))
    assert locate("*", tmp_path).left_out[0] == ".h0.csv, .h1.csv, .h2.csv and 2 more: hidden"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "https://x.org/a.jsonl?sig=s",
            "https://x.org/a.jsonl is an address, and nothing is downloaded from one: fetch the file and name it, or "
            "register it as a data asset (azureml:name:version)",
        ),
        (
            "no.jsonl",
            "there is no file {}/no.jsonl: the source is a file, a folder or a pattern of files (READ), the name of a "
            "data set on the Hugging Face hub (HuggingFaceH4/ultrachat_200k), a data asset (azureml:name:version) or "
            "`sample`",
        ),
        ("x.txt", "{}/x.txt cannot be read: its name must end in one of READ"),
        ("empty.csv", "{}/empty.csv is empty: at least two rows with `messages` are needed"),
        ("sub", "the folder {}/sub holds no file that is read: READ (not read: .a.csv: hidden)"),
        ("*.xz", "the pattern {}/*.xz holds no file that is read: READ"),
    ],
)
def test_a_name_that_means_nothing(tmp_path: Path, name: str, says: str) -> None:
    put(tmp_path, "x.txt", "sub/.a.csv")
    put(tmp_path, "empty.csv", text="")
    with pytest.raises(DataError) as raised:
        locate(name, tmp_path)
    assert str(raised.value).replace(_read_formats(), "READ") == says.replace("{}", str(tmp_path))


def _read_formats() -> str:
    from settings.sections.sources import READ

    assert READ.startswith(".jsonl, .ndjson, .json, .csv, .tsv, .parquet")
    return READ


def test_files_of_ones_own_for_a_side(tmp_path: Path) -> None:
    train, mine, other = put(tmp_path, "a.jsonl", "t/b.csv", "t/c.csv")
    put(tmp_path, "t/.d.csv")
    source = Source("file", "a.jsonl", (train,), ("x: hidden",))
    found = with_own(source, tmp_path, {"validation": "", "test": "t/"})
    assert found == dataclasses.replace(
        source, own={mine: "test", other: "test"}, left_out=("x: hidden", ".d.csv: hidden")
    )
    assert [found.holds_back(side) for side in ("test", "validation")] == [True, False]
    refused = {
        "sample": "data.test must be a file, a folder or a pattern of files on this machine, is sample",
        "a.jsonl": f"{train} is named twice, as data.test and as a.jsonl: its rows would be on two sides",
    }
    for name, says in refused.items():
        with pytest.raises(DataError) as raised:
            with_own(source, tmp_path, {"test": name})
        assert str(raised.value) == says
    with pytest.raises(DataError) as raised:
        with_own(source, tmp_path, {"test": "t/b.csv", "validation": "t/"})
    assert str(raised.value) == f"{mine} is named twice, as data.validation and as test: its rows would be on two sides"


def test_names_divide_the_files_of_a_folder(tmp_path: Path) -> None:
    dev, test, train = put(tmp_path, "dev.jsonl", "test.jsonl", "train.jsonl")
    whole = Source("file", "./", (dev, test, train), ("x: hidden",), root=tmp_path)
    named = by_name(whole)
    assert named == dataclasses.replace(whole, sides={dev: "validation", test: "test", train: "train"})
    assert (held_back(named), held_back(named, "validation"), held_back(whole)) == ("test.jsonl", "dev.jsonl", "")
    assert without_validation(named) == dataclasses.replace(
        whole,
        files=(test, train),
        sides={test: "test", train: "train"},
        left_out=("x: hidden", "dev.jsonl: for validation by name, which the test rows are used for"),
    )
    two = Source("file", "./", (dev, train), root=tmp_path)
    assert by_name(two).sides == {dev: "test", train: "train"}
    assert by_name(two, three=True).sides == {dev: "validation", train: "train"}
    alone = Source("file", "a", (train,))
    assert by_name(alone) == without_validation(alone) == alone


def test_an_asset_on_disk_is_a_file_or_a_folder(tmp_path: Path) -> None:
    dev, train = put(tmp_path, "x/dev.jsonl", "x/train.jsonl")
    assert files_of(train, "the asset") == Source("file", "the asset", (train,))
    folder = Source("file", "the asset", (dev, train), sides={dev: "test", train: "train"}, root=tmp_path / "x")
    assert files_of(tmp_path / "x", "the asset") == folder
    assert files_of(tmp_path / "x", "the asset", three=True).sides[dev] == "validation"


def carded(directory: Path, **files: str) -> None:
    (directory / "card.json").write_bytes(dataclasses.replace(PLAIN, files=files).to_json())


def test_nothing_that_a_run_has_written_is_read_or_lost(tmp_path: Path) -> None:
    assert (
        *("train_data.jsonl", "test_data.jsonl", "validation_data.jsonl", "rejected.jsonl", "card.json", "card.md"),
        *("card-turns.svg", "card-tokens.svg"),
    ) == RESULTS
    made, mine, third = put(tmp_path, "train_data.jsonl", "a.jsonl", "validation_data.jsonl")
    source = Source("file", "./", (mine, made, third), root=tmp_path)
    assert without_results(source, tmp_path).files == source.files
    with pytest.raises(DataError) as raised:
        refuse_to_overwrite(source, tmp_path)
    assert str(raised.value) == (
        f"{made} is the source, and its rows would be replaced by the result, which is written to {made}: give the "
        "source another name, or set another directory (data.directory, --out)"
    )
    link = tmp_path / "b.jsonl"
    os.link(made, link)
    with pytest.raises(DataError, match=r"b\.jsonl is the source, and its rows would be replaced by the result"):
        refuse_to_overwrite(Source("file", "b", (), own={link: "test"}), tmp_path)
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # pragma: allowlist secret
    carded(tmp_path, **{"train_data.jsonl": digest, "test_data.jsonl": "y"})
    left = (f"train_data.jsonl in {tmp_path}: made by an earlier run",)
    kept = without_results(source, tmp_path)
    assert (kept.files, kept.left_out) == ((mine, third), left)
    assert kept.sides == {mine: "train", third: "test"}  # by name, of what is left
    assert not_ours(tmp_path, ("train_data.jsonl", "validation_data.jsonl", "rejected.jsonl", "card.md")) == {
        "validation_data.jsonl": "validation_data.jsonl.kept-2d711642"
    }
    made.write_text("y")
    assert list(not_ours(tmp_path, ("train_data.jsonl",))) == ["train_data.jsonl"]


def of_rows(sides: dict[str, int], **more: Any) -> Card:
    rows = {**PLAIN.rows, "train": 0, "test": 0, **sides}
    return dataclasses.replace(PLAIN, rows=rows, **more)


def test_prepared_sources_are_one_source(tmp_path: Path) -> None:
    parts = Mixed(source="a.jsonl", share=0.6), Mixed(source="b/c", share=0.4, rows="9")
    request = Request(sources=parts, directory=tmp_path, bad_rows="skip", mask=True, duplicates="drop", seed=3)
    first, second = mixing.each(request)
    assert [each.directory.name for each in (first, second)] == ["bc3849a5370c", "3b83d86c2a2f"]
    assert first == Request(
        source="a.jsonl",
        within=tmp_path,
        directory=first.directory,
        bad_rows="skip",
        mask=True,
        seed=3,
        duplicates="report",
    )
    assert (second.source, second.rows, second.directory.parent) == ("b/c", "9", tmp_path / ".sources")
    assert mixing.together(request) == Request(
        source="60 % a.jsonl, 40 % b/c", directory=tmp_path, shape="messages", duplicates="drop", seed=3
    )
    one, other = of_rows({"train": 90, "test": 30}), of_rows({"train": 15, "validation": 5})
    source, told = mixing.mixture(request, [one, other])
    files = {
        first.directory / "train_data.jsonl": ("train", 0.25),
        first.directory / "test_data.jsonl": ("test", 0.25),
        second.directory / "train_data.jsonl": ("train", 1.0),
        second.directory / "validation_data.jsonl": ("validation", 1.0),
    }
    assert (source.kind, source.label, source.files) == ("mixture", "60 % a.jsonl, 40 % b/c", tuple(files))
    assert source.sides == {file: side for file, (side, _) in files.items()}
    assert source.shares == {file: pytest.approx(share) for file, (_, share) in files.items()}
    assert told == [
        "of the 120 rows of a.jsonl 0.25 are taken, to be 60% of all",
        "of the 20 rows of b/c 1 are taken, to be 40% of all",
    ]
    with pytest.raises(DataError, match=r"^b/c has no row that can be used, and 40% were asked for$"):
        mixing.mixture(request, [one, of_rows({})])


def test_the_card_of_a_mixture_adds_up_what_was_found_in_each(tmp_path: Path) -> None:
    parts = Mixed(source="a.jsonl", share=0.6), Mixed(source="b/c", share=0.4)
    request = Request(sources=parts, directory=tmp_path, mask=True)
    counted = {"in": 5, "rejected": 1, "repaired": 2, "set_aside": 3, "left_out": 4}
    one = of_rows(
        counted,
        rejected={"mark": 1},
        repaired={"control": 2},
        unused={"z": 1, "a": 2},
        set_aside={"w": 3},
        private={"rows": 1, "email": 2},
        shape="pair",
        manifest=[{"file": "a"}],
    )
    other = of_rows({**counted, "with_calls": 7}, unused={"z": 5}, shape="pair", fingerprint="f2")
    whole = of_rows(
        {"train": 30, "test": 9, "left_out": 10, "in": 0}, private={"rows": 9}, files={"train_data.jsonl": "x"}
    )
    own = mixing.each(request)
    kept = {str(own[0].directory / "train_data.jsonl"): 20, str(own[1].directory / "train_data.jsonl"): 10}
    found = mixing.described(whole, request, [one, other], kept)
    assert found.rows == {
        **whole.rows,
        "in": 10,
        "rejected": 2,
        "repaired": 4,
        "set_aside": 6,
        "left_out": 18,
        "with_calls": 7,
    }
    assert (found.shape, found.settings, found.manifest) == ("pair", request.deciding(files=True), [])
    assert (found.rejected, found.repaired, found.set_aside) == ({"mark": 1}, {"control": 2}, {"w": 3})
    assert list(found.unused.items()) == [("a", 2), ("z", 6)]
    assert found.private == {"rows": 1, "email": 2}
    assert found.parts[0] == {
        "source": "a.jsonl",
        "share": 0.6,
        "rows": one.rows,
        "taken": {"train": 20},
        "origin": one.source,
        "shape": "pair",
        "fingerprint": "0123456789ab",
        "manifest": [{"file": "a"}],
    }
    assert (found.parts[1]["fingerprint"], "manifest" in found.parts[1]) == ("f2", False)
    unmasked = mixing.described(whole, dataclasses.replace(request, mask=False), [one, other], {})
    assert unmasked.private == {"rows": 9} and unmasked.parts[0]["taken"] == {"train": 0}
