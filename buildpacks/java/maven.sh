# Builds with the wrapper where there is one, else with Debian's Maven, and keeps what runs: one jar or war.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
maven=mvn
if [ -f mvnw ] && [ -f .mvn/wrapper/maven-wrapper.properties ]; then maven='sh ./mvnw'; fi
export MAVEN_USER_HOME=/cache/wrapper
# Archives have the time of the commit, where the app does not say another.
stamp=
if ! grep -q 'project.build.outputTimestamp' pom.xml; then stamp="-Dproject.build.outputTimestamp=$SOURCE_DATE_EPOCH"; fi
# shellcheck disable=SC2086
$maven -B -ntp -Dmaven.repo.local=/cache/repository -DskipTests $stamp ${MAVEN_CUSTOM_OPTS:-} ${MAVEN_CUSTOM_GOALS:-clean package}
