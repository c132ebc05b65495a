"""How fast the log list and the statistics answer with two million rows, on SQLite and PostgreSQL.

    python -m bench.log_store [rows]

Fills temporary databases with a site's ninety days: some hundred people, forty models, few of everything making up
most of the traffic. PostgreSQL is started where Debian has it and left out where not. Prints milliseconds, the
median of five, for the questions that the log page, the dashboard and scripts ask; for SQLite, which works in this very
thread, also how much of that was work rather than waiting for a busy machine. The goal is 100.
"""

import csv
import io
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneapi_app.actor import COMMON, ROOT, Actor
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import Database, UnitOfWork, open_database
from oneapi_app.migration import migrate
from oneapi_app.models import User
from oneapi_app.settings import default_settings
from oneapi_app.usage_log import figures, service, upkeep
from oneapi_app.usage_log.policy import DAY_S
from oneapi_app.usage_log.schemas import LogFilter, UsageFilter
from tests.support.databases import postgres_dsn
from tests.support.servers import find_program, start_postgres

ROWS = 2_000_000
DAYS = 90
PEOPLE, MODELS, CHANNELS = 300, 40, 8
GOAL_MS = 100
COLUMNS = (
    "user_id, created_at, type, content, username, token_name, model_name, quota, prompt_tokens, "
    "completion_tokens, channel_id, request_id, elapsed_time, is_stream, system_prompt_reset"
)
ADMIN = Actor(1, "root", ROOT, "default")
BUSY = Actor(2, "user2", COMMON, "default")
IDLE = Actor(PEOPLE, f"user{PEOPLE}", COMMON, "default")


@dataclass(frozen=True, slots=True)
class Answers:
    """What one engine answered: milliseconds by question."""

    engine: str
    rows: int
    took_ms: dict[str, float]

    @property
    def slow(self) -> list[str]:
        return [question for question, took in self.took_ms.items() if took > GOAL_MS]


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    sys.exit(1 if any(answers.slow for answers in measure_engines(rows)) else 0)


def measure_engines(rows: int) -> list[Answers]:
    """SQLite, and PostgreSQL where it is installed."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        found = [measure(open_database(default_settings(sqlite_path=str(Path(directory) / "log.db"))), rows)]
    if find_program("initdb") is None:
        print("PostgreSQL: not installed, left out")
        return found
    server = start_postgres()
    try:
        found.append(measure(open_database(default_settings(sql_dsn=postgres_dsn(server, "postgres"))), rows))
    finally:
        server.stop()
    return found


def measure(database: Database, rows: int) -> Answers:
    """Fills the database, asks, and closes it."""
    print(f"\n{database.dialect}: {rows:,} rows over {DAYS} days")
    try:
        migrate(database)
        began = time.perf_counter()
        fill(database, rows)
        filled = time.perf_counter()
        sum_up(database)
        print(f"  filled in {filled - began:.0f} s, summed up in {time.perf_counter() - filled:.0f} s")
        took_ms = {text: ask(database, text, question) for text, question in questions(rows)}
        return Answers(database.dialect, rows, took_ms)
    finally:
        database.close_sync()


def generate(rows: int) -> Iterator[tuple[Any, ...]]:
    """A fixed course of dice, rising in time."""
    dice = random.Random(4)
    start = now_s() - DAYS * DAY_S
    people = dice.choices(range(2, PEOPLE + 2), [1 / (n + 1) for n in range(PEOPLE)], k=rows)
    models = dice.choices(range(MODELS), [1 / (n + 1) for n in range(MODELS)], k=rows)
    for number, (person, model) in enumerate(zip(people, models, strict=True)):
        at = start + number * DAYS * DAY_S // rows
        kind = 2 if dice.random() > 0.0005 else dice.choice((1, 3, 4))
        prompt, completion = dice.randrange(2000), dice.randrange(800)
        names = (f"user{person}", f"token{dice.randrange(2)}", f"model-{model}")
        cost = (prompt + completion * 4, prompt, completion, dice.randrange(1, CHANNELS + 1))
        tail = (f"{at}{number:018d}", dice.randrange(5000), bool(number & 1), False)
        yield (person, at, kind, "倍率：2.50 × 1.00 × 4.00", *names, *cost, *tail)


def fill(database: Database, rows: int) -> None:
    def insert_people(uow: UnitOfWork) -> None:
        names = ["root", *(f"user{number}" for number in range(2, PEOPLE + 2))]
        uow.session.add_all(User(username=name, aff_code=name, access_token=name) for name in names)

    database.run_sync(insert_people)
    raw: Any = database.engine.raw_connection()
    with raw.cursor() if database.dialect != "sqlite" else _SQLiteCursor(raw) as cursor:
        if database.dialect == "sqlite":
            marks = ", ".join("?" * (COLUMNS.count(",") + 1))
            cursor.execute("BEGIN")
            cursor.executemany(f"INSERT INTO logs ({COLUMNS}) VALUES ({marks})", generate(rows))
            cursor.execute("COMMIT")
        else:
            for text in _csv(generate(rows)):
                cursor.copy_expert(f"COPY logs ({COLUMNS}) FROM STDIN WITH CSV", text)
            raw.commit()
    raw.close()


class _SQLiteCursor:
    def __init__(self, raw: Any) -> None:
        self._cursor = raw.cursor()

    def __enter__(self) -> Any:
        return self._cursor

    def __exit__(self, *_: object) -> None:
        self._cursor.close()


def _csv(rows: Iterator[tuple[Any, ...]], at_once: int = 100_000) -> Iterator[io.StringIO]:
    while True:
        text = io.StringIO()
        writer = csv.writer(text)
        for number, row in enumerate(rows, 1):
            writer.writerow(row)
            if number == at_once:
                break
        if not text.tell():
            return
        text.seek(0)
        yield text


def sum_up(database: Database) -> None:
    """What the program does in the background after taking over a database, and PostgreSQL by itself."""
    for step in (upkeep.count_other_rows, upkeep.count_next_stretch, upkeep.sum_next_day):
        while database.run_sync(step):
            pass
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def questions(rows: int) -> list[tuple[str, Callable[[UnitOfWork], Any]]]:
    now = now_s()

    def listed(page: int = 0, **chosen: Any) -> Callable[[UnitOfWork], Any]:
        return lambda uow: service.list_all(uow, ADMIN, chosen=LogFilter(**chosen), page=page)

    def own(actor: Actor, page: int = 0, **chosen: Any) -> Callable[[UnitOfWork], Any]:
        return lambda uow: service.list_own(uow, actor, chosen=LogFilter(**chosen), page=page)

    def stat(**chosen: Any) -> Callable[[UnitOfWork], Any]:
        return lambda uow: figures.stat_all(uow, ADMIN, chosen=LogFilter(**chosen))

    def site(days: int, *by: str, **wanted: Any) -> Callable[[UnitOfWork], Any]:
        return lambda uow: figures.sum_usage(
            uow, ADMIN, start=now - days * DAY_S, end=now + 1, by=by, whole_site=True,
            wanted=UsageFilter(**wanted), bucket_s=DAY_S, shift_s=8 * 3600,
        )  # fmt: skip

    return [
        ("list: first page", listed()),
        ("list: page 1,000", listed(1_000)),
        ("list: page in the middle", listed(rows // 20)),
        ("list: last page", listed(rows // 10 - 1)),
        ("list: top-ups", listed(type=1)),
        ("list: a busy user", listed(username="user2")),
        ("list: a rare user", listed(username=f"user{PEOPLE}")),
        ("list: a user's page 1,000", listed(1_000, username="user2")),
        ("list: a model", listed(model_name="model-39")),
        ("list: a token's name", listed(token_name="token1")),
        ("list: a channel", listed(channel=3)),
        ("list: user, model and channel", listed(username="user9", model_name="model-5", channel=3)),
        ("list: an hour", listed(start=now - 3600, end=now)),
        ("list: a day, 80 days ago", listed(start=now - 80 * DAY_S, end=now - 79 * DAY_S)),
        ("list: a user's day, 80 days ago", listed(start=now - 80 * DAY_S, end=now - 79 * DAY_S, username="user2")),
        ("own list: busy", own(BUSY)),
        ("own list: rare", own(IDLE)),
        ("own list: busy, page 1,000", own(BUSY, 1_000)),
        ("console: first page with count", lambda uow: service.page_entries(uow, ADMIN, chosen=LogFilter(), size=50)),
        ("stat: everything", stat()),
        ("stat: a busy user", stat(username="user2")),
        ("stat: a model", stat(model_name="model-0")),
        ("stat: a channel", stat(channel=3)),
        ("stat: a token's name", stat(token_name="token1")),
        ("stat: user and model", stat(username="user2", model_name="model-0")),
        ("stat: 30 days from mid-hour", stat(start=now - 40 * DAY_S - 1234, end=now - 10 * DAY_S + 77)),
        ("own stat", lambda uow: figures.stat_own(uow, BUSY, chosen=LogFilter())),
        ("dashboard: a week by model, own", lambda uow: figures.week_by_day(uow, BUSY)),
        ("dashboard: 30 days by model, site", site(30, "hour", "model_name")),
        ("dashboard: 30 days by channel, site", site(30, "channel_id")),
        ("dashboard: 30 days by user, site", site(30, "username")),
        ("dashboard: 30 days by token, site", site(30, "username", "token_name")),
    ]  # fmt: skip


def ask(database: Database, text: str, question: Callable[[UnitOfWork], Any]) -> float:
    times: list[float] = []
    computed: list[float] = []
    for _ in range(5):
        began, cpu = time.perf_counter(), time.thread_time()
        database.read_sync(question)
        times.append((time.perf_counter() - began) * 1000)
        computed.append((time.thread_time() - cpu) * 1000)
    median = statistics.median(times)
    share = f"{statistics.median(computed):6.1f} ms CPU" if database.dialect == "sqlite" else ""
    print(
        f"  {median:8.1f} ms {share}  {text}{'   <-- over the goal' if median > GOAL_MS else ''}", flush=True
    )
    return median


if __name__ == "__main__":
    main()
