"""What can be wrong with a wish about accounts."""


class PeopleError(Exception):
    """A wish that cannot be met; carries the field at fault and the reason."""

    def __init__(self, field: str, reason: str, code: str = "") -> None:
        self.field = field
        self.reason = reason
        self.code = code
        """Names the reason to a page that has its own words for it; empty if it needs none."""
        super().__init__(f"{field}: {reason}")


class UnknownError(PeopleError):
    """No account of that id."""
