"""Everything of a garden as one file, for each of its members, also while it is suspended."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Annotated

from fastapi import Depends
from fastapi.responses import StreamingResponse

from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.permissions import Permission

router = Router(prefix="/export", tags=["export"])

IN_MEMORY_BYTES = 4 * 1024 * 1024
"""A bigger archive waits on the disk while it is sent."""

CHUNK_BYTES = 64 * 1024

JSON_LINES = "application/jsonl"


@router.get(
    "",
    summary="Export a garden",
    response_class=StreamingResponse,
    responses={200: {"content": {JSON_LINES: {"schema": {"type": "string"}}}}},
)
async def export_garden(
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> StreamingResponse:
    """Return the garden as of one moment, as JSON lines with a checksum at the end.

    `kamerplanter-server import` reads it in. What is on record about members is in the archives
    of those who may see it.
    """
    archive = await server.run(lambda: _written(server.services.transfer.export_of(context)))
    return StreamingResponse(
        _sent(archive),
        media_type=JSON_LINES,
        headers={"Content-Disposition": 'attachment; filename="garden.jsonl"'},
    )


def _written(lines: Iterator[str]) -> SpooledTemporaryFile[bytes]:
    """Write all lines at once: one thread has to take them, while the store stands still."""
    archive = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - sent afterwards
    try:
        for line in lines:
            archive.write(line.encode())
    except BaseException:
        archive.close()
        raise
    archive.seek(0)
    return archive


def _sent(archive: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with archive:
        while chunk := archive.read(CHUNK_BYTES):
            yield chunk
