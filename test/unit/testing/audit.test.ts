import { describe, expect, it } from 'vitest'
import { createAudit, type Audit, type AuditedMessage, type AuditOptions } from '../../../src/testing/index.ts'
import { expectCode } from '../../support/errors.ts'

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const
const PRICE = { streamType: 'PRICE', symbol: 'A' } as const
const ORDERS = { streamType: 'ORDER_UPDATES' } as const

function text({ streamType, symbol = null, userId = null, data }: AuditedMessage, more: object = {}): string {
  return JSON.stringify({ stream_type: streamType, symbol, data, timestamp: '2026-01-31T12:00:00.000Z', user_id: userId, ...more })
}

/** An audit of one client of alice, `phone`. A message is known by a number. */
function audited(options: AuditOptions = {}) {
  const audit = createAudit(options)
  audit.connected('phone', 'alice')
  const publish = (stream: Omit<AuditedMessage, 'data'>, ...ids: number[]) => ids.forEach((id) => audit.published({ ...stream, data: { id } }))
  const receive = (stream: Omit<AuditedMessage, 'data'>, ...ids: number[]) => ids.forEach((id) => audit.received('phone', text({ ...stream, data: { id } })))
  return { audit, publish, receive }
}

/** What is reported, as `kind identity`. */
function faults(audit: Audit): string[] {
  return audit.report().faults.map(({ kind, identity }) => `${kind} ${String(identity)}`)
}

describe('an audit', () => {
  it('names the client, the stream, the message and the steps', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1, 2)
    receive(TRADES, 2)

    const report = audit.report()

    expect(report.isClean).toBe(false)
    expect(report.lost).toEqual([
      {
        kind: 'lost', client: 'phone', streamType: 'TRADES', symbol: 'A', identity: 1, publishedAt: 3, step: 5,
        text: 'step 5: phone: TRADES:A 1, published at step 3, did not come, a newer message of its stream did, and no notice told the client',
      },
    ])
    expect(report.toString()).toBe(`5 steps: 2 published, 1 received, 0 told as missing\nlost: 1\n  ${report.faults[0]?.text ?? ''}`)
    expect(report.counts).toEqual({
      steps: 5, published: 2, received: 1, replaced: 0, told: 0, unchecked: 0,
      faults: { leaked: 0, lost: 1, missing: 0, twice: 0, outOfOrder: 0, unknown: 0 },
    })
  })

  it('reports a message that has not come yet as missing, and counts it in waiting', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1, 2)

    expect([audit.waiting, faults(audit)]).toEqual([2, ['missing 1', 'missing 2']])
    receive(TRADES, 1, 2)
    expect([audit.waiting, faults(audit)]).toEqual([0, []])
  })

  it('does not report a message as lost if it comes late', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1, 2)
    receive(TRADES, 2, 1, 1)

    expect(faults(audit)).toEqual(['twice 1', 'outOfOrder 1'])
  })

  it('counts a gap notice from the first message of which the client was not told yet', () => {
    const { audit, publish } = audited()
    const gap = (dropped: number | null) => audit.received('phone', JSON.stringify({ type: 'gap', stream_type: 'TRADES', symbol: 'A', dropped }))
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1)
    gap(null)
    publish(TRADES, 2, 3)
    gap(2)

    expect(faults(audit)).toEqual([])
  })

  it('excuses as many messages as a gap notice says, and all if the notice has no number', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    const gap = (dropped: number | null) => audit.received('phone', JSON.stringify({ type: 'gap', stream_type: 'TRADES', symbol: 'A', dropped }))
    publish(TRADES, 1, 2, 3)
    gap(1)
    receive(TRADES, 3)
    publish(TRADES, 4, 5)
    gap(null)
    publish(TRADES, 6)

    expect(faults(audit)).toEqual(['lost 2', 'missing 6'])
  })

  it('does not miss a message of a `latest` stream that a newer one replaced, and does not let time run back', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', PRICE)
    publish(PRICE, 1, 2, 3)
    expect(faults(audit)).toEqual(['missing 3'])
    receive(PRICE, 3, 2)

    expect(faults(audit)).toEqual(['outOfOrder 2'])
    expect(audit.report().counts.replaced).toBe(2)
  })

  it('allows the present state to come again after a subscribe, if it is marked or the stream is `latest`', () => {
    const { audit, publish, receive } = audited()
    publish(PRICE, 1)
    audit.subscribed('phone', PRICE)
    receive(PRICE, 1)
    audit.received('phone', text({ ...PRICE, data: { id: 1 } }, { snapshot: true }))
    audit.subscribed('phone', PRICE)
    receive(PRICE, 1)
    expect(faults(audit)).toEqual([])
    audit.received('phone', text({ ...TRADES, data: { book: [] } }, { snapshot: true }))
    receive(PRICE, 1)

    expect(faults(audit)).toEqual(['twice 1'])
  })

  it('reports a message as leaked if its client is not subscribed, no longer subscribed or not connected', () => {
    const { audit, publish, receive } = audited()
    publish(TRADES, 1)
    receive(TRADES, 1)
    audit.subscribed('phone', TRADES)
    publish(TRADES, 2)
    audit.unsubscribed('phone', TRADES)
    receive(TRADES, 2)
    audit.disconnected('phone')
    receive(TRADES, 2)

    expect(faults(audit)).toEqual(['leaked 1', 'leaked 2', 'leaked 2'])
  })

  it('can allow a message once that was on its way when the client lost access', () => {
    const { audit, publish, receive } = audited({ onTheWay: 'allowed' })
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1)
    audit.unsubscribed('phone', TRADES)
    publish(TRADES, 2)
    receive(TRADES, 1, 1, 2)

    expect(faults(audit)).toEqual(['leaked 1', 'leaked 2'])
  })

  it('expects one copy for subscriptions to a whole type and to one of its symbols, also after one of them ended', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', { streamType: 'TRADES' })
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1)
    publish({ ...TRADES, symbol: 'B' }, 1)
    audit.unsubscribed('phone', { streamType: 'TRADES' })
    receive(TRADES, 1)
    publish({ ...TRADES, symbol: 'B' }, 2)
    receive({ ...TRADES, symbol: 'B' }, 2)

    expect(faults(audit)).toEqual(['leaked 2'])
  })

  it('follows a client to another user', () => {
    const { audit, publish, receive } = audited()
    for (const stream of [ORDERS, TRADES]) audit.subscribed('phone', stream)
    publish({ ...ORDERS, userId: 'alice' }, 1)
    publish(TRADES, 1)
    audit.reassigned('phone', 'bob')
    audit.subscribed('phone', ORDERS)
    publish({ ...ORDERS, userId: 'bob' }, 2)
    receive({ ...ORDERS, userId: 'alice' }, 1)
    receive({ ...ORDERS, userId: 'bob' }, 2)

    expect(faults(audit)).toEqual(['leaked 1', 'missing 1'])
  })

  it('knows which clients `except` leaves out, and allows a replay to send them the message', () => {
    const { audit, receive } = audited()
    audit.subscribed('phone', TRADES)
    for (const id of [1, 2]) audit.published({ ...TRADES, data: { id } }, { except: ['phone'] })
    receive(TRADES, 1)
    expect(faults(audit)).toEqual(['leaked 1'])
    audit.disconnected('phone')
    audit.connected('phone', 'alice')
    audit.subscribed('phone', TRADES)
    receive(TRADES, 2)

    expect(faults(audit)).toEqual(['leaked 1'])
  })

  it('knows the only recipients of a message with `to`', () => {
    const { audit, receive } = audited()
    audit.connected('tablet', 'alice')
    for (const id of [1, 2]) audit.published({ ...TRADES, data: { id } }, { to: ['tablet'] })
    receive(TRADES, 1)
    audit.received('tablet', text({ ...TRADES, data: { id: 1 } }))

    expect(audit.report().faults.map(({ kind, client, identity }) => [kind, client, identity])).toEqual([['leaked', 'phone', 1], ['missing', 'tablet', 2]])
  })

  it('expects the messages that a client missed while it was away once it subscribes again, unless a notice excuses them', () => {
    const { audit, publish, receive } = audited()
    const back = () => (audit.connected('phone', 'alice'), audit.subscribed('phone', TRADES))
    audit.subscribed('phone', TRADES)
    audit.disconnected('phone')
    publish(TRADES, 1, 2)
    expect(faults(audit)).toEqual([])
    back()
    expect(faults(audit)).toEqual(['missing 1', 'missing 2'])
    receive(TRADES, 1, 2)
    audit.disconnected('phone')
    publish(TRADES, 3)
    back()
    audit.told('phone', TRADES, { recovered: false })

    expect(faults(audit)).toEqual([])
    expect(audit.report().counts.told).toBe(1)
  })

  it('expects messages from the time after an unsubscribe only if the client is told that nothing is missing', () => {
    const { audit, publish } = audited()
    audit.subscribed('phone', TRADES)
    audit.unsubscribed('phone', TRADES)
    publish(TRADES, 1)
    audit.subscribed('phone', TRADES)
    expect(faults(audit)).toEqual([])
    audit.told('phone', TRADES, { recovered: true })

    expect(faults(audit)).toEqual(['missing 1'])
  })

  it('does not expect what an answer excused, although a later answer says that nothing is missing since', () => {
    const { audit, publish, receive } = audited()
    audit.subscribing('phone', TRADES)
    publish(TRADES, 1)
    audit.told('phone', TRADES, { recovered: null })
    audit.disconnected('phone')
    publish(TRADES, 2)
    audit.connected('phone', 'alice')
    audit.subscribing('phone', TRADES)
    audit.told('phone', TRADES, { recovered: true })
    expect(faults(audit)).toEqual(['missing 2'])
    receive(TRADES, 2)

    expect(faults(audit)).toEqual([])
  })

  it('can follow a client that knows only when it sent a request and when the answer came', () => {
    const { audit, publish, receive } = audited()
    audit.subscribing('phone', TRADES)
    publish(TRADES, 1, 2, 3)
    audit.received('phone', '{"type":"subscribed","stream_type":"TRADES","symbol":"A","recovered":null}')
    expect(faults(audit)).toEqual([])
    receive(TRADES, 2)
    expect(faults(audit)).toEqual(['missing 3'])
    receive(TRADES, 3)
    audit.unsubscribing('phone', TRADES)
    publish(TRADES, 4, 5)
    receive(TRADES, 4)
    audit.received('phone', '{"type":"unsubscribed","stream_type":"TRADES","symbol":"A"}')
    expect(faults(audit)).toEqual([])
    receive(TRADES, 5)

    expect(faults(audit)).toEqual(['leaked 5'])
  })

  it('reports a message from before a revocation as leaked, also for a client that connected later', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1)
    audit.revoked({ userId: 'alice', streamType: 'TRADES' })
    publish(TRADES, 2)
    audit.subscribed('phone', TRADES)
    receive(TRADES, 1)
    publish(TRADES, 3)

    expect(faults(audit)).toEqual(['leaked 1', 'missing 3'])
  })

  it('keeps the faults of a forgotten client, and expects no more messages for it', () => {
    const { audit, publish, receive } = audited()
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1, 2, 3)
    receive(TRADES, 2)
    audit.forget('phone')

    expect(faults(audit)).toEqual(['lost 1'])
    expectCode('ERR_INVALID_ARGUMENT', () => receive(TRADES, 3))
  })

  it('remembers a limited number of publications, and counts those that it could not check', () => {
    const { audit, publish, receive } = audited({ remember: 2 })
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1, 2, 3, 4)
    receive(TRADES, 1, 3)

    expect(faults(audit)).toEqual(['missing 4', 'unknown 1'])
    expect(audit.report().counts.unchecked).toBe(2)
  })

  it('lists a limited number of faults of each kind, and counts the others', () => {
    const { audit, publish } = audited({ list: 1 })
    audit.subscribed('phone', TRADES)
    publish(TRADES, 1, 2, 3)

    expect(faults(audit)).toEqual(['missing 1'])
    expect(audit.report().counts.faults.missing).toBe(3)
    expect(audit.report().toString()).toMatch(/\n {2}and 2 more$/)
  })

  it('reads messages and identities as the test says', () => {
    const audit = createAudit({
      identify: ({ data }) => (data as { readonly tag: string }).tag,
      read: (line) => (line.startsWith('T ') ? { kind: 'message', ...TRADES, data: { tag: line.slice(2) } } : undefined),
    })
    audit.connected('phone', 'alice')
    audit.subscribed('phone', TRADES)
    audit.published({ ...TRADES, data: { tag: 'x' } })
    for (const line of ['T x', 'T y', 'rubbish']) audit.received('phone', line)

    expect(audit.report().unknown.map(({ text: line }) => line)).toEqual([
      'step 5: phone: TRADES:A "y" was not published, or is forgotten',
      'step 6: phone: a text cannot be read: "rubbish"',
    ])
  })

  it('ignores frames that are neither messages nor about what is missing', () => {
    const { audit } = audited()
    for (const frame of [{ type: 'pong' }, { type: 'status', stream_type: 'PRICE', symbol: 'A', status: 'ERROR' }, { type: 'skip', stream_type: 'TRADES', symbol: 'A', seq: 1 }]) {
      audit.received('phone', JSON.stringify(frame))
    }

    expect(audit.report().isClean).toBe(true)
  })

  it('refuses calls that would audit nothing', () => {
    const { audit, publish } = audited()
    publish(TRADES, 1)

    expectCode('ERR_INVALID_ARGUMENT', () => publish(TRADES, 1))
    expectCode('ERR_INVALID_ARGUMENT', () => audit.published({ ...TRADES, data: {} }))
    expectCode('ERR_UNKNOWN_STREAM', () => audit.subscribed('phone', { streamType: 'TRADE' }))
    expectCode('ERR_INVALID_ARGUMENT', () => audit.subscribed('phnoe', TRADES))
    expectCode('ERR_INVALID_ARGUMENT', () => audit.revoked({}))
  })

  it.each<[string, object]>([['identfy', { identfy: 1 }], ['identify', { identify: 1 }], ['read', { read: '' }], ['onTheWay', { onTheWay: 'no' }], ['remember', { remember: -1 }], ['list', { list: '5' }]])(
    'refuses a bad option %s',
    (option, options) => {
      expect(expectCode('ERR_INVALID_OPTION', () => createAudit(options))['option']).toBe(option)
    },
  )

  it('follows many more messages than it remembers', () => {
    const { audit } = audited({ remember: 1_000 })
    audit.subscribed('phone', TRADES)
    for (let id = 0; id < 20_000; id++) {
      const message = { ...TRADES, data: { id } }
      audit.published(message)
      audit.received('phone', text(message))
    }

    expect(audit.report().isClean).toBe(true)
  })
})
