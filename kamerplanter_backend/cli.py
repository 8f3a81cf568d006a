"""The command line of the server."""

import argparse
import getpass
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pydantic import ValidationError

from kamerplanter_backend.bootstrap import open_store
from kamerplanter_backend.common.clock import system_clock
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.config.logging import configure_logging
from kamerplanter_backend.config.setting_words import setting_problems, unknown_variables
from kamerplanter_backend.config.settings import PREFIX, Mode, Settings
from kamerplanter_backend.domain.repositories.tenant import TenantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import PLATFORM_KEY, account_context
from kamerplanter_backend.domain.services.transfer_service import TransferService
from kamerplanter_backend.main import open_server
from kamerplanter_backend.migrations.seeds import seed_catalogue
from kamerplanter_backend.serving import serve
from kamerplanter_engines import __version__
from kamerplanter_engines.errors import KamerplanterError

if TYPE_CHECKING:
    from kamerplanter_backend.telemetry.worker.ingest_worker import IngestWorker

ACTOR = "command-line"

STANDARD = Path("-")
"""Standard input or output, in place of a file."""

OK, REFUSED, UNUSABLE, STOPPED = 0, 1, 2, 130
"""Exit codes: done; refused or something was found; settings or arguments cannot be used; ended
from outside before it was done."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code of the process.

    Args:
        arguments: What was typed behind the program's name; none = of this process.
    """
    asked = _parser().parse_args(arguments)
    try:
        settings = Settings()
    except ValidationError as error:
        for line in setting_problems(error, Settings, PREFIX):
            _complain(line)
        return UNUSABLE
    for line in unknown_variables(os.environ, Settings, PREFIX):
        _complain(line)
    configure_logging(settings)
    try:
        with _stopped_in_order():
            return _done(settings, asked)
    except KeyboardInterrupt:
        _complain("Stopped.")
        return STOPPED
    except BrokenPipeError:
        # Who read the output has seen enough; what is left of it goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED


def _done(settings: Settings, asked: argparse.Namespace) -> int:
    """Run the command; what it cannot do is said in a sentence."""
    command: Callable[[Settings, argparse.Namespace], int] = asked.command
    try:
        return command(settings, asked)
    except BrokenPipeError:
        raise
    except KamerplanterError as error:
        _complain(error.message)
        return REFUSED
    except OSError as error:
        said = error.strerror or str(error)
        _complain(f"{error.filename}: {said}" if error.filename else f"{said}.")
        return REFUSED
    except UnicodeDecodeError:
        _complain("The file is no archive: it is not written in UTF-8.")
        return REFUSED


# --- The commands -------------------------------------------------------------------------------


def _serve(settings: Settings, _asked: argparse.Namespace) -> int:
    def on_ready(address: str) -> None:
        _say(f"Kamerplanter listens on {address} ({settings.mode} mode)")
        _say(f"Documentation: {settings.public_url or address}/api/v1/docs")
        if settings.mail_folder is not None:
            _say(f"Mails are not sent: they are kept in {settings.mail_folder}")

    serve(open_server(settings), on_ready)
    return OK


def _ingest(settings: Settings, _asked: argparse.Namespace) -> int:
    if settings.mqtt_host is None:
        _complain(f"{PREFIX}MQTT_HOST must name the broker that readings come from.")
        return UNUSABLE
    if settings.store_path is None:
        _complain(f"{PREFIX}STORE must be a file: nobody else would see a store in memory.")
        return UNUSABLE
    _ask_for_store(settings)
    # Few processes need it, and it brings what they do not have to load.
    from kamerplanter_backend.ingesting import run_ingest  # noqa: PLC0415

    def on_ready(worker: IngestWorker) -> None:
        gauges = worker.gauges()
        _say(f"Listening for {gauges.probes} probes of {gauges.gardens} gardens")
        if worker.metrics_port is not None:
            path = settings.ingest_metrics_path
            _say(f"Metrics: http://127.0.0.1:{worker.metrics_port}{path}")

    run_ingest(settings, on_ready)
    return OK


def _migrate(settings: Settings, _asked: argparse.Namespace) -> int:
    open_store(settings.store_path).close()
    _say("The store has the schema of this version.")
    return OK


def _seed(settings: Settings, _asked: argparse.Namespace) -> int:
    store = open_store(settings.store_path)
    try:
        changed = seed_catalogue(store, system_clock())
    finally:
        store.close()
    _say("The catalogue was brought up to date." if changed else "The catalogue is up to date.")
    return OK


def _check(settings: Settings, _asked: argparse.Namespace) -> int:
    _ask_for_store(settings)
    store = open_store(settings.store_path)
    try:
        findings = store.check()
    finally:
        store.close()
    for finding in findings:
        where = f"{finding.collection} {finding.key}: " if finding.collection else ""
        _say(f"{where}{finding.problem}")
    _say(f"{len(findings)} problems found." if findings else "The store is sound.")
    return REFUSED if findings else OK


def _export(settings: Settings, asked: argparse.Namespace) -> int:
    _ask_for_store(settings)
    with _opened(settings) as server:
        garden = None if asked.all else _garden_context(server, asked.garden).tenant_key
        lines = TransferService(server.store).export(garden, server.clock())
        if asked.file in {None, STANDARD}:
            _in_utf8(sys.stdout).writelines(lines)
            return OK
        with _private_file(asked.file) as file:
            file.writelines(lines)
    _say(f"Written to {asked.file}")
    return OK


def _import(settings: Settings, asked: argparse.Namespace) -> int:
    with _opened_archive(asked.file) as lines:
        if asked.all:
            # Before a server has made its own user and garden there.
            store = open_store(settings.store_path)
            try:
                context = account_context(ACTOR, system_clock(), role=Role.ADMIN)
                report = TransferService(store).restore(context, lines, everything=True)
            finally:
                store.close()
        else:
            with _opened(settings) as server:
                context = _garden_context(server, asked.garden)
                report = TransferService(server.store).restore(context, lines)
    _say(f"{report.document_count} documents and {report.reading_count} readings imported.")
    return OK


def _create_admin(settings: Settings, asked: argparse.Namespace) -> int:
    if settings.mode is not Mode.FULL:
        _complain(f"There are no accounts in light mode; set {PREFIX}MODE=full.")
        return UNUSABLE
    password = _password()
    with _opened(settings) as server:
        user = server.accounts.registration.create_admin(
            asked.email, password, asked.name or asked.email.split("@")[0], server.clock()
        )
    _say(f"{user.display_name} looks after this installation now.")
    return OK


# --- Within -------------------------------------------------------------------------------------


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Let SIGTERM do in the block what Ctrl-C does: what is half done is taken back."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _ask_for_store(settings: Settings) -> None:
    """Refuse to go on without a store: a new empty one would pass for the one that was meant."""
    path = settings.store_path
    # A file without anything in it is what is left of one, or where somebody wants one to be.
    if path is not None and not (path.is_file() and path.stat().st_size):
        raise NotFoundError(
            f"There is no store at {path}; set {PREFIX}STORE to the one that is meant.",
            kind="stores",
            key=str(path),
        )


@contextmanager
def _opened(settings: Settings) -> Iterator[Server]:
    """Open the server's store with everything on it, but without a demo and without a socket."""
    server = open_server(settings.model_copy(update={"demo_garden": False}))
    try:
        yield server
    finally:
        server.close()


def _garden_context(server: Server, slug: str) -> Context:
    installation = account_context(ACTOR, server.clock(), role=Role.ADMIN)
    with open_unit(server.store, installation) as uow:
        tenant = uow.of(TenantRepository).by_slug(slug)
    if tenant is None:
        raise NotFoundError(f"There is no garden {slug!r}.", kind="tenants", key=slug)
    return server.contexts.make(tenant.key, actor=ACTOR, role=Role.ADMIN, now=server.clock())


@contextmanager
def _opened_archive(path: Path) -> Iterator[TextIO]:
    """Open an archive to read it; it may come from where the input comes from."""
    if path == STANDARD:
        yield _in_utf8(sys.stdin)
        return
    with path.open(encoding="utf-8") as lines:
        yield lines


def _in_utf8(stream: TextIO) -> TextIO:
    """Make a stream speak what archives are written in, whatever the terminal speaks."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8")
    return stream


@contextmanager
def _private_file(path: Path) -> Iterator[TextIO]:
    """Open a new file that only its owner can read; what is not finished is taken away."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Once more: "):
        raise SystemExit("The two differ.")
    return password


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(f"kamerplanter-server: {text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kamerplanter-server",
        description=f"The Kamerplanter server. Settings are environment variables: {PREFIX}….",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(
        name: str, command: Callable[[Settings, argparse.Namespace], int], about: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about)
        added.set_defaults(command=command)
        return added

    add("serve", _serve, "Serve until it is stopped.")
    add("ingest", _ingest, "Take readings of all gardens in from a broker until it is stopped.")
    add("migrate", _migrate, "Bring the store to the schema of this version.")
    add("seed", _seed, "Bring the catalogue to the state of this version.")
    add("check", _check, "Examine the store, brought to the schema of this version, and all in it.")
    for name, command, about in (
        ("export", _export, "Write a garden, or everything, into a new file (JSON lines)."),
        ("import", _import, "Read such a file into an empty garden or store: all or nothing."),
    ):
        transfer = add(name, command, about)
        which = transfer.add_mutually_exclusive_group()
        which.add_argument("--garden", default=PLATFORM_KEY, help="its short name")
        which.add_argument(
            "--all", action="store_true", help="everything; such a file holds password hashes"
        )
        if name == "export":
            transfer.add_argument("file", type=Path, nargs="?", help="none or - = standard output")
        else:
            transfer.add_argument("file", type=Path, help="- = standard input")
    admin = add("create-admin", _create_admin, "Make an account that looks after everything.")
    admin.add_argument("email")
    admin.add_argument("--name", help="how the person wants to be called")
    return parser


if __name__ == "__main__":
    sys.exit(main())
