# Debian's Tomcat; java-web gives every container a base folder of its own.
set -eu
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends tomcat10-user > /dev/null
rm -rf /var/lib/apt/lists/*_* /var/log/*
