import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** All proxies add the fields that ours adds. */
const nginxForwarded = `
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header Forwarded "for=$remote_addr;host=$http_host;proto=$scheme";`

/** One nginx worker; keep-alive to 512 backends and buffers that take a response whole. */
export function nginxConfig(directory: string, port: number, backendPort: number): string {
  const path = join(directory, 'nginx.conf')
  writeFileSync(
    path,
    `worker_processes 1;
daemon off;
pid ${directory}/nginx.pid;
error_log ${directory}/nginx.err crit;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${directory}/nginx-body;
  proxy_temp_path ${directory}/nginx-proxy;
  fastcgi_temp_path ${directory}/nginx-f;
  uwsgi_temp_path ${directory}/nginx-u;
  scgi_temp_path ${directory}/nginx-s;
  keepalive_requests 100000000;
  upstream backend { server 127.0.0.1:${backendPort}; keepalive 512; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://backend;
      proxy_buffer_size 32k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 128k;${nginxForwarded}
    }
  }
}
`,
  )
  return path
}

export function haproxyConfig(directory: string, port: number, backendPort: number): string {
  const path = join(directory, 'haproxy.cfg')
  writeFileSync(
    path,
    `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend in
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Real-IP %[src]
  http-request set-header Forwarded for=%[src];host="%[req.hdr(host)]";proto=http
  unique-id-format %{+X}o%ci%cp%Ts%rt%rt
  unique-id-header X-Request-Id
  default_backend out
backend out
  server one 127.0.0.1:${backendPort} pool-max-conn 512
`,
  )
  return path
}

export function caddyConfig(directory: string, port: number, backendPort: number): string {
  const path = join(directory, 'Caddyfile')
  writeFileSync(
    path,
    `{
  admin off
  auto_https off
}
http://127.0.0.1:${port}, http://bench.test:${port} {
  reverse_proxy 127.0.0.1:${backendPort} {
    header_up X-Real-IP {remote_host}
    header_up X-Forwarded-Port {http.request.local.port}
    header_up X-Request-Id {http.request.uuid}
    transport http {
      keepalive_idle_conns_per_host 512
    }
  }
}
`,
  )
  return path
}

/** The backend: nginx answering from memory, and files with sendfile. */
export function backendConfig(directory: string, port: number): string {
  const path = join(directory, 'backend.conf')
  writeFileSync(join(directory, '10k'), Buffer.alloc(10 * 1024, 0x61))
  writeFileSync(join(directory, '1m'), Buffer.alloc(1024 * 1024, 0x61))
  writeFileSync(
    path,
    `user root;
worker_processes 1;
daemon off;
pid ${directory}/backend.pid;
error_log ${directory}/backend.err crit;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${directory}/b-body;
  proxy_temp_path ${directory}/b-proxy;
  fastcgi_temp_path ${directory}/b-f;
  uwsgi_temp_path ${directory}/b-u;
  scgi_temp_path ${directory}/b-s;
  keepalive_requests 100000000;
  sendfile on;
  open_file_cache max=10;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${directory};
    location = / { return 200 "${'x'.repeat(128)}"; }
  }
}
`,
  )
  return path
}

/** What a browser sends: 13 fields, about 800 bytes. */
const browserFields: Record<string, string> = {
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language': 'en-GB,en;q=0.9,de;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Cache-Control': 'no-cache',
  Cookie: 'session=0123456789abcdef0123456789abcdef; theme=dark; consent=1',
  Pragma: 'no-cache',
  Referer: 'http://bench.test/some/earlier/page?with=a&query=string',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
  'Upgrade-Insecure-Requests': '1',
}

/** wrk's script for what flags cannot say. */
export function wrkScript(directory: string, name: 'browser' | 'post' | 'close'): string {
  const path = join(directory, `${name}.lua`)
  const fields =
    name === 'browser'
      ? browserFields
      : name === 'close'
        ? { Connection: 'close' }
        : { 'Content-Type': 'text/plain' }
  const lines = Object.entries(fields).map(
    ([field, value]) => `wrk.headers[${JSON.stringify(field)}] = ${JSON.stringify(value)}`,
  )
  if (name === 'post') lines.push('wrk.method = "POST"', `wrk.body = string.rep("x", 1024)`)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}
