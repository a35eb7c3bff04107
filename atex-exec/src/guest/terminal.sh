# Runs a test in a terminal of 80 columns and 24 rows, which is its standard input, output and error, and controls it. Nobody types
# anything there.
#
#   terminal.sh SCRIPT           makes the terminal, by `script` of util-linux, else by Python; what is printed there goes to standard
#                                output, and the exit code is that of the script
#   terminal.sh inside SCRIPT    what runs in it
if [[ $1 = inside ]]; then
  stty cols 80 rows 24 2>/dev/null </dev/tty
  # Its number is that of the process group and of the session.
  echo "$$" >"${2%/*}/terminal"
  if [[ $ATEX_SHELL ]]; then SHELL=$ATEX_SHELL; else unset SHELL; fi
  unset ATEX_SHELL
  # What this shell has to say about a signal that ended the test is no output of the test.
  exec {output}>&2 2>/dev/null
  bash -e -o pipefail -- "$2" 2>&"$output" {output}>&-
  # `script` does not always find out.
  echo "$?" >"${2%/*}/terminal.code"
  exit
fi

# What ran in the terminal is in a session of its own, and its process group is not killed with the test's.
end() {
  read -r inner <"${script%/*}/terminal" && kill "-$1" -- "-$inner"
} 2>/dev/null
script=$1
export TERM=vt100
trap 'end HUP' HUP
trap 'end TERM; end KILL' TERM
rm -f -- "${script%/*}/terminal" "${script%/*}/terminal.code"
if [[ $(script --version 2>/dev/null) = *util-linux* ]]; then
  printf -v command 'exec bash %q inside %q' "$0" "$script"
  # `script` runs its command by $SHELL, whatever that is.
  export ATEX_SHELL=$SHELL SHELL=/bin/bash
  # Its standard input never ends: it would send an end of file through the terminal, which a program there reads as a key.
  script -q -e -c "$command" /dev/null <> <(:) &
else
  for python in python3 python /usr/libexec/platform-python; do
    python=$(type -P "$python") && break
  done
  if [[ ! $python ]]; then
    echo "atex: no terminal can be made here: there is neither 'script' of util-linux nor Python" >&2
    exit 126
  fi
  export ATEX_SHELL=$SHELL
  "$python" -c '
import fcntl, os, pty, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", sys.argv[1], "inside", sys.argv[2]])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
while True:
    try:
        data = os.read(master, 65536)
    except OSError:
        break
    if not data:
        break
    while data:
        data = data[os.write(1, data):]
status = os.waitpid(pid, 0)[1]
sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
' "$0" "$script" &
fi
maker=$!
# A signal ends the wait, not what is waited for.
until wait "$maker"; do
  code=$?
  kill -0 "$maker" 2>/dev/null || break
done
wait "$maker" 2>/dev/null
code=$?
read -r code 2>/dev/null <"${script%/*}/terminal.code"
end KILL
exit "$code"
