import type { CloseDetails, CloseReason, Socket, Transport } from '../../../src/index.ts'
import type { ConnectionFact } from './facts.ts'
import type { Reaction } from './operations.ts'

/** How a connection is written to and measured. */
export type Kind =
  /** `send` and `close` alone: each message at once, whatever it has buffered. */
  | 'plain'
  /** The same with a `bufferedAmount`. */
  | 'metered'
  /** Writes in batches, and is asked whether there is room. */
  | 'polled'
  /** Writes in batches, and tells of room. */
  | 'reporting'
  /** As `polled`, with frames, and with a way to close and to terminate of its own. */
  | 'framed'
  /** Writes in batches, and says how many frames it accepted; nothing else is known of it. */
  | 'unmeasured'

/** What a frame of the `framed` kind is. */
export interface Frame {
  readonly framed: string | Uint8Array
  /** What it counts against the limits, whatever its text is. */
  readonly byteLength: number
}

/** What is called back when the manager calls user code. */
export interface SocketHost {
  sent(socket: ScriptedSocket, data: string | Uint8Array): unknown
  written(socket: ScriptedSocket, frames: readonly unknown[]): unknown
  framed(data: string | Uint8Array): Frame
  closing(socket: ScriptedSocket, reason: CloseReason | undefined, told: CloseDetails | undefined): unknown
  terminated(socket: ScriptedSocket): void
}

/** A socket that does as it is told to at its next call, and otherwise well. */
export class ScriptedSocket implements Socket {
  readonly name: string
  readonly kind: Kind
  /** Whose it is; `undefined` until it was accepted as a connection's. */
  connection: ConnectionFact | undefined
  buffered: number = 0
  /** How many frames it accepts of each write; `undefined`: all, and it says nothing. */
  accepts: number | undefined
  readonly nextSends: Reaction[] = []
  readonly nextCloses: Reaction[] = []
  readonly drainListeners: Set<() => void> = new Set()
  readonly closeListeners: Set<() => void> = new Set()
  closeCalls = 0
  terminations = 0
  readonly #host: SocketHost

  constructor(name: string, kind: Kind, host: SocketHost) {
    this.name = name
    this.kind = kind
    this.#host = host
  }

  send(data: string | Uint8Array): void {
    return this.#host.sent(this, data) as void
  }

  close(code?: number, reason?: string): void {
    return this.#host.closing(this, undefined, code === undefined ? undefined : { code, reason: String(reason) }) as void
  }

  get tellsOfClose(): boolean {
    return this.kind === 'reporting' || this.kind === 'framed'
  }

  tellOfRoom(): void {
    for (const listener of [...this.drainListeners]) listener()
  }

  /** The promise is what `remove` would have promised. */
  tellOfClose(): Promise<boolean> {
    const listeners = [...this.closeListeners]
    // A second word is none: nobody may act on it.
    for (const listener of [...listeners, ...listeners]) listener()
    return Promise.resolve(listeners.length > 0)
  }
}

/** One whose buffer can be read off it. */
class MeteredSocket extends ScriptedSocket {
  get bufferedAmount(): number {
    return this.buffered
  }
}

export function socketOf(kind: Kind, name: string, host: SocketHost): ScriptedSocket {
  return kind === 'metered' ? new MeteredSocket(name, kind, host) : new ScriptedSocket(name, kind, host)
}

/** A transport, whatever its frames are. */
export type AnyTransport = Transport<ScriptedSocket>

export function transportsOf(host: SocketHost): Readonly<Record<Kind, AnyTransport | undefined>> {
  const write = (socket: ScriptedSocket, frames: readonly unknown[]): number | void => host.written(socket, frames) as number | void
  const bufferedBytes = ({ buffered }: ScriptedSocket): number => buffered
  const onDrain = ({ drainListeners }: ScriptedSocket, listener: () => void) => {
    const registered = (): void => listener()
    drainListeners.add(registered)
    return () => void drainListeners.delete(registered)
  }
  const onClose = ({ closeListeners }: ScriptedSocket, listener: () => void) => {
    const registered = (): void => listener()
    closeListeners.add(registered)
    return () => void closeListeners.delete(registered)
  }
  const framed: Transport<ScriptedSocket, Frame, string | Uint8Array> = {
    frame: (data) => host.framed(data),
    write,
    bufferedBytes,
    onClose,
    close: (socket, reason, details) => host.closing(socket, reason, details) as void,
    terminate: (socket) => host.terminated(socket),
  }
  return {
    plain: undefined,
    metered: undefined,
    polled: { write, bufferedBytes },
    reporting: { write, bufferedBytes, onDrain, onClose },
    framed: framed as unknown as AnyTransport,
    unmeasured: { write },
  }
}
