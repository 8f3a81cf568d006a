"""When a job is due."""

from datetime import time, timedelta

from kamerplanter_engines.models.base import Model


class Every(Model):
    """Once in each span of this length, counted from the epoch."""

    interval: timedelta


class Daily(Model):
    """Once each local day, from this local time on."""

    at: time


class Weekly(Model):
    """Once a week on this weekday (Monday = 0), from this local time on."""

    weekday: int
    at: time


type Schedule = Every | Daily | Weekly
