import { ClientError } from './client-error.ts'
import type { AnyMessage, AnyUpdate, Ended, Gap } from './update.ts'

type Item = AnyMessage | Gap
type End = Pick<Ended, 'type' | 'code'>

/** The updates of a stream that the reader has not read yet. The last update is the end. */
export interface Updates {
  take(update: AnyUpdate | End): void
  /** Ends the reading at once, and discards the waiting updates. */
  stop(): void
  read(): AsyncGenerator<Item, void>
}

/** @param maxWaiting how many updates may wait. If one more comes, one gap replaces the two oldest updates */
export function newUpdates(maxWaiting = 1_000): Updates {
  const waiting: (Item | End)[] = []
  /** Gives the waiting reader its next update. */
  let hand: ((update: Item | End) => void) | undefined
  const keep = (update: Item | End): void => {
    waiting.push(update)
    if (waiting.length > maxWaiting && update.type !== 'ended') waiting.unshift(gapOf(waiting.splice(0, 2) as Item[]))
  }
  const take = (update: AnyUpdate | End): void => {
    if (update.type === 'status') return
    ;(hand ?? keep)(update)
    hand = undefined
  }
  return {
    take,
    stop() {
      waiting.length = 0
      take({ type: 'ended', code: 'ERR_CLOSED' })
    },
    async *read() {
      for (;;) {
        const update = waiting.shift() ?? (await new Promise<Item | End>((resolve) => (hand = resolve)))
        if (update.type !== 'ended') yield update
        else if (update.code === 'ERR_CLOSED') return
        else throw new ClientError(update.code)
      }
    },
  }
}

/** Returns one gap for the oldest updates. Each of them may itself be a gap. */
function gapOf(updates: readonly Item[]): Gap {
  const { streamType, symbol } = updates[0] as Item
  // A gap of unknown size makes the sum `NaN`.
  const dropped = updates.reduce((sum, update) => sum + (update.type ? (update.dropped ?? NaN) : 1), 0)
  return { type: 'gap', streamType, symbol, dropped: dropped || undefined }
}
