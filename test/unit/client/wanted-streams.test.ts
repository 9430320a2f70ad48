import { describe, expect, it } from 'vitest'
import { type Update } from '../../../src/client/index.ts'
import { defineStreams } from '../../../src/index.ts'
import { message, settled, told, worldOf, type Frame, type TestSocket, type World } from '../../support/scripted-server.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional' },
  TICKER: { audience: 'public', symbol: 'optional', delivery: 'latest' },
  STATUS: { audience: 'public', symbol: 'none' },
  RATE: { audience: 'public', symbol: 'none', delivery: 'latest' },
})
type Streams = typeof streams

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const
const PRICE = { streamType: 'PRICE', symbol: 'A' } as const
const NEWS = { streamType: 'NEWS' } as const
const NEWS_A = { streamType: 'NEWS', symbol: 'A' } as const
const TICKER = { streamType: 'TICKER' } as const
const LATEST = { delivery: 'latest', contiguous: false }

type Heard = Update<Streams>[]

/** A client that is connected, to a server that answers commands when the test says so. */
async function connected(options: Parameters<typeof worldOf>[0] = {}): Promise<World<Streams> & { readonly first: TestSocket }> {
  const world = worldOf<Streams>(options)
  world.client.connect()
  const first = await world.welcome()
  first.isAnswering = false
  return Object.assign(world, { first })
}

/** Loses the connection, and makes another one. */
async function reconnected({ clock, socket, welcome }: World<Streams>): Promise<TestSocket> {
  socket.lose()
  await clock.pass(30_000)
  await clock.pass(0)
  const next = await welcome()
  return next
}

describe('a subscription', () => {
  it('hears the messages that follow the answer, in order and with their places', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()

    first.answerNext()
    first.receive(message('e1:1'))
    first.receive(message('e1:2'))

    expect(told(heard)).toEqual(['e1:1', 'e1:2'])
    expect(heard[0]).toEqual({ streamType: 'TRADES', symbol: 'A', data: 'e1:1', timestamp: new Date('2026-01-31T12:00:00.000Z'), userId: undefined, epoch: 'e1', seq: 1 })
  })

  it('has nothing to do with what comes before the answer', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    const others: unknown[] = []
    client.on('message', (update) => others.push(update))
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()

    first.receive(message('e1:1'))
    first.answerNext({ position: 'e1:1' })
    first.receive(message('e1:2'))

    expect([told(heard), others.length]).toEqual([['e1:2'], 1])
  })

  it('is live from the answer until the connection ends, and as long as its listener hears it', async () => {
    const { client, first, socket } = await connected()
    const subscription = client.subscribe(TRADES, () => {})
    await settled()
    const states = [subscription.live]

    first.answerNext()
    states.push(subscription.live)
    socket.lose()
    states.push(subscription.live)

    expect(states).toEqual([false, true, false])
    subscription.unsubscribe()
    expect(subscription.live).toBe(false)
  })

  it('is shared by all listeners of a stream', async () => {
    const { client, first } = await connected()
    const heard: string[] = []
    client.subscribe(TRADES, () => heard.push('one'))
    client.subscribe(TRADES, () => heard.push('two'))
    await settled()

    first.answerNext()
    first.receive(message('e1:1'))

    expect([first.commands.length, heard]).toEqual([1, ['one', 'two']])
  })

  it('tells a listener that was added twice twice', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    const listener = (update: Update<Streams>): void => void heard.push(update)
    client.subscribe(TRADES, listener)
    const second = client.subscribe(TRADES, listener)
    await settled()
    first.answerNext()

    first.receive(message('e1:1'))
    second.unsubscribe()
    first.receive(message('e1:2'))

    expect(told(heard)).toEqual(['e1:1', 'e1:1', 'e1:2'])
  })

  it('goes on if a listener throws or rejects, which is told', async () => {
    const { client, first, errors } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, () => {
      throw new Error('bug')
    })
    client.subscribe(TRADES, () => Promise.reject(new Error('late bug')) as never)
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    first.answerNext()

    first.receive(message('e1:1'))
    await settled()

    expect(told(heard)).toEqual(['e1:1'])
    expect(errors.map(({ stage }) => stage)).toEqual(['listener', 'listener'])
  })

  it('does not tell a listener that an earlier listener has removed', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, () => second.unsubscribe())
    const second = client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    first.answerNext()

    first.receive(message('e1:1'))

    expect(heard).toEqual([])
  })

  it('ends with its signal', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    const controller = new AbortController()
    const subscription = client.subscribe(TRADES, (update) => heard.push(update), { signal: controller.signal })
    await settled()
    first.answerNext()

    controller.abort()
    first.receive(message('e1:1'))

    expect([heard, subscription.live]).toEqual([[], false])
  })

  it('does not begin if its signal is aborted already', async () => {
    const { client, first, clock } = await connected()

    client.subscribe(TRADES, () => {}, { signal: AbortSignal.abort() })
    await clock.pass(1_000)

    expect(first.commands.filter(({ command }) => command === 'unsubscribe').length).toBe(first.commands.filter(({ command }) => command === 'subscribe').length)
  })

  it('tells of the status of its source', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    first.answerNext()

    first.receive({ type: 'status', stream_type: 'TRADES', symbol: 'A', status: 'ERROR' })
    first.receive({ type: 'status', stream_type: 'TRADES', symbol: 'B', status: 'ERROR' })

    expect(heard).toEqual([{ type: 'status', streamType: 'TRADES', symbol: 'A', status: 'ERROR' }])
  })

  it('tells of a failed source that the server reports before its answer', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()

    first.receive({ type: 'status', stream_type: 'TRADES', symbol: 'A', status: 'ERROR' })
    first.answerNext()

    expect(heard).toEqual([{ type: 'status', streamType: 'TRADES', symbol: 'A', status: 'ERROR' }])
  })

  it('ends if the server ends it unasked, and is not made again', async () => {
    const world = await connected()
    const { client, first } = world
    const heard: Heard = []
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    first.answerNext()

    first.receive({ type: 'unsubscribed', stream_type: 'TRADES', symbol: 'A', reason: 'revoked' })
    first.receive(message('e1:1'))
    const next = await reconnected(world)

    expect(heard).toEqual([{ type: 'ended', streamType: 'TRADES', symbol: 'A', code: 'revoked' }])
    expect(next.commands).toEqual([])
  })

  it.each([
    ['its whole type', NEWS_A, NEWS],
    ['one symbol of its type', NEWS, NEWS_A],
  ])('does not end if the server ends that of %s', async (_, kept, ended) => {
    const { client, first } = await connected()
    const [heardByKept, heardByEnded]: [Heard, Heard] = [[], []]
    client.subscribe(kept, (update) => heardByKept.push(update))
    client.subscribe(ended, (update) => heardByEnded.push(update))
    await settled()
    first.answerNext()
    first.answerNext()

    first.receive({ type: 'unsubscribed', stream_type: 'NEWS', symbol: 'symbol' in ended ? ended.symbol : null, reason: 'revoked' })
    first.receive(message('e1:1', NEWS_A))

    expect([told(heardByKept), told(heardByEnded)]).toEqual([['e1:1'], ['ended revoked']])
  })

  it('does not end if the server ends one that it has not confirmed yet', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()

    first.receive({ type: 'unsubscribed', stream_type: 'TRADES', symbol: 'A', reason: 'revoked' })
    first.answerNext()
    first.receive(message('e1:1'))

    expect(told(heard)).toEqual(['e1:1'])
  })

  it('has nothing to do with notices of a type that the client does not know', async () => {
    const { client, first, errors } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    first.answerNext()

    first.receive({ type: 'weather', stream_type: 'TRADES', symbol: 'A' })

    expect([heard, errors]).toEqual([[], []])
  })

  it('ends if the server refuses it for good', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    const { unsubscribe } = client.subscribe(TRADES, (update) => heard.push(update))
    await settled()

    first.refuseNext({ code: 'ERR_FORBIDDEN' })
    unsubscribe()

    expect(told(heard)).toEqual(['ended ERR_FORBIDDEN'])
  })

  it('can be made again after its end', async () => {
    const { client, first } = await connected()
    client.subscribe(TRADES, () => {})
    await settled()
    first.refuseNext({ code: 'ERR_FORBIDDEN' })

    client.subscribe(TRADES, () => {})
    await settled()

    expect(first.open.length).toBe(1)
  })

  it('is asked for again later if the server refuses it for now, with jitter', async () => {
    const { client, first, clock } = await connected()
    clock.randoms = [0.4]
    client.subscribe(TRADES, () => {})
    await settled()

    first.refuseNext({ code: 'ERR_QUOTA_EXCEEDED', retry_ms: 1_000 })
    await clock.pass(1_099)
    const before = first.open.length
    await clock.pass(1)

    expect([before, first.open.length]).toEqual([0, 1])
  })

  it('is asked for once, if a new connection comes before the time that the refusal named', async () => {
    const world = await connected()
    world.client.subscribe(TRADES, () => {})
    await settled()
    world.first.refuseNext({ code: 'ERR_QUOTA_EXCEEDED', retry_ms: 60_000 })

    const next = await reconnected(world)
    await world.clock.pass(120_000)

    expect(next.commands.length).toBe(1)
  })
})

describe('an unsubscribed stream', () => {
  it('stays subscribed as long as somebody listens', async () => {
    const { client, first, clock } = await connected({ lingerMs: 200 })
    const heard: Heard = []
    const { unsubscribe } = client.subscribe(TRADES, () => {})
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    first.answerNext()

    unsubscribe()
    await clock.pass(200)
    first.receive(message('e1:1'))

    expect([told(heard), first.commands.length]).toEqual([['e1:1'], 1])
  })

  it('stays subscribed for lingerMs', async () => {
    const { client, first, clock } = await connected({ lingerMs: 200 })
    const { unsubscribe } = client.subscribe(TRADES, () => {})
    await settled()
    first.answerNext()

    unsubscribe()
    await clock.pass(199)
    const before = first.commands.length
    await clock.pass(1)

    expect([before, first.commands.at(-1)]).toEqual([1, { command: 'unsubscribe', stream_type: 'TRADES', symbol: 'A' }])
  })

  it('is still there for who comes back at once', async () => {
    const { client, first, clock } = await connected()
    const heard: Heard = []
    const before = client.subscribe(TRADES, () => {})
    await settled()
    first.answerNext()

    before.unsubscribe()
    await clock.pass(900)
    const { live } = client.subscribe(TRADES, (update) => heard.push(update))
    await clock.pass(5_000)
    first.receive(message('e1:1'))

    expect([live, first.commands.length, told(heard)]).toEqual([true, 1, ['e1:1']])
  })

  it('is asked for anew by who comes back later, and the earlier answers count for nothing', async () => {
    const { client, first, clock } = await connected({ lingerMs: 0 })
    const heard: Heard = []
    client.subscribe(TRADES, () => {}).unsubscribe()
    await clock.pass(0)
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()

    const [subscribe, unsubscribe, again] = first.open
    if (subscribe) first.answer(subscribe)
    first.receive(message('e1:1'))
    if (unsubscribe && again) first.answer(unsubscribe)
    if (again) first.answer(again, { position: 'e1:1' })
    first.receive(message('e1:2'))

    expect([first.open.map(({ command }) => command), told(heard)]).toEqual([['subscribe', 'unsubscribe', 'subscribe'], ['e1:2']])
  })
})

describe('a late listener', () => {
  it('of a latest stream gets the last value once', async () => {
    const { client, first } = await connected()
    const [early, late]: [Heard, Heard] = [[], []]
    client.subscribe(PRICE, (update) => early.push(update))
    await settled()
    first.answerNext(LATEST)
    first.receive(message('e1:1', PRICE))
    first.receive(message('e1:2', PRICE))

    client.subscribe(PRICE, (update) => late.push(update))
    await settled()
    first.receive(message('e1:3', PRICE))

    expect([told(early), told(late)]).toEqual([['e1:1', 'e1:2', 'e1:3'], ['e1:2', 'e1:3']])
  })

  it('does not get it if a newer one comes first', async () => {
    const { client, first } = await connected()
    const late: Heard = []
    client.subscribe(PRICE, () => {})
    await settled()
    first.answerNext(LATEST)
    first.receive(message('e1:1', PRICE))

    client.subscribe(PRICE, (update) => late.push(update))
    first.receive(message('e1:2', PRICE))
    await settled()

    expect(told(late)).toEqual(['e1:2'])
  })

  it('does not get it if it has left again', async () => {
    const { client, first } = await connected()
    const late: Heard = []
    client.subscribe(PRICE, () => {})
    await settled()
    first.answerNext(LATEST)
    first.receive(message('e1:1', PRICE))

    client.subscribe(PRICE, (update) => late.push(update)).unsubscribe()
    await settled()

    expect(late).toEqual([])
  })

  it('of a whole latest type gets the last value of each symbol', async () => {
    const { client, first } = await connected()
    const late: Heard = []
    client.subscribe(TICKER, () => {})
    await settled()
    first.answerNext(LATEST)
    for (const [place, symbol] of [['e1:1', 'A'], ['e1:2', 'B'], ['e1:3', 'A']] as const) first.receive(message(place, { streamType: 'TICKER', symbol }))

    client.subscribe(TICKER, (update) => late.push(update))
    await settled()

    expect(told(late).toSorted()).toEqual(['e1:2', 'e1:3'])
  })

  it('of a latest type without symbols gets its last value, and an older one is told to nobody', async () => {
    const { client, first } = await connected()
    const [early, late]: [Heard, Heard] = [[], []]
    client.subscribe({ streamType: 'RATE' }, (update) => early.push(update))
    await settled()
    first.answerNext(LATEST)
    for (const place of ['e1:1', 'e1:3', 'e1:2']) first.receive(message(place, { streamType: 'RATE', symbol: null }))

    client.subscribe({ streamType: 'RATE' }, (update) => late.push(update))
    await settled()

    expect([told(early), told(late)]).toEqual([['e1:1', 'e1:3'], ['e1:3']])
  })

  it('of a stream whose messages each count gets none of the past', async () => {
    const { client, first } = await connected()
    const late: Heard = []
    client.subscribe(TRADES, () => {})
    await settled()
    first.answerNext()
    first.receive(message('e1:1'))

    client.subscribe(TRADES, (update) => late.push(update))
    await settled()

    expect(late).toEqual([])
  })

  it('gets no value from before a gap', async () => {
    const world = await connected()
    const late: Heard = []
    world.client.subscribe(PRICE, () => {})
    await settled()
    world.first.answerNext(LATEST)
    world.first.receive(message('e1:1', PRICE))
    world.socket.lose()
    await world.clock.pass(500)
    world.socket.isAnswering = false
    await world.welcome()
    world.socket.answerNext({ ...LATEST, recovered: false, position: 'e2:0' })

    world.client.subscribe(PRICE, (update) => late.push(update))
    await settled()

    expect(late).toEqual([])
  })
})

describe('after a reconnect', () => {
  /** What a listener of trades is told, if the second connection begins with these frames. */
  async function heardAfter(before: readonly Frame[], facts: Frame, after: readonly Frame[], stream: typeof TRADES | typeof PRICE = TRADES): Promise<string[]> {
    const world = await connected()
    const heard: Heard = []
    world.client.subscribe(stream, (update) => heard.push(update))
    await settled()
    world.first.answerNext(stream === PRICE ? LATEST : {})
    for (const frame of before) world.first.receive(frame)
    world.socket.lose()
    await world.clock.pass(500)
    world.socket.isAnswering = false
    await world.welcome()
    world.socket.answerNext({ ...(stream === PRICE ? LATEST : {}), ...facts })
    for (const frame of after) world.socket.receive(frame)
    return told(heard)
  }

  it('a stream goes on from where it was', async () => {
    const world = await connected()
    world.client.subscribe(TRADES, () => {})
    await settled()
    world.first.answerNext()
    world.first.receive(message('e1:1'))
    world.first.receive(message('e2:5'))

    const next = await reconnected(world)

    expect(next.commands).toEqual([{ command: 'subscribe', stream_type: 'TRADES', symbol: 'A', position: 'e1:1,e2:5' }])
  })

  it('each message is told once, though a resume may repeat some', async () => {
    expect(await heardAfter([message('e1:1'), message('e1:2')], { position: 'e1:1', recovered: true }, [message('e1:2'), message('e1:3')])).toEqual(['e1:1', 'e1:2', 'e1:3'])
  })

  it('a gap is told if the server cannot recover', async () => {
    expect(await heardAfter([message('e1:1')], { position: 'e2:7', recovered: false }, [message('e2:8')])).toEqual(['e1:1', 'gap ?', 'e2:8'])
  })

  it('a gap is told if the server has no recovery', async () => {
    expect(await heardAfter([message(undefined)], { position: undefined, recovered: undefined, contiguous: undefined }, [message(undefined)])).toEqual(['sent', 'gap ?', 'sent'])
  })

  it('a gap is told each time if no server had a recovery', async () => {
    const world = await connected()
    const heard: Heard = []
    world.client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    const none = { position: undefined, recovered: undefined, contiguous: undefined, delivery: undefined }
    world.first.answerNext(none)
    for (let i = 0; i < 2; i++) {
      world.socket.lose()
      await world.clock.pass(5_000)
      await world.clock.pass(0)
      world.socket.isAnswering = false
      await world.welcome()
      expect(world.socket.commands[0]).not.toHaveProperty('position')
      world.socket.answerNext(none)
    }

    expect(told(heard)).toEqual(['gap ?', 'gap ?'])
  })

  it('a snapshot follows the gap, and is told even if it has the place of a message that was told', async () => {
    const before = [message('e1:4', PRICE)]
    const after = [message('e1:4', { ...PRICE, snapshot: true }), message('e1:4', PRICE), message('e1:5', PRICE)]

    expect(await heardAfter(before, { position: 'e1:3', recovered: false, snapshot: true }, after, PRICE)).toEqual(['e1:4', 'gap ?', 'snapshot e1:4', 'e1:5'])
  })

  it('an announced snapshot may be replaced by a newer message', async () => {
    expect(await heardAfter([], { position: 'e1:3', recovered: false, snapshot: true }, [message('e1:9', PRICE)], PRICE)).toEqual(['gap ?', 'e1:9'])
  })

  it('an announced snapshot may be dropped, with a gap in its place', async () => {
    const gap = { type: 'gap', stream_type: 'TRADES', symbol: 'A', dropped: 3 }

    expect(await heardAfter([], { position: 'e2:7', recovered: false, snapshot: true }, [gap, message('e2:10')])).toEqual(['gap ?', 'gap 3', 'e2:10'])
  })

  it('no position is given until the announced snapshot has come', async () => {
    const world = await connected()
    world.client.subscribe(TRADES, () => {})
    await settled()
    world.first.answerNext({ snapshot: true, position: 'e1:3' })

    const next = await reconnected(world)

    expect(next.commands[0]).not.toHaveProperty('position')
  })

  it('the server is told what is wanted now, and nothing else', async () => {
    const world = await connected()
    world.client.subscribe(TRADES, () => {}).unsubscribe()
    world.client.subscribe(PRICE, () => {})
    await world.clock.pass(1_000)

    const next = await reconnected(world)

    expect(next.commands.map(({ stream_type }) => stream_type)).toEqual(['PRICE'])
  })

  it('32 epochs of a channel are remembered', async () => {
    const world = await connected()
    world.client.subscribe(TRADES, () => {})
    await settled()
    world.first.answerNext()
    for (let i = 1; i <= 40; i++) world.first.receive(message(`f${i}:1`))

    const next = await reconnected(world)

    const position = String(next.commands[0]?.['position']).split(',')
    expect([position.length, position[0], position.at(-1)]).toEqual([32, 'f9:1', 'f40:1'])
  })

  it('the confirmation says whether the stream was recovered', async () => {
    const world = await connected()
    const confirmed: unknown[] = []
    world.client.on('subscribed', (confirmation) => confirmed.push(confirmation))
    world.client.subscribe(TRADES, () => {})
    await settled()
    world.first.answerNext()

    await reconnected(world)

    const { streamType, symbol } = TRADES
    expect(confirmed).toEqual([{ streamType, symbol, recovered: null }, { streamType, symbol, recovered: true }])
  })
})

describe('a gap', () => {
  it('in the numbers of a contiguous stream is told, in its place', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    first.answerNext()

    for (const place of ['e1:1', 'e1:4', 'e2:1']) first.receive(message(place))

    expect(told(heard)).toEqual(['e1:1', 'gap 2', 'e1:4', 'e2:1'])
  })

  it('that the server tells of is told once', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    first.answerNext()

    first.receive(message('e1:1'))
    first.receive({ type: 'gap', stream_type: 'TRADES', symbol: 'A', dropped: 2 })
    first.receive(message('e1:4'))
    first.receive({ type: 'gap', stream_type: 'TRADES', symbol: 'A', dropped: null })
    first.receive(message('e1:9'))

    expect(told(heard)).toEqual(['e1:1', 'gap 2', 'e1:4', 'gap ?', 'e1:9'])
  })

  it('without a symbol is told to all streams of the type', async () => {
    const { client, first } = await connected()
    const heard: string[] = []
    client.subscribe(TRADES, ({ type }) => heard.push(`A ${type}`))
    client.subscribe({ streamType: 'TRADES', symbol: 'B' }, ({ type }) => heard.push(`B ${type}`))
    client.subscribe(NEWS, ({ type }) => heard.push(`NEWS ${type}`))
    await settled()
    for (let i = 0; i < 3; i++) first.answerNext()

    first.receive({ type: 'gap', stream_type: 'TRADES', symbol: null, dropped: 5 })

    expect(heard).toEqual(['A gap', 'B gap'])
  })

  it('is not in the place of a message that the client was left out of', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()
    first.answerNext()

    first.receive(message('e1:1'))
    first.receive({ type: 'skip', stream_type: 'TRADES', symbol: 'A', epoch: 'e1', seq: 2 })
    first.receive(message('e1:3'))
    first.receive(message('e1:4'))
    first.receive({ type: 'skip', stream_type: 'TRADES', symbol: 'A', epoch: 'e1', seq: 5 })
    first.receive(message('e1:6'))

    expect(told(heard)).toEqual(['e1:1', 'e1:3', 'e1:4', 'e1:6'])
  })

  it('is not told for numbers that others have, on a stream that is not contiguous', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(NEWS_A, (update) => heard.push(update))
    await settled()
    first.answerNext({ contiguous: false })

    for (const place of ['e1:2', 'e1:9']) first.receive(message(place, NEWS_A))

    expect(told(heard)).toEqual(['e1:2', 'e1:9'])
  })
})

describe('a whole type, and one of its symbols', () => {
  it('each get a message once', async () => {
    const { client, first } = await connected()
    const heard: string[] = []
    client.subscribe(NEWS, (update) => heard.push(`whole ${told([update])[0]}`))
    client.subscribe(NEWS_A, (update) => heard.push(`A ${told([update])[0]}`))
    await settled()
    first.answerNext()
    first.answerNext({ contiguous: false })

    first.receive(message('e1:1', NEWS_A))
    first.receive(message('e1:2', { streamType: 'NEWS', symbol: 'B' }))
    first.receive(message('e1:3', { streamType: 'NEWS', symbol: null }))

    expect(heard).toEqual(['A e1:1', 'whole e1:1', 'whole e1:2', 'whole e1:3'])
  })

  it('each get what they missed, in order, though the answers come one after the other', async () => {
    const world = await connected()
    const [whole, single]: [Heard, Heard] = [[], []]
    world.client.subscribe(NEWS_A, (update) => single.push(update))
    world.client.subscribe(NEWS, (update) => whole.push(update))
    await settled()
    world.first.answerNext({ contiguous: false })
    world.first.answerNext()
    world.socket.lose()
    await world.clock.pass(500)
    world.socket.isAnswering = false
    await world.welcome()
    const { socket } = world

    socket.answerNext({ contiguous: false })
    socket.receive(message('e1:2', NEWS_A))
    socket.answerNext()
    for (const [place, symbol] of [['e1:1', 'B'], ['e1:2', 'A'], ['e1:3', 'B']] as const) socket.receive(message(place, { streamType: 'NEWS', symbol }))

    expect([told(single), told(whole)]).toEqual([['e1:2'], ['e1:1', 'e1:2', 'e1:3']])
  })

  it('are told of what comes too late, because the replay of the type came before that of the symbol', async () => {
    const world = await connected()
    const [whole, single]: [Heard, Heard] = [[], []]
    world.client.subscribe(NEWS, (update) => whole.push(update))
    world.client.subscribe(NEWS_A, (update) => single.push(update))
    await settled()
    world.first.answerNext({ position: 'e1:4' })
    world.first.answerNext({ position: 'e1:4', contiguous: false })
    world.first.receive(message('e1:5', { streamType: 'NEWS', symbol: null }))
    world.socket.lose()
    await world.clock.pass(500)
    world.socket.isAnswering = false
    await world.welcome()
    const { socket } = world

    socket.answerNext({ recovered: true })
    socket.answerNext({ recovered: true, contiguous: false })
    for (const seq of [7, 8, 6, 7, 8, 9]) socket.receive(message(`e1:${seq}`, NEWS_A))

    expect([told(single), told(whole).at(-1)]).toEqual([['e1:7', 'e1:8', 'gap 1', 'e1:9'], 'e1:9'])
  })

  it('of a latest type gets the last value of each symbol, whatever the order', async () => {
    const { client, first } = await connected()
    const heard: Heard = []
    client.subscribe(TICKER, (update) => heard.push(update))
    await settled()
    first.answerNext({ ...LATEST, position: 'e1:0', snapshot: true })

    first.receive(message('e1:7', { streamType: 'TICKER', symbol: 'A', snapshot: true }))
    first.receive(message('e1:3', { streamType: 'TICKER', symbol: 'B', snapshot: true }))
    first.receive(message('e1:8', { streamType: 'TICKER', symbol: 'B' }))
    first.receive(message('e1:8', { streamType: 'TICKER', symbol: 'B' }))

    expect(told(heard)).toEqual(['snapshot e1:7', 'snapshot e1:3', 'e1:8'])
  })
})

describe('a message that no subscription covers', () => {
  it('is an event of the client', async () => {
    const { client, first } = await connected()
    const others: { readonly data: unknown }[] = []
    const remove = client.on('message', (update) => others.push(update))

    first.receive(message(undefined))
    remove()
    first.receive(message(undefined))

    expect(others.map(({ data }) => data)).toEqual(['sent'])
  })
})

describe('many commands', () => {
  it('leave as arrays of at most 100, of at most 16,384 units', async () => {
    const { client, first } = await connected()
    const long = 'x'.repeat(250)
    for (let i = 0; i < 250; i++) client.subscribe({ streamType: 'TRADES', symbol: i < 150 ? `${i}` : `${i}${long}` }, () => {})
    await settled()

    const texts = first.sent.filter((text) => text.includes('subscribe'))
    const counts = texts.map((text) => (JSON.parse(text) as unknown[]).length)
    expect(counts.reduce((sum, count) => sum + count)).toBe(250)
    expect(counts[0]).toBe(100)
    expect(Math.max(...counts)).toBeLessThanOrEqual(100)
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThanOrEqual(16_384)
    expect(texts.length).toBeLessThan(8)
  })
})
