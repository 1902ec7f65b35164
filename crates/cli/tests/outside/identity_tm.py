"""Checks the sandbox's identity.TM API against the document ("API Reference, Version 2.10c") with `requests`.

    python3 identity_tm.py READY_LINE FIXTURES

READY_LINE is the ready line of `identkit sandbox`, FIXTURES the directory with the document's samples. Each check names
its section of the document; [sandbox] marks what the document leaves open."""

import base64
import copy
import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True

import requests  # noqa: E402

from support import Receiver, Sandbox, expect, in_base64, pdf, run  # noqa: E402

JSON, PDF, MP4 = "application/json", "application/pdf", "video/mp4"
UNKNOWN = "99920000000000"
# "ISO 8601", e.g. 2018-09-05T11:06:21+02:00 ([T] 2.2)
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
RECORD_VIDEO = 131072

# Method, path and, if required, a body: the 23 forms of the document's 18 methods. {} is an OrderID.
FORMS = [
    ("PUT", "/putOrder", {}),
    ("GET", "/getStatus/{}", None),
    ("GET", "/getStatus/{}/ExtendedList", None),
    ("GET", "/getIdentData/{}", None),
    ("GET", "/getIdentData/{}/IncludeInitialData", None),
    ("GET", "/getIdentData/{}/IncludeIdentifyMethod", None),
    ("GET", "/getIdentData/{}/Signed", None),
    ("GET", "/getIdentDataPDF/{}", None),
    ("GET", "/getESignPDF/{}", None),
    ("GET", "/getESignHash/{}", None),
    ("POST", "/getVideoFileBinaryAsync/{}", {"callbackUrl": "http://127.0.0.1:9/video"}),
    ("GET", "/getVideoFileBinary/{}", None),
    ("GET", "/getVoiceFiles/{}", None),
    ("DELETE", "/delIdentdata/{}", None),
    ("POST", "/getAllStatus", None),
    ("POST", "/getAllStatus/ExtendedList", None),
    ("POST", "/cancelOrder/{}", None),
    ("POST", "/requestSign/{}", None),
    ("POST", "/confirmSign/{}", {"tan": "123456"}),
    ("POST", "/requestResendSignTan/{}", None),
    ("GET", "/serverStatus", None),
    ("GET", "/getBankList", None),
    ("POST", "/checkSignmeUser", {"Email": "e.mustermann@example.com"}),
]
assert len(FORMS) == 23 and len({path.split("/")[1] for _, path, _ in FORMS}) == 18

sandbox = None
fixtures = None
# Start of this run, so that its lists exclude earlier runs against the same sandbox.
began = None


def sample(name):
    return json.loads((fixtures / name).read_text(encoding="utf-8"))


# The forms that returned their success status.
answered = set()


def call(method, path, order="", **more):
    answer = sandbox.call(method, path.format(order), **more)
    if answer.status_code < 300:
        answered.add((method, path))
    return answer


def get(path, order="", **more):
    return call("GET", path, order, **more)


def post(path, order="", **more):
    return call("POST", path, order, **more)


def request(**changes):
    """Returns the document's order for an identification with changes; None removes an element."""
    body = copy.deepcopy(sample("S-035-put-order-request.json"))
    body.update({"Product": 12, "Add": 0, "WebhookURL": None, "RedirectURL": None})
    body.update(changes)
    return {name: value for name, value in body.items() if value is not None}


def place(**changes):
    answer = expect(call("PUT", "/putOrder", json=request(**changes)), 202, JSON)
    return answer["OrderID"]


def ended(story, **changes):
    order = place(**changes)
    sandbox.play(order, story)
    return order


def kinds(order, extended=True):
    path = "/getStatus/{}/ExtendedList" if extended else "/getStatus/{}"
    return [entry["Kind"] for entry in expect(get(path, order), 200, JSON)["Status"]]


def documents(*texts):
    return [{"Data": in_base64(pdf(text)), "Filename": f"{text}.pdf"} for text in texts]


def to_sign(*texts, **changes):
    """An order for a signature ([T] 3.1.3: Product 15, eSignPDF an object, or an array of several)."""
    pdfs = documents(*texts)
    return place(Product=15, eSignPDF=pdfs[0] if len(pdfs) == 1 else pdfs, **changes)


def assert_refused(answer, status):
    """"error description in body": the document does not say its format; the sandbox sends JSON with a text. [sandbox]"""
    body = expect(answer, status, JSON)
    assert len(body["Error"]) > 10, body


def put_order_takes_the_documents_own_example():
    """[T] 3.1.5-3.1.7: 202, and the elements of the example response."""
    answer = expect(call("PUT", "/putOrder", json=sample("S-035-put-order-request.json")), 202, JSON)
    printed = sample("S-036-put-order-response.json")
    assert sorted(answer) == sorted(printed), answer
    assert answer["Ref"] == sample("S-035-put-order-request.json")["Ref"]
    # [T] 3.1.4: lengths, "ShortCode 5", "LongCode 20", "TargetURL 100", "OrderID 20".
    assert len(answer["OrderID"]) <= 20 and len(answer["TargetURL"]) <= 100
    assert len(answer["VideoHashes"]["ShortCode"]) <= 5 and len(answer["VideoHashes"]["LongCode"]) <= 20
    again = expect(call("PUT", "/putOrder", json=sample("S-035-put-order-request.json")), 202, JSON)
    assert again["OrderID"] != answer["OrderID"] and again["Ref"] == answer["Ref"], '"always unique", "multiple times"'


def put_order_answers_what_was_asked_for_and_no_more():
    """[T] 3.1.3: getTargetLink, and getVideoHashes "if Product is 12 or 15"."""
    answer = expect(call("PUT", "/putOrder", json=request(getTargetLink=None, getVideoHashes=None)), 202, JSON)
    assert "TargetURL" not in answer and "VideoHashes" not in answer, answer
    answer = expect(call("PUT", "/putOrder", json=request(Product=0)), 202, JSON)
    assert "TargetURL" in answer and "VideoHashes" not in answer, answer


def put_order_refuses_what_the_table_does_not_allow():
    """[T] 3.1.3: required elements, lengths, AfterVideo "Cannot be used together with AfterIdent"; 3.1.5: 400."""
    both = {"AfterVideo": "https://www.example.com/a", "AfterIdent": "https://www.example.com/b"}
    for changes in [
        {"Email": None},
        {"Product": None},
        {"Product": 13},
        {"Ref": "x" * 101},
        {"WebhookURL": both},
        {"WebhookURL": {"OnFinal": "https://www.example.com/" + "x" * 150}},
        {"Product": 15, "eSignPDF": {"Data": in_base64(b"not a PDF")}},
        {"Product": 15, "eSignPDF": {"Data": "%%%"}},
    ]:
        assert_refused(call("PUT", "/putOrder", json=request(**changes)), 400)
    for body in [b"", b"{", b"[]", b"null"]:
        assert_refused(call("PUT", "/putOrder", data=body, headers={"Content-Type": JSON}), 400)


def get_status_answers_the_documents_example():
    """[T] 3.2.6, 3.2.7: the example as printed, also under the version of its own URL."""
    answer = expect(get("/getStatus/99921269855041/ExtendedList"), 200, JSON)
    assert answer == sample("S-040-get-status-response.json")
    older = sandbox.base.replace("/2.10", "/2.0") + "/getStatus/99921269855041/ExtendedList"
    answer = sandbox.session.get(older, auth=sandbox.credentials)
    assert expect(answer, 200, JSON) == sample("S-040-get-status-response.json")


def get_status_tells_general_codes_and_the_extended_list_all():
    """[T] 3.2.3, 3.2.4: every final code of 3.2.1.1 is general; Executed, Kind and Time are always there."""
    order = ended("positive")
    general, extended = kinds(order, extended=False), kinds(order)
    assert 6 in general and 6 in extended, (general, extended)
    assert 75 in extended and 78 in extended and 78 not in general, (general, extended)
    assert [kind for kind in extended if kind in general] == general
    answer = expect(get("/getStatus/{}", order), 200, JSON)
    assert answer["OrderID"] == order and answer["Ref"] == request()["Ref"]
    assert DATE_TIME.fullmatch(answer["Executed"])
    assert all(DATE_TIME.fullmatch(entry["Time"]) for entry in answer["Status"])


def every_final_code_is_told_by_the_default_variant():
    """[T] 3.2.1.1, 3.2.1.2."""
    for story, code in [("positive", 6), ("negative", 17), ("cancelled", 22), ("fraud", 89), ("timeout", 99)]:
        assert code in kinds(ended(story), extended=False), (story, code)
    for story, code in [("signed", 84), ("timeout-after-ident", 100)]:
        order = to_sign("contract")
        sandbox.play(order, story)
        assert code in kinds(order, extended=False), (story, code)


def get_ident_data_answers_the_documents_example():
    """[T] 3.3.4, 3.3.7: as printed, with OrderID and Ref, which the table says to occur always."""
    answer = expect(get("/getIdentData/99921269855041/IncludeInitialData"), 200, JSON)
    assert answer.pop("OrderID") == "99921269855041" and answer.pop("Ref") == "Sign-me_Account_Creation_Test"
    printed = sample("S-046-get-ident-data-response.json")
    # A member that is null in the example may be missing.
    without = lambda value: {k: without(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else (
        [without(each) for each in value] if isinstance(value, list) else value)
    assert without(answer) == without(printed)


def get_ident_data_has_four_variants():
    """[T] 3.3.3."""
    order = ended("positive")
    as_list = lambda data: data if isinstance(data, list) else [data]
    plain = expect(get("/getIdentData/{}", order), 200, JSON)
    assert DATE_TIME.fullmatch(plain["Identified"]) and "IdentifyMethod" not in plain, plain
    assert [data.get("Type", 1) for data in as_list(plain["IdentData"])] == [1], "checked data only"
    checked = as_list(plain["IdentData"])[0]
    # [T] 3.3.4, what "occurs": Y.
    for element in ["Firstname", "Surname", "Street", "ZipCode", "City", "Birthdate", "Birthplace"]:
        assert checked[element] == request()["IdentData"][element], element
    initial = expect(get("/getIdentData/{}/IncludeInitialData", order), 200, JSON)
    assert sorted(data["Type"] for data in initial["IdentData"]) == [1, 2]
    method = expect(get("/getIdentData/{}/IncludeIdentifyMethod", order), 200, JSON)
    assert method["IdentifyMethod"] == "Video", method
    for story, name in [("courier", "Courier"), ("shop", "Shop"), ("eid", "eID"), ("giro", "Giro")]:
        result = expect(get("/getIdentData/{}/IncludeIdentifyMethod", ended(story)), 200, JSON)
        assert result["IdentifyMethod"] == name, result
    signed = expect(get("/getIdentData/{}/Signed", order), 200)
    assert signed and signed == expect(get("/getIdentData/{}/Signed", order), 200), "to be stored and given back"


def results_wait_for_a_final_status():
    """[T] 3.3.1: "The order must be finally processed"."""
    order = place()
    paths = ["/getIdentData/{}", "/getIdentData/{}/IncludeInitialData", "/getIdentData/{}/IncludeIdentifyMethod"]
    for path in [*paths, "/getIdentData/{}/Signed", "/getIdentDataPDF/{}"]:
        assert_refused(get(path, order), 400)
    for path in ["/getESignPDF/{}", "/getESignHash/{}", "/getVideoFileBinary/{}", "/getVoiceFiles/{}"]:
        assert_refused(get(path, order), 400)


def get_ident_data_pdf_is_a_pdf():
    """[T] 3.4.3."""
    for order in ["99921269855041", ended("positive"), ended("fraud")]:
        report = expect(get("/getIdentDataPDF/{}", order), 200, PDF)
        assert report.startswith(b"%PDF-") and report.rstrip().endswith(b"%%EOF")


def one_signed_document_comes_as_a_binary_pdf():
    """[T] 3.5.3, "a binary PDF in case the order only contains a single PDF"; a signature is added to the file."""
    sent = pdf("contract")
    order = to_sign("contract")
    sandbox.play(order, "signed")
    signed = expect(get("/getESignPDF/{}", order), 200, PDF)
    assert signed.startswith(sent) and len(signed) > len(sent)


def an_array_of_one_document_is_a_single_pdf_as_well():
    """[T] 3.5.3."""
    order = place(Product=15, eSignPDF=documents("contract"))
    sandbox.play(order, "signed")
    assert expect(get("/getESignPDF/{}", order), 200, PDF).startswith(pdf("contract"))


def several_signed_documents_come_as_json_in_their_order():
    """[T] 3.5.3: PDFs, an array, Base64Data."""
    order = to_sign("contract", "mandate", "terms")
    sandbox.play(order, "signed")
    answer = expect(get("/getESignPDF/{}", order), 200, JSON)
    signed = [base64.b64decode(each["Base64Data"], validate=True) for each in answer["PDFs"]]
    assert len(signed) == 3
    for text, data in zip(["contract", "mandate", "terms"], signed):
        assert data.startswith(pdf(text)) and len(data) > len(pdf(text)), text


def signed_hashes_come_under_their_names():
    """[T] 3.6.3: Hashes, an array; <Name> "was given in putOrder request"."""
    hashes = [{"Hash": in_base64(bytes([n] * 32)), "Filename": name} for n, name in enumerate(["one", "two"])]
    order = place(Product=15, eSignHash=hashes)
    sandbox.play(order, "signed")
    answer = expect(get("/getESignHash/{}", order), 200, JSON)
    assert isinstance(answer["Hashes"], list)
    named = {name: value for each in answer["Hashes"] for name, value in each.items()}
    assert sorted(named) == ["one", "two"] and all(base64.b64decode(value, validate=True) for value in named.values())
    assert_refused(get("/getESignPDF/{}", order), 400)


def a_recording_is_a_placeholder_until_it_was_provided():
    """[T] 3.7, 3.8: "you might get a placeholder video instead"; the callback is a GET."""
    order = ended("positive", Add=RECORD_VIDEO)
    placeholder = expect(get("/getVideoFileBinary/{}", order), 200, MP4)
    assert placeholder[4:8] == b"ftyp"
    with Receiver() as receiver, sandbox.settings(video_provisioning=0):
        url = f"{receiver.url}/video?case=[OrderID]"
        expect(post("/getVideoFileBinaryAsync/{}", order, json={"callbackUrl": url}), 200)
        result = receiver.next()
        # [T] 2.5 has placeholders in the URLs of webhooks only. [sandbox]
        assert result.method == "GET" and result.path == "/video" and result.query == {"case": "[OrderID]"}, result.target
    recording = expect(get("/getVideoFileBinary/{}", order), 200, MP4)
    assert recording[4:8] == b"ftyp" and recording != placeholder
    assert_refused(post("/getVideoFileBinaryAsync/{}", order, json={}), 400)
    assert_refused(post("/getVideoFileBinaryAsync/{}", order, json={"callbackUrl": "nowhere"}), 400)


def no_recording_that_was_not_asked_for():
    """[T] 3.8.1: the Add element, or "globally configured in the account"."""
    order = ended("positive")
    assert_refused(get("/getVideoFileBinary/{}", order), 400)
    assert_refused(post("/getVideoFileBinaryAsync/{}", order, json={"callbackUrl": "http://127.0.0.1:9/"}), 400)
    with sandbox.settings(record_video=True):
        expect(get("/getVideoFileBinary/{}", order), 200, MP4)


def voice_files_come_where_the_account_is_set_up_so():
    """[T] 3.9, 3.9.4: Voicefiles, Filename, Base64Data; "cannot be requested with the putOrder request"."""
    order = ended("positive")
    assert_refused(get("/getVoiceFiles/{}", order), 400)
    for escaped in [False, True]:
        with sandbox.settings(voice_files=True, escape_slashes=escaped):
            answer = expect(get("/getVoiceFiles/{}", order), 200, JSON)
        (file,) = answer["Voicefiles"]
        assert file["Filename"].endswith(".mp3")
        sound = base64.b64decode(file["Base64Data"], validate=True)
        # A frame of MPEG audio, or a tag before it.
        assert sound.startswith(b"ID3") or (sound[0] == 0xFF and sound[1] & 0xE0 == 0xE0)


def data_is_deleted_once():
    """[T] 3.10.2: 202, then 404 "already deleted"; 406 "Invalid order state"; the case of 3.10.3."""
    order = place(Add=RECORD_VIDEO)
    assert_refused(call("DELETE", "/delIdentdata/{}", order), 406)
    sandbox.play(order, "positive")
    expect(call("DELETE", "/delIdentdata/{}", order), 202)
    assert_refused(call("DELETE", "/delIdentdata/{}", order), 404)
    # The prose of 3.10 writes the call this way.
    assert_refused(call("DELETE", "/delIdentData/{}", order), 404)
    for path in ["/getIdentData/{}", "/getIdentData/{}/Signed", "/getIdentDataPDF/{}", "/getVideoFileBinary/{}"]:
        assert_refused(get(path, order), 404)


def all_statuses():
    """Reads all unreported entries, which empties the list."""
    result = []
    while True:
        answer = post("/getAllStatus/ExtendedList")
        if answer.status_code == 304:
            return result
        result.extend(expect(answer, 200, JSON))


def reporting_marks_as_reported():
    """[T] 4.2, 4.2.4: "orders that have not been reported before"; 304 "No new status information"."""
    all_statuses()
    order = ended("positive")
    (result,) = expect(post("/getAllStatus/ExtendedList"), 200, JSON)
    assert result["OrderID"] == order and result["Ref"] == request()["Ref"] and DATE_TIME.fullmatch(result["Executed"])
    assert [entry["Kind"] for entry in result["Status"]] == kinds(order)
    answer = post("/getAllStatus/ExtendedList")
    assert expect(answer, 304) == b"", "RFC 9110: no body"
    expect(post("/getAllStatus"), 304)
    order = place()
    assert [each["OrderID"] for each in expect(post("/getAllStatus"), 200, JSON)] == [order]
    expect(post("/getAllStatus"), 304)


def a_period_marks_nothing():
    """[T] 4.2.2: "returned data will not be marked as already queried"; 4.2.5: the body of the example."""
    all_statuses()
    order = ended("positive")
    period = {"Begin": began, "End": "2116-01-15T00:00:00+01:00"}
    first = expect(post("/getAllStatus/ExtendedList", json={"Period": period}), 200, JSON)
    assert first == expect(post("/getAllStatus/ExtendedList", json={"Period": period}), 200, JSON)
    # ExtendedList in the body, as in the example.
    assert first == expect(post("/getAllStatus", json={"ExtendedList": True, "Period": period}), 200, JSON)
    general = expect(post("/getAllStatus", json={"Period": period}), 200, JSON)
    find = lambda result: [entry["Kind"] for each in result if each["OrderID"] == order for entry in each["Status"]]
    assert 78 in find(first) and 78 not in find(general) and 6 in find(general)
    assert [each["OrderID"] for each in expect(post("/getAllStatus/ExtendedList"), 200, JSON)] == [order], "unmarked"
    answer = post("/getAllStatus", json=sample("S-061-get-all-status-request.json"))
    assert answer.status_code in (200, 304), "the document's own body is understood"


def pages_are_disjoint_and_complete():
    """[T] 4.2.2: Paging, Elements "<= 1000"."""
    for _ in range(10):
        ended("positive")
    period = {"Begin": began, "End": "2116-01-15T00:00:00+01:00"}
    flat = lambda result: [(each["OrderID"], entry["Kind"], entry["Time"]) for each in result for entry in each["Status"]]
    whole = flat(expect(post("/getAllStatus/ExtendedList", json={"Period": period}), 200, JSON))
    pages, number = [], 1
    while True:
        paging = {"Elements": 40, "Page": number}
        answer = post("/getAllStatus/ExtendedList", json={"Period": {**period, "Paging": paging}})
        if answer.status_code == 304:
            break
        page = flat(expect(answer, 200, JSON))
        if not page:
            break
        assert len(page) <= 40
        pages += page
        number += 1
    assert number > 2 and pages == whole, (number, len(pages), len(whole))
    for elements in [0, 1001]:
        body = {"Period": {**period, "Paging": {"Elements": elements, "Page": 1}}}
        assert_refused(post("/getAllStatus", json=body), 400)
    assert_refused(post("/getAllStatus", json={"Period": {"Begin": "yesterday"}}), 400)


def at_most_a_thousand_statuses_come_at_once():
    """[T] 4.2.3: "At max 1000 status elements will be returned at once"."""
    all_statuses()
    # Two statuses each: 25, and 7 since the link was not asked for.
    orders = [place(getTargetLink=None, getVideoHashes=None) for _ in range(520)]
    count = lambda result: sum(len(each["Status"]) for each in result)
    first = expect(post("/getAllStatus/ExtendedList"), 200, JSON)
    second = expect(post("/getAllStatus/ExtendedList"), 200, JSON)
    assert (count(first), count(second)) == (1000, 40)
    assert {each["OrderID"] for each in first + second} == set(orders)
    expect(post("/getAllStatus/ExtendedList"), 304)


def open_orders_can_be_cancelled():
    """[T] 4.3.2: 202, 406 "not in a cancellable state"; "The order data will not be deleted"."""
    order = place()
    expect(post("/cancelOrder/{}", order), 202)
    assert 22 in kinds(order, extended=False)
    assert_refused(post("/cancelOrder/{}", order), 406)
    assert_refused(post("/cancelOrder/{}", ended("positive")), 406)
    expect(call("DELETE", "/delIdentdata/{}", order), 202)


def the_person_signs_with_a_tan():
    """[T] 5: 202 each, 406 before the identification, 412 before requestSign, 410 afterwards."""
    order = to_sign("contract")
    assert_refused(post("/requestSign/{}", order), 406)
    assert_refused(post("/confirmSign/{}", order, json={"tan": "123456"}), 412)
    assert_refused(post("/requestResendSignTan/{}", order), 412)
    sandbox.play(order, "identified")
    expect(post("/requestSign/{}", order), 202)
    first = sandbox.tan(order)
    assert re.fullmatch(r"\d{6}", first)
    expect(post("/requestResendSignTan/{}", order), 202)
    for body in [{}, {"tan": ""}, {"tan": "1234567"}]:
        assert_refused(post("/confirmSign/{}", order, json=body), 400)
    with Receiver() as receiver:
        tan = sandbox.tan(order)
        expect(post("/confirmSign/{}", order, json={"tan": tan}), 202)
        assert receiver.is_left_alone(), "the order has no URL for webhooks"
    assert 84 in kinds(order, extended=False)
    expect(get("/getESignPDF/{}", order), 200, PDF)
    assert_refused(post("/requestSign/{}", order), 410)
    assert_refused(post("/confirmSign/{}", order, json={"tan": tan}), 410)
    assert_refused(post("/requestResendSignTan/{}", order), 410)


def the_documents_example_of_confirming_works_as_printed():
    """[T] 5.2.5: .../confirm/OrderID, though 5.2.2 calls it confirmSign."""
    order = to_sign("contract")
    sandbox.play(order, "identified")
    expect(post("/requestSign/{}", order), 202)
    expect(post("/confirm/{}", order, json={"tan": sandbox.tan(order)}), 202)
    assert 84 in kinds(order)


def too_many_wrong_tans_cancel_the_order():
    """[T] 5.2.4: 429 "Too many tries with a wrong TAN, order canceled"."""
    order = to_sign("contract")
    sandbox.play(order, "identified")
    expect(post("/requestSign/{}", order), 202)
    right = sandbox.tan(order)
    wrong = "000000" if right != "000000" else "000001"
    statuses = [post("/confirmSign/{}", order, json={"tan": wrong}).status_code for _ in range(3)]
    assert statuses == [400, 400, 429], statuses
    assert 22 in kinds(order, extended=False)
    assert_refused(post("/confirmSign/{}", order, json={"tan": right}), 410)
    assert_refused(get("/getESignPDF/{}", order), 400)


def an_identification_is_used_again():
    """[T] 6: IdentDataSigned leads straight to signing; what was tampered with to another identification."""
    signed = expect(get("/getIdentData/{}/Signed", ended("positive")), 200).decode("utf-8")
    order = to_sign("contract", IdentDataSigned=signed)
    assert 6 in kinds(order) and 75 not in kinds(order)
    expect(post("/requestSign/{}", order), 202)
    order = to_sign("contract", IdentDataSigned=signed[:-1] + ("A" if signed[-1] != "A" else "B"))
    assert 6 not in kinds(order)
    assert_refused(post("/requestSign/{}", order), 406)


def liveness_is_told_to_anybody():
    """[T] 7.1.2: 200, 500, or nothing at all."""
    expect(get("/serverStatus"), 200)
    expect(get("/serverStatus", auth=None), 200)
    with sandbox.settings(service="Down"):
        expect(get("/serverStatus"), 500)
    with sandbox.settings(service="Silent"):
        try:
            answer = get("/serverStatus")
        except requests.ConnectionError:
            pass
        else:
            raise AssertionError(answer.status_code)


def the_banks_are_those_of_the_example():
    """[T] 8.1.2, 8.1.5: the root is an array; bic, blz, name."""
    banks = expect(get("/getBankList"), 200, JSON)
    assert banks == sample("S-075-get-bank-list-response.json")
    with sandbox.settings(not_enabled=["Giro"]):
        assert_refused(get("/getBankList"), 400)


def a_sign_me_user_is_checked():
    """[T] 8.3.4, 8.3.6, 8.3.7: two booleans; a person whose account was made and verified can sign."""
    body = {**sample("S-078-check-signme-user-request.json"), "Email": "nobody@example.com"}
    assert expect(post("/checkSignmeUser", json=body), 200, JSON) == sample("S-079-check-signme-user-response.json")
    order = place(Product=15, Add=8, Email="john.doe@example.com")
    sandbox.play(order, "account-only")
    answer = expect(post("/checkSignmeUser", json={"Email": "john.doe@example.com"}), 200, JSON)
    assert answer == {"UserExists": True, "UserIsAbleToSign": True}
    assert_refused(post("/checkSignmeUser", json={}), 400)


def webhooks(receiver, *names):
    return {name: f"{receiver.url}/callback/{name}?orderId=[OrderID]&ref=[Ref]" for name in names}


def webhooks_are_called_with_both_placeholders_filled_in():
    """[T] 2.5, 2.5.3, 3.1.3: GET; AfterVideo or AfterIdent, then OnFinal."""
    for first, story in [("AfterVideo", "video"), ("AfterIdent", "courier")]:
        with Receiver() as receiver:
            reference = "Case 7/8 & Köln"
            order = place(Ref=reference, WebhookURL=webhooks(receiver, first, "OnFinal"))
            sandbox.play(order, story)
            for name in [first, "OnFinal"]:
                result = receiver.next()
                assert (result.method, result.path, result.body) == ("GET", f"/callback/{name}", b""), result.target
                assert result.query == {"orderId": order, "ref": reference}, result.target
            expect(get("/getIdentData/{}", order), 200, JSON)
            assert receiver.is_left_alone()


def every_end_calls_on_final():
    """[T] 2.3, 2.5, 3.1.3: "Webhook to trigger when the order has been finally processed"."""
    for story in ["negative", "fraud", "timeout", "cancelled"]:
        with Receiver() as receiver:
            order = place(WebhookURL=webhooks(receiver, "OnFinal"))
            sandbox.play(order, story)
            assert receiver.next().query["orderId"] == order, story
    with Receiver() as receiver:
        order = place(WebhookURL=webhooks(receiver, "OnFinal"))
        expect(post("/cancelOrder/{}", order), 202)
        assert receiver.next().query["orderId"] == order


def webhooks_are_post_or_put_where_the_account_is_set_up_so():
    """[T] 2.5: "This can be changed on a per account level to either POST or PUT"."""
    for method in ["POST", "PUT"]:
        with Receiver() as receiver, sandbox.settings(webhook_method=method):
            order = place(WebhookURL=webhooks(receiver, "OnFinal"))
            sandbox.play(order, "positive")
            result = receiver.next()
            assert (result.method, result.query["orderId"]) == (method, order)


def only_200_and_202_count_as_delivered():
    """[T] 2.5.2: "In case a webhook is not replied with a HTTP status code 200 or 202"."""
    for status, outcome in [(200, "delivered"), (202, "delivered"), (204, "retry"), (500, "retry")]:
        with Receiver(status) as receiver:
            order = place(WebhookURL=webhooks(receiver, "OnFinal"))
            sandbox.play(order, "positive")
            receiver.next()
            # The response comes after the first attempt: until then the order is locked ([T] 2.5.1).
            expect(get("/getStatus/{}", order), 200)
            (delivery,) = sandbox.admin_call("GET", f"/deliveries?order={order}")["deliveries"]
            (attempt,) = delivery["attempts"]
            assert (attempt["status"], attempt["outcome"]) == (status, outcome), delivery
            assert (delivery["next"] is None) == (outcome == "delivered"), delivery


def who_is_not_known_is_refused_everywhere():
    """[T] 2.6: HTTP Basic; 401 in every list of codes but that of 7.1.2."""
    wrong = [None, ("nobody", sandbox.credentials[1]), (sandbox.credentials[0], "wrong"), ("", "")]
    for method, path, body in FORMS:
        if path == "/serverStatus":
            continue
        for auth in wrong:
            answer = call(method, path, "99921269855041", auth=auth, json=body)
            assert_refused(answer, 401)
            # RFC 9110, 11.6.1
            assert answer.headers["WWW-Authenticate"].lower().startswith("basic "), answer.headers


def an_unknown_order_is_404_and_what_cannot_be_one_400():
    """[T] 3-5: "Order not found"; "Bad request"; [T] 3.1.4: an OrderID has up to 20 characters."""
    for method, path, body in FORMS:
        if "{}" not in path:
            continue
        assert_refused(call(method, path, UNKNOWN, json=body), 404)
        assert_refused(call(method, path, "9" * 21, json=body), 400)


def other_methods_and_paths_are_refused():
    """[T] 3-8 name one method each. [sandbox]"""
    for method, path, body in FORMS:
        other = "PUT" if method == "GET" else "GET"
        assert_refused(call(other, path, "99921269855041", json=body), 405)
    for path in ["/getShops", "/getVideoQueueStatus", "/getStatus", "/getStatus/99921269855041/Everything"]:
        assert_refused(get(path), 404)


def every_form_was_answered():
    """[T] 3-8: the checks above called each of the 23 forms successfully."""
    assert {(method, path) for method, path, _ in FORMS} <= answered, answered


def main():
    global sandbox, fixtures, began
    sandbox, fixtures = Sandbox(json.loads(sys.argv[1])), pathlib.Path(sys.argv[2])
    began = sandbox.admin_call("GET", "/clock")["now"].split(".")[0].rstrip("Z") + "Z"
    here = sys.modules[__name__]
    # A check is a function of this file whose docstring starts with a section of the document.
    checks = [each for each in vars(here).values()
              if callable(each) and getattr(each, "__module__", "") == __name__
              and (each.__doc__ or "").startswith("[T] ")]
    run(checks)


if __name__ == "__main__":
    main()
