import type { Socket } from '../ports/connection.ts'
import type { GapNotice } from '../model/gap-notice.ts'
import { optionsIn } from './options-in.ts'

/**
 * What a `FakeSocket` does when it is called, once it has noted the call: what a function answers or throws is what the manager gets.
 *
 * | to have the socket | write |
 * | --- | --- |
 * | refuse | `send: () => { throw new Error('gone') }` |
 * | fail later | `send: () => Promise.reject(new Error('gone'))` |
 * | hang | `close: () => new Promise(() => {})` |
 * | take the first two frames of a batch | `write: () => 2` |
 * | call back in the middle of a delivery | `send: () => manager.publish(message)` |
 */
export interface SocketScript {
  /** Called with each text that is sent by itself. */
  send?: ((text: string) => unknown) | undefined
  /** Called where the connection's transport writes in batches, as `fakeTransport()` does. */
  write?: ((texts: readonly string[]) => unknown) | undefined
  /** Called at each `close`; a promise settles when the socket is really closed. */
  close?: (() => unknown) | undefined
  /** Called where the connection's transport ends a socket at once, as `fakeTransport()` does. */
  terminate?: (() => unknown) | undefined
}

/** A script, and what the socket says at first that it has buffered. */
export interface FakeSocketOptions extends SocketScript {
  /** Anything: `100_000` for a socket that is full, `'a lot'` for one whose reading makes no sense, nothing for one that has no reading. */
  readonly bufferedAmount?: unknown
}

/** What a client reads from a text on the wire. */
export interface ReceivedMessage {
  /** A message has none. A gap notice, which stands where messages are missing, has `'gap'`. */
  readonly type?: undefined
  /** The stream type, of whatever catalogue. */
  readonly streamType: string
  /** The symbol; `undefined` where the text has `null`. */
  readonly symbol: string | undefined
  /** What was published, as JSON has it. */
  readonly data: unknown
  /** The moment that the text names. */
  readonly timestamp: Date
  /** Whose message it is; `undefined` for a public one. */
  readonly userId: string | undefined
}

/** How many sockets were made so far. */
let made = 0

/**
 * A socket without a network, for tests: it records what it is given, and does as its script says.
 *
 * It has a `bufferedAmount` only when it is made with one. Without one it cannot be slow, as far as the manager knows.
 *
 * @example
 * import { FakeSocket } from 'stream-connection-manager/testing'
 *
 * const socket = new FakeSocket({ bufferedAmount: 0 })
 * const manager = new ConnectionManager()
 * manager.addConnection('c1', socket, 'alice').subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
 *
 * socket.bufferedAmount = 100_000
 * for (const data of [1, 2, 3]) manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data })
 * console.log(socket.received, manager.stats().conflated) // [] 2
 *
 * socket.drain()
 * manager.getConnection('c1')?.drained()
 * console.log(socket.received) // [ 3 ]
 */
export class FakeSocket implements Socket {
  /** The number of this socket, in the order of their making, so that an equality check and a log tell two sockets apart. */
  readonly serial: number = ++made
  /** What it does from now on: a function of it may be replaced at any time. */
  readonly script: SocketScript
  /** Every text that it was given, in order: those too that its script then refused, but none that `write` did not take. */
  readonly sent: string[] = []
  /** The same, as it came: one entry for each `send` and each `write`. */
  readonly writes: string[][] = []
  /** How many times it was closed. It goes on recording afterwards, so that a test sees what comes too late. */
  closeCalls = 0
  /** How many times it was ended at once, by a transport that can. */
  terminateCalls = 0
  /** Bytes that it says it has buffered; whatever a test wants it to say. There is no such property unless it is made with one. */
  declare bufferedAmount?: unknown
  /** Those who wait for a drain. */
  readonly drainListeners: Set<() => void> = new Set()

  /**
   * Makes a socket that takes everything and closes at once, unless the script says otherwise.
   *
   * @throws `ERR_INVALID_OPTION` for an unknown option: a misspelt part of a script would never be called
   */
  constructor(options: FakeSocketOptions = {}) {
    const { bufferedAmount, ...script } = optionsIn(options, ['bufferedAmount', 'send', 'write', 'close', 'terminate'])
    this.script = script as SocketScript
    if (bufferedAmount !== undefined) this.bufferedAmount = bufferedAmount
  }

  /**
   * What a client would read from `sent`: messages, and gap notices, which have the `type` `'gap'`.
   *
   * @throws `SyntaxError` for a text that is no JSON: with a `serialize` of your own, read `sent`
   */
  get messages(): (ReceivedMessage | GapNotice)[] {
    return this.sent.map(messageIn)
  }

  /** The `data` of each message, for tests that only care which came. A gap notice stands as it is. */
  get received(): unknown[] {
    return this.messages.map((message) => (message.type === 'gap' ? message : message.data))
  }

  /** Takes one text. */
  send(text: string): void {
    this.sent.push(text)
    this.writes.push([text])
    return this.script.send?.(text) as void
  }

  /** Takes what a batching transport writes. A number from the script says how many texts it took. */
  write(texts: readonly string[]): number | void | Promise<void> {
    const from = this.sent.length
    const entry = [...texts]
    for (const text of entry) this.sent.push(text)
    this.writes.push(entry)
    const answer = this.script.write?.(texts)
    if (typeof answer === 'number') this.#keep(answer >= 1 ? Math.floor(answer) : 0, entry, from)
    return answer as number | void | Promise<void>
  }

  /** Is closed, and goes on recording. */
  close(): void | Promise<void> {
    this.closeCalls++
    return this.script.close?.() as void | Promise<void>
  }

  /** Ends it at once: what a transport's `terminate` is for. */
  terminate(): void {
    this.terminateCalls++
    this.script.terminate?.()
  }

  /** Calls the listener at each drain; the returned function ends that. What a transport's `onDrain` is for. */
  onDrain(listener: () => void): () => void {
    // One of its own for each registration.
    const registered = (): void => listener()
    this.drainListeners.add(registered)
    return () => void this.drainListeners.delete(registered)
  }

  /** Empties its buffer, and tells those who wait for that. Without `onDrain`, call `connection.drained()`, or advance the clock. */
  drain(): void {
    if ('bufferedAmount' in this) this.bufferedAmount = 0
    for (const listener of [...this.drainListeners]) listener()
  }

  /** Keeps so many texts of a batch, from the first on. What came since, from within the script, stays. */
  #keep(count: number, entry: string[], from: number): void {
    const refused = entry.splice(count).length
    this.sent.splice(from + entry.length, refused)
  }
}

function messageIn(text: string): ReceivedMessage | GapNotice {
  const wire = JSON.parse(text) as Record<string, unknown>
  const { stream_type: streamType, data, timestamp, dropped } = wire
  const named = { streamType: streamType as string, symbol: presentIn(wire['symbol']) }
  if (wire['type'] === 'gap' && data === undefined) return { type: 'gap', ...named, dropped: dropped as number }
  return { ...named, data, timestamp: new Date(timestamp as string), userId: presentIn(wire['user_id']) }
}

function presentIn(value: unknown): string | undefined {
  return (value ?? undefined) as string | undefined
}
