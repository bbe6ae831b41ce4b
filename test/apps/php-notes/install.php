<?php
require __DIR__ . '/db.php';

$db = connect();
if ($_SERVER['REQUEST_METHOD'] === 'POST' && !installed($db)) {
    $db->query('CREATE TABLE posts (id int AUTO_INCREMENT PRIMARY KEY, text text NOT NULL, upload varchar(190))');
    $db->query('CREATE TABLE options (name varchar(190) PRIMARY KEY, value text NOT NULL)');
    $insert = $db->prepare("INSERT INTO options (name, value) VALUES ('title', ?)");
    $insert->execute([$_POST['title']]);
    header('Location: /', true, 302);
    exit;
}
?>
<!doctype html>
<title>Install</title>
<form method="post"><input name="title"><button>Install</button></form>
