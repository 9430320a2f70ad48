import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, type ConnectionManagerOptions } from '../../../src/index.ts'
import { createRecovery, positionIds, type RecoveryOptions } from '../../../src/recovery/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required', overflow: 'drop' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional' },
})
type Streams = typeof streams

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const

/** A manager with a recovery whose epochs are `e1`, `e2` and so on, or begin with another letter. */
function desk(recoveryOptions: RecoveryOptions<Streams> = {}, options: ConnectionManagerOptions<FakeSocket, Streams> = {}, letter = 'e') {
  let epochs = 0
  const recovery = createRecovery<Streams>({ randomEpoch: () => `${letter}${++epochs}`, ...recoveryOptions })
  const manager = new ConnectionManager<FakeSocket, Streams>({ clock: new ManualClock(), ...options, streams, recorder: recovery })
  let count = 0
  const connect = () => manager.addConnection(`c${++count}`, new FakeSocket(), 'alice')
  const trade = (data: unknown) => manager.publish({ ...TRADES, data })
  return { recovery, manager, connect, trade }
}

/** What a client got, each text with the id that it has: `subscribed ← e1:0`, `1 ← e1:1`, and `←` alone for a text without an id. */
function identified({ socket }: { readonly socket: FakeSocket }): string[] {
  const idOf = positionIds()
  return socket.sent.map((text) => {
    const { type, data } = JSON.parse(text) as Record<string, unknown>
    return `${String(type ?? data)} ← ${idOf(text) ?? ''}`.trimEnd()
  })
}

/** The id that an `EventSource` sends after it got so many of a client's texts; all of them if no number is given. */
function lastId({ socket }: { readonly socket: FakeSocket }, count = Infinity): string | undefined {
  const idOf = positionIds()
  return socket.sent.slice(0, count).map(idOf).findLast((id) => id !== undefined)
}

function answerAt(position: string): string {
  return `{"type":"subscribed","stream_type":"TRADES","symbol":"A","position":"${position}","recovered":null,"contiguous":true,"delivery":"every"}`
}

function messageAt(epoch: string, seq: number): string {
  return `{"stream_type":"TRADES","symbol":"A","data":1,"timestamp":"2026-01-31T12:00:00.000Z","user_id":null,"epoch":"${epoch}","seq":${seq}}`
}

describe('positionIds', () => {
  it('gives the answer, and each message behind it, the position of the client', () => {
    const { recovery, connect, trade } = desk()
    const client = connect()
    trade('early')

    recovery.subscribe(client, TRADES)
    trade('b')
    trade('c')

    expect(identified(client)).toEqual(['subscribed ← e1:1', 'b ← e1:2', 'c ← e1:3'])
  })

  it('resumes a client after any of its events, with exactly what it missed', () => {
    const { recovery, connect, trade } = desk()
    const client = connect()
    recovery.subscribe(client, TRADES)
    for (const data of ['a', 'b', 'c']) trade(data)

    for (const [count, missed] of [[1, ['a', 'b', 'c']], [2, ['b', 'c']], [4, []]] as const) {
      const back = connect()
      const { recovered } = recovery.subscribe(back, { ...TRADES, position: lastId(client, count) })

      expect({ recovered, texts: identified(back).slice(1).map((line) => line.split(' ')[0]) }).toEqual({ recovered: true, texts: missed })
    }
  })

  it('names all epochs of the channel, so that what came before a restart is not sent twice', () => {
    const before = desk()
    before.recovery.subscribe(before.connect(), TRADES)
    before.trade('a')
    before.trade('b')
    const { recovery, connect, trade } = desk({ restore: before.recovery.export() }, {}, 'f')
    const client = connect()
    recovery.subscribe(client, { ...TRADES, position: 'e1:1' })
    trade('c')

    expect(identified(client)).toEqual(['subscribed ← e1:1', 'b ← e1:2', 'c ← e1:2,f1:1'])
    const position = lastId(client)
    trade('d')
    const back = connect()
    recovery.subscribe(back, { ...TRADES, position })
    expect(identified(back)).toEqual(['subscribed ← e1:2,f1:1', 'd ← e1:2,f1:2'])
  })

  it('has no id until an announced snapshot has been sent', () => {
    const { recovery, manager, connect } = desk()
    manager.publish({ streamType: 'PRICE', symbol: 'A', data: 1 })
    const client = connect()

    recovery.subscribe(client, { streamType: 'PRICE', symbol: 'A' })

    expect(identified(client)).toEqual(['subscribed ←', '1 ← e1:1'])
    expect(lastId(client, 1)).toBeUndefined()
  })

  it('takes the place of a snapshot by the snapshot of the host, also if nothing was published before it', () => {
    const { recovery, connect, trade } = desk({ snapshot: () => 'book' })
    const client = connect()

    recovery.subscribe(client, TRADES)
    trade('delta')

    expect(identified(client)).toEqual(['subscribed ←', 'book ← e1:0', 'delta ← e1:1'])
  })

  it('goes on behind the message that replaced a snapshot before it was sent', () => {
    const { recovery, manager, connect } = desk()
    const price = (data: number) => manager.publish({ streamType: 'PRICE', symbol: 'A', data })
    price(1)
    const client = connect()
    recovery.subscribe(client, { streamType: 'PRICE', symbol: 'A' })
    client.socket.sent.splice(1)
    price(2)

    expect(identified(client)).toEqual(['subscribed ←', '2 ← e1:2'])
  })

  it('has no id for a gap notice or a message without a place, and none before a subscribe by the recovery', () => {
    const { recovery, manager, connect, trade } = desk()
    const client = connect()
    client.subscribe(TRADES)
    trade('a')
    recovery.subscribe(client, TRADES)
    manager.notifyGap(TRADES, 3)
    manager.sendToConnection(client.id, { ...TRADES, data: 'unnumbered' })
    client.send('{"type":"subscribed","streamType":"TRADES"}')

    expect(identified(client)).toEqual(['a ←', 'subscribed ← e1:1', 'gap ←', 'unnumbered ←', 'subscribed ←'])
  })

  it('passes a message that the client was left out of, so that it is not sent again', () => {
    const { recovery, manager, connect } = desk()
    const client = connect()
    recovery.subscribe(client, TRADES)
    manager.publish({ ...TRADES, data: 'its own' }, { except: client })
    const back = connect()
    const { recovered } = recovery.subscribe(back, { ...TRADES, position: lastId(client) })

    expect(identified(client)).toEqual(['subscribed ← e1:0', 'skip ← e1:1'])
    expect({ recovered, texts: identified(back) }).toEqual({ recovered: true, texts: ['subscribed ← e1:1'] })
  })

  it('is not ahead of messages that wait before a skip', () => {
    const socket = new FakeSocket({ bufferedAmount: 0 })
    const { recovery, manager, trade } = desk()
    const client = manager.addConnection('slow', socket, 'alice')
    recovery.subscribe(client, TRADES)
    socket.bufferedAmount = 1_000_000
    trade('waits')
    manager.publish({ ...TRADES, data: 'left out' }, { except: client })
    socket.bufferedAmount = 0
    client.drained()

    expect(identified(client)).toEqual(['subscribed ← e1:0', 'waits ← e1:1', 'skip ← e1:2'])
  })

  it('does not take a skip for the announced snapshot, nor for an answer', () => {
    const idOf = positionIds()
    const skipAt = (seq: number) => idOf(`{"type":"skip","stream_type":"TRADES","symbol":"A","epoch":"e1","seq":${seq}}`)
    const before = skipAt(1)
    idOf(answerAt('e1:1').replace(/\}$/, ',"snapshot":true}'))

    expect([before, skipAt(2), idOf(messageAt('e1', 3)), skipAt(4)]).toEqual([undefined, undefined, 'e1:3', 'e1:4'])
  })

  it('is never a position if one response has two streams, even two of one channel', () => {
    const { recovery, manager, connect } = desk()
    const client = connect()
    recovery.subscribe(client, { streamType: 'NEWS', symbol: 'A' })
    recovery.subscribe(client, { streamType: 'NEWS' })
    manager.publish({ streamType: 'NEWS', symbol: 'A', data: 'a' })

    expect(identified(client)).toEqual(['subscribed ← e1:0', 'subscribed ← several-streams', 'a ← several-streams'])
    const position = lastId(client)
    expect(recovery.subscribe(connect(), { streamType: 'NEWS', position }).recovered).toBe(false)
  })

  it('begins again with each answer for the same stream, whatever its command was', () => {
    const { recovery, connect, trade } = desk()
    const client = connect()
    recovery.subscribe(client, TRADES)
    client.unsubscribe(TRADES)
    trade('missed')
    recovery.subscribe(client, { ...TRADES, id: 77 })

    expect(identified(client)).toEqual(['subscribed ← e1:0', 'subscribed ← e1:1'])
  })

  it('keeps the 32 epochs that came last', () => {
    const idOf = positionIds()
    idOf(answerAt('e0:1'))
    for (let number = 1; number < 32; number++) idOf(messageAt(`e${number}`, 1))

    expect(idOf(messageAt('e0', 2))).toMatch(/^e1:1,e2:1,.*,e31:1,e0:2$/)
    expect(idOf(messageAt('e32', 1))).toMatch(/^e2:1,.*,e31:1,e0:2,e32:1$/)
  })

  it('forgets with each answer what the server does not name any more', () => {
    const idOf = positionIds()
    idOf(answerAt('e1:5'))

    expect(idOf(answerAt('e2:0'))).toBe('e2:0')
    expect(idOf(messageAt('e2', 1))).toBe('e2:1')
  })

  it('does not go back if an older message comes later, as of a whole latest type', () => {
    const idOf = positionIds()
    idOf(answerAt('e1:5'))

    expect([7, 6, 8].map((seq) => idOf(messageAt('e1', seq)))).toEqual(['e1:7', 'e1:7', 'e1:8'])
  })

  it('takes only a snapshot, or a message that is newer than it, for the announced snapshot', () => {
    const idOf = positionIds()
    idOf(answerAt('e1:15').replace(/\}$/, ',"snapshot":true}'))
    const older = [14, 15].map((seq) => idOf(messageAt('e1', seq)))

    expect([...older, idOf(messageAt('e1', 15).replace(/\}$/, ',"snapshot":true}'))]).toEqual([undefined, undefined, 'e1:15'])
  })

  it('has no id for an answer whose position is none, and goes on from the one before', () => {
    const idOf = positionIds()
    idOf(answerAt('e1:1'))

    expect([idOf(answerAt('')), idOf(messageAt('e1', 2))]).toEqual([undefined, 'e1:2'])
  })

  it('has no id for a notice of the host, even if it ends like a message', () => {
    const idOf = positionIds()
    idOf(answerAt('e1:1'))

    expect([idOf('{"type":"audit","epoch":"e1","seq":9}'), idOf(messageAt('e1', 2))]).toEqual([undefined, 'e1:2'])
  })

  it('is not misled by data that looks like a place or an answer', () => {
    const { recovery, manager, connect, trade } = desk()
    const client = connect()
    recovery.subscribe(client, TRADES)
    trade({ type: 'subscribed', position: 'x:9', epoch: 'x', seq: 9 })
    manager.sendToConnection(client.id, { ...TRADES, data: ',"epoch":"x","seq":9}' })
    manager.sendToConnection(client.id, { ...TRADES, data: { type: 'subscribed', stream_type: 'NEWS', position: 'x:9', recovered: true } })

    expect(lastId(client)).toBe('e1:1')
  })
})
