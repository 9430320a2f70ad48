import type { CloseReason, Socket, Transport } from '../../../../src/index.ts'

/** What a socket, or its transport's hook, does when it is called. What is absent does what it should. */
export interface Script {
  /** Before the text is taken: a throw refuses it. */
  send?: (text: string) => unknown
  /** After a text was taken by `send`. */
  taken?: () => unknown
  /** Before the frames are taken: a throw refuses all, a number takes as many. */
  write?: (frames: readonly string[]) => unknown
  /** Answers for the bytes that are buffered. */
  reading?: () => unknown
  /** Listens for a drain. */
  listen?: (listener: () => void) => unknown
  close?: (reason: CloseReason | number | undefined) => unknown
  terminate?: () => unknown
}

/** A socket that does as its script says at every call, and keeps account of what it took. */
export class ScriptedSocket implements Socket {
  readonly script: Script
  /** How much its buffer holds. */
  buffered = 0
  /** Deliveries that it took, and rejected later. */
  rejected = 0
  /** The frames of each write. */
  readonly writes: (readonly string[])[] = []
  /** What it was closed for, or with which code; `undefined` where nobody says. */
  readonly closes: (CloseReason | number | undefined)[] = []
  terminations = 0
  /** Calls that nobody should have made: after its end, or with nothing. */
  readonly strayCalls: string[] = []
  readonly drainListeners = new Set<() => void>()
  readonly taken: string[] = []
  /** Called in the middle of every call of the manager's. */
  whenCalled: () => void = () => {}
  readonly #see: (text: string) => void

  constructor(see: (text: string) => void, script: Script = {}) {
    this.#see = see
    this.script = script
  }

  send(text: string): void {
    this.#noteCall('send')
    const answer = this.script.send?.(text)
    this.#take([text])
    this.script.taken?.()
    return answer as void
  }

  write(frames: readonly string[]): number | void {
    this.#noteCall('write')
    if (frames.length === 0) this.strayCalls.push('write of nothing')
    this.writes.push(frames)
    const answer = this.script.write?.(frames)
    this.#take(typeof answer === 'number' ? frames.slice(0, Math.max(0, Math.floor(answer) || 0)) : frames)
    return answer as number
  }

  close(reason?: CloseReason | number): void {
    const isWithoutCode = typeof this.closes[0] === 'number' && reason === undefined
    this.closes.push(reason)
    this.whenCalled()
    // A socket that throws because of a code is closed once more, without.
    if (this.closes.length > (isWithoutCode ? 2 : 1)) this.strayCalls.push('close again')
    return this.script.close?.(reason) as void
  }

  terminate(): void {
    this.terminations++
    return this.script.terminate?.() as void
  }

  reading(): number {
    return (this.script.reading === undefined ? this.buffered : this.script.reading()) as number
  }

  listen(listener: () => void): () => void {
    if (this.script.listen !== undefined) return this.script.listen(listener) as () => void
    this.drainListeners.add(listener)
    return () => void this.drainListeners.delete(listener)
  }

  /** Empties the buffer, and tells those who wait for it. */
  drain(): void {
    this.buffered = 0
    for (const listener of [...this.drainListeners]) listener()
  }

  #noteCall(what: string): void {
    if (this.closes.length > 0 || this.terminations > 0) this.strayCalls.push(`${what} after the end`)
  }

  #take(texts: readonly string[]): void {
    for (const text of texts) {
      this.taken.push(text)
      this.#see(text)
    }
    this.whenCalled()
  }
}

/** A socket that has `bufferedAmount`, as those of ws and the DOM have. */
export class MeteredSocket extends ScriptedSocket {
  get bufferedAmount(): number {
    return this.reading()
  }
}

/** How a connection's socket is written to and measured. */
export type Kind =
  /** `send` and `close`, and nothing else. */
  | 'plain'
  /** The same with `bufferedAmount`. */
  | 'metered'
  /** A transport that writes in batches and measures. */
  | 'batching'
  /** One that tells of drains as well. */
  | 'telling'

export const KINDS: readonly Kind[] = ['plain', 'metered', 'batching', 'telling']

const batching: Transport<ScriptedSocket> = {
  write: (socket, frames) => socket.write(frames),
  bufferedBytes: (socket) => socket.reading(),
  close: (socket, reason) => socket.close(reason),
  terminate: (socket) => socket.terminate(),
}

const telling: Transport<ScriptedSocket> = { ...batching, onDrain: (socket, listener) => socket.listen(listener) }

const TRANSPORTS: Readonly<Record<Kind, Transport<ScriptedSocket> | undefined>> = {
  plain: undefined,
  metered: undefined,
  batching,
  telling,
}

export function transportOf(kind: Kind): Transport<ScriptedSocket> | undefined {
  return TRANSPORTS[kind]
}

/** A transport that frames what it writes by this hook, and does all else as it should. */
export function framing(frame: (text: string) => unknown): Transport<ScriptedSocket> {
  return { ...telling, frame: frame as (text: string) => string }
}
