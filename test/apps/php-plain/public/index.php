<?php
require __DIR__ . '/../src/greeting.php';
header('Content-Type: application/json');
echo json_encode([
    'greeting' => greeting('php-plain'),
    'php' => PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION,
    'redis' => extension_loaded('redis'),
    'path' => $_SERVER['REQUEST_URI'],
]), "\n";
