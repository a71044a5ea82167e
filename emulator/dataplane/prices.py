"""The Azure Retail Prices API, with made-up prices that say so wherever they are shown."""

from __future__ import annotations

import re
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emulator.subscription.regions import REGIONS

MARK = "made-up price"
_MACHINES = {
    "Standard_NC24ads_A100_v4": 4.0,
    "Standard_NC48ads_A100_v4": 8.0,
    "Standard_NC96ads_A100_v4": 16.0,
    "Standard_NC40ads_H100_v5": 7.0,
    "Standard_NC80adis_H100_v5": 14.0,
    "Standard_NV36ads_A10_v5": 3.0,
    "Standard_NC4as_T4_v3": 0.5,
    "Standard_NC8as_T4_v3": 0.75,
    "Standard_NC16as_T4_v3": 1.25,
    "Standard_NC64as_T4_v3": 4.5,
}
"""US dollars an hour, round on purpose. Standard_NV72ads_A10_v5 has none: a price list has gaps."""
_REGISTRIES = {"Basic": 0.16, "Standard": 0.64, "Premium": 1.6}
"""US dollars a day."""
_ENDPOINT = 0.02
"""US dollars an hour of a private endpoint, twice of what it is."""
_FIELDS = {"priceType": "type"}
"""Names in a filter that differ from those in the rows."""


def application() -> Starlette:
    """The web application behind ``prices.azure.com``; it asks for no token, as Azure's does not."""
    return Starlette(routes=[Route("/api/retail/prices", _prices)])


def _prices(request: Request) -> JSONResponse:
    filters = re.findall(r"(\w+) eq '([^']*)'", request.query_params.get("$filter", ""))
    found = [row for row in _rows() if all(row.get(_FIELDS.get(key, key)) == value for key, value in filters)]
    return JSONResponse(
        {
            "BillingCurrency": "USD",
            "CustomerEntityId": "Default",
            "CustomerEntityType": "Retail",
            "Items": found,
            "NextPageLink": None,
            "Count": len(found),
        }
    )


def _rows() -> list[dict[str, Any]]:
    link = {"serviceName": "Virtual Network", "armSkuName": "", "unitOfMeasure": "1 Hour"}
    endpoint = "Standard Private Endpoint"
    rows = [_row("Global", f"{MARK}, Virtual Network Private Link", "Standard", endpoint, _ENDPOINT) | link]
    for region in REGIONS:
        for size, hourly in _MACHINES.items():
            name = size.removeprefix("Standard_").replace("_", " ")
            machine = {"serviceName": "Virtual Machines", "armSkuName": size, "unitOfMeasure": "1 Hour"}
            # The rates a client has to tell apart are there as well.
            for sku, product, rate in (
                (name, f"{MARK}, Linux", 1.0),
                (name, f"{MARK}, Windows", 1.5),
                (f"{name} Spot", f"{MARK}, Linux", 0.4),
            ):
                rows.append(_row(region, product, sku, sku, hourly * rate) | machine)
        for sku, daily in _REGISTRIES.items():
            registry = {"serviceName": "Container Registry", "armSkuName": "", "unitOfMeasure": "1/Day"}
            rows.append(_row(region, f"{MARK}, Container Registry", sku, f"{sku} Registry Unit", daily) | registry)
    return rows


def _row(region: str, product: str, sku: str, meter: str, price: float) -> dict[str, Any]:
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": region,
        "effectiveStartDate": "2026-01-01T00:00:00Z",
        "productName": product,
        "skuName": sku,
        "meterName": meter,
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
    }
