import amqp from 'amqplib'
import { AwsClient } from 'aws4fetch'
import { Redis } from 'ioredis'
import memjs from 'memjs'
import mysql from 'mysql2/promise'
import pg from 'pg'

// A connection for each request: what is tested is whether the service can be reached and keeps its data.
const postgres = async (url, task) => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 })
  await client.connect()
  try {
    await client.query('CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text NOT NULL)')
    return await task(client)
  } finally {
    await client.end()
  }
}

const mariadb = async (url, task) => {
  const client = await mysql.createConnection({ uri: url, connectTimeout: 3000 })
  try {
    await client.query('CREATE TABLE IF NOT EXISTS notes (id int AUTO_INCREMENT PRIMARY KEY, text text NOT NULL)')
    return await task(client)
  } finally {
    await client.end()
  }
}

const redis = async (url, task) => {
  const client = new Redis(url, { maxRetriesPerRequest: 1, connectTimeout: 3000, lazyConnect: true })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await task(client)
  } finally {
    client.disconnect()
  }
}

const memcached = async (url, task) => {
  const { host } = new URL(url)
  const client = memjs.Client.create(host, { timeout: 3, retries: 0 })
  try {
    return await task(client)
  } finally {
    client.close()
  }
}

const rabbitmq = async (url, task) => {
  const connection = await amqp.connect(url, { timeout: 3000 })
  try {
    const channel = await connection.createConfirmChannel()
    await channel.assertQueue('notes', { durable: true })
    return await task(channel)
  } finally {
    await connection.close()
  }
}

// What is in the queue, which stays as it is: everything is taken and put back.
async function peek(channel) {
  const messages = []
  for (let got = await channel.get('notes'); got !== false; got = await channel.get('notes')) messages.push(got)
  channel.nackAll(true)
  return messages.map(({ content }) => content.toString())
}

const objects = async (url, path, init) => {
  const { username: accessKeyId, password: secretAccessKey, host, pathname } = new URL(url)
  const client = new AwsClient({ accessKeyId, secretAccessKey, service: 's3', region: 'us-east-1', retries: 0 })
  const response = await client.fetch(`http://${host}${pathname}${path}`, { ...init, signal: AbortSignal.timeout(3000) })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
  return response.text()
}

export const stores = {
  postgres: {
    add: (url, text) => postgres(url, (client) => client.query('INSERT INTO notes (text) VALUES ($1)', [text])),
    list: (url) =>
      postgres(url, async (client) => (await client.query('SELECT text FROM notes ORDER BY id')).rows.map((row) => row.text)),
  },
  mysql: {
    add: (url, text) => mariadb(url, (client) => client.query('INSERT INTO notes (text) VALUES (?)', [text])),
    list: (url) =>
      mariadb(url, async (client) => (await client.query('SELECT text FROM notes ORDER BY id'))[0].map((row) => row.text)),
  },
  redis: {
    add: (url, text) => redis(url, (client) => client.rpush('notes', text)),
    list: (url) => redis(url, (client) => client.lrange('notes', 0, -1)),
  },
  memcached: {
    add: (url, text) => memcached(url, (client) => client.set('note', text, {})),
    list: (url) => memcached(url, async (client) => [(await client.get('note')).value?.toString() ?? '']),
  },
  amqp: {
    add: (url, text) =>
      rabbitmq(url, async (channel) => {
        channel.sendToQueue('notes', Buffer.from(text), { persistent: true })
        await channel.waitForConfirms()
      }),
    list: (url) => rabbitmq(url, peek),
  },
  s3: {
    add: (url, text) => objects(url, `/notes/${Date.now()}-${process.hrtime()[1]}`, { method: 'PUT', body: text }),
    list: async (url) => {
      const keys = (await objects(url, '?list-type=2&prefix=notes/')).matchAll(/<Key>(.*?)<\/Key>/g)
      return Promise.all([...keys].map(([, key]) => objects(url, `/${key}`)))
    },
  },
}
