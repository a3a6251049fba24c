"""The jobs of a service in an SQLite file, so that they survive a restart, with a folder for the files of each.

One connection, used from one thread. A job's folder holds what was sent until it ends, and then its result.
"""

from __future__ import annotations

import fcntl
import json
import re
import secrets
import shutil
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tk_tools.errors import ConfigError

QUEUED, RUNNING, DONE, FAILED, CANCELLED = STATES = ("queued", "running", "done", "failed", "cancelled")
ENDED = (DONE, FAILED, CANCELLED)
TRIES = 2  # the first, and one more after a crash
TWICE = "the service or its worker ended twice while it was made"
_SCHEMA = 1
_TABLE = """
create table if not exists jobs (
    number integer primary key autoincrement, id text not null unique, state text not null,
    files text not null, options text not null, seconds real not null, callback text, calls integer not null default 0,
    tries integer not null default 0, created real not null, started real, finished real,
    error text not null default '', facts text not null default '{}'
);
create index if not exists jobs_by_state on jobs (state, number);
"""


_LOCK = "lock"
_ID_BYTES = 16
_ID = re.compile(f"[0-9a-f]{{{2 * _ID_BYTES}}}")


@dataclass(frozen=True)
class Job:
    """One result that was asked for.

    number: in the order they came. files: field -> name of the file in the job's folder, or {"template": NAME}.
    options: those that the client set, as text. seconds: of the result, as far as it is known (0: not). callback: who
    is told when it ends; calls: how often that may still be tried. tries: how often it was begun. created, started,
    finished: Unix time. facts: what inference said of the result.
    """

    number: int
    id: str
    state: str
    files: dict[str, str | dict[str, str]]
    options: dict[str, str]
    seconds: float
    created: float
    callback: str | None = None
    calls: int = 0
    tries: int = 0
    started: float | None = None
    finished: float | None = None
    error: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class JobStore:
    """The jobs below `folder`, which one service at a time has for itself. ConfigError: another one has it, or it holds
    files that no service made."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._jobs = folder / "jobs"
        try:
            if folder.exists() and not (folder / _LOCK).exists() and any(folder.iterdir()):
                raise ConfigError(f"--state {folder} holds other files; give an empty folder, or a new one")
            self._jobs.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)  # faces and voices of people
            self._lock = open(folder / _LOCK, "w")  # noqa: SIM115 - held as long as the store
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"another tk-serve uses the folder {folder}; give each its own --state") from None
        except OSError as error:
            raise ConfigError(f"--state {folder} cannot be used: {error.strerror}") from error
        try:
            self._database = sqlite3.connect(folder / "jobs.sqlite", isolation_level=None, check_same_thread=False)
            self._database.row_factory = sqlite3.Row
            self._database.execute("pragma journal_mode = wal")
            self._database.execute("pragma synchronous = normal")
            (schema,) = self._database.execute("pragma user_version").fetchone()
            if schema not in (0, _SCHEMA):
                raise ConfigError(f"--state {folder} was made by another version of tk-serve; give another folder")
            self._database.executescript(_TABLE)
            self._database.execute(f"pragma user_version = {_SCHEMA}")
        except sqlite3.DatabaseError as error:
            raise ConfigError(f"--state {folder}: jobs.sqlite cannot be used: {error}; move it away") from error

    def close(self) -> None:
        self._database.close()
        self._lock.close()

    def recover(self) -> None:
        """What a start finds: jobs that ran are queued again, once; folders that belong to no job are removed."""
        running = self._database.execute("select * from jobs where state = ?", (RUNNING,)).fetchall()
        for job in map(_job, running):
            if job.tries < TRIES:
                self.put_back(job, counted=True)
            else:
                self.end(job, FAILED, TWICE)
        known = {row["id"] for row in self._database.execute("select id from jobs")}
        for folder in self._jobs.iterdir():
            if _ID.fullmatch(folder.name) and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def new_folder(self) -> Path:
        """A fresh folder for the files of a job that is not there yet; its name will be the job's id."""
        folder = self._jobs / secrets.token_hex(_ID_BYTES)
        folder.mkdir()
        return folder

    def room(self) -> int:
        """Bytes that are free where the jobs lie."""
        return shutil.disk_usage(self._folder).free

    def folder(self, job: Job) -> Path:
        """Where the files of a job lie."""
        return self._jobs / job.id

    def add(
        self,
        folder: Path,
        files: dict[str, str | dict[str, str]],
        options: dict[str, str],
        seconds: float,
        callback: str | None = None,
        calls: int = 0,
    ) -> Job:
        """Queue a job whose files lie in `folder`, one of new_folder."""
        self._database.execute(
            "insert into jobs (id, state, files, options, seconds, callback, calls, created) values (?,?,?,?,?,?,?,?)",
            (folder.name, QUEUED, json.dumps(files), json.dumps(options), seconds, callback, calls, time.time()),
        )
        return self.get(folder.name)

    def get(self, identity: str) -> Job | None:
        """The job of that id."""
        row = self._database.execute("select * from jobs where id = ?", (identity,)).fetchone()
        return None if row is None else _job(row)

    def page(self, count: int, before: int | None = None) -> list[Job]:
        """The newest jobs first: `count` of them, of those with a lower number than `before`."""
        rows = self._database.execute(
            "select * from jobs where number < ? order by number desc limit ?", (before or 1 << 62, count)
        )
        return [_job(row) for row in rows]

    def count(self, state: str) -> int:
        """How many jobs are in a state."""
        return self._database.execute("select count(*) from jobs where state = ?", (state,)).fetchone()[0]

    def ahead_of(self, job: Job) -> int:
        """How many jobs wait before this one."""
        rows = self._database.execute(
            "select count(*) from jobs where state = ? and number < ?", (QUEUED, job.number)
        ).fetchone()
        return rows[0]

    def take(self) -> Job | None:
        """The job that waits longest, which is now running; None when none waits."""
        row = self._database.execute(
            "update jobs set state = ?, started = ?, tries = tries + 1 where number ="
            " (select min(number) from jobs where state = ?) returning *",
            (RUNNING, time.time(), QUEUED),
        ).fetchone()
        return None if row is None else _job(row)

    def put_back(self, job: Job, counted: bool) -> None:
        """A running job waits again, before all others; unless `counted`, its try was none."""
        self._database.execute(
            "update jobs set state = ?, started = null, tries = tries - ? where number = ? and state = ?",
            (QUEUED, 0 if counted else 1, job.number, RUNNING),
        )

    def end(self, job: Job, state: str, error: str = "", facts: dict[str, Any] | None = None) -> Job:
        """A job is done, failed or cancelled: what was sent for it is removed, and all but a result; that comes first,
        so that on a full disk there is room to write it down."""
        for path in self.folder(job).glob("*"):
            if state != DONE or not path.name.startswith("result."):
                with suppress(OSError):  # what is left goes when the job expires
                    path.unlink()
        self._database.execute(
            "update jobs set state = ?, error = ?, facts = ?, finished = ? where number = ?",
            (state, error, json.dumps(facts or {}), time.time(), job.number),
        )
        return self.get(job.id)

    def remove(self, job: Job) -> None:
        """Forget a job, with its files: they go first, and a row that could not be removed is found again."""
        shutil.rmtree(self.folder(job), ignore_errors=True)
        self._database.execute("delete from jobs where number = ?", (job.number,))

    def expired(self, before: float) -> list[Job]:
        """Jobs that ended before that time."""
        rows = self._database.execute("select * from jobs where finished < ? order by number limit 100", (before,))
        return [_job(row) for row in rows]

    def calls_left(self) -> list[Job]:
        """Ended jobs whose callback is still to be tried."""
        rows = self._database.execute("select * from jobs where calls > 0 and finished is not null order by number")
        return [_job(row) for row in rows]

    def count_call(self, job: Job, last: bool) -> None:
        """A callback was tried; with `last` it needs no other."""
        self._database.execute(
            "update jobs set calls = case when ? then 0 else max(0, calls - 1) end where number = ?", (last, job.number)
        )


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    for name in ("files", "options", "facts"):
        values[name] = json.loads(values[name])
    return Job(**values)
