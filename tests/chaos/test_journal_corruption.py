"""T07 at the gateway: whatever happens to its journal, it starts, alters nothing and counts what is lost."""

import random
import shutil
import statistics
from pathlib import Path

import pytest

from greenhearth_gateway.journal.database import FILE_NAME
from greenhearth_gateway.journal.opening import open_journal
from greenhearth_gateway.journal.tables import load_books
from greenhearth_gateway.journal.wal import FRAME_HEAD, frames_of, is_damaged

from .journal_damage import Damage, Truth, build, copy_files, found_rows, strike, touched
from .tiers import seed, size, write_result

SEED = seed()


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Truth, list[Path]]:
    """The same journal three times: all in the log, half in the log, closed."""
    folder, dice = tmp_path_factory.mktemp("journals"), random.Random(SEED)
    truth, writer, db = build(folder / "live", dice, 24)
    names = ["log", "half", "closed"]
    copy_files(folder / "live", folder / "log")
    db.execute("PRAGMA wal_checkpoint(RESTART)")
    for _ in range(3):
        again = [truth.frame("edge", truth.record("edge", 1_767_225_700_000, 12, dice)) for _ in range(9)]
        writer.write(again)
    copy_files(folder / "live", folder / "half")
    db.close()
    copy_files(folder / "live", folder / "closed")
    return truth, [folder / name for name in names]


def test_every_damage_is_survived_and_counted(
    bases: tuple[Truth, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Opened, not altered, no ghost, the count closes, and nothing is lost but what was hit."""
    _, folders = bases
    truths = [_given(bases, folder) for folder in folders]
    lost: dict[str, list[int]] = {}
    for number in range(size(200, 5_000, 20_000)):
        dice = random.Random(f"{SEED}:{number}")
        which = dice.randrange(len(folders))
        place = tmp_path / "one"
        shutil.rmtree(place, ignore_errors=True)
        copy_files(folders[which], place)
        damage = strike(place, dice)
        why = f"seed {SEED}, damage {number}: {damage} of {folders[which].name}"
        lost.setdefault(damage.kind, []).append(_verdict(folders[which], place, damage, truths[which], why))
    result = {kind: _summary(found) for kind, found in sorted(lost.items())}
    write_result("journal-corruption", {"seed": SEED, "lost_by_kind": result})
    with capsys.disabled():
        print(f"\njournal damages, seed {SEED}: {result}")


def _given(bases: tuple[Truth, list[Path]], folder: Path) -> Truth:
    """Return what was acknowledged when this copy was made: what an undamaged one holds."""
    place = folder.with_name(folder.name + "-sound")
    copy_files(folder, place)
    opened = open_journal(place / FILE_NAME)
    stored, refused, damaged = found_rows(opened.db)
    opened.db.close()
    assert not opened.sentence
    assert not damaged
    whole = bases[0]
    assert all(whole.payloads[one] == payload for one, payload in stored.items())
    return Truth({one: whole.payloads[one] for one in stored.keys() | refused}, refused)


def _verdict(base: Path, place: Path, damage: Damage, truth: Truth, why: str) -> int:
    opened = open_journal(place / FILE_NAME)
    stored, refused, damaged = found_rows(opened.db)
    books = load_books(opened.db)
    assert opened.db.execute("PRAGMA integrity_check").fetchone() == ("ok",), why
    opened.db.close()
    ghosts = {one for one, payload in stored.items() if truth.payloads.get(one) != payload}
    assert not ghosts, why
    assert not refused - truth.refused, why
    missing = truth.payloads.keys() - stored.keys() - refused
    taken = sum(book.stored + book.quarantined for book in books.values())
    assert taken == len(stored) + len(refused) + len(damaged), why
    if not damage.cuts:
        assert damaged == missing, f"{why}: not counted: {sorted(missing - damaged)}"
        assert missing <= touched(base, damage, truth), why
        if damage.kind in ("flip", "byte"):
            assert len(missing) <= 1, why
    else:
        assert damaged <= missing, why
    return len(missing)


def _summary(found: list[int]) -> dict[str, float]:
    return {
        "tried": len(found),
        "lost_nothing_share": round(sum(1 for n in found if not n) / len(found), 4),
        "median": statistics.median(found),
        "most": max(found),
    }


@pytest.mark.parametrize("name", ["log", "half"])
def test_no_bit_of_the_heads_that_close_a_transaction_can_flip_unnoticed(
    bases: tuple[Truth, list[Path]], name: str
) -> None:
    """The last of them is the only sign that it was committed: a flip must not make it look like a crash."""
    folder = next(one for one in bases[1] if one.name == name)
    log = bytearray((folder / f"{FILE_NAME}-wal").read_bytes())
    current = [frame for frame in frames_of(bytes(log)) if frame.salts == log[16:24]]
    assert current[-1].closes
    assert not is_damaged(bytes(log))
    for at in range(current[-1].start - FRAME_HEAD, current[-1].start):
        for bit in range(8):
            log[at] ^= 1 << bit
            assert is_damaged(bytes(log)), (at, bit)
            log[at] ^= 1 << bit
