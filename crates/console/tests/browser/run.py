"""Runs the browser tests: a few of them, or all with `--all`. `cargo xtask browser` starts it with the right programs.

    IDENTKIT=target/debug/identkit CHROMIUM=/usr/bin/chromium python3 run.py [--all] [WORDS OF A TEST…]

One browser process, several windows at a time. The exit code is 1 if a test failed."""

import asyncio
import contextlib
import os
import sys
import threading
import time
import traceback

from playwright.async_api import async_playwright, expect

import access
import console
import example
import person
import support

MODULES = [example, person, console, access]

# Maximum run time in seconds: of a test, and of the whole run.
TEST, RUN = 120, 300
TEST_OF_ALL, RUN_OF_ALL = 900, 1800

# Windows at a time.
LANES = 4


class Bench:
    """What a test gets: the browser, and sandboxes and websites that end with the run at the latest."""

    def __init__(self, browser, everything, stack):
        self.browser, self.all, self.stack = browser, everything, stack
        self.lanes = asyncio.Semaphore(LANES)

    def sandbox(self, *options):
        return self.stack.enter_context(support.Sandbox(*options))

    def site(self):
        return self.stack.enter_context(support.Site())

    async def together(self, work):
        """Runs parts of a test beside each other. All of them run, and then the failed ones are reported."""

        async def one(part):
            async with self.lanes:
                await part

        results = await asyncio.gather(*map(one, work), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        assert not failed, f"{len(failed)} of {len(results)} failed:\n" + "\n".join(map(str, failed))


async def run_all(everything, words):
    tests = [test for module in MODULES for name, test in vars(module).items() if name.startswith("test_")]
    tests = [test for test in tests if all(word in test.__name__ for word in words)]
    assert tests, "no test has these words in its name"
    expect.set_options(timeout=support.HANGS * 1000)
    failed = 0
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"],
            # The sandbox of Chromium needs an ordinary user, and containers have little shared memory. Nothing may
            # leave this machine.
            args=["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        print(f"Chromium {chromium.version}", flush=True)
        for test in tests:
            start = time.monotonic()
            with contextlib.ExitStack() as stack:
                bench = Bench(support.Browser(chromium), everything, stack)
                try:
                    await asyncio.wait_for(test(bench), TEST_OF_ALL if everything else TEST)
                    print(f"ok      {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
                except Exception:  # a failed test must not stop the others
                    failed += 1
                    print(f"FAILED  {test.__name__}", flush=True)
                    traceback.print_exc(limit=-3)
        await chromium.close()
    print(f"{len(tests) - failed} of {len(tests)} tests passed", flush=True)
    return 1 if failed else 0


def end(limit):
    print(f"FAILED  the tests were not over after {limit} s", flush=True)
    # Playwright's driver ends the browser as soon as this process is gone, and so does each sandbox (--with-parent).
    os._exit(1)


def main():
    everything, words = "--all" in sys.argv, [word for word in sys.argv[1:] if word != "--all"]
    limit = RUN_OF_ALL if everything else RUN
    timer = threading.Timer(limit, end, [limit])
    timer.daemon = True
    timer.start()
    sys.exit(asyncio.run(run_all(everything, words)))


if __name__ == "__main__":
    main()
