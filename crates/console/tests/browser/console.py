"""The console: find an order among many, play it, repair its webhook, move time, and open every page."""

import asyncio
import re

from playwright.async_api import expect

import person
from support import call, off_thread

# Number of orders in the list, in a few tests and in all.
FEW, MANY = 500, 50_000

SECTIONS = ["Orders", "Webhooks", "Journal", "Outbox", "Faults", "Clock", "Settings", "Rules", "Worlds"]


async def submit(page, name, role="button"):
    """Presses a button, and waits for the page that it leads to."""
    async with page.expect_navigation(wait_until="commit"):
        await page.get_by_role(role, name=name, exact=True).click()


async def open_order(page, case):
    async with page.expect_navigation(wait_until="commit"):
        await page.get_by_role("main").get_by_role("link", name=case, exact=True).click()


async def wait_for(page, what, script):
    """Waits until the page shows something. Without the script, the page must be read again."""
    if not script:
        for _ in range(100):
            if await what.count():
                break
            await page.wait_for_timeout(100)
            await page.reload()
    await expect(what).to_be_visible()


async def find_and_repair(bench, sandbox, site, reference, script):
    """Finds an order, plays it, sees its webhook fail, repairs the receiver, resends, and advances a week."""
    case, _ = await off_thread(sandbox.place, Ref=reference, WebhookURL={"OnFinal": site.url + "/webhook?id=[OrderID]"})
    site.status, calls = 500, len(site.webhooks)
    async with bench.browser.window(sandbox.console, script=script) as page:
        await page.goto(sandbox.console)
        await expect(page.get_by_text(re.compile(r"^[\d,]+ orders$"))).to_be_visible()
        await page.get_by_role("searchbox", name="Search").fill(reference)
        await submit(page, "Find")
        await expect(page.get_by_text("1 order found")).to_be_visible()
        await open_order(page, case)
        await submit(page, "positive: play this story")
        await expect(page.get_by_role("status")).to_have_text("Played.")
        await expect(page.locator(".timeline")).to_contain_text("played positive")
        webhooks = page.get_by_role("region", name="Webhooks", exact=True)
        row = webhooks.get_by_role("row").nth(1)
        await wait_for(page, row.filter(has_text="500"), script)
        async with page.expect_navigation(wait_until="commit"):
            await row.get_by_role("link", name=re.compile(r"^OnFinal #\d+$")).click()
        await expect(page.get_by_text("the database is not reachable")).to_be_visible()
        site.status = 200
        await submit(page, re.compile(r"^Resend: send it again now"))
        await expect(page.get_by_role("status")).to_have_text("The webhook was sent again.")
        await wait_for(page, page.get_by_role("heading", name="Attempt 2 delivered 200"), script)
        assert len(site.webhooks) == calls + 2, site.webhooks
        before = await page.get_by_role("region", name="Clock").get_by_role("time").first.get_attribute("datetime")
        await submit(page, "+7 d: advance time by a week")
        after = await page.get_by_role("region", name="Clock").get_by_role("time").first.get_attribute("datetime")
        assert (before[:10], after[:10]) == ("2020-09-10", "2020-09-17") or before[:10] == "2020-09-17", (before, after)
        await open_order(page, case)
        await expect(page.get_by_role("definition").get_by_text("deleted", exact=True)).to_be_visible()


async def test_an_order_among_many_is_found_and_repaired(bench):
    number = MANY if bench.all else FEW
    with bench.sandbox("--keep-cases", str(number + 100)) as sandbox, bench.site() as site:
        await off_thread(sandbox.fill, number)
        for script in [True, False]:
            await find_and_repair(bench, sandbox, site, f"repair-{'with' if script else 'without'}-script", script)
        async with bench.browser.window(sandbox.console, script=False) as page:
            await page.goto(sandbox.console)
            await submit(page, "Older", "link")
            await expect(page.get_by_role("row")).to_have_count(51)
            await submit(page, "Newest", "link")


async def test_every_page_opens_without_an_error(bench):
    with bench.sandbox() as sandbox, bench.site() as site:
        case, _ = sandbox.place(WebhookURL={"OnFinal": site.url + "/webhook"}, VideoIdentMovie=True)
        sandbox.create()
        sandbox.admin("POST", f"orders/{case}/transition", {"story": "positive"})
        sandbox.admin("POST", "clock/advance", {"seconds": 0})
        for script in [True, False] if bench.all else [True]:
            async with bench.browser.window(sandbox.console, script=script, faults=["404"]) as page:
                await page.goto(sandbox.console)
                seen, todo = set(), [sandbox.console + "/"]
                sections = await page.get_by_role("navigation", name="Sections").get_by_role("link").all_inner_texts()
                assert sections == SECTIONS, sections
                # Every link of the console, once for each kind of page.
                while todo:
                    url = todo.pop()
                    response = await page.goto(url)
                    assert response.status == 200, (url, response.status)
                    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
                    for href in await page.eval_on_selector_all("main a, nav a", "all => all.map((one) => one.href)"):
                        kind = re.sub(r"[0-9A-F]{6,}|\d+|=[^&]*", "?", href.removeprefix(sandbox.console))
                        is_page = href.startswith(sandbox.console) and "/raw" not in href and "#" not in href
                        if is_page and kind not in seen and (bench.all or len(seen) < 25):
                            seen.add(kind)
                            todo.append(href)
                assert len(seen) >= 20, seen
                assert (await page.goto(sandbox.console + "/nowhere")).status == 404
                await expect(page.get_by_role("heading", name="Unknown page")).to_be_visible()


async def test_the_landing_page_opens_from_the_order(bench):
    with bench.sandbox() as sandbox, bench.site() as site:
        case, url = sandbox.place(RedirectURL=site.redirects())
        async with bench.browser.window(sandbox.console, sandbox.listen, site.url) as page:
            await page.goto(sandbox.console)
            await open_order(page, case)
            await submit(page, "Open the landing page", "link")
            assert page.url == url and len(page.context.pages) == 1, page.url
            for name in ["giro", "consent", "pass"]:
                await person.move(page, person.WORDS["en"], name, url)
            await page.wait_for_url(f"{site.url}/yes?id={case}&*", wait_until="commit")


async def test_a_page_follows_what_happens(bench):
    with bench.sandbox() as sandbox:
        async with bench.browser.window(sandbox.console, permissions=["clipboard-read", "clipboard-write"]) as page:
            await page.goto(sandbox.console)
            await expect(page.get_by_text("live", exact=True)).to_be_visible()
            case, _ = await off_thread(sandbox.place)
            await open_order(page, case)
            await expect(page.get_by_text("live", exact=True)).to_be_visible()
            await off_thread(sandbox.admin, "POST", f"orders/{case}/transition", {"story": "negative"})
            await expect(page.locator(".timeline")).to_contain_text("played negative")
            await page.get_by_text("The same with curl").click()
            await page.get_by_role("button", name="Copy").click()
            copied = await page.evaluate("navigator.clipboard.readText()")
            assert f"/_sandbox/v1/orders/{case}'" in copied, copied
            first = next(line for line in copied.splitlines() if line.startswith("curl")).split("'")[1]
            assert (await off_thread(call, "GET", first))["id"] == case


async def test_what_happens_before_the_connection_is_shown(bench):
    with bench.sandbox() as sandbox:
        async with bench.browser.window(sandbox.console) as page:
            placed = asyncio.Event()

            async def connect_late(route):
                await placed.wait()
                await route.continue_()

            await page.route("**/_sandbox/v1/events*", connect_late)
            await page.goto(sandbox.console)
            case, _ = await off_thread(sandbox.place)
            placed.set()
            await expect(page.get_by_role("main").get_by_role("link", name=case)).to_be_visible()


async def test_faults_settings_and_worlds_are_changed(bench):
    with bench.sandbox() as sandbox:
        async with bench.browser.window(sandbox.console, script=bench.all, width=390) as page:
            await page.goto(sandbox.console + "/faults")
            await page.get_by_role("combobox", name="Fault").select_option("status")
            await page.get_by_role("textbox", name="Parameters").fill('{"status":503}')
            await submit(page, "Switch on")
            await expect(page.get_by_role("status")).to_have_text("The fault is on.")
            await submit(page, re.compile("^Remove: switch off fault"))
            await expect(page.get_by_text("No fault is on.")).to_be_visible()
            await page.goto(sandbox.console + "/settings")
            await submit(page, "Change spinner_page", "link")
            await page.get_by_role("textbox").last.fill("true")
            await submit(page, "Change")
            assert sandbox.admin("GET", "settings")["identity_tm"]["spinner_page"] is True
            await page.goto(sandbox.console + "/worlds")
            await page.get_by_role("textbox", name="Id").fill("second")
            await submit(page, "Create")
            await expect(page.get_by_role("status")).to_have_text("The world exists.")
            await submit(page, "Delete: delete the world second")
            await expect(page.get_by_role("status")).to_have_text("The world was deleted.")
