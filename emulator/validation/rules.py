"""What validation refuses: for the coverage page, with the tests that show it and how sure we are of Azure's words."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.refusals import Known


@dataclass(frozen=True)
class Rule:
    """One rule of validation.

    Attributes:
        status, code: the answer.
        known: how well the pairing of code and message is known.
        refused: test that shows the refusal, as ``file::function``.
        allowed: test that shows the way through.
    """

    text: str
    status: int
    code: str
    known: Known
    refused: str
    allowed: str


_CHECK = "tests/unit/test_validation_check.py"
_VERSIONS = "tests/unit/test_validation_versions.py"
_HTTP = "tests/contract/test_refusals_bodies.py"
_BODY = "InvalidRequestContent; Azure ML `UserError`; endpoints and deployments `BadRequest` (doubled braces)"

RULES = (
    Rule(
        "a property the model does not have: `Could not find member 'X' on object of type 'Y'`",
        400,
        _BODY,
        Known.U,
        f"{_CHECK}::test_an_unknown_property_is_refused_wherever_it_stands",
        f"{_CHECK}::test_free_dictionaries_take_any_key",
    ),
    Rule(
        "a required property is missing or null: `Required property 'X' not found in JSON`",
        400,
        _BODY,
        Known.U,
        f"{_HTTP}::test_without_any_one_required_property_the_emulator_refuses",
        f"{_HTTP}::test_every_body_of_the_program_passes",
    ),
    Rule(
        "no `location` on a resource that has one",
        400,
        "LocationRequired",
        Known.U,
        f"{_HTTP}::test_each_service_refuses_in_its_own_envelope",
        f"{_HTTP}::test_every_body_of_the_program_passes",
    ),
    Rule(
        "a value of another JSON type: `Error converting value … to type 'System.Int32'`",
        400,
        _BODY,
        Known.U,
        f"{_CHECK}::test_a_value_of_another_type_is_refused",
        f"{_CHECK}::test_nulls_count_as_absent",
    ),
    Rule(
        "a value outside an enumeration (compared without case)",
        400,
        _BODY,
        Known.U,
        f"{_CHECK}::test_a_value_outside_an_enumeration_is_refused",
        f"{_CHECK}::test_enumerations_do_not_mind_case",
    ),
    Rule(
        "an unknown kind of compute, job, data, connection or credentials (discriminator)",
        400,
        _BODY,
        Known.U,
        f"{_CHECK}::test_an_unknown_subclass_is_refused",
        f"{_CHECK}::test_the_discriminator_chooses_what_is_allowed",
    ),
    Rule(
        "length, pattern or range, where the model states one (the older packages do)",
        400,
        _BODY,
        Known.U,
        f"{_CHECK}::test_limits_of_length_pattern_and_range_are_kept",
        f"{_CHECK}::test_limits_of_length_pattern_and_range_are_kept",
    ),
    Rule(
        "an api-version that the type never had",
        400,
        "NoRegisteredProviderFound",
        Known.V,
        f"{_HTTP}::test_an_api_version_the_type_does_not_have_is_refused",
        f"{_HTTP}::test_an_api_version_the_type_does_not_have_is_refused",
    ),
    Rule(
        "an api-version that is none, or one ARM's own types never had",
        400,
        "InvalidApiVersionParameter",
        Known.V,
        f"{_VERSIONS}::test_arms_own_types_and_text_that_is_no_version_are_refused_by_arm",
        f"{_VERSIONS}::test_a_supported_version_passes_whatever_its_case",
    ),
)

UNCHECKED = (
    "Read-only properties in a body are ignored, as Azure ignores them: clients GET, change and PUT. That the program "
    f"sends none is a test of its own ({_HTTP}::test_the_program_sends_no_read_only_property).",
    "PATCH bodies: only `tags`, `identity` and `sku` are taken, whatever the type.",
    "Text inside the body that the models call a string: resource ids, dates, durations, URLs. What behaviour needs of "
    "them (an id that exists, a region, a VM size) is among the refusals of the type.",
    "`dict[str, Any]` in a model, such as the nodes of a pipeline job: those are checked against the component when "
    "the job is accepted, not against a model.",
    "Bodies of the data planes (run history, registry, scoring): read as far as the answer needs it.",
    "API versions of what a subscription tells (providers, usages, quotas, permissions, deleted names).",
    "Which api-versions a region offers, and when a version is retired: every version ever published passes.",
)

DIFFERENCES = (
    "Azure reads some values leniently (a number sent as text, a name in another case). The emulator refuses them: no "
    "client here sends them. A code's hash_version, which azure-ai-ml sends as a number, passes.",
    "A step of the fine-tune component that only moves files (validation, import, conversion) has a run and no log. "
    "Rows are cut at max_seq_length in tokens of the stand-in, of which a text has more than of Phi's.",
    "No image is built for an environment: a command job runs in the emulator's own Python, on one node.",
    "Azure reports the first problem it meets; the emulator lists the others in `details`, too.",
    "Messages name the path but no line and position.",
    "A body of an older api-version is checked against the newest model: a property that only the newer version has "
    "passes here and not on Azure. The program's provider sends the versions of azure-native 3.29.0.",
    "Conditions of role assignments are stored, not evaluated: a role with a condition allows what it allows without.",
    "A federated identity credential is stored; tokens of its issuer are not exchanged.",
    "Diagnostic settings have no model in any current package; theirs is written down by hand from the specification.",
    "An endpoint's metrics are those of the requests it routed, there at once and gone when the emulator ends; Azure's "
    "come minutes late. Only those about requests are there.",
    "A workspace that is soft-deleted already stays so when it is deleted with `forceToPurge=true`, and the answer is "
    "204: people report that their names stayed taken; status and code are unproven. Here only `reset` frees it.",
    "A cluster that is deleted without `underlyingResourceAction=Delete` lets go of its machines, and the next one of "
    "that name has them: seen with `Detach`; what Azure does without the parameter, which its specification requires, "
    "is unproven.",
    "A cluster made with SSH `NotSpecified` and no network of its own answers `Enabled`, as the specification "
    "describes it; its size is answered in capitals. Changing SSH of a cluster that is there is unproven.",
    "A Log Analytics workspace that is made again while it is soft-deleted is the old one, with its properties; Azure "
    "lets the new body's win. Nothing is logged here, so no old logs are seen, only the old `customerId`.",
    "A base model is served as by Azure's image for chat models, a fine-tuned one as by MLflow's generic scoring: "
    "routes, answers, defaults and refusals as seen when Azure's own code served the fine-tune component's model. "
    "Which of the two Azure takes for a model depends on its package in the registry, which is not public; `POST "
    "/admin/enable-vllm` with `true` lets what is fine-tuned from then on keep the base model's image.",
    "A regenerated key stops working with the call, and a deployment that is deleted first answers what it was asked, "
    "for 30 s at most; how soon and how long on Azure is not documented.",
)
