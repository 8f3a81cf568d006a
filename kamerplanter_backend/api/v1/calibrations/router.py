"""What ends a calibration: somebody withdraws it, or the device behind the probe is exchanged."""

from typing import Annotated

from fastapi import Body, Depends, Response

from kamerplanter_backend.api.answer_headers import TAGGED, TAGGED_NEW
from kamerplanter_backend.api.crud import PathKey
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ExpectedRevision, ServerDep, etag
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Instant, Model, Reason, Remark
from kamerplanter_engines.models.calibration import Calibration
from kamerplanter_engines.models.telemetry import Probe

router = Router(tags=["telemetry"])

Updater = Annotated[Context, Depends(Permitted(Permission.PROBE_UPDATE))]


class WithdrawalBody(Model):
    """Why a calibration should not count."""

    reason: Reason


class ReplacementBody(Model):
    """That the device behind a probe was exchanged."""

    at: Instant | None = None
    """Since when the new one measures, with a zone; none = now."""
    note: Remark | None = None


@router.post(
    "/calibrations/{key}/withdraw", summary="Withdraw a wrong calibration", responses=TAGGED
)
async def withdraw_calibration(  # noqa: PLR0917 - FastAPI fills them in
    key: PathKey,
    body: Annotated[WithdrawalBody, Body(examples=[{"reason": "The buffers were swapped"}])],
    response: Response,
    expected: ExpectedRevision,
    server: ServerDep,
    context: Updater,
) -> Calibration:
    """Take a calibration out of force; it stays on record with who did so, when and why.

    The one before it counts again for what comes in from now on.
    """
    withdrawn = await server.run(
        lambda: server.services.calibration.withdraw(context, key, body.reason, expected)
    )
    response.headers["ETag"] = etag(withdrawn.revision)
    return withdrawn


@router.post(
    "/probes/{key}/replacements",
    status_code=201,
    summary="Exchange the device behind a probe",
    responses=TAGGED_NEW,
)
async def replace_probe(  # noqa: PLR0917 - as above
    key: PathKey,
    body: Annotated[ReplacementBody, Body(examples=[{"note": "Serial number 4711"}])],
    response: Response,
    expected: ExpectedRevision,
    server: ServerDep,
    context: Updater,
) -> Probe:
    """Say that another device measures now; name, bindings and history of the probe stay.

    What was calibrated before counts for nothing that is measured from then on.
    """
    probe = await server.run(
        lambda: server.services.probe.replace_device(context, key, body.at, body.note, expected)
    )
    response.headers["ETag"] = etag(probe.revision)
    return probe
