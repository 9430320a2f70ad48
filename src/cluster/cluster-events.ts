import { ConnectionManagerError, describe } from '../errors.ts'
import { UnheardErrors } from '../guards/unheard-errors.ts'
import { disown } from '../guards/user-code.ts'

/** A channel, as the events of a cluster name it. */
export interface ClusterStream<TStreamType extends string = string> {
  /** A stream type of the catalogue. */
  readonly streamType: TStreamType
  /** The symbol, if the stream type requires one. Otherwise `undefined`, because the channel is the whole type. */
  readonly symbol: string | undefined
  /** The user's id, if the stream type is private. */
  readonly userId?: string
}

/** The events of a cluster: name → payload. */
export interface ClusterEvents<TStreamType extends string = string> {
  /** `up` when the broker works for this node, `down` when it does not work any more. `close()` does not emit this event. */
  status: 'up' | 'down'
  /**
   * Messages of another node are missing on this node. This node's subscribers are told too. `missing` is how many. `undefined` means that messages
   * may be missing, and that nobody knows how many.
   */
  gap: ClusterStream<TStreamType> & { readonly missing: number | undefined }
  /**
   * An error that is not thrown by a call of yours. For example, a listener threw, the broker did not answer which channels have subscribers, or
   * another node sent something invalid. The error may also report that commands of another node are missing on this node: revocations, removals,
   * statuses and gaps.
   */
  error: unknown
  /** A node wants this channel, and no node wanted it before. The node that publishes the channel should open its feed. */
  streamActive: ClusterStream<TStreamType>
  /** No node has wanted this channel for `idleDelayMs`. */
  streamIdle: ClusterStream<TStreamType>
}

const NAMES: readonly unknown[] = ['status', 'gap', 'error', 'streamActive', 'streamIdle'] satisfies (keyof ClusterEvents)[]

const UNHEARD = "stream-connection-manager/cluster: something failed. Listen with cluster.on('error', (error) => …)."

type Listener = (payload: never) => unknown

/**
 * The listeners of a cluster. A listener is user code. An error that a listener throws goes to the `error` listeners. If there is no `error`
 * listener, the first error is printed. An error that an `error` listener throws is ignored, and so is the rejection of a promise that a listener
 * returns.
 */
export class ClusterListeners {
  readonly #listeners = new Map<keyof ClusterEvents, Set<{ readonly listener: Listener }>>()
  readonly #unheard = new UnheardErrors()

  /** @throws `ERR_INVALID_ARGUMENT` for an unknown event, or a listener that is not a function */
  on(name: keyof ClusterEvents, listener: Listener): () => void {
    if (!NAMES.includes(name)) throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `There is no event ${describe(name)}`)
    assertListener(listener)
    const registration = { listener }
    const registered = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, registered.add(registration))
    return () => void registered.delete(registration)
  }

  emit<TName extends keyof ClusterEvents>(name: TName, payload: ClusterEvents[TName]): void {
    const registered = [...(this.#listeners.get(name) ?? [])]
    if (name === 'error' && registered.length === 0) this.#unheard.print(UNHEARD, payload)
    for (const { listener } of registered) {
      try {
        disown(listener(payload as never))
      } catch (error) {
        if (name !== 'error') this.emit('error', error)
      }
    }
  }
}

/** @throws `ERR_INVALID_ARGUMENT` if the value is not a function */
export function assertListener(value: unknown): void {
  if (typeof value !== 'function') throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `A listener must be a function, got ${describe(value)}`)
}
