"""The embedded PostgreSQL: it starts, it stops, and whatever is killed it comes back by itself."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from fingertip_server.db import postgres_account
from fingertip_server.db.embedded import (
    APPLICATION,
    OWNER,
    SUPERUSER,
    EmbeddedPostgres,
    EmbeddedPostgresError,
)
from fingertip_server.db.postgres_layout import Layout, program
from fingertip_server.db.postgres_processes import is_alive, postmaster

as_root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs a second account to switch to")

# A supervisor of its own: starts, says so, and waits to be killed.
SUPERVISOR = """
import pathlib, sys, time
from fingertip_server.db.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False)
postgres.start()
print(postgres.pid, flush=True)
{then}
time.sleep(120)
"""


def ask(postgres: EmbeddedPostgres, *statements: str, role: str = SUPERUSER) -> str:
    """Runs the statements one by one and returns the single value of the last, as text."""

    async def run() -> str:
        engine = create_async_engine(postgres.url(role=role), isolation_level="AUTOCOMMIT")
        value: object = None
        try:
            async with engine.connect() as connection:
                for statement in statements:
                    result = await connection.execute(text(statement))
                    value = result.scalar() if result.returns_rows else None
        finally:
            await engine.dispose()
        return str(value)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One that is only looked at."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder), durable=False) as postgres,
    ):
        yield postgres


@pytest.fixture
def empty() -> Iterator[Path]:
    """An empty folder; whatever runs there at the end is stopped."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        if postmaster(Layout(Path(name))) is not None:
            with EmbeddedPostgres(Path(name), durable=False):
                pass


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A cluster that is copied, because making one takes most of a second."""
    with tempfile.TemporaryDirectory() as name:
        with EmbeddedPostgres(Path(name), durable=False):
            pass
        yield Path(name) / "data"


@pytest.fixture
def folder(empty: Path, made: Path) -> Path:
    """The folder of a PostgreSQL that has run before."""
    subprocess.run(["/bin/cp", "-a", str(made), str(empty)], check=True)
    return empty


@contextlib.contextmanager
def supervisor(folder: Path, *, then: str = "") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Runs another supervisor; yields its process and the number of its PostgreSQL."""
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR.format(then=then), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_a_first_start_makes_the_database_and_its_two_roles(postgres: EmbeddedPostgres) -> None:
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'fingertip'"
    powers = (
        "SELECT bool_or(rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR "
        "rolbypassrls) FROM pg_roles WHERE rolname LIKE 'fingertip%'"
    )
    assert ask(postgres, "SELECT current_user", role=OWNER) == OWNER
    assert ask(postgres, owner) == OWNER
    assert ask(postgres, powers) == "False"
    assert ask(postgres, "SELECT current_user", role=APPLICATION) == APPLICATION
    with pytest.raises(DBAPIError, match="permission denied"):
        ask(postgres, "CREATE TABLE mine (id int)", role=APPLICATION)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("listen_addresses", ""),
        ("max_connections", "200"),
    ],
)
def test_a_setting_has_its_value(postgres: EmbeddedPostgres, setting: str, value: str) -> None:
    assert ask(postgres, f"SELECT current_setting('{setting}')") == value


def test_text_sorts_the_same_on_every_machine(postgres: EmbeddedPostgres) -> None:
    locale = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'fingertip'"
    assert ask(postgres, locale) == "bC.UTF-8"


def test_data_is_flushed_to_disk_unless_a_test_says_otherwise(folder: Path) -> None:
    with EmbeddedPostgres(folder) as durable:
        assert ask(durable, "SELECT current_setting('fsync')") == "on"
    with EmbeddedPostgres(folder, durable=False) as fast:
        assert ask(fast, "SELECT current_setting('fsync')") == "off"


def test_an_initialised_folder_starts_within_two_seconds(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        ask(postgres, "CREATE TABLE kept (id int)")
    begin = time.monotonic()
    with EmbeddedPostgres(folder) as postgres:
        assert time.monotonic() - begin < 2
        assert ask(postgres, "SELECT count(*) FROM kept") == "0"


def test_stopping_ends_every_process_and_the_socket_is_gone(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as postgres:
        family = psutil.Process(postgres.pid)
        processes = [family, *family.children()]
    assert not any(is_alive(process) for process in processes)
    assert not Layout(folder).sockets.exists()
    postgres.stop()
    with pytest.raises(EmbeddedPostgresError, match="not running"):
        postgres.restart()


@pytest.mark.parametrize("name", ['it\'s "mine", 50% $HOME', "支行 数据", "x" * 200])
def test_a_folder_may_have_any_name(empty: Path, name: str) -> None:
    with EmbeddedPostgres(empty / name, durable=False) as postgres:
        assert ask(postgres, "SHOW data_directory") == str(empty / name / "data")


def test_a_long_temporary_folder_does_not_break_the_socket(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = folder / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with EmbeddedPostgres(folder, durable=False) as postgres:
        assert ask(postgres, "SELECT 1") == "1"


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
def test_a_restart_keeps_what_was_committed(folder: Path, mode: str) -> None:
    with EmbeddedPostgres(folder, durable=False) as postgres:
        ask(postgres, "CREATE TABLE kept (id int)", "INSERT INTO kept VALUES (7)")
        first = postgres.pid
        if mode == "fast":
            postgres.restart("fast")
        elif mode == "immediate":
            postgres.restart("immediate")
        else:
            postgres.restart("kill")
        assert postgres.pid != first
        assert ask(postgres, "SELECT id FROM kept") == "7"


def test_a_killed_postmaster_is_replaced_at_the_next_start(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder, durable=False)
    postgres.start()
    ask(postgres, "CREATE TABLE kept (id int)")
    os.kill(postgres.pid, signal.SIGKILL)
    postgres.stop()
    with EmbeddedPostgres(folder, durable=False) as next_one:
        assert ask(next_one, "SELECT count(*) FROM kept") == "0"


def test_a_second_start_revives_a_killed_postmaster_and_leaves_a_living_one_alone(
    folder: Path,
) -> None:
    with EmbeddedPostgres(folder, durable=False) as postgres:
        first = postgres.pid
        os.kill(first, signal.SIGKILL)
        postgres.start()
        second = postgres.pid
        assert second != first
        postgres.start()
        assert postgres.pid == second
        assert ask(postgres, "SELECT 1") == "1"


def test_a_folder_that_cannot_be_used_is_refused_with_the_reason(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=r"file/postgres cannot be used .* directory"):
        EmbeddedPostgres(folder / "file" / "postgres").start()


def test_frozen_children_of_a_killed_postmaster_do_not_block_the_next_start(folder: Path) -> None:
    with supervisor(folder, then="postgres.pause(); print(flush=True)") as (process, pid):
        assert process.stdout is not None
        process.stdout.readline()
        children = psutil.Process(pid).children()
        assert children
        process.kill()
        process.wait()
        os.kill(pid, signal.SIGKILL)
        with EmbeddedPostgres(folder, durable=False) as postgres:
            assert ask(postgres, "SELECT 1") == "1"
            assert not any(is_alive(child) for child in children)


def test_stopping_also_ends_what_a_killed_postmaster_left_frozen(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as postgres:
        postgres.pause()
        children = psutil.Process(postgres.pid).children()
        assert children
        os.kill(postgres.pid, signal.SIGKILL)
    assert not any(is_alive(child) for child in children)


def test_after_its_supervisor_is_killed_it_runs_on_and_is_adopted(folder: Path) -> None:
    with supervisor(folder) as (process, pid):
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert psutil.pid_exists(pid)
        with EmbeddedPostgres(folder, durable=False) as postgres:
            assert postgres.pid == pid
            assert ask(postgres, "SELECT 1") == "1"
        assert not psutil.pid_exists(pid) or not is_alive(psutil.Process(pid))


def test_one_that_was_frozen_when_its_supervisor_was_killed_is_adopted(folder: Path) -> None:
    with supervisor(folder, then="postgres.pause(); print(flush=True)") as (process, pid):
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        process.wait()
        with EmbeddedPostgres(folder, durable=False) as postgres:
            assert postgres.pid == pid
            assert ask(postgres, "SELECT 1") == "1"


def test_an_adopted_one_with_other_settings_is_restarted(folder: Path) -> None:
    with supervisor(folder) as (process, pid):
        process.kill()
        process.wait()
        with EmbeddedPostgres(folder, durable=True) as postgres:
            assert postgres.pid != pid
            assert ask(postgres, "SELECT current_setting('fsync')") == "on"


@pytest.mark.parametrize("after_seconds", [0.0, 0.2, 0.4, 0.6])
def test_a_supervisor_killed_during_the_first_start_leaves_nothing_half_made(
    empty: Path, after_seconds: float
) -> None:
    command = [sys.executable, "-c", SUPERVISOR.format(then=""), str(empty)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not list(empty.glob("initialising-*")):
            time.sleep(0.005)
        # Not a wait for something: the moment of the kill is the point.
        time.sleep(after_seconds)
        process.kill()
    with EmbeddedPostgres(empty, durable=False) as postgres:
        assert ask(postgres, "SELECT current_database()", role=APPLICATION) == "fingertip"
        postgres.restart()
    assert not list(empty.glob("initialising-*"))


def test_a_second_supervisor_is_told_who_has_the_folder(folder: Path) -> None:
    with supervisor(folder) as (process, _):
        with pytest.raises(EmbeddedPostgresError, match=f"looked after by process {process.pid}:"):
            EmbeddedPostgres(folder).start()
        # The refused one did no harm.
        assert process.poll() is None
        process.kill()


def test_of_five_supervisors_starting_together_one_wins(empty: Path) -> None:
    command = [sys.executable, "-c", SUPERVISOR.format(then=""), str(empty)]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            )
            for _ in range(5)
        ]
        refused = 0
        while refused < 4:
            refused = sum(process.poll() is not None for process in processes)
            time.sleep(0.05)
        winner = next(process for process in processes if process.poll() is None)
        assert winner.stdout is not None
        assert winner.stdout.readline().strip().isdigit()
        winner.kill()
        for process in processes:
            said = process.communicate()[1]
            assert process is winner or "is already looked after by process" in said


def test_a_stale_number_that_another_process_has_by_now_is_ignored(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    with subprocess.Popen(["/bin/sleep", "60"]) as bystander:
        pid_file = folder / "data" / "postmaster.pid"
        pid_file.write_text(f"{bystander.pid}\n{folder / 'data'}\n")
        with EmbeddedPostgres(folder, durable=False) as postgres:
            assert ask(postgres, "SELECT 1") == "1"
        assert bystander.poll() is None
        bystander.kill()


def test_an_empty_pid_file_after_a_power_cut_is_ignored(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    (folder / "data" / "postmaster.pid").touch()
    with EmbeddedPostgres(folder, durable=False) as postgres:
        assert ask(postgres, "SELECT 1") == "1"


def test_while_paused_it_does_not_answer_and_afterwards_it_does(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as postgres:
        postgres.pause()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(f"{Layout(folder).sockets}/.s.PGSQL.5432")
            # An SSLRequest: a PostgreSQL that runs answers it with one letter at once.
            client.sendall((8).to_bytes(4, "big") + (80877103).to_bytes(4, "big"))
            with pytest.raises(TimeoutError):
                client.recv(1)
            postgres.resume()
            assert client.recv(1) == b"N"
        assert ask(postgres, "SELECT 1") == "1"


def test_stopping_a_paused_one_works(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as postgres:
        postgres.pause()


def test_a_refused_start_says_what_postgresql_said(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    version = folder / "data" / "PG_VERSION"
    right = version.read_text()
    version.write_text("14\n")
    with pytest.raises(EmbeddedPostgresError, match=r"FATAL: .* incompatible with server"):
        EmbeddedPostgres(folder, durable=False).start()
    version.write_text(right)


def test_the_log_holds_no_values(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as postgres:
        ask(postgres, "CREATE TABLE t (card text UNIQUE)")
        insert = "INSERT INTO t VALUES ('6225881414207430')"
        ask(postgres, insert)
        for statement in (insert, "SELECT wrong('6225881414207430')"):
            with pytest.raises(DBAPIError):
                ask(postgres, statement)
    log = (folder / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "does not exist" in log
    assert "6225881414207430" not in log


def test_a_socket_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    sockets = Layout(folder).sockets
    owner = (folder / "data").stat()
    sockets.mkdir(mode=0o700)
    os.chown(sockets, owner.st_uid, owner.st_gid)
    with EmbeddedPostgres(folder, durable=False):
        # One that is private is used, so what is refused below is the mode alone.
        pass
    sockets.mkdir()
    sockets.chmod(0o750)
    os.chown(sockets, owner.st_uid, owner.st_gid)
    with pytest.raises(EmbeddedPostgresError, match="is not a private folder"):
        EmbeddedPostgres(folder, durable=False).start()
    sockets.rmdir()
    sockets.symlink_to(folder)
    with pytest.raises(EmbeddedPostgresError, match="is not a private folder"):
        EmbeddedPostgres(folder, durable=False).start()
    sockets.unlink()


@as_root_only
def test_a_socket_folder_of_another_user_is_refused(folder: Path) -> None:
    sockets = Layout(folder).sockets
    sockets.mkdir(mode=0o700)
    os.chown(sockets, 12345, 12345)
    with pytest.raises(EmbeddedPostgresError, match="is not a private folder"):
        EmbeddedPostgres(folder, durable=False).start()
    # Nor is it taken away from him.
    sockets.rmdir()


@as_root_only
def test_started_by_root_it_runs_without_root_below_a_closed_folder(empty: Path) -> None:
    (empty / "closed").mkdir(mode=0o700)
    with EmbeddedPostgres(empty / "closed" / "postgres", durable=False) as postgres:
        assert psutil.Process(postgres.pid).uids().effective != 0
        assert ask(postgres, "SELECT 1") == "1"


@as_root_only
def test_another_user_of_the_machine_cannot_connect(postgres: EmbeddedPostgres) -> None:
    layout = Layout(Path(ask(postgres, "SHOW data_directory")).parent)
    account = postgres_account.choose(layout)
    words = ["-h", str(layout.sockets), "-U", SUPERUSER, "-c", "SELECT 1"]
    refused = account.run([program("psql"), *words])
    assert "Peer authentication failed" in refused.stderr


@as_root_only
def test_without_root_it_runs_as_the_user_and_foreign_folders_are_refused(empty: Path) -> None:
    account = postgres_account.choose(Layout(empty))
    os.chown(empty, account.uid, account.gid)
    script = SUPERVISOR.format(then="postgres.restart('kill'); postgres.stop(); sys.exit()")
    ran = account.run([sys.executable, "-c", script, str(empty)])
    assert ran.returncode == 0, ran.stderr
    assert (empty / "data").stat().st_uid == account.uid

    os.chown(empty / "data", 0, 0)
    with pytest.raises(EmbeddedPostgresError, match="belongs to user 0"):
        EmbeddedPostgres(empty, durable=False).start()
    os.chown(empty / "data", account.uid, account.gid)
    (empty / "supervisor.lock").unlink()
    sockets = Layout(empty).sockets
    assert not sockets.exists()
