"""What can be wrong with a wish about accounts."""


class PeopleError(Exception):
    """A wish that cannot be met; carries the field at fault and the reason."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


class UnknownError(PeopleError):
    """No account of that id."""
