import type { ErrorCode } from '../../../src/index.ts'
import type { Delivery } from './deliveries.ts'
import type { ConnectionFact } from './facts.ts'
import type { Moving } from './moving.ts'

export type CallName =
  | 'addConnection'
  | 'subscribe'
  | 'addSubscription'
  | 'unsubscribe'
  | 'removeSubscription'
  | 'revoke'
  | 'remove'
  | 'removeConnection'
  | 'removeUser'
  | 'reassign'
  | 'publish'
  | 'sendToUser'
  | 'sendToConnection'
  | 'broadcast'
  | 'sendText'
  | 'notifyGap'
  | 'setStreamStatus'
  | 'batch'
  | 'purge'
  | 'flush'
  | 'drained'
  | 'cleanup'
  | 'questions'
  // What is not called, but happens.
  | 'end of tick'
  | 'time passes'
  | 'drain event'
  | 'promises settle'

export type HookName = 'send' | 'write' | 'frame' | 'serialize' | 'authorize' | 'close' | 'terminate' | 'listener' | 'record' | 'skip' | 'notice'

/** What a call may be refused with, and whether it may pass. */
export interface Verdict {
  readonly codes: readonly ErrorCode[]
  readonly mayPass: boolean
}

export const PASS: Verdict = { codes: [], mayPass: true }

export function refusedWith(...codes: ErrorCode[]): Verdict {
  return codes.length === 0 ? PASS : { codes, mayPass: false }
}

/** A call into the manager that is running. */
export interface CallFrame {
  readonly kind: 'call'
  readonly name: CallName
  verdict: Verdict
  /** The message that it publishes, once it is known to be a sound one. */
  readonly delivery: Delivery | undefined
  /** What `authorize` is to be asked, and what then becomes of the call. */
  readonly asking: Asking | undefined
  /** Whom it gives a connection to. */
  readonly moving: Moving | undefined
  /** The notice that it sends. */
  readonly noticing: Noticing | undefined
  /** What it makes one step of. */
  readonly batching: Batching | undefined
}

/** A notice that a call sends, once it is made. */
export interface Noticing {
  isMade: boolean
  /** Makes it, with what user code does meanwhile; returns what it is on the wire. */
  make(): unknown
}

/** A batch that runs: its steps, and then what follows from them. */
export interface Batching {
  isActing: boolean
  /** The calls that are part of it. */
  readonly calls: CallFrame[]
}

/** A subscription that waits for `authorize`. */
export interface Asking {
  readonly userId: string
  readonly streamType: string
  readonly symbol: string | undefined
  readonly filters: object | undefined
  readonly connection: ConnectionFact | undefined
  timesAsked: number
  answer(): unknown
}

/** Whether a message waits for others to be delivered. */
export type Timing = 'yes' | 'no' | 'perhaps'

/** User code that the manager called and that has not returned. */
export interface HookFrame {
  readonly kind: 'hook'
  readonly name: HookName
  readonly connection: ConnectionFact | undefined
  readonly delivery: Delivery | undefined
  /** It is called before the delivery that it is for. */
  readonly isBeforehand?: boolean
}

export type StageFrame = CallFrame | HookFrame

const CALLS_THAT_HAND_NOTHING_ON: readonly string[] = ['addConnection', 'subscribe', 'addSubscription', 'questions']
const HOOKS_OF_A_DELIVERY: readonly string[] = ['send', 'write', 'frame', 'serialize', 'record', 'skip', 'notice']

/** Which calls and hooks are running within each other, the outermost first. */
export class Stage {
  readonly #frames: StageFrame[] = []
  /** Newcomers may be told the status of a stream's source, by whichever call makes them newcomers. */
  areNewcomersTold = false

  get depth(): number {
    return this.#frames.length
  }

  /** Whoever's socket is being called. */
  get self(): ConnectionFact | undefined {
    return this.#innermost((frame) => (frame.kind === 'hook' ? frame.connection : undefined))
  }

  /** The message that is being handed on, or else published. */
  get delivery(): Delivery | undefined {
    return this.#innermost(({ delivery }) => delivery)
  }

  get call(): CallFrame | undefined {
    return this.#innermost((frame) => (frame.kind === 'call' ? frame : undefined))
  }

  /** The calls that give connections to other users, the innermost first. */
  get moves(): readonly Moving[] {
    return this.#frames.toReversed().flatMap((frame) => (frame.kind === 'call' && frame.moving !== undefined ? [frame.moving] : []))
  }

  get hook(): HookFrame | undefined {
    return this.#innermost((frame) => (frame.kind === 'hook' ? frame : undefined))
  }

  /** The call that publishes this message, if it is running. */
  callOf(delivery: Delivery): CallFrame | undefined {
    return this.#innermost((frame) => (frame.kind === 'call' && frame.delivery === delivery ? frame : undefined))
  }

  /** The outermost batch whose steps are running. */
  get batch(): Batching | undefined {
    const batches = this.#frames.flatMap((frame) => (frame.kind === 'call' && frame.batching !== undefined ? [frame.batching] : []))
    return batches.find(({ isActing }) => isActing)
  }

  get isInBatch(): boolean {
    return this.batch !== undefined
  }

  /** Whether the outermost call is itself a delivery, or a batch whose steps are running: all that is deferred within it counts together. */
  get isWithinOneDelivery(): boolean {
    const [outermost] = this.#frames
    if (outermost?.kind !== 'call') return false
    return outermost.batching?.isActing === true || (outermost.delivery !== undefined && !outermost.delivery.isRecorded)
  }

  /** Whether a message that is published now has to wait for another: what is known of that from outside. */
  isDelivering(): Timing {
    if (this.#frames.some(isOfDelivery)) return 'yes'
    return this.#frames.every((frame) => this.#handsNothingOn(frame)) ? 'no' : 'perhaps'
  }

  within<TFrame extends StageFrame, TResult>(frame: TFrame, act: (frame: TFrame) => TResult): TResult {
    this.#frames.push(frame)
    try {
      return act(frame)
    } finally {
      this.#frames.pop()
    }
  }

  async during(frame: StageFrame, act: () => Promise<void>): Promise<void> {
    this.#frames.push(frame)
    await act()
    this.#frames.pop()
  }

  #handsNothingOn(frame: StageFrame): boolean {
    if (frame.kind === 'hook' || frame.batching?.isActing === true || frame.noticing?.isMade === false) return true
    if (frame.delivery !== undefined) return !isOfDelivery(frame)
    return CALLS_THAT_HAND_NOTHING_ON.includes(frame.name) && !this.areNewcomersTold
  }

  #innermost<TFound>(find: (frame: StageFrame) => TFound | undefined): TFound | undefined {
    for (const frame of this.#frames.toReversed()) {
      const found = find(frame)
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** A message that is recorded is serialized before its delivery begins. */
function isOfDelivery(frame: StageFrame): boolean {
  if (frame.kind === 'hook') return HOOKS_OF_A_DELIVERY.includes(frame.name) && frame.isBeforehand !== true
  return frame.delivery !== undefined && !(frame.delivery.isRecorded && frame.delivery.timesRecorded === 0)
}
