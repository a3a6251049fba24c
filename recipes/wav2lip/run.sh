#!/usr/bin/env bash
# Wav2Lip, from a folder of videos to a lip-synced, measured one.
# Usage: recipes/wav2lip/run.sh [OPTION]... VIDEOS WORK
#   VIDEOS  folder of talking heads with their own sound (25 frames/s or anything else)
#   WORK    folder for everything that is made: faces/ lists/ runs/ talking.mp4 report/
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Options
stage=0                # first stage to run
stop_stage=7           # last stage to run
preset=                # tiny: small networks for two CPU cores; empty: the published sizes
config=                # folder with expert.yaml, generator.yaml, gan.yaml; empty: conf/ of this recipe, or the preset
workers=2              # processes that crop faces
val=0.1                # share of the clips kept for validation
face=                  # video or picture to dub at the end; empty: the first of the videos
speech=                # speech for it; empty: the sound of the last of the videos
# End of options
. "$here/../options.sh"
[ "${#operands[@]}" = 2 ] || { echo "$0: give two folders, VIDEOS and WORK; see --help" >&2; exit 2; }
check_stages 7
check_config
videos=${operands[0]} work=${operands[1]}
faces=$work/faces lists=$work/lists runs=$work/runs

begin "preset=${preset:-published} $videos $work"

check_videos() { list_videos "$videos" "$work"; }

crop() {
    some_may_fail tk-crop-face --workers "$workers" --errors "$work/crop-errors.ndjson" - "$faces" \
        <"$work/videos.txt" >"$work/faces.txt"
    some "$work/faces.txt" "no face in any clip"
    those_with "$work/faces.txt" "$work/videos.txt" >"$work/usable.txt"
}

split() { tk-split-list --val "$val" --test 0 - "$lists" <"$work/faces.txt" >/dev/null; }

train() { # train STAGE [OPTION]...: from the lists; a run that was stopped goes on
    local name=$1 settings; shift
    settings=(--config "${config:-$here/conf}/$name.yaml")
    [ -z "$preset" ] || settings=(--preset "$preset" ${config:+"${settings[@]}"})
    [ ! -s "$lists/val.txt" ] || settings+=(--val "$lists/val.txt") # few clips: tk-train holds some back itself
    needs "$lists/train.txt" 2
    tk-train wav2lip --stage "$name" "${settings[@]}" --out "$runs/$name" "$@" - \
        <"$lists/train.txt" >"$work/$name.best"
}
train_expert() { train expert; }
train_generator() { train generator --expert "$runs/expert"; }
train_gan() { train gan --expert "$runs/expert" --init "$runs/generator"; }

dub() {
    needs "$work/usable.txt" 1
    tk-infer wav2lip --checkpoint "$runs/gan" "${face:-$(sed -n 1p "$work/usable.txt")}" \
        "${speech:-$(sed -n '$p' "$work/usable.txt")}" "$work/talking.mp4" >/dev/null
}

measure() {
    local report=$work/report
    mkdir -p "$report"
    tk-plot "$work/talking.mp4" "$report/talking.png" >/dev/null
    for name in expert generator gan; do tk-plot "$runs/$name/metrics.csv" "$report/$name.png" >/dev/null; done
    some_may_fail tk-eval-lse --expert "$runs/expert" --curves "$report/talking.sync.h5" "$work/talking.mp4" >"$report/lse.tsv"
    local curves=()
    if [ -e "$report/talking.sync.h5" ]; then
        tk-plot "$report/talking.sync.h5" "$report/sync.png" >/dev/null
        curves=(--curves "$report/talking.sync.h5")
    fi
    tk-report "${curves[@]}" --title "Wav2Lip: $(basename "$work")" --out "$report" "$report/lse.tsv" >/dev/null
}

mkdir -p "$work"
run_stage 0 "look at the videos; videos.tsv, videos.txt" check_videos
run_stage 1 "follow and crop the face of each; faces/*.face.h5" crop
run_stage 2 "divide into training and validation; lists/" split
run_stage 3 "train the sync expert; runs/expert/" train_expert
run_stage 4 "train the generator; runs/generator/" train_generator
run_stage 5 "train it on with the discriminator; runs/gan/" train_gan
run_stage 6 "dub; talking.mp4" dub
run_stage 7 "measure and draw; report/" measure
