"""What the browser tests share: sandboxes, a website that receives the person and webhooks, and windows of the browser.

Plain Python and Playwright: the tests use no types of this project, so that an error in them is found."""

import asyncio
import base64
import contextlib
import http.client
import json
import os
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Timeout in seconds of anything that may hang. No test depends on how long something takes.
HANGS = 20
LOGIN = "Basic " + base64.b64encode(b"sandbox-customer:sandbox-code").decode()
# Ignores this machine's proxies.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

SHA256 = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
ADDRESS = {"Firstname": "Erika", "Surname": "Mustermann", "Street": "Heidestraße 17", "ZipCode": "51147",
           "City": "Köln", "Country": "DE"}
CONTRACT = {"Product": 15, "eSignHash": [{"Hash": SHA256, "Filename": "contract.pdf"}]}


def order(**more):
    """Returns the order of a person who uses a landing page."""
    return {"Ref": "customer-4711", "Product": 12, "Add": 0, "getTargetLink": True,
            "Email": "e.mustermann@example.com", "Mobile": "+491701234567", "Address": ADDRESS, **more}


def call(method, url, body=None, headers=()):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **dict(headers)}
    with OPENER.open(urllib.request.Request(url, data, headers, method=method), timeout=HANGS) as response:
        return json.load(response)


class Sandbox:
    """A running `identkit sandbox`."""

    def __init__(self, *options):
        command = [os.environ["IDENTKIT"], "sandbox", "--plain", "--quiet", "--with-parent", "--clock", "frozen",
                   "--seed", "7", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.ready = json.loads(self.process.stdout.readline())
        self.console, self.listen = self.ready["admin"], self.ready["listen"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def place(self, **more):
        """Places an order at identity.TM. Returns its id and the URL of its landing page."""
        answer = call("PUT", self.ready["identity_tm"]["base_url"] + "/putOrder", order(**more),
                      {"Authorization": LOGIN})
        return answer["OrderID"], answer.get("TargetURL")

    def create(self):
        """Creates an ident at identify24. Returns its id and the URL of its landing page."""
        login = {"PARTNER": self.ready["identify24"]["partner"], "APIKEY": self.ready["identify24"]["api_key"]}
        token = {name.lower(): value for name, value in call("POST", self.listen + "/auth", login).items()}["token"]
        path = os.path.join(os.path.dirname(__file__), "../../../identify24/fixtures/S-011-ident-create-request.json")
        with open(path, encoding="utf-8") as file:
            ident = json.load(file)
        headers = {"X-API-PARTNER": login["PARTNER"], "X-API-TOKEN": token}
        answer = call("POST", self.listen + "/ident/create", ident, headers)
        return answer["ident_id"], answer["conference_url"]

    def fill(self, number):
        """Places this number of orders, in several connections. Each has its number in its reference."""
        address, path = urlsplit(self.listen).netloc, "/api/2.10/putOrder"
        headers = {"Authorization": LOGIN, "Content-Type": "application/json"}

        def work(numbers):
            connection = http.client.HTTPConnection(address, timeout=HANGS)
            for each in numbers:
                body = json.dumps(order(Ref=f"customer-{each:05}", getTargetLink=False))
                connection.request("PUT", path, body, headers)
                response = connection.getresponse()
                response.read()
                assert response.status == 202, response.status
            connection.close()
            done.append(len(numbers))

        done = []
        threads = [threading.Thread(target=work, args=(range(first, number, 4),)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(done) == number, done

    def admin(self, method, path, body=None):
        return call(method, f"{self.console}/_sandbox/v1/{path}", body)

    def status(self, case):
        """Returns the latest status of an order or ident."""
        return self.admin("GET", f"orders/{case}")["latest_status"]

    def tan(self, case):
        return self.admin("GET", f"tans?order={case}")["tans"][-1]


class Site:
    """The website of the customer: the person returns to it, and it receives webhooks."""

    def __init__(self, port=0):
        self.status, self.webhooks = 200, []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/webhook"):
                    site.webhooks.append(self.path)
                    self.answer(site.status, "text/plain", b"the database is not reachable" if site.status > 299 else b"")
                else:
                    heading = "Thank you" if self.path.startswith("/yes") else "Please try again"
                    page = f"<!doctype html><html lang=en><title>Shop</title><link rel=icon href='data:,'><h1>{heading}</h1>"
                    self.answer(200, "text/html", page.encode())

            def answer(self, status, media_type, body):
                # Without the headers Date and Server, which the pictures would show.
                self.send_response_only(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def redirects(self):
        return {"Success": self.url + "/yes?id=[OrderID]&ref=[Ref]", "Abort": self.url + "/no?id=[OrderID]&ref=[Ref]"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


# Runs in each page before its own scripts.
REPORT = "addEventListener('securitypolicyviolation', (event) => console.error(`CSP: ${event.violatedDirective}`));"


class Browser:
    """The browser process. Each window has a profile of its own."""

    def __init__(self, chromium):
        self.chromium = chromium

    @contextlib.asynccontextmanager
    async def window(self, *origins, script=True, width=1280, height=900, language="en-US", faults=(), **more):
        """Opens a window that may call these origins only. At the end, it must have seen no error of the browser.

        `faults`: texts of the errors that the test provokes."""
        context = await self.chromium.new_context(
            java_script_enabled=script, locale=language, viewport={"width": width, "height": height}, **more
        )
        context.set_default_timeout(HANGS * 1000)
        faulty = []

        def check_request(request):
            # The viewer for PDFs is a part of the browser.
            is_own = request.url.startswith(("data:", "chrome:", "chrome-extension:"))
            if not is_own and not any(request.url.startswith(origin + "/") for origin in origins):
                faulty.append(f"request to another host: {request.url}")

        def check_message(message):
            if message.type in ("error", "warning") and not any(fault in message.text for fault in faults):
                faulty.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

        context.on("request", check_request)
        context.on("console", check_message)
        context.on("weberror", lambda error: faulty.append(f"exception: {error.error}"))
        if script:
            await context.add_init_script(REPORT)
        try:
            yield await context.new_page()
            # Messages arrive after the response to the action that caused them.
            await asyncio.sleep(0.05)
        finally:
            await context.close()
        assert not faulty, "\n".join(faulty)


async def off_thread(function, *arguments, **more):
    """Makes a blocking call."""
    return await asyncio.to_thread(function, *arguments, **more)
