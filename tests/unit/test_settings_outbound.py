"""Hosts that are approved: each is one rule at Azure, whose name has neither dots nor stars."""

from __future__ import annotations

import pytest

from settings.estate.private import OutboundSettings
from settings.stack import SettingsError, parse


def test_each_host_is_a_rule() -> None:
    found = OutboundSettings.model_construct(to="approved", hosts=("pypi.org", "*.pythonhosted.org"))
    assert found.rules == {"pypi-org": "pypi.org", "all-pythonhosted-org": "*.pythonhosted.org"}


@pytest.mark.parametrize(("one", "other"), [("a.b.org", "a-b.org"), ("*.b.org", "all.b.org")])
def test_a_host_that_would_take_anothers_rule_is_refused(one: str, other: str) -> None:
    config = {"finetune-phi:network": "managed", "finetune-phi:outbound": {"to": "approved", "hosts": [one, other]}}
    with pytest.raises(SettingsError, match=f"has one name with {one.replace('*', '.')} as a rule at Azure"):
        parse(config, "dev")
