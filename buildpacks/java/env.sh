# What steps that build need: the app's config, and the JDK, also where the image's JAVA_HOME is a JRE.
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
export JAVA_HOME PATH="$JAVA_HOME/bin:$PATH"
