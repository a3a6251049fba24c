#!/usr/bin/env bash
# LawDNet (or DINet), from a folder of videos to a dubbed, measured one: trained coarse to fine.
# Usage: recipes/lawdnet/run.sh [OPTION]... VIDEOS WORK
#   VIDEOS  folder of talking heads with their own sound (25 frames/s or anything else)
#   WORK    folder for everything that is made: screened/ faces/ features/ lists/ runs/ dubbed.mp4 report/
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Options
stage=0                # first stage to run
stop_stage=10          # last stage to run
model=lawdnet          # lawdnet or dinet
preset=                # tiny: small networks for two CPU cores; empty: the published sizes
config=                # folder with sync.yaml, frame64.yaml, ... clip256.yaml; empty: conf/MODEL of this recipe, or the preset
workers=2              # processes that screen, crop and listen
keep=                  # condition of tk-eval-lse that a video must meet, its sound is then moved into sync; empty: all, as they are
landmarks=             # folder of OpenFace's CSV files; empty: landmarks are found
crop=360               # width of the crops in pixels: 320 for mouths of 256, 360 for those of 288
features=              # model of tk-feat; empty: deepspeech2 for lawdnet, deepspeech for dinet, mel for preset tiny
sync=                  # trained SyncNet: a run, or the published file, which hears deepspeech; stage 4 is not needed then
val=0.1                # share of the clips kept for validation
seed=0                 # of that division
face=                  # video or picture to dub at the end; empty: the first of the videos
speech=                # speech for it; empty: the sound of the last of the videos
# End of options
. "$here/../options.sh"
[ "${#operands[@]}" = 2 ] || { echo "$0: give two folders, VIDEOS and WORK; see --help" >&2; exit 2; }
check_stages 10
check_config
case "$model" in
    lawdnet) heard=deepspeech2 ;;
    dinet) heard=deepspeech ;;
    *) echo "$0: --model is lawdnet or dinet, not $model; see --help" >&2; exit 2 ;;
esac
[ "$preset" != tiny ] || heard=mel
heard=${features:-$heard}
videos=${operands[0]} work=${operands[1]}
lists=$work/lists runs=$work/runs

begin "model=$model preset=${preset:-published} $videos $work"

look() {
    [ -n "$keep" ] || { list_videos "$videos" "$work"; return; }
    some_may_fail tk-eval-lse --keep "$keep" --fix --workers "$workers" --errors "$work/screen-errors.ndjson" \
        "$videos" "$work/screened" >"$work/videos.txt"
    some "$work/videos.txt" "no video in $videos meets: $keep"
}

crop_faces() {
    local given=()
    [ -z "$landmarks" ] || given=(--landmarks "$landmarks")
    [ "$model" = dinet ] || given+=(--width "$crop")
    needs "$work/videos.txt" 0
    some_may_fail tk-crop-face --layout "$model" "${given[@]}" --workers "$workers" --errors "$work/crop-errors.ndjson" \
        - "$work/faces" <"$work/videos.txt" >"$work/faces.txt"
    some "$work/faces.txt" "no face in any clip"
}

listen() { # to the sound of the crops: one clock
    needs "$work/faces.txt" 1
    some_may_fail tk-feat --model "$heard" --workers "$workers" --errors "$work/feat-errors.ndjson" \
        - "$work/features" <"$work/faces.txt" >"$work/features.txt"
    some "$work/features.txt" "no clip has a sound"
    those_with "$work/features.txt" "$work/videos.txt" >"$work/usable.txt"
    ! sync_hears_otherwise || some_may_fail tk-feat --model deepspeech --workers "$workers" \
        --errors "$work/feat-sync-errors.ndjson" - "$work/features-sync" <"$work/faces.txt" >"$work/features-sync.txt"
}
sync_hears_otherwise() { [ -f "$sync" ] && [ "$heard" != deepspeech ]; } # a published SyncNet, another generator

split() {
    needs "$work/faces.txt" 1
    tk-split-list --val "$val" --test 0 --seed "$seed" - "$lists" <"$work/faces.txt" >/dev/null
}

train() { # train STAGE [OPTION]...: from the lists; a run that was stopped goes on
    local name=$1 settings; shift
    settings=(--config "${config:-$here/conf/$model}/$name.yaml")
    [ -z "$preset" ] || settings=(--preset "$preset" ${config:+"${settings[@]}"})
    [ ! -s "$lists/val.txt" ] || settings+=(--val "$lists/val.txt") # few clips: tk-train holds some back itself
    needs "$lists/train.txt" 3
    tk-train "$model" --stage "$name" "${settings[@]}" --set features="$heard" --out "$runs/$name" "$@" \
        "$work/faces" "$work/features" >"$work/$name.best"
}
train_sync() {
    [ -z "$sync" ] || { log "a SyncNet is given: $sync"; return 0; }
    train sync
}
train_frame64() { train frame64; }
train_frame128() { train frame128 --init "$runs/frame64"; }
train_frame256() { train frame256 --init "$runs/frame128"; }
train_clip256() {
    local other=()
    ! sync_hears_otherwise || other=(--set "sync_features=$work/features-sync")
    train clip256 --init "$runs/frame256" --sync "${sync:-$runs/sync}" "${other[@]}"
}

dub() {
    needs "$work/usable.txt" 2
    tk-infer "$model" --checkpoint "$runs/clip256" "${face:-$(sed -n 1p "$work/usable.txt")}" \
        "${speech:-$(sed -n '$p' "$work/usable.txt")}" "$work/dubbed.mp4" >/dev/null
}

measure() { # the first video with its own sound, where the truth is known, and the dubbed one
    local report=$work/report first name
    first=$(sed -n 1p "$work/usable.txt")
    mkdir -p "$report"
    tk-infer "$model" --checkpoint "$runs/clip256" "$first" "$report/again.mp4" >/dev/null
    printf '%s\t%s\n' "$report/again.mp4" "$first" >"$report/pairs.tsv"
    some_may_fail tk-eval-video --pairs "$report/pairs.tsv" >"$report/pictures.tsv"
    tk-plot "$work/dubbed.mp4" "$report/dubbed.png" >/dev/null
    for name in sync frame64 frame128 frame256 clip256; do
        [ ! -e "$runs/$name/metrics.csv" ] || tk-plot "$runs/$name/metrics.csv" "$report/$name.png" >/dev/null
    done
    tk-report --title "$model: $(basename "$work")" --out "$report" "$report/pictures.tsv" >/dev/null
}

[ -z "$preset" ] || tk-train "$model" --preset "$preset" --print-config >/dev/null # better said now than after hours
mkdir -p "$work"
run_stage 0 "look at the videos, or screen them; videos.txt" look
run_stage 1 "follow, align and crop the face of each; faces/" crop_faces
run_stage 2 "listen to each; features/" listen
run_stage 3 "divide into training and validation; lists/" split
run_stage 4 "train the SyncNet; runs/sync/" train_sync
run_stage 5 "train on mouths of 64 pixels; runs/frame64/" train_frame64
run_stage 6 "train on mouths of 128 pixels; runs/frame128/" train_frame128
run_stage 7 "train on mouths of 256 pixels; runs/frame256/" train_frame256
run_stage 8 "train on five frames at a time; runs/clip256/" train_clip256
run_stage 9 "dub; dubbed.mp4" dub
run_stage 10 "measure and draw; report/" measure
