#!/usr/bin/env bash
# StyleTTS 2, from recordings with their texts to measured speech of new sentences.
# Usage: recipes/styletts2/run.sh [OPTION]... WAVS WORK
#   WAVS    folder of recordings (wav, flac, ...), a folder in it for each speaker where there are several; beside each
#           recording NAME.txt with what it says, unless --texts says it
#   WORK    folder for everything that is made: texts.txt all.phonemes.txt lists/ tracked/ runs/ sentences/ said/ report/
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Options
stage=0                # first stage to run
stop_stage=8           # last stage to run
preset=                # tiny: small networks for two CPU cores; empty: the published sizes
config=                # YAML with a section for each stage; empty: conf/ljspeech.yaml of one speaker, conf/libritts.yaml of several
texts=                 # list with a recording's name and its words on each line (LJSpeech's metadata.csv); empty: NAME.txt beside each
language=en-us         # language of espeak-ng
workers=2              # processes that turn texts into phonemes and measure
val=0.05               # share of the recordings kept for validation; their texts are said at the end
aligner=               # trained text aligner (epoch_00080.pth, a run); stage 3 is not needed then
pitch=                 # trained pitch extractor (bst.t7, a run); stage 4 is not needed then
plbert=                # trained PL-BERT (step_1000000.t7); empty: a new one
wavlm=                 # WavLM base plus (a folder or a name); empty: nothing is judged by it
sentences=20           # held-out texts that are said and measured at most
recogniser=small       # of tk-eval-audio, for the word error rate
# End of options
. "$here/../options.sh"
[ "${#operands[@]}" = 2 ] || { echo "$0: give two folders, WAVS and WORK; see --help" >&2; exit 2; }
check_stages 8
wavs=${operands[0]} work=${operands[1]}
lists=$work/lists runs=$work/runs

begin "preset=${preset:-published} $wavs $work"

look() { # texts.txt: PATH|WORDS|SPEAKER of each recording that has words; a speaker is a folder in WAVS
    some_may_fail tk-info "$wavs" >"$work/recordings.tsv"
    awk -F'\t' '$2 == "sound" { print $1 }' "$work/recordings.tsv" >"$work/recordings.txt"
    some "$work/recordings.txt" "no recording in $wavs"
    local top path name words rest speaker
    declare -A said=()
    if [ -n "$texts" ]; then
        name=$(sed 's|.*/||; s|\.[^.]*$||' "$work/recordings.txt" | sort | uniq -d | sed -n 1p)
        [ -z "$name" ] || { log "several recordings are called $name: which of them does $texts mean?"; return 1; }
        # NAME|words, NAME|words|words (the last are taken), or a tab between
        while IFS= read -r rest || [ -n "$rest" ]; do
            name=${rest%%[|$'\t']*} words=${rest##*[|$'\t']}
            [ -z "$name" ] || said[$name]=${words%$'\r'}
        done <"$texts"
    fi
    top=$(realpath -s "$wavs")
    while IFS= read -r path; do
        name=$(basename "$path") name=${name%.*} words=
        if [ -n "$texts" ]; then words=${said[$name]-}
        elif [ -r "${path%.*}.txt" ]; then words=$(tr -s '\r\n\t |' ' ' <"${path%.*}.txt"); fi
        [ -n "${words// /}" ] || { log "left out: $path has no text"; continue; }
        path=$(realpath -s "$path") rest=${path#"$top"/} speaker=$(basename "$top")
        [ "$rest" = "${rest#*/}" ] || speaker=${rest%%/*}
        printf '%s|%s|%s\n' "$path" "$words" "$speaker"
    done <"$work/recordings.txt" >"$work/texts.txt"
    some "$work/texts.txt" "no recording has a text; put NAME.txt beside each, or give --texts"
}

phonemize() {
    needs "$work/texts.txt" 0
    some_may_fail tk-phonemize --language "$language" --workers "$workers" --errors "$work/phonemes-errors.ndjson" \
        "$work/texts.txt" "$work/all.phonemes.txt" >"$work/phonemes.txt"
    some "$work/all.phonemes.txt" "no phonemes"
}

split() { # the lines of both sets
    needs "$work/all.phonemes.txt" 1
    local name
    grep -v '^#' "$work/all.phonemes.txt" >"$work/lines.txt"
    cut -d '|' -f 1 "$work/lines.txt" | tk-split-list --val "$val" --test 0 - "$lists" >/dev/null
    for name in train val; do
        awk -F'|' 'NR == FNR { wanted[$0]; next } $1 in wanted' "$lists/$name.txt" "$work/lines.txt" \
            >"$lists/$name.phonemes.txt"
    done
}

speakers() { cut -d '|' -f 3 "$work/lines.txt" | sort -u | wc -l; }

train() { # train STAGE [OPTION]...: a run that was stopped goes on
    local name=$1 settings=() published=ljspeech; shift
    needs "$lists/train.phonemes.txt" 2
    [ "$(speakers)" = 1 ] || published=libritts
    if [ -n "$preset" ]; then
        settings=(--preset "$preset")
        [ "$published" = ljspeech ] || case "$name" in first | second) settings+=(--set many_voices=true) ;; esac
    fi
    [ -n "$preset" ] && [ -z "$config" ] || settings+=(--config "${config:-$here/conf/$published.yaml}")
    [ ! -s "$lists/val.phonemes.txt" ] || settings+=(--val "$lists/val.phonemes.txt") # else some are held back
    tk-train styletts2 --stage "$name" "${settings[@]}" --out "$runs/$name" "$@" "$lists/train.phonemes.txt" \
        >"$work/$name.best"
}
train_aligner() {
    [ -z "$aligner" ] || { log "an aligner is given: $aligner"; return 0; }
    train aligner
}
train_pitch() {
    [ -z "$pitch" ] || { log "a pitch extractor is given: $pitch"; return 0; }
    train pitch --set "tracked=$work/tracked"
}
train_first() {
    train first --aligner "${aligner:-$runs/aligner}" --pitch "${pitch:-$runs/pitch}" \
        ${wavlm:+--set "wavlm=$wavlm"}
}
train_second() {
    train second --init "$runs/first" ${plbert:+--set "plbert=$plbert"} ${wavlm:+--set "wavlm=$wavlm"}
}

say() { # held-out texts, each as its speaker, whose reference is a recording that was trained on
    needs "$lists/val.phonemes.txt" 2
    local path speaker name reference voice number=0
    : >"$work/said.txt"
    : >"$work/pairs.tsv"
    mkdir -p "$work/sentences"
    while IFS='|' read -r path _ speaker; do
        name=$(basename "$path") name=${name%.*}
        printf -v name '%03d_%s' "$((++number))" "$name" # recordings of two speakers may have one name
        awk -F'|' -v path="$path" '$1 == path { print $2; exit }' "$work/texts.txt" >"$work/sentences/$name.txt"
        voice=()
        if [ "$(speakers)" != 1 ]; then
            reference=$(awk -F'|' -v who="$speaker" '$3 == who { print $1; exit }' "$lists/train.phonemes.txt")
            [ -n "$reference" ] || { log "left out: $path: no recording of $speaker is trained on"; continue; }
            voice=(--reference "$reference")
        fi
        some_may_fail tk-infer styletts2 --checkpoint "$runs/second" --language "$language" "${voice[@]}" \
            "$work/sentences/$name.txt" "$work/said/$speaker/$name.wav" </dev/null >>"$work/said.txt"
        printf '%s\t%s\n' "$work/said/$speaker/$name.wav" "$path" >>"$work/pairs.tsv"
    done < <(head -n "$sentences" "$lists/val.phonemes.txt")
    some "$work/said.txt" "no sentence; are there recordings in $lists/val.phonemes.txt? (--val)"
}

measure() { # against the recordings of the same sentences: voice, melody, what is understood
    local report=$work/report name
    needs "$work/said.txt" 7
    mkdir -p "$report"
    some_may_fail tk-eval-audio --pairs "$work/pairs.tsv" --transcripts "$work/sentences" --recogniser "$recogniser" \
        --workers "$workers" --summary "$report/summary.json" - <"$work/said.txt" >"$report/said.tsv"
    for name in aligner pitch first second; do
        [ ! -e "$runs/$name/metrics.csv" ] || tk-plot "$runs/$name/metrics.csv" "$report/$name.png" >/dev/null
    done
    tk-report --title "StyleTTS 2: $(basename "$work")" --out "$report" "$report/said.tsv" >/dev/null
}

[ -z "$preset$config" ] || tk-train styletts2 ${preset:+--preset "$preset"} ${config:+--config "$config"} \
    --print-config >/dev/null # better said now than after hours
mkdir -p "$work"
run_stage 0 "look at the recordings and their texts; texts.txt" look
run_stage 1 "texts to phonemes; all.phonemes.txt" phonemize
run_stage 2 "divide into training and validation; lists/" split
run_stage 3 "train the text aligner; runs/aligner/" train_aligner
run_stage 4 "train the pitch extractor; runs/pitch/" train_pitch
run_stage 5 "train the first stage; runs/first/" train_first
run_stage 6 "train the second stage; runs/second/" train_second
run_stage 7 "say held-out sentences; said/" say
run_stage 8 "measure and draw; report/" measure
