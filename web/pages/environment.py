"""The one Jinja environment: everything escaped, a misspelt name is an error."""

from typing import Final

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from web.pages.assets import static_url
from web.words import LANGUAGES, Words


def _as_json(value: object) -> str:
    """JSON as plain text, for an attribute: the template escapes it like any other text."""
    return orjson.dumps(value).decode()


def _tel(phone: str) -> str:
    """What a telephone link dials; a Danish number gets its country code."""
    digits = "".join(c for c in phone if c.isdigit())
    if phone.strip().startswith("+"):
        return f"tel:+{digits}"
    return f"tel:+45{digits}" if len(digits) == 8 else f"tel:{digits}"


ENVIRONMENT: Final = Environment(
    loader=PackageLoader("web", "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.globals["static_url"] = static_url
ENVIRONMENT.filters["as_json"] = _as_json
ENVIRONMENT.filters["tel"] = _tel


def render(template: str, words: Words, **values: object) -> str:
    """Render a template with the words of a language as `t` (text) and `words`."""
    return ENVIRONMENT.get_template(template).render(
        t=words.text, words=words, lang=words.lang, languages=LANGUAGES, **values
    )
