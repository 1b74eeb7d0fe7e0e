"""The whole loop as a new user walks it: one command, an inbox, an answer, the reaction."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.integration.test_run import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
REPLY = "We are so sorry. Could you tell us the order number, so that we can put this right?"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where `scripts/run` answers, started on an empty data folder."""
    process = subprocess.Popen(
        [ROOT / "scripts" / "run", "--data", str(tmp_path / "data"), "--port", str(free_port())],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
        env=os.environ | {"CI": ""}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"ready: (http\S+)", line):
            yield found[1]
            break
    else:
        pytest.fail(f"scripts/run never said that it is ready: {said}")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest


def test_a_new_user_claims_a_case_answers_it_and_sees_the_customer_react(
    address: str, chromium: Any
) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)

    # The first cases arrive on their own; nothing was configured.
    page.locator(".row").first.wait_for(timeout=120_000)
    assert page.get_by_text("You are looking at the demo").is_visible()
    row = page.locator(".row", has_text="@brightcup").first
    row.wait_for(timeout=60_000)
    case_id = row.get_attribute("data-id")
    name = row.locator(".name").inner_text()
    row.click()
    page.locator(f'[data-ack-id="{case_id}"]').wait_for(timeout=30_000)
    assert page.locator(".head h2", has_text=name).is_visible()
    assert page.locator(".why").is_visible()

    page.get_by_role("button", name="Claim").click()
    page.locator(f'.row[data-id="{case_id}"] .owner', has_text="You").wait_for(timeout=30_000)

    heard = page.locator(".said:not(.ours)").count()
    page.locator("textarea").fill(REPLY)
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".said.ours", has_text=REPLY[:30]).wait_for(timeout=30_000)
    page.locator(".said.ours .state", has_text="delivered").wait_for(timeout=90_000)

    # The customer answers on the platform; the pollers hear it; it lands in the same thread.
    page.wait_for_function(
        "n => [...document.querySelectorAll('*')].some(e => e.shadowRoot &&"
        " e.shadowRoot.querySelectorAll('.said:not(.ours)').length > n)",
        arg=heard,
        timeout=120_000,
    )
    assert faults == []
    page.close()
