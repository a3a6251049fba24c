#!/usr/bin/env bash
# Wav2Lip, from a folder of videos to a lip-synced, measured one.
# Usage: recipes/wav2lip/run.sh [OPTION]... VIDEOS WORK
#   VIDEOS  folder of talking heads with their own sound (25 frames/s or anything else)
#   WORK    folder for everything that is made: faces/ lists/ runs/ talking/ report/
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Options
stage=0                # first stage to run
stop_stage=7           # last stage to run
preset=                # tiny: small networks for two CPU cores; empty: the published sizes
config=$here/conf      # folder with expert.yaml, generator.yaml, gan.yaml: keys that differ from the defaults
workers=2              # processes that crop faces
val=0.1                # share of the clips kept for validation
face=                  # video or picture to dub at the end; empty: a validation clip
speech=                # speech for it; empty: the sound of another validation clip
device=auto            # cpu, cuda or auto
# End of options
. "$here/../options.sh"
[ "${#operands[@]}" = 2 ] || { _usage >&2; exit 2; }
videos=${operands[0]} work=${operands[1]}
faces=$work/faces lists=$work/lists runs=$work/runs

log "$0 stage=$stage stop_stage=$stop_stage preset=${preset:-published} $videos $work"
trap 'code=$?; log "ended with code $code after $SECONDS s"' EXIT

check_videos() { tk-info "$videos" >"$work/videos.tsv"; }

crop() {
    # Clips in which no face is found are told and left out; the others go on.
    tk-crop-face --workers "$workers" --errors "$work/crop-errors.ndjson" "$videos" "$faces" >"$work/faces.txt" ||
        [ -s "$work/faces.txt" ]
}

split() { tk-split-list --val "$val" --test 0 - "$lists" <"$work/faces.txt" >/dev/null; }

train() { # train STAGE [OPTION]...: from the lists, with this recipe's configuration, resuming what is there
    local name=$1; shift
    tk-train wav2lip --stage "$name" ${preset:+--preset "$preset"} --config "$config/$name.yaml" --device "$device" \
        --val "$lists/val.txt" --out "$runs/$name" "$@" - <"$lists/train.txt" >"$work/$name.best"
}
train_expert() { train expert; }
train_generator() { train generator --expert "$runs/expert"; }
train_gan() { train gan --expert "$runs/expert" --init "$runs/generator"; }

dub() {
    local picture=${face:-$(tk-info --json "$(head -n 1 "$lists/val.txt")" | sed -n 's/.*"source": "\([^"]*\)".*/\1/p')}
    [ -n "$face" ] || picture=$(find "$videos" -name "$picture" | head -n 1)
    tk-infer wav2lip --checkpoint "$runs/gan" --device "$device" "$picture" "${speech:-$picture}" "$work/talking.mp4"
}

measure() {
    mkdir -p "$work/report"
    tk-eval-lse --expert "$runs/expert" --curves "$work/report/talking.sync.h5" "$work/talking.mp4" >"$work/report/lse.tsv"
    tk-plot "$work/talking.mp4" "$work/report/talking.png"
    tk-plot "$work/report/talking.sync.h5" "$work/report/sync.png"
    for name in expert generator gan; do tk-plot "$runs/$name/metrics.csv" "$work/report/$name.png"; done
}

mkdir -p "$work"
run_stage 0 "look at the videos; videos.tsv" check_videos
run_stage 1 "follow and crop the face of each; faces/*.face.h5" crop
run_stage 2 "divide into training and validation; lists/" split
run_stage 3 "train the sync expert; runs/expert/" train_expert
run_stage 4 "train the generator; runs/generator/" train_generator
run_stage 5 "train it on with the discriminator; runs/gan/" train_gan
run_stage 6 "dub; talking.mp4" dub
run_stage 7 "measure and draw; report/" measure
