# Read by every run.sh: its options are the variables between "# Options" and "# End of options", a comment each.
# --name value or --name=value sets one (dashes for underscores), --help prints them with their defaults, anything
# unknown ends with code 2. What is left over is in the array `operands`. Defines log, check_stages, check_config, begin,
# run_stage, some_may_fail, needs, some, list_videos and those_with.

_block() { sed -n '/^# Options/,/^# End of options/p' "$0"; }

_usage() {
    sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"
    echo
    echo "Options:"
    _block | sed -nE 's/^([a-z_]+)=([^#]*[^# ])? *# *(.*)$/\1\x1f\2\x1f\3/p' |
        while IFS=$'\x1f' read -r name value help; do printf '  --%-16s %s [%s]\n' "${name//_/-}" "$help" "$value"; done
}

operands=()
while [ $# -gt 0 ]; do
    case "$1" in
        -h | --help) _usage; exit 0 ;;
        --) shift; operands+=("$@"); break ;;
        --*)
            name=${1#--}; name=${name%%=*}; name=${name//-/_}
            if ! _block | grep -qE "^$name="; then
                echo "$0: no option $1; see --help" >&2; exit 2
            fi
            case "$1" in
                *=*) printf -v "$name" '%s' "${1#*=}"; shift ;;
                *) [ $# -gt 1 ] || { echo "$0: option $1 needs a value" >&2; exit 2; }
                   printf -v "$name" '%s' "$2"; shift 2 ;;
            esac ;;
        *) operands+=("$1"); shift ;;
    esac
done

log() { printf '%s %s: %s\n' "$(date +%FT%T)" "$(basename "$(dirname "$0")")" "$*" >&2; }

# check_stages LAST: ends with code 2 unless stage and stop_stage are numbers of stages, 0 to LAST
check_stages() {
    local name
    for name in stage stop_stage; do
        case "${!name}" in
            '' | *[!0-9]*) ;;
            *) [ "${!name}" -le "$1" ] && continue ;;
        esac
        echo "$0: --${name//_/-} ${!name}: there are the stages 0 to $1; see --help" >&2
        exit 2
    done
}

check_config() { # ends with code 2 unless config, where it is given, is a folder
    [ -z "$config" ] || [ -d "$config" ] || { echo "$0: --config $config: there is no such folder; see --help" >&2; exit 2; }
}

# begin "settings and operands": says them, and at the end how it ended, and in which stage
begin() {
    log "$0 stage=$stage stop_stage=$stop_stage $*"
    set -E # functions as well
    trap 'failed=$?' ERR
    trap '_ended $?' EXIT
}
failed= running=
_ended() { # CODE: of a shell that a signal ends, it is that of its last command, and nothing has failed
    local how="ended with code $1"
    if [ "$1" -gt 128 ] || { [ -n "$running" ] && [ -z "$failed" ]; }; then how=killed; fi
    log "$how${running:+ in stage $running} after $SECONDS s"
}

# run_stage N "what it does and what is there afterwards" FUNCTION: unless stage and stop_stage leave it out
run_stage() {
    if [ "$1" -ge "$stage" ] && [ "$1" -le "$stop_stage" ]; then
        log "stage $1: $2"
        running=$1
        "$3"
        running=
    fi
}

some_may_fail() { # COMMAND...: code 1 (some inputs failed, and are told) lets the others go on
    "$@" || { local code=$?; [ "$code" = 1 ] || return "$code"; }
}
needs() { [ -s "$1" ] || { log "no $1; run stages 0 to $2 first"; return 1; }; } # needs FILE STAGE
some() { [ -s "$1" ] || { log "nothing was made: $2"; return 1; }; } # some FILE WHAT: the list of what was made

list_videos() { # list_videos FOLDER WORK: WORK/videos.tsv, what tk-info says, and WORK/videos.txt, those with sound
    some_may_fail tk-info "$1" >"$2/videos.tsv"
    local path rate
    : >"$2/videos.txt"
    while IFS=$'\x1f' read -r path rate; do
        if [ -n "$rate" ]; then printf '%s\n' "$path" >>"$2/videos.txt"; else log "left out: $path has no sound"; fi
    done < <(awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["kind"] == "video" { printf "%s\037%s\n", $at["path"], $at["sample_rate"] }' "$2/videos.tsv")
    some "$2/videos.txt" "no video with sound in $1"
}

those_with() { # those_with RESULTS FILES: the lines of FILES of which something was made, NAME.kind.h5 in RESULTS
    awk -F/ 'NR == FNR { sub(/\.[^.]*\.h5$/, "", $NF); made[$NF]; next }
        { name = $NF; sub(/\.[^.]*$/, "", name); if (name in made) print }' "$1" "$2"
}
