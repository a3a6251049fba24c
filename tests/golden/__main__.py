"""python -m tests.golden DIR [SYSTEM...]: every NAME.json + NAME.npz in DIR/SYSTEM/ through our code, a row each.

Last line "N passed, N failed", and how many were skipped because something is not on this machine; exit code 1 when
one failed, or when there was nothing to run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .compare import run


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(arguments[0])
    systems = arguments[1:] or sorted({path.parent.name for path in root.glob("*/*.json")})
    passed = failed = skipped = 0
    for system in systems:
        pairs = sorted((root / system).glob("*.json"))
        if not pairs:
            print(f"{system:<40} FAIL  no .json in {root / system}", flush=True)
            failed += 1
        for path in pairs:
            row = run(path, system)
            print(row, flush=True)
            passed += row.passed
            skipped += row.skipped
            failed += not row.passed and not row.skipped
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
