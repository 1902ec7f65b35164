"""Makes every call of the sandbox's admin API with valid and invalid input, and checks each response against the
OpenAPI document, from which integrators generate their clients.

    admin.py READY_LINE

A response must not contain undescribed members, and every status that the document lists for a call must occur."""

import concurrent.futures
import datetime
import http.client
import json
import re
import sys
from pathlib import Path
from time import sleep

sys.dont_write_bytecode = True

import jsonschema  # noqa: E402
import openapi_spec_validator  # noqa: E402

import support  # noqa: E402

FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value):
    # Python parses at most microseconds.
    return not isinstance(value, str) or datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))


def closed(schema, combined=False):
    """Returns the schema with additional members forbidden."""
    if isinstance(schema, list):
        return [closed(each, combined) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(value, name == "allOf") for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema and not combined:
        made.setdefault("additionalProperties", False)
    return made


class Api:
    """The admin API of a running sandbox, with its OpenAPI document."""

    def __init__(self, ready):
        self.sandbox = support.Sandbox(ready)
        document = self.document = self.sandbox.session.get(self.sandbox.admin + "/openapi.json", timeout=support.HANGS).json()
        self.strict = {**document, "components": closed(document["components"]), "paths": closed(document["paths"])}
        self.seen = set()

    def fault(self, schema, value, strict=True):
        """Returns the schema violation of a value, or None."""
        components = (self.strict if strict else self.document)["components"]
        validator = jsonschema.Draft202012Validator({**schema, "components": components}, format_checker=FORMATS)
        return next(iter(sorted(validator.iter_errors(value), key=str)), None)

    def resolved(self, found):
        while "$ref" in found:
            node = self.strict
            for part in found["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            found = node
        return found

    def call(self, method, path, expected, body=None, /, at=None, text=None, headers=None, **query):
        """Calls the path, with `at` for its placeholders, and checks the response against the document."""
        call = self.strict["paths"][path][method.lower()]
        where = path
        for name, value in (at or {}).items():
            where = where.replace("{" + name + "}", value)
        where = (method, where)
        data = text if text is not None else None if body is None else json.dumps(body)
        if isinstance(data, str):
            data = data.encode()
        answer = self.sandbox.session.request(
            method, self.sandbox.admin + where[1], params=query, data=data, headers=headers, timeout=support.HANGS
        )
        result = (where, body or text, answer.status_code, answer.text[:400])
        assert answer.status_code == expected, ("not", expected, result)
        assert str(answer.status_code) in call["responses"], ("a status that is not described", result)
        content = self.resolved(call["responses"][str(answer.status_code)])["content"]
        media = "application/json" if expected < 400 else "application/problem+json"
        assert support.media_type(answer) == media and list(content) == [media], ("another media type", result)
        wrong = self.fault(content[media]["schema"], answer.json())
        assert wrong is None, (wrong.message, list(wrong.absolute_path), result)
        if expected >= 400:
            assert answer.json()["status"] == expected, result
        if body is not None and "requestBody" in call:
            described = call["requestBody"]["content"]["application/json"]["schema"]
            if expected < 400:
                wrong = self.fault(described, body, strict=False)
                assert wrong is None, ("a good request that is not described", wrong.message, result)
        self.seen.add((method, path, expected))
        return answer.json()

    def refused(self, method, path, body, /, **more):
        """Sends a body that both the document and the sandbox must reject."""
        described = self.document["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
        assert self.fault(described, body, strict=False) is not None, ("the document allows it", path, body)
        return self.call(method, path, 400, body, **more)

    def good(self, method, path, body=None, /, **more):
        return self.call(method, path, 200, body, **more)

    def canonical(self):
        answer = self.sandbox.session.get(self.sandbox.admin + "/journal/canonical", timeout=support.HANGS)
        assert (answer.status_code, support.media_type(answer)) == (200, "application/x-ndjson"), answer.text
        self.seen.add(("GET", "/journal/canonical", 200))
        return answer.text

    def place(self, **changes):
        order = json.loads((Path(__file__).parents[3] / "identity-tm/fixtures/S-035-put-order-request.json").read_text())
        answer = self.sandbox.call("PUT", "/putOrder", json={**order, **changes})
        return support.expect(answer, 202, "application/json")["OrderID"]


IDENT = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
NOT_JSON = ["{", "[]", "null", "7", '{"a":1,"a":2', "\x00"]


def the_document_is_openapi(api):
    openapi_spec_validator.validate(api.document)


def the_documents_examples_are_what_it_says(api):
    looked = 0

    def look(node, at):
        nonlocal looked
        if isinstance(node, list):
            for each in node:
                look(each, at)
        elif isinstance(node, dict):
            examples = [node["example"]] if "example" in node else []
            if isinstance(node.get("examples"), dict):
                examples += [example["value"] for example in node["examples"].values()]
            for example in examples if isinstance(node.get("schema"), dict) else []:
                wrong = api.fault(node["schema"], example)
                assert wrong is None, (at, wrong.message, list(wrong.absolute_path))
                looked += 1
            if isinstance(node.get("examples"), list):
                for example in node["examples"]:
                    wrong = api.fault(node, example)
                    assert wrong is None, (at, wrong.message)
                    looked += 1
            for name, value in node.items():
                look(value, [*at, name])

    look({"paths": api.strict["paths"], "components": api.strict["components"]}, [])
    assert looked > 40, looked


def sandbox(api):
    assert api.good("GET", "/health")["now"] == "2020-09-10T12:00:00Z"
    api.call("GET", "/health", 404, world="nobody's")
    api.good("GET", "/version")


def time(api):
    api.call("POST", "/worlds", 201, {"id": "time"})
    api.good("GET", "/clock", world="time")
    api.call("GET", "/clock", 404, world="nobody's")
    assert api.good("POST", "/clock/advance", {"seconds": 0}, world="time")["fired"] == []
    api.good("POST", "/clock/advance", {"seconds": 0.25}, world="time")
    # The example ident expires, among other due events.
    assert api.good("POST", "/clock/run-to-next", world="time")["fired"] != []
    api.call("POST", "/clock/run-to-next", 404, world="nobody's")
    api.call("POST", "/clock/advance", 404, {"seconds": 1}, world="nobody's")
    for seconds in [-1, -0.001, 1e12, "1", None, [], True]:
        api.refused("POST", "/clock/advance", {"seconds": seconds}, world="time")
    api.refused("POST", "/clock/advance", {}, world="time")
    now = api.good("GET", "/clock", world="time")["now"]
    assert api.good("POST", "/clock/advance", {"to": now}, world="time")["now"] == now
    later = "2021-03-01T13:00:00+01:00"
    assert api.good("POST", "/clock/advance", {"to": later}, world="time")["now"] == "2021-03-01T12:00:00Z"
    # Time only moves forward, and at most a hundred years.
    for to in ["2021-03-01T11:59:59Z", "2999-01-01T00:00:00Z", "2021-03-02", "tomorrow"]:
        api.call("POST", "/clock/advance", 400, {"to": to}, world="time")
    for to in [1, None, [], True]:
        api.refused("POST", "/clock/advance", {"to": to}, world="time")
    api.refused("POST", "/clock/advance", {"seconds": 1, "to": "2021-03-02T12:00:00Z"}, world="time")
    assert api.good("GET", "/clock", world="time")["now"] == "2021-03-01T12:00:00Z"
    for text in NOT_JSON:
        api.call("POST", "/clock/advance", 400, text=text, world="time")
        api.call("POST", "/clock/mode", 400, text=text, world="time")
    for mode in [{"mode": "real"}, {"mode": "scaled", "factor": 0.5}, {"mode": "scaled", "factor": 60}, {"mode": "frozen"}]:
        result = api.good("POST", "/clock/mode", mode, world="time")
        assert result["mode"] == mode["mode"] and result["factor"] == mode.get("factor", {"real": 1}.get(mode["mode"], 0))
    for mode in [{}, {"mode": "slow"}, {"mode": None}, {"mode": 1}, {"mode": "scaled"}, {"mode": "real", "factor": 2},
                 {"mode": "scaled", "factor": 0}, {"mode": "scaled", "factor": -1}, {"mode": "scaled", "factor": 1e7},
                 {"mode": "scaled", "factor": "2"}, {"mode": "frozen", "factor": None}]:
        api.refused("POST", "/clock/mode", mode, world="time")
    api.call("POST", "/clock/mode", 404, {"mode": "real"}, world="nobody's")


def orders(api):
    order = api.place()
    api.good("GET", "/orders/{id}", at={"id": order})
    api.good("GET", "/orders/{id}", at={"id": IDENT})
    api.good("GET", "/orders/{id}", at={"id": "99921269855041"})
    api.call("GET", "/orders/{id}", 404, at={"id": "nobody's"})
    api.call("GET", "/orders/{id}", 404, at={"id": order}, world="nobody's")
    newest = api.place(Ref="newest")
    page = api.good("GET", "/orders", limit=1)
    assert (page.pop("count") >= 2, page) == (
        True, {"orders": [api.good("GET", "/orders/{id}", at={"id": newest})], "next": newest})
    assert api.good("GET", "/orders", search="NEWEST")["count"] == 1
    assert [one["id"] for one in api.good("GET", "/orders", before=newest)["orders"]][0] == order
    for status, found in [("25", [newest]), ("6", [])]:
        listed = api.good("GET", "/orders", reference="newest", status=status)["orders"]
        assert [one["id"] for one in listed] == found, listed
    assert api.good("GET", "/idents", limit=1000, reveal="true") == {"count": 0, "idents": []}, "without the example"
    for path in ["/orders", "/idents"]:
        for wrong in [{"before": "nobody's"}, {"limit": 0}, {"limit": "x"}, {"reveal": "yes"}]:
            api.call("GET", path, 400, **wrong)
        api.call("GET", path, 404, world="nobody's")
    move = lambda expected, body, **more: api.call("POST", "/orders/{id}/transition", expected, body, **more)
    move(400, {"story": "no such story"}, at={"id": order})
    move(400, {"status": -1}, at={"id": order})
    move(200, {"status": 77}, at={"id": order})
    move(200, {"status": 4242}, at={"id": order})
    move(200, {"story": "positive", "status": None}, at={"id": order})
    move(409, {"story": "positive"}, at={"id": order})
    move(200, {"status": "Seen"}, at={"id": IDENT})
    move(200, {"story": "negative"}, at={"id": IDENT})
    move(404, {"story": "positive"}, at={"id": "nobody's"})
    for body in [{}, {"story": None}, {"story": "positive", "status": 6}, {"story": 7}, {"status": None},
                 {"status": [6]}, {"status": {}}, {"status": True}, {"status": 6.5}]:
        api.refused("POST", "/orders/{id}/transition", body, at={"id": order})
    for text in NOT_JSON:
        api.call("POST", "/orders/{id}/transition", 400, text=text, at={"id": order})


def person(api):
    order = api.place(getTargetLink=True)
    at = {"id": order}
    view = api.good("GET", "/orders/{id}/person", at=at)
    assert view["step"] == "choose" and view["page"].startswith("/status/"), view
    assert api.good("GET", "/orders/{id}/person", at=at, reveal="true") == view
    act = lambda expected, body, **more: api.call("POST", "/orders/{id}/person", expected, body, **more)
    act(400, {"action": "choose", "method": "fax"}, at=at)
    act(409, {"action": "pass"}, at=at)
    for body in [{"action": "choose", "method": view["methods"][0]}, {"action": "consent"}, {"action": "fail"}]:
        act(200, body, at=at)
    for path in ["GET", "POST"]:
        body = None if path == "GET" else {"action": "abort"}
        api.call(path, "/orders/{id}/person", 404, body, at={"id": "nobody's"})
        api.call(path, "/orders/{id}/person", 404, body, at=at, world="nobody's")
        api.call(path, "/orders/{id}/person", 400, body, at=at, reveal="yes")
    for body in [{}, {"action": None}, {"action": "dance"}, {"action": 7}, {"action": "tan", "tan": 7},
                 {"action": "choose", "method": []}]:
        api.refused("POST", "/orders/{id}/person", body, at=at)
    for text in NOT_JSON:
        api.call("POST", "/orders/{id}/person", 400, text=text, at=at)


def details(api):
    order = api.place(Product=0)
    at = {"id": order}
    assert api.good("GET", "/orders/{id}/details", at=at)["ordered"]["Product"] == 0
    api.good("GET", "/orders/{id}/details", at={"id": IDENT}, reveal="true")
    api.call("GET", "/orders/{id}/details", 400, at=at, reveal="yes")
    api.call("GET", "/orders/{id}/details", 404, at={"id": "nobody's"})
    api.call("GET", "/orders/{id}/evidence", 400, at=at, file="report.pdf")
    api.good("POST", "/orders/{id}/transition", {"story": "positive"}, at=at)
    details = api.good("GET", "/orders/{id}/details", at=at)
    assert details["actions"][0]["by"] == "positive" and details["timeline"][0]["status"] == "25"
    report = api.sandbox.session.get(
        f"{api.sandbox.admin}/orders/{order}/evidence", params={"file": "report.pdf"}, timeout=support.HANGS)
    assert (support.media_type(report), report.content[:5]) == ("application/pdf", b"%PDF-")
    api.seen.add(("GET", "/orders/{id}/evidence", 200))
    api.call("GET", "/orders/{id}/evidence", 400, at=at)
    api.call("GET", "/orders/{id}/evidence", 404, at=at, file="none")
    api.call("GET", "/orders/{id}/evidence", 404, at={"id": "nobody's"}, file="report.pdf")
    assert {"vendor": "identity-tm", "cases": "orders", "status": "25", "name": "Order initialized"} in api.good(
        "GET", "/statuses")["statuses"]
    api.call("GET", "/statuses", 404, world="nobody's")
    due = api.good("GET", "/clock/due", limit=1)
    assert due["count"] > 1 and due["timers"][0]["at"] == api.good("GET", "/clock")["next_due"]
    api.call("GET", "/clock/due", 400, limit=0)
    api.call("GET", "/clock/due", 404, world="nobody's")
    assert {rule["source"] for rule in api.good("GET", "/rules")["rules"]} == {"identify24", "identity-tm", "sandbox"}
    api.call("GET", "/rules", 404, world="nobody's")


def outbox(api):
    order = api.place(getTargetLink=False, Mobile="+491701234567")
    api.good("POST", "/orders/{id}/transition", {"story": "account-only"}, at={"id": order})
    [*_, link] = api.good("GET", "/outbox", order=order)["messages"]
    assert (link["channel"], link["to"]) == ("email", "e.mustermann@example.com"), link
    page = api.good("GET", "/outbox", limit=1)
    assert api.good("GET", "/outbox", before=page["next"], reveal="true")["messages"]
    for wrong in [{"before": "x"}, {"limit": 0}, {"reveal": "yes"}]:
        api.call("GET", "/outbox", 400, **wrong)
    api.call("GET", "/outbox", 404, world="nobody's")
    api.call("GET", "/outbox", 404, order="nobody's")


def tans(api):
    order = api.place(Product=15)
    assert api.good("GET", "/tans", order=order)["tans"] == []
    api.call("GET", "/tans", 400)
    api.call("GET", "/tans", 404, order="nobody's")
    api.call("GET", "/tans", 404, order=order, world="nobody's")


def webhooks(api):
    with support.Receiver(status=500) as receiver:
        order = api.place(WebhookURL={"OnFinal": receiver.url + "/final?id=[OrderID]"})
        api.good("POST", "/orders/{id}/transition", {"story": "positive"}, at={"id": order})
        fired = api.good("POST", "/clock/advance", {"seconds": 90})["fired"]
        assert {entry["kind"] for entry in fired} == {"timer", "attempt"}
        [delivery] = api.good("GET", "/deliveries", order=order)["deliveries"]
        assert [(attempt["status"], attempt["outcome"]) for attempt in delivery["attempts"]] == [(500, "retry")] * 2
        assert delivery["event"] == "OnFinal" and delivery["url"].endswith(order)
        receiver.status = 202
        api.good("POST", "/clock/run-to-next")
    [delivery] = api.good("GET", "/deliveries", order=order)["deliveries"]
    assert (delivery["next"], delivery["attempts"][-1]["outcome"]) == (None, "delivered")
    api.call("GET", "/deliveries", 404, order="nobody's")
    page = api.good("GET", "/deliveries", limit=1)
    assert page["deliveries"][0]["id"] == delivery["id"], "newest first"
    api.good("GET", "/deliveries", before=page.get("next", delivery["id"]))
    for wrong in [{"before": "x"}, {"limit": 0}, {"limit": "+5"}, {"state": "lost"}]:
        api.call("GET", "/deliveries", 400, **wrong)
    assert api.good("GET", "/deliveries", order=order, state="failed")["deliveries"] == []
    api.call("GET", "/deliveries", 404, world="nobody's")
    assert api.good("GET", "/deliveries", reveal="true")["deliveries"]
    api.call("GET", "/deliveries", 400, reveal="yes")


def deliveries_by_hand(api):
    with support.Receiver(status=200) as receiver:
        hook = {"OnFinal": receiver.url + "/final?id=[OrderID]"}
        api.good("POST", "/webhooks", {"mode": "hold"})
        orders = [api.place(WebhookURL=hook) for _ in range(3)]
        for order in orders:
            api.good("POST", "/orders/{id}/transition", {"story": "positive"}, at={"id": order})
        held = [str(api.good("GET", "/deliveries", order=order)["deliveries"][0]["id"]) for order in orders]
        one = {"id": held[0]}
        assert api.good("GET", "/deliveries/{id}", at=one)["state"] == "held"
        verb = lambda verb, expected, at, **more: api.call("POST", "/deliveries/{id}/" + verb, expected, at=at, **more)
        verb("hold", 200, one)
        verb("resend", 409, one)
        verb("duplicate", 200, one)
        verb("release", 200, one)
        api.good("POST", "/clock/advance", {"seconds": 0})
        assert api.good("GET", "/deliveries/{id}", at=one)["state"] == "delivered"
        verb("release", 409, one)
        verb("resend", 200, one)
        api.good("POST", "/clock/advance", {"seconds": 0})
        assert api.good("GET", "/deliveries/{id}", at=one)["attempts"][-1]["by"] == "resend"
        verb("drop", 200, {"id": held[1]})
        verb("drop", 409, {"id": held[1]})
        verb("hold", 409, {"id": held[1]})
        dropped = api.call("POST", "/deliveries/{id}/resend", 200, at={"id": held[1]})
        assert dropped["id"] == int(held[1])
        for body in [{"order": "sorted"}, {"order": None}, {"deliveries": ["7"]}, {"deliveries": [-1]}, {"deliveries": 7},
                     {"order": "reversed", "deliveries": []}, {"more": 1}]:
            api.refused("POST", "/deliveries/release", body)
        for text in NOT_JSON:
            api.call("POST", "/deliveries/release", 400, text=text)
        api.call("POST", "/deliveries/release", 404, {"deliveries": [999999]})
        api.call("POST", "/deliveries/release", 409, {"deliveries": [int(held[0])]})
        for verb_of in ["resend", "hold", "release", "duplicate", "drop"]:
            verb(verb_of, 400, one, reveal="yes")
        api.call("POST", "/deliveries/release", 400, reveal="yes")
        api.call("GET", "/deliveries/{id}", 400, at=one, reveal="yes")
        released = api.good("POST", "/deliveries/release", {"order": "reversed"})["deliveries"]
        assert [str(each["id"]) for each in released] == [held[2]]
        api.good("POST", "/deliveries/release")
        for verbs in ["resend", "hold", "release", "duplicate", "drop"]:
            verb(verbs, 404, {"id": "999999"})
            verb(verbs, 404, {"id": "none"})
        api.call("GET", "/deliveries/{id}", 404, at={"id": "999999"})
    for mode in [{"mode": "late", "seconds": 0.5}, {"mode": "drop", "order": orders[0]},
                 {"mode": "late", "seconds": 60, "order": orders[0]}, {"mode": None, "order": orders[0]},
                 *({"mode": each} for each in ["duplicate", "reorder", "slow-read", "drop", "hold", "deliver"])]:
        api.good("POST", "/webhooks", mode)
    assert api.good("GET", "/webhooks") == {"mode": "deliver", "orders": {}}
    for mode in [{}, {"mode": None}, {"mode": "late"}, {"mode": "late", "seconds": -1}, {"mode": "hold", "seconds": 1},
                 {"mode": "lost"}, {"mode": "hold", "order": None}, {"mode": "hold", "more": 1}, {"order": orders[0]}]:
        api.refused("POST", "/webhooks", mode)
    for text in NOT_JSON:
        api.call("POST", "/webhooks", 400, text=text)
    api.call("POST", "/webhooks", 404, {"mode": "hold", "order": "nobody's"})
    api.call("GET", "/webhooks", 404, world="nobody's")


def faults(api):
    assert api.good("GET", "/faults")["faults"] == []
    known = api.good("GET", "/faults")["known"]
    described = api.document["components"]["schemas"]
    rules = {rule["properties"]["fault"]["const"]: rule for rule in described["FaultRule"]["oneOf"]}
    assert list(rules) and set(rules) == set(known) == set(described["FaultName"]["enum"])
    common = {"fault", "operation", "vendor", "times", "nth", "probability"}
    inject = lambda **rule: api.call("POST", "/faults", 201, rule)
    for name, rule in rules.items():
        usual = inject(fault=name)
        # All its parameters are described, and a listed fault can be sent again.
        output_only = {"id", "seen", "hits", "left"}
        parameters = set(usual) - output_only - common
        assert parameters == set(rule["properties"]) - common, (name, usual)
        again = inject(**{element: value for element, value in usual.items() if element not in output_only})
        assert {element: again[element] for element in set(again) - output_only} == {
            element: usual[element] for element in set(usual) - output_only}
        for wrong in [{"times": 0}, {"nth": 0}, {"nth": None}, {"probability": 0}, {"probability": 1.5}, {"more": 1},
                      {"operation": 7}, *({parameter: {}} for parameter in parameters)]:
            api.refused("POST", "/faults", {"fault": name, **wrong})
        inject(fault=name, operation=None, vendor="identify24", times=None, nth=3, probability=None)
    for body in [{}, {"fault": "fire"}, {"fault": None}, {"fault": "status", "status": 200}, {"fault": "wrong-length", "by": 0},
                 {"fault": "redirect", "status": 400}, {"fault": "latency", "seconds": -1},
                 {"fault": "reset-in-commit", "at": "end"}, {"fault": "informational-flood", "count": 100_001}]:
        api.refused("POST", "/faults", body)
    api.call("POST", "/faults", 400, {"fault": "status", "operation": "noSuchOperation"})
    for text in NOT_JSON:
        api.call("POST", "/faults", 400, text=text)
    assert api.good("DELETE", "/faults")["faults"] == []
    one = inject(fault="status", operation="putOrder", status=502)
    order = json.loads((Path(__file__).parents[3] / "identity-tm/fixtures/S-035-put-order-request.json").read_text())
    assert [api.sandbox.call("PUT", "/putOrder", json=order).status_code for _ in range(2)] == [502, 202]
    assert api.good("GET", "/journal", fault="status")["requests"][0]["fault"] == "status"
    two = inject(fault="latency", times=None)
    assert [each["id"] for each in api.good("GET", "/faults")["faults"]][-1] == two["id"]
    api.good("DELETE", "/faults/{id}", at={"id": str(two["id"])})
    api.call("DELETE", "/faults/{id}", 404, at={"id": str(two["id"])})
    api.call("DELETE", "/faults/{id}", 404, at={"id": "none"})
    api.call("DELETE", "/faults/{id}", 404, at={"id": str(one["id"])}, world="nobody's")
    api.good("DELETE", "/faults")
    for method in ["GET", "DELETE"]:
        api.call(method, "/faults", 404, world="nobody's")
    api.call("POST", "/faults", 404, {"fault": "status"}, world="nobody's")


def settings(api):
    before = api.good("GET", "/settings")
    api.call("GET", "/settings", 404, world="nobody's")
    # A value that is read can be set.
    assert api.good("POST", "/settings", before) == before
    described = api.document["components"]["schemas"]
    changed = {}
    for vendor, schema in [("identity_tm", "IdentityTmSettings"), ("identify24", "Identify24Settings")]:
        assert set(described[schema]["required"]) == set(before[vendor]), "all settings are described, and no other"
        for name, setting in described[schema + "Change"]["properties"].items():
            words = [word for choice in [setting, *setting.get("oneOf", [])] for word in choice.get("enum", [])]
            tried = words or ([True, False] if setting.get("type") == "boolean" else [before[vendor][name]])
            for value in tried:
                result = api.good("POST", "/settings", {vendor: {name: value}})
                assert result[vendor][name] == value, (name, value, result[vendor][name])
            changed[vendor, name] = tried
            for value in [[[]], "Kanarienvogel", -7, 1.5, {"no": "such"}]:
                body = {vendor: {name: value}}
                if api.fault({"$ref": "#/components/schemas/SettingsChange"}, body) is not None:
                    problem = api.refused("POST", "/settings", body)
                    assert problem["faults"][0]["field"] == f"{vendor}.{name}" and "Kanarienvogel" not in str(problem)
    assert len(changed) > 50
    for value in [{"Refused": 403}, {"Refused": 413}]:
        api.good("POST", "/settings", {"identify24": {"get_bodies": value}})
    api.good("POST", "/settings", {"identify24": {"rate": {"requests": 3, "period": 60, "retry_after": True}}})
    api.good("POST", "/settings", {"identify24": {"webhook_url": "http://127.0.0.1:9/"}})
    assert api.good("POST", "/settings", before) == before
    for body in [{"identity_tm": None}, {"identity_tm": []}, {"nobody": {}}, {"identity_tm": {"no_such": 1}}]:
        api.refused("POST", "/settings", body)
    for text in NOT_JSON:
        api.call("POST", "/settings", 400, text=text)
    api.call("POST", "/settings", 404, {}, world="nobody's")
    api.call("POST", "/worlds", 201, {"id": "neighbour"})
    api.call("POST", "/settings", 409, {"identity_tm": {"customer_id": "sandbox-customer"}}, world="neighbour")


def journal(api):
    order = api.place()
    api.sandbox.call("GET", f"/getStatus/{order}", auth=("nobody", "nothing"))
    # Bodies of all kinds, and a path without an operation.
    for data in [b"", b"text", b"\xff\xfe", b'{"a":[1,null]}', b"x" * 70_000]:
        api.sandbox.session.post(api.sandbox.base + "/nowhere", data=data, timeout=support.HANGS)
    api.sandbox.session.get(api.sandbox.base.split("/api/")[0] + "/nobody's", timeout=support.HANGS)
    everything = api.good("GET", "/journal")
    assert everything["count"] == len(everything["requests"]) > 6
    placed = api.good("GET", "/journal", operation="putOrder")
    assert placed["requests"][0]["order"] == order and placed["requests"][0]["status"] == 202
    some = api.good("GET", "/journal", limit=2, reveal="true")
    assert len(some["requests"]) == 2 and api.good("GET", "/journal", before=some["next"])["count"] == some["count"]
    fitting = {"operation": "putOrder", "vendor": "identity-tm", "order": order, "method": "PUT", "status": 202, "since": 0,
               "path": "/api/2.10/putOrder", "body/Product": 15, "header/Content-Type": "application/json"}
    assert api.good("GET", "/journal/count", **fitting)["count"] == 1
    for wrong in [{"operation": "noSuchOperation"}, {"status": "x"}, {"since": -1}, {"limit": 1001}, {"limit": 0}, {"reveal": "yes"},
                  {"vendor": "nobody"}, {"rule": "T-999"}, {"fault": "fire"}, {"more": 1}]:
        for path in ["/journal", "/journal/count", "/journal/near-misses"]:
            api.call("GET", path, 400, **wrong)
    near = api.good("GET", "/journal/near-misses", **{**fitting, "body/Product": 12, "header/X-None": "1"})["near_misses"]
    assert {"what": "body /Product", "wanted": "12", "got": 15} in near[0]["differences"], near[0]["differences"]
    for path in ["/journal", "/journal/count", "/journal/near-misses", "/journal/canonical"]:
        api.call("GET", path, 404, world="nobody's")
    wait(api)
    explain(api)
    assert all(json.loads(line)["kind"] for line in api.canonical().splitlines())
    api.call("DELETE", "/journal", 404, world="nobody's")
    api.good("DELETE", "/journal")
    assert api.good("GET", "/journal")["count"] == 0


def wait(api):
    wait = "/journal/wait"
    assert api.good("POST", wait, {"operation": "putOrder", "body": {"/Product": 15}, "headers": {}})["count"] >= 1
    api.good("POST", wait, {"operation": "putOrder", "vendor": None, "status": 202, "since": 0, "count": 1, "timeout": 0.5})
    missed = api.call("POST", wait, 408, {"operation": "putOrder", "body": {"/Product": 4711}, "timeout": 0})
    assert (missed["rule"], missed["count"]) == ("admin-wait", 0) and missed["near_misses"]
    api.call("POST", wait, 404, {}, world="nobody's")
    api.call("POST", wait, 400, {"operation": "noSuchOperation"})
    for body in [{"count": 0}, {"count": "1"}, {"count": None}, {"timeout": -1}, {"timeout": 601}, {"timeout": "1"},
                 {"headers": []}, {"headers": {"a": 1}}, {"body": 1}, {"body": {"a": 1}}, {"order": {}}, {"more": "1"},
                 {"more": None}, {"status": "x"}, {"since": -1}]:
        api.refused("POST", wait, body)
    for text in NOT_JSON:
        api.call("POST", wait, 400, text=text)


def explain(api):
    order = json.loads((Path(__file__).parents[3] / "identity-tm/fixtures/S-035-put-order-request.json").read_text())
    assert api.sandbox.call("PUT", "/putOrder", json={**order, "Product": 4711}).status_code == 400
    last = api.good("GET", "/journal", operation="putOrder")["requests"][0]
    result = api.good("GET", "/explain/{id}", at={"id": str(last["sequence"])})
    [reason] = [reason for reason in result["reasons"] if reason["pointer"] == "/Product"]
    assert result["refused"] and (reason["in"], reason["given"], reason["rule"]) == ("body", 4711, last["rules"][0])
    api.call("GET", "/explain/{id}", 404, at={"id": "999999"})
    api.call("GET", "/explain/{id}", 404, at={"id": str(last["sequence"])}, world="nobody's")
    moved = api.place()
    api.good("POST", "/orders/{id}/transition", {"story": "positive"}, at={"id": moved})
    number = next(each["sequence"] for each in map(json.loads, api.canonical().splitlines()) if each["kind"] == "moved")
    api.call("GET", "/explain/{id}", 400, at={"id": str(number)})


def worlds(api):
    api.good("GET", "/worlds")
    one = api.call("POST", "/worlds", 201, {"id": "one", "seed": 7, "profile": "strict", "clock": "frozen",
                                            "now": "2021-01-01T00:00:00+01:00"})
    assert (one["now"], one["profile"], one["identity_tm"]["customer_id"]) == ("2020-12-31T23:00:00Z", "strict", "sandbox-one")
    api.call("POST", "/worlds", 201)
    api.call("POST", "/worlds", 201, {"id": None, "seed": None, "profile": None, "clock": "real", "now": None})
    api.call("POST", "/worlds", 409, {"id": "one"})
    api.call("POST", "/worlds", 409, {"id": "default"})
    for body in [{"id": ""}, {"id": "a/b"}, {"id": "x" * 65}, {"id": 7}, {"seed": -1}, {"seed": "7"}, {"seed": 1.5},
                 {"profile": "no such"}, {"clock": "scaled"}, {"clock": 1}, {"now": 0}, {"more": 1},
                 {"more": None}]:
        api.refused("POST", "/worlds", body)
    api.call("POST", "/worlds", 400, {"now": "yesterday"})
    for text in NOT_JSON:
        api.call("POST", "/worlds", 400, text=text)
    here, nowhere = {"world": "one"}, {"world": "nobody's"}
    assert api.good("GET", "/worlds/{world}", at=here)["snapshots"] == []
    api.call("GET", "/worlds/{world}", 404, at=nowhere)
    api.call("POST", "/worlds/{world}/snapshot", 201, at=here)
    api.call("POST", "/worlds/{world}/snapshot", 201, {"snapshot": "before"}, at=here)
    api.good("POST", "/clock/advance", {"seconds": 86400}, world="one")
    assert api.good("POST", "/worlds/{world}/restore", {"snapshot": "before"}, at=here)["now"] == one["now"]
    api.good("POST", "/worlds/{world}/restore", at=here)
    assert api.good("GET", "/worlds/{world}", at=here)["snapshots"] == ["before", "snapshot"]
    for number in range(98):
        api.call("POST", "/worlds/{world}/snapshot", 201, {"snapshot": f"s{number}"}, at=here)
    api.call("POST", "/worlds/{world}/snapshot", 409, {"snapshot": "one-more"}, at=here)
    api.call("POST", "/worlds/{world}/snapshot", 201, {"snapshot": "before"}, at=here)
    for verb, name in [("snapshot", "snapshot"), ("restore", "snapshot"), ("fork", "id")]:
        path = "/worlds/{world}/" + verb
        api.call("POST", path, 404, at=nowhere)
        for wrong in [7, [], {}, True]:
            api.refused("POST", path, {name: wrong}, at=here)
        api.refused("POST", path, {"more": None}, at=here)
        for text in NOT_JSON:
            api.call("POST", path, 400, text=text, at=here)
    for verb, name in [("snapshot", "snapshot"), ("fork", "id")]:
        api.refused("POST", "/worlds/{world}/" + verb, {name: "a b"}, at=here)
    api.call("POST", "/worlds/{world}/restore", 404, {"snapshot": "another"}, at=here)
    copy_ = api.call("POST", "/worlds/{world}/fork", 201, {"id": "two"}, at=here)
    assert copy_["identity_tm"] != one["identity_tm"]
    api.call("POST", "/worlds/{world}/fork", 201, at=here)
    api.call("POST", "/worlds/{world}/fork", 409, {"id": "two"}, at=here)
    # A client that waits for calls of a deleted world gets an error.
    with concurrent.futures.ThreadPoolExecutor() as threads:
        waiting = threads.submit(api.call, "POST", "/journal/wait", 409, {"timeout": 30, "count": 1000}, world="one")
        sleep(1)
        api.good("POST", "/reset", world="one")
        assert waiting.result()["rule"] == "admin-wait"
    api.call("POST", "/reset", 404, world="nobody's")
    assert api.good("DELETE", "/worlds/{world}", at=here) == {"deleted": "one"}
    api.call("DELETE", "/worlds/{world}", 404, at=here)
    api.call("DELETE", "/worlds/{world}", 409, at={"world": "default"})


def many_worlds_are_listed(api):
    for number in range(1000):
        api.call("POST", "/worlds", 201, {"id": f"many-{number:04}"})
    listed = api.good("GET", "/worlds")["worlds"]
    assert sum(id.startswith("many-") for id in listed) == 1000 and listed == sorted(listed)


def events(api):
    """Every kind of streamed entry matches the schema of an entry."""
    api.place()
    with support.Receiver() as receiver:
        order = api.place(WebhookURL={"OnFinal": receiver.url})
        api.good("POST", "/orders/{id}/transition", {"story": "positive"}, at={"id": order})
        receiver.next()
    api.good("POST", "/clock/run-to-next")
    api.good("POST", "/clock/mode", {"mode": "frozen"})
    since = {"params": {"since": 0}, "headers": {"Last-Event-ID": "0"}}
    kinds = {}
    with api.sandbox.session.get(api.sandbox.admin + "/events", stream=True, timeout=support.HANGS, **since) as answer:
        assert answer.status_code == 200 and support.media_type(answer) == "text/event-stream"
        kind = number = None
        for line in answer.iter_lines(decode_unicode=True):
            name, _, value = line.partition(": ")
            if name == "id":
                number = int(value.split("-")[1])
            elif name == "event":
                kind = value
            elif name == "data":
                entry = json.loads(value)
                assert (entry["kind"], entry["sequence"]) == (kind, number), line
                wrong = api.fault({"$ref": "#/components/schemas/Entry"}, entry)
                assert wrong is None, (wrong.message, line)
                kinds[kind] = kinds.get(kind, 0) + 1
            if {"call", "timer", "attempt", "moved", "changed"} <= set(kinds):
                break
    api.seen.add(("GET", "/events", 200))
    api.call("GET", "/events", 400, since="x")
    api.call("GET", "/events", 404, world="nobody's")


def paths_and_methods_that_are_none(api):
    session, admin = api.sandbox.session, api.sandbox.admin
    problem = {"$ref": "#/components/schemas/Problem"}
    for path in ["/nothing", "/worlds/a/b/c", "/order", "/clock/", "/../v2/health", ""]:
        answer = session.get(admin + path, timeout=support.HANGS)
        if path == "/clock/":
            assert answer.status_code == 200, "a slash at the end is none"
            continue
        assert (answer.status_code, api.fault(problem, answer.json())) == (404, None), (path, answer.text)
        assert answer.json()["rule"] == "admin-path"
    for path, item in api.document["paths"].items():
        methods = {method.upper() for method in item}
        where = admin + path.replace("{world}", "default").replace("{id}", IDENT)
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} - methods:
            answer = session.request(method, where, timeout=support.HANGS)
            assert (answer.status_code, api.fault(problem, answer.json())) == (405, None), (method, path, answer.text)
            allowed = methods | ({"HEAD"} if "GET" in methods else set())
            assert set(answer.headers["Allow"].split(", ")) == allowed, (method, path, answer.headers)
            api.seen |= {(each, path, 405) for each in methods}


def what_is_not_known_or_named_twice(api):
    """Unknown parameters are rejected: ignored ones would select another world or all orders."""
    for path, item in api.document["paths"].items():
        for method in item:
            names = {"world": "default", "id": IDENT}
            at = {name: value for name, value in names.items() if "{" + name + "}" in path}
            api.call(method.upper(), path, 400, None, at=at, **{"wrold": "default"})
    twice = api.sandbox.session.post(api.sandbox.admin + "/reset?world=default&world=default", timeout=support.HANGS)
    assert (twice.status_code, twice.json()["rule"]) == (400, "admin-query"), twice.text
    twice = api.call("POST", "/clock/advance", 400, None, text='{"seconds":1,"seconds":2}')
    assert twice["rule"] == "admin-body", twice
    for path in ["/clock/run-to-next", "/reset"]:
        assert api.call("POST", path, 400, {"world": "default"})["rule"] == "admin-body"


def web_pages(api):
    for headers in [
        {"Origin": "https://page.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "page.example"},
    ]:
        answer = api.sandbox.session.post(api.sandbox.admin + "/reset", headers=headers, timeout=support.HANGS)
        assert (answer.status_code, answer.json()["rule"]) == (403, "admin-origin"), (headers, answer.text)
    for method, path, _ in calls(api):
        where = api.sandbox.admin + path.replace("{world}", "default").replace("{id}", IDENT)
        answer = api.sandbox.session.request(method, where, headers={"Origin": "null"}, timeout=support.HANGS)
        assert answer.status_code == 403, (method, path, answer.text)
        api.seen.add((method, path, 403))


def bodies_that_are_too_large(api):
    """Long ids are rejected by their length."""
    host = api.sandbox.admin.removeprefix("http://").partition("/")[0]
    for method, path, _ in calls(api):
        where = "/_sandbox/v1" + path.replace("{world}", "default").replace("{id}", IDENT)
        connection = http.client.HTTPConnection(host, timeout=support.HANGS)
        connection.putrequest(method, where)
        connection.putheader("Content-Length", str(256 * 1024 * 1024 + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["rule"]) == (413, "admin-body"), (method, path)
        connection.close()
        api.seen.add((method, path, 413))


def calls(api):
    """Yields all calls of the document: method, path and description."""
    return [(method.upper(), path, call) for path, item in api.document["paths"].items() for method, call in item.items()]


def everything_that_is_described_was_seen(api):
    described = {
        (method.upper(), path, int(status))
        for path, item in api.document["paths"].items()
        for method, call in item.items()
        for status in call["responses"]
    }
    assert described == api.seen, (sorted(described - api.seen), sorted(api.seen - described))


CHECKS = [
    the_document_is_openapi, the_documents_examples_are_what_it_says, sandbox, time, orders, person, details, outbox, tans,
    webhooks,
    deliveries_by_hand, faults, settings, journal, worlds, many_worlds_are_listed, events, paths_and_methods_that_are_none,
    what_is_not_known_or_named_twice, web_pages,
    bodies_that_are_too_large, everything_that_is_described_was_seen,
]

if __name__ == "__main__":
    support.run(CHECKS, Api(json.loads(sys.argv[1])))
