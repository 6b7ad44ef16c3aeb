"""SVG elements as safe text: every attribute and text is escaped, and none can carry style."""

from collections.abc import Iterable

from markupsafe import Markup, escape

FORBIDDEN = ("style", "on", "href")
"""How attributes begin that the content policy would refuse, or that could run something."""


def element(name: str, *children: str | Markup, **attributes: object) -> Markup:
    """An element. ``class_`` is written class, ``stroke_width`` stroke-width; ``None`` leaves an
    attribute out. Children that are not `Markup` are text.
    """
    written = []
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if key.startswith(FORBIDDEN):
            raise ValueError(f"an attribute {key} has no place in a picture of ours")
        if value is not None:
            written.append(f' {key}="{escape(_text(value))}"')
    # Put together as plain text, of parts that are escaped: a page has thousands of elements.
    inside = "".join(escape(child) for child in children)
    head = f"<{name}{''.join(written)}"
    return Markup(f"{head}>{inside}</{name}>" if inside else f"{head}/>")  # noqa: S704


def path(points: Iterable[tuple[float, float]], **attributes: object) -> Markup:
    """A line through points."""
    steps = " L".join(f"{_text(x)} {_text(y)}" for x, y in points)
    return element("path", d=f"M{steps}", **attributes)


def _text(value: object) -> str:
    """Numbers to a tenth of a unit, which no printer shows; so the same chart is the same text."""
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
