# Extensions that composer.json requires (ext-redis) and that are not there yet: of an official image's own source,
# else Debian's.
set -eu
[ -f /media/composer.json ] || exit 0
export DEBIAN_FRONTEND=noninteractive
missing=$(php -r '
  $composer = json_decode(file_get_contents("/media/composer.json"), true) ?? [];
  foreach (array_keys($composer["require"] ?? []) as $name)
    if (preg_match("/^ext-([a-z0-9_-]+)$/i", $name, $match) && !extension_loaded(str_replace("-", "_", $match[1])) && $match[1] !== "zend-opcache")
      echo strtolower($match[1]), " ";
')
[ -n "$missing" ] || exit 0
echo "Installing $missing"

get() { apt-get install -y -qq --no-install-recommends "$@" > /dev/null; }

# What an extension is compiled with, by Debian's names.
libraries_of() {
  case "$1" in
    bz2) echo libbz2-dev ;;
    gd) echo libfreetype-dev libjpeg-dev libpng-dev libwebp-dev ;;
    gmp) echo libgmp-dev ;;
    intl) echo libicu-dev ;;
    ldap) echo libldap-dev ;;
    pdo_pgsql | pgsql) echo libpq-dev ;;
    soap) echo libxml2-dev ;;
    tidy) echo libtidy-dev ;;
    xsl) echo libxslt1-dev ;;
    zip) echo libzip-dev ;;
  esac
}

compile() {
  # shellcheck disable=SC2046
  get $(libraries_of "$1")
  if [ "$1" = gd ]; then docker-php-ext-configure gd --with-freetype --with-jpeg --with-webp > /dev/null; fi
  docker-php-ext-install "$1" > /tmp/log 2>&1 || { tail -n 20 /tmp/log; return 1; }
}

apt-get update -qq
if command -v docker-php-ext-install > /dev/null; then
  manual=$(apt-mark showmanual)
  for name in $missing; do
    compile "$name" || {
      echo "composer.json requires ext-$name, which the base image lacks and cannot compile: name one that has it, or none, for Debian's PHP (paas base:set)." >&2
      exit 1
    }
  done
  # Of what they were compiled with only the libraries stay.
  # shellcheck disable=SC2086
  { apt-mark auto '.*' && apt-mark manual $manual; } > /dev/null
  find "$(php -r 'echo ini_get("extension_dir");')" -name '*.so' -exec ldd {} + | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' \
    | sort -u | xargs realpath | xargs -n 1 dpkg -S 2> /dev/null | sed 's/:.*//' | sort -u | xargs -r apt-mark manual > /dev/null
  apt-get purge -y -qq --auto-remove > /dev/null
  rm -f /tmp/log
else
  for name in $missing; do
    get "php-$name" || {
      echo "composer.json requires ext-$name, which Debian has no package for, or not for the PHP of this base image" >&2
      exit 1
    }
  done
fi
rm -rf /var/lib/apt/lists/*_* /var/log/*
