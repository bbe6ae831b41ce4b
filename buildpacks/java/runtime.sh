# The JRE, or a JDK as old as the Java that is there: of the wanted version, else of what Debian takes as its own.
# JDK packages expect a folder for manuals, which the base leaves out.
set -eu
if [ "$1" = jre ] && command -v java > /dev/null; then exit 0; fi
if [ "$1" = jdk ] && command -v javac > /dev/null; then exit 0; fi
version=${JAVA_VERSION:-}
if command -v java > /dev/null; then
  version=$(java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.specification.version = //p' | sed 's/^1\.//')
fi
mkdir -p /usr/share/man/man1
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  "${version:+openjdk-}${version:-default}-$1-headless" > /dev/null
if [ "$1" = jre ]; then
  # The certificates in a file without their dates; as it holds no secret, it has no password and no salt either.
  store=/etc/ssl/certs/java/cacerts
  keytool -importkeystore -noprompt -srckeystore $store -srcstorepass changeit -destkeystore /tmp/cacerts \
    -deststoretype pkcs12 -deststorepass changeit -J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE \
    -J-Dkeystore.pkcs12.macAlgorithm=NONE 2>&1 | tail -n 1
  mv /tmp/cacerts $store
fi
rm -rf /var/lib/apt/lists/*_* /var/log/*
