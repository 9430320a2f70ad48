import { describe, expect, it } from 'vitest'
import { trackPositions, type PositionTracker } from '../../../src/client/index.ts'
import { ConnectionManager, defineStreams, parseServerMessage } from '../../../src/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  TICKS: { audience: 'public', symbol: 'required', overflow: 'drop' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional' },
  TICKER: { audience: 'public', symbol: 'optional', delivery: 'latest' },
  ORDERS: { audience: 'private' },
})
type Streams = typeof streams

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const
const NEWS = { streamType: 'NEWS' } as const
const NEWS_A = { streamType: 'NEWS', symbol: 'A' } as const
const TICKER = { streamType: 'TICKER' } as const

type Stream = { readonly streamType: keyof Streams; readonly symbol?: string }

function message(place: string | undefined, { streamType, symbol }: Stream = TRADES, extra: object = {}): string {
  const [epoch, seq] = place?.split(':') ?? []
  const wire = { stream_type: streamType, symbol: symbol ?? null, data: place ?? 'sent', timestamp: '2026-01-31T12:00:00.000Z', user_id: streamType === 'ORDERS' ? 'alice' : null }
  return JSON.stringify({ ...wire, ...(place !== undefined && { epoch, seq: Number(seq) }), ...extra })
}

function subscribed(position: string, { streamType, symbol }: Stream = TRADES, facts: object = {}): string {
  const { delivery = 'every', symbol: rule } = streams[streamType]
  const contiguous = delivery === 'every' && (symbol === undefined || rule === 'required')
  return JSON.stringify({ type: 'subscribed', stream_type: streamType, symbol: symbol ?? null, position, recovered: null, contiguous, delivery, ...facts })
}

function gap(dropped: number | null, { streamType, symbol }: Stream = TRADES): string {
  return JSON.stringify({ type: 'gap', stream_type: streamType, symbol: symbol ?? null, dropped })
}

function skip(place: string, { streamType, symbol }: Stream = TRADES): string {
  const [epoch, seq] = place.split(':')
  return JSON.stringify({ type: 'skip', stream_type: streamType, symbol: symbol ?? null, epoch, seq: Number(seq) })
}

/** What a tracker makes of texts: `e1:3`, `2 missing, e1:6`, `?, subscribed`; `-` for a message that it has already. */
function receivedBy(tracker: PositionTracker<Streams>, ...texts: readonly string[]): string[] {
  return texts.map((text) => {
    const { message, missing } = tracker.receive(text)
    const what = message === undefined ? '-' : (message.type ?? (message.epoch === undefined ? String(message.data) : `${message.epoch}:${message.seq}`))
    return missing === 0 ? what : `${missing === undefined ? '?' : `${missing} missing`}, ${what}`
  })
}

function tracking(...texts: readonly string[]): PositionTracker<Streams> {
  const tracker = trackPositions({ streams })
  for (const text of texts) tracker.receive(text)
  return tracker
}

describe('trackPositions', () => {
  it('returns what parseServerMessage returns', () => {
    const tracker = tracking()
    const texts = [subscribed('e1:0', TRADES, { id: 7 }), message('e1:1'), message('e1:1', TRADES, { snapshot: true }), gap(2), gap(null), skip('e1:2')]
    const frames = ['{"type":"status","stream_type":"PRICE","symbol":"A","status":"ERROR"}', '{"type":"pong","id":7}', message(undefined), message('e1:4', { streamType: 'ORDERS' })]

    for (const text of [...texts, ...frames]) expect(tracker.receive(text).message).toStrictEqual(parseServerMessage(text, { streams }))
  })

  it('has the position of the last message, from the answer on', () => {
    const tracker = tracking()

    const positions = [undefined, subscribed('e1:16'), message('e1:17'), message('e1:18')].map((text) => {
      if (text !== undefined) tracker.receive(text)
      return tracker.position(TRADES)
    })

    expect(positions).toEqual([undefined, 'e1:16', 'e1:17', 'e1:18'])
    expect(tracker.position({ streamType: 'TRADES', symbol: 'B' })).toBeUndefined()
  })

  it('takes each message once', () => {
    const tracker = tracking(subscribed('e1:0'), message('e1:1'), message('e1:2'))

    expect(receivedBy(tracker, message('e1:1'), message('e1:2'), message('e1:3'))).toEqual(['-', '-', 'e1:3'])
    expect(tracker.position(TRADES)).toBe('e1:3')
  })

  it('takes each message once across connections', () => {
    const tracker = tracking(subscribed('e1:0'), message('e1:1'), message('e1:2'))

    expect(receivedBy(tracker, subscribed('e1:1', TRADES, { recovered: true }), message('e1:2'), message('e1:3'))).toEqual(['subscribed', '-', 'e1:3'])
  })

  it('reports a jump on a contiguous subscription', () => {
    const tracker = tracking(subscribed('e1:1'))

    expect(receivedBy(tracker, message('e1:2'), message('e1:5'), message('e1:6'))).toEqual(['e1:2', '2 missing, e1:5', 'e1:6'])
    expect(tracker.position(TRADES)).toBe('e1:6')
  })

  it.each([
    ['a latest stream', { streamType: 'PRICE', symbol: 'A' }],
    ['a symbol of a whole type', NEWS_A],
  ] as const)('does not report by numbers on %s, and has its position', (_, stream) => {
    const tracker = tracking(subscribed('e1:0', stream))

    expect(receivedBy(tracker, message('e1:3', stream), message('e1:9', stream))).toEqual(['e1:3', 'e1:9'])
    expect(tracker.position(stream)).toBe('e1:9')
  })

  it('passes on a message without a place, even twice', () => {
    const tracker = tracking(subscribed('e1:0'))

    expect(receivedBy(tracker, message(undefined), message(undefined), message('e1:1'))).toEqual(['sent', 'sent', 'e1:1'])
  })

  it('passes on a numbered message of a stream that no answer told of, once', () => {
    const tracker = tracking()

    expect(receivedBy(tracker, message('e1:7'), message('e1:9'), message('e1:9'))).toEqual(['e1:7', 'e1:9', '-'])
    expect(tracker.position(TRADES)).toBeUndefined()
  })

  it('passes on frames that it does not know', () => {
    expect(receivedBy(tracking(), '{"type":"pong","id":9}', '{"type":"subscribed","streamType":"TRADES"}')).toEqual(['unknown', 'unknown'])
  })

  it('tracks the streams of a private type', () => {
    const tracker = tracking(subscribed('e1:4', { streamType: 'ORDERS' }))

    expect(receivedBy(tracker, message('e1:5', { streamType: 'ORDERS', symbol: 'A' }), message('e1:7', { streamType: 'ORDERS' }))).toEqual(['e1:5', '1 missing, e1:7'])
    expect(tracker.position({ streamType: 'ORDERS' })).toBe('e1:7')
  })
})

describe('trackPositions, of an answer that does not recover', () => {
  it('reports that an unknown number is missing if the client had a position', () => {
    const tracker = tracking(subscribed('e1:0'), message('e1:1'))

    expect(receivedBy(tracker, subscribed('e2:0', TRADES, { recovered: false }), message('e2:1'))).toEqual(['?, subscribed', 'e2:1'])
    expect(tracker.position(TRADES)).toBe('e2:1')
  })

  it('reports the same if the client had a position and did not give it', () => {
    expect(receivedBy(tracking(subscribed('e1:0')), subscribed('e1:5'))).toEqual(['?, subscribed'])
  })

  it('reports nothing if the client had none, or if another stream had one', () => {
    const tracker = tracking(subscribed('e1:0'))

    expect(receivedBy(tracker, subscribed('e2:9', { streamType: 'TRADES', symbol: 'B' }, { recovered: false }), subscribed('e3:4', NEWS))).toEqual(['subscribed', 'subscribed'])
  })

  it('reports nothing if the client had ended its subscription', () => {
    const tracker = tracking(subscribed('e1:0'), message('e1:1'), '{"type":"unsubscribed","id":8,"stream_type":"TRADES","symbol":"A"}')

    expect(tracker.position(TRADES)).toBeUndefined()
    expect(receivedBy(tracker, subscribed('e1:5'), message('e1:6'))).toEqual(['subscribed', 'e1:6'])
  })

  it('takes no message again that a node sends which is behind', () => {
    const tracker = tracking(subscribed('e2:18'), message('e2:19'), message('e2:20'))

    const received = receivedBy(tracker, subscribed('e2:18', TRADES, { recovered: false }), message('e2:19'), message('e2:20'), message('e2:21'))

    expect(received).toEqual(['?, subscribed', '-', '-', 'e2:21'])
    expect(tracker.position(TRADES)).toBe('e2:21')
  })
})

describe('trackPositions, of a snapshot', () => {
  it('has no position until a snapshot has arrived that an answer announced', () => {
    const tracker = tracking(subscribed('e1:4', TRADES, { snapshot: true }))

    expect(tracker.position(TRADES)).toBeUndefined()
    expect(receivedBy(tracker, message('e1:4', TRADES, { snapshot: true }))).toEqual(['e1:4'])
    expect(tracker.position(TRADES)).toBe('e1:4')
    expect(receivedBy(tracker, message('e1:5'))).toEqual(['e1:5'])
  })

  it('reports nothing if a newcomer comes back before the snapshot', () => {
    expect(receivedBy(tracking(subscribed('e1:4', TRADES, { snapshot: true })), subscribed('e1:6', TRADES, { snapshot: true }))).toEqual(['subscribed'])
  })

  it('goes on behind a message that comes instead, because a notice reported that the snapshot was dropped', () => {
    const tracker = tracking(subscribed('e1:4', TRADES, { snapshot: true }))

    expect(receivedBy(tracker, gap(1), message('e1:5'))).toEqual(['1 missing, gap', 'e1:5'])
    expect(tracker.position(TRADES)).toBe('e1:5')
  })

  it('has no position yet if a message comes that was waiting before the answer', () => {
    const tracker = tracking(subscribed('e1:0', NEWS), subscribed('e1:4', NEWS_A, { snapshot: true }), message('e1:4', NEWS_A))

    expect(tracker.position(NEWS_A)).toBeUndefined()
  })

  it('takes a newer message of a latest stream for the snapshot that it replaced', () => {
    const PRICE = { streamType: 'PRICE', symbol: 'A' } as const
    const tracker = tracking(subscribed('e1:4', PRICE, { snapshot: true }), message('e1:6', PRICE))

    expect(tracker.position(PRICE)).toBe('e1:6')
  })

  it('returns a snapshot even if its number is known, and then what follows it', () => {
    const tracker = tracking(subscribed('e2:0'), ...['e2:1', 'e2:2', 'e2:3', 'e2:4'].map((place) => message(place)))

    const received = receivedBy(tracker, subscribed('e2:2', TRADES, { recovered: false, snapshot: true }), message('e2:2', TRADES, { snapshot: true }), message('e2:3'), message('e2:4'), message('e2:5'))

    expect(received).toEqual(['?, subscribed', 'e2:2', 'e2:3', 'e2:4', 'e2:5'])
  })
})

describe('trackPositions, of a gap notice', () => {
  it('reports what is missing once: by the notice, and not by the jump behind it', () => {
    const tracker = tracking(subscribed('e1:0'))

    expect(receivedBy(tracker, gap(3), message('e1:4'), message('e1:6'))).toEqual(['3 missing, gap', 'e1:4', '1 missing, e1:6'])
  })

  it('reports what a jump has more than the notice', () => {
    expect(receivedBy(tracking(subscribed('e1:0')), gap(3), message('e1:6'))).toEqual(['3 missing, gap', '2 missing, e1:6'])
  })

  it('reports an unknown number for a notice that does not say how many', () => {
    expect(receivedBy(tracking(subscribed('e1:0')), gap(null), message('e1:9'), message('e1:11'))).toEqual(['?, gap', 'e1:9', '1 missing, e1:11'])
  })

  it('does not excuse a later jump by a notice of messages that had no numbers', () => {
    expect(receivedBy(tracking(subscribed('e1:0')), gap(3), message('e1:1'), message('e1:3'))).toEqual(['3 missing, gap', 'e1:1', '1 missing, e1:3'])
  })

  it('adds up the notices of a whole type, of each symbol and of all', () => {
    const tracker = tracking(subscribed('e1:0', NEWS))

    expect(receivedBy(tracker, gap(2, NEWS_A), gap(1, { streamType: 'NEWS', symbol: 'B' }), message('e1:4', NEWS_A), gap(1, NEWS), message('e1:6', NEWS))).toEqual([
      '2 missing, gap',
      '1 missing, gap',
      'e1:4',
      '1 missing, gap',
      'e1:6',
    ])
  })

  it('excuses a jump of each symbol if the notice is of a whole type that has one subscription for each symbol', () => {
    const tracker = tracking(subscribed('e1:0'), subscribed('e2:0', { streamType: 'TRADES', symbol: 'B' }))

    expect(receivedBy(tracker, gap(null, { streamType: 'TRADES' }), message('e1:3'), message('e2:2', { streamType: 'TRADES', symbol: 'B' }))).toEqual(['?, gap', 'e1:3', 'e2:2'])
  })

  it('excuses the jumps of several epochs', () => {
    const tracker = tracking(subscribed('e1:0,e2:0'))

    expect(receivedBy(tracker, gap(3), message('e1:3'), message('e1:4'), message('e2:2'), message('e2:4'))).toEqual(['3 missing, gap', 'e1:3', 'e1:4', 'e2:2', '1 missing, e2:4'])
  })
})

describe('trackPositions, of a message that the client was left out of', () => {
  it('has its position, and does not miss it', () => {
    const tracker = tracking(subscribed('e1:0'))

    expect(receivedBy(tracker, message('e1:1'), skip('e1:2'))).toEqual(['e1:1', 'skip'])
    expect(tracker.position(TRADES)).toBe('e1:2')
    expect(receivedBy(tracker, message('e1:3'))).toEqual(['e1:3'])
  })

  it('reports what is missing before the skip, which comes in the place of the message', () => {
    expect(receivedBy(tracking(subscribed('e1:0')), skip('e1:3'), message('e1:5'))).toEqual(['2 missing, skip', '1 missing, e1:5'])
  })

  it('does not take it when it is sent again', () => {
    const tracker = tracking(subscribed('e1:0'), message('e1:1'), skip('e1:2'), subscribed('e1:0', TRADES, { recovered: true }))

    expect(receivedBy(tracker, message('e1:1'), message('e1:2'), message('e1:3'))).toEqual(['-', '-', 'e1:3'])
  })

  it('has its position on a stream that is not contiguous', () => {
    const tracker = tracking(subscribed('e1:0', NEWS_A), skip('e1:3', NEWS_A))

    expect(tracker.position(NEWS_A)).toBe('e1:3')
  })
})

describe('trackPositions, of a whole type', () => {
  it('takes a message once for the type and for its symbol', () => {
    const tracker = tracking(subscribed('e1:4', NEWS), subscribed('e1:4', NEWS_A))

    expect(receivedBy(tracker, message('e1:5', NEWS_A), message('e1:6', { streamType: 'NEWS', symbol: 'B' }), message('e1:8', NEWS_A))).toEqual(['e1:5', 'e1:6', '1 missing, e1:8'])
    expect([tracker.position(NEWS), tracker.position(NEWS_A)]).toEqual(['e1:8', 'e1:8'])
  })

  it('takes what is sent again for both once', () => {
    const tracker = tracking(subscribed('e1:0', NEWS), subscribed('e1:0', NEWS_A), message('e1:1', NEWS_A))
    const back = { recovered: true }
    tracker.disconnected()

    const received = receivedBy(
      tracker,
      subscribed('e1:1', NEWS_A, back),
      message('e1:3', NEWS_A),
      subscribed('e1:1', NEWS, back),
      ...['e1:2', 'e1:3', 'e1:4'].map((place) => message(place, place === 'e1:3' ? NEWS_A : NEWS)),
    )

    expect(received).toEqual(['subscribed', 'e1:3', 'subscribed', 'e1:2', '-', 'e1:4'])
  })

  it('takes what the type missed of a symbol that is new to the client', () => {
    const tracker = tracking(subscribed('e1:0', NEWS), subscribed('e1:5', NEWS_A), subscribed('e1:0', NEWS, { recovered: true }))

    expect(receivedBy(tracker, message('e1:1', NEWS_A), message('e1:2', NEWS_A))).toEqual(['e1:1', 'e1:2'])
  })

  it('reports what comes too late to be in order', () => {
    const tracker = tracking(subscribed('e1:0', NEWS))
    tracker.disconnected()

    const received = receivedBy(
      tracker,
      subscribed('e1:5', NEWS_A),
      message('e1:6', NEWS_A),
      subscribed('e1:0', NEWS, { recovered: true }),
      message('e1:1', NEWS_A),
      message('e1:2', { streamType: 'NEWS', symbol: 'B' }),
    )

    expect(received).toEqual(['subscribed', 'e1:6', 'subscribed', '1 missing, -', 'e1:2'])
  })

  it('takes the latest message of each symbol, whatever the order of their numbers', () => {
    const [A, B] = ['A', 'B'].map((symbol) => ({ streamType: 'TICKER', symbol }) as const) as [Stream, Stream]
    const tracker = tracking(subscribed('e1:4', TICKER))

    expect(receivedBy(tracker, message('e1:7', A), message('e1:6', B), message('e1:6', A))).toEqual(['e1:7', 'e1:6', '-'])
    // Nobody can tell that nothing between waits, so the client asks from where it knows.
    expect(tracker.position(TICKER)).toBe('e1:4')
  })

  it('ends with an answer to an unsubscribe, and its symbol goes on', () => {
    const tracker = tracking(subscribed('e1:0', NEWS), subscribed('e1:0', NEWS_A), message('e1:1', NEWS_A), '{"type":"unsubscribed","stream_type":"NEWS","symbol":null}')

    expect([tracker.position(NEWS), tracker.position(NEWS_A)]).toEqual([undefined, 'e1:1'])
    expect(receivedBy(tracker, message('e1:5', NEWS_A), message('e1:5', NEWS_A))).toEqual(['e1:5', '-'])
  })
})

describe('trackPositions, of several epochs', () => {
  it('has a number for each, and each begins at 1', () => {
    const tracker = tracking(subscribed('e1:4,e2:7'))

    expect(receivedBy(tracker, message('e2:8'), message('e1:5'), message('e3:1'), message('e4:3'), message('e2:9'))).toEqual(['e2:8', 'e1:5', 'e3:1', '2 missing, e4:3', 'e2:9'])
    expect(tracker.position(TRADES)?.split(',').toSorted()).toEqual(['e1:5', 'e2:9', 'e3:1', 'e4:3'])
  })

  it('remembers the 32 that were used last', () => {
    const tracker = tracking(subscribed('e0:0'))
    for (let i = 1; i <= 40; i++) tracker.receive(message(`e${i}:1`))

    const epochs = tracker.position(TRADES)?.split(',') ?? []

    expect([epochs.length, epochs[0], epochs.at(-1)]).toEqual([32, 'e9:1', 'e40:1'])
    expect(receivedBy(tracker, message('e9:1'))).toEqual(['-'])
  })
})

describe('trackPositions, of a connection that has ended', () => {
  it('keeps the position, and counts what comes before the new answer for nothing', () => {
    const tracker = tracking(subscribed('e1:0'), message('e1:1'))

    tracker.disconnected()

    expect(tracker.position(TRADES)).toBe('e1:1')
    expect(receivedBy(tracker, message('e1:4'))).toEqual(['e1:4'])
    expect(tracker.position(TRADES)).toBe('e1:1')
  })

  it('reports what came before the new answer neither twice nor as missing', () => {
    const tracker = tracking(subscribed('e1:0'))
    tracker.disconnected()

    expect(receivedBy(tracker, subscribed('e1:0', TRADES, { recovered: true }), message('e1:1'), message('e1:2'))).toEqual(['subscribed', 'e1:1', 'e1:2'])
  })
})

describe('trackPositions, of live messages that come between a disconnect and the new answer', () => {
  it('reports the messages of the replay as missing, because they come too late to be in order', () => {
    const tracker = trackPositions({ streams })
    receivedBy(tracker, subscribed('e1:0'), message('e1:1'))
    tracker.disconnected()
    const replay = [2, 3, 4, 5, 6].map((seq) => message(`e1:${seq}`))

    expect(receivedBy(tracker, message('e1:5'), message('e1:6'), subscribed('e1:1', TRADES, { recovered: true }), ...replay)).toEqual([
      'e1:5', 'e1:6', 'subscribed', '1 missing, -', '1 missing, -', '1 missing, -', '-', '-',
    ])
  })
})

describe('trackPositions, of a text that it cannot read', () => {
  it.each(['', '{', 'null', '[]', '7', '{}', '{"stream_type":"TRADES"}', message('e1:1').replace('2026', '26'), skip('e:0').replace('"e"', '""'), '{"type":"skip","epoch":"e","seq":1}', '{"type":"subscribed","stream_type":"TRADES","symbol":"A","position":7}', '{"type":"unsubscribed","stream_type":{"toString":1}}', 'null', '{"stream_type":"TRADES","symbol":{"toString":1},"data":1,"timestamp":"2026-01-31T12:00:00.000Z","epoch":"e","seq":1}'])(
    'has an unknown frame for %j, and stays as it was',
    (text) => {
      const tracker = tracking(subscribed('e1:0'))

      expect(receivedBy(tracker, text)).toEqual(['unknown'])
      expect(tracker.position(TRADES)).toBe('e1:0')
    },
  )

  it('has an unknown frame for a stream type that its catalogue does not have', () => {
    const texts = [message('e1:1'), gap(1), subscribed('e1:0')].map((text) => text.replace('TRADES', 'constructor'))

    expect(receivedBy(tracking(), ...texts)).toEqual(['unknown', 'unknown', 'unknown'])
  })

  it('takes every stream type if it has no catalogue', () => {
    expect(trackPositions().receive(message('e1:1').replace('TRADES', 'OTHER')).message).toMatchObject({ streamType: 'OTHER' })
  })

  it('has no position for an answer whose position it cannot read', () => {
    const tracker = tracking(subscribed('opaque'))

    expect(tracker.position(TRADES)).toBeUndefined()
    expect(receivedBy(tracker, subscribed('e1:1', TRADES, { recovered: false }))).toEqual(['?, subscribed'])
  })
})

describe('trackPositions, with a server', () => {
  /** A server whose socket takes nothing while it is full, and a client that reads what the socket got. */
  function desk() {
    const recovery = createRecovery<Streams>()
    const transport = { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) }
    const manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock: new ManualClock(), recorder: recovery, transport, delivery: { hardLimitBytes: 700 } })
    const tracker = trackPositions({ streams })
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')
    const drain = () => {
      socket.script.write = undefined
      connection.drained()
      connection.flush()
      return receivedBy(tracker, ...socket.sent.splice(0)).map((each) => each.replaceAll(/[\w-]{11}:/g, ''))
    }
    /** Makes the connection fall behind with this message. */
    const fill = (publish: () => unknown) => {
      drain()
      socket.script.write = () => 0
      publish()
      connection.flush()
    }
    return { recovery, manager, connection, tracker, fill, drain }
  }

  it('gets a skip in the place of its message, behind those that wait', () => {
    const { recovery, manager, connection, fill, drain } = desk()
    recovery.subscribe(connection, TRADES)
    fill(() => manager.publish({ ...TRADES, data: 1 }))

    manager.publish({ ...TRADES, data: 2 })
    manager.publish({ ...TRADES, data: 3 }, { except: connection })

    expect(drain()).toEqual(['1', '2', 'skip'])
  })

  it('reports what was dropped once', () => {
    const { recovery, manager, connection, fill, drain } = desk()
    recovery.subscribe(connection, { streamType: 'TICKS', symbol: 'A' })
    fill(() => manager.publish({ streamType: 'TICKS', symbol: 'A', data: 1 }))

    for (let data = 2; data <= 12; data++) manager.publish({ streamType: 'TICKS', symbol: 'A', data })

    const [notice, ...rest] = drain()
    expect(notice).toMatch(/^\d+ missing, gap$/)
    expect(rest.length + Number.parseInt(String(notice))).toBe(12)
    expect(rest.every((each) => /^\d+$/.test(each))).toBe(true)
  })

  it('loses no symbol of a whole latest type if a newer message takes the place of an older one', () => {
    const { recovery, manager, connection, tracker, fill, drain } = desk()
    recovery.subscribe(connection, TICKER)
    fill(() => manager.publish({ ...TICKER, symbol: 'A', data: 'old' }))

    for (const symbol of ['B', 'A']) manager.publish({ streamType: 'TICKER', symbol, data: symbol })

    expect(drain()).toEqual(['3', '2'])
    expect(recovery.subscribe(connection, { ...TICKER, position: tracker.position(TICKER) }).recovered).toBe(false)
    expect(drain()).toEqual(['?, subscribed', '2', '3'])
  })
})
