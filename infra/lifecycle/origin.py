"""What the running stack was made as, and what of it is its own, read in its state.

Names derive from it, so a stack that was renamed since has the names it had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import invoke

from settings.estate.existing import USABLE, AzureId
from settings.machines import HOURLY_DOLLARS
from settings.naming import Origin
from settings.outputs import PREFLIGHT
from settings.redaction import redact
from settings.stack import Settings

MADE_AS = {
    "group": "::resource-group",
    "logs": "::log-analytics",
    "insights": "::application-insights",
    "storage": "::storage",
    "vault": "::key-vault",
    "registry": "::container-registry",
    "identity": "UserAssignedIdentity::identity",
    "workspace": "machinelearningservices:Workspace::workspace",
    "cluster": "machinelearningservices:Compute::cluster",
    "hub": "machinelearningservices:Workspace::hub",
    "project": "machinelearningservices:Workspace::project",
}
"""Ends of the URNs of what the program makes where the setting `existing` gives nothing, by its keys."""

_LEADS_IN = "azure-native:network:PrivateEndpoint::"
_HOLDS_DATA = ("StorageAccount::storage", "Workspace::workspace", "OnlineEndpoint::endpoint")


@dataclass(frozen=True)
class OwnState:
    """Rows of the state by URN, with their outputs."""

    rows: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls) -> OwnState:
        """Of the running stack. Raises RunError where it cannot be read: names hang on it."""
        stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
        try:
            answer = invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": stack})
            return cls((answer.value or {}).get("outputs") or {})
        # A failed call is a plain Exception for Pulumi.
        except Exception as error:  # noqa: BLE001
            raise pulumi.RunError(
                f"stack {stack}: its own state could not be read ({redact(str(error))}), so it is not known what it is "
                "called on Azure. Nothing was changed. Run the same again; `pulumi stack export` has to work."
            ) from None

    @property
    def origin(self) -> Origin | None:
        """None for a stack that is not there yet."""
        records = (row.get("outputs") or {} for urn, row in self.rows.items() if urn.endswith(PREFLIGHT))
        return next((found for record in records if (found := Origin.of(record.get("output")))), None)

    def refuse_own(self, existing: Mapping[str, str]) -> None:
        """Raises RunError for something said to be somebody else's that the stack has made itself.

        The engine would delete it, as the program makes it no more.
        """
        if "project" in existing and (hub := next((urn for urn in self.rows if urn.endswith(MADE_AS["hub"])), None)):
            name = (self.rows[hub].get("outputs") or {}).get("name", "")
            raise pulumi.RunError(
                f"finetune-phi:existing.project: this stack has made hub {name} itself, which it would delete with the "
                "projects in it, as a project that is given brings its own hub. Nothing was changed. Remove the line, "
                "or make another stack that uses the project."
            )
        for key, id_ in existing.items():
            found = AzureId.of(id_)
            for urn, row in self.rows.items():
                own = str((row.get("outputs") or {}).get("name", "")).lower()
                if found and urn.endswith(MADE_AS[key]) and own == found.name.lower():
                    what = f"{USABLE[key].words} {found.name}"
                    raise pulumi.RunError(
                        f"finetune-phi:existing.{key}: this stack has made {what} itself, and would delete what is no "
                        "longer its own. Nothing was changed. Remove the line, or make another stack that uses it."
                    )

    def refuse_move(self, settings: Settings) -> None:
        """Raises RunError for a region that is not the one that the stack's data are in, and for a way out of its own
        network.

        The engine would make everything anew there and delete what is here, data and models with it. Of private
        endpoints it would delete the only way to stores that stay closed.
        """
        self._refuse_to_open(settings)
        for urn, row in self.rows.items():
            here = str((row.get("outputs") or {}).get("location") or "").replace(" ", "").lower()
            if urn.endswith(_HOLDS_DATA) and here and here != settings.location:
                there, stack = settings.location, pulumi.get_stack()
                raise pulumi.RunError(
                    f"azure-native:location: this stack is in {here}, and would be deleted there and made anew in "
                    f"{there}. That costs {_fine_tune(settings)}; nobody is answered until the new endpoint is there; "
                    "and data, job outputs and models of the old region are gone for good. Nothing was changed. Set it "
                    f"back to {here}, or make a second stack beside this one: copy Pulumi.{stack}.yaml to "
                    f"Pulumi.{stack}{there}.yaml, `pulumi stack init {stack}{there}`, `pulumi up`, move those who ask, "
                    "then `pulumi destroy` this one."
                )

    def _refuse_to_open(self, settings: Settings) -> None:
        if settings.network != "private" and any(_LEADS_IN in urn for urn in self.rows):
            raise pulumi.RunError(
                f"finetune-phi:network: this stack answers by private endpoints alone, and {settings.network} would "
                "delete them. Azure keeps storage account, key vault and registry closed all the same, so nobody would "
                "reach its data. Nothing was changed. Set it back to private, or make a second stack beside this one "
                "(docs/network.md#private-endpoints)."
            )

    @staticmethod
    def tell(existing: Mapping[str, str]) -> None:
        """Shows in a preview what is used and left alone; the engine does not show what it reads."""
        if existing and pulumi.runtime.is_dry_run():
            listed = "".join(f"\n  {USABLE[key].words} {id_}" for key, id_ in existing.items())
            pulumi.log.info(f"uses, and neither changes nor deletes, what somebody else has made:{listed}")


def _fine_tune(settings: Settings) -> str:
    """What one more of each recipe may cost at most."""
    size, recipes = settings.compute.vm_size, settings.trained.values()
    nodes = sum(recipe.num_nodes_finetune or 1 for recipe in recipes)
    hours = settings.finetune.max_hours * nodes
    price = settings.compute.hourly_price or HOURLY_DOLLARS.get(size, 0)
    bill = f" x {price:g} USD = {hours * price:,.2f} USD" if price else " at a price that is not known here"
    return f"another fine-tune of up to {hours:g} h of {size}{bill}"
