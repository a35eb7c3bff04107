# What runs on a remote: starts one test under a supervisor that outlives the connection, and lets a controller attach to
# it. Needs bash 4 and coreutils. Never printed to, never edited on the remote; see guest/mod.rs for the caller. Here is what
# every test needs, in the builtins of bash alone as far as a test is short and says little; the rest is in slow.sh.
#
#   guest.sh run N R LIMIT LENGTH   make the folder of run N as new from the script of LENGTH bytes on standard input, start its test
#                                   for the R-th time after a reboot, attach; the controller has all of the runs before
#   guest.sh attach N R             attach again; whoever was attached is let go first
#   guest.sh serve                  do what `run` does for every line "N R LIMIT LENGTH SWITCHES" on standard input that a script
#                                   follows, one after the other; bring what short ones say, see below
#   guest.sh tell N WORD            stop: end the test now; limit SECONDS: it may run so long from now on, if nobody says more;
#                                   close: nobody reads what it says any more
#   guest.sh answer N NAME WHY…     tell the test of run N that these barriers are open, or why not, if that is not empty
#   guest.sh leave                  remove the work folder
#
# Attached means: after a line that says so, and (for `attach`) a line "C O" on standard input with what is known already, in
# bytes, the control stream goes to standard output, the output of the test to standard error. Lines "C O" that follow on
# standard input say what is safe with the controller; what is kept here up to there goes. Its end means that the
# controller is gone. When the test is over and all was sent, the last of standard error is a byte 0 and the line
# "atex-end CODE C O": how the test ended ("untold": nobody is to know), and how much of both there was in all.
# Exit codes: 0 all of that was sent; 3 the supervisor is gone without a word, 4 the test could not be started, 5 a part
# could not be sent, 6 the system rebooted meanwhile, 7 the test was ended here because its time was up, 8 what it said could
# not be kept here, 9 it was never started (for the R-th time). `tell N stop` exits with 10 if the test is over.
#
# What serves says so in a line, and answers each run on standard output: "atex: run N" once it was started; then "atex: long N" when
# it takes longer or says more than is brought like this, so that the controller has to attach to it; or "atex: end N STATUS C O", the C bytes
# of its control stream and the O bytes that end its output, where STATUS is one of the exit codes. SWITCHES are letters: `e` for
# ATEX_NO_EXITCODE, `b` for ATEX_KEEP_BACKGROUND, and a `-`.
#
# Runs take turns in two folders, so that hardly any is made or removed. A folder has pipes: life (the supervisor holds it
# open for as long as it lives, and says there when it begins to keep a test that is not short), mail (words to the supervisor, each after the number of its run), control.pipe and
# output.pipe. And files: env.sh, test.sh, metadata.yaml (written by the controller), control.START and output.START (the
# spools, in segments named by where they begin; START.next says where the following one begins, once a segment is complete),
# attached and seen (who is attached; when it looked last), some that mean something once they are not empty: boot (which
# start of which run it is, and of which boot), listening (mail is read from now on; for which run), over (the test has
# ended), done (all is in the spools; code and lengths); and some that mean something by being there, after which the folder is
# made anew: late (its time was up), full (a spool could not be written), closed (nobody reads what it says any more), held
# (somebody still holds a pipe).
#
# A controller on the same machine may have a long file of a test brought to its place past the spool, by what is there only meanwhile:
# shortcut (a symbolic link to the place; made by the controller, after the next), shortcut.pipe (where the controller says how many bytes to
# bring, once it has all that was kept), shortcut.from (where the spool ends: says that it may), shortcut.to (that place again,
# and where the stream goes on, once they were brought; removed by the controller).
work=${0%/*} run=$2
folder=$work/run-$((run % 2))
# Which boot this is; a container that was started again counts. Not every kernel has the number; then a reboot looks like a
# supervisor that was killed.
read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id
read -r first 2>/dev/null </proc/1/stat && first=(${first##*)}) && boot=$boot.${first[19]}

# Seconds that no change of the clock touches, where the kernel tells them.
now() {
  read -r now _ 2>/dev/null </proc/uptime && now=${now%%.*} || now=$SECONDS
}

# Makes a folder as new. Nothing is removed or made where only the usual is in it, and all of its run was done.
clean() {
  local path usual=1
  [[ -p $1/output.pipe && (! -s $1/boot || -s $1/done) ]] || usual=
  shopt -s nullglob dotglob
  for path in "$1"/*; do
    [[ ! -L $path ]] || usual=
    [[ $usual ]] || break
    case ${path#"$1"/} in
      life | mail | control.pipe | output.pipe) [[ -p $path ]] || usual= ;;
      # Written anew before anybody reads it.
      env.sh | test.sh | metadata.yaml | listening | attached | seen | quiet | control.dd | output.dd) [[ -f $path ]] || usual= ;;
      control.0 | output.0 | boot | over | done | control.end | output.end | control.waits | output.waits)
        if [[ ! -f $path ]]; then usual=; elif [[ -s $path ]]; then : >"$path"; fi
        ;;
      *) usual= ;;
    esac
  done
  shopt -u nullglob dotglob
  [[ $usual ]] && return
  . "$work/slow.sh"
  remake "$1"
}

# Copies from one descriptor to another what is there, as long as it is little, without another program; how much goes to
# `copied`. Exits with 0 at its end, 1 when there is more, 2 when nothing came for a while (0.2 seconds, or so many) though somebody may
# still write to it, 3 when it could not be written.
little() {
  local LC_ALL=C data status
  copied=0
  # Not every bash reads every byte as it is.
  [[ $exact ]] || return 1
  while ((copied < 4096)); do
    status=0
    IFS= read -r -d '' -n 1024 -t "${3:-0.2}" -u "$1" data || status=$?
    copied=$((copied + ${#data}))
    if ((status == 0 && ${#data} < 1024)); then
      printf '%s\0' "$data" >&"$2" || return 3
      ((++copied))
    else
      [[ ! $data ]] || printf %s "$data" >&"$2" || return 3
      ((status == 0)) || return $((status > 128 ? 2 : 0))
    fi
  done
  return 1
}

# Reads the script of so many bytes, and nothing that follows it.
read_script() {
  local LC_ALL=C
  IFS= read -r -N "$1" script
}

# Sends what is new in a spool; its descriptor keeps the place.
send() {
  little "$1" "$2"
  case $? in 0 | 2) ;; 1) cat <&"$1" >&"$2" || exit 5 ;; *) exit 5 ;; esac
}

# Starts the test, and says how it ended. It is a process of its own only because bash cannot wait for two things at once.
start() {
  local code=0
  exec 5<&- 6<&- 9>&-
  # A process group of its own, by which all of it is stopped.
  set -m
  (
    set +m
    trap - HUP INT PIPE
    . ./env.sh
  ) </dev/null 2>&1 8>&- &
  set +m
  exec >/dev/null 3>&-
  echo "$run test $!" >&8
  wait "$!" || code=$?
  echo "$run" >over
  echo "$run over $code" >&8
}

# Waits for a word of this run, so many seconds; `word` is empty when none came. Half a word is kept for the next time.
hear_word() {
  local line
  while word= && IFS= read -r -t "$1" -u 8 line; do
    line=$half$line half=
    if [[ $line = "$run "* ]]; then
      line=${line#* }
      word=${line%% *} argument=${line#* }
      return
    fi
  done
  half+=$line
}

# Keeps what was said through a pipe so far, if it is little.
keep_little() {
  local copied status=0
  read -r -t 0 -u "$2" || return 0
  exec 4>>"$1.0"
  little "$2" 4 0.01 || status=$?
  exec 4>&-
  printf -v "$1" %s "$((${!1} + copied))"
  ((status != 3)) || : >full
  ((status != 1 && ${!1} < 4096))
}

# Writes down how the test ended, and how long its spools are.
conclude() {
  [[ ! $ATEX_NO_EXITCODE ]] || code=untold
  echo "$code $1 $2" >done || : >full
}

# The supervisor: starts the test, and keeps what it says. Nothing but that is done for a test that ends soon and says little.
supervise() {
  local limit=$1 began now code= test= word half= argument slice said copied control=0 output=0
  exec 2>/dev/null
  # The connection may go; this stays.
  trap '' HUP INT PIPE
  # Pipes, not the spools themselves: `> /dev/stderr` in a test would truncate a file. Opening one end alone would wait.
  exec 8<>mail 4<>control.pipe 3>control.pipe 5<control.pipe 4<>output.pipe >output.pipe 6<output.pipe 4>&-
  echo "$run" >listening
  start &
  local starter=$!
  exec >/dev/null 3>&-
  now
  began=$now
  for slice in 0.02 0.03 0.1 0.2 0.3; do
    ((limit > 1)) || break
    hear_word "$slice"
    if [[ $word = test ]]; then
      test=$argument
      hear_word "$slice"
    fi
    [[ ! $word ]] || break
    # Whoever says much is not kept waiting.
    keep_little control 5 && keep_little output 6 || break
  done
  if [[ $word = over ]]; then
    code=$argument
    [[ $ATEX_KEEP_BACKGROUND ]] || kill -KILL -- "-$test"
    exec 4>>control.0
    little 5 4
    case $? in 3) : >full ;; 0) said=all ;; *) said=more ;; esac
    control=$((control + copied))
    if [[ $said = all ]]; then
      exec 4>>output.0
      little 6 4
      case $? in 3) : >full ;; 0) ;; *) said=more ;; esac
      output=$((output + copied))
    fi
    exec 4>&-
    [[ $said = more ]] || { conclude "$control" "$output" && return; }
  fi
  if . "$work/slow.sh"; then
    # Whoever waits for a short one need not.
    echo kept >&9
    keep
    return
  fi
  # Its folder was removed under it: nobody is left who could end it later.
  [[ $test ]] || { hear_word 5 && test=$argument; }
  kill -KILL -- "-$test"
}

# All was kept; says how the test ended.
finish() {
  local code control output
  [[ ! -e late ]] || exit 7
  [[ ! -e full ]] || exit 8
  [[ -s done ]] && read -r code control output <done || exit 3
  printf '\0atex-end %s %s %s\n' "$code" "$control" "$output" >&2 || exit 5
  exit 0
}

# Sends what is in the spools from now on, until the end of the test.
attach() {
  local wait control_at=0 output_at=0 leaving=0
  trap leaving=1 TERM
  echo "$$" >attached
  echo "atex: attached"
  exec 5<control.0 6<output.0
  for wait in 0.05 0.1 0.2 0.3; do
    # The end of `life` is the end of the supervisor; a word in it says that the test is not short.
    read -r -t "$wait" -u 7
    case $? in 0) wait= ;; 1) break ;; esac
    ((!leaving)) || exit 5
    [[ $wait ]] || break
    send 5 1
    send 6 2
    wait=
  done
  # Too long, or too much for one segment.
  if [[ ! $wait || -e control.0.next || -e output.0.next ]]; then
    . "$work/slow.sh"
    follow
  fi
  send 6 2
  send 5 1
  finish
}

# Makes the folder of a run as new, and starts its test: the R-th time, for so long at most, with a script of so many bytes on
# standard input. What is left open by it is the end of `life` that says how long the supervisor lives. Anything but 0: 4.
begin() {
  local before complete=
  # Read whatever happens: another run may follow it.
  read_script "$3" || return
  # After a reboot, or a connection that was cut while it was started, there may be more of it.
  if read -r before _ 2>/dev/null <"$folder/boot" && [[ $before = "$run" ]]; then
    . "$work/slow.sh"
    remake "$folder" || return
  fi
  clean "$folder" && cd "$folder" || return
  eval "$script" || return
  # The last line of the script says so; a connection that was cut while it was sent must not start half a test.
  [[ $complete ]] && : >control.0 && : >output.0 && echo "$run $1 $boot" >boot || return
  # Open for reading and writing first: opening one end alone would wait for the other.
  exec 9<>life 7<life
  set -m
  supervise "$2" </dev/null >/dev/null 7<&- &
  set +m
  disown
  exec 9>&-
}

# Says how a run ended, with so much of what it said and printed.
answer() {
  printf 'atex: end %s %s %s %s\n' "$run" "$1" "$2" "$3"
}

# What a run that was begun came to, as far as it is short and said little.
answer_run() {
  local long code control output end
  # The end of `life` is the end of the supervisor; a word in it says that the test is not short.
  read -r -t 0.65 -u 7
  (($? == 1)) && long= || long=1
  exec 7<&-
  # As when there is no such script to attach by.
  [[ -d $folder ]] || { answer 127 0 0 && return; }
  if [[ ! $long ]]; then
    [[ ! -e late ]] || { answer 7 0 0 && return; }
    [[ ! -e full ]] || { answer 8 0 0 && return; }
    [[ -s done ]] && read -r code control output <done || { answer 3 0 0 && return; }
  fi
  if [[ $long || ! $exact ]] || ((control > 4095 || output > 4095)); then
    echo "atex: long $run"
    return
  fi
  end="atex-end $code $control $output"
  answer 0 "$control" "$((output + ${#end} + 2))"
  exec 5<control.0 6<output.0
  # Whoever was told lengths must get them: else the controller finds what is here by attaching.
  little 5 1 && ((copied == control)) && little 6 1 && ((copied == output)) || exit 5
  exec 5<&- 6<&-
  printf '\0%s\n' "$end"
}

# What is wrong with a run that could not be begun.
answer_trouble() {
  local LC_ALL=C text
  IFS= read -r -d '' -n 4000 text <"$work/trouble"
  answer 4 0 "${#text}"
  printf %s "$text"
}

# Starts tests for a controller, one after the other, until that is gone.
serve() {
  local run restart limit length switches folder script
  exec 2>>"$work/trouble"
  echo "atex: serving"
  while read -r run restart limit length switches; do
    folder=$work/run-$((run % 2)) ATEX_NO_EXITCODE= ATEX_KEEP_BACKGROUND=
    [[ $switches != *e* ]] || ATEX_NO_EXITCODE=1
    [[ $switches != *b* ]] || ATEX_KEEP_BACKGROUND=1
    [[ ! -s $work/trouble ]] || : >"$work/trouble"
    if begin "$restart" "$limit" "$length"; then
      echo "atex: run $run"
      answer_run
    else
      answer_trouble
    fi
  done
}

case $1 in
  run)
    begin "$3" "$4" "$5" || exit 4
    attach
    ;;
  serve)
    serve
    ;;
  *)
    . "$work/slow.sh"
    other "$@"
    ;;
esac
