import { describe, expect, it } from 'vitest'
import { defineStreams } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { throttled } from '../../../src/throttle/index.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const SEEDS = Array.from({ length: 200 }, (_, i) => i + 1)
const STEPS = 120
const LONGER_THAN_ALL_INTERVALS_MS = 100

const streams = defineStreams({
  TICKER: { audience: 'public', delivery: 'latest' },
  BOOK: { audience: 'public', delivery: 'latest' },
  TRADES: { audience: 'public' },
})
const intervalsMs = { TICKER: 7, BOOK: 10 } as const
const TYPES = ['TICKER', 'BOOK', 'TRADES'] as const
const SYMBOLS = ['A', 'B', '__proto__'] as const

interface Stream {
  readonly streamType: (typeof TYPES)[number]
  readonly symbol: (typeof SYMBOLS)[number]
}

interface Publication {
  readonly atMs: number
  readonly stream: string
  readonly number: number
}

const STREAMS: readonly Stream[] = TYPES.flatMap((streamType) => SYMBOLS.map((symbol) => ({ streamType, symbol })))

function nameOf({ streamType, symbol }: Stream): string {
  return `${streamType} ${symbol}`
}

/** The number of the interval that a time is in. */
function intervalAt({ streamType }: Stream, atMs: number): number | undefined {
  return streamType === 'TRADES' ? undefined : Math.floor(atMs / intervalsMs[streamType])
}

/** Does what a throttle promises, one millisecond after the other, for one stream. */
class NaiveThrottle {
  readonly published: Publication[] = []
  #held: number | undefined
  #intervalOfLast: number | undefined
  readonly #stream: Stream

  constructor(stream: Stream) {
    this.#stream = stream
  }

  get held(): number {
    return this.#held === undefined ? 0 : 1
  }

  reach(atMs: number): void {
    if (this.#held !== undefined && intervalAt(this.#stream, atMs) !== this.#intervalOfLast) this.flush(atMs)
  }

  offer(number: number, atMs: number): void {
    const interval = intervalAt(this.#stream, atMs)
    if (interval !== undefined && interval === this.#intervalOfLast) this.#held = number
    else this.#publish(number, atMs)
  }

  flush(atMs: number): void {
    if (this.#held !== undefined) this.#publish(this.#held, atMs)
    this.#held = undefined
  }

  stop(): void {
    this.#held = undefined
    this.#intervalOfLast = undefined
  }

  #publish(number: number, atMs: number): void {
    this.#intervalOfLast = intervalAt(this.#stream, atMs)
    this.published.push({ atMs, stream: nameOf(this.#stream), number })
  }
}

function picker(seed: number) {
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  return { below, stream: () => STREAMS[below(STREAMS.length)] as Stream }
}

describe('throttled › random offers', () => {
  it('are published at the same times and in the same order as by a simple model', () => {
    for (const seed of SEEDS) {
      const { below, stream } = picker(seed)
      const clock = new ManualClock()
      const published: Publication[] = []
      const models = STREAMS.map((each) => new NaiveThrottle(each))
      const offer = throttled(({ streamType, symbol, data }) => {
        published.push({ atMs: clock.monotonic(), stream: `${streamType} ${symbol}`, number: data as number })
      }, { intervalsMs, streams, clock })
      const pass = (ms: number): void => {
        for (const untilMs = clock.monotonic() + ms; clock.monotonic() < untilMs; ) {
          clock.advance(1)
          for (const model of models) model.reach(clock.monotonic())
        }
      }

      for (let number = 0; number < STEPS; number++) {
        const atMs = clock.monotonic()
        const chance = below(60)
        if (chance === 0) {
          offer.flush()
          for (const model of models) model.flush(atMs)
        } else if (chance === 1) {
          offer.stop()
          for (const model of models) model.stop()
        } else {
          const chosen = stream()
          offer({ ...chosen, data: number })
          models[STREAMS.indexOf(chosen)]?.offer(number, atMs)
        }
        expect(offer.held, `seed ${seed}`).toBe(models.reduce((sum, { held }) => sum + held, 0))
        pass(below(4))
      }
      pass(LONGER_THAN_ALL_INTERVALS_MS)

      const perStream = STREAMS.map((each) => published.filter((one) => one.stream === nameOf(each)))
      expect(perStream, `seed ${seed}`).toEqual(models.map((model) => model.published))
      expect([offer.held, clock.pendingTimers], `seed ${seed}`).toEqual([0, 0])
    }
  })

  it('keep the promises although timers are lost or late, and publish throws and calls back', () => {
    for (const seed of SEEDS) {
      const { published, attempts, newest } = troubled(seed)

      const intervals = published.filter(({ interval }) => interval !== undefined).map(({ stream, interval }) => `${stream} ${interval}`)
      expect(new Set(intervals).size, `seed ${seed}: at most one of a stream and interval`).toBe(intervals.length)
      for (const each of STREAMS.map(nameOf)) {
        const numbers = attempts.filter(({ stream }) => stream === each).map(({ number }) => number)
        expect(numbers, `seed ${seed}: in order, and none twice`).toEqual([...new Set(numbers)].sort((one, other) => one - other))
        if (newest.has(each)) expect(numbers.at(-1), `seed ${seed}: the newest arrives`).toBe(newest.get(each))
      }
    }
  })
})

/** A throttle in trouble: what it published, what it tried to publish, and the newest message of each stream that no offer threw for. */
function troubled(seed: number) {
  const { below, stream } = picker(seed)
  const clock = new (class extends ManualClock {
    isSound = false
    override setTimeout(fn: () => void, ms: number): () => void {
      const trouble = this.isSound ? 3 : below(4)
      return trouble === 0 ? () => {} : super.setTimeout(fn, trouble === 1 ? ms + below(20) : ms)
    }
  })()
  const published: (Publication & { readonly interval: number | undefined })[] = []
  const attempts: Publication[] = []
  const newest = new Map<string, number>()
  let count = 0
  let depth = 0

  const offer = throttled((message) => {
    const atMs = clock.monotonic()
    const attempt = { atMs, stream: nameOf(message as Stream), number: message.data as number }
    attempts.push(attempt)
    if (!clock.isSound && depth < 3 && below(4) === 0) offerOne()
    if (!clock.isSound && below(5) === 0) throw new Error('no broker')
    published.push({ ...attempt, interval: intervalAt(message as Stream, atMs) })
  }, { intervalsMs, streams, clock, onError: () => {} })

  function offerOne(): void {
    const chosen = stream()
    const number = count++
    newest.set(nameOf(chosen), number)
    depth++
    try {
      offer({ ...chosen, data: number })
    } catch {
      if (newest.get(nameOf(chosen)) === number) newest.delete(nameOf(chosen))
    }
    depth--
  }

  for (let step = 0; step < STEPS; step++) {
    offerOne()
    clock.advance(below(6))
  }
  clock.isSound = true
  for (let round = 0; round < 5; round++) {
    clock.advance(LONGER_THAN_ALL_INTERVALS_MS)
    offerOne()
  }
  return { published, attempts, newest }
}
