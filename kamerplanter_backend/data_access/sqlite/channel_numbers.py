"""The small number that stands for a channel, a kind of value of one probe, in all its rows."""

import json
from collections.abc import Sequence, Set as AbstractSet

from kamerplanter_backend.data_access.sqlite.row_statements import RowStatements
from kamerplanter_engines.models.telemetry import ChannelKind

_OF_PROBES = """
    SELECT probe_key, kind, id FROM channels
    WHERE probe_key IN (SELECT value FROM json_each(?))
"""

type Name = tuple[str, str]
"""The key of a probe and a kind."""


class ChannelNumbers:
    """Numbers of channels within one transaction, each looked up once.

    Args:
        statements: Runs what is asked.
    """

    def __init__(self, statements: RowStatements) -> None:
        self._statements = statements
        self._known: dict[Name, int] = {}

    def of(self, probe_key: str, kind: ChannelKind, *, make: bool = False) -> int:
        """Return the number of a channel; 0, which none has, if it is not known."""
        name = (probe_key, kind._value_)  # the hash of a member takes four times as long
        known = self._known.get(name)
        if known is not None:
            return known
        find = "SELECT id FROM channels WHERE probe_key = ? AND kind = ?"
        found = self._statements.run(find, name).fetchone()
        if found is None and make:
            statement = "INSERT INTO channels (probe_key, kind) VALUES (?, ?) RETURNING id"
            found = self._statements.run(statement, name).fetchone()
        if found is None:
            return 0
        number = int(found[0])
        self._known[name] = number
        return number

    def of_probes(self, probe_keys: Sequence[str] | None) -> list[int]:
        """Return the numbers of all channels of some probes; none = of all."""
        if probe_keys is None:
            found = self._statements.rows("SELECT id FROM channels", ())
        else:
            statement = "SELECT id FROM channels WHERE probe_key = ?"
            found = [row for key in probe_keys for row in self._statements.rows(statement, (key,))]
        return [int(channel) for (channel,) in found]

    def look_up(self, names: AbstractSet[Name]) -> None:
        """Learn the numbers of channels at once, with all others of their probes."""
        probe_keys = {probe_key for probe_key, _ in names - self._known.keys()}
        if probe_keys:
            rows = self._statements.rows(_OF_PROBES, (json.dumps([*probe_keys]),))
            self._known.update(((probe_key, kind), number) for probe_key, kind, number in rows)

    def forget(self) -> None:
        """Forget all, as some of them are gone."""
        self._known.clear()
