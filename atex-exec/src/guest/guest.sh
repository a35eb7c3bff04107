# What runs on a remote: starts one test under a supervisor that outlives the connection, and lets a controller attach to
# it. Needs bash 4 and coreutils, nothing else. Never printed to, never edited on the remote; see guest.rs for the caller.
#
#   guest.sh run N LIMIT       make the folder of run N from the script on standard input, start its test, attach; the
#                              folder of the run before, of which the controller has all, goes
#   guest.sh attach N C O      attach again: C bytes of the control stream and O bytes of the output are known already
#   guest.sh tell N WORD       stop: end the test now; limit SECONDS: it may run so long from now on, if nobody says more
#
# Attached means: the control stream goes to standard output, the output of the test to standard error. Exit codes: 0 all
# of both was sent and the test is over, 3 the supervisor is gone without a word, 4 the test could not be started, 5 a part
# could not be sent, 6 the system rebooted meanwhile.
#
# A run folder has: env.sh, test.sh, metadata.yaml (written by the controller), control and output (the spools), life (a
# pipe that the supervisor holds open for as long as it lives), mail (words to the watchdog), listening (mail is read from
# now on), boot (of which boot it is), over (why the test was ended, if it was), done (all is in the spools).
work=${0%/*}
folder=$work/run-$2
# Not every kernel has it; then a reboot looks like a supervisor that was killed.
read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id

supervise() {
  exec </dev/null >/dev/null 2>&1
  # The connection may go; this stays.
  trap '' HUP INT PIPE
  exec 8<>mail
  : >listening
  # Pipes, not the spools themselves: `> /dev/stderr` in a test would truncate a file.
  cat <control.pipe >>control 8>&- 9>&- &
  local control_spooler=$!
  cat <output.pipe >>output 8>&- 9>&- &
  local output_spooler=$! test code=0
  # Job control gives the test a process group of its own, by which all of it is stopped.
  set -m
  (
    set +m
    trap - HUP INT PIPE
    . ./env.sh
  ) </dev/null 3>control.pipe >output.pipe 2>&1 8>&- 9>&- &
  test=$!
  set +m
  watch "$test" "$control_spooler" "$output_spooler" "$1" 9>&- &
  wait "$test" || code=$?
  [[ $ATEX_KEEP_BACKGROUND ]] || kill -KILL -- "-$test"
  # A process that left the group may hold the pipes; the watchdog ends the spoolers when they take long.
  echo drain >&8
  wait "$control_spooler" "$output_spooler"
  echo end >&8
  [[ $ATEX_NO_EXITCODE ]] || echo "exitcode $code" >>control
  : >done
}

# Ends the test when told so, or when its time is up and no controller is there to say so; then sees that the spoolers end.
watch() {
  local test=$1 control_spooler=$2 output_spooler=$3 limit=$4 word argument
  local end=$((SECONDS + limit))
  while :; do
    word=late
    local left=$((end - SECONDS))
    ((left > 0)) && read -r -t "$left" -u 8 word argument
    case $word in
      limit) end=$((SECONDS + argument)) ;;
      drain) break ;;
      stop | late)
        [[ $word = stop ]] || echo "time limit" >over
        kill -TERM -- "-$test"
        kill -CONT -- "-$test"
        word=
        until [[ $word = drain ]]; do
          read -r -t 2 -u 8 word argument || break
        done
        kill -KILL -- "-$test"
        [[ $word = drain ]] && break
        end=$((SECONDS + 3600))
        ;;
    esac
  done
  until [[ $word = end ]]; do
    word=
    read -r -t 1 -u 8 word argument || break
  done
  [[ $word = end ]] || kill -TERM "$control_spooler" "$output_spooler"
}

# Sends what is new in the spools. The descriptors keep their place from one call to the next.
forward() {
  [[ ! -s control ]] || cat <&5 || exit 5
  [[ ! -s output ]] || cat <&6 >&2 || exit 5
}

attach() {
  local wait=0.02 status=0
  # Skip what is known. `tail` seeks to the place and reads from there, so it also sends the first part.
  exec 5<control 6<output
  : >seen
  if (($1 > 0)); then tail -c "+$(($1 + 1))" <&5 || exit 5; fi
  if (($2 > 0)); then tail -c "+$(($2 + 1))" <&6 >&2 || exit 5; fi
  while :; do
    # The end of `life` is the end of the supervisor. Until then look for news from time to time.
    read -r -t "$wait" -u 7
    status=$?
    ((status > 128)) || break
    case $wait in 0.02) wait=0.05 ;; 0.05) wait=0.1 ;; *) wait=0.2 ;; esac
    # Nothing is forked while the test is silent. A spool of the same tick as `seen` may have grown since.
    if ! [[ seen -nt control && seen -nt output ]]; then
      : >seen
      forward
      wait=0.05
    fi
  done
  forward
  [[ -e done ]] && exit 0
  exit 3
}

case $1 in
  run)
    (($2 == 1)) || rm -rf -- "$work/run-$(($2 - 1))" &
    mkdir "$folder" && cd "$folder" && eval "$(cat)" && : >control && : >output && echo "$boot" >boot && mkfifo life mail control.pipe output.pipe || exit 4
    # Open for reading and writing first: opening one end alone would wait for the other.
    exec 9<>life 7<life
    set -m
    supervise "$3" 7<&- &
    set +m
    exec 9>&-
    attach 0 0
    ;;
  attach)
    cd "$folder" || exit 3
    read -r began <boot
    [[ $began = "$boot" ]] || exit 6
    exec 9<>life 7<life 9>&-
    attach "$3" "$4"
    ;;
  tell)
    # The run may still be on its way; what is put into a pipe that nobody has opened yet would be lost.
    for ((tries = 0; tries < 100; tries++)); do
      [[ -e $folder/listening ]] && break
      sleep 0.05
    done
    cd "$folder" && [[ -e listening ]] || exit 3
    # Opened for both: opening for writing alone would wait for a watchdog that is gone.
    exec 8<>mail
    shift 2
    echo "$*" >&8
    ;;
esac
exit 0
