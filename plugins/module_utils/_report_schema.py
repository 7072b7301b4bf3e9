# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of report.json, as the JSON schema that docs/report.schema.json publishes, and a check against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SCHEMA_ID = "urn:meshlab:istio:report:1"
"""Value of ``schema`` in every report; the number grows when a reader of the old shape would break."""

Schema = dict[str, Any]


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _number(description: str) -> Schema:
    return {"type": "number", "minimum": 0, "description": description}


def _count(description: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": description}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _list(description: str, items: Schema) -> Schema:
    return {"type": "array", "description": description, "items": items}


def _map(description: str, values: Schema) -> Schema:
    return {"type": "object", "description": description, "additionalProperties": values}


def _object(description: str, *required: str, **properties: Schema) -> Schema:
    return {"type": "object", "description": description, "required": list(required), "properties": properties}


_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_ANY: Schema = {}

_COMMAND = _object(
    "Something to do next.", "title", "command",
    title=_text("What it does."),
    command=_text("The command line to type."),
)  # fmt: skip

_EDGE = _object(
    "Requests from one workload to another, as Prometheus counted them.", "source", "destination",
    source=_text("The calling workload."),
    destination=_text("The called workload."),
    requests=_number("Requests in the measured time."),
    rate=_number("Requests a second, over the measured time."),
    error_share=_number("Share of requests answered 5xx or not at all, 0 to 1."),
    mtls=_flag("Whether all of them came over mutually authenticated TLS."),
    mtls_share=_number("Share of requests over mutually authenticated TLS, 0 to 1."),
)  # fmt: skip

_PICTURE = _object(
    "What a scenario measured, to be drawn.",
    title=_text("What is shown."),
    unit=_text("Unit of the values, such as requests or %."),
    bars=_list("One bar each.", _object(
        "A bar.", "label", "value",
        label=_text("What was measured."),
        value=_number("The measured value."),
        low=_number("Lower end of its interval."),
        high=_number("Upper end of its interval."),
    )),
    points=_list("A line over time.", _object(
        "A point.", "at", "value",
        at=_number("Seconds since the scenario's start."),
        value=_number("The measured value."),
    )),
)  # fmt: skip

_THRESHOLD = _object(
    "A bound the traffic was held to.", "metric", "passed",
    metric=_text("What was measured."),
    relation=_text("How it had to relate to the bound."),
    bound=_ANY, measured=_ANY,
    passed=_flag("Whether it did."),
)  # fmt: skip

_TRAFFIC = _object(
    "Requests sent through the gateway and what came back.", "sent", "status",
    url=_text("Where they were sent."),
    sent=_count("Requests sent."),
    status=_map("HTTP status to number of answers.", _count("Answers.")),
    errors=_map("Kind of failure to number of requests without an answer.", _count("Requests.")),
    latency_ms=_map("min, mean, p50, p90, p95, p99, max in milliseconds.", _number("Milliseconds.")),
    histogram=_list("Answers by latency; each bucket counts only its own, from the previous bound on.", _object(
        "A bucket.", "le_ms", "count",
        le_ms={"type": ["number", "null"], "description": "Upper bound in milliseconds, null for none."},
        count=_count("Answers above the previous bound and up to this one."),
    )),
    throughput=_number("Answers a second."),
    by_version=_map("Version of the backend to number of answers.", _count("Answers.")),
    seconds=_number("How long it took."),
    thresholds=_list("Bounds the traffic was held to.", _THRESHOLD),
)  # fmt: skip

_SCENARIO = _object(
    "One scenario: a hypothesis and what was measured.", "name", "passed",
    name=_text("Its short name, also its tag."),
    title=_text("Its name for a person."),
    introduces=_text("The promise of the tutorial's introduction that it is about."),
    learned=_text("What one learns from it."),
    passed=_flag("Whether the measured outcome is the expected one."),
    expected=_ANY, measured=_ANY,
    verdicts=_list("Each expectation with what was measured.", _object(
        "A verdict.", "step", "metric", "relation", "bound", "passed",
        step=_text("The step that measured."), metric=_text("What was measured."),
        relation=_text("How it had to relate to the bound."), bound=_ANY, measured=_ANY,
        passed=_flag("Whether it did."),
        trials=_count("Of how many trials the measured share is."),
        p=_number("How likely a count like this or a rarer one is if the expected share is right."),
        interval=_list("The share's exact interval at 99.9 %, from 0 to 1.", _number("An end of it.")),
    )),
    problems=_list("Why it failed.", _text("A sentence.")),
    seconds=_number("How long it took."),
    at=_text("When it was run, in UTC."),
    earlier=_flag("True when this is what an earlier run measured."),
    manifest=_text("The configuration that was applied, as YAML."),
    picture=_PICTURE,
)  # fmt: skip

_HOST = _object(
    "What one host measured. A part that is missing was not run.", "name",
    name=_text("The host's name in the inventory."),
    finished=_flag("False when the run ended on this host before everything was done."),
    failure=_object(
        "What ended it.", "message",
        task=_text("The task that failed."), message=_text("What it said."),
        folder=_text("What was gathered about it, on the controller."),
    ),
    earlier=_map(
        "What this run did not look at: a part of this host, or an entry of lab or versions as versions.istio, to when"
        " it was reported, in UTC. Scenarios and stages say it of themselves.",
        _text("When."),
    ),
    url=_text("The full URL that answered on the host."),
    gateway_url=_text("GATEWAY_URL of the tutorial: host:port of the ingress gateway, proven on the host."),
    browser_url=_text("The URL that answered from the controller, or an ssh -L command that was tried."),
    tunnel=_text("The ssh -L command to type on one's own computer for what listens on the host's loopback only."),
    gateway_method=_text("How the gateway URL was found."),
    ingress_host=_text("INGRESS_HOST of the tutorial."),
    ingress_port=_count("INGRESS_PORT of the tutorial."),
    secure_ingress_port=_count("SECURE_INGRESS_PORT of the tutorial."),
    lab=_map("The lab at a glance: provider, driver, memory, context, kubeconfig and the like.", _SCALAR),
    versions=_map("Program to version.", _SCALAR),
    files=_list("Files that were used, with what they were checked against.", _object(
        "A file.", "name", "sha256",
        kind=_text("file, tree (a folder or archive, such as a release) or image."),
        name=_text("Its path in the bundle, or an image's reference."), version=_text("Its version."),
        sha256=_text("Its SHA-256 sum, in hexadecimal; of a bundle's folder that of the archive made of it."),
        origin=_text("Where it is from."), stand_in=_flag("True when it is not upstream's own."),
    )),
    pods=_list("The pods of the lab.", _object(
        "A pod.", "namespace", "name",
        namespace=_text("Its namespace."), name=_text("Its name."),
        ready={"type": ["boolean", "string"], "description": "Whether it is ready, or 2/2 as kubectl says it."},
        restarts=_count("Restarts of all its containers."),
        containers=_list("Names of its containers.", _text("A name.")),
        image=_text("The image of its first container."),
    )),
    addons=_list("The addons.", _object(
        "An addon.", "name",
        name=_text("Its name."), ready=_flag("Whether its own API says that it works."),
        says=_text("What its API told."),
        stand_in=_flag("True when it is not the real program."), url=_text("Its dashboard."),
    )),
    trace=_object(
        "The trace of a request that was sent for it, found by its id.", "id", "spans", "services",
        id=_text("Its id, in hexadecimal."), spans=_count("Spans that had arrived."),
        services=_list("Who sent them.", _text("A service.")),
    ),
    traffic=_TRAFFIC,
    prometheus=_object(
        "The proof that the requests arrived.", "requests_before", "requests_after",
        requests_before=_number("Counted before the traffic."),
        requests_after=_number("Counted after it."),
        query=_text("The PromQL expression."),
    ),
    graph=_object(
        "The service graph, measured.",
        before=_list("Before the traffic: all that the proxies had counted by then.", _EDGE),
        after=_list(
            "After it: what was counted between the two readings. An edge without a request is one of before.", _EDGE
        ),
        seconds=_number("Seconds between the two readings, by Prometheus' clock."),
        kiali=_object(
            "Kiali's own graph of the minute before the second reading.", "nodes", "edges",
            nodes=_count("How many nodes it has."), edges=_count("How many edges it has."),
        ),
    ),
    scenarios=_list("The scenarios that were run.", _SCENARIO),
    timings=_list("Where the time of the run went; stages may overlap.", _object(
        "A stage.", "stage", "start", "end",
        stage=_text("Its name."),
        start=_number("Seconds since the run's start."), end=_number("Seconds since the run's start."),
        earlier=_flag("True when it was a stage of an earlier run."),
        at=_text("When that run was reported, in UTC."),
    )),
    stand_ins=_list("What is not the real program.", _object(
        "A stand-in.", "name", "stands_for",
        name=_text("What runs instead."), stands_for=_text("What it stands for."),
    )),
    listening=_list("What listens beyond loopback.", _object(
        "A socket.", "address", "port",
        address=_text("The address it is bound to."), port=_count("The port."), what=_text("Who listens and why."),
    )),
    found=_list("What the run found, such as a cluster that was stopped.", _text("A sentence.")),
    next=_list("What to do next on this host.", _COMMAND),
)  # fmt: skip

SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": SCHEMA_ID,
    "title": "Report of a meshlab.istio run",
    **_object(
        "What a run proved, one entry a host.", "schema", "generated_at", "hosts",
        schema={"const": SCHEMA_ID, "description": "Which schema this report follows."},
        generated_at=_text("When it was written, in UTC as ISO 8601."),
        hosts=_list("One entry a host.", _HOST),
        next=_list("What to do next.", _COMMAND),
    ),
}  # fmt: skip
"""Keys it does not know are allowed everywhere: they stay in report.json and are not shown on the page."""

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,),
    "integer": (int,), "number": (int, float), "null": (type(None),),
}  # fmt: skip
_WORDS = {
    "object": "a dictionary", "array": "a list", "string": "text", "boolean": "true or false",
    "integer": "a whole number", "number": "a number", "null": "nothing",
}  # fmt: skip


def violations(value: Any, schema: Schema, at: str) -> Iterator[str]:
    """Yield a sentence for each place where ``value`` departs from ``schema`` (the keywords used above).

    :param at: what ``value`` is called in the sentences, such as ``hosts[0].traffic``.
    """
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield f"{at} must be {' or '.join(_WORDS[kind] for kind in kinds)}, not {value!r:.80}."
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at} must be {schema['const']!r}, not {value!r:.80}."
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{at} must be at least {schema['minimum']}, not {value!r}."
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from violations(item, schema.get("items", {}), f"{at}[{index}]")
    if isinstance(value, dict):
        for key in schema.get("required", []):
            if key not in value:
                yield f"{at} lacks {key}."
        for key, item in value.items():
            known = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
            yield from violations(item, known, f"{at}.{key}")


def without_empty(value: Any, schema: Schema) -> Any:
    """Return ``value`` without the known keys that hold None or an empty text: in a report those mean "not known"."""
    if isinstance(value, list):
        return [without_empty(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        known = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
        if item in (None, "") and known and "null" not in known.get("type", ()):
            continue
        kept[key] = without_empty(item, known)
    return kept


def _is(value: Any, kind: str) -> bool:
    # To Python True is a number; to JSON it is not.
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
