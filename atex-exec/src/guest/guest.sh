# What runs on a remote: starts one test under a supervisor that outlives the connection, and lets a controller attach to
# it. Needs bash 4 and coreutils. Never printed to, never edited on the remote; see guest/mod.rs for the caller.
#
#   guest.sh run N R LIMIT LENGTH   (re)make the folder of run N from the script of LENGTH bytes on standard input, start its test
#                                   for the R-th time after a reboot, attach; the folder of the run before, of which the
#                                   controller has all, goes
#   guest.sh attach N R             attach again; whoever was attached is let go first
#   guest.sh tell N WORD            stop: end the test now; limit SECONDS: it may run so long from now on, if nobody says more;
#                                   close: nobody reads what it says any more
#   guest.sh code N                 print how the test ended
#   guest.sh leave                  remove the work folder
#
# Attached means: after a line that says so, and (for `attach`) a line "C O" on standard input with what is known already, in
# bytes, the control stream goes to standard output, the output of the test to standard error. Lines "C O" that follow on
# standard input say what is safe with the controller; what is kept here up to there goes. Its end means that the
# controller is gone.
# Exit codes: 0 all of both was sent and the test ended with 0, 11 to 110 the same with 1 to 100, 10 the same with another code
# (see `code`), 111 the same and the code is not to be told; 3 the supervisor is gone without a word, 4 the test could not be
# started, 5 a part could not be sent, 6 the system rebooted meanwhile, 7 the test was ended here because its time was up, 8 what
# it said could not be kept here, 9 it was never started (for the R-th time). `tell N stop` exits with 10 if the test is over.
#
# A run folder has: env.sh, test.sh, metadata.yaml (written by the controller), control.START and output.START (the spools, in
# segments named by where they begin; START.next says where the following one begins, once a segment is complete), life (a pipe
# that the supervisor holds open for as long as it lives), mail (words to the watchdog), listening (mail is read from now on),
# boot (which start it is, and of which boot), late (its time was up), full (a spool could not be written), over (the test has ended), done (all is in the spools; how it ended).
work=${0%/*}
folder=$work/run-$2
# How much is in one segment, and how much may wait for the controller. Then the test waits too.
segment=$((16 << 20)) waiting=$((256 << 20))
# Which boot this is; a container that was started again counts. Not every kernel has the number; then a reboot looks like a
# supervisor that was killed.
read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id
read -r first 2>/dev/null </proc/1/stat && first=(${first##*)}) && boot=$boot.${first[19]}

# Seconds that no change of the clock touches, where the kernel tells them.
now() {
  read -r now _ 2>/dev/null </proc/uptime && now=${now%%.*} || now=$SECONDS
}

# Makes the folder of a run; the last pipe says that all is there.
prepare() {
  mkdir "$1" && mkfifo "$1/life" "$1/mail" "$1/control.pipe" "$1/output.pipe"
}

# Sees to it that the folder of this run is there, and new. The run before has it made, so that nobody has to wait for it.
find_folder() {
  local tries
  # There is more in it after a reboot, or after a connection that was cut while it was started.
  [[ ! -e $folder/boot ]] || remove "$folder"
  [[ ! -p $folder/output.pipe ]] || return 0
  prepare "$folder" 2>/dev/null && return
  # Somebody is just making it.
  for ((tries = 0; tries < 100; tries++)); do
    [[ ! -p $folder/output.pipe ]] || return 0
    sleep 0.02
  done
  remove "$folder"
  prepare "$folder"
}

# Reads the script of so many bytes, and nothing that follows it.
read_script() {
  local LC_ALL=C
  IFS= read -r -N "$1" script
}

# Removes a folder, but nothing of what a test mounted there: that is taken off first, or the folder stays.
remove() {
  local point points=()
  while read -r _ _ _ _ point _; do
    printf -v point %b "$point"
    [[ $point = "$1"/* ]] && points=("$point" "${points[@]}")
  done 2>/dev/null </proc/self/mountinfo
  for point in "${points[@]}"; do
    umount -l -- "$point" || return
  done
  rm -rf --one-file-system -- "$1" 2>/dev/null && return
  # A test may have left folders that it forbade to write.
  chmod -R u+rwX -- "$1" 2>/dev/null
  rm -rf --one-file-system -- "$1"
}

# Sets `start` to the last segment of a spool that begins at or before a place (by default, the last of all).
find_segment() {
  local file
  start=
  for file in "$1".[0-9]*; do
    file=${file#"$1".}
    [[ $file = *[!0-9]* ]] || ((file > ${2:-file})) || ((file < ${start:-0})) || start=$file
  done
  [[ $start ]]
}

# Keeps what comes through a pipe (standard input) in segments.
spool() {
  local start=0 end=0 starts=(0) reads bytes number what
  set +m
  while :; do
    # `dd` writes what it reads at once, at most so many times. Its report says how often, and how much.
    LC_ALL=C dd bs=128k count=128 2>"$1.dd" >>"$1.$start" || return
    reads= bytes=
    while read -r number what _; do
      case $what in records) reads=$number ;; byte*) bytes=$number ;; esac
    done <"$1.dd"
    [[ $reads && $bytes ]] || return 1
    end=$((end + bytes))
    ((${reads%+*} + ${reads#*+} == 128)) || return 0
    ((end - start >= segment)) || continue
    : >"$1.$end" && echo "$end" >"$1.$start.next" || return
    start=$end
    starts+=("$start")
    while ((end - starts[0] > waiting)); do
      if [[ -e $1.${starts[0]} ]]; then
        : >"$1.waits"
        sleep 0.1
      else
        starts=("${starts[@]:1}")
      fi
    done
    [[ ! -e $1.waits ]] || rm -f -- "$1.waits"
  done
}

supervise() {
  exec </dev/null >/dev/null 2>&1
  # The connection may go; this stays.
  trap '' HUP INT PIPE
  exec 8<>mail
  : >listening
  # Job control gives each a process group of its own, by which all of it is stopped.
  set -m
  # Pipes, not the spools themselves: `> /dev/stderr` in a test would truncate a file.
  spool control <control.pipe 8>&- 9>&- &
  local control_spooler=$!
  spool output <output.pipe 8>&- 9>&- &
  local output_spooler=$! test code=0 spooler
  (
    set +m
    trap - HUP INT PIPE
    . ./env.sh
  ) </dev/null 3>control.pipe >output.pipe 2>&1 8>&- 9>&- &
  test=$!
  set +m
  watch "$BASHPID" "$test" "$1" "$control_spooler" "$output_spooler" 9>&- &
  wait "$test" || code=$?
  : >over
  [[ $ATEX_KEEP_BACKGROUND ]] || kill -KILL -- "-$test"
  # A process that left the group may hold the pipes; the watchdog ends the spoolers when they take long.
  echo drain >&8
  for spooler in "$control_spooler" "$output_spooler"; do
    # 143: ended by the watchdog. Anything else but success is a disk that took no more.
    wait "$spooler" || [[ $? = 143 ]] || : >full
  done
  echo end >&8
  [[ ! $ATEX_NO_EXITCODE ]] || code=untold
  echo "$code" >done || : >full
}

# Whether anything came since `quiet`, or waits for the controller to take it.
busy() {
  local file
  for file in control.[0-9]* output.[0-9]*; do
    [[ ! $file -nt quiet ]] || return 0
  done
  return 1
}

# Ends the test when told so, or when its time is up and no controller is there to say so; then sees that the spoolers end.
watch() {
  local supervisor=$1 test=$2 limit=$3 control_spooler=$4 output_spooler=$5 word argument now end signal tries
  now
  end=$((now + limit))
  while :; do
    word=
    now
    # Woken now and then: to see that the supervisor is there, and because a jump of the clock can end a wait early or late.
    if ((now < end)); then read -r -t $((end - now < 5 ? end - now : 5)) -u 8 word argument; else word=late; fi
    case $word in
      limit)
        now
        end=$((now + argument))
        ;;
      close)
        [[ -e closed ]] || kill -TERM -- "-$control_spooler"
        : >closed
        ;;
      drain) break ;;
      stop | late)
        [[ $word = stop ]] || : >late
        # First politely.
        for signal in HUP TERM; do
          kill -$signal -- "-$test"
          kill -CONT -- "-$test"
          read -r -t 2 -u 8 word argument
          [[ $word = drain ]] && break 2
        done
        break
        ;;
      *) kill -0 "$supervisor" || break ;;
    esac
  done
  if [[ $word != drain ]]; then
    kill -KILL -- "-$test"
    read -r -t 5 -u 8 word argument
  fi
  # The spoolers have what the test said when nothing came for a while; whoever still holds the pipes is not waited for, nor
  # is somebody who goes on talking: no more than a pipe holds is the test's. But what waits for the controller stays.
  for ((tries = 0; tries < 5; tries++)); do
    : >quiet
    read -r -t 2 -u 8 word argument
    [[ $word = end ]] && return
    now
    if [[ -e control.waits || -e output.waits ]] && ((now < end)); then tries=0; else busy || break; fi
  done
  kill -TERM -- "-$control_spooler"
  kill -TERM -- "-$output_spooler"
}

# Forgets what is safe with the controller, up to this place of this spool; but not the segment that is being read.
forget() {
  local file next
  for file in "$1".*.next; do
    [[ -e $file ]] && read -r next <"$file" && ((next <= $2 && next <= $3)) && rm -f -- "${file%.next}" "$file"
  done
}

# Reads what the controller said. Its end is the end of this.
hear() {
  local control output
  while read -r -t 0 -u 0; do
    read -r control output || exit 5
    forget control "$control" "$control_at"
    forget output "$output" "$output_at"
  done
}

# Sends what is new in the spools, side by side: words must not wait for the output. The descriptors keep their place from
# one call to the next.
forward() {
  local sender control_next output_next
  while :; do
    sender= control_next= output_next=
    # What has a next one is complete.
    [[ ! -e control.$control_at.next ]] || read -r control_next <"control.$control_at.next"
    [[ ! -e output.$output_at.next ]] || read -r output_next <"output.$output_at.next"
    if [[ -s output.$output_at ]]; then
      cat <&6 >&2 &
      sender=$!
    fi
    [[ ! -s control.$control_at ]] || cat <&5 || exit 5
    if [[ $sender ]]; then
      # Told to leave: not before all is there that is on its way.
      until wait "$sender"; do
        (($? > 128)) && kill -0 "$sender" 2>/dev/null || exit 5
      done
    fi
    ((!leaving)) || exit 5
    hear
    if [[ $control_next ]]; then exec 5<"control.$control_next"; control_at=$control_next; fi
    if [[ $output_next ]]; then exec 6<"output.$output_next"; output_at=$output_next; fi
    [[ $control_next || $output_next ]] || return 0
  done
}

# Lets go whoever is attached: two must not write to one place.
alone() {
  local file other tries
  for file in seen-*; do
    other=${file#seen-}
    # Its number may be somebody else's by now.
    if [[ -e /proc/$other/cmdline && $(tr '\0' ' ' <"/proc/$other/cmdline") = *"$0 "* ]]; then
      kill -TERM "$other"
      for ((tries = 0; tries < 50; tries++)); do
        kill -0 "$other" || break
        sleep 0.1
      done
      kill -KILL "$other"
    fi
    rm -f -- "$file"
  done
} 2>/dev/null

attach() {
  local wait=0.02 status=0 idle=0 control=0 output=0 control_at=0 output_at=0 leaving=0 start code
  trap leaving=1 TERM
  [[ $1 = anew ]] || alone
  : >"seen-$$"
  echo "atex: attached"
  if [[ $1 != anew ]]; then
    read -r control output || exit 5
    find_segment control "$control" && control_at=$start && find_segment output "$output" && output_at=$start || exit 5
  fi
  exec 5<"control.$control_at" 6<"output.$output_at"
  # Skip what is known. `tail` seeks to the place and reads from there, so it also sends the first part.
  if ((output > output_at)); then tail -c "+$((output - output_at + 1))" <&6 >&2 || exit 5; fi
  if [[ $1 = rebooted ]]; then
    # What it said last may be torn; what it printed goes as it is.
    control_at=none
    forward
    exit 6
  fi
  if ((control > control_at)); then tail -c "+$((control - control_at + 1))" <&5 || exit 5; fi
  while :; do
    # The end of `life` is the end of the supervisor. Until then look for news from time to time.
    read -r -t "$wait" -u 7
    status=$?
    ((!leaving)) || exit 5
    ((status > 128)) || break
    case $wait in 0.02) wait=0.05 ;; 0.05) wait=0.1 ;; *) wait=0.2 ;; esac
    hear
    # Hardly anything is forked while the test is silent. A spool of the same tick as `seen` may have grown since; and where
    # the clock was set back, only looking helps.
    if ((++idle > 10)) || ! [[ "seen-$$" -nt control.$control_at && "seen-$$" -nt output.$output_at ]]; then
      : >"seen-$$"
      forward
      ((idle > 10)) || wait=0.05
      idle=0
    fi
  done
  forward
  [[ -e late ]] && exit 7
  [[ -e full ]] && exit 8
  [[ -e done ]] && read -r code <done || exit 3
  # Small, so that no code of something that fails here is taken for it.
  case $code in
    0) exit 0 ;;
    untold) exit 111 ;;
    *) ((code <= 100)) && exit $((code + 10)) || exit 10 ;;
  esac
}

case $1 in
  run)
    find_folder && cd "$folder" || exit 4
    # While the test runs: the folder of the next run, and none of the last.
    {
      [[ -e $work/run-$(($2 + 1)) ]] || prepare "$work/run-$(($2 + 1))"
      (($2 == 1)) || remove "$work/run-$(($2 - 1))"
    } </dev/null >/dev/null 2>&1 &
    read_script "$5" && eval "$script" || exit 4
    # The last line of the script says so; a connection that was cut while it was sent must not start half a test.
    [[ $complete ]] && : >control.0 && : >output.0 && echo "$3 $boot" >boot || exit 4
    # Open for reading and writing first: opening one end alone would wait for the other.
    exec 9<>life 7<life
    set -m
    supervise "$4" 7<&- &
    set +m
    exec 9>&-
    attach anew
    ;;
  attach)
    [[ -d $work/tree ]] || exit 4
    cd "$folder" 2>/dev/null && read -r restart began 2>/dev/null <boot && ((restart == $3)) || exit 9
    [[ $began = "$boot" ]] || attach rebooted
    exec 9<>life 7<life 9>&-
    attach again
    ;;
  tell)
    # The run may still be on its way; what is put into a pipe that nobody has opened yet would be lost.
    for ((tries = 0; tries < 100; tries++)); do
      [[ -e $folder/listening ]] && break
      sleep 0.05
    done
    cd "$folder" && [[ -e listening ]] || exit 3
    [[ $3 != stop || ! -e over ]] || exit 10
    # Opened for both: opening for writing alone would wait for a watchdog that is gone.
    exec 8<>mail
    shift 2
    echo "$*" >&8
    ;;
  code)
    read -r code <"$folder/done" && echo "atex: exit code $code"
    exit
    ;;
  leave)
    # What is just being made there for the next run comes in between.
    for ((tries = 0; tries < 5; tries++)); do
      remove "$work" && exit
      sleep 0.1
    done
    exit 1
    ;;
esac
exit 0
