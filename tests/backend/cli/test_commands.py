"""The command line of the server."""

import errno
import io
import os
import socket
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from kamerplanter_backend.bootstrap import open_store
from kamerplanter_backend.cli import main
from kamerplanter_backend.domain.interfaces.document_store import Query
from kamerplanter_engines import __version__

ROOT = Path(__file__).parents[3]
SECRET = "kPz3uWq8-_yR5tE1vN7xM2cB9aL4sD6f"


class TestLauncher:
    def test_setup_puts_each_command_beside_its_python(self, tmp_path: Path) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        folder = Path(sys.executable).parent

        for name in project["project"]["scripts"]:
            # From elsewhere and through a link, as people put it into their own folders.
            link = tmp_path / name
            link.symlink_to(folder / name)
            done = subprocess.run(
                (link, "--help"), cwd=tmp_path, capture_output=True, text=True, check=False
            )

            assert (done.returncode, done.stderr) == (0, ""), "run scripts/setup"
            assert done.stdout.startswith(f"usage: {name} ")
            assert "create-admin" in done.stdout

    def test_it_tells_its_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["--version"])

        assert ended.value.code == 0
        assert capsys.readouterr().out == f"kamerplanter-server {__version__}\n"

    def test_it_passes_on_what_was_typed_and_the_exit_code(self) -> None:
        command = Path(sys.executable).parent / "kamerplanter-server"
        done = subprocess.run((command, "dance"), capture_output=True, text=True, check=False)

        assert done.returncode == 2
        assert "'dance'" in done.stderr


class TestServe:
    @pytest.mark.usefixtures("socket_enabled")
    def test_a_taken_port_is_said_once_and_ends_it(
        self, use: Callable[..., None], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            use(port=str(port), demo_garden="false")

            assert main(["serve"]) == 1

        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == (
            f"kamerplanter-server: The server cannot listen on 127.0.0.1 port {port}: Address "
            "already in use. Set KAMERPLANTER_PORT or KAMERPLANTER_HOST to others, or stop what "
            "listens there.\n"
        )


class TestSettings:
    def test_what_cannot_be_used_is_named_and_nothing_begins(
        self, store: Path, use: Callable[..., None], capsys: pytest.CaptureFixture[str]
    ) -> None:
        use(mode="full", port="many", secret_key="geheim", allowed_hosts='["garden.lan')

        assert main(["serve"]) == 2

        said = capsys.readouterr().err.replace("kamerplanter-server: KAMERPLANTER_", "")
        port, hosts, secret = said.splitlines()
        assert port == "PORT must be a whole number from 0 to 65535, not 'many'."
        assert hosts == "ALLOWED_HOSTS must be a list, written with commas or as JSON."
        assert secret.startswith("SECRET_KEY must be at least 32 random bytes; make one with: ")
        assert "geheim" not in said
        assert not store.exists()

    def test_a_slip_of_the_pen_is_told_and_the_rest_is_done(
        self, use: Callable[..., None], capsys: pytest.CaptureFixture[str]
    ) -> None:
        use(stores="sqlite:////elsewhere/garden.db")

        assert main(["migrate"]) == 0

        assert capsys.readouterr().err == (
            "kamerplanter-server: KAMERPLANTER_STORES is no setting and changes nothing; "
            "did you mean KAMERPLANTER_STORE?\n"
        )

    def test_what_goes_wrong_on_the_disk_is_said_in_its_words(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(_path: Path | None) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("kamerplanter_backend.cli.open_store", fail)

        assert main(["migrate"]) == 1

        assert capsys.readouterr().err == "kamerplanter-server: No space left on device.\n"


class TestStore:
    def test_a_new_one_is_made_seeded_and_found_sound(
        self, store: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        codes = [main([command]) for command in ("migrate", "seed", "seed", "check")]

        assert codes == [0, 0, 0, 0]
        assert store.exists()
        said = capsys.readouterr().out.splitlines()
        assert said == [
            "The store has the schema of this version.",
            "The catalogue was brought up to date.",
            "The catalogue is up to date.",
            "The store is sound.",
        ]

    def test_a_document_that_does_not_fit_is_told(
        self, store: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(["seed"])
        opened = open_store(store)
        with opened.begin(frozenset({"species"})) as transaction:
            species = transaction.find("species", Query(limit=1))[0]
            revision = species["revision"]
            assert isinstance(revision, int)
            broken = {**species, "revision": revision + 1, "names": 7, "scientific_name": 7}
            transaction.replace("species", broken, expected_revision=revision)
        opened.close()

        assert main(["check"]) == 1

        said = capsys.readouterr().out
        assert f"species {species['key']}: " in said
        assert "1 problems found." in said

    def test_nobody_else_reads_a_new_one(self, store: Path) -> None:
        before = os.umask(0o022)
        try:
            assert main(["migrate"]) == 0
        finally:
            os.umask(before)

        assert stat.S_IMODE(store.stat().st_mode) == 0o600

    def test_the_rights_of_one_that_is_there_are_its_owners_choice(self, store: Path) -> None:
        main(["migrate"])
        store.chmod(0o640)

        assert main(["migrate"]) == 0

        assert stat.S_IMODE(store.stat().st_mode) == 0o640

    def test_a_folder_is_none(self, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
        store.mkdir(parents=True)

        assert main(["migrate"]) == 1

        assert capsys.readouterr().err == (
            f"kamerplanter-server: {store} is a folder; name the file in it that is the store, "
            f"such as {store}/garden.db.\n"
        )

    @pytest.mark.parametrize("command", ["check", "export"])
    def test_what_is_left_of_one_is_not_taken_for_a_sound_and_empty_one(
        self, store: Path, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        store.parent.mkdir()
        store.touch()

        assert main([command]) == 1

        assert "There is no store at" in capsys.readouterr().err
        assert store.stat().st_size == 0

    @pytest.mark.parametrize("command", ["check", "export"])
    def test_one_that_is_not_there_is_not_taken_for_a_sound_and_empty_one(
        self, store: Path, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        assert main([command]) == 1

        said = capsys.readouterr()
        assert said.err == (
            f"kamerplanter-server: There is no store at {store}; "
            "set KAMERPLANTER_STORE to the one that is meant.\n"
        )
        assert said.out == ""
        assert not store.exists()

    def test_a_file_that_is_none_is_left_untouched(
        self, store: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store.parent.mkdir()
        store.write_text("a shopping list, and it is a long one" * 100)

        assert main(["migrate"]) == 1

        assert capsys.readouterr().err.startswith("kamerplanter-server: ")
        assert store.read_text().startswith("a shopping list")


class TestAdmin:
    def test_an_account_is_made(
        self,
        use: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        use(mode="full", secret_key=SECRET, bcrypt_rounds="4")
        monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))

        assert main(["create-admin", "ada@example.org", "--name", "Ada"]) == 0

        assert "Ada looks after" in capsys.readouterr().out

    def test_a_password_that_is_too_short_is_not_repeated(
        self,
        use: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        use(mode="full", secret_key=SECRET, bcrypt_rounds="4")
        monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))

        assert main(["create-admin", "ada@example.org"]) == 1

        output = capsys.readouterr()
        assert "hunter2" not in output.out + output.err

    def test_light_mode_has_no_accounts(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["create-admin", "ada@example.org"]) == 2

        assert "KAMERPLANTER_MODE=full" in capsys.readouterr().err
