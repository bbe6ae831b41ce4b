# Refuses binaries that need what the base lacks, which they will run on: it is mounted at /base.
set -eu
mkdir -p /base/tmp/compiled
cp -r "$@" /base/tmp/compiled
cd /base/tmp/compiled
find . -type f '(' -perm -u+x -o -name '*.so*' ')' | while read -r file; do
  lacks=$(chroot /base ldd "/tmp/compiled/$file" 2>&1 \
    | sed -n 's/.*version .\([A-Za-z0-9_.]*\). not found.*/\1/p; s/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' | sort -u)
  if [ -z "$lacks" ]; then continue; fi
  echo "${file#./} needs $(echo $lacks), which the base of paas does not have." >&2
  exit 1
done
