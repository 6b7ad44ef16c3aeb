"""What pages of indicators show, as people and as tests read them."""

import re
from datetime import UTC, datetime

from tests.support.people import Person

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
"""What the clock says of the service in `indicator_fixtures`."""
CLUSTER, RANDERS = "/indicators/randers", "/indicators/randers/0730"
API = "/api/v1/indicators/randers"
CODES = ("0706", "0707", "0710", "0730")


async def hand_in(person: Person, raw: bytes) -> None:
    """Bring in a file of figures of which every row can be used."""
    answer = await person.client.post(
        f"{API}/imports", files={"file": ("f.csv", raw, "text/csv")}, headers=person.headers
    )
    assert answer.status_code == 200, answer.text
    assert not answer.json()["rejected"]


async def sign(person: Person, action: str, ids: range) -> None:
    """Check or approve versions by their ids."""
    answer = await person.client.post(
        f"{CLUSTER}/imports/{action}", data={"csrf": person.csrf, "id": [str(n) for n in ids]}
    )
    assert f"{len(ids)} tal er skrevet under" in answer.text


async def chart(person: Person, path: str, indicator: str) -> str:
    """The part of the page that shows one indicator."""
    answer = await person.client.get(path)
    assert answer.status_code == 200, answer.text
    begin = f'data-indicator="{indicator}"'
    assert begin in answer.text, answer.text
    return answer.text.partition(begin)[2].partition('<div class="entry"')[0]


def text(html: str) -> str:
    """What a page says."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").split())


def row(html: str, period: str) -> str:
    """The table's row of one period."""
    (found,) = re.findall(rf'scope="row">{period}</th>(.*?)</tr>', html, re.DOTALL)
    return text(found)
