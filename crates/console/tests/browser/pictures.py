"""Takes the pictures of docs/console.md and docs/person.md again:

    IDENTKIT=target/debug/identkit CHROMIUM=/usr/bin/chromium target/browser/bin/python \\
        crates/console/tests/browser/pictures.py docs/pictures"""

import asyncio
import io
import os
import sys

from PIL import Image
from playwright.async_api import async_playwright

import person
import support

# Maximum size of a picture in bytes.
LARGEST = 60_000


async def save(page, folder, name, height=None):
    """Saves what the window shows, with few colors."""
    size = page.viewport_size
    if height:
        await page.set_viewport_size({"width": size["width"], "height": height})
    picture = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
    if height:
        await page.set_viewport_size(size)
    path = os.path.join(folder, name + ".png")
    picture.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
    size = os.path.getsize(path)
    assert size < LARGEST, f"{path}: {size} bytes"
    print(f"{path}: {picture.width} x {picture.height}, {size} bytes")


async def take_console(browser, sandbox, site, folder):
    hooks = {"AfterIdent": site.url + "/webhook", "OnFinal": site.url + "/webhook"}
    for number in range(4700, 4711):
        case, _ = sandbox.place(Ref=f"customer-{number}", WebhookURL=hooks)
        story = ["positive", "negative", "aborted", None][number % 4]
        if story:
            sandbox.admin("POST", f"orders/{case}/transition", {"story": story})
        sandbox.admin("POST", "clock/advance", {"seconds": 1_700})
    site.status = 500
    case, _ = sandbox.place(Ref="customer-4711", WebhookURL=hooks)
    sandbox.admin("POST", "clock/advance", {"seconds": 600})
    sandbox.admin("POST", f"orders/{case}/transition", {"story": "positive"})
    sandbox.admin("POST", "clock/advance", {"seconds": 60})
    site.status = 200
    webhook = sandbox.admin("GET", f"deliveries?order={case}")["deliveries"][0]["id"]
    for width, heights in [(1280, (640, 900, 700)), (390, (844, 844, 844))]:
        async with browser.window(sandbox.console, width=width) as page:
            for name, path, height in zip(["orders", "order", "webhook"],
                                          ["/", f"/orders/{case}", f"/webhooks/{webhook}"], heights):
                await page.goto(sandbox.console + path)
                await page.get_by_text("live", exact=True).wait_for()
                await save(page, folder, f"console-{name}-{width}", height)


async def take_person(browser, sandbox, site, folder):
    words = person.WORDS["en"]
    for width in [1280, 390]:
        _, url = sandbox.place(RedirectURL=site.redirects())
        async with browser.window(sandbox.listen, site.url, width=width) as page:
            await page.goto(url)
            await save(page, folder, f"person-choose-{width}", 860)
            for name in ["video", "consent", "enter"]:
                await person.move(page, words, name, url)
            await save(page, folder, f"person-call-{width}", 560 if width == 1280 else 620)
            await person.move(page, words, "pass", url)
            if width == 390:
                await save(page, folder, f"person-tan-{width}", 620)
                await page.goto(url + "/phone")
                await save(page, folder, f"person-phone-{width}", 620)


async def main(folder):
    os.makedirs(folder, exist_ok=True)
    # Fixed ports and ids: the pictures show them.
    options = ["--listen", "127.0.0.1:8443", "--admin", "127.0.0.1:8444"]
    with support.Sandbox(*options) as sandbox, support.Site(3000) as site:
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(
                executable_path=os.environ["CHROMIUM"], args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            browser = support.Browser(chromium)
            await take_console(browser, sandbox, site, folder)
            await take_person(browser, sandbox, site, folder)
            await chromium.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
