# What a test says to whoever runs it: results by the Test Control protocol (docs/test-control.md). Made to be sourced.
#
#   report STATUS [NAME] [--note TEXT] [--file NAME PATH]... [--testout NAME] [--partial]
#       A result: of the subtest NAME, or of the test itself.
#   control WORD [ARGUMENT]
#       Any other word of the protocol: control duration +5
#
# Run by hand, there is nobody to listen; then it prints what it would have said. Not made for two at once: results of
# processes that report at the same time get mixed up.

control() {
  if [ -n "${ATEX_TEST_CONTROL:-}" ]; then echo "$*" >&"$ATEX_TEST_CONTROL"; else echo "(control: $*)"; fi
}

report() {
  local LC_ALL=C # so that lengths are those of bytes
  local status=$1 json files='' paths=() length path; shift
  json="{\"status\": $(json_text "$status")"
  if [ $# -gt 0 ] && [[ $1 != --* ]]; then json+=", \"name\": $(json_text "$1")"; shift; fi
  while [ $# -gt 0 ]; do
    case $1 in
      --note) json+=", \"note\": $(json_text "$2")"; shift 2 ;;
      --testout) json+=", \"testout\": $(json_text "$2")"; shift 2 ;;
      --partial) json+=', "partial": true'; shift ;;
      --file)
        length=$(wc -c <"$3")
        files+="${files:+, }{\"name\": $(json_text "$2"), \"length\": $((length))}"
        paths+=("$((length)) $3"); shift 3 ;;
      *) echo "report: unknown option: $1" >&2; return 2 ;;
    esac
  done
  if [ -n "$files" ]; then json+=", \"files\": [$files]"; fi
  json+='}'
  if [ -z "${ATEX_TEST_CONTROL:-}" ]; then echo "(result: $json)"; return; fi
  {
    printf 'result %d\n%s' "${#json}" "$json"
    # Exactly as many bytes as were announced, also of a file that still grows.
    for path in "${paths[@]}"; do head -c "${path%% *}" "${path#* }"; done
  } >&"$ATEX_TEST_CONTROL"
}

json_text() { # TEXT : as a JSON string
  local text=$1
  text=${text//\\/\\\\}; text=${text//\"/\\\"}; text=${text//$'\n'/\\n}; text=${text//$'\t'/\\t}; text=${text//$'\r'/\\r}
  printf '"%s"' "${text//[[:cntrl:]]/ }"
}
