import type { CloseDetails, Socket } from '../ports/connection.ts'
import type { Notice, StreamStatus } from '../model/notices.ts'
import { isBytes } from '../model/wire-data.ts'
import { optionsIn } from './options-in.ts'

/**
 * What a `FakeSocket` does when it is called. The socket first records the call. Then it returns what the function returns, or throws what it
 * throws.
 *
 * | to make the socket | write |
 * | --- | --- |
 * | refuse | `send: () => { throw new Error('gone') }` |
 * | fail later | `send: () => Promise.reject(new Error('gone'))` |
 * | hang | `close: () => new Promise(() => {})` |
 * | take the first two frames of a batch | `write: () => 2` |
 * | call back in the middle of a delivery | `send: () => manager.publish(message)` |
 */
export interface SocketScript {
  /** Called with each text that is sent on its own. */
  send?: ((text: string) => unknown) | undefined
  /** Called for each batch, if the connection's transport writes in batches, as `fakeTransport()` does. */
  write?: ((texts: readonly string[]) => unknown) | undefined
  /** Called at each `close`. A returned promise settles when the socket has closed. */
  close?: (() => unknown) | undefined
  /** Called at each `terminate`, if the connection's transport has one, as `fakeTransport()` does. */
  terminate?: (() => unknown) | undefined
}

/** A script, and the socket's first `bufferedAmount`. */
export interface FakeSocketOptions extends SocketScript {
  /** Any value: `100_000` for a full socket, `'a lot'` for a reading that makes no sense. Leave it out for a socket without a reading. */
  readonly bufferedAmount?: unknown
}

/** A message as a client reads it from a text on the wire. */
export interface ReceivedMessage {
  /** A message has no `type`. A notice has `'gap'` or `'status'`. */
  readonly type?: undefined
  /** The stream type, of any catalogue. */
  readonly streamType: string
  /** The symbol, or `undefined` if the text has `null`. */
  readonly symbol: string | undefined
  /** The published data, as `JSON.parse` returns it. */
  readonly data: unknown
  /** The message's timestamp. */
  readonly timestamp: Date
  /** The user that the message belongs to, or `undefined` for a public message. */
  readonly userId: string | undefined
}

/** How many sockets have been made. */
let made = 0

/**
 * A socket without a network, for tests. It records what it is given, and then does what its script says.
 *
 * It has a `bufferedAmount` only if it is made with one. Without one, the manager cannot tell that the socket is slow.
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
  /** The number of this socket, in the order in which sockets were made. So an equality check and a log distinguish two sockets. */
  readonly serial: number = ++made
  /** What the socket does when it is called. You may replace a function at any time. */
  readonly script: SocketScript
  /** Every text that the socket was given, in order. Includes texts for which the script threw, but not those that `write` did not accept. */
  readonly sent: string[] = []
  /** The messages of bytes that the socket was given. `sent` and `writes` do not have them. */
  readonly sentBytes: Uint8Array[] = []
  /** The texts of `sent`, with one entry for each `send` and each `write`. */
  readonly writes: string[][] = []
  /** How many times `close` was called. The socket goes on recording afterwards, so that a test sees what comes too late. */
  closeCalls = 0
  /** The code and the reason of the last `close` that was called with a code. A real socket would tell them to its peer. */
  closedWith: CloseDetails | undefined
  /** How many times `terminate` was called. */
  terminateCalls = 0
  /** The bytes that the socket reports as buffered. A test may set any value. The property exists only if the socket is made with one. */
  declare bufferedAmount?: unknown
  /** The listeners that `drain` calls. */
  readonly drainListeners: Set<() => void> = new Set()

  /**
   * Makes a socket that accepts everything and closes at once, unless the script says otherwise.
   *
   * @throws `ERR_INVALID_OPTION` for an unknown option, because a misspelt function of a script would never be called
   */
  constructor(options: FakeSocketOptions = {}) {
    const { bufferedAmount, ...script } = optionsIn(options, ['bufferedAmount', 'send', 'write', 'close', 'terminate'])
    this.script = script as SocketScript
    if (bufferedAmount !== undefined) this.bufferedAmount = bufferedAmount
  }

  /**
   * The messages and notices that a client would read from `sent`. A notice has the `type` `'gap'` or `'status'`.
   *
   * @throws `SyntaxError` for a text that is not JSON. If you have a `serialize` of your own, read `sent` instead
   */
  get messages(): (ReceivedMessage | Notice)[] {
    return this.sent.map(messageIn)
  }

  /** The `data` of each message, for tests that only check which messages came. A notice is included as it is. */
  get received(): unknown[] {
    return this.messages.map((message) => (message.type === undefined ? message.data : message))
  }

  /** Records one text, or bytes. The script gets only texts. */
  send(message: string | Uint8Array): void {
    if (typeof message !== 'string') return void this.sentBytes.push(message)
    this.sent.push(message)
    this.writes.push([message])
    return this.script.send?.(message) as void
  }

  /**
   * Records a batch of texts and bytes. The script gets only the texts. If it returns a number, the socket accepts that many messages of the
   * batch, from the first on.
   */
  write(messages: readonly (string | Uint8Array)[]): number | void | Promise<void> {
    const [sentBefore, bytesBefore] = [this.sent.length, this.sentBytes.length]
    const entry = messages.filter(isText)
    for (const message of messages) void (isText(message) ? this.sent.push(message) : this.sentBytes.push(message))
    this.writes.push(entry)
    const answer = this.script.write?.([...entry])
    if (typeof answer === 'number') {
      const accepted = messages.slice(0, answer >= 1 ? Math.floor(answer) : 0)
      const texts = accepted.filter(isText).length
      keep(this.sent, sentBefore, entry.length, texts)
      keep(this.sentBytes, bytesBefore, messages.length - entry.length, accepted.length - texts)
      keep(entry, 0, entry.length, texts)
    }
    return answer as number | void | Promise<void>
  }

  /** Records that it was closed, and why. It goes on recording afterwards. */
  close(code?: number, reason = ''): void | Promise<void> {
    this.closeCalls++
    if (code !== undefined) this.closedWith = { code, reason }
    return this.script.close?.() as void | Promise<void>
  }

  /** Records that it was terminated. A transport's `terminate` calls this. */
  terminate(): void {
    this.terminateCalls++
    this.script.terminate?.()
  }

  /** Calls the listener at each drain. The returned function stops that. A transport's `onDrain` calls this. */
  onDrain(listener: () => void): () => void {
    // A new function for each registration, so that a listener may be registered twice.
    const registered = (): void => listener()
    this.drainListeners.add(registered)
    return () => void this.drainListeners.delete(registered)
  }

  /** Empties the buffer and calls the drain listeners. If the transport has no `onDrain`, call `connection.drained()` too, or advance the clock. */
  drain(): void {
    if ('bufferedAmount' in this) this.bufferedAmount = 0
    for (const listener of [...this.drainListeners]) listener()
  }
}

function isText(message: string | Uint8Array): message is string {
  return !isBytes(message)
}

/** Keeps the accepted ones of the items that were offered from index `from` on, and removes the rest. What the script itself has sent since stays. */
function keep(list: unknown[], from: number, offered: number, accepted: number): void {
  list.splice(from + accepted, offered - accepted)
}

function messageIn(text: string): ReceivedMessage | Notice {
  const wire = JSON.parse(text) as Record<string, unknown>
  const { stream_type: streamType, data, timestamp, dropped, status } = wire
  const named = { streamType: streamType as string, symbol: presentIn(wire['symbol']) }
  if (wire['type'] === 'gap' && data === undefined) return { type: 'gap', ...named, dropped: (dropped ?? undefined) as number | undefined }
  if (wire['type'] === 'status' && data === undefined) return { type: 'status', ...named, status: status as StreamStatus }
  return { ...named, data, timestamp: new Date(timestamp as string), userId: presentIn(wire['user_id']) }
}

function presentIn(value: unknown): string | undefined {
  return (value ?? undefined) as string | undefined
}
