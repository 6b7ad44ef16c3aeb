"""Other people's things, by their ids: everybody asks, and gets their own only."""

from datetime import timedelta

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from capacity.instants import format_instant, utc_now
from capacity.people import NewAccount
from tests.support.besieged import (
    ELSEWHERE,
    FORM,
    HERE,
    SHEET,
    SOURCE,
    UNIT,
    WHO,
    XML,
    Besieged,
    app_of,
    filled,
)
from tests.support.walking import routes_of
from web.auth.cookies import PLAIN

pytest_plugins = ["tests.support.besieged_fixtures"]


async def test_a_hold_is_moved_by_those_it_concerns_only(place: Besieged) -> None:
    before = await place.standing()
    hold = place.ids["hold"]
    mine = f"/api/v1/holds/{HERE}/{hold}"
    for who in WHO:
        for action in ("accept", "decline", "cancel", "fill", "release"):
            if (who, action) in {
                ("visitator", "cancel"),
                ("visitator", "fill"),
                ("visitator", "release"),
                ("nurse", "accept"),
                ("nurse", "decline"),
                ("nurse", "fill"),
                ("nurse", "release"),
            }:
                continue  # fmt: skip
            answer = await place.send(who, "POST", f"{mine}/{action}", {}, key=f"{who}{action}")
            assert answer.status_code == 403, (who, action, answer.text)
    for who in ("visitator", "visitator elsewhere", "nurse elsewhere", "coordinator elsewhere"):
        answer = await place.send(who, "POST", f"/api/v1/holds/{ELSEWHERE}/{hold}/cancel", {})
        assert answer.status_code in (403, 404), "the same id by another cluster's address"
    assert await place.standing() == before
    assert (await place.send("nurse", "POST", f"{mine}/accept", {})).status_code == 200


async def test_what_belongs_to_a_cluster_is_read_by_its_own_people_only(place: Besieged) -> None:
    outside = ("visitator elsewhere", "nurse elsewhere", "coordinator elsewhere", "operator")
    paths = [f"/api/v1/board/{HERE}", f"/api/v1/holds/{HERE}", f"/api/v1/surge/{HERE}",
             f"/api/v1/alternatives/{HERE}", f"/api/v1/outcomes/{HERE}",
             f"/api/v1/outcomes/{HERE}.csv", f"/api/v1/units/{UNIT}", f"/board/{HERE}",
             f"/wall/{HERE}", f"/print/{HERE}",
             f"/api/v1/board/{HERE}?at={format_instant(utc_now())}"]  # fmt: skip
    for path in paths:
        assert (await place.get("visitator", path)).status_code == 200, path
        for who in outside:
            answer = await place.get(who, path)
            assert answer.status_code == 403, (who, path)
            assert UNIT not in answer.text.replace(path, "")
    for who in outside:
        token = place.people[who].client.cookies[PLAIN]
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"{place.service.live}/{HERE}", additional_headers={"Cookie": f"{PLAIN}={token}"}
            )
        assert refused.value.response.status_code == 403
    wall = {"Authorization": f"Bearer {place.keys[HERE]}"}
    get = place.service.client.get
    assert (await get(f"/api/v1/board/{HERE}", headers=wall)).status_code == 200
    assert (await get(f"/api/v1/board/{ELSEWHERE}", headers=wall)).status_code == 403


async def test_an_outcome_is_corrected_by_its_own_cluster_only(place: Besieged) -> None:
    before = await place.standing()
    body = {"outcome": "other"}
    for who in WHO:
        for cluster in (HERE, ELSEWHERE):
            if (who, cluster) == ("visitator", HERE):
                continue
            path = f"/api/v1/outcomes/{cluster}/{place.ids['outcome']}/correct"
            answer = await place.send(who, "POST", path, body, key=f"{who}{cluster}")
            assert answer.status_code in (403, 404), (who, cluster, answer.text)
    assert await place.standing() == before


async def test_a_unit_is_spoken_for_by_its_own_people_only(place: Besieged) -> None:
    before = await place.standing()
    subscription = place.ids["subscription"]
    mine = f"/api/v1/units/{UNIT}"
    for who in WHO:
        if who == "nurse":
            continue
        said = await place.send(who, "POST", f"{mine}/report", {"free": 9}, key=who)
        assert said.status_code == 403, who
        assert (await place.send(who, "GET", f"{mine}/push")).status_code == 403, who
        gone = await place.send(who, "DELETE", f"{mine}/push/{subscription}")
        assert gone.status_code == 403, who
        assert (await place.get(who, f"/unit/{UNIT}")).status_code == 403, who
    # Their own unit's address with the id of another's subscription.
    theirs = "/api/v1/units/norddjurs-akutplads/push"
    await place.send("nurse next door", "DELETE", f"{theirs}/{subscription}")
    sent = await place.send("nurse next door", "POST", f"{theirs}/{subscription}/test")
    assert sent.status_code == 404
    assert await place.standing() == before


async def test_quarantine_is_open_to_operators_only_and_by_the_right_source(
    place: Besieged,
) -> None:
    before = await place.standing()
    ids = place.ids
    for who in WHO:
        if who in ("operator", "administrator"):
            continue
        for path in ("/operator", f"/operator/{SOURCE}", f"/operator/{SOURCE}/{ids['entry_id']}",
                     f"/operator/documents/{ids['document']}"):  # fmt: skip
            assert (await place.get(who, path)).status_code == 403, (who, path)
        form = {"csrf": place.people[who].csrf, "id": ids["entry_id"], "by": "me"}
        for action in ("replay", "dismiss"):
            answer = await place.people[who].client.post(f"/operator/{SOURCE}/{action}", data=form)
            assert answer.status_code == 403, (who, action)
    right = await place.get("operator", f"/operator/{SOURCE}/{ids['entry_id']}")
    assert right.status_code == 200
    wrong = await place.get("operator", f"/operator/{SHEET}/{ids['entry_id']}")
    assert wrong.status_code == 404
    form = {"csrf": place.people["operator"].csrf, "id": ids["entry_id"], "by": "me"}
    await place.people["operator"].client.post(f"/operator/{SHEET}/dismiss", data=form)
    assert await place.standing() == before


async def test_accounts_sessions_and_keys_are_their_owners_and_the_administrators(
    place: Besieged,
) -> None:
    before = await place.standing()
    ids = place.ids
    paths = [path for method, path in routes_of(app_of(place)) if path.startswith("/admin")]
    assert len(paths) > 8
    for who in WHO:
        if who == "administrator":
            continue
        for method, path in routes_of(app_of(place)):
            if not path.startswith("/admin"):
                continue
            for action in ("disable", "erase", "change", "sign-out"):
                address = filled(path, ids | {"action": action})
                form = FORM | {"csrf": place.people[who].csrf}
                answer = await place.people[who].client.request(
                    method, address, data=form if method != "GET" else None
                )
                assert answer.status_code == 403, (who, method, address, answer.status_code)
        # Another's session by its id.
        if who != "visitator":
            await place.people[who].client.post(
                f"/account/sessions/{ids['ended']}/end", data={"csrf": place.people[who].csrf}
            )
    assert await place.standing() == before


async def test_a_key_feeds_its_own_source_only(place: Besieged) -> None:
    for source in (SHEET, XML, "nowhere"):
        answer = await place.service.push(source, b"[]", key=place.keys[SOURCE])
        assert answer.status_code == 403
    for who in WHO:
        answer = await place.send(who, "POST", f"/api/v1/feeds/{SOURCE}", [])
        assert answer.status_code in (401, 403), "a person's session is no source's key"


async def test_an_idempotency_key_reaches_only_ones_own_answers(place: Besieged) -> None:
    """Somebody else's key with the same request: a new request of theirs, not the first answer."""
    body = {"outcome": "other"}
    path = f"/api/v1/outcomes/{HERE}"
    first = await place.send("visitator", "POST", path, body, key="shared")
    assert first.status_code == 201
    account, _ = await place.service.services.door.people.create(
        NewAccount(role="visitator", login="colleague", organisation="regionshospitalet-randers")
    )
    before = await place.standing()
    for odd in ("x" * 128, "{randers}", "' OR 1=1", "*", "a:b"):
        answer = await place.send("visitator", "POST", path, {"outcome": "nothing"}, key=odd)
        assert answer.status_code == 422
    assert account.id in before["accounts"]
    assert await place.standing() == before


async def test_the_siege_is_noticed(place: Besieged) -> None:
    """Or `standing` would prove nothing: each of its parts moves when something is done."""
    before = await place.standing()
    await place.send("nurse", "POST", f"/api/v1/holds/{HERE}/{place.ids['hold']}/accept", {})
    await place.send("visitator", "POST", f"/api/v1/outcomes/{HERE}", {"outcome": "other"}, key="2")
    await place.send("nurse", "POST", f"/api/v1/units/{UNIT}/report", {"free": 1}, key="2")
    gone = f"/api/v1/units/{UNIT}/push/{place.ids['subscription']}"
    await place.send("nurse", "DELETE", gone)
    form = {"csrf": place.people["operator"].csrf, "id": place.ids["entry_id"], "by": "me"}
    await place.people["operator"].client.post(f"/operator/{SOURCE}/dismiss", data=form)
    until_ = format_instant(utc_now() + timedelta(hours=1))
    override = {"level": 2, "reason": "because", "until": until_}
    await place.send("coordinator", "POST", f"/api/v1/surge/{HERE}", override)
    people = place.service.services.door.people
    await people.change(place.ids["account"], disabled_at=utc_now())
    await place.service.services.door.sessions.end(place.ids["account"])
    place.service.services.access.keys.revoke(place.ids["key"], utc_now())

    after = await place.standing()
    still = [name for name in before if name != "trail" and before[name] == after[name]]
    assert not still
