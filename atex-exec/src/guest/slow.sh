# What a short test that says little never needs; a part of guest.sh, which says what all of it does.

# How much is in one segment, and how much may wait for the controller. Then the test waits too.
segment=$((16 << 20)) waiting=$((256 << 20))

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

# Makes the folder of a run anew, with pipes that nobody holds.
remake() {
  remove "$1" && mkdir "$1" && mkfifo "$1/life" "$1/mail" "$1/control.pipe" "$1/output.pipe"
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

# Reads the report of a `dd`: how often it read, and how much it wrote.
read_report() {
  local number what
  reads= bytes=
  while read -r number what _; do
    case $what in
      records) reads=${reads:-$((${number%+*} + ${number#*+}))} ;;
      byte*) bytes=$number ;;
    esac
  done <"$1"
  [[ $reads && $bytes ]]
}

# Brings what comes through a pipe (standard input) to the place that a controller on this machine named, as many bytes as it says
# once it has what was kept so far; `end` is then where the stream goes on. The controller may be gone; then it is none.
take_shortcut() {
  local count from=$end
  # Opening one end alone would wait.
  exec 7<>shortcut.pipe 6<shortcut.pipe 7>&-
  echo "$from" >shortcut.from
  read -r count <&6
  exec 6<&-
  : >shortcut.from
  bytes=0
  if [[ $count ]]; then
    LC_ALL=C dd bs=128k iflag=fullblock,count_bytes count="$count" 2>"$1.dd" >>shortcut && read_report "$1.dd" || return
  fi
  end=$((from + bytes))
  # In this order: whoever sees what comes next knows where it is.
  echo "$from $end" >shortcut.to && rm -f shortcut{,.pipe,.from}
}

# Keeps what comes through a pipe (standard input) in segments; so much is in the first already.
spool() {
  local start=0 end=$2 starts=(0) reads bytes count=64
  set +m
  while :; do
    # `dd` writes what it reads at once, at most so many times: few at first, because in between one can interfere.
    LC_ALL=C dd bs=128k count="$count" 2>"$1.dd" >>"$1.$start" && read_report "$1.dd" || return
    end=$((end + bytes))
    if ((reads != count)); then
      echo "$end" >"$1.end"
      return
    fi
    ((count < 1024)) && count=$((count * 3 / 2))
    if [[ $1 = control && -L shortcut ]]; then
      take_shortcut "$1" || return
    else
      bytes=0
    fi
    ((end > start && (bytes > 0 || end - start >= segment))) || continue
    : >"$1.$end" && echo "$end" >"$1.$start.next" || return
    if ((bytes > 0)); then
      # Whoever reads the segment before looks at it once more. It waits for nobody.
      touch -- "$1.$start"
      starts=()
    fi
    start=$end
    starts+=("$start")
    while ((end - starts[0] > waiting)); do
      if [[ -e $1.${starts[0]} ]]; then
        echo 1 >"$1.waits"
        sleep 0.1
      else
        starts=("${starts[@]:1}")
      fi
    done
    [[ ! -s $1.waits ]] || : >"$1.waits"
  done
}

# Whether anything came since `quiet`.
busy() {
  local file
  for file in control.[0-9]* output.[0-9]* shortcut; do
    [[ ! $file -nt quiet ]] || return 0
  done
  return 1
}

# Ends the test, first politely.
end_test() {
  local signal
  for signal in HUP TERM KILL; do
    kill -"$signal" -- "-$test"
    [[ $signal = KILL ]] || kill -CONT -- "-$test"
    hear_word 2
    if [[ $word = over ]]; then
      code=$argument
      return
    fi
  done
}

# Which start of the userspace this is, where a systemd knows: a soft reboot keeps the boot, and starts all but the kernel and process 1
# anew. Nothing where there is none, or where it is just coming up or going down.
userspace() {
  local line=
  [[ ! -d /run/systemd/system ]] || line=$(timeout 5 systemctl show --property=InvocationID sysinit.target)
  [[ $line != InvocationID=?* ]] || echo "$line"
}

# Whether there was a soft reboot since the test announced a reboot.
is_soft_rebooted() {
  local then= now=
  read -r then <userspace && now=$(userspace) && [[ $then && $now && $now != "$then" ]]
} 2>/dev/null

# Goes on as the supervisor of a test that takes longer or says more: keeps what it says by programs, and ends it when told so,
# or when its time is up and no controller is there to say so; then sees that its streams end.
keep() {
  local end=$((began + limit)) control_spooler output_spooler kept='' tries start length stream
  set -m
  { spool control "$control" || : >full; echo "$run kept c" >&8; } <&5 5<&- 6<&- 9>&- &
  control_spooler=$!
  { spool output "$output" || : >full; echo "$run kept o" >&8; } <&6 5<&- 6<&- 9>&- &
  output_spooler=$!
  set +m
  exec 5<&- 6<&-
  # Meanwhile: nothing of the last run takes space.
  clean "$work/run-$(((run + 1) % 2))" 9>&- &
  local cleaner=$!
  while [[ ! $code ]]; do
    case $word in
      test) test=$argument ;;
      over) code=$argument ;;
      kept) kept+=$argument ;;
      limit)
        now
        end=$((now + argument))
        ;;
      close)
        # Before the test can know of it, and reboot.
        [[ -e closed ]] || { userspace >userspace 9>&-; kill -TERM -- "-$control_spooler"; }
        : >closed
        ;;
      stop | late)
        [[ $word = stop ]] || : >late
        # It has hardly begun: again once it is known what to end.
        if [[ $test ]]; then end_test; else echo "$run $word" >&8; fi
        end=$((1 << 40))
        ;;
      *)
        if ! kill -0 "$starter"; then
          # Its last word may have come just now.
          hear_word 0.1
          [[ $word ]] || break
          continue
        fi
        ;;
    esac
    [[ ! $code ]] || break
    now
    # Woken now and then: to see that the others are there, and because a jump of the clock can end a wait early or late.
    if ((now < end)); then hear_word $((end - now < 5 ? end - now : 5)); else word=late; fi
  done
  [[ $ATEX_KEEP_BACKGROUND && $code || ! $test ]] || kill -KILL -- "-$test"
  # The spoolers have what the test said when nothing came for a while; whoever still holds the pipes is not waited for, nor
  # is somebody who goes on talking: no more than a pipe holds is the test's. But what waits for the controller stays.
  for ((tries = 0; tries < 5; tries++)); do
    [[ $kept != *o* || ($kept != *c* && ! -e closed) ]] || break
    : >quiet
    hear_word 2
    if [[ $word = kept ]]; then
      kept+=$argument tries=-1
      continue
    fi
    now
    if [[ -s control.waits || -s output.waits || -s shortcut.from ]] && ((now < end)); then tries=0; else busy || break; fi
  done
  # Its pipes are not for another run.
  [[ $kept = *o* && $kept = *c* ]] || : >held
  kill -TERM -- "-$control_spooler"
  kill -TERM -- "-$output_spooler"
  wait "$control_spooler" "$output_spooler"
  for stream in control output; do
    if ! read -r length <"$stream.end"; then
      find_segment "$stream" && length=$(stat -c %s "$stream.$start") && length=$((start + length)) || : >full
    fi
    printf -v "$stream" %s "$length"
  done
  wait "$cleaner"
  [[ ! $code ]] || conclude "$control" "$output"
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
    little 6 2
    case $? in
      0 | 2) ;;
      1)
        cat <&6 >&2 &
        sender=$!
        ;;
      *) exit 5 ;;
    esac
    [[ $control_at = none ]] || send 5 1
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

# Sends what comes, until the supervisor ends.
follow() {
  local wait=0.05 status=0 idle=10
  while :; do
    # Hardly anything is looked at while the test is silent. A spool of the same tick as `seen` may have grown since; and where
    # the clock was set back, only looking helps.
    if ((++idle > 10)) || ! [[ seen -nt control.$control_at && seen -nt output.$output_at ]]; then
      : >seen
      forward
      ((idle > 10)) || wait=0.05
      idle=0
    fi
    read -r -t "$wait" -u 7
    status=$?
    ((!leaving)) || exit 5
    ((status != 1)) || break
    case $wait in 0.05) wait=0.1 ;; *) wait=0.2 ;; esac
    hear
  done
  forward
  finish
}

# Lets go whoever is attached: two must not write to one place.
alone() {
  local other tries
  while read -r other; do
    # Its number may be somebody else's by now.
    if [[ -e /proc/$other/cmdline && $(tr '\0' ' ' <"/proc/$other/cmdline") = *"$0 "* ]]; then
      kill -TERM "$other"
      for ((tries = 0; tries < 50; tries++)); do
        kill -0 "$other" || break
        sleep 0.1
      done
      kill -KILL "$other"
    fi
  done <attached
} 2>/dev/null

# Attaches to a run again; after a reboot (`rebooted`) only for what is left of its output.
attach_again() {
  local control=0 output=0 control_at=0 output_at=0 leaving=0 start
  trap leaving=1 TERM
  alone
  echo "$$" >attached
  echo "atex: attached"
  read -r control output || exit 5
  find_segment control "$control" && control_at=$start && find_segment output "$output" && output_at=$start || exit 5
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
  follow
}

# What is not said to every test.
other() {
  local number restart began tries
  case $1 in
    attach)
      [[ -d $work/tree ]] || exit 4
      cd "$folder" 2>/dev/null && read -r number restart began 2>/dev/null <boot && ((number == run && restart == $3)) || exit 9
      [[ $began = "$boot" ]] && ! is_soft_rebooted || attach_again rebooted
      exec 9<>life 7<life 9>&-
      attach_again
      ;;
    tell)
      # The run may still be on its way; what is put into a pipe that nobody has opened yet would be lost.
      for ((tries = 0; tries < 100; tries++)); do
        number=
        read -r number 2>/dev/null <"$folder/listening" && [[ $number = "$run" ]] && break
        sleep 0.05
      done
      cd "$folder" && [[ $number = "$run" ]] || exit 3
      [[ $3 != stop || ! -s over ]] || exit 10
      # Opened for both: opening for writing alone would wait for a supervisor that is gone.
      exec 8<>mail
      shift 2
      echo "$run $*" >&8
      ;;
    answer)
      folder=$work/barriers-$run
      shift 2
      while (($#)); do
        # Whoever sees the file must find all of it.
        printf %s "$2" >"$folder/.$1" && mv -f -- "$folder/.$1" "$folder/$1" || exit 1
        shift 2
      done
      ;;
    leave)
      # A supervisor that is just ending may write a last word in between.
      for ((tries = 0; tries < 5; tries++)); do
        remove "$work" && exit
        sleep 0.1
      done
      exit 1
      ;;
  esac
}
