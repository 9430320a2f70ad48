import { describe, expect, it } from 'vitest'
import { OutgoingMessage } from '../../../../src/model/outgoing-message.ts'
import type { MessageOrigin } from '../../../../src/model/message-fields.ts'
import { Backlog } from '../../../../src/delivery/send-queue/backlog.ts'
import type { ResolvedDefinition } from '../../../../src/model/catalogue.ts'
import { labelOf, sized, streams, STREAM_NAMES, type StreamName } from '../../../support/pressured-socket.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

const ALL = Number.POSITIVE_INFINITY
const ONE = -1
const NOT_COVERED = (): boolean => false

/** A message of this stream type and symbol, as long as its label unless a size is given. */
function message(stream: string, label: string, units = label.length, isSkip = false, origin: MessageOrigin = 'published'): OutgoingMessage {
  const [streamType = '', symbol] = stream.split(':')
  const definition = streams[streamType as StreamName] as ResolvedDefinition
  return new OutgoingMessage(sized(label, units), { streamType, symbol, definition, data: label, timestampMs: 0, userId: undefined, origin }, 0, isSkip)
}

/** A backlog of these messages, each given as `stream label`. */
function backlogOf(...messages: string[]) {
  const backlog = new Backlog()
  const add = (each: string): boolean => backlog.add(message(...(each.split(' ') as [string, string])))
  const replaced = messages.map(add)
  return { backlog, add, replaced }
}

const labels = (messages: readonly OutgoingMessage[]): string[] => messages.map(({ text }) => labelOf(text as string))
const take = (backlog: Backlog, room = ALL): string[] => labels(backlog.take(room))

describe('Backlog', () => {
  it('takes private messages before public ones, and otherwise in order', () => {
    const { backlog } = backlogOf('BOOK:A b1', 'TICKS:A t1', 'ORDERS:A o1', 'PRICE:A p1', 'QUOTES:A q1', 'ORDERS o2', 'BOOK:A b2')

    expect(take(backlog)).toEqual(['o1', 'o2', 'b1', 't1', 'p1', 'q1', 'b2'])
    expect([backlog.isEmpty, backlog.size, backlog.units]).toEqual([true, 0, 0])
  })

  it('replaces the queued message of a latest stream with the newest one, symbol by symbol', () => {
    const { backlog, replaced } = backlogOf('PRICE:A p1', 'PRICE:B p2', 'BOOK:A b1', 'PRICE:A p3', 'BOOK:A b2')

    expect(replaced).toEqual([false, false, false, true, false])
    expect([backlog.size, backlog.units]).toEqual([4, 8])
    expect(take(backlog)).toEqual(['p3', 'p2', 'b1', 'b2'])
  })

  it('keeps a skip of a latest stream behind the message before it, and replaces both with the next message, in the place of the first', () => {
    const backlog = new Backlog()
    const skip = (label: string): boolean => backlog.add(message('PRICE:A', label, label.length, true))
    backlog.add(message('PRICE:A', 'p1'))
    expect([skip('s1'), skip('s2')]).toEqual([false, true])
    backlog.add(message('BOOK:A', 'b1'))
    expect(labels(backlog.streams())).toEqual(['p1', 'b1'])
    expect([backlog.size, backlog.units]).toEqual([3, 6])

    expect(backlog.add(message('PRICE:A', 'p2'))).toBe(true)

    expect([backlog.size, backlog.units]).toEqual([2, 4])
    expect(take(backlog)).toEqual(['p2', 'b1'])
  })

  it('does not replace a direct message of a latest stream with one that is sent again, and replaces that one with the next', () => {
    const backlog = new Backlog()
    const add = (label: string, origin: MessageOrigin): boolean => backlog.add(message('PRICE:A', label, label.length, false, origin))

    expect([add('d1', 'direct'), add('r1', 'again'), add('p1', 'published')]).toEqual([false, false, true])
    expect([backlog.size, backlog.units]).toEqual([2, 4])
    expect(labels([...backlog.messages()])).toEqual(['d1', 'p1'])
    expect(take(backlog)).toEqual(['d1', 'p1'])
  })

  it.each<[MessageOrigin, MessageOrigin]>([['direct', 'direct'], ['published', 'direct'], ['direct', 'published'], ['again', 'again'], ['published', 'again']])(
    'replaces a message of a latest stream that is %s with a newer one that is %s',
    (before, after) => {
      const backlog = new Backlog()
      backlog.add(message('PRICE:A', 'p1', 2, false, before))

      expect(backlog.add(message('PRICE:A', 'p2', 2, false, after))).toBe(true)
      expect(take(backlog)).toEqual(['p2'])
    },
  )

  it('counts the units of the newer message once it has replaced the older', () => {
    const backlog = new Backlog()

    for (const units of [10, 3, 25]) backlog.add(message('PRICE:A', 'p', units))

    expect([backlog.size, backlog.units]).toEqual([1, 25])
  })

  it('keeps streams apart if their names and symbols look alike', () => {
    const { backlog } = backlogOf('PRICE:BOOK p1', 'BOOK:PRICE b1', 'ORDERS o1', 'ORDERS:undefined o2', 'PRICE:__proto__ p2', 'PRICE:constructor p3')

    backlog.purge('ORDERS', 'undefined', NOT_COVERED)
    backlog.purge('PRICE', '__proto__', NOT_COVERED)

    expect(take(backlog)).toEqual(['o1', 'p1', 'b1', 'p3'])
  })

  it('takes at least one message, and stops once it has taken more than the room', () => {
    const backlog = new Backlog()
    for (const label of ['b1', 'b2', 'b3', 'b4']) backlog.add(message('BOOK:A', label, 10))

    expect(take(backlog, ONE)).toEqual(['b1'])
    expect(take(backlog, 10)).toEqual(['b2', 'b3'])
    expect(take(backlog, 0)).toEqual(['b4'])
    expect(take(backlog, ALL)).toEqual([])
  })

  it('reaches every one of 10,000 queued streams, and replaces in place, if one of them changes in every round', () => {
    const backlog = new Backlog()
    for (let i = 0; i < 10_000; i++) backlog.add(message(`PRICE:S${i}`, `S${i}`))

    const left: string[] = []
    for (let round = 0; round < 10_000; round++) {
      backlog.add(message('PRICE:S5000', `update ${round}`))
      left.push(...take(backlog, ONE))
    }

    expect(left).toEqual(Array.from({ length: 10_000 }, (_, i) => (i === 5_000 ? 'update 5000' : `S${i}`)))
    expect(take(backlog)).toEqual(['update 9999'])
  })

  describe('putBack', () => {
    it('puts the messages that were not accepted back in front, in order', () => {
      const { backlog } = backlogOf('BOOK:A b1', 'TICKS:A t1', 'BOOK:A b2', 'PRICE:A p1')

      const [, ...refused] = backlog.take(5)
      backlog.putBack(refused)

      expect(labels(refused)).toEqual(['t1', 'b2'])
      expect(take(backlog)).toEqual(['t1', 'b2', 'p1'])
    })

    it('puts private messages back before private ones, and public before public ones', () => {
      const { backlog } = backlogOf('BOOK:A b1', 'ORDERS:A o1', 'ORDERS:A o2')

      const refused = backlog.take(ALL)
      for (const each of ['BOOK:A b2', 'ORDERS:A o3']) backlog.add(message(...(each.split(' ') as [string, string])))
      backlog.putBack(refused)

      expect(take(backlog)).toEqual(['o1', 'o2', 'o3', 'b1', 'b2'])
    })

    it('makes the message of a latest stream replaceable if no newer one is queued', () => {
      const { backlog, add } = backlogOf('PRICE:A p1', 'BOOK:A b1')

      backlog.putBack(backlog.take(ONE))

      expect(add('PRICE:A p2')).toBe(true)
      expect(take(backlog)).toEqual(['p2', 'b1'])
    })
  })

  describe('dropOldest', () => {
    it('drops the oldest message of all droppable streams, and leaves a gap notice in its place', () => {
      const { backlog } = backlogOf('BOOK:A b1', 'TICKS:B t1', 'ORDERS:A o1', 'TICKS:A t2', 'PRICE:A p1', 'QUOTES:A q1')

      const dropped = Array.from({ length: 4 }, () => backlog.dropOldest()?.text)

      expect(dropped).toEqual(['t1', 't2', 'q1', undefined])
      expect(backlog.size).toBe(3)
      expect(take(backlog)).toEqual(['o1', 'b1', 'gap of TICKS:B × 1', 'gap of TICKS:A × 1', 'p1', 'gap of QUOTES:A × 1'])
    })

    it('makes a gap notice direct if it stands for a direct message', () => {
      const origins = (...dropped: readonly MessageOrigin[]): MessageOrigin[] => {
        const backlog = new Backlog()
        for (const origin of dropped) backlog.add(message('TICKS:A', 't', 1, false, origin))
        for (const _ of dropped) backlog.dropOldest()
        return [...backlog.messages()].map(({ origin }) => origin)
      }

      expect([origins('published'), origins('published', 'direct'), origins('direct', 'published')]).toEqual([['published'], ['direct'], ['direct']])
    })

    it("adds to the stream's gap notice instead of making another", () => {
      const { backlog, add } = backlogOf('TICKS:A t1', 'BOOK:A b1', 'TICKS:A t2', 'TICKS:A t3')

      for (let i = 0; i < 3; i++) backlog.dropOldest()
      expect(backlog.dropOldest()).toBeUndefined()
      add('TICKS:A t4')

      expect(backlog.size).toBe(2)
      expect(take(backlog)).toEqual(['gap of TICKS:A × 3', 'b1', 't4'])
    })

    it('makes a new gap notice if the first was already taken', () => {
      const { backlog, add } = backlogOf('TICKS:A t1', 'TICKS:A t2')

      backlog.dropOldest()
      const left = take(backlog, ONE)
      backlog.dropOldest()
      add('TICKS:A t3')

      expect([...left, ...take(backlog)]).toEqual(['gap of TICKS:A × 1', 'gap of TICKS:A × 1', 't3'])
    })

    it('never replaces the gap notice with a newer message of a latest stream', () => {
      const { backlog, add } = backlogOf('QUOTES:A q1')

      backlog.dropOldest()

      expect([add('QUOTES:A q2'), add('QUOTES:A q3')]).toEqual([false, true])
      expect(take(backlog)).toEqual(['gap of QUOTES:A × 1', 'q3'])
    })

    it('starts with the messages that were put back, which are the oldest', () => {
      const { backlog } = backlogOf('TICKS:A t1', 'TICKS:B t2')

      backlog.putBack(backlog.take(ONE))

      expect([backlog.dropOldest()?.text, backlog.dropOldest()?.text]).toEqual(['t1', 't2'])
    })

    it('adds to a gap notice that was put back', () => {
      const { backlog } = backlogOf('TICKS:A t1', 'TICKS:A t2')

      backlog.dropOldest()
      backlog.putBack(backlog.take(ONE))
      backlog.dropOldest()

      expect(take(backlog)).toEqual(['gap of TICKS:A × 2'])
    })

    it('counts the gap notice neither in units nor in messages', () => {
      const backlog = new Backlog()
      backlog.add(message('TICKS:A', 't1', 500))

      backlog.dropOldest()

      expect([backlog.units, backlog.size, backlog.isEmpty]).toEqual([0, 0, false])
    })
  })

  describe('purge', () => {
    it('discards the queued messages of one stream and its gap notice, and returns the number of messages', () => {
      const { backlog } = backlogOf('TICKS:A t1', 'TICKS:A t2', 'TICKS:B t3', 'TICKS:A t4')
      backlog.dropOldest()

      expect(backlog.purge('TICKS', 'A', NOT_COVERED)).toBe(2)

      expect(take(backlog)).toEqual(['t3'])
      expect([backlog.purge('TICKS', 'A', NOT_COVERED), backlog.purge('NONE', undefined, NOT_COVERED)]).toEqual([0, 0])
    })

    it('discards the queued messages of a whole type, except streams that another subscription covers', () => {
      const { backlog } = backlogOf('ORDERS o1', 'ORDERS:A o2', 'ORDERS:B o3', 'BOOK:A b1', 'ORDERS:A o4')

      expect(backlog.purge('ORDERS', undefined, (symbol) => symbol === 'A')).toBe(2)

      expect(take(backlog)).toEqual(['o2', 'o4', 'b1'])
    })

    it('lets a purged stream start again', () => {
      const { backlog, add } = backlogOf('TICKS:A t1', 'BOOK:A b1')
      backlog.dropOldest()

      backlog.purge('TICKS', 'A', NOT_COVERED)
      add('TICKS:A t2')
      backlog.dropOldest()

      expect(take(backlog)).toEqual(['b1', 'gap of TICKS:A × 1'])
    })

    it('visits only the stream that it discards', () => {
      const backlog = new Backlog()
      let looks = 0
      for (let i = 0; i < 1_000; i++) {
        const bystander = message(`TICKS:S${i}`, `S${i}`)
        backlog.add(new Proxy(bystander, { get: (target, name: keyof OutgoingMessage) => (looks++, target[name]) }))
        if (i % 100 === 0) backlog.add(message('TICKS:A', 'a'))
      }
      looks = 0

      expect(backlog.purge('TICKS', 'A', NOT_COVERED)).toBe(10)

      expect(looks).toBe(0)
      expect(backlog.size).toBe(1_000)
    })
  })

  it('agrees with a plain array in random operations', () => {
    for (let seed = 1; seed <= 300; seed++) runAgainstModel(seed)
  })
})

interface Item {
  readonly streamType: StreamName
  readonly symbol: string | undefined
  units: number
  label: string
  gap: number
  isSkip?: boolean
}

/** A naive `Backlog`: one array in order of place, searched from the front. */
class NaiveBacklog {
  items: Item[] = []

  get size(): number {
    return this.items.filter(({ gap }) => gap === 0).length
  }

  get units(): number {
    return this.items.reduce((sum, { units, gap }) => (gap === 0 ? sum + units : sum), 0)
  }

  add(item: Item): boolean {
    const ofStream = this.items.filter(({ streamType, symbol }) => streamType === item.streamType && symbol === item.symbol)
    let last = ofStream.at(-1)
    const isReplaced = streams[item.streamType].delivery === 'latest' && last?.gap === 0 && (last.isSkip || !item.isSkip)
    if (!isReplaced) this.items.push(item)
    if (!isReplaced || last === undefined) return false
    const before = ofStream.at(-2)
    if (last.isSkip && !item.isSkip && before?.gap === 0) {
      this.items = this.items.filter((each) => each !== last)
      last = before
    }
    Object.assign(last, item)
    return true
  }

  take(room: number): Item[] {
    const taken: Item[] = []
    let units = 0
    while (this.items.length > 0 && (taken.length === 0 || units <= room)) {
      const next = this.items.find(({ streamType }) => streams[streamType].audience === 'private') ?? (this.items[0] as Item)
      this.items = this.items.filter((item) => item !== next)
      units += next.units
      taken.push(next)
    }
    return taken
  }

  putBack(items: Item[]): void {
    this.items = [...items, ...this.items]
  }

  dropOldest(): string | undefined {
    const oldest = this.items.find(({ streamType, gap }) => streams[streamType].overflow === 'drop' && gap === 0)
    if (oldest === undefined) return undefined
    const { streamType, symbol, label } = oldest
    const notice = this.items.find((item) => item.streamType === streamType && item.symbol === symbol && item.gap > 0)
    if (notice !== undefined) this.items = this.items.filter((item) => item !== oldest)
    const gapEntry = notice ?? oldest
    gapEntry.gap++
    gapEntry.label = `gap of ${streamType}:${symbol} × ${gapEntry.gap}`
    gapEntry.units = JSON.stringify({ type: 'gap', stream_type: streamType, symbol, dropped: gapEntry.gap }).length
    return label
  }

  purge(type: string, symbol: string | undefined, isCovered: (symbol: string | undefined) => boolean): number {
    const sizeBefore = this.size
    this.items = this.items.filter((item) => item.streamType !== type || (symbol !== undefined && item.symbol !== symbol) || isCovered(item.symbol))
    return sizeBefore - this.size
  }
}

function runAgainstModel(seed: number): void {
  const random = seededRandom(seed)
  const below = (n: number): number => Math.floor(random() * n)
  const symbolOf = (streamType: StreamName): string | undefined => (['A', 'B', streamType === 'ORDERS' ? undefined : 'C'] as const)[below(3)]
  const [backlog, model] = [new Backlog(), new NaiveBacklog()]
  const because = `seed ${seed}`

  for (let step = 0; step < 120; step++) {
    const streamType = STREAM_NAMES[below(STREAM_NAMES.length)] as StreamName
    const symbol = symbolOf(streamType)
    const choice = below(20)
    if (choice < 12) {
      const [label, units] = [`m${step}`, 5 + below(40)]
      const stream = symbol === undefined ? streamType : `${streamType}:${symbol}`
      const isSkip = random() < 0.3
      expect(backlog.add(message(stream, label, units, isSkip)), because).toBe(model.add({ streamType, symbol, units, label, gap: 0, isSkip }))
    } else if (choice < 15) {
      const room = [ONE, 0, 50, ALL][below(4)] as number
      const [taken, expected] = [backlog.take(room), model.take(room)]
      expect(labels(taken), because).toEqual(expected.map(({ label }) => label))
      const accepted = random() < 0.5 ? taken.length : below(taken.length)
      backlog.putBack(taken.slice(accepted))
      model.putBack(expected.slice(accepted))
    } else if (choice < 18) {
      const dropped = backlog.dropOldest()
      expect(dropped && labelOf(dropped.text as string), because).toBe(model.dropOldest())
    } else {
      const purged = streamType === 'ORDERS' && random() < 0.5 ? undefined : symbol
      const isCovered = (each: string | undefined): boolean => each === 'B'
      expect(backlog.purge(streamType, purged, isCovered), because).toBe(model.purge(streamType, purged, isCovered))
    }
    expect([backlog.size, backlog.units, backlog.isEmpty], because).toEqual([model.size, model.units, model.items.length === 0])
  }
  expect(labels(backlog.take(ALL)), because).toEqual(model.take(ALL).map(({ label }) => label))
  expect([backlog.size, backlog.units, backlog.isEmpty], because).toEqual([0, 0, true])
}
