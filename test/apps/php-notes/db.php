<?php
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

/** The database that the config var names. */
function connect(): mysqli
{
    $url = parse_url(getenv('MYSQL_URL'));
    $db = new mysqli($url['host'], $url['user'], $url['pass'], ltrim($url['path'], '/'), $url['port']);
    $db->set_charset('utf8mb4');
    return $db;
}

function installed(mysqli $db): bool
{
    return $db->query("SHOW TABLES LIKE 'options'")->num_rows > 0;
}
