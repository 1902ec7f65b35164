"""The example for integrators (`crates/console/examples/playwright`), as they run it."""

import asyncio
import os
import sys

FOLDER = os.path.join(os.path.dirname(__file__), "../../examples/playwright")


async def test_the_example_for_integrators_works(bench):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "unittest", "test_shop", cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    text = output.decode()
    assert process.returncode == 0 and "\nRan 3 tests in " in text and text.endswith("\nOK\n"), text
