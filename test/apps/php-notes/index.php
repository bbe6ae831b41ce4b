<?php
// A small blog that behaves like WordPress: it installs itself on the first visit, keeps its posts in MySQL
// and what is uploaded in a folder.
require __DIR__ . '/db.php';

$db = connect();
if (!installed($db)) {
    header('Location: /install.php', true, 302);
    exit;
}
$title = $db->query("SELECT value FROM options WHERE name = 'title'")->fetch_column();
$posts = $db->query('SELECT id, text, upload FROM posts ORDER BY id')->fetch_all(MYSQLI_ASSOC);
?>
<!doctype html>
<title><?= htmlspecialchars($title) ?></title>
<h1><?= htmlspecialchars($title) ?></h1>
<?php foreach ($posts as $post): ?>
<article id="post-<?= $post['id'] ?>">
<p><?= htmlspecialchars($post['text']) ?></p>
<?php if ($post['upload'] !== null): ?><img src="/uploads/<?= htmlspecialchars($post['upload']) ?>">
<?php endif ?></article>
<?php endforeach ?>
<footer><?= require __DIR__ . '/version.php' ?></footer>
