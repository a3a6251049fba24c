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
check_config
wavs=${operands[0]} work=${operands[1]}
lists=$work/lists runs=$work/runs

begin "preset=${preset:-published} $wavs $work"

look() { # a speaker is a folder in WAVS, however deep the recordings lie in it
    some_may_fail tk-info "$wavs" >"$work/recordings.tsv"
    awk -F'\t' '$2 == "sound" { print $1 }' "$work/recordings.tsv" >"$work/all.txt"
    awk -v top="${wavs%/}/" '{ rest = substr($0, length(top) + 1); slash = index(rest, "/")
        if (slash > 1) print substr(rest, 1, slash - 1) "\t" $0 }' "$work/all.txt" >"$work/recordings.txt"
    some "$work/recordings.txt" "no SPEAKER/RECORDING in $wavs"
    local apart=$(($(wc -l <"$work/all.txt") - $(wc -l <"$work/recordings.txt")))
    [ "$apart" = 0 ] || log "$apart recordings lie in no speaker's folder and are not converted"
    [ "$(cut -f 1 "$work/recordings.txt" | sort -u | wc -l)" -gt 1 ] ||
        { log "$wavs holds one speaker: there is no other voice to convert to"; return 1; }
    cut -f 1 "$work/recordings.txt" | sort -u |
        awk 'NR == 1 { first = $0 } NR > 1 { print last "\t" $0 } { last = $0 } END { print last "\t" first }' \
            >"$work/speakers.txt" # each with the next, whose voice its recordings will get
}

features() {
    some_may_fail tk-mel --preset diffvc --workers "$workers" --errors "$work/mel-errors.ndjson" "$wavs" "$work/mels" \
        >"$work/mels.txt"
    some "$work/mels.txt" "no mel"
    some_may_fail tk-embed --workers "$workers" --errors "$work/embed-errors.ndjson" "$wavs" "$work/embeds" \
        >"$work/embeds.txt"
    some "$work/embeds.txt" "no embedding"
}

align() {
    [ -z "$encoder" ] || { log "an encoder is given: no average voices are needed"; return 0; }
    local phones=(--recogniser pocketsphinx)
    [ -z "$textgrids" ] || phones=(--textgrids "$textgrids")
    some_may_fail tk-align "${phones[@]}" --workers "$workers" --errors "$work/align-errors.ndjson" "$wavs" "$work/avg" \
        >"$work/avg.txt"
    some "$work/avg.txt" "no average voice"
}

split() {
    needs "$work/mels.txt" 1
    tk-split-list --val "$val" --test 0 - "$lists" <"$work/mels.txt" >/dev/null
}

train() { # train STAGE FOLDER [OPTION]...: mels with what lies beside them in FOLDER; a run that was stopped goes on
    local name=$1 beside=$2 settings; shift 2
    needs "$work/mels.txt" 1
    settings=(--config "${config:-$here/conf}/$name.yaml")
    [ -z "$preset" ] || settings=(--preset "$preset" ${config:+"${settings[@]}"})
    [ ! -s "$lists/val.txt" ] || settings+=(--val "$lists/val.txt") # few recordings: tk-train holds some back itself
    tk-train diffvc --stage "$name" "${settings[@]}" --out "$runs/$name" "$@" "$work/mels" "$beside" >"$work/$name.best"
}
train_encoder() {
    [ -z "$encoder" ] || { log "an encoder is given: $encoder"; return 0; }
    train encoder "$work/avg"
}
train_decoder() { train decoder "$work/embeds" --encoder "${encoder:-$runs/encoder}"; }

held_out() { # SPEAKER: its recordings whose mels are in the validation list
    awk -F'\t' -v speaker="$1" -v mels="$work/mels/" -v top="${wavs%/}/" '
        NR == FNR { name = substr($0, length(mels) + 1); sub(/\.mel\.h5$/, "", name); kept[name]; next }
        $1 == speaker { name = substr($2, length(top) + 1); sub(/\.[^.\/]*$/, "", name); if (name in kept) print $2 }' \
        "$lists/val.txt" "$work/recordings.txt"
}

convert() { # each speaker's held-out recordings into the voice of the next speaker
    needs "$work/speakers.txt" 0
    : >"$work/converted.txt"
    while IFS=$'\t' read -r speaker voice; do
        held_out "$speaker" >"$work/sources.txt"
        [ -s "$work/sources.txt" ] || continue
        some_may_fail tk-infer diffvc --checkpoint "$runs/decoder" --steps "$steps" ${vocoder:+--vocoder "$vocoder"} \
            --target "$wavs/$voice" - "$work/converted/$voice" <"$work/sources.txt" >>"$work/converted.txt"
    done <"$work/speakers.txt"
    some "$work/converted.txt" "no conversion; are there recordings in $lists/val.txt? (--val)"
}

measure() { # how near the conversions, and the recordings that they were made from, are to the wanted voice
    local report=$work/report
    needs "$work/converted.txt" 6
    mkdir -p "$report"
    : >"$report/before.tsv"
    : >"$report/after.tsv"
    while IFS=$'\t' read -r speaker voice; do
        held_out "$speaker" >"$work/sources.txt"
        [ -s "$work/sources.txt" ] || continue
        some_may_fail tk-eval-audio -q --voice "$wavs/$voice" - <"$work/sources.txt" >>"$report/before.tsv"
        some_may_fail tk-eval-audio -q --voice "$wavs/$voice" "$work/converted/$voice" >>"$report/after.tsv" </dev/null
    done <"$work/speakers.txt"
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

[ -z "$preset" ] || tk-train diffvc --preset "$preset" --print-config >/dev/null # better said now than after hours
mkdir -p "$work"
run_stage 0 "look at the recordings; recordings.tsv, recordings.txt" look
run_stage 1 "mels and speaker embeddings; mels/ embeds/" features
run_stage 2 "average voices; avg/" align
run_stage 3 "divide into training and validation; lists/" split
run_stage 4 "train the encoder; runs/encoder/" train_encoder
run_stage 5 "train the decoder; runs/decoder/" train_decoder
run_stage 6 "convert held-out recordings; converted/" convert
run_stage 7 "measure; report/" measure
