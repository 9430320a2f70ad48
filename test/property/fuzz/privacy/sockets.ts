import type { Socket, Transport } from '../../../../src/index.ts'
import { Lottery } from '../lottery.ts'
import type { Client } from './client.ts'

/** How a client's socket takes what it is given. */
export interface Temper {
  readonly name: 'plain' | 'batching' | 'framing' | 'metered' | 'measured' | 'telling'
  /** Whether it takes everything at once, within the call. */
  readonly isPrompt: boolean
  /** Whether it may have no room, so that messages wait and are conflated or dropped. */
  readonly mayWait: boolean
}

/** What sockets tell of: texts that were handed over. */
export interface Reception {
  /** Takes texts, in order; what it answers, or throws, is the socket's answer. */
  receive(client: Client, texts: readonly string[]): unknown
  /** Acts as code of the caller's that runs in the middle of a message's serialization. */
  serializing(): void
}

const TEMPERS: readonly (readonly [temper: Temper, weight: number])[] = [
  [{ name: 'plain', isPrompt: true, mayWait: false }, 50],
  [{ name: 'batching', isPrompt: false, mayWait: false }, 20],
  [{ name: 'framing', isPrompt: false, mayWait: false }, 5],
  [{ name: 'metered', isPrompt: false, mayWait: true }, 8],
  [{ name: 'measured', isPrompt: false, mayWait: true }, 10],
  [{ name: 'telling', isPrompt: false, mayWait: true }, 7],
]

/** The tempers that clients have. */
export const TEMPER: Lottery<Temper> = new Lottery(TEMPERS)

/** A socket that tells of what it is given, and holds as much as it is said to. */
export class ClientSocket implements Socket {
  readonly #client: Client
  readonly #reception: Reception
  /** What it has not sent yet. */
  buffered = 0
  /** Reads as fast as it is written to. */
  isFast = false
  readonly drainListeners = new Set<() => void>()

  constructor(client: Client, reception: Reception) {
    this.#client = client
    this.#reception = reception
  }

  send(text: string): void {
    return this.write([text]) as void
  }

  write(texts: readonly string[]): number | void {
    if (!this.isFast) for (const { length } of texts) this.buffered += length
    return this.#reception.receive(this.#client, texts) as number | void
  }

  close(): void {}

  drain(): void {
    this.buffered = 0
    for (const listener of [...this.drainListeners]) listener()
  }
}

/** A socket that says how much it has buffered, and is sent to text by text. */
class MeteredSocket extends ClientSocket {
  get bufferedAmount(): number {
    return this.buffered
  }
}

/** The socket of a client of this temper. */
export function socketFor(client: Client, reception: Reception): ClientSocket {
  return client.temper.name === 'metered' ? new MeteredSocket(client, reception) : new ClientSocket(client, reception)
}

interface Frame {
  readonly text: string
}

const batching: Transport<ClientSocket> = { write: (socket, texts) => socket.write(texts) }
const framing: Transport<ClientSocket, Frame> = {
  frame: (text) => ({ text }),
  write: (socket, frames) => socket.write(frames.map(({ text }) => text)),
}
const measured: Transport<ClientSocket> = { ...batching, bufferedBytes: ({ buffered }) => buffered }
const telling: Transport<ClientSocket, Frame> = {
  ...framing,
  bufferedBytes: ({ buffered }) => buffered,
  onDrain({ drainListeners }, listener) {
    const registered = (): void => listener()
    drainListeners.add(registered)
    return () => void drainListeners.delete(registered)
  },
}

/** The transport of a client of this temper; `undefined` where its socket is sent to as it is. */
export const TRANSPORTS: Readonly<Record<Temper['name'], Transport<ClientSocket, unknown> | undefined>> = {
  plain: undefined,
  metered: undefined,
  batching: batching as Transport<ClientSocket, unknown>,
  framing: framing as Transport<ClientSocket, unknown>,
  measured: measured as Transport<ClientSocket, unknown>,
  telling: telling as Transport<ClientSocket, unknown>,
}
