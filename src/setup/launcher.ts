import { type InstancePaths } from '../lib/paths.ts'

/**
 * The `paas` on the server's PATH: one sh and an exec, because every command and every push starts through it.
 * `serve` runs under a lock that the kernel drops with the process, so there is never a second one or a stale one.
 */
export function launcher(root: string, paths: InstancePaths): string {
  return `#!/bin/sh
# Written by bin/setup, which replaces it on its next run.
PAAS_ROOT=${shellQuoted(root)}
export PAAS_ROOT
node=${shellQuoted(`${paths.opt}/node/bin/node`)}
main=${shellQuoted(`${paths.opt}/app/dist/main`)}
lock=${shellQuoted(`${paths.run}/serve.lock`)}
case \${1-} in
serve)
  shift
  mkdir -p -- "\${lock%/*}" || exit 1
  flock --nonblock -- "$lock" true || { echo 'paas serve is running already.' >&2; exit 5; }
  exec flock --nonblock --no-fork -- "$lock" "$node" "$main/serve.js" "$@"
  ;;
router)
  shift
  exec "$node" "$main/router.js" "$@"
  ;;
upgrade)
  shift
  lock=\${lock%/*}/upgrade.lock
  flock --nonblock -- "$lock" true || { echo 'paas upgrade is running already.' >&2; exit 5; }
  exec flock --nonblock --no-fork -- "$lock" "$node" "$main/upgrade.js" "$@"
  ;;
esac
exec "$node" "$main/client.cjs" "$@"
`
}

function shellQuoted(text: string): string {
  return /^[A-Za-z0-9/._-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
