# What runs on a remote: starts one test under a supervisor that outlives the connection, and lets a controller attach to
# it. Needs bash 4 and coreutils. Never printed to, never edited on the remote; see guest/mod.rs for the caller.
#
#   guest.sh run N LIMIT       make the folder of run N from the script on standard input, start its test, attach; the
#                              folder of the run before, of which the controller has all, goes
#   guest.sh attach N C O      attach again: C bytes of the control stream and O bytes of the output are known already
#   guest.sh tell N WORD       stop: end the test now; limit SECONDS: it may run so long from now on, if nobody says more
#   guest.sh leave             remove the work folder
#
# Attached means: after a line that says so, the control stream goes to standard output, the output of the test to standard
# error. Exit codes: 0 all of both was sent and the test is over, 3 the supervisor is gone without a word, 4 the test could
# not be started, 5 a part could not be sent, 6 the system rebooted meanwhile, 7 the test was ended here because its time was
# up, 8 what it said could not be kept here.
#
# A run folder has: env.sh, test.sh, metadata.yaml (written by the controller), control and output (the spools), life (a
# pipe that the supervisor holds open for as long as it lives), mail (words to the watchdog), listening (mail is read from
# now on), boot (of which boot it is), late (its time was up), full (a spool could not be written), done (it is over).
work=${0%/*}
folder=$work/run-$2
# Not every kernel has it; then a reboot looks like a supervisor that was killed.
read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id

# Seconds that no change of the clock touches, where the kernel tells them.
now() {
  read -r now _ 2>/dev/null </proc/uptime && now=${now%%.*} || now=$SECONDS
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
  local output_spooler=$! test code=0 spooler
  # Job control gives the test a process group of its own, by which all of it is stopped.
  set -m
  (
    set +m
    trap - HUP INT PIPE
    . ./env.sh
  ) </dev/null 3>control.pipe >output.pipe 2>&1 8>&- 9>&- &
  test=$!
  set +m
  watch "$BASHPID" "$test" "$1" "$control_spooler" "$output_spooler" 9>&- &
  wait "$test" || code=$?
  [[ $ATEX_KEEP_BACKGROUND ]] || kill -KILL -- "-$test"
  # A process that left the group may hold the pipes; the watchdog ends the spoolers when they take long.
  echo drain >&8
  for spooler in "$control_spooler" "$output_spooler"; do
    # 143: ended by the watchdog. Anything else but success is a disk that took no more.
    wait "$spooler" || [[ $? = 143 ]] || : >full
  done
  echo end >&8
  [[ $ATEX_NO_EXITCODE ]] || echo "exitcode $code" >>control || : >full
  : >done
}

# Ends the test when told so, or when its time is up and no controller is there to say so; then sees that the spoolers end.
watch() {
  local supervisor=$1 test=$2 limit=$3 word argument now end
  shift 3
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
      drain) break ;;
      stop | late)
        [[ $word = stop ]] || : >late
        kill -TERM -- "-$test"
        kill -CONT -- "-$test"
        for ((tries = 0; tries < 2; tries++)); do
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
  # The spoolers have what the test said when nothing came for a while; whoever still holds the pipes is not waited for.
  until [[ $word = end ]]; do
    : >quiet
    read -r -t 2 -u 8 word argument
    [[ $word = end || control -nt quiet || output -nt quiet ]] || break
  done
  [[ $word = end ]] || kill -TERM "$@"
}

# Sends what is new in the spools, side by side: words must not wait for the output. The descriptors keep their place from
# one call to the next.
forward() {
  local sender=
  if [[ -s output ]]; then
    cat <&6 >&2 &
    sender=$!
  fi
  [[ ! -s control ]] || cat <&5 || exit 5
  [[ ! $sender ]] || wait "$sender" || exit 5
}

attach() {
  local wait=0.02 status=0 idle=0
  echo "atex: attached"
  # Skip what is known. `tail` seeks to the place and reads from there, so it also sends the first part.
  exec 5<control 6<output
  : >"seen-$$"
  if (($1 > 0)); then tail -c "+$(($1 + 1))" <&5 || exit 5; fi
  if (($2 > 0)); then tail -c "+$(($2 + 1))" <&6 >&2 || exit 5; fi
  while :; do
    # The end of `life` is the end of the supervisor. Until then look for news from time to time.
    read -r -t "$wait" -u 7
    status=$?
    ((status > 128)) || break
    case $wait in 0.02) wait=0.05 ;; 0.05) wait=0.1 ;; *) wait=0.2 ;; esac
    # Hardly anything is forked while the test is silent. A spool of the same tick as `seen` may have grown since; and where
    # the clock was set back, only looking helps.
    if ((++idle > 10)) || ! [[ "seen-$$" -nt control && "seen-$$" -nt output ]]; then
      : >"seen-$$"
      forward
      ((idle > 10)) || wait=0.05
      idle=0
    fi
  done
  forward
  [[ -e late ]] && exit 7
  [[ -e full ]] && exit 8
  [[ -e done ]] && exit 0
  exit 3
}

case $1 in
  run)
    (($2 == 1)) || remove "$work/run-$(($2 - 1))" </dev/null >/dev/null 2>&1 &
    mkdir "$folder" && cd "$folder" && eval "$(cat)" || exit 4
    # The last line of the script says so; a connection that was cut while it was sent must not start half a test.
    [[ $complete ]] && : >control && : >output && mkfifo life mail control.pipe output.pipe && echo "$boot" >boot || exit 4
    # Open for reading and writing first: opening one end alone would wait for the other.
    exec 9<>life 7<life
    set -m
    supervise "$3" 7<&- &
    set +m
    exec 9>&-
    attach 0 0
    ;;
  attach)
    cd "$folder" && read -r began <boot || exit 4
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
  leave)
    remove "$work"
    exit
    ;;
esac
exit 0
