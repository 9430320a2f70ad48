import { describe, expect, it } from 'vitest'
import { createAudit, type Audit } from '../../../src/testing/index.ts'

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const
const PRICE = { streamType: 'PRICE', symbol: 'A' } as const
type Stream = typeof TRADES | typeof PRICE

function text({ streamType, symbol }: Stream, id: string, more: object = {}): string {
  return JSON.stringify({ stream_type: streamType, symbol, data: { id }, ...more })
}

/** An audit of one client that is subscribed to a stream, `phone`. The identity of a message is its publisher and a number: `a1` is of publisher `a`. */
function audited(stream: Stream) {
  const audit = createAudit()
  audit.connected('phone', 'alice')
  audit.subscribed('phone', stream)
  const publish = (...ids: string[]) => ids.forEach((id) => audit.published({ ...stream, data: { id } }, { publisher: id.charAt(0) }))
  const receive = (...ids: string[]) => ids.forEach((id) => audit.received('phone', text(stream, id)))
  const receiveState = (id: string) => audit.received('phone', text(stream, id, { snapshot: true }))
  const cut = () => audit.disconnected('phone')
  const comeBack = () => {
    audit.connected('phone', 'alice')
    audit.subscribed('phone', stream)
  }
  return { audit, publish, receive, receiveState, cut, comeBack }
}

/** What is reported, as `kind identity`. */
function faults(audit: Audit): string[] {
  return audit.report().faults.map(({ kind, identity }) => `${kind} ${String(identity)}`)
}

describe('an audit of a stream with several publishers', () => {
  it('allows their messages in any order, and expects each of them', () => {
    const { audit, publish, receive } = audited(TRADES)
    publish('a1', 'b1', 'a2', 'b2')
    receive('b1', 'b2', 'a1')

    expect(faults(audit)).toEqual(['missing a2'])
  })

  it('expects the messages of one publisher in order', () => {
    const { audit, publish, receive } = audited(TRADES)
    publish('a1', 'b1', 'a2', 'a3')
    receive('a2', 'b1', 'a1', 'a3', 'b1')

    expect(faults(audit)).toEqual(['twice b1', 'outOfOrder a1'])
  })

  it('reports a message as lost if a newer message of its own publisher came', () => {
    const { audit, publish, receive } = audited(TRADES)
    publish('a1', 'b1', 'b2')
    receive('b2')

    expect(faults(audit)).toEqual(['lost b1', 'missing a1'])
  })
})

describe('an audit of a `latest` stream with several publishers', () => {
  it('expects the newest message of all publishers only', () => {
    const { audit, publish, receive } = audited(PRICE)
    publish('a1', 'b1')
    expect(faults(audit)).toEqual(['missing b1'])
    receive('b1')

    expect(faults(audit)).toEqual([])
    expect(audit.report().counts.replaced).toBe(1)
  })

  it('allows an older message of another publisher, but no older message of the same publisher', () => {
    const { audit, publish, receive } = audited(PRICE)
    publish('b1', 'a1', 'a2')
    receive('a2', 'b1')
    expect(faults(audit)).toEqual([])
    receive('a1')

    expect(faults(audit)).toEqual(['outOfOrder a1'])
  })

  it('allows a present state that is older than what came, and the newer messages once more after it', () => {
    const { audit, publish, receive, receiveState, comeBack } = audited(PRICE)
    publish('a1', 'b1', 'a2')
    receive('a1', 'b1', 'a2')
    comeBack()

    receiveState('b1')
    receive('a2')

    expect(faults(audit)).toEqual([])
    receive('a2')
    expect(faults(audit)).toEqual(['twice a2'])
  })

  it.each([false, null])('allows messages once more after an answer of a new connection with `recovered: %s`', (recovered) => {
    const { audit, publish, receive, cut, comeBack } = audited(PRICE)
    publish('a1', 'a2', 'a3')
    receive('a1', 'a2', 'a3')
    cut()
    comeBack()
    audit.told('phone', PRICE, { recovered })
    receive('a2', 'a3')
    expect(faults(audit)).toEqual([])
    audit.told('phone', PRICE, { recovered })
    receive('a2')

    expect(faults(audit)).toEqual(['twice a2'])
  })

  it('allows no message once more after `recovered: true`, nor in a stream of one unnamed publisher, nor in a stream that is not `latest`', () => {
    const known = audited(PRICE)
    known.publish('a1', 'a2')
    known.receive('a1', 'a2')
    known.cut()
    known.comeBack()
    known.audit.told('phone', PRICE, { recovered: true })
    known.receive('a1')
    expect(faults(known.audit)).toEqual(['twice a1'])

    const { audit, comeBack } = audited(PRICE)
    for (const id of ['1', '2']) {
      audit.published({ ...PRICE, data: { id } })
      audit.received('phone', text(PRICE, id))
    }
    comeBack()
    audit.told('phone', PRICE, { recovered: false })
    audit.received('phone', text(PRICE, '1'))
    expect(faults(audit)).toEqual(['twice 1'])

    const trades = audited(TRADES)
    trades.publish('a1', 'a2')
    trades.receive('a1', 'a2')
    trades.comeBack()
    trades.audit.told('phone', TRADES, { recovered: false })
    trades.receive('a1')
    expect(faults(trades.audit)).toEqual(['twice a1'])
  })
})

describe('an audit of a publisher that died', () => {
  it('does not expect its messages that have not come, and allows them', () => {
    const { audit, publish, receive } = audited(TRADES)
    publish('a1', 'a2', 'a3', 'b1')
    audit.died('a')
    expect(faults(audit)).toEqual(['missing b1'])
    receive('a2', 'b1')

    expect([audit.waiting, faults(audit)]).toEqual([0, []])
  })

  it('still reports its messages that come twice or out of order', () => {
    const { audit, publish, receive } = audited(TRADES)
    publish('a1', 'a2')
    receive('a1')
    audit.died('a')
    receive('a1', 'a2', 'a2')

    expect(faults(audit)).toEqual(['twice a1', 'twice a2'])
  })

  it('still reports a message that was lost before it died', () => {
    const { audit, publish, receive } = audited(TRADES)
    publish('a1', 'a2')
    receive('a2')
    audit.died('a')

    expect(faults(audit)).toEqual(['lost a1'])
  })

  it.each([TRADES, PRICE])('does not expect its messages of $streamType that a client missed while it was away', (stream) => {
    const { audit, publish, cut, comeBack } = audited(stream)
    cut()
    publish('b1', 'a1')
    audit.died('a')
    comeBack()

    expect(faults(audit)).toEqual(['missing b1'])
  })

  it.each([TRADES, PRICE])('does not expect its messages of $streamType if the client is told that nothing is missing', (stream) => {
    const { audit, publish, receive, cut, comeBack } = audited(stream)
    publish('a1', 'a2')
    cut()
    audit.died('a')
    comeBack()
    audit.told('phone', stream, { recovered: true })
    expect(faults(audit)).toEqual([])
    receive('a2')

    expect(faults(audit)).toEqual([])
  })

  it('allows its messages after the answer to a subscription, and does not count them as told', () => {
    const { audit, publish, receive } = audited(TRADES)
    publish('a1', 'a2')
    audit.died('a')
    audit.told('phone', TRADES, { recovered: false })
    receive('a1')

    expect(faults(audit)).toEqual([])
    expect(audit.report().counts.told).toBe(0)
  })

  it('expects the messages that it publishes when it has started again', () => {
    const { audit, publish, cut, comeBack } = audited(TRADES)
    publish('a1')
    audit.died('a')
    publish('a2')
    cut()
    publish('a3')
    comeBack()

    expect(faults(audit)).toEqual(['missing a2', 'missing a3'])
  })

  it('expects the messages of the other publishers, also for a client that connects later', () => {
    const { audit, publish } = audited(TRADES)
    audit.died('a')
    audit.connected('tablet', 'bob')
    audit.subscribed('tablet', TRADES)
    publish('b1')

    expect(audit.report().missing.map(({ client }) => client)).toEqual(['phone', 'tablet'])
  })
})
