"""The provider over ARM in a dictionary."""

from __future__ import annotations

import pytest
from provider_calls import SUB
from pulumi.provider.experimental import provider as protocol

from emulator.provider.provider import AzureNative
from tests.provided import Arm, Direct, run


@pytest.fixture
def arm() -> Arm:
    return Arm()


@pytest.fixture
def said() -> list[str]:
    """What the user is warned of."""
    return []


@pytest.fixture
def provider(arm: Arm, said: list[str]) -> AzureNative:
    made = Direct(connect=lambda subscription, cancelled: arm, warn=said.append)
    variables = {"azure-native:config:location": "eastus2", "azure-native:config:subscriptionId": SUB}
    answer = run(made.configure(protocol.ConfigureRequest(variables, {}, True, True)))
    assert answer.supports_preview and not answer.accept_secrets and not answer.accept_outputs
    return made
