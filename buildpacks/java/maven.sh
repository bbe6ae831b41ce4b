# Builds with the wrapper where there is one, else with the image's or Debian's Maven, and keeps what runs: one jar or war.
set -eu
. /buildpack/env.sh
maven=mvn
if [ "$JAVA_MAVEN" = wrapper ]; then maven='sh ./mvnw'; fi
export MAVEN_USER_HOME=/cache/wrapper
# A folder, which the official image names, and older wrappers take for arguments.
unset MAVEN_CONFIG
# Archives have the time of the commit, where the app does not say another.
stamp=
if ! grep -q 'project.build.outputTimestamp' pom.xml; then stamp="-Dproject.build.outputTimestamp=$SOURCE_DATE_EPOCH"; fi
# shellcheck disable=SC2086
$maven -B -ntp -Dmaven.repo.local=/cache/repository -DskipTests $stamp ${MAVEN_CUSTOM_OPTS:-} ${MAVEN_CUSTOM_GOALS:-clean package}
