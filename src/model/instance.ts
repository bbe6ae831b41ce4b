import { z } from 'zod'
import { parseSubnet } from '../lib/subnet.ts'

/** `/etc/paas/config.json`: what `bin/setup` decided. Everything else about an instance is in Redis. */
export const Instance = z.strictObject({
  /** Prefix of names in Docker and value of the label `paas.instance`. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/),
  /** The OS user that people push to: `paas@host`. */
  user: z.string(),
  /** Base domain: an app named `blog` answers at `blog.<domain>`. */
  domain: z.string(),
  /** Where the router listens for plain HTTP. */
  http: z.strictObject({ address: z.string(), port: z.int() }),
  /** The port of the sshd that people reach. */
  sshPort: z.int(),
  /** The Docker bridge on which the router reaches containers; `subnet` in CIDR form. */
  network: z.strictObject({
    bridge: z.string().max(15),
    subnet: z
      .string()
      .refine((text) => parseSubnet(text) !== undefined, 'expected an IPv4 network such as 172.30.0.0/20'),
  }),
  dockerSocket: z.string(),
  /** Router worker processes; by default one per core, at least two. */
  routerWorkers: z.int().min(1).optional(),
  /** Addresses and CIDR ranges of proxies in front of the router, whose X-Forwarded-… are believed. */
  trustedProxies: z.array(z.string()).optional(),
  /** Whether these may begin connections with PROXY protocol. */
  proxyProtocol: z.boolean().optional(),
})
export type Instance = z.infer<typeof Instance>
