<?php
// For a WordPress as it is unpacked: WordPress looks for its configuration here, above the app, where the app has none.
$database = parse_url(getenv('MYSQL_URL') ?: getenv('DATABASE_URL') ?: '');
if (!isset($database['host'])) {
    http_response_code(503);
    header('Content-Type: text/plain');
    exit("This WordPress has no database yet: paas services:create mariadb NAME, and paas services:link NAME -a APP\n");
}
define('DB_NAME', ltrim($database['path'] ?? '', '/'));
define('DB_USER', rawurldecode($database['user'] ?? ''));
define('DB_PASSWORD', rawurldecode($database['pass'] ?? ''));
define('DB_HOST', $database['host'] . ':' . ($database['port'] ?? 3306));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $purpose)
    foreach (["{$purpose}_KEY", "{$purpose}_SALT"] as $name)
        define($name, getenv($name) ?: hash_hmac('sha256', $name, getenv('WORDPRESS_SECRET') ?: DB_PASSWORD));
// Plugins and updates come by git push: what is written elsewhere than to the uploads is gone with the container.
define('DISALLOW_FILE_MODS', true);
define('WP_DEBUG', false);
$table_prefix = getenv('WORDPRESS_TABLE_PREFIX') ?: 'wp_';
unset($database, $purpose, $name);
if (!defined('ABSPATH')) define('ABSPATH', '/app/' . (getenv('DOCROOT') ?: '.') . '/');
require_once ABSPATH . 'wp-settings.php';
