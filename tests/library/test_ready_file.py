"""Ready files: complete from the moment they exist."""

import json
from pathlib import Path

from greenhearth.ready_file import write_ready


def test_a_ready_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Whoever waits for a ready file reads all of it."""
    path = tmp_path / "ready.json"
    write_ready(path, {"pid": 1})
    with path.open() as reader:
        write_ready(path, {"pid": 2, "endpoints": {"plc": {"port": 502}}})
        assert json.load(reader) == {"pid": 1}, "a reader of the old file sees a mixture"
    assert json.loads(path.read_text()) == {"pid": 2, "endpoints": {"plc": {"port": 502}}}
    assert [one.name for one in tmp_path.iterdir()] == ["ready.json"]
