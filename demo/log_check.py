"""What must not be in the log of a good run."""

from collections.abc import Sequence

from demo.states import StateError

OURS = ("kamerplanter_backend", "kamerplanter_engines", "[custom_components.kamerplanter")
ALARMS = (" ERROR ", " CRITICAL ")


def check_log(lines: Sequence[str]) -> str:
    """Look for fetched packages and for errors and warnings of ours; returns what was found.

    Raises:
        StateError: Something is there that should not; quotes it.
    """
    fetched = [line for line in lines if "Attempting install" in line]
    if fetched:
        raise StateError(f"{len(fetched)} packages were fetched at start: {fetched[0]}")
    traces = [line for line in lines if "custom_components/kamerplanter/" in line]
    errors = [
        line
        for line in lines
        if any(alarm in line for alarm in ALARMS) and any(name in line for name in OURS)
    ]
    if errors or traces:
        raise StateError("errors of ours in the log:\n" + "\n".join([*errors, *traces][:20]))
    blocking = [line for line in lines if "blocking call" in line and "kamerplanter" in line]
    if blocking:
        raise StateError(f"the event loop was blocked: {blocking[0]}")
    warnings = [line for line in lines if " WARNING " in line and any(n in line for n in OURS)]
    return f"no package fetched, no error, {len(warnings)} warnings of ours"
