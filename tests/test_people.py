"""Accounts and the audit trail, on SQLite and PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from capacity.board import Board, EmbeddedServer
from capacity.board.audit import AuditTrail
from capacity.history import History
from capacity.people import AuditCopier, NewAccount, People, PeopleError, UnknownError, export

pytest_plugins = ["tests.support.database_fixtures"]

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NURSE = NewAccount(role="municipal_staff", login="Favrskov-1", organisation="favrskov-kommune")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def history(database_url: str, clock: Clock) -> AsyncIterator[History]:
    history = History(database_url, clock=clock)
    await history.start()
    yield history
    await history.stop()


@pytest.fixture
def people(history: History, clock: Clock) -> People:
    return People(history, clock)


async def test_words_that_a_database_cannot_hold_belong_to_nobody(people: People) -> None:
    """PostgreSQL refuses a NUL in any text, also in what is asked for."""
    await people.create(NURSE)
    for word in ("favrskov-1\0", "\0"):
        assert await people.by_login(word) is None
        assert await people.by_subject(word, word) is None
        assert await people.by_setup(word) is None
        with pytest.raises(UnknownError):
            await people.account(word)
        with pytest.raises(PeopleError):
            await people.create(NewAccount(role="visitator", login=word))


async def test_an_account_has_no_password_until_its_owner_chooses_one_once(
    people: People, clock: Clock
) -> None:
    account, token = await people.create(NURSE)
    assert account.password_hash is None
    assert await people.by_login("FAVRSKOV-1") == account
    assert await people.by_setup("another") is None
    assert await people.by_setup(token) == account
    redeemed = await people.redeem_setup(token, "hash of a password")
    assert redeemed is not None
    assert redeemed.password_hash == "hash of a password"
    assert redeemed.stamp == account.stamp + 1
    assert await people.redeem_setup(token, "another") is None
    again = await people.renew_setup(account.id)
    clock.now += timedelta(days=3)
    assert await people.redeem_setup(again, "too late") is None


async def test_a_login_belongs_to_one_and_holds_no_cpr(people: People) -> None:
    await people.create(NURSE)
    with pytest.raises(PeopleError, match="login: is taken"):
        await people.create(NewAccount(role="visitator", login="favrskov-1"))
    for bad in ("010203-1234", "a", "with blank", "<script>"):
        with pytest.raises(PeopleError, match="login"):
            await people.create(NewAccount(role="visitator", login=bad))
    assert len(await people.accounts()) == 1


async def test_what_changes_rights_moves_the_stamp_and_nothing_else_does(
    people: People, clock: Clock
) -> None:
    account, _ = await people.create(NURSE)
    signed_in = await people.change(account.id, last_sign_in_at=clock())
    assert signed_in.stamp == account.stamp
    for number, change in enumerate(
        ({"role": "visitator"}, {"clusters": ("randers",)}, {"disabled_at": clock()}), start=1
    ):
        changed = await people.change(account.id, **change)  # type: ignore[arg-type]
        assert changed.stamp == number
    assert changed.clusters == ("randers",)
    assert not changed.usable
    with pytest.raises(UnknownError):
        await people.change("a_nobody", role="visitator")


async def test_an_erased_account_leaves_its_pseudonym_only(people: People) -> None:
    account, token = await people.create(NURSE)
    await people.erase(account.id)
    erased = await people.account(account.id)
    assert erased.login is None
    assert erased.stamp > account.stamp
    assert not erased.usable
    assert await people.by_setup(token) is None
    assert export(erased)["login"] is None
    with pytest.raises(PeopleError, match="is erased"):
        await people.change(account.id, role="visitator")
    await people.create(NURSE)  # the login is free again


async def test_a_code_of_the_second_factor_is_good_once(people: People) -> None:
    account, _ = await people.create(NURSE)
    assert await people.use_totp_step(account.id, 100)
    assert not await people.use_totp_step(account.id, 100)
    assert not await people.use_totp_step(account.id, 99)
    assert await people.use_totp_step(account.id, 101)


async def test_people_of_an_identity_provider_are_told_apart_by_issuer(people: People) -> None:
    one = NewAccount(role="visitator", issuer="https://one.example", subject="7")
    account, _ = await people.create(one)
    assert await people.by_subject("https://one.example", "7") == account
    assert await people.by_subject("https://other.example", "7") is None


@pytest.fixture
async def trail(board: Board, valkey_server: EmbeddedServer) -> AsyncIterator[AuditTrail]:
    trail = AuditTrail(valkey_server.url)
    yield trail
    await trail.stop()


async def note(trail: AuditTrail, count: int) -> None:
    for number in range(count):
        await trail.note(
            "hold.ask",
            f"unit-{number}",
            account="a_1",
            role="visitator",
            address="192.0.2.1",
            detail={"need": "æøå", "n": number},
        )


@pytest.fixture
def copier(trail: AuditTrail, people: People, clock: Clock) -> AuditCopier:
    return AuditCopier(trail, people, clock, timedelta(days=365))


async def test_entries_are_chained_once_in_order_and_leave_the_store(
    trail: AuditTrail, people: People, copier: AuditCopier
) -> None:
    await note(trail, 3)
    waiting = await trail.waiting()
    assert await copier.copy() == 3
    assert await people.record_audit(waiting) == 0  # as another copier would, a moment later
    assert await trail.waiting() == []
    await note(trail, 2)
    assert await copier.copy() == 2
    entries = await people.audit_entries()
    assert [entry.seq for entry in entries] == [5, 4, 3, 2, 1]
    assert entries[-1].as_json()["detail"] == {"need": "æøå", "n": 0}
    verified = await people.verify_audit()
    assert (verified.entries, verified.head, verified.fault) == (5, entries[0].hash, None)
    assert [e.seq for e in await people.audit_entries(before=4, limit=2)] == [3, 2]


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        ("UPDATE audit SET account = 'a_2' WHERE seq = 2", "entry 2 was changed"),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", "entry 3 was changed"),
        ("DELETE FROM audit WHERE seq = 2", "entries 2 to 2 are missing"),
        ("DELETE FROM audit WHERE seq = 1", "entries 1 to 1 are missing"),
        ("DELETE FROM audit WHERE seq = 4", "the trail ends at 3, but 4 was written"),
        ("UPDATE audit SET previous = hash WHERE seq = 4", "entry 4 does not follow"),
    ],
)
async def test_a_removed_or_edited_entry_is_found(
    trail: AuditTrail,
    people: People,
    copier: AuditCopier,
    history: History,
    tamper: str,
    fault: str,
) -> None:
    await note(trail, 4)
    await copier.copy()
    await history.write(lambda sql: sql.execute(text(tamper)))
    assert fault in str((await people.verify_audit()).fault)


async def test_old_entries_go_and_the_chain_still_holds(
    trail: AuditTrail, people: People, copier: AuditCopier, history: History
) -> None:
    await note(trail, 4)
    await copier.copy()
    first = min([entry.at for entry in await people.audit_entries()])
    await history.write(
        lambda sql: sql.execute(text("UPDATE audit SET at = at - 86400000 WHERE seq < 3"))
    )
    assert await people.drop_audit_before(first) == 2
    assert await people.drop_audit_before(first) == 0
    assert (await people.verify_audit()).fault is None
    await note(trail, 1)
    await copier.copy()
    assert (await people.verify_audit()).entries == 3
    assert await people.drop_audit_before(first + timedelta(days=9)) == 3
    assert (await people.verify_audit()).fault is None
