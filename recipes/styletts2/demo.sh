#!/usr/bin/env bash
# StyleTTS 2 on made speech: a made voice, learnt from its sentences by small networks on two CPU cores.
# Usage: recipes/styletts2/demo.sh [OUT]      OUT: folder for everything (default: demo-out/styletts2)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
extras=demo,text,styletts2,phones
. "$here/../demo_options.sh"

tk-demo-data --speakers 1 --clips 120 --workers 2 "$out/wavs" >/dev/null
"$here/run.sh" --preset tiny --recogniser pocketsphinx "$out/wavs" "$out/work"

cat <<END

sentences   $out/work/said/*/*.wav
measured    $out/work/report/said.tsv
loss plots  $out/work/report/aligner.png pitch.png first.png second.png
samples     $out/work/runs/second/samples/
report      $out/work/report/index.html
END
