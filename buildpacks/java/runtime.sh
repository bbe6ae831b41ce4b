# The JRE or JDK of the wanted version. JDK packages expect a folder for manuals, which the base leaves out.
set -eu
if [ "$1" = jre ] && command -v java > /dev/null; then exit 0; fi
if [ "$1" = jdk ] && command -v javac > /dev/null; then exit 0; fi
mkdir -p /usr/share/man/man1
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  "openjdk-${JAVA_VERSION:-21}-$1-headless" > /dev/null
rm -rf /var/lib/apt/lists/*_* /var/log/*
