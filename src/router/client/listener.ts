import { type Reader } from './reading.ts'

/** What a connection inherits from the address that it came in at. */
export type Listener = {
  proto: 'http' | 'https'
  port: number
  /** Connections of trusted proxies may begin with a PROXY protocol header. */
  proxyProtocol: boolean
  reader: Reader
}
