"""Accessibility: axe-core finds nothing serious on any page, in light and dark colors, and no page is too wide."""

import importlib.resources

from playwright.async_api import expect

import person
from support import CONTRACT

AXE = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

# Widths of a phone and of a desktop, in pixels.
WIDTHS = [390, 1280]
SCHEMES = ["light", "dark"]


async def examine(page, where, everything):
    """Asserts that axe-core finds nothing on the page, and that its text fits.

    `everything`: whether each width is examined in both color schemes."""
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{where}: {wide} pixels wide, not {width}"
        for scheme in SCHEMES if everything else SCHEMES[width == WIDTHS[0] :][:1]:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            if not await page.evaluate("typeof axe == 'object'"):
                await page.evaluate(AXE + "\nnull")
            result = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            assert result["testEngine"]["name"] == "axe-core" and result["passes"], where
            found = [
                f"{where}, {width}, {scheme}: {one['impact']}: {one['id']}: {one['help']}: {node['html'][:160]}"
                for one in result["violations"] for node in one["nodes"][:3]
            ]
            assert not found, "\n".join(found)


async def test_landing_pages_are_accessible(bench):
    words = person.WORDS["de"]
    with bench.sandbox() as sandbox, bench.site() as site:
        case, url = sandbox.place(RedirectURL=site.redirects(), **CONTRACT)
        async with bench.browser.window(sandbox.listen, site.url, language="de-DE", faults=["404"]) as page:
            await page.goto(url)
            await examine(page, "choose", bench.all)
            for name in ["video", "consent", "enter", "pass", "wrong", "tan", "sign", "sign tan"]:
                await person.move(page, words, name, url)
                if name != "sign tan":
                    await examine(page, f"after {name}", bench.all)
            await page.wait_for_url(site.url + "/**", wait_until="commit")
            for path in ["", "/phone", "/unknown"]:
                await page.goto(url + path)
                await examine(page, path or "done", bench.all)
            _, url = sandbox.create()
            await page.goto(url)
            await examine(page, "ident", bench.all)


async def test_the_console_is_accessible(bench):
    with bench.sandbox() as sandbox, bench.site() as site:
        site.status = 500
        case, _ = sandbox.place(WebhookURL={"OnFinal": site.url + "/webhook"}, RedirectURL=site.redirects())
        sandbox.create()
        sandbox.admin("POST", "faults", {"fault": "status", "status": 503})
        sandbox.admin("POST", f"orders/{case}/transition", {"story": "positive"})
        sandbox.admin("POST", "clock/advance", {"seconds": 0})
        paths = ["/", "/?kind=idents", f"/orders/{case}", "/webhooks", "/webhooks/1", "/journal/1", "/outbox", "/faults",
                 "/clock", "/settings?edit=identity_tm.spinner_page", "/worlds", "/?done=played"]
        if bench.all:
            paths += ["/?search=nothing", "/journal", "/settings", "/rules", f"/orders/{case}/files/result.json",
                      f"/orders/{case}/files/report.pdf", "/nowhere"]
        async with bench.browser.window(sandbox.console, faults=["404"]) as page:
            for path in paths:
                await page.goto(sandbox.console + path)
                await expect(page.get_by_role("heading", level=1)).to_be_visible()
                await examine(page, path, bench.all)
