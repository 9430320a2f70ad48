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
  | 'flush'
  | 'drained'
  | 'cleanup'
  | 'questions'
  // What is not called, but happens.
  | 'end of tick'
  | 'time passes'
  | 'drain event'
  | 'promises settle'

export type HookName = 'send' | 'write' | 'frame' | 'serialize' | 'authorize' | 'close' | 'terminate' | 'listener'

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

/** User code that the manager called and that has not returned. */
export interface HookFrame {
  readonly kind: 'hook'
  readonly name: HookName
  readonly connection: ConnectionFact | undefined
  readonly delivery: Delivery | undefined
}

export type StageFrame = CallFrame | HookFrame

const CALLS_THAT_HAND_NOTHING_ON: readonly string[] = ['addConnection', 'subscribe', 'addSubscription', 'questions']
const HOOKS_OF_A_DELIVERY: readonly string[] = ['send', 'write', 'frame', 'serialize']

/** Which calls and hooks are running within each other, the outermost first. */
export class Stage {
  readonly #frames: StageFrame[] = []

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

  /** Whether the outermost call is itself a delivery. */
  get isWithinOneDelivery(): boolean {
    const [outermost] = this.#frames
    return outermost?.kind === 'call' && outermost.delivery !== undefined
  }

  /** Whether a message that is published now has to wait for another: what is known of that from outside. */
  isDelivering(): 'yes' | 'no' | 'perhaps' {
    if (this.#frames.some(isOfDelivery)) return 'yes'
    return this.#frames.every((frame) => frame.kind === 'hook' || CALLS_THAT_HAND_NOTHING_ON.includes(frame.name)) ? 'no' : 'perhaps'
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

  #innermost<TFound>(find: (frame: StageFrame) => TFound | undefined): TFound | undefined {
    for (const frame of this.#frames.toReversed()) {
      const found = find(frame)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function isOfDelivery(frame: StageFrame): boolean {
  return frame.kind === 'call' ? frame.delivery !== undefined : HOOKS_OF_A_DELIVERY.includes(frame.name)
}
