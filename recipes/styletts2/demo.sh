#!/usr/bin/env bash
# StyleTTS 2 on made speech: a made voice, learnt from its sentences by small networks on two CPU cores.
# Usage: recipes/styletts2/demo.sh [OUT]      OUT: folder for everything (default: demo-out/styletts2)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
case "${1-}" in
    -h | --help) sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    -*) echo "$0: unknown option $1 (see --help)" >&2; exit 2 ;;
esac
[ $# -le 1 ] || { echo "$0: give one folder, or none (see --help)" >&2; exit 2; }
out=${1:-demo-out/styletts2}

"$root/bin/setup" demo,text,styletts2,phones
PATH="$root/.venv/bin:$PATH"
tk-demo-data --speakers 1 --clips 120 --workers 2 "$out/wavs" >/dev/null
"$here/run.sh" --preset tiny --recogniser pocketsphinx "$out/wavs" "$out/work"

cat <<END

sentences   $out/work/said/*/*.wav
measured    $out/work/report/said.tsv
loss plots  $out/work/report/aligner.png pitch.png first.png second.png
samples     $out/work/runs/second/samples/
report      $out/work/report/index.html
END
