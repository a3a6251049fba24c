#!/usr/bin/env bash
# DiffVC on made speech: six made voices, trained on and converted into one another, in minutes on two CPU cores.
# Usage: recipes/diffvc/demo.sh [OUT]      OUT: folder for everything (default: demo-out/diffvc)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
extras=demo
. "$here/../demo_options.sh"

tk-demo-data --speakers 6 --clips 20 --workers 2 "$out/wavs" >/dev/null
"$here/run.sh" --preset tiny --steps 6 --textgrids "$out/wavs" "$out/wavs" "$out/work"

cat <<END

conversions   $out/work/converted/VOICE/*.wav
similarity    $out/work/report/similarity.tsv
loss plots    $out/work/report/encoder.png $out/work/report/decoder.png
samples       $out/work/runs/decoder/samples/
report        $out/work/report/index.html
END
