import type { ChannelRule } from './channel.ts'

/** One text as it was handed to sockets. Made once for each publish: a batch of entries carries it once, however many got it. */
export interface Mark {
  readonly channel: string
  /** The message's number in its channel; 0 for a gap notice. */
  readonly n: number
  /** How many messages a gap notice says are missing; 0 for a message. */
  readonly gap: number
  readonly userId: string | undefined
  readonly digest: number
  /** UTF-16 units. */
  readonly units: number
}

/** What the server did for one client, in its order. */
export type LedgerEntry =
  /** From the number `from` on, the client is to get a channel. */
  | { readonly type: 'covered'; readonly client: number; readonly channel: string; readonly rule: ChannelRule; readonly from: number }
  /** It gets no more of it. `isComplete`: all up to the number `to` had been handed to its socket. */
  | { readonly type: 'uncovered'; readonly client: number; readonly channel: string; readonly to: number; readonly isComplete: boolean }
  /** Of each of these channels all up to this number has been handed to its socket. */
  | { readonly type: 'complete'; readonly client: number; readonly channels: readonly (readonly [channel: string, to: number])[] }
  /** The socket accepted these, in this order. It `isClosing` when ws takes messages and sends none. */
  | { readonly type: 'handed'; readonly client: number; readonly marks: readonly Mark[]; readonly isClosing: boolean }
  /** The server's socket is closed. `isAbrupt`: it was ended without waiting for what it had buffered. */
  | { readonly type: 'gone'; readonly client: number; readonly isAbrupt: boolean }

/** What the server did, on its way to the process that compares it with what came. */
export class Ledger {
  #entries: LedgerEntry[] = []
  readonly #deliver: (entries: readonly LedgerEntry[]) => void

  constructor(deliver: (entries: readonly LedgerEntry[]) => void) {
    this.#deliver = deliver
  }

  note(entry: LedgerEntry): void {
    this.#entries.push(entry)
  }

  flush(): void {
    if (this.#entries.length === 0) return
    this.#deliver(this.#entries)
    this.#entries = []
  }
}
