"""A shop, and its test in a browser: from the shop's page over the landing page back to the shop's page.

    pip install playwright
    IDENTKIT=target/debug/identkit python3 -m unittest test_shop

`IDENTKIT` names the binary of the sandbox, and `CHROMIUM` the browser. In your own test, replace `Shop` by your service."""

import base64
import json
import os
import re
import subprocess
import threading
import unittest
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect, sync_playwright

PAGE = "<!doctype html><html lang=en><title>Shop</title><link rel=icon href='data:,'>"


class Shop:
    """A service with three pages: it places an order for each person, and learns the result from the webhook."""

    def __init__(self, base_url, login):
        self.base_url, self.verified = base_url, threading.Event()
        self.login = "Basic " + base64.b64encode(":".join(login).encode()).decode()
        shop = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self):
                path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
                if path == "/webhook":
                    shop.verified.set()  # a service stores the event here, and reads the order afterwards
                    self.answer(200, "")
                elif path == "/thanks":
                    self.answer(200, f"{PAGE}<h1>Thank you</h1><p>Order {query['order'][0]}")
                elif path == "/again":
                    self.answer(200, f"{PAGE}<h1>Please try again</h1>")
                else:
                    self.answer(200, f"{PAGE}<h1>Open an account</h1><form method=post><button>Verify my identity</button>")

            def do_POST(self):
                self.answer(303, "", shop.place_order())

            def answer(self, status, page, location=None):
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page.encode())))
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def place_order(self):
        """Places an order, and returns the URL of its landing page."""
        order = {
            "Ref": "customer-4711", "Product": 12, "Add": 0, "getTargetLink": True, "Email": "erika@example.com",
            "Mobile": "+491701234567",
            "RedirectURL": {"Success": self.url + "/thanks?order=[OrderID]", "Abort": self.url + "/again"},
            "WebhookURL": {"OnFinal": self.url + "/webhook"},
            "Address": {"Firstname": "Erika", "Surname": "Mustermann", "Country": "DE"},
        }
        headers = {"Content-Type": "application/json", "Authorization": self.login}
        request = urllib.request.Request(f"{self.base_url}/putOrder", json.dumps(order).encode(), headers, method="PUT")
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)["TargetURL"]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ShopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The sandbox stops with this process, also if it is killed (Unix).
        command = [os.environ.get("IDENTKIT", "identkit"), "sandbox", "--plain", "--quiet", "--with-parent"]
        cls.sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        vendor = json.loads(cls.sandbox.stdout.readline())["identity_tm"]
        cls.shop = Shop(vendor["base_url"], (vendor["customer_id"], vendor["customer_code"]))
        cls.playwright = sync_playwright().start()
        program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        # --no-sandbox: in a container, tests often run as root, and then Chromium cannot isolate its processes.
        cls.browser = cls.playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.playwright.stop()
        cls.shop.close()
        cls.sandbox.terminate()
        cls.sandbox.communicate()

    def setUp(self):
        self.page = self.browser.new_page(locale="en-US")
        self.addCleanup(self.page.close)
        self.page.goto(self.shop.url)
        self.page.get_by_role("button", name="Verify my identity").click()

    def start_a_video_call(self):
        self.page.get_by_role("button", name="Video call").click()
        self.page.get_by_role("checkbox", name="I consent").check()
        self.page.get_by_role("button", name="Start the identification").click()
        self.page.get_by_role("button", name="The agent starts the call").click()

    def test_a_person_is_identified_and_returns(self):
        self.start_a_video_call()
        self.page.get_by_role("button", name="Successful").click()
        with self.page.expect_popup() as opened:
            self.page.get_by_role("link", name="Read the text message").click()
        tan = opened.value.get_by_role("strong").filter(has_text=re.compile(r"^\d+$")).inner_text()
        self.page.get_by_role("textbox", name="TAN").fill(tan)
        self.page.get_by_role("button", name="Confirm the TAN").click()
        expect(self.page.get_by_role("heading", name="Thank you")).to_be_visible()
        self.assertTrue(self.page.url.startswith(self.shop.url + "/thanks?order="), self.page.url)
        self.assertTrue(self.shop.verified.wait(30), "the webhook arrives")

    def test_a_person_who_is_rejected_returns(self):
        self.start_a_video_call()
        self.page.get_by_role("button", name="Rejected").click()
        expect(self.page.get_by_role("heading", name="Please try again")).to_be_visible()

    def test_a_person_who_leaves_returns(self):
        self.page.get_by_role("button", name="Cancel the identification").click()
        expect(self.page.get_by_role("heading", name="Please try again")).to_be_visible()


if __name__ == "__main__":
    unittest.main()
