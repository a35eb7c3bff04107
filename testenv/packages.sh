#!/bin/bash
# packages.sh DIR : a repository of small rpms in DIR, for a package manager to install from, fail with, and take its time:
#   try-hello (1.0, 2.0: /usr/bin/try-hello), try-lib, try-app (requires try-lib), try-broken (requires what nobody provides),
#   try-conflict (conflicts with try-hello), try-slow (its %post sleeps 1000 s), try-release (what dnf takes the release from),
#   units, words, beakerlib and beakerlib-redhat (which tests of others ask for; those two are hardly more than names), and the stand-ins bash, coreutils and tar, which the files of the system are of another package manager's.
# It takes rpmbuild and createrepo_c, of the Debian packages rpm and createrepo-c.
. "$(dirname "$0")/lib.sh"
D=${1:?usage: packages.sh DIR}
B=$(mktemp -d); trap 'rm -rf "$B"' EXIT

spec() { # NAME VERSION LINES... : builds one noarch rpm; a line "sh: TEXT" makes /usr/bin/NAME print TEXT, "file:PATH" a script that prints NAME
  local n=$1 v=$2 l tags='' post='' files='' install=''; shift 2
  for l; do case $l in
    sh:*) install+="mkdir -p %{buildroot}/usr/bin; printf '#!/bin/sh\necho ${l#sh: }\n' >%{buildroot}/usr/bin/$n; chmod 755 %{buildroot}/usr/bin/$n"$'\n'
      files+="/usr/bin/$n"$'\n' ;;
    file:*) install+="mkdir -p %{buildroot}$(dirname "${l#file:}"); echo 'echo $n' >%{buildroot}${l#file:}"$'\n'; files+="${l#file:}"$'\n' ;;
    post:*) post="%post"$'\n'"${l#post:}" ;;
    *) tags+="$l"$'\n' ;;
  esac; done
  cat >"$B/$n.spec" <<END
Name: $n
Version: $v
Release: 1
Summary: $n, to try package managers with
License: MIT
BuildArch: noarch
AutoReqProv: no
$tags
%description
$n
%prep
%build
%install
$install
%files
$files
$post
END
  # No scripts over the build root (strip, compress): they are for other systems.
  rpmbuild --quiet -bb --define "_topdir $B" --define "_rpmdir $D" --define '__os_install_post %{nil}' \
    --define "_dbpath $B/db" "$B/$n.spec" >>"$B/log" 2>&1 || { tail -n 15 "$B/log" >&2; die "rpmbuild $n-$v failed"; }
}

spec try-hello 1.0 'sh: hello 1.0'
spec try-hello 2.0 'sh: hello 2.0'
spec try-lib 1.0 'Provides: try-lib-api = 1'
spec try-app 1.0 'Requires: try-lib >= 1' 'sh: app'
spec try-broken 1.0 'Requires: try-nobody-provides-this'
spec try-conflict 1.0 'Conflicts: try-hello'
spec try-slow 1.0 'post:sleep 1000'
spec units 2.0
spec beakerlib 1.0 file:/usr/share/beakerlib/beakerlib.sh
spec beakerlib-redhat 1.0 'Requires: beakerlib'
spec words 3.0
spec try-release 9.0 'Provides: system-release = 9.0' 'Provides: system-release(releasever) = 9'
spec bash 99.0 'Provides: /bin/sh'
for p in coreutils tar; do spec "$p" 99.0; done
createrepo_c -q "$D" >>"$B/log" 2>&1 || { tail -n 15 "$B/log" >&2; die "createrepo_c failed"; }
