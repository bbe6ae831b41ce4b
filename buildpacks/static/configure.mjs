// Finds the folder to serve and writes /nginx/nginx.conf from static.json (the keys of Heroku's static buildpack).
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'

const built = process.env.STATIC_BUILT === 'yes'
const settings = existsSync('static.json') ? parsed(readFileSync('static.json', 'utf8')) : {}

function parsed(json) {
  try {
    return JSON.parse(json)
  } catch (error) {
    console.error(`static.json is not valid JSON: ${error.message}`)
    process.exit(1)
  }
}

const usual = [
  'dist',
  'build',
  'out',
  'public',
  '_site',
  'www',
  '.output/public',
  ...globSync('dist/*/browser'),
]

function rootFolder() {
  if (typeof settings.root === 'string') return settings.root.replace(/^\/+|\/+$/g, '') || '.'
  const order = built ? [...usual, '.'] : ['.', ...usual]
  return order.find((folder) => existsSync(`${folder}/index.html`))
}

const root = rootFolder()
if (root === undefined || !existsSync(root) || root.split('/').includes('..')) {
  console.error(`there is no folder with an index.html to serve${root === undefined ? '' : ` at ${root}`}`)
  console.error('name it in static.json: {"root": "folder"}')
  process.exit(1)
}

cpSync(root, '/site', { recursive: true, verbatimSymlinks: true })
// What describes the app is not for its visitors.
if (root === '.')
  for (const file of [
    'static.json',
    'app.json',
    'Procfile',
    'Dockerfile',
    'package.json',
    'package-lock.json',
  ])
    rmSync(`/site/${file}`, { force: true })
for (const file of globSync('/site/**/.git*')) rmSync(file, { recursive: true, force: true })
// nginx makes an ETag of a file's time and size; with a time made of its content it changes when, and only when, that does.
for (const entry of readdirSync('/site', { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue
  const file = `${entry.parentPath}/${entry.name}`
  const time = createHash('sha256').update(readFileSync(file)).digest().readUInt32BE() >>> 2
  utimesSync(file, time, time)
}

/** A string of nginx's configuration; what could end it early is refused. */
function text(value) {
  if (typeof value !== 'string' || /["\\$;{}\r\n]/.test(value)) {
    console.error(`static.json: ${JSON.stringify(value)} cannot be used in a header, route or page`)
    process.exit(1)
  }
  return `"${value}"`
}

const pattern = (glob) =>
  text(
    `^${glob
      .replace(/[.+^()|[\]]/g, '.')
      .replace(/\*\*/g, '\u0001')
      .replace(/\*/g, '[^/]*')
      .replace(/\u0001/g, '.*')}`,
  )

const routes = Object.entries(settings.routes ?? {})
const everything = routes.find(([glob]) => glob === '/**')
const spa = everything?.[1] ?? (built && !existsSync('/site/404.html') ? 'index.html' : undefined)
const errorPage = settings.error_page ?? (existsSync('/site/404.html') ? '404.html' : undefined)
const cleanUrls = settings.clean_urls !== false
const tries = ['$uri', ...(cleanUrls ? ['$uri.html'] : []), '$uri/index.html']
const fallback = spa === undefined ? '=404' : `/${spa.replace(/^\//, '')}`
if (spa !== undefined) text(spa)

/** Headers of static.json for a glob, over those that every answer has; nginx inherits none where it adds one. */
function headerLines(values = {}, others = {}) {
  const all = new Map([
    ['cache-control', 'add_header Cache-Control $caching;'],
    ['x-content-type-options', 'add_header X-Content-Type-Options nosniff always;'],
    // The files' times tell of their content.
    ['last-modified', 'add_header Last-Modified "";'],
  ])
  for (const [name, value] of [...Object.entries(others), ...Object.entries(values)])
    all.set(name.toLowerCase(), `add_header ${text(name)} ${text(String(value))} always;`)
  return [...all.values()]
}
const headers = Object.entries(settings.headers ?? {}).filter(([glob]) => glob !== '/**')
const forAll = settings.headers?.['/**']
const locations = [
  ...routes
    .filter(([glob]) => glob !== '/**')
    .map(
      ([glob, file]) =>
        `location ~ ${pattern(glob)} { try_files $uri ${text(`/${file.replace(/^\//, '')}`)} =404; }`,
    ),
  ...headers.map(
    ([glob, values]) =>
      `location ~ ${pattern(glob)} { ${headerLines(values, forAll).join(' ')} try_files ${tries.join(' ')} =404; }`,
  ),
]

const assets = '(?:js|mjs|css|map|woff2?|png|jpe?g|gif|svg|webp|avif|ico|wasm|mp4|pdf)'

mkdirSync('/nginx')
writeFileSync(
  '/nginx/nginx.conf',
  `worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  # Longer than the router keeps idle connections, so that the server never closes one in use.
  keepalive_timeout 120s;
  keepalive_requests 100000;
  client_body_temp_path /tmp/nginx-body;
  proxy_temp_path /tmp/nginx-proxy;
  fastcgi_temp_path /tmp/nginx-fastcgi;
  uwsgi_temp_path /tmp/nginx-uwsgi;
  scgi_temp_path /tmp/nginx-scgi;
  gzip on;
  gzip_vary on;
  gzip_proxied any;
  gzip_min_length 1024;
  gzip_types text/plain text/css text/xml application/javascript text/javascript application/json image/svg+xml application/wasm;
  charset utf-8;
  # A name with a hash never changes its content; pages are asked for every time; the rest for an hour.
  map $uri $caching {
    "~*[.-](?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\\.${assets}$" "public, max-age=31536000, immutable";
    "~*/(?:assets|static)/.*[.-](?=[a-z_]*[0-9])[0-9a-z_-]{8,}\\.${assets}$" "public, max-age=31536000, immutable";
    "~*^/_next/static/" "public, max-age=31536000, immutable";
    "~*\\.${assets}$" "public, max-age=3600";
    default "no-cache";
  }
  server {
    listen {{PORT}} default_server;
    root /app;
    index index.html;
    absolute_redirect off;
    ${headerLines(forAll).join('\n    ')}
    ${errorPage === undefined ? '' : `error_page 404 /${text(errorPage.replace(/^\//, '')).slice(1, -1)};`}
    ${cleanUrls ? 'if ($request_uri ~ "^([^?]*)/index\\.html(\\?.*)?$") { return 301 $1/$2; }' : ''}
    location ~ "/\\.(?!well-known/)" { return 404; }
    ${locations.join('\n    ')}
    # A file that is missing is missing, whatever an app does with its paths.
    location ~* "\\.${assets}$" { try_files $uri =404; }
    location / { try_files ${tries.join(' ')} ${fallback}; }
  }
}
`,
)
console.log(
  `Serving ${root === '.' ? 'the source' : root}${spa === undefined ? '' : `, ${spa} for unknown paths`}`,
)
