"""Figures of registers on the charts: drafts are seen to be drafts, corrections say what was."""

from csv import DictReader
from io import StringIO

from tests.support.indicator_pages import (
    API,
    CLUSTER,
    CODES,
    RANDERS,
    chart,
    hand_in,
    row,
    sign,
    text,
)
from tests.support.people import Person
from tests.support.registers import lines, months

pytest_plugins = ["tests.support.indicator_fixtures"]

NUMBERS = [800, 812, 805, 799, 810, 803, 808, 795, 801, 806, 798, 804, 809, 802, 990]
"""Fifteen months from January 2025, of which the last is far above the others."""


async def test_a_draft_is_a_draft_in_the_picture_the_table_and_the_words(
    coordinator: Person, administrator: Person
) -> None:
    await hand_in(coordinator, months(NUMBERS))
    shown = await chart(coordinator, RANDERS, "acute_admissions")
    picture = shown.partition("<svg")[2].partition("</svg>")[0]
    assert picture.count('chart-draft"') == 13 + 1, "each point, and the mark beside the words"
    assert ">13 kladder</text>" in picture
    assert "13 værdier er kladder, som ingen har godkendt." in text(shown.partition("<svg")[0])
    assert "<desc" in picture
    assert "13 værdier er kladder" in picture.partition("<desc")[2].partition("</desc>")[0]
    assert "kladde" in row(shown, "marts 2026")
    assert "10,1 pr. 1.000" in row(shown, "marts 2026")
    for said in ("Indsendt fra: LPR.", "Validering: 13 ikke kontrollerede.",
                 "Akutte indlæggelser af kommunens borgere.", "Planlagte indlæggelser",
                 "vist for hver måned"):  # fmt: skip
        assert said in text(shown), said
    page = (await coordinator.client.get(RANDERS)).text
    changed = text(page.partition('<ul class="changed">')[2].partition("</ul>")[0])
    assert "marts 2026, over den øvre grænse" in changed
    assert "(kladde)" in changed
    assert "Endnu ikke indsendt fra registre: Akutte indlæggelser, 65+" in text(page)

    await sign(coordinator, "check", range(1, 16))
    await sign(administrator, "approve", range(1, 15))
    shown = await chart(coordinator, RANDERS, "acute_admissions")
    assert ">1 kladde</text>" in shown
    assert "kontrolleret, ikke godkendt" in row(shown, "marts 2026")
    approved = row(shown, "februar 2026")
    assert "godkendt" in approved
    assert f"Kontrolleret af {coordinator.account.id} (koordinator)." in text(shown)
    assert f"Godkendt af {administrator.account.id} (administrator)." in text(shown)
    assert "kladde" not in approved
    assert "Validering: 1 kontrolleret, ikke godkendt, 12 godkendte." in text(shown)


async def test_a_correction_says_what_was(coordinator: Person) -> None:
    await hand_in(coordinator, months(NUMBERS))
    await hand_in(coordinator, lines("acute_admissions;0730;2026-03;808;98000;LPR"))
    await hand_in(coordinator, lines("acute_admissions;0730;2026-03;807;98000;LPR"))
    shown = await chart(coordinator, f"{RANDERS}?step=month", "acute_admissions")
    found = row(shown, "marts 2026")
    assert found.startswith("8,2 pr. 1.000 kladde")
    was = "rettet 22. november 2026 kl. 10.00, var"
    assert found.index(f"{was} 8,2 pr. 1.000 (808 / 98.000)") < found.index(
        f"{was} 10,1 pr. 1.000 (990 / 98.000)"
    )
    assert "1 værdi er rettet; tabellen har den tidligere." in text(shown)
    english = await chart(coordinator, f"{RANDERS}?lang=en", "acute_admissions")
    assert "was 10.1 per 1,000 (990 / 98,000)" in row(english, "March 2026")


async def test_a_cluster_needs_all_its_municipalities(coordinator: Person) -> None:
    for code in CODES:
        await hand_in(coordinator, months(NUMBERS[: 14 if code == "0706" else 15], code=code))
    await hand_in(coordinator, lines("acute_admissions;0710;2026-02;700;98000;LPR"))
    shown = await chart(coordinator, f"{CLUSTER}?step=month", "acute_admissions")
    assert "1 tal mangler, så summen er ukendt" in row(shown, "marts 2026")
    assert row(shown, "marts 2026").startswith("–")
    february = row(shown, "februar 2026")
    assert february.startswith("7,9 pr. 1.000")
    assert "Favrskov: rettet" in february


async def test_shares_have_a_p_chart_and_programs_are_told_the_same(
    coordinator: Person, administrator: Person
) -> None:
    rows = [f"readmissions_30;0730;2025-{n:02};{90 + n % 3};800;LPR" for n in range(1, 13)]
    await hand_in(coordinator, lines(*rows, "readmissions_30;0730;2026-01;160;800;LPR"))
    await sign(coordinator, "check", range(1, 14))
    await sign(administrator, "approve", range(1, 14))
    await hand_in(coordinator, lines("readmissions_30;0730;2026-01;150;800;LPR"))
    found = (
        await coordinator.client.get(
            f"{API}?municipality=0730&step=month&indicator=readmissions_30"
        )
    ).json()
    assert found["first"] is None, "there is nothing of our own history"
    (told,) = found["indicators"]
    assert (told["chart"], told["step"]) == ("p", "month")
    *_, before, last = told["series"]
    assert before["register"]["state"] == "approved"
    assert before["register"]["approved"][0]["role"] == "administrator"
    assert last["value"] == 150 * 100 / 800
    assert last["signal"]["side"] == "above"
    assert last["register"]["state"] == "draft"
    assert last["register"]["sources"] == ["LPR"]
    (earlier,) = last["register"]["earlier"]
    assert (earlier["value"], earlier["numerator"]) == (20.0, 160)
    answer = await coordinator.client.get(f"{RANDERS}?step=month&format=csv")
    cells = list(DictReader(StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert len(cells) == 13
    assert (cells[-1]["state"], cells[-1]["register"]) == ("draft", "LPR")
    assert cells[-1]["earlier"] == "0730 2026-01-01: 160/800 until 2026-11-22T09:00:00Z"
    assert cells[-2]["checked_by"] == coordinator.account.id
    assert cells[-2]["excludes"] == "Planlagte genindlæggelser; overflytninger."
