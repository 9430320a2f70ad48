import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager, defineStreams, type Connection, type ConnectionManagerOptions } from '../../../src/index.ts'
import { createRecovery, type RecoveryOptions } from '../../../src/recovery/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional' },
  TICKER: { audience: 'public', symbol: 'optional', delivery: 'latest' },
  RATE: { audience: 'public', symbol: 'none', delivery: 'latest' },
  ORDERS: { audience: 'private' },
})
type Streams = typeof streams
type Options = Omit<ConnectionManagerOptions<FakeSocket, Streams>, 'streams' | 'recorder'>

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const
const PRICE = { streamType: 'PRICE', symbol: 'A' } as const
const ORDERS = { streamType: 'ORDERS' } as const

/** A manager with a recovery whose epochs are e1, e2 and so on, in the order in which channels are first used. */
function desk(options: RecoveryOptions<Streams> = {}, managerOptions: Options = {}) {
  const clock = new ManualClock()
  let epochs = 0
  const recovery = createRecovery<Streams>({ randomEpoch: () => `e${++epochs}`, ...options })
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock, recorder: recovery, ...managerOptions })
  let count = 0
  const connect = (userId = 'alice') => manager.addConnection(`c${++count}`, new FakeSocket(), userId)
  const trade = (data: unknown, symbol = 'A') => manager.publish({ streamType: 'TRADES', symbol, data })
  return { clock, recovery, manager, connect, trade }
}

/** What a client got: `subscribed …`, `e1:3 data`, `snapshot e1:3 data`. */
function received({ socket }: { readonly socket: FakeSocket }): string[] {
  return socket.sent.map((text) => {
    const { type, position, recovered, epoch, seq, data, snapshot } = JSON.parse(text) as Record<string, unknown>
    if (type === 'subscribed') return `subscribed at ${String(position)}, recovered: ${String(recovered)}${snapshot === true ? ', snapshot' : ''}`
    if (type === 'gap') return `gap ${String(JSON.parse(text).dropped)}`
    if (type === 'skip') return `skip ${String(epoch)}:${String(seq)}`
    return `${snapshot === true ? 'snapshot ' : ''}${String(epoch)}:${String(seq)} ${String(data)}`
  })
}

describe('a recovery', () => {
  it('numbers the messages of each channel from 1, in its own epoch, after the keys of the wire form', () => {
    const { manager, connect, trade } = desk()
    const client = connect()
    client.subscribe(TRADES)
    client.subscribe({ ...TRADES, symbol: 'B' })

    trade(1)
    trade(2)
    trade(3, 'B')

    expect(received(client)).toEqual(['e1:1 1', 'e1:2 2', 'e2:1 3'])
    expect(client.socket.sent[0]).toMatch(/^\{"stream_type":"TRADES","symbol":"A","data":1,"timestamp":"[^"]+","user_id":null,"epoch":"e1","seq":1\}$/)
    expect(manager.stats().sent).toBe(3)
  })

  it('has one channel for each type with optional symbols, and one channel for each user of a private type', () => {
    const { manager, connect } = desk()
    const client = connect('alice')
    client.subscribe({ streamType: 'NEWS' })
    client.subscribe(ORDERS)

    for (const symbol of ['A', 'B', undefined]) manager.publish({ streamType: 'NEWS', symbol, data: symbol ?? 'all' })
    for (const userId of ['alice', 'bob', 'alice']) manager.publish({ ...ORDERS, userId, data: userId })

    expect(received(client)).toEqual(['e1:1 A', 'e1:2 B', 'e1:3 all', 'e2:1 alice', 'e2:2 alice'])
  })

  it('does not use the number of a message that could not be published', () => {
    const { connect, trade } = desk()
    const client = connect()
    client.subscribe(TRADES)

    trade(1)
    expectCode('ERR_UNSERIALIZABLE', () => trade(1n))
    trade(2)

    expect(received(client)).toEqual(['e1:1 1', 'e1:2 2'])
  })

  it('tells a connection that `except` leaves out which message it does not get', () => {
    const { manager, connect } = desk()
    const [sender, other] = [connect(), connect()]
    for (const client of [sender, other]) client.subscribe(TRADES)

    manager.publish({ ...TRADES, data: 1 }, { except: sender })

    expect([received(sender), received(other)]).toEqual([['skip e1:1'], ['e1:1 1']])
    expect(sender.socket.sent).toEqual(['{"type":"skip","stream_type":"TRADES","symbol":"A","epoch":"e1","seq":1}'])
  })
})

describe('recovery.subscribe', () => {
  it('tells a new client its position before any message', () => {
    const { recovery, connect, trade } = desk()
    const client = connect()

    const answer = recovery.subscribe(client, TRADES)
    trade(1)

    expect(answer).toMatchObject({ recovered: null, replayed: 0 })
    expect(answer.subscription.status).toBe('CONNECTED')
    expect(received(client)).toEqual(['subscribed at e1:0, recovered: null', 'e1:1 1'])
  })

  it('tells a newcomer that the source of the stream has failed before anything else', () => {
    const { recovery, manager, connect } = desk()
    connect('bob').subscribe(TRADES)
    manager.setStreamStatus(TRADES, 'ERROR')
    const client = connect()

    recovery.subscribe(client, TRADES)

    expect(client.socket.sent.map((text) => (JSON.parse(text) as { readonly type: string }).type)).toEqual(['status', 'subscribed'])
  })

  it('answers with the notice `subscribed` of the protocol', () => {
    const { recovery, connect } = desk()
    const client = connect()

    recovery.subscribe(client, { ...TRADES, id: 7 })
    recovery.subscribe(client, { streamType: 'NEWS', symbol: 'A' })
    recovery.subscribe(client, { streamType: 'TICKER' })
    recovery.subscribe(client, { streamType: 'NEWS' })

    expect(client.socket.sent).toEqual([
      '{"type":"subscribed","id":7,"stream_type":"TRADES","symbol":"A","position":"e1:0","recovered":null,"contiguous":true,"delivery":"every"}',
      '{"type":"subscribed","stream_type":"NEWS","symbol":"A","position":"e2:0","recovered":null,"contiguous":false,"delivery":"every"}',
      '{"type":"subscribed","stream_type":"TICKER","symbol":null,"position":"e3:0","recovered":null,"contiguous":false,"delivery":"latest"}',
      '{"type":"subscribed","stream_type":"NEWS","symbol":null,"position":"e2:0","recovered":null,"contiguous":true,"delivery":"every"}',
    ])
  })

  it('gives a returning client exactly the messages that it missed, and then live messages', () => {
    const { recovery, connect, trade } = desk()
    for (const data of [1, 2, 3, 4]) trade(data)
    const client = connect()

    const answer = recovery.subscribe(client, { ...TRADES, position: 'e1:2' })
    trade(5)

    expect(answer).toMatchObject({ recovered: true, replayed: 2 })
    expect(received(client)).toEqual(['subscribed at e1:2, recovered: true', 'e1:3 3', 'e1:4 4', 'e1:5 5'])
    expect(recovery.stats().resumes).toEqual({ recovered: 1, refused: 0 })
  })

  it('sends a subscriber to one symbol of a whole type only the missed messages of this symbol', () => {
    const { recovery, manager, connect } = desk()
    for (const symbol of ['A', 'B', 'A', undefined]) manager.publish({ streamType: 'NEWS', symbol, data: symbol ?? 'all' })
    const [ofA, ofAll] = [connect(), connect()]

    recovery.subscribe(ofA, { streamType: 'NEWS', symbol: 'A', position: 'e1:1' })
    recovery.subscribe(ofAll, { streamType: 'NEWS', position: 'e1:1' })

    expect(received(ofA)).toEqual(['subscribed at e1:1, recovered: true', 'e1:3 A'])
    expect(received(ofAll)).toEqual(['subscribed at e1:1, recovered: true', 'e1:2 B', 'e1:3 A', 'e1:4 all'])
  })

  it.each([
    ['of another epoch', 'zz:2'],
    ['of an epoch that is there and one that is not', 'e1:2,zz:1'],
    ['of another channel', 'e2:1'],
    ['from the future', 'e1:5'],
    ['that is empty', ''],
    ['without a number', 'e1:'],
    ['with a number that is none', 'e1:x'],
    ['with a fraction', 'e1:1.5'],
    ['with a negative number', 'e1:-1'],
    ['with a leading zero', 'e1:02'],
    ['that names an epoch twice', 'e1:1,e1:2'],
    ['that is longer than 1,024 units', `e1:2${','.repeat(1_100)}`],
    ['that is a number', 2],
    ['that is an object', { epoch: 'e1' }],
  ])('cannot prove that nothing is missing since a position %s', (_which, position) => {
    const { recovery, connect, trade } = desk()
    trade(1)
    trade(2)
    trade(3, 'B')
    const client = connect()

    const answer = recovery.subscribe(client, { ...TRADES, position: position as string })

    expect(answer).toMatchObject({ recovered: false, replayed: 0 })
    expect(received(client)).toEqual(['subscribed at e1:2, recovered: false'])
    expect(recovery.stats().resumes).toEqual({ recovered: 0, refused: 1 })
  })

  it.each([
    ['too many', { count: 2 }, {}],
    ['too long', { units: 300 }, {}],
    ['too many for one connection', {}, { count: 2 }],
    ['too long for one connection', {}, { units: 300 }],
    ['not kept', { count: 0 }, {}],
  ])('says that it cannot if what was missed is %s', (_why, history, replay) => {
    const { recovery, connect, trade } = desk({ history, replay })
    for (const data of [1, 2, 3, 4]) trade(data)
    const client = connect()

    expect(recovery.subscribe(client, { ...TRADES, position: 'e1:1' })).toMatchObject({ recovered: false, replayed: 0 })
  })

  it('answers `recovered: false` if a missed message is too old, and recovers younger messages', () => {
    const { recovery, clock, connect, trade } = desk({ history: { ageMs: 100 } })
    connect().subscribe(TRADES)
    trade(1)
    clock.advance(60)
    trade(2)
    clock.advance(50)

    expect(recovery.subscribe(connect(), { ...TRADES, position: 'e1:0' }).recovered).toBe(false)
    expect(recovery.subscribe(connect(), { ...TRADES, position: 'e1:1' })).toMatchObject({ recovered: true, replayed: 1 })
    clock.advance(50)
    expect(recovery.stats().messages).toBe(0)
    expect(recovery.subscribe(connect(), { ...TRADES, position: 'e1:2' })).toMatchObject({ recovered: true, replayed: 0 })
  })

  it('gives a new client of a latest stream the last value, marked as a snapshot', () => {
    const { recovery, manager, connect } = desk()
    for (const data of [1, 2]) manager.publish({ ...PRICE, data })
    const [newcomer, stranger, back] = [connect(), connect(), connect()]

    recovery.subscribe(newcomer, PRICE)
    recovery.subscribe(stranger, { ...PRICE, position: 'zz:1' })
    recovery.subscribe(back, { ...PRICE, position: 'e1:1' })

    expect(received(newcomer)).toEqual(['subscribed at e1:1, recovered: null, snapshot', 'snapshot e1:2 2'])
    expect(received(stranger)).toEqual(['subscribed at e1:1, recovered: false, snapshot', 'snapshot e1:2 2'])
    expect(received(back)).toEqual(['subscribed at e1:1, recovered: true', 'e1:2 2'])
    expect(newcomer.socket.sent[1]).toMatch(/"epoch":"e1","seq":2,"snapshot":true\}$/)
  })

  it('gives a new client of a whole latest type the last value of each symbol, oldest first', () => {
    const { recovery, manager, connect } = desk()
    for (const [symbol, data] of [['A', 1], ['B', 2], ['A', 3], ['C', 4]] as const) manager.publish({ streamType: 'TICKER', symbol, data })
    const [all, ofB, back] = [connect(), connect(), connect()]

    recovery.subscribe(all, { streamType: 'TICKER' })
    recovery.subscribe(ofB, { streamType: 'TICKER', symbol: 'B' })
    recovery.subscribe(back, { streamType: 'TICKER', symbol: 'A', position: 'e1:2' })

    expect(received(all)).toEqual(['subscribed at e1:1, recovered: null, snapshot', 'snapshot e1:2 2', 'snapshot e1:3 3', 'snapshot e1:4 4'])
    expect(received(ofB)).toEqual(['subscribed at e1:1, recovered: null, snapshot', 'snapshot e1:2 2'])
    expect(received(back)).toEqual(['subscribed at e1:2, recovered: true', 'e1:3 3'])
  })

  it('never recovers a whole latest type, because a newer message may overtake an older one', () => {
    const { recovery, manager, connect } = desk({}, { delivery: { softLimitBytes: 0 } })
    const ticker = (symbol: string, data: number) => void manager.publish({ streamType: 'TICKER', symbol, data })
    const slow = manager.addConnection('slow', new FakeSocket({ bufferedAmount: 1_000 }), 'alice')
    recovery.subscribe(slow, { streamType: 'TICKER' })
    ticker('A', 1)
    ticker('B', 2)
    ticker('A', 3)
    slow.socket.drain()
    slow.drained()
    expect(received(slow)).toEqual(['subscribed at e1:0, recovered: null', 'e1:3 3', 'e1:2 2'])

    const back = connect()
    const { recovered } = recovery.subscribe(back, { streamType: 'TICKER', position: 'e1:3' })

    expect(recovered).toBe(false)
    expect(received(back).slice(1)).toEqual(['snapshot e1:2 2', 'snapshot e1:3 3'])
  })

  it('recovers a latest type without symbols, because no message of it can overtake another', () => {
    const { recovery, manager, connect } = desk()
    for (const data of [1, 2]) manager.publish({ streamType: 'RATE', data })
    const [back, current] = [connect(), connect()]

    recovery.subscribe(back, { streamType: 'RATE', position: 'e1:1' })
    recovery.subscribe(current, { streamType: 'RATE', position: 'e1:2' })

    expect([received(back), received(current)]).toEqual([['subscribed at e1:1, recovered: true', 'e1:2 2'], ['subscribed at e1:2, recovered: true']])
  })

  it('gives a new client the result of the option snapshot, with the number of the last message that it contains', () => {
    const asked: unknown[] = []
    const { recovery, connect, trade } = desk({ snapshot: (stream) => (asked.push(stream), { book: 'A' }) })
    for (const data of [1, 2]) trade(data)
    const client = connect()

    recovery.subscribe(client, TRADES)
    trade(3)

    expect(asked).toEqual([{ streamType: 'TRADES', symbol: 'A', userId: undefined }])
    expect(received(client)).toEqual(['subscribed at e1:2, recovered: null, snapshot', 'snapshot e1:2 [object Object]', 'e1:3 3'])
  })

  it.each<[string, (text: string, stamp: { readonly snapshot?: true }) => string]>([
    ['throws', (text, { snapshot }) => { if (snapshot) throw new Error('no stamp'); return text }],
    ['returns no text', (text, { snapshot }) => (snapshot ? (7 as never) : text)],
    ['returns bytes', (text, { snapshot }) => (snapshot ? (new TextEncoder().encode(text) as never) : text)],
    ['returns a text that is too long', (text, { snapshot }) => (snapshot ? 'x'.repeat(1_001) : text)],
  ])('sends the notice alone if stamp %s for a snapshot', (_case, stamp) => {
    const errors: unknown[] = []
    const limits = { delivery: { hardLimitBytes: 1_000 }, quotas: { messageUnits: 1_000 } }
    const { recovery, manager, connect } = desk({ stamp, onError: (error) => void errors.push(error) }, limits)
    manager.publish({ ...PRICE, data: 1 })
    const client = connect()

    expect(recovery.subscribe(client, PRICE)).toMatchObject({ recovered: null, replayed: 0 })
    expect([received(client), errors.length]).toEqual([['subscribed at e1:1, recovered: null'], 1])
  })

  it.each([
    ['hardLimitBytes', { hardLimitBytes: 1_000, messageUnits: 500 }],
    ['messageUnits', { hardLimitBytes: 500, messageUnits: 1_000 }],
  ])('sends a snapshot that is as long as %s if that is the larger limit', (_which, { hardLimitBytes, messageUnits }) => {
    const stamp = (text: string, { snapshot }: { readonly snapshot?: true }): string => (snapshot ? 'x'.repeat(1_000) : text)
    const { recovery, manager, connect } = desk({ stamp, replay: { units: Infinity } }, { delivery: { hardLimitBytes }, quotas: { messageUnits } })
    manager.publish({ ...PRICE, data: 1 })
    const client = connect()

    expect(recovery.subscribe(client, PRICE).replayed).toBe(1)
    expect(client.socket.sent.map(({ length }) => length).slice(1)).toEqual([1_000])
  })

  it('sends no snapshot if the option snapshot returns a promise', () => {
    const errors: unknown[] = []
    const { recovery, connect } = desk({ snapshot: () => Promise.reject(new Error('late')), onError: (error) => void errors.push(error) })
    const client = connect()

    expect(recovery.subscribe(client, TRADES).replayed).toBe(0)
    expect([received(client), errors.length]).toEqual([['subscribed at e1:0, recovered: null'], 1])
  })

  it.each([undefined, null, 7, { ...TRADES, id: 1n }, { ...TRADES, id: 'x' }])('refuses the request %o, and changes nothing', (request) => {
    const { recovery, connect } = desk()
    const client = connect()

    expectCode('ERR_INVALID_ARGUMENT', () => recovery.subscribe(client, request as never))

    expect([client.subscriptions(), client.socket.sent]).toEqual([[], []])
  })

  it('names what it refuses: the field `id`, or the connection that was removed', () => {
    const { recovery, connect } = desk()
    const client = connect()

    expect(expectCode('ERR_INVALID_ARGUMENT', () => recovery.subscribe(client, { ...TRADES, id: 0.5 }))['field']).toBe('id')
    void client.remove()
    expect(expectCode('ERR_UNKNOWN_CONNECTION', () => recovery.subscribe(client, TRADES))['connectionId']).toBe(client.id)
  })

  it.each<[string, () => never | undefined]>([['is undefined', () => undefined], ['throws', () => { throw new Error('no book') }]])(
    'sends the notice alone if the snapshot %s',
    (_case, snapshot) => {
      const errors: unknown[] = []
      const { recovery, connect, trade } = desk({ snapshot, onError: (error) => void errors.push((error as Error).message) })
      trade(1)
      const client = connect()

      recovery.subscribe(client, TRADES)

      expect(received(client)).toEqual(['subscribed at e1:1, recovered: null'])
      expect(errors).toEqual(snapshot.toString().includes('throw') ? ['no book'] : [])
    },
  )

  it('first purges queued messages of the stream, so that no message comes twice', () => {
    const { recovery, manager, connect, trade } = desk({}, { transport: { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) } })
    const client = connect()
    recovery.subscribe(client, TRADES)
    for (const data of [1, 2]) trade(data)

    recovery.subscribe(client, { ...TRADES, position: 'e1:0' })
    trade(3)
    client.flush()

    expect(received(client)).toEqual(['subscribed at e1:0, recovered: null', 'subscribed at e1:0, recovered: true', 'e1:1 1', 'e1:2 2', 'e1:3 3'])
    expect(manager.stats()).toMatchObject({ purged: 2, waiting: 0 })
  })

  it.each<[string, (client: Connection<FakeSocket, Streams>, manager: ConnectionManager<FakeSocket, Streams>) => void]>([
    ['the user', (_client, manager) => void manager.addSubscription({ userId: 'alice', ...TRADES })],
    ['the connection', (client) => void client.subscribe(TRADES)],
  ])('first sends what waits to a client that gives no position, if %s is subscribed already', (_who, subscribe) => {
    const { recovery, manager, connect, trade } = desk({}, { transport: { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) } })
    const client = connect()
    subscribe(client, manager)
    client.subscribe({ ...TRADES, symbol: 'B' })
    trade(1)

    recovery.subscribe(client, TRADES)
    trade(2)
    client.flush()

    expect(received(client)).toEqual(['e1:1 1', 'subscribed at e1:1, recovered: null', 'e1:2 2'])
  })

  it('first sends what waits of a symbol to a client that asks for the whole type and gives no position', () => {
    const { recovery, manager, connect } = desk({}, { transport: { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) } })
    const client = connect()
    manager.addSubscription({ userId: 'alice', streamType: 'NEWS', symbol: 'A' })
    manager.publish({ streamType: 'NEWS', symbol: 'A', data: 1 })

    recovery.subscribe(client, { streamType: 'NEWS' })
    client.flush()

    expect(received(client)).toEqual(['e1:1 1', 'subscribed at e1:1, recovered: null'])
  })

  it('first sends what waits of the whole type, if the socket has room again, to a client that asks for a symbol and gives no position', () => {
    const { recovery, manager } = desk()
    const socket = new FakeSocket({ bufferedAmount: 0 })
    const client = manager.addConnection('slow', socket, 'alice')
    client.subscribe({ streamType: 'NEWS' })
    socket.bufferedAmount = 1e9
    manager.publish({ streamType: 'NEWS', symbol: 'A', data: 1 })
    socket.bufferedAmount = 0

    recovery.subscribe(client, { streamType: 'NEWS', symbol: 'A' })
    client.drained()

    expect(received(client)).toEqual(['e1:1 1', 'subscribed at e1:1, recovered: null'])
  })

  it('writes nothing early for a client that did not have the stream', () => {
    const { recovery, connect } = desk({}, { transport: { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) } })
    const client = connect()

    for (const stream of [TRADES, { ...TRADES, symbol: 'B' }, PRICE, { streamType: 'NEWS' }, { streamType: 'TICKER', symbol: 'A' }] as const) recovery.subscribe(client, stream)
    const early = received(client)
    client.flush()

    expect([early, received(client).length]).toEqual([[], 5])
  })

  it.each<[string, Partial<RecoveryOptions<Streams>>, string[]]>([
    ['tells it of a gap', {}, ['gap null', 'subscribed at e1:2, recovered: null', 'e1:3 3']],
    ['sends a snapshot instead', { snapshot: () => 'book' }, ['subscribed at e1:2, recovered: null, snapshot', 'snapshot e1:2 book', 'e1:3 3']],
  ])('%s if such a client has no room for what waits', (_what, options, expected) => {
    const { recovery, manager, trade } = desk(options)
    const socket = new FakeSocket({ bufferedAmount: 0 })
    const client = manager.addConnection('slow', socket, 'alice')
    client.subscribe(TRADES)
    socket.bufferedAmount = 1e9
    trade(1)
    trade(2)

    recovery.subscribe(client, TRADES)
    trade(3)
    socket.bufferedAmount = 0
    client.drained()

    expect(received(client)).toEqual(expected)
  })

  it('tells no gap to a slow client that waits for other streams only', () => {
    const { recovery, manager, trade } = desk()
    const socket = new FakeSocket({ bufferedAmount: 0 })
    const client = manager.addConnection('slow', socket, 'alice')
    for (const symbol of ['A', 'B']) client.subscribe({ ...TRADES, symbol })
    socket.bufferedAmount = 1e9
    trade('b', 'B')

    recovery.subscribe(client, TRADES)
    socket.bufferedAmount = 0
    client.drained()

    expect(received(client)).toEqual(['subscribed at e1:0, recovered: null', 'e2:1 b'])
  })

  it('answers a client without a position that asks again while a message is on its way to it, when it has that', () => {
    const { recovery, connect, trade } = desk()
    const [first, second] = [connect(), connect()]
    for (const client of [first, second]) recovery.subscribe(client, TRADES)
    first.socket.script.send = (text) => {
      if (text.includes('"seq":1')) recovery.subscribe(second, TRADES)
    }

    trade(1)
    trade(2)

    expect(received(second)).toEqual(['subscribed at e1:0, recovered: null', 'e1:1 1', 'subscribed at e1:1, recovered: null', 'e1:2 2'])
  })

  it.each<[string, boolean]>([['this connection', true], ['another connection of the user', false]])(
    'purges a symbol of a whole type unless %s is subscribed to the whole type',
    (_which, isOwn) => {
      const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
      const { recovery, manager, connect } = desk({}, { transport: { write } })
      const [client, other] = [connect(), connect()]
      ;(isOwn ? client : other).subscribe({ streamType: 'NEWS' })
      client.subscribe({ streamType: 'NEWS', symbol: 'A' })
      manager.publish({ streamType: 'NEWS', symbol: 'A', data: 1 })

      recovery.subscribe(client, { streamType: 'NEWS', symbol: 'A', position: 'e1:0' })
      client.flush()

      expect(received(client)).toEqual([...(isOwn ? ['e1:1 1'] : []), 'subscribed at e1:0, recovered: true', 'e1:1 1'])
    },
  )

  it('purges a whole type, although the client also has symbols of other types', () => {
    const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
    const { recovery, manager, connect } = desk({}, { transport: { write } })
    const client = connect()
    for (const stream of [{ streamType: 'NEWS' }, TRADES] as const) client.subscribe(stream)
    manager.publish({ streamType: 'NEWS', symbol: 'A', data: 1 })

    recovery.subscribe(client, { streamType: 'NEWS', position: 'e1:0' })
    client.flush()

    expect(received(client)).toEqual(['subscribed at e1:0, recovered: true', 'e1:1 1'])
  })

  it('sends a snapshot of the whole type instead of what waits of a symbol', () => {
    const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
    const { recovery, manager, connect } = desk({ snapshot: () => 'all news' }, { transport: { write } })
    const client = connect()
    client.subscribe({ streamType: 'NEWS', symbol: 'A' })
    manager.publish({ streamType: 'NEWS', symbol: 'A', data: 1 })

    recovery.subscribe(client, { streamType: 'NEWS', position: 'zz:1' })
    client.flush()

    expect(received(client)).toEqual(['subscribed at e1:1, recovered: false, snapshot', 'snapshot e1:1 all news'])
  })

  it('does not look through all connections of a whole type for a client whose user has only other subscriptions', () => {
    const { recovery, manager, connect } = desk()
    const client = connect()
    for (const stream of [{ streamType: 'TICKER' }, { streamType: 'NEWS', symbol: 'B' }] as const) client.subscribe(stream)
    const connectionsOf = vi.spyOn(manager, 'connectionsOf')

    recovery.subscribe(client, { streamType: 'NEWS', symbol: 'A', position: 'e1:0' })

    expect(connectionsOf).not.toHaveBeenCalled()
  })

  it('does not look through all subscriptions of the user for a stream that requires a symbol, if the client gives a position', () => {
    const { recovery, manager, connect } = desk()
    const client = connect()
    const getUserSubscriptions = vi.spyOn(manager, 'getUserSubscriptions')

    recovery.subscribe(client, { ...TRADES, position: 'e1:0' })

    expect(getUserSubscriptions).not.toHaveBeenCalled()
  })

  it.each<[string, string | undefined, string]>([
    ['is new', undefined, 'e1:2, recovered: null'],
    ['is resumed', 'e1:2', 'e1:2, recovered: true'],
    ['is refused', 'e9:2', 'e1:2, recovered: false'],
  ])('keeps what it sends again of a symbol if the whole type %s after it', (_what, position, answer) => {
    const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
    const { recovery, manager, connect } = desk({}, { transport: { write } })
    for (const data of [1, 2]) manager.publish({ streamType: 'NEWS', symbol: 'A', data })
    const client = connect()

    recovery.subscribe(client, { streamType: 'NEWS', symbol: 'A', position: 'e1:0' })
    recovery.subscribe(client, { streamType: 'NEWS', position })
    client.flush()

    expect(received(client)).toEqual(['subscribed at e1:0, recovered: true', 'e1:1 1', 'e1:2 2', `subscribed at ${answer}`])
  })

  it('does not send a message that the option snapshot publishes, because the snapshot contains it', () => {
    const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
    const { recovery, connect, trade } = desk({ snapshot: () => (trade(1), { book: 'A' }) }, { transport: { write } })
    const client = connect()
    recovery.subscribe(client, TRADES)
    trade(2)
    client.flush()

    expect(received(client)).toEqual(['subscribed at e1:1, recovered: null, snapshot', 'snapshot e1:1 [object Object]', 'e1:2 2'])
  })

  it('is one step: a message that a socket publishes meanwhile comes after it', () => {
    const { recovery, connect, trade } = desk()
    trade(1)
    const client = connect()
    client.socket.script.send = (text) => {
      if (text.includes('subscribed')) trade(2)
    }

    recovery.subscribe(client, { ...TRADES, position: 'e1:0' })

    expect(received(client)).toEqual(['subscribed at e1:0, recovered: true', 'e1:1 1', 'e1:2 2'])
  })

  it.each<[string, (client: ReturnType<ReturnType<typeof desk>['connect']>, manager: ReturnType<typeof desk>['manager']) => void]>([
    ['revokes the stream', (_client, manager) => void manager.revoke(ORDERS)],
    ['unsubscribes', (client) => void client.unsubscribe(ORDERS)],
    ['removes the connection', (client) => void client.remove()],
    ['gives the connection to another user', (client) => client.reassign('bob')],
    ['gives the connection to another user, who subscribes as well', (client) => void [client.reassign('bob'), client.subscribe(ORDERS)]],
  ])('ends a replay if a socket %s in the middle of it', (_what, act) => {
    const { recovery, manager, connect } = desk()
    for (const data of [1, 2, 3]) manager.publish({ ...ORDERS, userId: 'alice', data })
    connect().subscribe(ORDERS)
    const client = connect()
    for (const other of [{ streamType: 'TICKER' }, { ...ORDERS, symbol: 'A' }] as const) client.subscribe(other)
    client.socket.script.send = (text) => {
      if (text.includes('"seq":1')) act(client, manager)
    }

    const { recovered, replayed } = recovery.subscribe(client, { ...ORDERS, position: 'e1:0' })

    expect(received(client)).toEqual(['subscribed at e1:0, recovered: true', 'e1:1 1'])
    expect([recovered, replayed]).toEqual([true, 1])
  })

  it('does not send a message twice if the message is being delivered during the call', () => {
    const { recovery, connect, trade } = desk()
    const [first, second] = [connect(), connect()]
    for (const client of [first, second]) recovery.subscribe(client, TRADES)
    first.socket.script.send = (text) => {
      if (text.includes('"seq":1')) recovery.subscribe(second, { ...TRADES, position: 'e1:0' })
    }

    trade(1)
    trade(2)

    expect(received(second)).toEqual(['subscribed at e1:0, recovered: null', 'subscribed at e1:0, recovered: true', 'e1:1 1', 'e1:2 2'])
  })

  it('keeps the order for a connection that a toJSON subscribes: it gets the message live', () => {
    const { recovery, connect, trade } = desk()
    const client = connect()

    trade({ toJSON: () => (recovery.subscribe(client, TRADES), 'live') })

    expect(received(client)).toEqual(['subscribed at e1:0, recovered: null', 'e1:1 live'])
  })

  it('never sends messages from before a revocation, not even to a user who was not connected', () => {
    const { recovery, manager, connect } = desk()
    const order = (data: unknown) => manager.publish({ ...ORDERS, userId: 'alice', data })
    order(1)
    manager.revoke({ userId: 'alice', streamType: 'ORDERS' })
    order(2)

    expect(recovery.subscribe(connect(), { ...ORDERS, position: 'e1:0' })).toMatchObject({ recovered: false, replayed: 0 })
    expect(recovery.subscribe(connect(), { ...ORDERS, position: 'e1:1' })).toMatchObject({ recovered: true, replayed: 1 })
  })

  it('respects a revocation at once, also within a batch, and only for what was published before', () => {
    const { recovery, manager, connect } = desk()
    const order = (data: unknown) => manager.publish({ ...ORDERS, userId: 'alice', data })
    const client = connect()
    order(1)

    const [refused, recovered] = manager.batch(() => {
      manager.revoke({ userId: 'alice', streamType: 'ORDERS' })
      order(2)
      return ['e1:0', 'e1:1'].map((position) => recovery.subscribe(client, { ...ORDERS, position }).recovered)
    })

    expect([refused, recovered]).toEqual([false, true])
    expect(recovery.subscribe(client, { ...ORDERS, position: 'e1:1' }).recovered).toBe(true)
  })

  it('never sends messages again that were deferred when the revocation came, and got their numbers later', () => {
    const { recovery, manager, connect } = desk()
    const order = (data: unknown) => manager.publish({ ...ORDERS, userId: 'alice', data })
    const first = connect()
    first.subscribe(ORDERS)
    first.socket.script.send = () => {
      first.socket.script.send = undefined
      for (const data of [2, 3]) order(data)
      manager.sendToUser('alice', { ...ORDERS, data: 'direct' })
      manager.revoke({ userId: 'alice', streamType: 'ORDERS' })
      order(4)
    }
    order(1)

    expect(recovery.subscribe(connect(), { ...ORDERS, position: 'e1:1' })).toMatchObject({ recovered: false, replayed: 0 })
    expect(recovery.subscribe(connect(), { ...ORDERS, position: 'e1:3' })).toMatchObject({ recovered: true, replayed: 1 })
  })

  it('respects a revocation if the recorder of the manager is an object that forwards only what a recorder must have', () => {
    const recovery = createRecovery<Streams>({ randomEpoch: () => 'e1' })
    const recorder = { attach: recovery.attach.bind(recovery), record: recovery.record.bind(recovery) }
    const manager = new ConnectionManager<FakeSocket, Streams>({ streams, recorder })
    manager.publish({ ...ORDERS, userId: 'alice', data: 1 })
    manager.revoke({ userId: 'alice' })

    expect(recovery.subscribe(manager.addConnection('c', new FakeSocket(), 'alice'), { ...ORDERS, position: 'e1:0' }).recovered).toBe(false)
  })

  it('gives the last value from before a revocation only to other users', () => {
    const { recovery, manager, connect } = desk()
    manager.publish({ ...PRICE, data: 1 })
    manager.revoke({ userId: 'alice', ...PRICE })

    expect(recovery.subscribe(connect('alice'), PRICE).replayed).toBe(0)
    expect(recovery.subscribe(connect('bob'), PRICE).replayed).toBe(1)
    manager.publish({ ...PRICE, data: 2 })
    expect(recovery.subscribe(connect('alice'), PRICE).replayed).toBe(1)
  })

  it.each([100, 0])('gives no last value from before a revocation, even long afterwards, with ageMs %i', (ageMs) => {
    const { recovery, manager, clock, connect } = desk({ history: { ageMs } })
    connect('bob').subscribe(PRICE)
    manager.publish({ ...PRICE, data: 1 })
    manager.revoke({ userId: 'alice', ...PRICE })
    clock.advance(1_000)

    expect(recovery.subscribe(connect('bob'), PRICE).replayed).toBe(1)
    expect(recovery.subscribe(connect('alice'), PRICE).replayed).toBe(0)
    clock.advance(1_000)
    expect(recovery.subscribe(connect('alice'), PRICE).replayed).toBe(0)
  })

  it('forgets a revocation once no message from before it is held', () => {
    const { recovery, manager, clock, connect } = desk({ history: { ageMs: 100 } })
    connect('bob').subscribe(PRICE)
    manager.publish({ ...PRICE, data: 1 })
    manager.revoke({ userId: 'alice', ...PRICE })
    manager.publish({ ...PRICE, data: 2 })
    clock.advance(1_000)
    recovery.subscribe(connect('alice'), PRICE)

    expect(JSON.parse(recovery.export())).toMatchObject({ floors: [] })
  })

  it('holds nothing if it is called within a delivery, and its answer is one deferred message too many', () => {
    const { recovery, manager, connect, trade } = desk({}, { maxDeferred: 3 })
    const [client, other] = [connect(), connect()]
    other.subscribe({ ...TRADES, symbol: 'B' })
    for (const data of [1, 2]) trade(data)
    const codes: unknown[] = []
    other.socket.script.send = () => {
      other.socket.script.send = undefined
      for (const data of [1, 2, 3]) trade(data, 'C')
      try {
        recovery.subscribe(client, { ...TRADES, position: 'e2:0' })
      } catch (error) {
        codes.push((error as { code?: unknown }).code)
      }
    }

    trade(0, 'B')

    expect([codes, client.subscriptions(), received(client)]).toEqual([['ERR_PUBLISH_DEPTH'], [], []])
    expect([manager.getSubscribers('TRADES', 'A'), recovery.stats().resumes]).toEqual([[], { recovered: 0, refused: 0 }])
  })

  it('purges nothing if it is called within a delivery, and its answer is one deferred message too many', () => {
    const { recovery, manager, connect, trade } = desk({}, { maxDeferred: 3 })
    const socket = new FakeSocket({ bufferedAmount: 0 })
    const [client, other] = [manager.addConnection('slow', socket, 'alice'), connect()]
    client.subscribe(TRADES)
    other.subscribe({ ...TRADES, symbol: 'B' })
    socket.bufferedAmount = 1e9
    trade('waits')
    const codes: unknown[] = []
    other.socket.script.send = () => {
      other.socket.script.send = undefined
      for (const data of [1, 2, 3]) trade(data, 'C')
      try {
        recovery.subscribe(client, TRADES)
      } catch (error) {
        codes.push((error as { code?: unknown }).code)
      }
    }

    trade(0, 'B')
    socket.bufferedAmount = 0
    client.drained()

    expect([codes, received(client)]).toEqual([['ERR_PUBLISH_DEPTH'], ['e1:1 waits']])
  })

  it('sends an answer that was deferred, although it names a snapshot by then, and so is longer than a text may be', () => {
    const notice = '{"type":"subscribed","stream_type":"TRADES","symbol":"A","position":"e1:0","recovered":null,"contiguous":true,"delivery":"every"}'
    const { recovery, connect, trade } = desk({ snapshot: () => 1 }, { quotas: { messageUnits: notice.length } })
    const [client, other] = [connect(), connect()]
    for (const symbol of ['A', 'B']) other.subscribe({ ...TRADES, symbol })
    other.socket.script.send = () => void recovery.subscribe(client, TRADES)

    trade(0, 'B')

    expect(received(client)).toEqual(['subscribed at e1:0, recovered: null, snapshot', 'snapshot e1:0 1'])
  })

  it('holds only what it held before, although it holds similar streams, if the notice is longer than a text may be', () => {
    const { recovery, connect } = desk({}, { quotas: { messageUnits: 110 } })
    const client = connect()
    client.subscribe({ streamType: 'TICKER', symbol: 'A', filters: { of: 'A' } })
    client.subscribe({ streamType: 'NEWS', symbol: 'B', filters: { of: 'B' } })

    expectCode('ERR_QUOTA_EXCEEDED', () => recovery.subscribe(client, { streamType: 'NEWS', symbol: 'A' }))

    expect(client.subscriptions().map(({ subscription: { streamType, symbol }, filters }) => [streamType, symbol, filters])).toEqual([
      ['TICKER', 'A', { of: 'A' }],
      ['NEWS', 'B', { of: 'B' }],
    ])
  })

  it('holds what it held before, with its filters, and purges nothing if the notice is longer than a text may be', async () => {
    const transport = { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) }
    const { recovery, manager, connect } = desk({}, { quotas: { messageUnits: 110 }, transport })
    const [client, newcomer] = [connect(), connect('bob')]
    client.subscribe({ ...ORDERS, filters: { a: 1 } })
    manager.publish({ streamType: 'ORDERS', userId: 'alice', data: 1 })

    expectCode('ERR_QUOTA_EXCEEDED', () => recovery.subscribe(client, { ...ORDERS, filters: { b: 2 } }))
    expectCode('ERR_QUOTA_EXCEEDED', () => recovery.subscribe(newcomer, ORDERS))
    await new Promise((resolve) => void setImmediate(resolve))

    expect(client.subscriptions().map(({ filters }) => filters)).toEqual([{ a: 1 }])
    expect([received(client), newcomer.subscriptions()]).toEqual([['e1:1 1'], []])
  })

  it('keeps the direct messages that wait of a stream that the connection did not hold before, if the notice is longer than a text may be', () => {
    const transport = { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) }
    const { recovery, manager, connect } = desk({}, { quotas: { messageUnits: 110 }, transport })
    const client = connect()
    manager.sendToUser('alice', { ...ORDERS, data: 1 })
    manager.sendToConnection(client.id, { ...ORDERS, data: 2 })

    expectCode('ERR_QUOTA_EXCEEDED', () => recovery.subscribe(client, ORDERS))
    client.flush()

    expect(received(client)).toEqual(['undefined:undefined 1', 'undefined:undefined 2'])
    expect(client.subscriptions()).toEqual([])
  })

  it('purges what the host publishes to the stream within a subscribe that fails, unless the user holds the stream too', () => {
    const transport = { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) }
    const world = desk(
      { snapshot: ({ streamType, symbol }) => void world.manager.publish({ streamType, symbol, data: 'meanwhile' } as never) },
      { quotas: { messageUnits: 110 }, transport },
    )
    const [client, holder] = [world.connect(), world.connect('bob')]
    world.manager.addSubscription({ userId: 'bob', streamType: 'NEWS' })

    for (const each of [client, holder]) {
      expectCode('ERR_QUOTA_EXCEEDED', () => world.recovery.subscribe(each, { streamType: 'NEWS', symbol: 'A' }))
      each.flush()
    }

    expect([received(client), received(holder)]).toEqual([[], ['e1:1 meanwhile', 'e1:2 meanwhile']])
  })

  it('answers also if the connection is given to another user while the answer waits, unless the stream is private', async () => {
    const transport = { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts), bufferedBytes: () => buffered }
    let buffered = 100
    const { recovery, manager, connect, trade } = desk({}, { delivery: { softLimitBytes: 10 }, transport })
    const client = connect()
    recovery.subscribe(client, TRADES)
    recovery.subscribe(client, ORDERS)
    trade(1)

    client.reassign('bob')
    buffered = 0
    client.flush()
    await new Promise((resolve) => void setImmediate(resolve))

    expect(received(client)).toEqual(['subscribed at e1:0, recovered: null', 'e1:1 1'])
    expect(manager.getUserSubscriptions('bob').length).toBe(1)
  })

  it('throws the error of subscribe, and changes nothing', async () => {
    const { recovery, connect } = desk({}, { authorize: () => false })
    const client = connect()
    const other = desk().connect()

    expectCode('ERR_FORBIDDEN', () => recovery.subscribe(client, TRADES))
    expectCode('ERR_UNKNOWN_CONNECTION', () => recovery.subscribe(other, TRADES))
    await client.remove()
    expectCode('ERR_UNKNOWN_CONNECTION', () => recovery.subscribe(client, TRADES))

    expect([client.socket.sent, other.socket.sent, recovery.stats().channels]).toEqual([[], [], 0])
  })

  it('sends a newcomer the last value of a stream even if it alone is larger than a replay may be', () => {
    const { recovery, manager, connect } = desk({ replay: { units: 100 } })
    const ETH = { ...PRICE, symbol: 'ETH' }
    for (const stream of [PRICE, ETH]) manager.publish({ ...stream, data: 'x'.repeat(200) })
    const client = connect()

    expect([PRICE, ETH].map((stream) => recovery.subscribe(client, stream).replayed)).toEqual([1, 0])
  })

  it('adds up the replays of a connection until its queue is empty at the end of a turn', () => {
    const { recovery, clock, connect, trade } = desk({ replay: { count: 3 } })
    for (const data of [1, 2]) trade(data)
    const client = connect()
    const resume = () => recovery.subscribe(client, { ...TRADES, position: 'e1:0' }).recovered

    const answers = [resume(), resume()]
    clock.advance(0)

    expect([...answers, resume()]).toEqual([true, false, true])
  })

  it('still counts queued replays if a connection that does not read asks again', () => {
    const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
    const { recovery, clock, connect, trade } = desk({ replay: { count: 4 } }, { transport: { write } })
    for (const symbol of ['A', 'B']) for (const data of [1, 2]) trade(data, symbol)
    const client = connect()
    // It takes the notices, and nothing else.
    client.socket.script.write = (texts) => texts.filter((text) => text.includes('subscribed')).length
    const resume = (streamType: 'TRADES', symbol: string) => {
      const { recovered } = recovery.subscribe(client, { streamType, symbol, position: symbol === 'A' ? 'e1:0' : 'e2:0' })
      client.flush()
      return recovered
    }

    expect([resume('TRADES', 'A'), resume('TRADES', 'A'), resume('TRADES', 'B')]).toEqual([true, true, false])
    clock.advance(0)
    expect([client.waitingBytes > 0, resume('TRADES', 'B')]).toEqual([true, false])
  })

  it('still counts batched replays if the timer at the end of the turn fires before the batch is sent', () => {
    const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
    const { recovery, clock, connect, trade } = desk({ replay: { count: 3 } }, { transport: { write } })
    for (const symbol of ['A', 'B']) for (const data of [1, 2]) trade(data, symbol)
    const client = connect()
    client.socket.script.write = (texts) => texts.filter((text) => text.includes('subscribed')).length

    const first = recovery.subscribe(client, { ...TRADES, position: 'e1:0' }).recovered
    clock.advance(0)

    expect([first, recovery.subscribe(client, { ...TRADES, symbol: 'B', position: 'e2:0' }).recovered]).toEqual([true, false])
  })

  it('keeps nothing of a connection that was removed while it was behind', async () => {
    const left = Array.from({ length: 10 }, () => {
      const { recovery, clock, manager, trade } = desk({ replay: { count: 3 } }, { delivery: { softLimitBytes: 0 } })
      for (const data of [1, 2]) trade(data)
      const client = manager.addConnection('c', new FakeSocket({ bufferedAmount: 1_000 }), 'alice')
      recovery.subscribe(client, { ...TRADES, position: 'e1:0' })
      clock.advance(0)
      void client.remove()
      clock.advance(60_000)
      return { recovery, removed: new WeakRef(client) }
    })
    await collectGarbage()

    // The engine may still hold what it touched last.
    expect(left.filter(({ removed }) => removed.deref() !== undefined).length).toBeLessThan(5)
    expect(left.map(({ recovery }) => recovery.stats().messages)).toEqual(left.map(() => 2))
  })

  it('gives a connection its whole allowance again once its queue is empty', () => {
    const { recovery, clock, manager, trade } = desk({ replay: { count: 3 } }, { delivery: { softLimitBytes: 0 } })
    for (const data of [1, 2]) trade(data)
    const client = manager.addConnection('c', new FakeSocket({ bufferedAmount: 1_000 }), 'alice')
    const resume = () => recovery.subscribe(client, { ...TRADES, position: 'e1:0' }).recovered

    const answers = [resume()]
    clock.advance(0)
    answers.push(resume())
    client.socket.drain()
    client.drained()
    clock.advance(0)

    expect([...answers, client.waitingBytes, resume()]).toEqual([true, false, 0, true])
  })
})

describe('recovery.lastValue', () => {
  it('is known of `latest` streams alone if the manager has a serialize, and not from before a restart', () => {
    const own = { serialize: ({ data }: { readonly data: unknown }) => JSON.stringify({ data }) }
    const options = { stamp: (text: string) => text }
    const { recovery, manager, trade } = desk(options, own)
    trade(1)
    manager.publish({ ...PRICE, data: 2 })

    expect(recovery.lastValue(TRADES)).toBeUndefined()
    expect(recovery.lastValue(PRICE)).toMatchObject({ data: 2 })
    expect(desk({ ...options, restore: recovery.export() }, own).recovery.lastValue(PRICE)).toBeUndefined()
  })

  it('is the last message of exactly this stream', () => {
    const { recovery, manager, trade } = desk()
    for (const data of [1, 2]) trade(data)
    manager.publish({ ...ORDERS, userId: 'alice', symbol: 'A', data: 3 })

    expect(recovery.lastValue(TRADES)).toMatchObject({ streamType: 'TRADES', symbol: 'A', data: 2 })
    expect(recovery.lastValue({ ...ORDERS, symbol: 'A', userId: 'alice' })).toMatchObject({ data: 3, userId: 'alice' })
    expect(recovery.lastValue({ ...ORDERS, userId: 'alice' })).toBeUndefined()
    expect(recovery.lastValue({ ...ORDERS, symbol: 'A', userId: 'bob' })).toBeUndefined()
    expect(recovery.lastValue({ streamType: 'NOTHING' as never })).toBeUndefined()
  })
})

describe('recovery.export and the option restore', () => {
  it('let all clients resume after a restart', () => {
    const before = desk()
    for (const data of [1, 2]) before.trade(data)
    before.manager.publish({ ...PRICE, data: 9 })
    before.manager.revoke({ userId: 'eve', ...TRADES })

    const after = desk({ restore: before.recovery.export(), randomEpoch: () => 'new' })
    const [client, newcomer, eve] = [after.connect(), after.connect(), after.connect('eve')]
    after.trade(3)
    after.recovery.subscribe(client, { ...TRADES, position: 'e1:1' })
    after.recovery.subscribe(newcomer, PRICE)
    after.recovery.subscribe(eve, { ...TRADES, position: 'e1:1' })
    after.trade(4)

    expect(received(client)).toEqual(['subscribed at e1:1, recovered: true', 'e1:2 2', 'new:1 3', 'new:2 4'])
    expect(received(newcomer)).toEqual(['subscribed at new:0,e2:0, recovered: null, snapshot', 'snapshot e2:1 9'])
    expect(received(eve)[0]).toContain('recovered: false')
  })

  it('keep channels without messages, and add the time of the restart to the age of messages', () => {
    const before = desk({ history: { ageMs: 1_000 } })
    before.recovery.subscribe(before.connect(), TRADES)
    before.trade(1)
    const text = before.recovery.export()

    const soon = desk({ restore: text, history: { ageMs: 1_000 } })
    expect(soon.recovery.subscribe(soon.connect(), { ...TRADES, position: 'e1:0' }).recovered).toBe(true)
    const lateClock = new ManualClock()
    lateClock.advance(2_000)
    const late = desk({ restore: text, history: { ageMs: 1_000 } }, { clock: lateClock })

    expect(late.recovery.subscribe(late.connect(), { ...TRADES, position: 'e1:0' }).recovered).toBe(false)
    expect(late.recovery.subscribe(late.connect(), { ...TRADES, position: 'e1:1' }).recovered).toBe(true)
  })

  it('keep the order of all messages, so that the oldest message is evicted first', () => {
    const before = desk()
    for (const data of [1, 2, 3]) for (const symbol of ['A', 'B']) before.trade(data, symbol)
    const { units } = before.recovery.stats()

    const after = desk({ restore: before.recovery.export(), randomEpoch: () => 'new', history: { totalUnits: units / 2 } })
    const recovered = (symbol: string, position: string) => after.recovery.subscribe(after.connect(), { streamType: 'TRADES', symbol, position }).recovered

    expect(after.recovery.stats().messages).toBe(3)
    expect([recovered('A', 'e1:1'), recovered('A', 'e1:2'), recovered('B', 'e2:0'), recovered('B', 'e2:1')]).toEqual([false, true, false, true])
  })

  it('leave out a stream type that was private and is public now', () => {
    const before = desk()
    before.manager.publish({ ...ORDERS, userId: 'alice', data: 1 })
    const clock = new ManualClock()
    const recovery = createRecovery({ restore: before.recovery.export() })
    const manager = new ConnectionManager({ clock, recorder: recovery, streams: defineStreams({ ORDERS: { audience: 'public', symbol: 'none' } }) })

    expect(recovery.stats()).toMatchObject({ channels: 0, messages: 0 })
    expect(manager.connectionCount).toBe(0)
  })

  it.each(['', 'null', '{}', '[]', '{"version":2}', '{"version":1,"exportedAt":0,"channels":[7],"floors":[]}'])('refuse %j', (restore) => {
    expect(expectCode('ERR_INVALID_OPTION', () => createRecovery({ restore }))['option']).toBe('restore')
  })
})

describe('createRecovery', () => {
  it('keeps all channels together below totalUnits by evicting the oldest message of all', () => {
    const { recovery, connect, trade } = desk({ history: { totalUnits: 1_000 } })
    for (let i = 1; i <= 30; i++) trade(i, `S${i}`)

    expect(recovery.stats().units).toBeLessThanOrEqual(1_000)
    expect(recovery.stats()).toMatchObject({ channels: 30, evicted: 30 - recovery.stats().messages })
    expect(recovery.subscribe(connect(), { ...TRADES, symbol: 'S1', position: 'e1:0' }).recovered).toBe(false)
    expect(recovery.subscribe(connect(), { ...TRADES, symbol: 'S30', position: 'e30:0' }).recovered).toBe(true)
  })

  it('evicts an older message of a history before a newer last value', () => {
    const { recovery, manager, connect, trade } = desk({ history: { totalUnits: 350 } })
    trade(1)
    manager.publish({ ...PRICE, data: 2 })
    trade(3)
    trade(4)

    expect(recovery.lastValue(PRICE)).toBeUndefined()
    expect(recovery.subscribe(connect(), { ...TRADES, position: 'e1:1' }).recovered).toBe(true)
    manager.publish({ ...PRICE, data: 5 })
    expect(recovery.lastValue(PRICE)).toMatchObject({ data: 5 })
    expect(recovery.subscribe(connect(), { ...TRADES, position: 'e1:1' }).recovered).toBe(false)
  })

  it('forgets an unused channel and its numbers after ageMs', () => {
    const { recovery, clock, connect, trade } = desk({ history: { ageMs: 100 } })
    const client = connect()
    recovery.subscribe(client, TRADES)
    trade(1)
    clock.advance(5_000)
    const used = recovery.stats().channels
    void client.remove()
    clock.advance(5_000)

    expect([used, recovery.stats().channels]).toEqual([1, 0])
    expect(recovery.stats()).toMatchObject({ messages: 0, units: 0 })
  })

  it('forgets old messages with few timers, even if times have fractions', () => {
    const { recovery, clock, connect, trade } = desk({ history: { ageMs: 2_000 } })
    const { setTimeout } = clock
    let timers = 0
    clock.setTimeout = (fn, ms) => {
      if (++timers > 100) throw new Error('a timer each moment')
      return setTimeout.call(clock, fn, ms)
    }
    connect().subscribe(TRADES)
    for (let i = 0; i < 20; i++) {
      clock.advance(2_000 / 3)
      trade(i)
    }
    clock.advance(5_000)

    expect(timers).toBeLessThan(100)
    expect(recovery.stats()).toMatchObject({ messages: 0, evicted: 20 })
  })

  it('can have separate limits for a stream type', () => {
    const { recovery, trade, manager } = desk({ history: { count: 1, byType: { TRADES: { count: 3 } } } })
    for (const data of [1, 2, 3, 4]) {
      trade(data)
      manager.publish({ streamType: 'NEWS', symbol: 'A', data })
    }

    expect(recovery.stats().messages).toBe(4)
  })

  it('requires a stamp if the manager has a serialize, and marks snapshots with it', () => {
    const serialize = ({ data }: { readonly data: unknown }) => `<${String(data)}>`
    expect(expectCode('ERR_INVALID_OPTION', () => desk({}, { serialize }))['option']).toBe('stamp')
    const { recovery, manager, connect } = desk({ stamp: (text, { epoch, seq, snapshot }) => `${text}${epoch}#${seq}${snapshot ? '!' : ''}` }, { serialize })
    const client = connect()
    manager.publish({ ...PRICE, data: 1 })

    recovery.subscribe(client, PRICE)
    manager.publish({ ...PRICE, data: 2 })

    expect(client.socket.sent.slice(1)).toEqual(['<1>e1#1!', '<2>e1#2'])
    expect(recovery.lastValue(PRICE)).toMatchObject({ data: 2 })
  })

  it('can have a separate limit of units for a stream type', () => {
    const { recovery, trade } = desk({ history: { byType: { TRADES: { units: 250 } } } })
    for (const data of [1, 2, 3, 4]) trade(data)

    expect(recovery.stats().messages).toBe(2)
  })

  it('prints the first error of a snapshot, and says where it comes from, if there is no onError', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { recovery, connect } = desk({ snapshot: () => { throw new Error('no book') } })

    for (const client of [connect(), connect()]) recovery.subscribe(client, TRADES)

    expect(warn.mock.calls).toEqual([[expect.stringMatching(/stream-connection-manager\/recovery: `snapshot` failed/), new Error('no book')]])
    warn.mockRestore()
  })

  it.each<[string, (text: string) => unknown]>([
    ['nothing', () => undefined],
    ['bytes', (text) => new TextEncoder().encode(text)],
  ])('does not number a message for which stamp returns %s', (_what, stamp) => {
    let isSound = false
    const { recovery, connect, trade } = desk({ stamp: (text, { seq }) => (isSound ? `#${seq}` : (stamp(text) as string)) })
    const client = connect()
    client.subscribe(TRADES)

    expect(expectCode('ERR_UNSERIALIZABLE', () => trade(1)).cause).toMatchObject({ code: 'ERR_UNSERIALIZABLE' })
    isSound = true
    trade(2)

    expect([client.socket.sent, recovery.stats().messages]).toEqual([['#1'], 1])
  })

  it('works for one manager, and throws before it has one', () => {
    const { recovery, connect } = desk()

    expect(expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ streams, recorder: recovery }))['option']).toBe('recorder')
    expectCode('ERR_INVALID_OPTION', () => createRecovery<Streams>().subscribe(connect(), TRADES))
  })

  it.each<[string, unknown]>([
    ['options', 7],
    ['histroy', { histroy: {} }],
    ['history.count', { history: { count: -1 } }],
    ['history.count', { history: { count: '5' } }],
    ['history.size', { history: { size: 1 } }],
    ['history.byType', { history: { byType: [] } }],
    ['history.byType', { history: { byType: null } }],
    ['history.byType', { history: { byType: 7 } }],
    ['history.byType', { history: { byType: new Map() } }],
    ['history.byType.TRADES.ageMs', { history: { byType: { TRADES: { ageMs: 1 } } } }],
    ['replay.units', { replay: { units: NaN } }],
    ['snapshot', { snapshot: 'book' }],
    ['stamp', { stamp: {} }],
    ['restore', { restore: {} }],
    ['randomEpoch', { randomEpoch: 'e1' }],
    ['onError', { onError: 1 }],
  ])('refuses a bad %s, and blames no code of the host', (option, options) => {
    const error = expectCode('ERR_INVALID_OPTION', () => createRecovery(options as RecoveryOptions))

    expect([error['option'], error.cause]).toEqual([option, undefined])
  })

  it('refuses an export that was read as bytes', () => {
    const restore = new TextEncoder().encode(desk().recovery.export()) as never

    expect(expectCode('ERR_INVALID_OPTION', () => createRecovery({ restore }))['option']).toBe('restore')
  })

  it.each<[string, unknown]>([
    ['an empty text', ''],
    ['a colon', 'a:1'],
    ['a comma', 'a,b'],
    ['more than 64 characters', 'x'.repeat(65)],
    ['no text', 7],
    ['the name of a mark', '--e1'],
    ['a promise', { then: () => {} }],
  ])('refuses an epoch that is %s, and nobody receives the message', (_what, epoch) => {
    let isSound = false
    const { recovery, manager, connect, trade } = desk({ randomEpoch: () => (isSound ? 'sound' : epoch) as string })
    const client = connect()
    manager.on('error', () => {})

    expect(expectCode('ERR_INVALID_OPTION', () => recovery.subscribe(client, TRADES))['option']).toBe('randomEpoch')
    expectCode('ERR_UNSERIALIZABLE', () => trade(1))
    expect([client.subscriptions(), recovery.stats().channels]).toEqual([[], 0])

    isSound = true
    recovery.subscribe(client, TRADES)
    trade(1)
    expect(received(client)).toEqual(['subscribed at sound:0, recovered: null', 'sound:1 1'])
  })

  it('makes names of epochs that begin with a letter, so that none is taken for a mark', () => {
    const { recovery } = desk({ randomEpoch: undefined })
    const random = vi.spyOn(crypto, 'getRandomValues')
    try {
      const names = Array.from({ length: 256 }, (_, byte) => {
        random.mockImplementationOnce((bytes) => (bytes as Uint8Array).fill(byte) as never)
        return recovery.log.randomName()
      })

      expect(names.filter((name) => !/^[A-Za-z][\w-]{10}$/.test(name))).toEqual([])
    } finally {
      random.mockRestore()
    }
  })

  it('has one channel for a stream, even if `randomEpoch` publishes to the stream', () => {
    let epochs = 0
    const { recovery, clock, connect, trade } = desk({
      randomEpoch: () => {
        if (++epochs === 1) trade('first')
        return `e${epochs}`
      },
      history: { ageMs: 100 },
    })
    const client = connect()
    recovery.subscribe(client, TRADES)
    trade('second')
    const { channels } = recovery.stats()
    client.remove()
    clock.advance(5_000)

    expect(received(client)).toEqual(['e2:1 first', 'subscribed at e2:1, recovered: null', 'e2:2 second'])
    expect([channels, recovery.stats().channels]).toEqual([1, 0])
  })

  it('keeps the numbers of a stream with subscribers, although an epoch was refused when its first subscriber came', () => {
    let epochs = 0
    const { clock, manager, connect, trade } = desk({ randomEpoch: () => (epochs++ === 0 ? '' : `e${epochs}`), history: { ageMs: 1_000 } }, { idleDelayMs: 0 })
    const client = connect()
    manager.on('error', () => {})
    client.subscribe(TRADES)
    client.unsubscribe(TRADES)
    client.subscribe(TRADES)
    trade(1)
    clock.advance(5_000)
    trade(2)

    expect(received(client)).toEqual(['e2:1 1', 'e2:2 2'])
  })

  it('keeps positions within 1,024 units, however long the epochs are and however often the server was restarted', () => {
    let position = ''
    let archive: string | undefined
    for (let run = 0; run < 40; run++) {
      const epoch = `run${run}`.padEnd(64, '-')
      const { recovery, connect, trade } = desk({ randomEpoch: () => epoch, restore: archive })
      trade(run)
      const client = connect()
      // Twelve epochs of 64 characters fit. Then the oldest one is forgotten at each restart.
      if (run > 0) expect(recovery.subscribe(client, { ...TRADES, position })).toMatchObject({ recovered: run < 12, replayed: run < 12 ? 1 : 0 })
      const newcomer = connect()
      recovery.subscribe(newcomer, TRADES)
      position = (JSON.parse(newcomer.socket.sent[0] as string) as { readonly position: string }).position
      expect(position.length).toBeLessThanOrEqual(1_024)
      archive = recovery.export()
    }
  })

  it('refuses limits for a stream type that the catalogue does not have', () => {
    expect(expectCode('ERR_INVALID_OPTION', () => desk({ history: { byType: { TRADE: { count: 1 } } as never } }))['option']).toBe('history.byType.TRADE')
  })
})
