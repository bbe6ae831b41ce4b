# Builds with the wrapper: Heroku's `stage` task where there is one, Spring Boot's jar, else `assemble`.
set -eu
. /buildpack/env.sh
export GRADLE_USER_HOME=/cache/gradle
task=${GRADLE_TASK:-}
if [ -z "$task" ]; then
  tasks=$(sh ./gradlew --no-daemon --console=plain tasks --all)
  if echo "$tasks" | grep -q '^stage\b'; then task=stage
  elif echo "$tasks" | grep -q '^bootJar\b'; then task=bootJar
  else task=assemble; fi
fi
sh ./gradlew --no-daemon --console=plain --init-script /buildpack/archives.gradle "$task" -x test
rm -rf .gradle
