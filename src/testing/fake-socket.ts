import type { CloseDetails, Socket } from '../ports/connection.ts'
import type { Notice, StreamStatus } from '../model/notices.ts'
import { isBytes } from '../model/wire-data.ts'
import { optionsIn } from './options-in.ts'

/**
 * The behaviour of a `FakeSocket`. The socket first records each call. Then the socket calls the script's function of the same name. If the function
 * throws, the socket throws the same error. Otherwise, the socket returns the function's result, except for `terminate`. A `send` of a binary message
 * calls no function.
 *
 * | to make the socket | pass |
 * | --- | --- |
 * | refuse | `send: () => { throw new Error('gone') }` |
 * | fail later | `send: () => Promise.reject(new Error('gone'))` |
 * | hang | `close: () => new Promise(() => {})` |
 * | accept only the first two messages of a batch | `write: () => 2` |
 * | call back in the middle of a delivery | `send: () => manager.publish(message)` |
 */
export interface SocketScript {
  /** Called with each text that the socket's `send` gets. */
  send?: ((text: string) => unknown) | undefined
  /** Called for each batch, if the connection's transport writes in batches, as `fakeTransport()` does. */
  write?: ((texts: readonly string[]) => unknown) | undefined
  /** Called at each `close`. If the function returns a promise, the socket counts as closed when the promise resolves. */
  close?: (() => unknown) | undefined
  /** Called at each `terminate`, if the connection's transport has a `terminate`, as `fakeTransport()` does. The socket ignores the result. */
  terminate?: (() => unknown) | undefined
}

/** A script, and the initial `bufferedAmount` of the socket. */
export interface FakeSocketOptions extends SocketScript {
  /** Any value: `100_000` for a full socket, `'a lot'` for an invalid reading. Without this option, the socket has no `bufferedAmount`. */
  readonly bufferedAmount?: unknown
}

/** A message, as a client reads it from a text that it received. */
export interface ReceivedMessage {
  /** Always `undefined` for a message. A notice has the type `'gap'` or `'status'`. */
  readonly type?: undefined
  /** The stream type, of any catalogue. */
  readonly streamType: string
  /** The symbol. `undefined` if the text has no symbol, or has the symbol `null`. */
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
 * A socket without a network, for tests. The socket records each call, and then does what its script says.
 *
 * The socket has a `bufferedAmount` only if the options have one, or if a test sets it. Without a `bufferedAmount`, and with the default hooks of
 * `fakeTransport()`, the manager notices that the socket is slow only if the script's `write` does not accept a whole batch.
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
  /** The number of this socket. Each socket has its own number, so that equality checks and logs can tell two sockets apart. */
  readonly serial: number = ++made
  /** What the socket does when one of its methods is called. You may replace a function at any time. */
  readonly script: SocketScript
  /** All texts that the socket got, in order. Includes texts for which the script threw, but not texts that `write` did not accept. */
  readonly sent: string[] = []
  /**
   * The binary messages that the socket got, in order. Does not include messages that `write` did not accept. `sent` and `writes` do not include
   * binary messages.
   */
  readonly sentBytes: Uint8Array[] = []
  /** The texts of `sent`, grouped by call: one array for each `send` of a text, and one for each `write`. */
  readonly writes: string[][] = []
  /** How many times `close` was called. After a `close`, the socket still records calls, so that a test sees messages that come too late. */
  closeCalls = 0
  /** The code and the reason of the last `close` call that had a code. A real socket would send the code and the reason to its peer. */
  closedWith: CloseDetails | undefined
  /** How many times `terminate` was called. */
  terminateCalls = 0
  /**
   * The bytes that the socket reports as buffered. The property exists only if the options have a `bufferedAmount`, or if a test sets it. A test may
   * set any value.
   */
  declare bufferedAmount?: unknown
  /** The listeners that `drain` calls. */
  readonly drainListeners: Set<() => void> = new Set()

  /**
   * Makes a socket that accepts everything and closes at once, unless the script says otherwise.
   *
   * @throws `ERR_INVALID_OPTION` for an unknown option. Without this check, a misspelt function would never be called
   */
  constructor(options: FakeSocketOptions = {}) {
    const { bufferedAmount, ...script } = optionsIn(options, ['bufferedAmount', 'send', 'write', 'close', 'terminate'])
    this.script = script as SocketScript
    if (bufferedAmount !== undefined) this.bufferedAmount = bufferedAmount
  }

  /**
   * The texts of `sent`, as a client would read them: messages, and notices of the `type` `'gap'` or `'status'`. Any other JSON object is read as a
   * message too.
   *
   * @throws `SyntaxError` for a text that is not JSON. If the manager has a `serialize`, read `sent` instead
   */
  get messages(): (ReceivedMessage | Notice)[] {
    return this.sent.map(messageIn)
  }

  /** The `data` of each message, for tests that only check which messages came. For a notice, the list contains the whole notice. */
  get received(): unknown[] {
    return this.messages.map((message) => (message.type === undefined ? message.data : message))
  }

  /** Records one text or one binary message. The script's `send` gets only texts. */
  send(message: string | Uint8Array): void {
    if (typeof message !== 'string') return void this.sentBytes.push(message)
    this.sent.push(message)
    this.writes.push([message])
    return this.script.send?.(message) as void
  }

  /**
   * Records a batch of texts and binary messages. The script's `write` gets only the texts. If the script returns a number, the socket accepts that
   * many messages of the batch, counted from the first.
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

  /** Records the call, with its code and reason. After a `close`, the socket still records later calls. */
  close(code?: number, reason = ''): void | Promise<void> {
    this.closeCalls++
    if (code !== undefined) this.closedWith = { code, reason }
    return this.script.close?.() as void | Promise<void>
  }

  /** Records the call. A transport's `terminate` calls this method. */
  terminate(): void {
    this.terminateCalls++
    this.script.terminate?.()
  }

  /** Calls the listener at each drain. The returned function removes the listener. A transport's `onDrain` calls this method. */
  onDrain(listener: () => void): () => void {
    // Make a new function for each registration, so that the same listener can be registered twice.
    const registered = (): void => listener()
    this.drainListeners.add(registered)
    return () => void this.drainListeners.delete(registered)
  }

  /**
   * Empties the buffer and calls the drain listeners. If the transport has no `onDrain`, call `connection.drained()` too, or advance the manager's
   * clock by `delivery.drainIntervalMs`.
   */
  drain(): void {
    if ('bufferedAmount' in this) this.bufferedAmount = 0
    for (const listener of [...this.drainListeners]) listener()
  }
}

function isText(message: string | Uint8Array): message is string {
  return !isBytes(message)
}

/**
 * Removes the items that were offered but not accepted. The offered items begin at `from`. Items that were added while the script ran stay in the
 * list.
 */
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
