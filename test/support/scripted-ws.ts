import { EventEmitter } from 'node:events'
import type { WsSocket } from '../../src/transports/ws.ts'

export const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3]

/** Records what Node would pass to the system: one entry for each write, and one for all writes within a cork. */
class ScriptedTcpSocket extends EventEmitter {
  readonly writes: Buffer[] = []
  writable = true
  writableNeedDrain = false
  corks = 0
  readonly #corked: Uint8Array[] = []
  #isCorked = false

  cork(): void {
    this.corks++
    this.#isCorked = true
  }

  uncork(): void {
    this.#isCorked = false
    this.writes.push(Buffer.concat(this.#corked.splice(0)))
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isCorked) this.#corked.push(bytes)
    else this.writes.push(bytes as Buffer)
    return true
  }
}

/** A server-side socket of ws 8.23, open and idle. */
export class ScriptedSocket extends EventEmitter implements WsSocket {
  readonly sent: (string | Uint8Array)[] = []
  readonly closes: unknown[][] = []
  terminations = 0
  readyState = OPEN
  extensions = ''
  bufferedAmount = 0
  _isServer: unknown = true
  readonly tcp = new ScriptedTcpSocket()
  _socket: unknown = this.tcp
  _sender: unknown = { _firstFragment: true, _queue: [], _state: 0 }

  /** The callbacks that ws calls when a message has left. */
  readonly sendCallbacks: (() => void)[] = []

  /** The messages that were sent with `compress: false`. */
  readonly sentUncompressed: (string | Uint8Array)[] = []

  send(text: string | Uint8Array, ...rest: unknown[]): void {
    this.sent.push(text)
    for (const each of rest) {
      if (typeof each === 'function') this.sendCallbacks.push(each as () => void)
      else if ((each as { compress?: unknown } | undefined)?.compress === false) this.sentUncompressed.push(text)
    }
  }

  close(...args: unknown[]): void {
    this.closes.push(args)
  }

  terminate(): void {
    this.terminations++
  }
}

/** A socket with these differences. */
export function socketWith(differences: Partial<Record<keyof ScriptedSocket, unknown>> = {}): ScriptedSocket {
  return Object.assign(new ScriptedSocket(), differences)
}
