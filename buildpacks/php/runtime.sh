# PHP with the extensions that nearly every app asks for, and Apache for a user without rights.
set -eu
if command -v php > /dev/null; then
  # As php:8.3-apache has it.
  if ! command -v apache2 > /dev/null; then
    echo "The base image has PHP without Apache: name one with both, like php:8.3-apache." >&2
    exit 1
  fi
  folders=${PHP_INI_DIR:?}/conf.d
else
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends apache2 libapache2-mod-php php-cli \
    php-bcmath php-curl php-gd php-intl php-mbstring php-mysql php-pgsql php-sqlite3 php-xml php-zip > /dev/null
  rm -rf /var/lib/apt/lists/*_* /var/log/* /var/www/html
  version=$(php -r 'echo PHP_MAJOR_VERSION.".".PHP_MINOR_VERSION;')
  folders="/etc/php/$version/apache2/conf.d /etc/php/$version/cli/conf.d"
fi
a2enmod -q rewrite headers expires deflate remoteip > /dev/null
a2dissite -q 000-default > /dev/null
a2disconf -q serve-cgi-bin other-vhosts-access-log charset localized-error-pages > /dev/null 2>&1 || true
cp /mnt/apache.conf /etc/apache2/conf-enabled/paas.conf
: > /etc/apache2/ports.conf
for folder in $folders; do cp /mnt/php.ini "$folder/90-paas.ini"; done
install -m 755 /mnt/php-web /usr/local/bin/php-web
cp /mnt/wp-config.php /wp-config.php
# Procfiles written for Heroku start the server by these names.
ln -s php-web /usr/local/bin/heroku-php-apache2
ln -s php-web /usr/local/bin/heroku-php-nginx
