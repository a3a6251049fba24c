#!/usr/bin/env bash
# DiffVC, from a folder of recordings to measured conversions of voice.
# Usage: recipes/diffvc/run.sh [OPTION]... WAVS WORK
#   WAVS    folder with a folder of recordings for each speaker (wav, flac, ...)
#   WORK    folder for everything that is made: mels/ embeds/ avg/ lists/ runs/ converted/ report/
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Options
stage=0                # first stage to run
stop_stage=7           # last stage to run
preset=                # tiny: small networks for two CPU cores; empty: the published sizes
config=                # folder with encoder.yaml, decoder.yaml; empty: conf/ of this recipe, or the preset
workers=2              # processes that make mels and embeddings
textgrids=             # folder of TextGrids that a forced aligner made; empty: phones by a recogniser (pocketsphinx, English)
encoder=               # trained encoder (enc.pt, a run): neither average voices nor stage 4 are needed then
val=0.1                # share of the recordings kept for validation; they are converted at the end
vocoder=               # weights of HiFi-GAN; empty: the published ones where they are here, else Griffin-Lim
steps=30               # diffusion steps of the conversions
# End of options
. "$here/../options.sh"
[ "${#operands[@]}" = 2 ] || { echo "$0: give two folders, WAVS and WORK; see --help" >&2; exit 2; }
check_stages 7
wavs=${operands[0]} work=${operands[1]}
lists=$work/lists runs=$work/runs

log "$0 stage=$stage stop_stage=$stop_stage preset=${preset:-published} $wavs $work"
trap 'code=$?; log "ended with code $code after $SECONDS s"' EXIT

some_may_fail() { # COMMAND...: code 1 (some inputs failed, and are told) lets the others go on
    "$@" || { local code=$?; [ "$code" = 1 ] || return "$code"; }
}

look() {
    some_may_fail tk-info "$wavs" >"$work/recordings.tsv"
    awk -F'\t' '$2 == "sound" || $2 == "audio" { print $1 }' "$work/recordings.tsv" >"$work/recordings.txt"
    [ -s "$work/recordings.txt" ] || { log "no recording in $wavs"; return 1; }
}

features() {
    some_may_fail tk-mel --preset diffvc --workers "$workers" --errors "$work/mel-errors.ndjson" "$wavs" "$work/mels" \
        >"$work/mels.txt"
    some_may_fail tk-embed --workers "$workers" --errors "$work/embed-errors.ndjson" "$wavs" "$work/embeds" >/dev/null
}

align() {
    [ -z "$encoder" ] || { log "an encoder is given: no average voices are needed"; return 0; }
    local phones=(--recogniser pocketsphinx)
    [ -z "$textgrids" ] || phones=(--textgrids "$textgrids")
    some_may_fail tk-align "${phones[@]}" --workers "$workers" --errors "$work/align-errors.ndjson" "$wavs" "$work/avg" \
        >/dev/null
}

split() { tk-split-list --val "$val" --test 0 - "$lists" <"$work/mels.txt" >/dev/null; }

train() { # train STAGE FOLDER [OPTION]...: mels with what lies beside them in FOLDER; a run that was stopped goes on
    local name=$1 beside=$2 settings; shift 2
    settings=(--config "${config:-$here/conf}/$name.yaml")
    [ -z "$preset" ] || settings=(--preset "$preset" ${config:+"${settings[@]}"})
    [ ! -s "$lists/val.txt" ] || settings+=(--val "$lists/val.txt") # few recordings: tk-train holds some back itself
    tk-train diffvc --stage "$name" "${settings[@]}" --out "$runs/$name" "$@" "$work/mels" "$beside" >"$work/$name.best"
}
train_encoder() {
    [ -z "$encoder" ] || return 0
    train encoder "$work/avg"
}
train_decoder() { train decoder "$work/embeds" --encoder "${encoder:-$runs/encoder}"; }

# Each speaker's held-out recordings are to speak in the voice of the next one.
speakers() { sed 's|/[^/]*$||' "$work/recordings.txt" | sort -u; }
next_of() { speakers | awk -v speaker="$1" 'NR == 1 { first = $0 } found { print; done = 1; exit } $0 == speaker { found = 1 }
    END { if (!done) print first }'; }
held_out_of() { # the recordings of a speaker's folder whose mels are in the validation list; without one, the first
    local name
    { grep -F "/$(basename "$1")/" "$lists/val.txt" || true; } | while read -r name; do
        name=$(basename "$name" .mel.h5)
        grep -F "$1/$name." "$work/recordings.txt" || true
    done | grep . || grep -m 1 -F "$1/" "$work/recordings.txt"
}

convert() {
    local speaker
    speakers | while read -r speaker; do
        held_out_of "$speaker" | some_may_fail tk-infer diffvc --checkpoint "$runs/decoder" --steps "$steps" \
            ${vocoder:+--vocoder "$vocoder"} --target "$(next_of "$speaker")" - \
            "$work/converted/$(basename "$(next_of "$speaker")")" >/dev/null
    done
}

measure() { # how near the conversions, and the recordings that they were made from, are to the wanted voice
    local report=$work/report speaker voice
    mkdir -p "$report"
    : >"$report/before.tsv"
    : >"$report/after.tsv"
    speakers | while read -r speaker; do
        voice=$(next_of "$speaker")
        held_out_of "$speaker" | some_may_fail tk-eval-audio -q --voice "$voice" - >>"$report/before.tsv"
        some_may_fail tk-eval-audio -q --voice "$voice" "$work/converted/$(basename "$voice")" >>"$report/after.tsv"
    done
    awk -F'\t' -v OFS='\t' '
        $1 == "path" { for (i = 1; i <= NF; i++) if ($i == "speaker") column = i; next }
        $column != "" { sum[FILENAME] += $column; count[FILENAME]++ }
        END { for (file in sum) { name = file; sub(/.*\//, "", name); sub(/\.tsv$/, "", name);
              print name, count[file], sum[file] / count[file] } }' \
        "$report/before.tsv" "$report/after.tsv" | sort -r | sed '1i when\tclips\tsimilarity' >"$report/similarity.tsv"
    log "similarity to the wanted voice: $(awk -F'\t' 'NR > 1 { printf "%s %.3f  ", $1, $3 }' "$report/similarity.tsv")"
    awk 'NR == 1 || $1 != "path"' "$report/after.tsv" >"$report/converted.tsv"
    for name in encoder decoder; do
        [ ! -e "$runs/$name/metrics.csv" ] || tk-plot "$runs/$name/metrics.csv" "$report/$name.png" >/dev/null
    done
    tk-report --title "DiffVC: $(basename "$work")" --out "$report" "$report/converted.tsv" >/dev/null
}

mkdir -p "$work"
run_stage 0 "look at the recordings; recordings.tsv, recordings.txt" look
run_stage 1 "mels and speaker embeddings; mels/ embeds/" features
run_stage 2 "average voices; avg/" align
run_stage 3 "divide into training and validation; lists/" split
run_stage 4 "train the encoder; runs/encoder/" train_encoder
run_stage 5 "train the decoder; runs/decoder/" train_decoder
run_stage 6 "convert held-out recordings; converted/" convert
run_stage 7 "measure; report/" measure
