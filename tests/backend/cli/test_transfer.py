"""Gardens leave a store and come into another one by the command line."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from kamerplanter_backend.cli import main
from kamerplanter_backend.domain.services.transfer_service import TransferService
from tests.backend.cli.stores import demo, names


@pytest.fixture
def listens_to_ctrl_c() -> Iterator[None]:
    """Let this process hear Ctrl-C; one that a shell runs in the background does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class TestTransfer:
    def test_a_garden_goes_from_one_store_into_another(
        self,
        store: Path,
        tmp_path: Path,
        use: Callable[..., None],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        demo(store)
        file, other = tmp_path / "garden.jsonl", tmp_path / "other.db"

        assert main(["export", str(file)]) == 0
        use(store=f"sqlite:///{other}")
        assert main(["import", str(file)]) == 0

        assert names(other, "plants") == names(store, "plants")
        assert len(names(other, "plants")) == 3
        assert "documents and 0 readings imported" in capsys.readouterr().out

    def test_it_can_go_through_a_pipe(
        self, store: Path, tmp_path: Path, use: Callable[..., None]
    ) -> None:
        demo(store, plant="Gießplan für 3 € → Mo")
        other = tmp_path / "other.db"
        command = Path(sys.executable).parent / "kamerplanter-server"
        # A terminal of long ago: an archive is UTF-8 all the same.
        old = os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}

        archive = subprocess.run((command, "export"), env=old, capture_output=True, check=True)
        use(store=f"sqlite:///{other}")
        taken = subprocess.run(
            (command, "import", "-"),
            env=old | {"KAMERPLANTER_STORE": f"sqlite:///{other}"},
            input=archive.stdout,
            capture_output=True,
            check=False,
        )

        assert (taken.returncode, taken.stderr) == (0, b"")
        assert names(other, "plants") == names(store, "plants")
        assert "Gießplan für 3 € → Mo" in names(other, "plants")

    def test_so_does_everything(
        self, store: Path, tmp_path: Path, use: Callable[..., None]
    ) -> None:
        demo(store)
        file, other = tmp_path / "all.jsonl", tmp_path / "other.db"

        assert main(["export", "--all", str(file)]) == 0
        use(store=f"sqlite:///{other}")
        assert main(["import", "--all", str(file)]) == 0

        assert names(other, "plants") == names(store, "plants")
        assert names(other, "tenants") == names(store, "tenants")

    def test_only_its_owner_reads_the_file_and_nothing_is_overwritten(
        self, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        demo(store)
        file = tmp_path / "garden.jsonl"

        assert main(["export", str(file)]) == 0
        written = file.read_bytes()
        assert main(["export", str(file)]) == 1

        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_bytes() == written
        assert str(file) in capsys.readouterr().err

    @pytest.mark.parametrize("arguments", [[], ["-"]])
    def test_without_a_file_it_goes_to_where_the_output_goes(
        self, store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        demo(store)

        assert main(["export", *arguments]) == 0

        head, *_, end = capsys.readouterr().out.splitlines()
        assert json.loads(head)["format"] == "kamerplanter-archive"
        assert "sha256" in json.loads(end)

    @pytest.mark.usefixtures("listens_to_ctrl_c")
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_one_that_is_stopped_leaves_nothing_behind(
        self,
        store: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        number: signal.Signals,
    ) -> None:
        demo(store)
        file = tmp_path / "garden.jsonl"
        whole = TransferService.export

        def stopped(self: TransferService, garden_key: str | None, now: datetime) -> Iterator[str]:
            yield next(whole(self, garden_key, now))
            assert file.exists()
            signal.raise_signal(number)

        monkeypatch.setattr(TransferService, "export", stopped)

        assert main(["export", str(file)]) == 130

        assert not file.exists()
        assert capsys.readouterr() == ("", "kamerplanter-server: Stopped.\n")
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    def test_a_reader_who_has_seen_enough_hears_no_complaint(self, store: Path) -> None:
        demo(store)
        command = Path(sys.executable).parent / "kamerplanter-server"
        reading, writing = os.pipe()
        os.close(reading)
        try:
            done = subprocess.run(
                (command, "export"), stdout=writing, stderr=subprocess.PIPE, check=False
            )
        finally:
            os.close(writing)

        assert (done.returncode, done.stderr) == (1, b"")

    def test_what_is_no_text_is_refused_in_words(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "garden.jsonl"
        file.write_bytes(b"\x89PNG\xff")

        assert main(["import", str(file)]) == 1

        said = capsys.readouterr().err
        assert said == "kamerplanter-server: The file is no archive: it is not written in UTF-8.\n"

    def test_a_garden_that_is_not_there(
        self, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        demo(store)
        file = tmp_path / "garden.jsonl"

        assert main(["export", "--garden", "nowhere", str(file)]) == 1

        assert "'nowhere'" in capsys.readouterr().err
        assert not file.exists()
