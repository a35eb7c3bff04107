# What tests call to report results, submit files, reboot and abort, speaking Test Control: sourced by the commands in `bin`, which
# have the names that tmt, restraint and rhts give them, with their arguments. Needs bash 4 and coreutils; with `flock`, calls
# at the same time do not get in each other's way.
self=${0##*/}
export LC_ALL=C

die() {
  echo "$self: $*" >&2
  exit "${code:-2}"
}

[[ $ATEX_TEST_CONTROL ]] && { : >&"$ATEX_TEST_CONTROL"; } 2>/dev/null ||
  code=1 die "there is no test running here, or its channel is closed"

# Sets `json` to a text as a string of JSON, quotes included. What is no UTF-8 becomes the character that stands for that.
escape() {
  local text=$1 byte code rest head number
  text=${text//\\/'\\'}
  text=${text//\"/'\"'}
  if [[ $text = *[$'\x01'-$'\x1f'$'\x7f']* ]]; then
    for number in {1..31} 127; do
      printf -v code '\\u%04x' "$number"
      printf -v byte %x "$number"
      printf -v byte "\\x$byte"
      text=${text//"$byte"/"$code"}
    done
  fi
  rest=$text json=
  while [[ $rest = *[$'\x80'-$'\xff']* ]]; do
    head=${rest%%[$'\x80'-$'\xff']*}
    json+=$head
    rest=${rest:${#head}}
    # The lengths that the standard allows, without surrogates and what is longer than it need be.
    case $rest in
      [$'\xc2'-$'\xdf'][$'\x80'-$'\xbf']*) number=2 ;;
      $'\xe0'[$'\xa0'-$'\xbf'][$'\x80'-$'\xbf']*) number=3 ;;
      $'\xed'[$'\x80'-$'\x9f'][$'\x80'-$'\xbf']*) number=3 ;;
      $'\xed'*) number=0 ;;
      [$'\xe1'-$'\xef'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf']*) number=3 ;;
      $'\xf0'[$'\x90'-$'\xbf'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf']*) number=4 ;;
      [$'\xf1'-$'\xf3'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf']*) number=4 ;;
      $'\xf4'[$'\x80'-$'\x8f'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf']*) number=4 ;;
      *) number=0 ;;
    esac
    if ((number)); then
      json+=${rest:0:number}
      rest=${rest:number}
    else
      json+='\ufffd'
      rest=${rest:1}
    fi
  done
  json=\"$json$rest\"
}

# Reports a result: `report FIELDS [FILE NAME]`, with the fields of a JSON object as text, and a file that is stored by a name.
report() {
  local fields=$1 file=$2 size json lock
  if [[ $file ]]; then
    size=$(stat -L -c %s -- "$file") && [[ -f $file && -r $file ]] || die "cannot read '$file'"
    escape "$3"
    fields+=${fields:+, }"\"files\": [{\"name\": $json, \"length\": $size}]"
  fi
  fields="{$fields}"
  if type -P flock >/dev/null; then
    exec {lock}<"${BASH_SOURCE[0]}" && flock "$lock"
  fi
  {
    printf 'result %d\n%s' "${#fields}" "$fields"
    # Exactly as much as was announced, also when somebody writes to it meanwhile.
    [[ ! $file ]] || { head -c "$size" -- "$file"; head -c "$size" /dev/zero; } 2>/dev/null | head -c "$size"
  } >&"$ATEX_TEST_CONTROL" || code=1 die "the channel of the test is closed"
  [[ ! $lock ]] || exec {lock}<&-
}

# The status of a result, in the words of tests.
status_of() {
  status=${1,,}
  case $status in
    passed | pro) status=pass ;;
    failed) status=fail ;;
    warning) status=warn ;;
  esac
}

# Sets `name` to what a result is called: without the colon that some write at its end.
name_of() {
  name=${1%:}
  [[ $name = *[!/]* ]] || name=
}

# `tmt-report-result [-o FILE] [-t MESSAGE] NAME RESULT [SCORE]`, options anywhere; `rhts-report-result NAME RESULT FILE [SCORE]`.
report_result() {
  local words=() file= has_file= note= fields json name status
  while (($#)); do
    case $1 in
      -o | --outputfile) file=$2 has_file=1; shift ;;
      -o?*) file=${1#-o} has_file=1 ;;
      --outputfile=*) file=${1#*=} has_file=1 ;;
      -t | --message) note=$2; shift ;;
      -t?*) note=${1#-t} ;;
      --message=*) note=${1#*=} ;;
      -s | --server | -p | --disable-plugin | --port) shift ;;
      -s?* | -p?* | --server=* | --disable-plugin=* | --port=* | --no-plugins) ;;
      -h | --help) echo "usage: $self [-o FILE] [-t MESSAGE] NAME RESULT [SCORE]"; exit 0 ;;
      --) shift; words+=("$@"); break ;;
      --*) die "there is no option '$1'" ;;
      *) words+=("$1") ;;
    esac
    (($#)) && shift
  done
  ((${#words[@]} >= 2)) || code=1 die "usage: $self [-o FILE] [-t MESSAGE] NAME RESULT [SCORE]"
  [[ $self != rhts-* || $has_file ]] || file=${words[2]}
  [[ $self = rhts-* || $has_file || ${TMT_RESTRAINT_COMPATIBLE:-1} != 1 ]] || file=$OUTPUTFILE
  name_of "${words[0]}"
  status_of "${words[1]}"
  escape "$status"
  fields="\"status\": $json"
  if [[ $name ]]; then escape "$name"; fields+=", \"name\": $json"; fi
  if [[ $note ]]; then escape "$note"; fields+=", \"note\": $json"; fi
  if [[ $file && -f $file ]]; then
    report "$fields" "$file" "${file##*/}"
  else
    [[ ! $file || ! $has_file ]] || echo "$self: there is no file '$file' to send with the result" >&2
    report "$fields"
  fi
}

# What beakerlib calls: `NAME RESULT FILE SCORE`. Its own journal is no file of the result.
report_beakerlib() {
  local fields json name status file=$3 base phase
  (($# >= 2)) || die "usage: $self NAME RESULT [FILE [SCORE]]"
  name_of "$1"
  status_of "$2"
  escape "$status"
  fields="\"status\": $json"
  if [[ $name ]]; then escape "$name"; fields+=", \"name\": $json"; fi
  if [[ ! -f $file || $file = "$BEAKERLIB_DIR/OUTPUTFILE" ]] || is_journal "$name" "$file"; then
    report "$fields"
  else
    base=${file##*/}
    report "$fields" "$file" "${base//[!A-Za-z0-9._-]/_}.txt"
  fi
}

# Whether a file is what beakerlib says about a phase by itself.
is_journal() {
  local line
  case ${1##*/} in Setup | Test | Cleanup) return 0 ;; esac
  [[ $2 = */tmp.* ]] || return 1
  while IFS= read -r line || [[ $line ]]; do
    [[ ! $line || $line = ::* ]] || return 1
  done <"$2"
}

# `tmt-file-submit -l FILE`, `rstrnt-report-log --filename FILE`, or just files.
submit_file() {
  local files=()
  while (($#)); do
    case $1 in
      -l | --filename) files+=("$2"); shift ;;
      -l?*) files+=("${1#-l}") ;;
      --filename=*) files+=("${1#*=}") ;;
      -T | -s | -S | --server | --port) shift ;;
      -T?* | -s?* | -S?* | --server=* | --port=*) ;;
      -h | --help) echo "usage: $self -l FILE"; exit 0 ;;
      --) shift; files+=("$@"); break ;;
      -*) die "there is no option '$1'" ;;
      *) files+=("$1") ;;
    esac
    (($#)) && shift
  done
  ((${#files[@]})) || die "usage: $self -l FILE"
  local file
  for file in "${files[@]}"; do
    # Beakerlib submits its journal in the end, which is "0" where none is kept.
    if [[ $self = atex-* && ! -e $file ]]; then
      [[ $file = "$BEAKERLIB_JOURNAL" ]] || echo "$self: there is no file '$file' to submit" >&2
      continue
    fi
    report '"partial": true' "$file" "${file##*/}"
    [[ $self = atex-* ]] || echo "File '$file' is submitted."
  done
}

# `tmt-reboot [-c COMMAND] [-t SECONDS] [-s]`: returns when the test is started again, which is never.
reboot_system() {
  local command= seconds= soft= flag usage="usage: $self [-c COMMAND] [-t SECONDS] [-s]"
  while getopts :c:t:esh flag; do
    case $flag in
      c) command=$OPTARG ;;
      t) seconds=$OPTARG ;;
      s) soft=1 ;;
      # Without effect, as in tmt.
      e) ;;
      h)
        echo "$usage"
        echo "  -c COMMAND  reboot by this command"
        echo "  -t SECONDS  the test may take so much longer, for the reboot"
        echo "  -s          a soft reboot of systemd: all but the kernel is started anew"
        exit 0
        ;;
      *) code=1 die "$usage" ;;
    esac
  done
  [[ $seconds != *[!0-9]* ]] || code=1 die "'$seconds' is no number of seconds"
  [[ ! $ATEX_LOCAL_ROOT ]] || die "this is the machine that atex itself runs on, which is not rebooted"
  [[ ! $soft || $command ]] || can_soft_reboot || die "systemd here knows no soft reboot (it needs 254, as process 1)"
  keep_boot_entry
  trap '' PIPE HUP
  [[ ! $seconds ]] || echo "duration +$seconds" >&"$ATEX_TEST_CONTROL" || code=1 die "the channel of the test is closed"
  echo disconnect >&"$ATEX_TEST_CONTROL" || code=1 die "the channel of the test is closed"
  # Writing fails once everything that was said has arrived.
  while echo noop >&"$ATEX_TEST_CONTROL"; do sleep 0.1; done 2>/dev/null
  sync
  if [[ $command ]]; then
    bash -c "$command"
  elif [[ $soft ]]; then
    systemctl --no-block soft-reboot
  elif [[ -d /run/systemd/system ]]; then
    systemctl start --no-block reboot.target --job-mode=replace-irreversibly
  else
    PATH=$PATH:/sbin:/usr/sbin reboot
  fi || echo "$self: the command to reboot failed with exit code $?" >&2
  exec sleep 100000d
}

can_soft_reboot() {
  [[ -d /run/systemd/system && $(systemctl show --property=LoadState soft-reboot.target 2>&1) = LoadState=loaded ]]
}

# Systems of Beaker boot from the network, unless told to boot once more what runs now; there, a file says which that is, for firmware that
# does not.
keep_boot_entry() {
  local PATH=$PATH:/sbin:/usr/sbin file=/root/EFI_BOOT_ENTRY.TXT entry= word number
  [[ -f $file ]] && type -P efibootmgr >/dev/null || return 0
  while read -r word number _; do
    [[ $word != BootCurrent: ]] || entry=$number
  done < <(efibootmgr 2>/dev/null)
  [[ $entry ]] || read -r entry <"$file" || [[ $entry ]] || return 0
  efibootmgr -n "$entry" >/dev/null || echo "$self: efibootmgr cannot set the next boot to '$entry'" >&2
}

# `tmt-abort`: the test ends here, as an error.
abort_test() {
  report '"status": "error", "note": "the test aborted itself"'
  kill -TERM "$PPID"
  kill -TERM 0
}

# `atex-barrier [-t SECONDS] NAME`: waits until all tests that run together have come here. Fails when one never will, and (3) when
# that takes too long.
wait_at_barrier() {
  local flag limit= began=$SECONDS answer why= pause=0.05 lock usage="usage: $self [-t SECONDS] NAME"
  while getopts :t:h flag; do
    case $flag in
      t) limit=$OPTARG ;;
      h) echo "$usage"; exit 0 ;;
      *) die "$usage" ;;
    esac
  done
  shift $((OPTIND - 1))
  [[ $# = 1 && (! $limit || $limit != *[!0-9]*) ]] || die "$usage"
  [[ ${#1} -le 100 && $1 = [A-Za-z0-9_]* && $1 != *[!A-Za-z0-9._-]* ]] || die "'$1' cannot be the name of a barrier"
  [[ $ATEX_BARRIERS ]] || die "this test runs together with no other"
  answer=$ATEX_BARRIERS/$1
  if [[ ! -e $answer ]]; then
    if type -P flock >/dev/null; then
      exec {lock}<"${BASH_SOURCE[0]}" && flock "$lock"
    fi
    echo "barrier $1" >&"$ATEX_TEST_CONTROL" || code=1 die "the channel of the test is closed"
    [[ ! $lock ]] || exec {lock}<&-
  fi
  until [[ -e $answer ]]; do
    [[ ! $limit ]] || ((SECONDS - began < 10#$limit)) || code=3 die "not all came to '$1' within $limit seconds"
    sleep "$pause"
    case $pause in 0.05) pause=0.1 ;; 0.1) pause=0.2 ;; *) pause=0.5 ;; esac
  done
  IFS= read -r -d '' why <"$answer"
  [[ ! $why ]] || code=1 die "'$1' never opens: $why"
}

case $self in
  tmt-report-result | rstrnt-report-result | rhts-report-result) report_result "$@" ;;
  atex-report-result) report_beakerlib "$@" ;;
  *file-submit | *report-log | *submit?log) submit_file "$@" ;;
  *-reboot) reboot_system "$@" ;;
  *-abort) abort_test ;;
  *-barrier) wait_at_barrier "$@" ;;
esac
