/** Names of users and databases that servers keep for themselves: PostgreSQL, MariaDB, RabbitMQ, and our own users. */
const reserved = new Set([
  ...[
    'postgres',
    'public',
    'none',
    'template0',
    'template1',
    'user',
    'current_role',
    'current_user',
    'session_user',
  ],
  ...['root', 'mysql', 'mariadb', 'sys', 'test', 'information_schema', 'performance_schema', 'healthcheck'],
  ...['guest', 'default', 'admin', 'paas'],
])

/** A name as one that every server takes for a user and a database, a plain identifier. Pure. */
export function identifierOf(name: string): string {
  const identifier = name.replaceAll('-', '_')
  return reserved.has(identifier) || identifier.startsWith('pg_') ? `db_${identifier}` : identifier
}
