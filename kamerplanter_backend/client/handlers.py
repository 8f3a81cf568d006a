"""Which service answers which request: the only such table."""

from collections.abc import Callable
from typing import Any

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.client import requests as ask
from kamerplanter_backend.client.possible_readings import possible_readings
from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import ForbiddenError
from kamerplanter_backend.common.permissions import is_permitted

type Handler = Callable[[Services, Context, Any], Any]
"""Answers a request; the request class says what the answer is."""

HANDLERS: dict[type[Request[Any]], Handler] = {
    ask.SetSite: lambda s, c, r: s.site.set(c, r.fields),
    ask.CreateLocation: lambda s, c, r: s.location.create(c, r.fields, r.key),
    ask.UpdateLocation: lambda s, c, r: s.location.update(c, r.key, r.patch, r.expected_revision),
    ask.CreateTank: lambda s, c, r: s.tank.create(c, r.fields, r.key),
    ask.UpdateTank: lambda s, c, r: s.tank.update(c, r.key, r.patch, r.expected_revision),
    ask.ArchiveTank: lambda s, c, r: s.tank.archive(c, r.key),
    ask.CreatePlant: lambda s, c, r: s.plant.create(c, r.fields, r.key),
    ask.UpdatePlant: lambda s, c, r: s.plant.update(c, r.key, r.patch),
    ask.ArchivePlant: lambda s, c, r: s.plant.archive(c, r.key),
    ask.SetPhase: lambda s, c, r: s.phase.set_phase(c, r.key, r.entry_id, r.started_on, r.reason),
    ask.CreateProbe: lambda s, c, r: s.probe.create(c, r.fields, r.key),
    ask.UpdateProbe: lambda s, c, r: s.probe.update(c, r.key, r.patch, r.expected_revision),
    ask.ArchiveProbe: lambda s, c, r: s.probe.archive(c, r.key),
    ask.Calibrate: lambda s, c, r: s.calibration.calibrate(
        c, r.probe_key, r.fields, scale_is_sure=r.scale_is_sure
    ),
    ask.WithdrawCalibration: lambda s, c, r: s.calibration.withdraw(c, r.key, r.reason),
    ask.ReplaceProbe: lambda s, c, r: s.probe.replace_device(
        c, r.probe_key, r.at, r.note, r.expected_revision, patch=r.patch
    ),
    ask.LogMeasurement: lambda s, c, r: s.hand_measurement.log(c, r.fields),
    ask.RemoveMeasurement: lambda s, c, r: s.hand_measurement.remove(c, r.key),
    ask.RecordReadings: lambda s, c, r: s.telemetry.record(c, possible_readings(r.readings)),
    ask.ReportPresence: lambda s, c, r: s.presence.report(c, r.said),
    ask.ReportSolution: lambda s, c, r: s.solution_hold.report(c, r.hold, r.said_at),
    ask.EvaluateGarden: lambda s, c, _r: s.telemetry.evaluate(c),
    ask.AddTask: lambda s, c, r: s.task.add(c, r.fields, r.key),
    ask.UpdateTask: lambda s, c, r: s.task.update(c, r.key, r.patch),
    ask.CompleteTask: lambda s, c, r: s.task.complete(c, r.key, r.at, r.volume_l),
    ask.ReopenTask: lambda s, c, r: s.task.reopen(c, r.key),
    ask.DeleteTask: lambda s, c, r: s.task.delete(c, r.key),
    ask.LogWatering: lambda s, c, r: s.irrigation.log(c, r.plant_keys, r.fields, r.task_key),
    ask.ConfirmCare: lambda s, c, r: s.care.confirm(c, r.plant_key, r.kind, r.at),
    ask.LogTreatment: lambda s, c, r: s.ipm.log_treatment(c, r.plant_keys, r.fields),
    ask.CorrectTreatment: lambda s, c, r: s.ipm.correct_treatment(c, r.key, r.patch, r.reason),
    ask.LogHarvest: lambda s, c, r: s.harvest.log_harvest(c, r.fields),
    ask.CreateRun: lambda s, c, r: s.planting_run.create(c, r.fields, r.key),
    ask.UpdateRun: lambda s, c, r: s.planting_run.update(c, r.key, r.patch),
    ask.DeleteRun: lambda s, c, r: s.planting_run.remove(c, r.key),
    ask.StartRun: lambda s, c, r: s.planting_run.start(c, r.key, r.planted_on, r.plant_keys),
    ask.AdoptPlants: lambda s, c, r: s.planting_run.adopt(c, r.key, r.plant_keys),
    ask.ReleasePlant: lambda s, c, r: s.planting_run.release(c, r.key, r.plant_key),
    ask.BeginHarvest: lambda s, c, r: s.planting_run.begin_harvest(c, r.key),
    ask.CompleteRun: lambda s, c, r: s.planting_run.complete(c, r.key, r.plants),
    ask.CancelRun: lambda s, c, r: s.planting_run.cancel(c, r.key, r.plants),
    ask.ListRuns: lambda s, c, _r: s.planting_run.list_all(c),
    ask.ListRunPlants: lambda s, c, r: s.planting_run.list_plants(c, r.key),
    ask.CheckHarvest: lambda s, c, r: s.ipm.check_harvest(c, r.plant_key, r.on),
    ask.ListSpecies: lambda s, c, _r: s.catalogue.list_species(c),
    ask.ListPhases: lambda s, c, r: s.catalogue.list_phases(c, r.species_key),
    ask.ListTreatments: lambda s, c, r: s.ipm.list_of_plant(c, r.plant_key),
    ask.GetTreatment: lambda s, c, r: s.ipm.get_treatment(c, r.key),
    ask.ListPhaseChanges: lambda s, c, r: s.phase.list_changes(c, r.plant_key),
    ask.ListIrrigation: lambda s, c, r: s.irrigation.list_of_plant(c, r.plant_key),
    ask.ListHarvests: lambda s, c, r: s.harvest.list_of_plant(c, r.plant_key),
    ask.ListReadings: lambda s, c, r: s.telemetry.list_readings(
        c, r.probe_key, r.kind, r.from_at, r.until_at
    ),
    ask.ListCalibrations: lambda s, c, r: s.calibration.list_of_probe(c, r.probe_key),
    ask.GetTrend: lambda s, c, r: s.trend.of_channel(c, r.probe_key, r.kind),
    ask.ListMeasurements: lambda s, c, r: s.hand_measurement.list_of_place(
        c, r.tank_key, r.plant_key
    ),
    ask.ListObjects: lambda s, c, _r: s.home.list_objects(c),
}


def handle[R](services: Services, context: Context, request: Request[R]) -> R:
    """Answer a request after checking that the caller may ask it.

    Raises:
        ForbiddenError: The role lacks the permission that the request names.
        KamerplanterError: The service refuses it; nothing was written.
    """
    permission = type(request).permission
    if not is_permitted(context.role, permission):
        raise ForbiddenError(
            f"Role {context.role} may not {permission}.", permission=permission.value
        )
    answer: R = HANDLERS[type(request)](services, context, request)
    return answer
