"""The shape of one catalogue file, key by key; docs/catalogue.md shows it to those who write one.

What a single value must look like is settled in `capacity.catalogue_blocks`, its notation in
`capacity.notations`; what depends on other values or other files (references, duplicates, order of
dates) in `capacity.catalogue_checks`.
"""

from datetime import time, timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from capacity.agreement_schema import AgreementBlock, DistanceBlock
from capacity.catalogue_blocks import (
    AssumingBlock,
    Authority,
    Block,
    Code,
    DatedMunicipalities,
    DatedTerm,
    Duration,
    FreshnessBlock,
    HolidayOpenings,
    Id,
    MailAddress,
    Name,
    Openings,
    Phone,
    Sor,
    TermWords,
    WebAddress,
    Word,
    Words,
    YearlyDay,
    no_repeats,
)
from capacity.model import UnitKind
from capacity.notations import (
    read_hours,
)
from capacity.reminders import Channel, Quiet, Reminding
from capacity.surge_schema import SurgeBlock
from capacity.units import (
    HOLD_FOR,
    OrganisationType,
)


class RemindBlock(Block):
    """How a unit is reminded before its figure goes stale; see `capacity.reminders`."""

    by: Annotated[list[Channel], AfterValidator(no_repeats), Field(min_length=1)]
    mail: MailAddress | None = None
    webhook: WebAddress | None = None
    before: Duration = timedelta(minutes=15)
    quiet: Annotated[tuple[time, time], BeforeValidator(read_hours)] | None = None
    at_most: int = Field(default=4, ge=1, le=24, strict=True)

    @model_validator(mode="after")
    def _is_whole(self) -> "RemindBlock":
        for channel, address in ((Channel.MAIL, self.mail), (Channel.WEBHOOK, self.webhook)):
            if (channel in self.by) is not (address is not None):
                raise ValueError(f'names "{channel}" in by, or gives its address, but not both')
        if self.quiet is not None and self.quiet[0] == self.quiet[1]:
            raise ValueError("has quiet hours round the clock: leave remind out instead")
        return self

    def reminding(self) -> Reminding:
        """The choice as the rules take it."""
        quiet = Quiet(*self.quiet) if self.quiet is not None else None
        return Reminding(tuple(self.by), self.before, self.at_most, quiet, self.mail, self.webhook)


class OrganisationBlock(AssumingBlock):
    """One ``[[organisation]]``; see `capacity.units.Organisation`."""

    id: Id
    name: Name
    type: OrganisationType
    municipality: Code | None = None
    region_code: Code | None = None
    sor: Sor | None = None


class ClusterBlock(AssumingBlock):
    """One ``[[cluster]]``; see `capacity.units.Cluster`."""

    id: Id
    name: Name
    hospital: str
    municipalities: list[DatedMunicipalities] = Field(min_length=1)
    surge: SurgeBlock | None = None


class UnitBlock(AssumingBlock):
    """One ``[[unit]]``; see `capacity.units.Unit`.

    Empty lists are made, not copied from a default: of 10,000 units that is felt.
    """

    id: Id
    name: Name
    kind: UnitKind
    cluster: str
    organisation: str
    municipality: Code
    freshness: FreshnessBlock
    authority: Authority
    operator: Authority
    capabilities: Words = Field(default_factory=list)
    places: int | None = Field(default=None, ge=0, strict=True)
    phone: Phone | None = None
    opening: Openings | None = None
    holiday_opening: HolidayOpenings | None = None
    holidays_also: list[YearlyDay] = Field(default_factory=list)
    hold_for: Duration = HOLD_FOR
    response: Duration | None = None
    remind: RemindBlock | None = None
    sor: Sor | None = None
    service_area: Words = Field(default_factory=list)


class CatalogueFile(AssumingBlock):
    """A whole file; every part may be left out. `assumptions` here names whole tables."""

    requires: list[Id] = []
    municipality: dict[Code, Name] = {}
    capability: dict[Word, TermWords] = {}
    term: dict[Word, Annotated[list[DatedTerm], Field(min_length=1)]] = {}
    organisation: list[OrganisationBlock] = []
    cluster: list[ClusterBlock] = []
    unit: list[UnitBlock] = []
    distance: dict[Code, dict[Id, DistanceBlock]] = {}
    agreement: list[AgreementBlock] = []
