"""What an operator gets wrong at the command line is told in a sentence, and what to do."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from fingertip_server.cli import app
from fingertip_server.settings import Settings
from tests.conftest import Database


def _run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    # What a narrow terminal broke is one sentence.
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("FINGERTIP_KEY_RING", str(settings.key_ring))
    monkeypatch.setenv("FINGERTIP_AUTHORITY", str(settings.authority))
    monkeypatch.setenv("FINGERTIP_PRODUCTION", "false")


async def test_the_owner_s_url_is_written_as_the_servers_is(database: Database) -> None:
    url = database.owner_url.replace("postgresql+asyncpg://", "postgresql://")
    code, said = await asyncio.to_thread(_run, "migrate", "--owner-url", url)
    assert (code, said.split()[0]) == (0, "schema")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "OWNER_DATABASE_URL must start with postgresql://"),
        ("postgresql://nobody@127.0.0.1:1/none", "The database cannot be reached"),
    ],
)
def test_no_database_is_told_in_a_sentence(url: str, sentence: str) -> None:
    code, said = _run("migrate", "--owner-url", url)
    assert code == 1
    assert sentence in said


@pytest.mark.usefixtures("environment")
def test_a_folder_that_is_no_pack_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("a: 1")
    code, said = _run("load", str(tmp_path))
    assert code == 1
    assert "it has no bank.yaml" in said
    assert "other.yaml" not in said


@pytest.mark.parametrize("words", [("key-ring", "create"), ("authority", "create")])
def test_a_folder_that_is_not_there_is_named(words: tuple[str, ...], tmp_path: Path) -> None:
    code, said = _run(*words, str(tmp_path / "absent" / "file.json"))
    assert code == 1
    assert "nothing can be written into" in said


@pytest.mark.usefixtures("environment")
def test_an_adapter_is_invited_for_some_work_and_nothing_else_is() -> None:
    words = ("admin", "enrolment-code", "--branch", "0000", "--name", "a", "--kind")
    for kind in (("adapter",), ("tablet", "--work-kind", "core.view")):
        code, said = _run(*words, *kind)
        assert code == 2
        assert "--work-kind" in said


@pytest.mark.usefixtures("environment", "world")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("signature", "verify", "nosuch"), "no application with this id"),
        (("signature", "verify", str(uuid4())), "no application with this id"),
        (("audit", "verify", "--chain", "nosuch"), "There is no chain nosuch; there are 0000"),
    ],
)
async def test_what_is_not_there_is_told_to_be_missing(
    words: tuple[str, ...], sentence: str
) -> None:
    code, said = await asyncio.to_thread(_run, *words)
    assert code == 1
    assert sentence in said
