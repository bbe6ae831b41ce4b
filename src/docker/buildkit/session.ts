import { randomUUID } from 'node:crypto'
import { type Duplex } from 'node:stream'
import * as grpc from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import type Dockerode from 'dockerode'
import { dockerCall } from '../call.ts'

/** What a build may ask its session for. */
export type SessionOffers = {
  /** Secret id → content, for `RUN --mount=type=secret,id=…`. */
  secrets: Readonly<Record<string, Buffer>>
  /** Registry host → credentials, for private base images. */
  registries: Readonly<Record<string, { username: string; password: string }>>
}

export type BuildSession = { id: string; close: () => void }

const bytes = (id: number) => ({ type: 'bytes', id })
const string = (id: number) => ({ type: 'string', id })
const method = (requestType: string, responseType: string) => ({ requestType, responseType, comment: '' })

/**
 * The services of BuildKit's session that we offer, their messages cut to the fields that we read. Without an
 * answer about its health the engine gives a session up after some seconds, long before a secret is asked for.
 */
const definition = fromJSON({
  nested: {
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              nested: {
                HealthCheckRequest: { fields: { service: string(1) } },
                HealthCheckResponse: { fields: { status: { type: 'int32', id: 1 } } },
                Health: { methods: { Check: method('HealthCheckRequest', 'HealthCheckResponse') } },
              },
            },
          },
        },
      },
    },
    moby: {
      nested: {
        buildkit: {
          nested: {
            secrets: {
              nested: {
                v1: {
                  nested: {
                    GetSecretRequest: { fields: { ID: string(1) } },
                    GetSecretResponse: { fields: { data: bytes(1) } },
                    Secrets: {
                      methods: {
                        GetSecret: method('GetSecretRequest', 'GetSecretResponse'),
                      },
                    },
                  },
                },
              },
            },
          },
        },
        filesync: {
          nested: {
            v1: {
              nested: {
                CredentialsRequest: { fields: { Host: string(1) } },
                CredentialsResponse: { fields: { Username: string(1), Secret: string(2) } },
                Auth: {
                  methods: {
                    Credentials: method('CredentialsRequest', 'CredentialsResponse'),
                  },
                },
              },
            },
          },
        },
      },
    },
  },
})

/**
 * Opens the back channel of a build (`POST /session`, hijacked): the engine speaks gRPC to us over it and asks
 * for secrets and credentials, which so never become part of the request, the image or its history.
 */
export async function openSession(docker: Dockerode, offers: SessionOffers): Promise<BuildSession> {
  const id = randomUUID()
  const socket = await dockerCall('open a build session', () => hijack(docker, id))
  const server = new grpc.Server()
  server.addService(serviceOf('grpc.health.v1.Health'), {
    Check: (_: unknown, answer: grpc.sendUnaryData<{ status: number }>) => answer(null, { status: serving }),
  })
  server.addService(serviceOf('moby.buildkit.secrets.v1.Secrets'), {
    GetSecret: (call: { request: { ID: string } }, answer: grpc.sendUnaryData<{ data: Buffer }>) => {
      const data = Object.hasOwn(offers.secrets, call.request.ID)
        ? offers.secrets[call.request.ID]
        : undefined
      if (data === undefined) answer({ code: grpc.status.NOT_FOUND, details: `no secret ${call.request.ID}` })
      else answer(null, { data })
    },
  })
  server.addService(serviceOf('moby.filesync.v1.Auth'), {
    Credentials: (
      call: { request: { Host: string } },
      answer: grpc.sendUnaryData<{ Username?: string; Secret?: string }>,
    ) => {
      const { Host } = call.request
      const found = Object.hasOwn(offers.registries, Host) ? offers.registries[Host] : undefined
      answer(null, found === undefined ? {} : { Username: found.username, Secret: found.password })
    },
  })
  server.createConnectionInjector(grpc.ServerCredentials.createInsecure()).injectConnection(socket)
  return {
    id,
    close: () => {
      server.forceShutdown()
      socket.destroy()
    },
  }
}

/** SERVING of grpc.health.v1. */
const serving = 1

const serviceOf = (name: string): grpc.ServiceDefinition => definition[name] as grpc.ServiceDefinition

/** docker-modem's dialling, which its types leave out. */
type Modem = {
  dial(
    options: {
      method: string
      path: string
      hijack: boolean
      headers: Record<string, string>
      statusCodes: Record<number, unknown>
    },
    callback: (error: Error | null, socket: Duplex) => void,
  ): void
}

function hijack(docker: Dockerode, id: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const modem = docker.modem as Modem
    modem.dial(
      {
        method: 'POST',
        path: '/session',
        hijack: true,
        headers: {
          Upgrade: 'h2c',
          'X-Docker-Expose-Session-Uuid': id,
          'X-Docker-Expose-Session-Name': 'paas',
          'X-Docker-Expose-Session-Grpc-Method': '/moby.buildkit.secrets.v1.Secrets/GetSecret',
        },
        statusCodes: { 200: true, 101: true, 500: 'server error' },
      },
      (error, socket) => (error === null ? resolve(socket) : reject(error)),
    )
  })
}
