"""Tables of figures as pages show them, and figures as they are written there."""

import re


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").split())


def table(html: str, id_: str) -> dict[str, list[str]]:
    """The lines of a table by name, without the note below it."""
    inside = html.partition(f'<caption id="{id_}">')[2].partition("</table>")[0]
    found = {}
    for line in inside.partition("<tbody")[2].split("</tr>")[:-1]:
        head = "<th" + line.partition("<th")[2].partition("</th>")[0]
        name = text(re.sub(r'<span class="note">.*?</span>', "", head))
        cells = [re.sub(r"<svg.*?</svg>|<span.*?</span>", "", each) for each in line.split("<td")]
        found[name] = [text(each.partition(">")[2]) for each in cells[1:]]
    return found


def danish(value: float, decimals: int) -> str:
    """A figure as the pages write it."""
    whole, _, rest = f"{value + 1e-9:.{decimals}f}".partition(".")
    whole = f"{int(whole):,}".replace(",", ".") if len(whole) > 4 else whole
    return f"{whole},{rest}" if rest else whole


def share(part: float, of: float) -> str:
    return f"{danish(100 * part / of, 1)} %"
