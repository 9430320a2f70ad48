import { describe, expect, it } from 'vitest'
import { createAudit, type Audit, type AuditedMessage, type AuditOptions } from '../../../src/testing/index.ts'
import { Places } from '../../../src/testing/audit/places.ts'

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const
const ALL_TRADES = { streamType: 'TRADES' } as const

function text({ streamType, symbol = null, data }: AuditedMessage): string {
  return JSON.stringify({ stream_type: streamType, symbol, data })
}

/** An audit of one client of alice, `phone`. A message is known by a number. */
function audited(options: AuditOptions = {}) {
  const audit = createAudit(options)
  audit.connected('phone', 'alice')
  const publish = (...ids: number[]) => ids.forEach((id) => audit.published({ ...TRADES, data: { id } }))
  const receive = (...ids: number[]) => ids.forEach((id) => audit.received('phone', text({ ...TRADES, data: { id } })))
  return { audit, publish, receive }
}

/** What is reported, as `kind identity`. */
function faults(audit: Audit): string[] {
  return audit.report().faults.map(({ kind, identity }) => `${kind} ${String(identity)}`)
}

describe('an audit that reads texts', () => {
  it.each(['rubbish', '5', 'null', '"TRADES"', '[]', '{}', '{"type":1}', '{"stream_type":7,"data":{"id":1}}',
    '{"stream_type":"TRADES","symbol":7,"data":{"id":1}}', '{"stream_type":"TRADES","user_id":{},"data":{"id":1}}', '{"type":"gap","stream_type":"TRADES","symbol":{"toString":1,"valueOf":1}}'])('reports %s, which no server should send, as unknown', (line) => {
    const { audit } = audited()

    audit.received('phone', line)

    expect(audit.report().unknown).toMatchObject([{ streamType: undefined, text: `step 2: phone: a text cannot be read: ${JSON.stringify(line)}` }])
  })

  it.each<[string, object]>([['no data', {}], ['no id in its data', { data: {} }], ['an id that is no string or number', { data: { id: true } }], ['`null` as data', { data: null }]])(
    'reports a message with %s as an unknown one of its stream',
    (_, more) => {
      const { audit } = audited()

      audit.received('phone', JSON.stringify({ stream_type: 'TRADES', symbol: 'A', ...more }))

      const what = 'step 2: phone: a message of TRADES:A was not published, or is forgotten'
      expect(audit.report().unknown).toMatchObject([{ streamType: 'TRADES', symbol: 'A', identity: undefined, text: what }])
    },
  )

  it('uses the data of a message as its identity if it is a string or a number', () => {
    const { audit } = audited()
    audit.subscribed('phone', TRADES)
    for (const data of ['x', 7]) audit.published({ ...TRADES, data })
    audit.received('phone', text({ ...TRADES, data: 'x' }))

    expect(faults(audit)).toEqual(['missing 7'])
  })
})

describe('an audit of a client that comes and goes', () => {
  it('treats a client that connects while it is connected as one that was disconnected', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    publish(1)
    audit.connected('phone', 'alice')
    publish(2, 3)
    receive(2)
    expect(faults(audit)).toEqual(['leaked 2'])
    audit.subscribed('phone', TRADES)

    expect(faults(audit)).toEqual(['leaked 2', 'missing 1', 'missing 2', 'missing 3'])
  })

  it('does not expect messages that a client missed while it was away, if it was about to unsubscribe', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    audit.unsubscribing('phone', TRADES)
    audit.disconnected('phone')
    publish(1)
    audit.connected('phone', 'alice')
    audit.subscribed('phone', TRADES)
    expect(faults(audit)).toEqual([])
    publish(2)
    receive(1)

    expect(faults(audit)).toEqual(['missing 2'])
  })

  it('does not expect messages that a client missed while it was away, if it had only asked to subscribe', () => {
    const { audit, publish } = audited()
    audit.subscribing('phone', TRADES)
    audit.disconnected('phone')
    publish(1)
    audit.connected('phone', 'alice')
    audit.subscribed('phone', TRADES)
    publish(2)

    expect(faults(audit)).toEqual(['missing 2'])
  })

  it('ignores an unsubscribe from a stream to which the client has no subscription', () => {
    const { audit, publish, receive } = audited()
    audit.unsubscribing('phone', TRADES)
    publish(1)
    receive(1)
    audit.subscribed('phone', TRADES)
    publish(2)

    expect(faults(audit)).toEqual(['leaked 1', 'missing 2'])
  })
})

describe('an audit of a client that is answered', () => {
  it('expects messages from the subscribe on, and not yet from the request on', () => {
    const { audit, publish } = audited()
    audit.subscribing('phone', TRADES)
    publish(1)
    audit.subscribed('phone', TRADES)
    publish(2)
    audit.told('phone', TRADES, { recovered: null })

    expect(faults(audit)).toEqual(['missing 2'])
  })

  it('does not expect messages between a second request and its subscribe, until one of them comes', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    audit.told('phone', TRADES, { recovered: null })
    audit.subscribing('phone', TRADES)
    publish(1, 2, 3)
    audit.subscribed('phone', TRADES)
    publish(4)
    audit.told('phone', TRADES, { recovered: false })
    expect(faults(audit)).toEqual(['missing 4'])
    receive(2)

    expect(faults(audit)).toEqual(['missing 3', 'missing 4'])
    expect(audit.report().counts.told).toBe(0)
  })

  it('reports messages after a second subscribe as too early if they come before its answer, but no older messages', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    audit.told('phone', TRADES, { recovered: null })
    publish(1)
    audit.subscribed('phone', TRADES)
    publish(2)
    receive(1, 2)
    audit.told('phone', TRADES, { recovered: null })
    publish(3)
    receive(3)

    expect(faults(audit)).toEqual(['outOfOrder 2'])
  })

  it('reports nothing as too early if it does not know when a second request was carried out', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    audit.told('phone', TRADES, { recovered: null })
    audit.subscribing('phone', TRADES)
    publish(1)
    receive(1)
    audit.told('phone', TRADES, { recovered: null })

    expect(faults(audit)).toEqual([])
  })

  it('reports a message as too early if it comes after a request and before its answer', () => {
    const { audit, publish, receive } = audited()
    audit.subscribing('phone', TRADES)
    publish(1)
    receive(1)
    expect(faults(audit)).toEqual([])
    audit.told('phone', TRADES, { recovered: null })

    expect(faults(audit)).toEqual(['outOfOrder 1'])
  })

  it('reports an older message as too early, too, if it comes before the first answer', () => {
    const { audit, publish, receive } = audited()
    publish(1)
    audit.subscribed('phone', TRADES)
    receive(1)
    audit.told('phone', TRADES, { recovered: null })

    expect(faults(audit)).toEqual(['outOfOrder 1'])
  })

  it('treats an answer without a request as the start of a subscription', () => {
    const { audit, publish } = audited()
    publish(1)
    audit.told('phone', TRADES, { recovered: null })
    publish(2)

    expect(faults(audit)).toEqual(['missing 2'])
  })
})

describe('an audit of a client of a whole stream type', () => {
  it.each([1, undefined])('excuses all messages of the type after a gap of %s without a symbol', (missed) => {
    const { audit, publish } = audited()
    audit.subscribed('phone', ALL_TRADES)
    publish(1, 2)
    audit.told('phone', ALL_TRADES, { missed })
    publish(3)

    expect(faults(audit)).toEqual(['missing 3'])
  })

  it('excuses the number of a gap among messages without a symbol if so many are missing, and otherwise all messages', () => {
    const { audit, publish } = audited()
    audit.subscribed('phone', ALL_TRADES)
    for (const id of [11, 12, 13]) audit.published({ ...ALL_TRADES, data: { id } })
    publish(1)
    audit.told('phone', ALL_TRADES, { missed: 2 })
    expect(faults(audit)).toEqual(['missing 13', 'missing 1'])
    audit.told('phone', ALL_TRADES, { missed: 2 })

    expect(faults(audit)).toEqual([])
  })
})

describe('an audit of a client that loses very much', () => {
  // Every second one of 5,000 comes.
  const half = () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    for (let id = 1; id <= 5_000; id++) {
      publish(id)
      if (id % 2 === 0) receive(id)
    }
    return { audit, receive }
  }

  it('reports all lost messages, even more than it keeps', () => {
    const { audit } = half()

    const { lost, counts } = audit.report()

    expect(counts.faults.lost).toBe(2_500)
    expect(lost.slice(0, 2).map(({ identity, publishedAt, step }) => [identity, publishedAt, step])).toEqual([[1, 3, 5], [3, 6, 8]])
  })

  it('no longer reports one of the last 1,000 lost messages if it comes late, but still reports an older one', () => {
    const { audit, receive } = half()
    receive(4_999, 1)

    const { lost, outOfOrder, counts } = audit.report()

    expect(outOfOrder.map(({ identity }) => identity)).toEqual([4_999, 1])
    expect(counts.faults.lost).toBe(2_499)
    expect(lost[0]?.identity).toBe(1)
  })

  it('remembers a limited number of places: a message that comes again is `twice` if it is new, and `outOfOrder` if it is old', () => {
    const { audit, receive } = half()
    receive(4_000, 2)

    expect(faults(audit).filter((fault) => !fault.startsWith('lost'))).toEqual(['twice 4000', 'outOfOrder 2'])
  })
})

describe('a set of places', () => {
  function placesOf(...places: number[]): Places {
    const set = new Places()
    for (const place of places) set.add(place)
    return set
  }

  it('stores consecutive places as one run, and a place between two runs as a separate run', () => {
    const places = placesOf(1, 2, 3, 7, 5)

    expect([1, 2, 3, 4, 5, 6, 7, 8].filter((place) => places.has(place))).toEqual([1, 2, 3, 5, 7])
    expect(places.runCount).toBe(3)
  })

  it('stores a place once if it is added twice', () => {
    expect(placesOf(1, 2, 7, 7, 2).runCount).toBe(2)
  })

  it('forgets the runs that end before a place, and keeps the others whole', () => {
    const places = placesOf(1, 2, 5, 6, 7, 9)

    places.forgetBefore(6)

    expect([1, 2, 5, 6, 7, 9].filter((place) => places.has(place))).toEqual([5, 6, 7, 9])
  })

  it('is empty after it forgot all of its runs, and can be filled again', () => {
    const places = placesOf(1, 3)

    places.forgetBefore(4)
    expect(places.runCount).toBe(0)
    places.add(4)

    expect([places.has(3), places.has(4)]).toEqual([false, true])
  })
})
