"""The administrator's pages: accounts, keys, the audit trail. Plain pages without script."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from capacity.board.sessions import Session
from capacity.people import Account, AuditEntry
from capacity.units import Catalogue, Organisation, OrganisationType
from web.auth.accounts import state_of
from web.auth.key_desk import state_of as state_of_key
from web.key_kinds import KeyKind
from web.keys import KeyRing
from web.pages import times
from web.pages.account import browser_of
from web.pages.environment import render
from web.pages.visitor import Visitor
from web.roles import PERSONS, Role
from web.words import Words

OVERLAPS = (1, 24, 7 * 24, 30 * 24)
"""Hours that an old key may go on beside its follower."""
USUAL_OVERLAP = 7 * 24
LIFETIMES = (30, 90, 365)
"""Days that a key may be made for."""
_ROLES = [role for role in Role if role in PERSONS]
_TYPES = (OrganisationType.HOSPITAL, OrganisationType.MUNICIPALITY)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page of the administrator has."""

    words: Words
    catalogue: Catalogue
    now: datetime
    csrf: str
    visitor: Visitor | None
    here: str
    demo: bool
    told: str
    error: str

    def render(self, template: str, **values: object) -> str:
        """A page, with its frame."""
        return render(
            template,
            self.words,
            frame=self,
            csrf=self.csrf,
            visitor=self.visitor,
            demo=self.demo,
            moment=self.moment,
            full=lambda instant: times.full(self.words, instant),
            **values,
        )

    def moment(self, instant: datetime | None) -> str:
        """When, in the words of the pages; a word of its own for never."""
        if instant is None:
            return self.words.text("admin_never")
        return times.moment(self.words, instant, self.now)

    def belongs(self, account: Account) -> str:
        """Where an account's rights lie: its organisation, its clusters."""
        organisation = self.catalogue.organisations.get(account.organisation or "")
        names = [organisation.name if organisation else account.organisation or ""]
        for cluster in account.clusters:
            known = self.catalogue.clusters.get(cluster)
            names.append(known.name if known else cluster)
        return ", ".join(filter(None, names)) or "–"


def render_accounts(frame: Frame, accounts: Sequence[Account]) -> str:
    """All accounts: those in use first, by role and name."""
    order = {role.value: place for place, role in enumerate(Role)}
    shown = sorted(
        accounts,
        key=lambda each: (not each.usable, order.get(each.role, 99), each.login or each.id),
    )
    boards = [frame.catalogue.clusters[each] for each in frame.catalogue.served_clusters()]
    return frame.render("admin_accounts.html", accounts=shown, state=state_of, boards=boards)


def render_account(frame: Frame, account: Account, sessions: Sequence[Session]) -> str:
    """One account, and the forms for all that can be done about it."""
    return frame.render(
        "admin_account.html",
        account=account,
        state=state_of(account),
        sessions=sessions,
        agent=browser_of,
        roles=_ROLES,
        organisations=_organisations(frame.catalogue),
        clusters=list(frame.catalogue.clusters.values()),
        chosen=(account.role, account.organisation or "", account.clusters),
    )


def render_new_account(frame: Frame, login: str, chosen: tuple[str, str, tuple[str, ...]]) -> str:
    """The form for another account; `chosen` is the role, organisation and clusters so far."""
    return frame.render(
        "admin_new_account.html",
        login=login,
        chosen=chosen,
        roles=_ROLES,
        organisations=_organisations(frame.catalogue),
        clusters=list(frame.catalogue.clusters.values()),
    )


def render_once(frame: Frame, told: str, shown: str, back: str, of: str) -> str:
    """Something that is shown this once: a link or a key; `of` says whose or what for."""
    return frame.render("admin_once.html", told=told, shown=shown, back=back, of=of)


def render_keys(
    frame: Frame,
    ring: KeyRing,
    used: Mapping[str, datetime],
    known: Mapping[KeyKind, Sequence[str]],
) -> str:
    """All keys, the usable first, and the form for another."""
    keys = sorted(ring.all(), key=lambda key: (not ring.is_usable(key), key.kind, key.of, key.made))
    return frame.render(
        "admin_keys.html",
        keys=keys,
        used=used,
        known=known,
        state=lambda key: state_of_key(key, ring),
        overlaps=OVERLAPS,
        usual=USUAL_OVERLAP,
        lifetimes=LIFETIMES,
    )


def render_audit(
    frame: Frame,
    entries: Sequence[AuditEntry],
    search: Mapping[str, str],
    older: int | None,
    paged: bool,
) -> str:
    """Entries of the trail; `older` is from where older ones go on, `paged` whether these are not
    the latest."""
    return frame.render(
        "admin_audit.html",
        entries=entries,
        search=search,
        query=urlencode(search),
        older=urlencode({**search, "before": older}) if older else "",
        paged=paged,
        detail=_detail,
    )


def _detail(entry: AuditEntry) -> str:
    """The detail in a line: what is empty says nothing."""
    said = json.loads(entry.detail)
    parts = [f"{name}: {_plain(value)}" for name, value in said.items() if value not in (None, [])]
    return ", ".join(parts)


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _organisations(catalogue: Catalogue) -> list[Organisation]:
    """Those that people are from."""
    found = [each for each in catalogue.organisations.values() if each.type in _TYPES]
    return sorted(found, key=lambda each: (_TYPES.index(each.type), each.name))
