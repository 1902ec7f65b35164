"""The landing pages: every path of a person, from the link to the redirect, in both languages, with and without script."""

import itertools
import re

from playwright.async_api import expect

from support import CONTRACT, off_thread

# The methods that each product allows, in the order of the page.
METHODS = {0: ["courier", "shop", "eid", "giro", "smartid"],
           12: ["courier", "shop", "video", "eid", "giro", "smartid"],
           15: ["courier", "shop", "video", "eid", "giro", "autoid", "smartid"],
           16: ["autoid"]}

# Names of the buttons, fields and headings.
WORDS = {
    "en": {
        "courier": "Courier", "shop": "Shop", "video": "Video call", "eid": "Online ID card (eID)",
        "giro": "Bank account", "autoid": "autoID", "smartid": "SmartID",
        "agree": "I consent to the processing of my data for the identification.",
        "agree to sign": "I have read the documents and want to sign them.",
        "consent": "Start the identification", "enter": "The agent starts the call", "pass": "Successful",
        "fail": "Rejected", "fraud": "Suspicion of fraud", "unreadable": "ID card not readable",
        "postpone": "Make an appointment", "tan": "Confirm the TAN", "sign": "Request the TAN", "sign tan": "Sign",
        "resend": "Request another TAN", "change": "Choose another method", "resume": "Continue the identification",
        "abort": "Cancel the identification", "leave the room": "Leave the waiting room",
        "leave the call": "Leave the call", "phone": "Read the text message (new tab)", "messages": "Messages",
        "continue": "Continue to the provider", "wrong": "The TAN is wrong.",
        "choose": "How do you want to identify yourself?", "done": "Thank you", "failed": "Not successful",
        "left": "You have canceled", "expired": "The time is over",
        "appointment": "Your appointment", "processing": "Please wait",
    },
    "de": {
        "courier": "Kurier", "shop": "Filiale", "video": "Videogespräch", "eid": "Online-Ausweis (eID)",
        "giro": "Bankkonto", "autoid": "autoID", "smartid": "SmartID",
        "agree": "Ich willige ein, dass meine Daten zur Identifizierung verarbeitet werden.",
        "agree to sign": "Ich habe die Dokumente gelesen und möchte sie unterschreiben.",
        "consent": "Identifizierung beginnen", "enter": "Der Agent beginnt das Gespräch", "pass": "Erfolgreich",
        "fail": "Abgelehnt", "fraud": "Betrugsverdacht", "unreadable": "Ausweis nicht lesbar",
        "postpone": "Termin vereinbaren", "tan": "TAN bestätigen", "sign": "TAN anfordern",
        "sign tan": "Unterschreiben", "resend": "Neue TAN anfordern", "change": "Anderes Verfahren wählen",
        "resume": "Identifizierung fortsetzen", "abort": "Identifizierung abbrechen",
        "leave the room": "Warteraum verlassen", "leave the call": "Gespräch verlassen",
        "phone": "SMS lesen (neuer Tab)", "messages": "Nachrichten", "continue": "Weiter zum Anbieter",
        "wrong": "Die TAN ist falsch.", "choose": "Wie möchten Sie sich identifizieren?", "done": "Vielen Dank",
        "failed": "Nicht erfolgreich", "left": "Sie haben abgebrochen", "expired": "Die Frist ist abgelaufen",
        "appointment": "Ihr Termin", "processing": "Bitte warten",
    },
}
LOCALES = {"en": "en-US", "de": "de-DE"}


class Path:
    """A path: the order, the clicks of the person, where it ends (`yes`, `no`, or a heading), and the last status."""

    def __init__(self, moves, end, status, short=False, **order):
        self.moves, self.end, self.status, self.short, self.order = moves.split(", "), end, status, short, order

    def __str__(self):
        return f"{self.order.get('Product', 12)}: {', '.join(self.moves)}"


def success(method):
    """Returns the clicks from the choice of this method to the end of the identification."""
    return f"{method}, consent, enter, pass, tan" if method == "video" else f"{method}, consent, pass"


def all_paths():
    """Returns all paths at identity.TM that end with a redirect."""
    for product in [0, 12, 16]:
        methods = METHODS[product]
        for method in methods:
            yield Path(success(method), "yes", None, method in ("video", "autoid"), Product=product)
            rest = success(method).split(", ")[1:]
            before = ", ".join([method, *rest[: rest.index("pass")]])
            for result, status in [("fail", "17"), ("fraud", "89")]:
                yield Path(f"{before}, {result}", "no", status, method == "video", Product=product)
            leave = "leave the call" if method == "video" else "abort"
            yield Path(f"{before}, {leave}", "no", "21", method == "video", Product=product)
            yield Path(f"{method}, abort", "no", "21", Product=product)
            if len(methods) > 1:
                yield Path(f"{method}, change, {success('giro')}", "yes", None, Product=product)
        yield Path("abort", "no", "21", product == 12, Product=product)
    for end in ["leave the room", "enter, pass, abort"]:
        yield Path(f"video, consent, {end}", "no", "21")
    yield Path("video, consent, enter, pass, wrong, resend, tan", "yes", None)
    yield Path("video, consent, change, eid, consent, pass", "yes", None)
    yield Path("eid, consent, unreadable, enter, pass, tan", "yes", None, True)
    yield Path("eid, consent, unreadable, leave the room", "no", "21")
    yield Path("abort, again, resume, giro, consent, pass", "yes", None, True)
    for method in METHODS[15]:
        yield Path(f"{success(method)}, sign, sign tan", "yes", "84", method == "eid", **CONTRACT)
    yield Path("giro, consent, pass, sign, wrong, resend, sign tan", "yes", "84", True, **CONTRACT)
    yield Path("giro, consent, pass, sign, wrong, wrong, wrong", "no", None, **CONTRACT)
    yield Path("giro, consent, pass, abort", "no", "21", **CONTRACT)
    yield Path("giro, consent, pass, sign, abort", "no", "21", **CONTRACT)


async def click(page, name, role="button"):
    """Clicks, and waits for the next page."""
    async with page.expect_navigation(wait_until="commit"):
        await page.get_by_role(role, name=name, exact=True).click()


async def read_tan(page, words):
    """Reads the newest TAN on the phone of the person, which opens in a new tab."""
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name=words["phone"], exact=True).click()
    phone = await opened.value
    newest = phone.get_by_role("list", name=words["messages"]).get_by_role("listitem").first
    tan = await newest.get_by_role("strong").inner_text()
    await phone.close()
    return tan


async def move(page, words, name, url):
    """Makes one click of a path, with what must be filled in before."""
    if name == "again":
        await page.wait_for_url("**/no?*", wait_until="commit")
        await page.goto(url)
    elif name in ("consent", "sign"):
        await page.get_by_role("checkbox", name=words["agree" if name == "consent" else "agree to sign"]).check()
        await click(page, words[name])
    elif name in ("tan", "sign tan"):
        await page.get_by_role("textbox", name="TAN").fill(await read_tan(page, words))
        await click(page, words[name])
    elif name == "wrong":
        await page.get_by_role("textbox", name="TAN").fill("wrong!")
        either = re.compile(f"^({words['tan']}|{words['sign tan']})$")
        await click(page, either)
    else:
        await click(page, words[name])


async def walk(page, sandbox, site, path, words):
    """Goes along a path, and checks where it ends."""
    case, url = await off_thread(sandbox.place, RedirectURL=site.redirects(), **path.order)
    await page.goto(url)
    await expect(page.get_by_role("heading", name=words["choose"])).to_be_visible()
    expected = [words[method] for method in METHODS[path.order.get("Product", 12)]]
    offered = await page.get_by_role("list").get_by_role("button").all_inner_texts()
    assert offered == expected, f"{offered}, not {expected}"
    for name in path.moves:
        await move(page, words, name, url)
    await page.wait_for_url(f"{site.url}/{path.end}?id={case}&ref=customer-4711", wait_until="commit")
    await expect(page.get_by_role("heading")).to_have_text("Thank you" if path.end == "yes" else "Please try again")
    if path.status:
        status = await off_thread(sandbox.status, case)
        assert status == path.status, f"{status}, not {path.status}"
    # The link, opened again, shows the result, and leads to the customer.
    await page.goto(url)
    heading = "done" if path.end == "yes" else "left" if path.status == "21" else "failed"
    await expect(page.get_by_role("heading", name=words[heading], exact=True)).to_be_visible()
    await click(page, words["continue"], "link")
    await page.wait_for_url(f"{site.url}/{path.end}?*", wait_until="commit")


async def test_every_path_ends_at_the_redirect(bench):
    with bench.sandbox() as sandbox, bench.site() as site:
        paths = [path for path in all_paths() if bench.all or path.short]
        kinds = list(itertools.product(WORDS, [True, False]))
        assert len(paths) >= (75 if bench.all else 10), len(paths)

        async def walk_all(language, script, some):
            kind = f"{language}, {'with' if script else 'without'} script"
            window = bench.browser.window(sandbox.listen, site.url, script=script, language=LOCALES[language], width=390)
            async with window as page:
                for path in some:
                    try:
                        await walk(page, sandbox, site, path, WORDS[language])
                    except Exception as error:
                        raise AssertionError(f"{path}, {kind}: {error}") from error

        if bench.all:
            # Each path in two windows of each kind.
            await bench.together(walk_all(*kind, paths[first::2]) for kind in kinds for first in range(2))
        else:
            # Each path once, and a window of each kind.
            await bench.together(walk_all(*kind, paths[first::4]) for first, kind in enumerate(kinds))


async def test_a_spinner_page_waits_for_the_webhook(bench):
    with bench.sandbox() as sandbox, bench.site() as site:
        sandbox.admin("POST", "settings", {"identity_tm": {"spinner_page": True}})
        sandbox.admin("POST", "webhooks", {"mode": "hold"})
        words = WORDS["en"]
        for script in [True, False]:
            hooks = {"OnFinal": site.url + "/webhook"}
            case, url = sandbox.place(RedirectURL=site.redirects(), WebhookURL=hooks)
            async with bench.browser.window(sandbox.listen, site.url, script=script) as page:
                await page.goto(url)
                for name in ["giro", "consent", "pass"]:
                    await move(page, words, name, url)
                await page.wait_for_url(f"{site.url}/yes?id={case}&*", wait_until="commit")
        assert sandbox.admin("GET", "deliveries")["deliveries"]


async def test_the_end_of_an_order_without_a_redirect(bench):
    words = WORDS["de"]
    with bench.sandbox() as sandbox:
        async with bench.browser.window(sandbox.listen, script=False, language="de-DE") as page:
            for moves, heading in [(success("giro"), "done"), ("giro, consent, fail", "failed"), ("abort", "left")]:
                case, url = sandbox.place()
                await page.goto(url)
                for name in moves.split(", "):
                    await move(page, words, name, url)
                await expect(page.get_by_role("heading", name=words[heading], exact=True)).to_be_visible()
                await expect(page.get_by_role("link", name=words["continue"])).to_have_count(0)
            _, url = sandbox.place()
            sandbox.admin("POST", "clock/advance", {"seconds": 90 * 86_400})
            await page.goto(url)
            await expect(page.get_by_role("heading", name=words["expired"], exact=True)).to_be_visible()


async def test_an_ident_of_identify24(bench):
    words = WORDS["en"]
    with bench.sandbox() as sandbox:
        for script in [True, False] if bench.all else [False]:
            async with bench.browser.window(sandbox.listen, script=script) as page:
                for moves, heading, status in [
                    ("video, consent, enter, pass", "done", "Identified"),
                    ("video, consent, enter, fail", "failed", "Rejected"),
                    ("video, consent, enter, postpone", "appointment", "Unidentified"),
                    ("video, consent, leave the room", "left", "Unidentified"),
                ]:
                    case, url = sandbox.create()
                    await page.goto(url)
                    for name in moves.split(", "):
                        await move(page, words, name, url)
                    await expect(page.get_by_role("heading", name=words[heading], exact=True)).to_be_visible()
                    assert sandbox.status(case) == status, (moves, sandbox.status(case))


async def test_an_old_page_shows_the_current_step(bench):
    words = WORDS["en"]
    with bench.sandbox() as sandbox:
        _, url = sandbox.place()
        async with bench.browser.window(sandbox.listen) as page:
            old = await page.context.new_page()
            for each in [page, old]:
                await each.goto(url)
            await move(page, words, "shop", url)
            await move(page, words, "consent", url)
            await click(old, words["eid"])
            await expect(old.get_by_role("alert")).to_contain_text("no longer possible")
            await expect(old.get_by_role("button", name=words["pass"], exact=True)).to_be_visible()
            await page.go_back()
            await expect(page.get_by_role("button", name=words["pass"], exact=True)).to_be_visible()


async def test_a_person_uses_only_the_keyboard(bench):
    words = WORDS["en"]
    with bench.sandbox() as sandbox, bench.site() as site:
        _, url = sandbox.place(RedirectURL=site.redirects())
        async with bench.browser.window(sandbox.listen, site.url) as page:
            await page.goto(url)

            async def focus(name):
                for _ in range(30):
                    await page.keyboard.press("Tab")
                    focused = await page.evaluate(
                        "[document.activeElement.textContent, document.activeElement.labels?.[0]?.textContent]"
                    )
                    if name in focused:
                        return
                raise AssertionError(f"the Tab key does not reach: {name}")

            await page.keyboard.press("Tab")
            skip = await page.evaluate("document.activeElement.textContent")
            assert skip == "Skip to the content", skip
            for name, key in [("giro", "Enter"), ("agree", "Space"), ("consent", "Enter"), ("pass", "Enter")]:
                await focus(words[name])
                if key == "Space":
                    await page.keyboard.press(key)
                    continue
                async with page.expect_navigation(wait_until="commit"):
                    await page.keyboard.press(key)
            await page.wait_for_url(f"{site.url}/yes?*", wait_until="commit")
