"""The headers by which a caller says which server and which garden it means.

An address may be given to another server, and the name of a deleted garden to a new one. What
waited for one of them must not end up in the other.
"""

INSTANCE_HEADER = "X-Instance-Id"
"""The server that is meant, as `/mode` names it; in an answer, the one that answers."""
GARDEN_HEADER = "X-Garden-Key"
"""The garden that is meant, as the list of gardens names its key; with a snapshot, whose it is."""
