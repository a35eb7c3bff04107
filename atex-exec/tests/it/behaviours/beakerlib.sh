# A small stand-in for beakerlib, for tests: the functions that tests call most, and the same calls of the commands that report
# (`$BEAKERLIB_COMMAND_REPORT_RESULT NAME RESULT LOG SCORE`, `$BEAKERLIB_COMMAND_SUBMIT_LOG -l FILE`). No more than that.
rlJournalStart() {
  mkdir -p "$BEAKERLIB_DIR"
  phase= kind= failed=0
  rlLog "journal begins"
}

rlLog() {
  local line="::   [ LOG ] :: $*"
  echo "$line"
  echo "$line" >>"$BEAKERLIB_DIR/journal.txt"
  [[ ! $phase ]] || echo "$line" >>"$phase_log"
}

rlPhaseStart() {
  kind=$1 phase=${2:-$1} failed=0 phase_log=$(mktemp -p "$BEAKERLIB_DIR" tmp.XXXXXX)
  rlLog "$phase"
}
rlPhaseStartSetup() { rlPhaseStart WARN "${1:-Setup}"; }
rlPhaseStartTest() { rlPhaseStart FAIL "${1:-Test}"; }
rlPhaseStartCleanup() { rlPhaseStart WARN "${1:-Cleanup}"; }

rlPhaseEnd() {
  [[ $phase ]] || { rlLog "no phase is open"; return 1; }
  local result=PASS name=${phase//[^[:alnum:]_-]/-}
  ((!failed)) || result=$kind
  rlReport "$name" "$result" "$failed" "$phase_log"
  rm -f "$phase_log"
  phase=
}

rlPass() { rlLog "PASS: $*"; }
rlFail() { rlLog "FAIL: $*"; failed=$((failed + 1)); return 1; }

rlRun() {
  local code=0 expected=",${2:-0},"
  eval "$1" || code=$?
  if [[ $expected = *,"$code",* ]]; then rlPass "${3:-$1}"; else rlFail "${3:-$1}"; fi
  return "$code"
}

rlAssertEquals() { if [[ $2 = "$3" ]]; then rlPass "$1"; else rlFail "$1"; fi; }

rlReport() {
  [[ $TESTID ]] || return 0
  local result=${2^^}
  case $result in PASS | FAIL | WARN) ;; *) result=WARN ;; esac
  $BEAKERLIB_COMMAND_REPORT_RESULT "$1" "$result" "${4:-$OUTPUTFILE}" "$3" || rlLog "not reported"
}

rlFileSubmit() {
  local folder code=0
  folder=$(mktemp -d -p "$BEAKERLIB_DIR")
  ln -s "$(readlink -f "$1")" "$folder/${2:-${1##*/}}"
  $BEAKERLIB_COMMAND_SUBMIT_LOG -l "$folder/${2:-${1##*/}}" || code=$?
  rm -r "$folder"
  return "$code"
}

# The libraries that the metadata of the test require, whether they are written in blocks or as JSON: NICK/NAME, a line each.
required() {
  local key value nick= name=
  sed -n '/^require:/,/^[a-z]/{s/^require: *//;s/{/\n- /g;p}' "$1" | tr -d ']}["' | tr , '\n' | while
    IFS=: read -r key value || [[ $key ]]; do
    [[ $key != -* ]] || nick= name=
    key=${key#-} key=${key// /} value=${value# }
    case $key in nick) nick=$value ;; name) name=${value#/} ;; url) nick=${nick:-${value##*/}} ;; esac
    [[ $key != nick && $key != name && $key != url ]] || [[ ! $nick || ! $name ]] || echo "$nick/$name"
  done | sort -u
}

# A library lies in `libs/NICK/NAME` of a folder above; `--all` are those that the metadata of the test require.
rlImport() {
  local wanted=("$@") name folder
  if [[ $1 = --all ]]; then
    mapfile -t wanted < <(required "$TMT_TEST_METADATA")
  fi
  for name in "${wanted[@]}"; do
    folder=$PWD
    until [[ -f $folder/libs/$name/lib.sh ]]; do
      [[ $folder ]] || { rlFail "no library $name"; return 1; }
      folder=${folder%/*}
    done
    . "$folder/libs/$name/lib.sh"
  done
}

rlJournalPrintText() { cat "$BEAKERLIB_DIR/journal.txt"; }
# In the end, the journal in XML is submitted, or what stands for none.
rlJournalEnd() {
  [[ ! $TESTID ]] || $BEAKERLIB_COMMAND_SUBMIT_LOG -T "$TESTID" -l "$BEAKERLIB_JOURNAL" || rlLog "the journal is not submitted"
}
