<?php
require __DIR__ . '/db.php';

$upload = null;
if (isset($_FILES['upload']) && $_FILES['upload']['error'] === UPLOAD_ERR_OK) {
    $upload = basename($_FILES['upload']['name']);
    if (!move_uploaded_file($_FILES['upload']['tmp_name'], __DIR__ . '/uploads/' . $upload)) {
        http_response_code(500);
        exit('the upload could not be kept');
    }
}
$db = connect();
$insert = $db->prepare('INSERT INTO posts (text, upload) VALUES (?, ?)');
$insert->execute([$_POST['text'], $upload]);
header('Location: /', true, 302);
