"""Who is told when a channel of a probe says more."""

from collections.abc import Callable, Collection, Iterable

from homeassistant.core import CALLBACK_TYPE, callback

from kamerplanter_engines.models.telemetry import ChannelKind, Verdict

from .protocols import Heard


class ChannelListeners:
    """Tells entities and repairs that something was heard; runs on the event loop.

    Args:
        is_well: Tells that nothing speaks against the newest value of a channel of a probe.
    """

    def __init__(self, is_well: Callable[[str, ChannelKind], bool]) -> None:
        self._is_well = is_well
        self._of_all: dict[str, dict[ChannelKind | None, list[CALLBACK_TYPE]]] = {}
        self._of_trouble: dict[str, dict[ChannelKind, list[CALLBACK_TYPE]]] = {}
        self._well: dict[str, set[ChannelKind]] = {}
        """The channels that were well when they were told last; only good values came since."""

    def listen(
        self, probe_key: str, kind: ChannelKind | None, listener: CALLBACK_TYPE
    ) -> CALLBACK_TYPE:
        """Call the listener when a channel, or with none any channel of the probe, says more."""
        return _added(self._of_all.setdefault(probe_key, {}).setdefault(kind, []), listener)

    def listen_for_trouble(
        self, probe_key: str, kind: ChannelKind, listener: CALLBACK_TYPE
    ) -> CALLBACK_TYPE:
        """Call the listener as `listen` does, but not for one good value after the other."""
        return _added(self._of_trouble.setdefault(probe_key, {}).setdefault(kind, []), listener)

    def tell_all(self, probe_key: str) -> None:
        """Tell that everything about a probe may be otherwise now."""
        self._well.pop(probe_key, None)
        of_all, of_trouble = self._of_all.get(probe_key, {}), self._of_trouble.get(probe_key, {})
        for listeners in (*of_all.values(), *of_trouble.values()):
            _call(listeners)

    def tell_of(self, probe_key: str, kinds: Collection[ChannelKind]) -> None:
        """Tell that some channels may be otherwise now, though nothing was heard of them."""
        self._well.get(probe_key, set()).difference_update(kinds)
        of_all, of_trouble = self._of_all.get(probe_key, {}), self._of_trouble.get(probe_key, {})
        for kind in kinds:
            _call((*of_all.get(kind, ()), *of_trouble.get(kind, ())))
        _call(of_all.get(None, ()))

    def tell(self, probe_key: str, news: Iterable[Heard]) -> None:
        """Tell what was judged of one message."""
        by_kind = self._of_all.get(probe_key, {})
        troubled = self._of_trouble.get(probe_key, {})
        well = self._well.setdefault(probe_key, set())
        for item in news:
            kind = item.kind
            _call(by_kind.get(kind, ()))
            if item.verdict is not Verdict.GOOD or item.hint is not None:
                well.discard(kind)
            elif kind in well:
                continue
            # A good one that comes late ends no trouble, so the end is still to be told.
            elif self._is_well(probe_key, kind):
                well.add(kind)
            _call(troubled.get(kind, ()))
        _call(by_kind.get(None, ()))


def _added(listeners: list[CALLBACK_TYPE], listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
    listeners.append(listener)

    @callback
    def remove() -> None:
        listeners.remove(listener)

    return remove


def _call(listeners: Iterable[CALLBACK_TYPE]) -> None:
    # One that is told may leave, or bring others along.
    for listener in tuple(listeners):
        listener()
