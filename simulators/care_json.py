"""Municipal care-record systems that push JSON by HTTP (favrskov-omsorg, norddjurs-omsorg).

``POST {target}/api/v1/feeds/{source}`` with ``Authorization: Bearer KEY`` and
``Content-Type: application/json``; the body as `simulators.own_json` describes, all units of the
municipality in every document, on each change and at least every few minutes.
"""

from simulators.document import Emission, Flaw
from simulators.figures import Look
from simulators.own_json import reports


def push(look: Look, flaw: Flaw | None = None) -> Emission:
    """The one document that goes out."""
    return (reports(look, flaw),)
