"""The one thread that writes: groups what came, commits, and then tells the others.

If a commit fails, for instance because the disk is full, nothing is acknowledged and the same
group is tried again until it succeeds. What comes meanwhile joins the group, so that the page
stays live; above a limit the oldest frames are let go and counted. Nothing is lost by that:
what is not acknowledged, the agent sends again.
"""

import gc
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from greenhearth import failpoints
from greenhearth.clock import NS, Clock
from greenhearth.measures import Durations
from greenhearth.wire import Birth
from greenhearth_gateway.alarms.engine import AlarmDraft, initial_states
from greenhearth_gateway.config import AlarmPart
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import Arrival, Source, read_item
from greenhearth_gateway.journal import tables
from greenhearth_gateway.journal.books import BooksDraft
from greenhearth_gateway.journal.database import is_damage
from greenhearth_gateway.journal.fencing import Fence, Rivals, newest_epochs
from greenhearth_gateway.journal.ledger import note_forgotten
from greenhearth_gateway.journal.transaction import Commit, Entry, Transaction
from greenhearth_gateway.problems import Problems

MOST_FRAMES = 100
GATHER_S = 0.05
"""A commit costs an fsync (0.1 to 10 ms): at most 20 of them a second."""

IDLE_S = 0.5
RETRY_FIRST_S, RETRY_LONGEST_S = 0.1, 0.5
MOST_HELD = 100
"""Frames kept while the disk refuses; trying that many costs about 50 ms."""
BIRTHS_KEPT = 64
RETENTION_EVERY_S = 60.0
RETENTION_ROWS = 5000
"""Deleted at most at a time, so that data never waits long behind it (about 20 ms)."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long items are kept; never dropped before every projection has them."""

    clock: Clock
    days: float = 0.0
    projections: tuple[str, ...] = ()
    trusted: Callable[[], bool] = lambda: True
    """Whether the clock may decide now what is old."""


class Writer:
    """Owns the read-write connection, the books and the alarm states."""

    def __init__(
        self,
        db: sqlite3.Connection,
        inbox: Inbox[Entry],
        alarms: Mapping[str, AlarmPart],
        problems: Problems,
        retention: Retention,
    ) -> None:
        self._db, self.inbox, self._problems, self._retention = db, inbox, problems, retention
        self.alarms = alarms
        self.books = tables.load_books(db)
        self.alarm_states = initial_states(alarms, tables.load_alarms(db))
        self.rivals = Rivals()
        self._newest = newest_epochs(self.books)
        self.on_commit: list[Callable[[Commit], None]] = []
        self.on_refusal: list[Callable[[Commit], None]] = []
        """Told what the disk did not take; it will come again."""
        self.on_idle: list[Callable[[], None]] = []
        self.reopen: Callable[[], sqlite3.Connection] | None = None
        """How the file is opened anew, and salvaged, when SQLite finds it damaged."""
        self.stopping = threading.Event()
        self.commit_s = Durations()
        self.let_go = 0
        """Frames left to their agents because the disk refused for long."""
        self._births: dict[tuple[Source, int, int], Birth] = {}
        self._retained_at = time.monotonic()

    def run(self) -> None:
        """Write until told to stop and the inbox is empty."""
        collect_seldom()
        while not (self.stopping.is_set() and not len(self.inbox)):
            batch = self.inbox.take_batch(MOST_FRAMES, IDLE_S, GATHER_S)
            if batch:
                self.write(batch)
            else:
                self._tell_rivals()
                for tell in self.on_idle:
                    tell()
            self._retain()

    def write(self, batch: list[Entry]) -> None:
        """Commit a batch, however long it takes; gives up only when told to stop."""
        wait = RETRY_FIRST_S
        while (work := self._attempt(batch)) is None:
            if self.stopping.wait(wait):
                return
            wait = min(2 * wait, RETRY_LONGEST_S)
            batch = self._with_news(batch)
        self._problems.end("journal")
        commit = work.result()
        failpoints.reached("journal.after_commit")
        self.books.update(commit.books)
        self._newest.update(work.fence.newest)
        self.rivals.note(work.fence, self._newest, commit.clashes)
        self._tell_rivals()
        self.alarm_states = dict(commit.alarms)
        work.settle()
        for tell in self.on_commit:
            tell(commit)

    def _attempt(self, batch: list[Entry]) -> Transaction | None:
        """Commit a batch and return its work; if the disk refuses, undo and show it, and return None."""
        books = BooksDraft(self.books)
        alarms = AlarmDraft(self.alarms, self.alarm_states)
        work = Transaction(self._db, books, alarms, self._find_birth, Fence(self._newest))
        try:
            self._commit(work, batch)
        except sqlite3.Error as error:
            self._roll_back()
            if is_damage(error) and self.reopen is not None:
                self._open_again(self.reopen)
            self._problems.begin("journal", _sentence(error, self._where()) + self._left())
            for tell in self.on_refusal:
                tell(work.result())
            return None
        return work

    def _commit(self, work: Transaction, batch: list[Entry]) -> None:
        began = time.monotonic()
        work.begin()
        for entry in batch:
            work.take(entry)
        work.save()
        failpoints.reached("journal.before_commit")
        self._db.execute("COMMIT")
        self.commit_s.observe(time.monotonic() - began)

    def _with_news(self, batch: list[Entry]) -> list[Entry]:
        """Return a refused batch with what came meanwhile, within the limit."""
        room = 2 * MOST_HELD - len(batch)  # of which half is for births and requests, which never go
        held = batch + self.inbox.take_batch(max(0, min(MOST_FRAMES, room)), 0.0, 0.0)
        kept = newest(held, MOST_HELD)
        self.let_go += len(held) - len(kept)
        return kept

    def _left(self) -> str:
        return (
            f" {self.let_go} message(s) were left to the agents, who send them again." if self.let_go else ""
        )

    def _where(self) -> str:
        return str(self._db.execute("PRAGMA database_list").fetchone()[2])

    def _open_again(self, reopen: Callable[[], sqlite3.Connection]) -> None:
        """Go on with what can be read of a damaged file; the batch in hand is tried again."""
        self._db.close()
        self._db = reopen()
        self.books = tables.load_books(self._db)
        self._births.clear()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _find_birth(self, source: Source, epoch: int, seq: int) -> Birth | None:
        key = (source, epoch, seq)
        if key not in self._births:
            payload = tables.find_birth(self._db, *key)
            if payload is None:
                return None
            birth = read_item(payload)
            assert isinstance(birth, Birth)
            while len(self._births) >= BIRTHS_KEPT:
                self._births.pop(next(iter(self._births)))
            self._births[key] = birth
        return self._births[key]

    def _retain(self) -> None:
        due = time.monotonic() - self._retained_at > RETENTION_EVERY_S
        if due and self._retention.days > 0:
            deleted = self.forget_old()
            if deleted == RETENTION_ROWS:
                return
        if due:
            self._retained_at = time.monotonic()

    def forget_old(self) -> int:
        """Delete some of what is older than the retention; return how many items."""
        if not self._retention.trusted():
            return 0
        now_ns, newest_ns = self._retention.clock.now_ns(), tables.newest_time(self._db)
        before_ns = min(now_ns, newest_ns) - round(self._retention.days * 86400 * NS)
        ahead_ns = max(now_ns, newest_ns) + 86400 * NS
        cursors = dict(self._db.execute("SELECT name, id FROM cursors"))
        upto = min((cursors.get(name, 0) for name in self._retention.projections), default=1 << 62)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            gone = tables.forget_items(self._db, (before_ns, ahead_ns), upto, RETENTION_ROWS)
            changed = note_forgotten(self._db, self.books, gone)
            failpoints.reached("journal.retention")
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            self._problems.begin("retention", f"Old data could not be deleted from the journal ({error}).")
            return 0
        self.books.update(changed)
        self._problems.end("retention")
        return len(gone)

    def _tell_rivals(self) -> None:
        told = self.rivals.sentences()
        if told:
            self._problems.begin("rivals", " ".join(told))
        else:
            self._problems.end("rivals")


def collect_seldom() -> None:
    """Have Python look for cyclic garbage after 50 000 new objects instead of 700.

    A group of frames makes that many which all live until its commit; looking through them took 15 to 40 %
    of the writer's time.
    """
    gc.set_threshold(50_000, 20, 50)


def newest(held: list[Entry], most: int) -> list[Entry]:
    """Return what is kept of `held`: the oldest frames above `most` go, but no birth and no request."""
    over, kept = len(held) - most, []
    for entry in held:
        if over > 0 and isinstance(entry, Arrival) and not entry.topic.endswith("/birth"):
            over -= 1
        else:
            kept.append(entry)
    return kept


def _sentence(error: sqlite3.Error, where: str) -> str:
    so = "what the page shows is live but not stored or acknowledged, agents keep their data."
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return (
            f"The disk of the gateway's journal is full ({where}): {so} Free some space there; "
            "it goes on by itself."
        )
    return (
        f"The gateway's journal {where} cannot be written ({error}): {so} See that its disk is sound and "
        "may be written; it is tried again until it works."
    )
