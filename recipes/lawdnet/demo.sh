#!/usr/bin/env bash
# LawDNet on made talking heads: small networks, trained coarse to fine and dubbed, in minutes on two CPU cores.
# Usage: recipes/lawdnet/demo.sh [OUT]      OUT: folder for everything (default: demo-out/lawdnet)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
extras=demo
. "$here/../demo_options.sh"

tk-demo-data --clips 8 --seconds 6 --workers 2 "$out/videos" >/dev/null
"$here/run.sh" --preset tiny "$out/videos" "$out/work"

cat <<END

video          $out/work/dubbed.mp4
contact sheet  $out/work/report/dubbed.png
loss plots     $out/work/report/frame64.png ... $out/work/report/clip256.png
samples        $out/work/runs/frame256/samples/
report         $out/work/report/index.html
END
