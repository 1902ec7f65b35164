"""Shared by the Python scripts: the sandbox, a webhook receiver, PDFs, and a runner.

Plain Python and `requests`: the scripts do not use this project's types, so that an error in them is found."""

import base64
import contextlib
import queue
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import requests

# Timeout in seconds of anything that may hang. No check depends on how long something takes.
HANGS = 60


class Sandbox:
    """A running `identkit sandbox`, by its ready line."""

    def __init__(self, ready):
        self.base = ready["identity_tm"]["base_url"]
        self.admin = ready["admin"] + "/_sandbox/v1"
        self.credentials = (ready["identity_tm"]["customer_id"], ready["identity_tm"]["customer_code"])
        self.session = requests.Session()
        # Ignores this machine's proxies and netrc; trusts only the CA file.
        self.session.trust_env = False
        self.session.verify = ready["ca_file"]

    def call(self, method, path, auth=True, **more):
        """Calls the vendor; `auth=True` uses the account's credentials."""
        auth = self.credentials if auth is True else auth
        return self.session.request(method, self.base + path, auth=auth, timeout=HANGS, **more)

    def admin_call(self, method, path, **more):
        answer = self.session.request(method, self.admin + path, timeout=HANGS, **more)
        assert answer.status_code == 200, (method, path, answer.status_code, answer.text)
        return answer.json()

    def play(self, order, story):
        return self.admin_call("POST", f"/orders/{order}/transition", json={"story": story})

    def tan(self, order):
        return self.admin_call("GET", f"/tans?order={order}")["tans"][-1]

    @contextlib.contextmanager
    def settings(self, **changes):
        """Changes settings of the account inside a `with` block."""
        before = self.admin_call("GET", "/settings")["identity_tm"]
        self.admin_call("POST", "/settings", json={"identity_tm": changes})
        try:
            yield
        finally:
            self.admin_call("POST", "/settings", json={"identity_tm": {name: before[name] for name in changes}})


class Call:
    """A request that a receiver received."""

    def __init__(self, method, target, body):
        parts = urlsplit(target)
        self.method, self.target, self.path, self.body = method, target, parts.path, body
        self.query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}


class Receiver:
    """A web server that receives webhooks."""

    def __init__(self, status=200):
        self.calls = queue.Queue()
        self.status = status
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                # Before the response: the next call may arrive right after it.
                receiver.calls.put(Call(self.command, self.path, body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def next(self):
        return self.calls.get(timeout=HANGS)

    def is_left_alone(self):
        return self.calls.empty()


def pdf(text):
    """Returns a PDF of one page with this text."""
    content = b"BT /F1 12 Tf 72 720 Td (" + text.encode("ascii") + b") Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def in_base64(data):
    return base64.b64encode(data).decode("ascii")


def media_type(answer):
    return answer.headers.get("Content-Type", "").split(";")[0].strip().lower()


def expect(answer, status, media=None):
    """Asserts the status and the media type; returns the parsed body."""
    context = (answer.request.method, answer.request.path_url, answer.status_code, answer.content[:300])
    assert answer.status_code == status, (f"not {status}", context)
    if media is not None:
        assert media_type(answer) == media, (f"not {media}", media_type(answer), context)
    return answer.json() if media == "application/json" else answer.content


def run(checks, *arguments):
    """Runs the checks in order, prints each result, and exits with 1 if a check failed."""
    assert checks, "no check was found"
    failed = 0
    for check in checks:
        try:
            check(*arguments)
            print(f"ok      {check.__name__}", flush=True)
        except Exception:  # a failed check must not stop the others
            failed += 1
            print(f"FAILED  {check.__name__}", flush=True)
            traceback.print_exc()
    print(f"{len(checks) - failed} of {len(checks)} checks passed", flush=True)
    sys.exit(1 if failed else 0)
