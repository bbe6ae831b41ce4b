# Debian's packages of the libraries that compiled packages link to.
set -eu
[ -s /mnt/packages ] || exit 0
apt-get update -qq
# shellcheck disable=SC2046
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(cat /mnt/packages) > /dev/null
rm -rf /var/lib/apt/lists/*_* /var/log/*
