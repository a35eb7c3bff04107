# Ends and removes what sessions left in the folder `$1` whose work folders begin with `atex-$2`: their controller is gone. Only what is
# ours is touched: others may make folders of any name there.
base=${1:-${TMPDIR:-/var/tmp}} status=0

# Whether a supervisor is at its end within so many seconds: `life` is, then; words that wait there say nothing of it.
ends_within() {
  local read=0
  while ((read == 0)); do
    read -r -t "$1" -u 7 _
    read=$?
  done
  ((read == 1))
}

shopt -s nullglob
for work in "$base/atex-$2"*; do
  [[ -d $work && -O $work && ! -L $work ]] || continue
  for folder in "$work"/run-[01]; do
    # A run that is not over has a supervisor, unless the system rebooted or somebody killed it: it holds `life` open.
    read -r run _ 2>/dev/null <"$folder/boot" && [[ ! -s $folder/done ]] || continue
    exec 9<>"$folder/life" 7<"$folder/life" 9>&-
    ends_within 0.01 && { exec 7<&-; continue; }
    bash "$work/guest.sh" tell "$run" stop 7<&-
    ends_within 20
    exec 7<&-
  done
  [[ -f $work/guest.sh && -f $work/slow.sh ]] && bash "$work/guest.sh" leave && continue
  rm -rf --one-file-system -- "$work" || status=1
done
exit $status
