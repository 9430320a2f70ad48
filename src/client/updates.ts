import { ClientError } from './client-error.ts'
import type { AnyMessage, AnyStream, AnyUpdate, Ended, Gap } from './update.ts'

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
export function newUpdates({ streamType, symbol }: AnyStream, maxWaiting = 1_000): Updates {
  const waiting: (Item | End)[] = []
  /** Gives the waiting reader its next update. */
  let hand: ((update: Item | End) => void) | undefined
  const keep = (update: Item | End): void => {
    waiting.push(update)
    if (waiting.length > maxWaiting && update.type !== 'ended') {
      // Each of them may itself be a gap. A gap of unknown size, whose `dropped` is `undefined`, makes the sum `NaN`.
      const dropped = (waiting.splice(0, 2) as Item[]).reduce((sum, each) => sum + (each.type ? (each.dropped as number) : 1), 0)
      waiting.unshift({ type: 'gap', streamType, symbol: symbol ?? undefined, dropped: dropped || undefined })
    }
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
