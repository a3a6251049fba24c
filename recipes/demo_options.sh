# Read by every demo.sh: its one operand is the folder for everything, by default demo-out/RECIPE. Installs the extras
# that `extras` names (see bin/setup). Defines `out`, and the tools are on the path.

root=$(cd "$here/../.." && pwd)
case "${1-}" in
    -h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
    -*) echo "$0: unknown option $1 (see --help)" >&2; exit 2 ;;
esac
[ $# -le 1 ] || { echo "$0: give one folder, or none (see --help)" >&2; exit 2; }
out=${1:-demo-out/$(basename "$here")}

"$root/bin/setup" "$extras"
PATH="$root/.venv/bin:$PATH"
