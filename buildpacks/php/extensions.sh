# Extensions that composer.json requires (ext-redis) and that are not there yet come from Debian.
set -eu
[ -f /media/composer.json ] || exit 0
missing=$(php -r '
  $composer = json_decode(file_get_contents("/media/composer.json"), true) ?? [];
  foreach (array_keys($composer["require"] ?? []) as $name)
    if (preg_match("/^ext-([a-z0-9_-]+)$/", $name, $match) && !extension_loaded(str_replace("-", "_", $match[1])) && $match[1] !== "zend-opcache")
      echo "php-", strtolower($match[1]), " ";
')
if [ -n "$missing" ]; then
  echo "Installing $missing"
  apt-get update -qq
  for package in $missing; do
    if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" > /dev/null; then
      echo "composer.json requires ext-${package#php-}, which Debian has no package for, or not for the PHP of this base image" >&2
      exit 1
    fi
  done
  rm -rf /var/lib/apt/lists/*_* /var/log/*
fi
