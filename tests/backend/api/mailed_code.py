"""The code in a mail."""

import re


def code_in(text: str) -> str:
    """Return the code that a mail tells, with a link to it or without."""
    # With a link: "enter this code: ..."; without: "with the code ...".
    found = re.search(r" code:? (\S{20,})\n", text)
    assert found is not None, text
    return found.group(1)
