"""A PostgreSQL server of the tests' own: on loopback, and gone when they are."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_START_SECONDS = 60
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "50",
    "shared_buffers": "16MB",
    # Nothing here need survive the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}
# Waits for its standard input to close, which the kernel sees to when the tests are killed.
_WATCHDOG = 'folder=$1; shift; "$@" & read -r _; kill -INT $!; wait $!; rm -rf "$folder"'


def _programs() -> Path:
    """Find the folder of initdb and postgres, or skip the test."""
    on_path = shutil.which("initdb")
    folders = [] if on_path is None else [Path(on_path).resolve().parent]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("PostgreSQL's initdb and postgres are not installed")


def _as_user() -> dict[str, object]:
    """Options of a process that may be a server, which root may not."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_server() -> Iterator[str]:
    """Run a server, and give the URL of its maintenance database.

    Skips the test where PostgreSQL or its driver is not installed.
    """
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    programs, user = _programs(), _as_user()
    # Not pytest's folder, which only its own user may enter.
    folder = Path(tempfile.mkdtemp(prefix="cifar_sk-postgresql-"))
    try:
        password = secrets.token_hex(8)
        (folder / "password").write_text(password, encoding="ascii")
        if user:
            for path in (folder, folder / "password"):
                os.chown(path, user["user"], user["group"])
        _initialise(programs, folder, user)
        port = _free_port()
        with _server(programs, folder, port, user):
            url = f"postgresql+psycopg://tester:{password}@127.0.0.1:{port}/postgres"
            _wait_until_up(url, folder)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(programs: Path, folder: Path, user: dict) -> None:
    command = [programs / "initdb", "-D", folder / "data", "-U", "tester", "-E", "UTF8"]
    command += ["--no-locale", "--no-sync", "-A", "scram-sha-256"]
    command += [f"--pwfile={folder / 'password'}"]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, **user)
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr}")


@contextmanager
def _server(programs: Path, folder: Path, port: int, user: dict) -> Iterator[None]:
    settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    postgres = [programs / "postgres", "-D", folder / "data", "-p", str(port), *settings]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", _WATCHDOG, "sh", folder, *postgres],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # Ctrl-C ends the tests, and they end it
            **user,
        )
    try:
        yield
    finally:
        process.stdin.close()
        process.wait(timeout=30)


def _wait_until_up(url: str, folder: Path) -> None:
    import psycopg

    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(url.replace("+psycopg", "")).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                log = (folder / "log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"PostgreSQL did not start: {log}") from error
            time.sleep(0.05)
        else:
            return


def new_database(server: str) -> str:
    """Make an empty database, and give its URL."""
    import psycopg

    name = f"study_{secrets.token_hex(4)}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server.rpartition('/')[0]}/{name}"
