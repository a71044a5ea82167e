"""What the settings may say of several sources: shares that add up, each source once, prepared on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_prep.stack import request_of
from settings.stack import Settings, SettingsError, load

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"finetune-phi:purgeOnDestroy": False}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"sources": [{"source": "sample", "share": "70%"}]}, "are no shares above 0 % that add up to 100 %"),
        (
            {"sources": [{"source": "sample", "share": "100%"}, {"source": "a.jsonl", "share": "0%"}]},
            "are no shares above 0 % that add up to 100 %",
        ),
        (
            {"sources": [{"source": "sample", "share": "50%"}, {"source": "sample", "share": "50%"}]},
            "is there twice, and its rows would be taken once",
        ),
        ({"sources": [{"source": "sample", "share": "100%"}], "runOn": "cluster"}, "are mixed on this machine"),
        ({"sources": [{"source": "sample", "share": "100%"}], "rows": "5%"}, "has no effect beside data.sources"),
        ({"sources": [{"source": "sample", "share": "most"}]}, "must be a share like 70%"),
        ({"sources": [{"source": "sample"}]}, "share"),
        ({"sources": [{"source": "https://example.org/a.jsonl", "share": "100%"}]}, "must not be an address"),
        ({"sources": [{"source": "sample", "share": "100%", "sahre": 1}]}, "sahre"),
    ],
)
def test_settings_that_cannot_be_are_refused(data: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=says):
        _loaded(tmp_path, data)


def test_settings_become_parts(tmp_path: Path) -> None:
    german = {"source": "faq.csv", "share": "30%", "columns": {"Frage": "question"}, "rows": 500, "ignore": ["Nr"]}
    asked = request_of(_loaded(tmp_path, {"sources": [{"source": "sample", "share": "70%"}, german], "mask": True}))
    assert asked.mask
    assert [str(part) for part in asked.sources] == ["70 % sample", "30 % faq.csv"]
    assert (asked.sources[1].rows, asked.sources[1].columns, asked.sources[1].ignore) == (
        "500",
        {"Frage": "question"},
        ("Nr",),
    )


def _loaded(place: Path, data: dict[str, Any]) -> Settings:
    shutil.copy(ROOT / "Pulumi.yaml", place)
    (place / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": {**SETTINGS, "finetune-phi:data": data}}))
    return load("dev", place)
