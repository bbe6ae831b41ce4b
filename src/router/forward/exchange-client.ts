import { type Exchange } from './exchange.ts'
import { type Outbox } from './outbox.ts'

/** The client connection that an exchange answers. */
export type ExchangeClient = {
  readonly out: Outbox
  readonly address: string
  /** Reads on, where it had stopped because of a congested exchange. */
  readOn(): void
  /** The response is complete; `close` when the connection cannot go on, `unread` when more of the request may come. */
  done(close: boolean, unread: boolean): void
  /** The router answers itself: a page with this status. */
  answer(status: number, reason: string, exchange: Exchange): void
  /** The response cannot be finished, and the client must notice. */
  cut(): void
  becomeTunnel(): void
}
