"""A vendor that deviates from its document, for every call: checks the exit codes of the command line, and that nothing
that must not be repeated is sent twice (traps AT-89 to AT-97, AI-31, AI-33).

    python3 fake_vendor.py PROGRAM ORDER_FILE

Plain Python without modules: the vendor is written from the document, and shares no code with the client."""

import base64
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORDER = "99921269855041"
IDENT = "1f6c1a2e-0000-4000-8000-000000000001"
OK, FAILED, REJECTED, UNKNOWN = 0, 1, 5, 6

HTML = "<html><body>Mustermann</body></html>"
ERROR = '{"Error":"Mustermann"}'
CREATED = f'{{"result":true,"messages":[],"ident_id":"{IDENT}","conference_url":"https://example.com/apply/{IDENT}"}}'
PLACED = f'{{"OrderID":"{ORDER}"}}'
LIST = f'[{{"OrderID":"{ORDER}","Status":[{{"Kind":25}}]}}]'
DATA = '{"IdentData":{"Type":1,"Firstname":"Erika"}}'
PDF = base64.b64encode(b"%PDF-1.7 a page %%EOF").decode()
# Lists with an order and an entry that is none, or whose elements cannot be read.
GOOD = f'{{"OrderID":"{ORDER}","Status":[{{"Kind":25}}]}}'
ODD_LISTS = [
    f"[{GOOD},{odd}]" for odd in (
        "{}", "null", "[]", "true", "7", '"x"', '{"Order":null}', '{"Order":[]}', '{"Order":7}', '{"Ref":"a"}', '{"OrderID":{}}',
        '{"OrderID":"2","Status":"x"}', '{"OrderID":"2","Status":[],"Status":[{"Kind":6}]}', '{"OrderID":"1","OrderID":"2"}',
        '{"OrderID":"2","Status":[],"status":[{"Kind":89}]}', '{"Order":{},"Order":{"OrderID":"2"}}', '[null,{"OrderID":"2"}]',
    )
] + [f'{{"0":{GOOD},"1":null}}', f'{{"Order":[{GOOD},5]}}', f'[{{"Order":{GOOD},"Order":{{}}}}]', f'{{"Ref":"a","Order":{GOOD}}}']
IDENT_FILE = {
    "project_id": "6", "gender": "FEMALE", "birthday": "1964-08-12", "nationality": "DE", "person_first_name": "ERIKA",
    "person_last_name": "MUSTERMANN", "birth_place": "BERLIN", "email": "erika@example.com", "zip_code": "51147",
    "mobile_phone": "+491701234567", "city": "BERLIN", "country": "DE",
}


class Answer:
    """A response: status, body, and headers."""

    def __init__(self, status, body="", headers=(), length=None):
        self.status, self.headers, self.length = status, dict(headers), length
        self.body = body if isinstance(body, bytes) else body.encode()

    def __repr__(self):
        return f"{self.status} {self.body[:60]!r} {self.headers or ''}"


class Vendor(BaseHTTPRequestHandler):
    """Answers each call with the answers of its path, the last one again and again."""

    protocol_version = "HTTP/1.1"
    answers, received, lock = {}, [], threading.Lock()

    def handle_any(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = self.path.strip("/").split("/")[0]
        with self.lock:
            self.received.append(f"{self.command} {call}")
            waiting = self.answers.get(call) or [Answer(404)]
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        self.send_response(answer.status)
        kind = {b"{": "application/json", b"[": "application/json", b"<": "text/html"}.get(answer.body[:1], "text/plain")
        for name, value in {"Content-Type": kind, "Retry-After": "0", **answer.headers}.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        self.end_headers()
        if answer.status not in (204, 304):
            self.wfile.write(answer.body)
        self.close_connection = answer.length is not None

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, *_):
        pass


def deviations(good, listed, empty):
    """Answers to a call that must not be repeated, each with its exit code. `empty`: the document describes no body."""
    other = 202 if listed == 200 else 200
    yield Answer(listed, good), OK
    for status in (other, 201, 203):
        yield Answer(status, good), OK
    yield Answer(204), OK if empty else UNKNOWN
    for status in (205, 206, 226):
        yield Answer(status, good), UNKNOWN
    yield Answer(listed, HTML), UNKNOWN
    yield Answer(listed, ERROR), UNKNOWN
    yield Answer(other, ERROR), UNKNOWN
    yield Answer(listed, "accepted"), OK if empty else UNKNOWN
    yield Answer(other, "accepted"), UNKNOWN
    yield Answer(listed, good, length=len(good) + 100), UNKNOWN
    yield Answer(listed, gzip.compress(good.encode()), {"Content-Encoding": "gzip"}), OK
    yield Answer(listed, good or "x", {"Content-Encoding": "br"}), UNKNOWN
    for status in (301, 302, 307, 408, 425, 500, 502, 503, 504, 600, 999):
        yield Answer(status, "", {"Location": "https://example.com/"}), UNKNOWN
    for status in (400, 402, 410, 415, 422):
        yield Answer(status, ERROR), REJECTED
        yield Answer(status, f"Sorry {PLACED} {CREATED}"), UNKNOWN


class Checks:
    """Runs the program against the vendor and counts the checks."""

    def __init__(self, program, order_file):
        self.program, self.order_file = program, order_file
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.folder = tempfile.TemporaryDirectory()
        self.passed = self.all = self.runs = 0

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run(self, arguments, answers):
        """Runs the program; returns its exit code, its output and the calls that the vendor received."""
        with Vendor.lock:
            Vendor.answers, Vendor.received[:] = {call: list(many) for call, many in answers.items()}, []
        self.runs += 1
        base = f"http://127.0.0.1:{self.server.server_address[1]}"
        environment = {
            "PATH": os.environ.get("PATH", ""), "HOME": self.folder.name, "NO_PROXY": "*",
            "IDENTKIT_STATE_DIR": self.path("state"),
            "IDENTKIT_TM_BASE_URL": base, "IDENTKIT_TM_CUSTOMER_ID": "4711", "IDENTKIT_TM_CUSTOMER_CODE": "code",
            "IDENTKIT_IDENTIFY24_BASE_URL": base, "IDENTKIT_IDENTIFY24_PARTNER": "p", "IDENTKIT_IDENTIFY24_API_KEY": "k",
        }
        done = subprocess.run(
            [self.program, *(argument.replace("RUN", str(self.runs)) for argument in arguments)],
            env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
        )
        with Vendor.lock:
            return done, list(Vendor.received)

    def check(self, arguments, answers, code, once=None, says=()):
        """Checks an exit code, that `once` was received once, and texts of the output."""
        done, received = self.run(arguments, answers)
        output = done.stdout + done.stderr
        wrong = [] if done.returncode == code else [f"exit code {done.returncode} instead of {code}"]
        if once and received.count(once) != 1:
            wrong.append(f"{once} was sent {received.count(once)} times")
        wrong += [f"the output does not contain {text!r}" for text in says if text not in output]
        if "Mustermann" in done.stderr:
            wrong.append("standard error contains the vendor's text")
        self.all += 1
        self.passed += not wrong
        if wrong:
            print(f"FAILED {' '.join(arguments)} after {answers}: {'; '.join(wrong)}\n{output}\n{received}")

    def changing_calls(self):
        put = ["tm", "put-order", self.order_file]
        for answer, code in deviations(PLACED, 202, empty=False):
            self.check(put, {"putOrder": [answer]}, code, "PUT putOrder")
        for body, code in [
            (f'Notice: x in y.php on line 3 {PLACED}', UNKNOWN), (f'{{"OrderID":"{ORDER}","n":1e400}}', OK),
            (f'{{"OrderID":"{ORDER}","Ref":"\\ud800"}}', UNKNOWN), (f'{{"OrderID":{ORDER}}}', OK),
            (f'{{"OrderID":"{ORDER}","OrderID":"{ORDER}"}}', OK), (f'{{"OrderID":"{ORDER}","OrderID":"1"}}', UNKNOWN),
            (f'{{"OrderID":"{ORDER}","Error":"Mustermann"}}', OK), (f'{{"OrderID":"{ORDER}","VideoHashes":[]}}', OK),
            ("{}", UNKNOWN), ('{"OrderID":null}', UNKNOWN),
        ]:
            self.check(put, {"putOrder": [Answer(202, body)]}, code, "PUT putOrder")
        for body in (
            f"<r><OrderID>{ORDER}</OrderID></r>", f"state=1&OrderID={ORDER}", f'{{"OrderID":"{ORDER}"}}'.encode("utf-16"),
            f"see https://example.com/status/{ORDER}",
        ):
            for status in (202, 400, 401, 422):
                self.check(put, {"putOrder": [Answer(status, body)]}, UNKNOWN, "PUT putOrder")
        for answer in (Answer(409), Answer(429)):
            self.check(put, {"putOrder": [answer]}, UNKNOWN, "PUT putOrder")
        for name, arguments, fails in [
            ("requestSign", ["tm", "sign", "request", ORDER], (409, 429)),
            ("requestResendSignTan", ["tm", "sign", "resend", ORDER], (409, 429)),
            ("confirmSign", ["tm", "sign", "confirm", ORDER, "--tan", "123456"], ()),
        ]:
            for answer, code in deviations("", 202, empty=True):
                self.check(arguments, {name: [answer]}, code, f"POST {name}")
            for status in fails:
                self.check(arguments, {name: [Answer(status)]}, UNKNOWN, f"POST {name}")
        for status in (409, 429):
            self.check(["tm", "sign", "confirm", ORDER, "--tan", "123456"], {"confirmSign": [Answer(status)]}, REJECTED)
        drain = ["tm", "drain-unreported", "--yes", "--journal", self.path("journal-RUN")]
        for answer, code in deviations(LIST, 200, empty=False):
            self.check(drain, {"getAllStatus": [answer]}, code, "POST getAllStatus")
            with open(self.path(f"journal-{self.runs}"), encoding="utf-8") as journal:
                events = [json.loads(line)["event"] for line in journal]
            self.all += 1
            kept = "answer" in events or not answer.body or answer.status == 204
            sure = "refused" not in events or code == REJECTED
            self.passed += kept and sure
            if not (kept and sure):
                print(f"FAILED the journal after {answer}: {events}")
        for body in ODD_LISTS:
            says = ["unreadable entries", ORDER]
            self.check(drain, {"getAllStatus": [Answer(200, body)]}, UNKNOWN, "POST getAllStatus", says)
        self.check(drain, {"getAllStatus": [Answer(429)]}, UNKNOWN, "POST getAllStatus")
        self.check(drain, {"getAllStatus": [Answer(304)]}, OK, "POST getAllStatus")
        gone, there = [Answer(404)], [Answer(200, DATA)]
        delete = ["tm", "delete", "--yes", ORDER]
        for answer, data, code in [
            (Answer(202), gone, OK), (Answer(200), gone, FAILED), (Answer(204), gone, FAILED), (Answer(200), there, UNKNOWN),
            (Answer(200, ERROR), gone, UNKNOWN), (Answer(202, ERROR), gone, UNKNOWN), (Answer(205), gone, UNKNOWN),
            (Answer(202, HTML), gone, UNKNOWN), (Answer(302), gone, UNKNOWN), (Answer(406), there, REJECTED),
        ]:
            self.check(delete, {"delIdentdata": [answer], "getIdentData": data}, code, "DELETE delIdentdata")
        cancel = ["tm", "cancel", "--yes", ORDER]
        canceled = [Answer(200, f'{{"OrderID":"{ORDER}","Status":[{{"Kind":63}}]}}')]
        open_ = [Answer(200, GOOD)]
        for answer, status, code in [
            (Answer(202), open_, OK), (Answer(200), open_, OK), (Answer(302), canceled, OK), (Answer(302), open_, UNKNOWN),
            (Answer(500), open_, UNKNOWN), (Answer(202, ERROR), open_, UNKNOWN), (Answer(202, HTML), canceled, OK),
            (Answer(406), open_, REJECTED),
        ]:
            self.check(cancel, {"cancelOrder": [answer], "getStatus": status}, code, "POST cancelOrder")
        create = ["identify24", "create", self.path("ident.json"), "--out", self.path("created-RUN.json")]
        with open(self.path("ident.json"), "w", encoding="utf-8") as file:
            json.dump(IDENT_FILE, file)
        login = [Answer(200, '{"result":true,"response_status":200,"token":"t"}')]
        for answer, code in deviations(CREATED, 200, empty=False):
            self.check(create, {"auth": login, "ident": [answer]}, code, "POST ident")
        for status in (401, 409, 429):
            held = Answer(status, f"x {CREATED}")
            self.check(create, {"auth": login, "ident": [held]}, UNKNOWN, "POST ident")
        for status in (401, 429):
            answers = {"auth": login, "ident": [Answer(status), Answer(200, CREATED)]}
            self.check(create, answers, OK)
        self.check(create, {"auth": login, "ident": [Answer(200, '{"result":false}')]}, REJECTED, "POST ident")

    def reads(self):
        finality = ["tm", "finality", "--output", "json", ORDER]
        for body, code, says in [
            ('{"Status":[{"Kind":6}]}', OK, ["positive"]), ('{"Status":[{"Kind":"6"}]}', OK, ["positive"]),
            ('{"Status":{"0":{"Kind":6},"1":{"Kind":25}}}', OK, ["positive"]), ('{"Status":[]}', OK, ["pending"]),
            ('{"Status":[{"Kind":6.0}]}', OK, ["unclear"]), ('{"Status":[{"Kind":6},{"Kind":true}]}', OK, ["unclear"]),
            ('{"Status":[{"Kind":6},{}]}', OK, ["unclear"]), ('{"Status":[{"Kind":6,"Kind":6}]}', OK, ["unclear"]),
            ('{"Status":[{"Kind":" 6"},{"Kind":89}]}', OK, ["fraud_suspicion"]), ("{}", FAILED, ["Status"]),
            ('{"Status":null}', FAILED, ["Status"]), ('{"Status":"none"}', FAILED, ["Status"]),
            ('{"Status":[],"Status":[{"Kind":6}]}', FAILED, ["Status"]), (ERROR, REJECTED, []), (HTML, FAILED, []),
            ('{"Status":[{"Kind":6}],"Error":"Mustermann"}', OK, ["positive"]),
            ('{"Status":[{"Kind":6}],"status":[{"Kind":89}]}', OK, ["unclear"]),
            ('{"Status":[{"Kind":6,"kind":89}]}', OK, ["unclear"]),
            ('{"Status":[{"Kind":6},"x"]}', OK, ["unclear"]), ('{"Status":[{"Kind":89},7]}', OK, ["fraud_suspicion"]),
            ('{"Status":' + "[" * 200 + "]" * 200 + "}", FAILED, ["nested deeper than 128 levels"]),
        ]:
            self.check(finality, {"getStatus": [Answer(200, body)]}, code, "GET getStatus", says)
        for status, code in [(201, OK), (203, OK), (204, FAILED), (205, FAILED), (302, FAILED), (400, REJECTED)]:
            answer = Answer(status, '{"Status":[{"Kind":6}]}' if status < 300 else "")
            self.check(finality, {"getStatus": [answer]}, code, "GET getStatus")
        for body, code in [
            (DATA, OK), ('{"IdentData":{"Type":"1","ZipCode":12345,"IDCard":[]}}', OK), ('{"IdentData":[]}', FAILED),
            ('{"IdentData":null}', FAILED), ("{}", FAILED), (ERROR, REJECTED), ('{"IdentData":{},"IdentData":{}}', FAILED),
        ]:
            self.check(["tm", "ident-data", ORDER], {"getIdentData": [Answer(200, body)]}, code, "GET getIdentData")
        for body, code in [
            ('{"Voicefiles":[]}', OK), ('{"VoiceFiles":[]}', FAILED), ("{}", FAILED), (ERROR, REJECTED),
            ('{"Voicefiles":null}', FAILED), ('{"Voicefiles":[],"Voicefiles":[]}', FAILED),
        ]:
            out = ["tm", "voice", ORDER, "--out", self.path("voice-RUN")]
            self.check(out, {"getVoiceFiles": [Answer(200, body)]}, code, "GET getVoiceFiles")
        for body, code in [
            ('{"Hashes":[{"a":"c2lnbmVkIGhhc2ggb2YgYS5wZGY="}]}', OK), ('{"Hashes":[]}', FAILED), ('{"Hashes":[{"a":""}]}', FAILED),
            ("{}", FAILED), (ERROR, REJECTED),
        ]:
            self.check(["tm", "esign-hash", ORDER], {"getESignHash": [Answer(200, body)]}, code, "GET getESignHash")
        for body, code in [
            (f'{{"PDFs":[{{"Base64Data":"{PDF}"}}]}}', OK), ('{"PDFs":[]}', FAILED), ("{}", FAILED), (ERROR, REJECTED),
            ('{"PDFs":[{"Base64Data":""}]}', FAILED), (f'{{"PDFs":[{{"Base64Data":"{PDF}"}},{{}}]}}', FAILED),
        ]:
            out = ["tm", "esign-pdf", ORDER, "--out", self.path("pdf-RUN")]
            self.check(out, {"getESignPDF": [Answer(200, body)]}, code)
        window = ["tm", "statuses", "--from", "2018-09-05T00:00:00Z", "--to", "2018-09-06T00:00:00Z"]
        for body, code in [("[]", OK), ("{}", FAILED), (ERROR, REJECTED), (LIST, OK), ('{"Order":[]}', OK)]:
            self.check(window, {"getAllStatus": [Answer(200, body)]}, code)
        for body in ODD_LISTS:
            self.check(window, {"getAllStatus": [Answer(200, body)]}, FAILED, says=["unreadable entries", ORDER])
        for status in (400, 402, 404, 405, 406, 410, 412, 413, 415, 418, 422, 451):
            first = [Answer(status, "{}"), Answer(304)]
            code = OK if status in (400, 404) else REJECTED
            self.check(window, {"getAllStatus": first}, code)
        for answer in (Answer(200, ERROR), Answer(404, HTML), Answer(400, LIST), Answer(404, LIST)):
            code = FAILED if answer.status == 404 else REJECTED
            self.check(window, {"getAllStatus": [answer, Answer(304)], "serverStatus": [Answer(404)]}, code)
        pdf = base64.b64decode(PDF)
        for status in (205, 206, 226, 299):
            for call, name in (("ident-data-pdf", "getIdentDataPDF"), ("esign-pdf", "getESignPDF")):
                out = self.path(f"partial-{status}-{call}")
                self.check(["tm", call, ORDER, "--out", out], {name: [Answer(status, pdf)]}, FAILED)
                self.all += 1
                self.passed += not os.path.exists(out)
        sealed = ["tm", "ident-data", ORDER, "--encrypted", "--out", self.path("sealed-RUN")]
        for body, code in [
            ("null", FAILED), ("try again later", FAILED), ('{"ciphertext":"QUFBQUFBQUFBQUFBQUFBQQ=="', FAILED), ("[]", FAILED),
            ('{"ciphertext":"QUFBQUFBQUFBQUFBQUFBQQ=="}', OK), ("QUFBQUFBQUFBQUFBQUFBQQ==", OK), (b"\x01\xff\xfe", OK),
        ]:
            self.check(sealed, {"getIdentData": [Answer(200, body)]}, code)


def main():
    checks = Checks(*sys.argv[1:])
    checks.changing_calls()
    checks.reads()
    print(f"{checks.passed} of {checks.all} checks passed")
    sys.exit(checks.passed != checks.all)


main()
