"""Distances, and agreements on borrowing places, as catalogue files have them."""

from datetime import date
from typing import Annotated

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from capacity.catalogue_blocks import (
    AssumingBlock,
    Block,
    Code,
    HolidayOpenings,
    Id,
    Openings,
    Terms,
    YearlyDay,
    opening_of,
)
from capacity.model import UnitKind
from capacity.opening import Hours
from capacity.units import (
    Agreement,
    Distance,
    Period,
    Quota,
)


class DistanceBlock(Block):
    """How far a unit is from a municipality's citizens, by road: kilometres, minutes or both."""

    km: float | None = Field(default=None, ge=0, le=1000)
    minutes: int | None = Field(default=None, ge=0, le=1440, strict=True)

    @model_validator(mode="after")
    def _says_something(self) -> "DistanceBlock":
        if self.km is None and self.minutes is None:
            raise ValueError("gives neither km nor minutes")
        return self

    def distance(self) -> Distance:
        """The distance as the rules take it."""
        return Distance(self.km, self.minutes)


class QuotaBlock(Block):
    """How many places an agreement lends in each calendar day, week or month."""

    places: int = Field(ge=1, le=10_000, strict=True)
    per: Period

    def quota(self) -> Quota:
        """The quota as the rules take it."""
        return Quota(self.places, self.per)


class AgreementBlock(AssumingBlock):
    """One ``[[agreement]]``; see `capacity.units.Agreement`."""

    id: Id
    borrower: Code
    lender: str
    kinds: Annotated[list[UnitKind], Field(min_length=1)]
    terms: Terms
    quota: QuotaBlock | None = None
    surge_level: int = Field(default=0, ge=0, le=3, strict=True)
    hours: Openings | None = None
    holiday_hours: HolidayOpenings | None = None
    holidays_also: list[YearlyDay] = []
    since: date | None = None
    until: date | None = None

    @field_validator("until")
    @classmethod
    def _after_since(cls, value: date | None, info: ValidationInfo) -> date | None:
        since = info.data.get("since")
        if value is not None and since is not None and value < since:
            raise ValueError("lies before since")
        return value

    def agreement(self) -> Agreement:
        """The agreement as the rules take it."""
        return Agreement(
            id=self.id,
            borrower=self.borrower,
            lender=self.lender,
            kinds=frozenset(self.kinds),
            terms=self.terms,
            quota=self.quota.quota() if self.quota else None,
            surge_level=self.surge_level,
            hours=Hours(
                opening_of(self.hours),
                opening_of(self.holiday_hours),
                frozenset(self.holidays_also),
            ),
            since=self.since,
            until=self.until,
            assumptions=frozenset(self.assumptions),
        )
