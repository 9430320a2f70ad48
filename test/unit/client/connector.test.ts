import { describe, expect, it } from 'vitest'
import type { ClientSocket, ConnectContext, Loss } from '../../../src/client/index.ts'
import { settled, TestSocket, worldOf, type World } from '../../support/scripted-server.ts'
import type { TradingStreams } from '../../../src/index.ts'

const PRICE = { streamType: 'PRICE', symbol: 'A' } as const

/** A client with one stream, that is connected. */
async function connected(options: Parameters<typeof worldOf>[0] = {}): Promise<World<TradingStreams>> {
  const world = worldOf(options)
  world.client.subscribe(PRICE, () => {})
  await world.welcome()
  return world
}

describe('a client that nobody needs any more when its connection ends', () => {
  it('is idle, and does not come back', async () => {
    const { client, clock, socket, sockets, states } = await connected()

    socket.receive({ type: 'unsubscribed', stream_type: 'PRICE', symbol: 'A', reason: 'revoked' })
    socket.lose()
    await clock.pass(60_000)

    expect([client.state, sockets.length, states]).toEqual(['idle', 1, ['connecting', 'connected', 'idle closed']])
  })
})

describe('a client without a connection', () => {
  it('connects once something is subscribed to', async () => {
    const { client, sockets, states } = worldOf()
    await settled()
    const before = [client.state, sockets.length]

    client.subscribe(PRICE, () => {})
    await settled()

    expect(before).toEqual(['idle', 0])
    expect([client.state, sockets.length, states]).toEqual(['connecting', 1, ['connecting']])
  })

  it('connects at once if it is not lazy, and stays connected', async () => {
    const { client, clock, welcome } = worldOf({ lazy: false })

    await welcome()
    await clock.pass(60_000)

    expect(client.state).toBe('connected')
  })

  it('connects when it is told to, and stays connected', async () => {
    const { client, clock, welcome } = worldOf()

    client.connect()
    await welcome()
    client.subscribe(PRICE, () => {}).unsubscribe()
    await clock.pass(60_000)

    expect(client.state).toBe('connected')
  })

  it('makes one connection, however often it is told to connect', async () => {
    const { client, sockets, welcome } = worldOf()

    client.connect()
    client.connect()
    await welcome()
    client.connect()
    await settled()

    expect([client.state, sockets.length]).toEqual(['connected', 1])
  })

  it('is connected once the server has said welcome', async () => {
    const { client, socket, states } = await connected()

    expect(states).toEqual(['connecting', 'connected'])
    expect([client.state, socket.commands]).toEqual(['connected', [{ command: 'subscribe', stream_type: 'PRICE', symbol: 'A' }]])
  })

  it('has nothing to do with frames that come before the welcome', async () => {
    const { client, sockets } = worldOf()
    client.subscribe(PRICE, () => {})
    await settled()

    sockets[0]?.receive({ type: 'pong', id: 1 })

    expect(client.state).toBe('connecting')
  })

  it('ends the connection when nobody has needed it for lingerMs', async () => {
    const world = worldOf({ lingerMs: 500 })
    const { unsubscribe } = world.client.subscribe(PRICE, () => {})
    const socket = await world.welcome()

    unsubscribe()
    await world.clock.pass(499)
    const before = world.client.state
    await world.clock.pass(1)

    expect([before, world.client.state, socket.ending]).toEqual(['connected', 'idle', 'close'])
    expect(world.clock.pendingTimers).toBe(0)
  })

  it('does not try again what nobody needs any more', async () => {
    const world = worldOf({ backoff: { minMs: 10_000 } })
    const { unsubscribe } = world.client.subscribe(PRICE, () => {})
    await world.welcome()
    world.socket.lose()

    unsubscribe()
    await world.clock.pass(1_000)

    expect([world.client.state, world.clock.pendingTimers, world.sockets.length]).toEqual(['idle', 0, 1])
  })
})

describe('a client that has lost its connection', () => {
  it('waits at random from the first attempt on, and longer after each failure', async () => {
    const { clock, sockets, states } = await connected({ connectTimeoutMs: Infinity })

    for (let i = 0; i < 7; i++) {
      sockets.at(-1)?.lose()
      await clock.pass(30_000)
    }

    expect(states.filter((state) => state.startsWith('waiting'))).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000].map((ms) => `waiting closed ${ms}`))
  })

  it('may come back at once, if chance has it so', async () => {
    const { clock, sockets, states, socket } = await connected()
    clock.randoms = [0]

    socket.lose()
    await clock.pass(0)

    expect([states.at(-2), sockets.length]).toEqual(['waiting closed 0', 2])
  })

  it('waits as long as backoff says', async () => {
    const { clock, socket, states } = await connected({ backoff: { minMs: 100, maxMs: 150 } })
    clock.randoms = [0.99]

    socket.lose()
    await clock.pass(99)
    await clock.pass(0)

    expect(states.at(-1)).toBe('connecting')
  })

  it('begins with short waits again after a connection that lasted 5 seconds, and not after a shorter one', async () => {
    const { clock, sockets, welcome, states } = await connected()

    sockets.at(-1)?.lose()
    await clock.pass(500)
    await welcome()
    await clock.pass(4_999)
    sockets.at(-1)?.lose()
    await clock.pass(1_000)
    await welcome()
    await clock.pass(5_000)
    sockets.at(-1)?.lose()

    expect(states.filter((state) => state.startsWith('waiting'))).toEqual(['waiting closed 500', 'waiting closed 1000', 'waiting closed 500'])
  })

  it('counts attempts for connect', async () => {
    const attempts: number[] = []
    const sockets: TestSocket[] = []
    const connect = ({ attempt }: ConnectContext): ClientSocket => {
      attempts.push(attempt)
      sockets.push(new TestSocket())
      return sockets.at(-1) as TestSocket
    }
    const { client, clock } = worldOf({ connect, connectTimeoutMs: Infinity })
    client.subscribe(PRICE, () => {})
    await settled()

    for (let i = 0; i < 2; i++) {
      sockets.at(-1)?.lose()
      await clock.pass(30_000)
    }
    sockets.at(-1)?.welcome()
    await clock.pass(5_000)
    sockets.at(-1)?.lose()
    await clock.pass(30_000)

    expect(attempts).toEqual([0, 1, 2, 1])
  })

  it('gives up an attempt that takes longer than connectTimeoutMs, and cuts it', async () => {
    const world = worldOf({ connectTimeoutMs: 300 })
    world.client.subscribe(PRICE, () => {})
    await settled()

    await world.clock.pass(300)

    expect([world.sockets[0]?.ending, world.states.at(-1)]).toEqual(['terminate', 'waiting timeout 500'])
  })

  it('takes a throw and a rejection of connect as a failed attempt, and tells of it', async () => {
    for (const connect of [() => { throw new Error('no') }, () => Promise.reject(new Error('no')), () => undefined as never]) {
      const { client, states, errors } = worldOf({ connect })
      client.subscribe(PRICE, () => {})
      await settled()

      expect([states.at(-1), errors.map(({ stage }) => stage)]).toEqual(['waiting failed 500', ['connect']])
    }
  })

  it('drops a socket that comes after its time', async () => {
    const late = new TestSocket()
    let arrive = (_: TestSocket): void => {}
    let signal: AbortSignal | undefined
    const connect = (context: ConnectContext): Promise<TestSocket> => {
      signal ??= context.signal
      return new Promise((resolve) => (arrive = resolve))
    }
    const { client, clock } = worldOf({ connect })
    client.subscribe(PRICE, () => {})
    await clock.pass(10_000)
    const isAborted = signal?.aborted

    arrive(late)
    await settled()
    late.welcome()

    expect([isAborted, late.ending, late.onmessage, client.state]).toEqual([true, 'close', null, 'waiting'])
  })

  it('takes an error before the welcome as a failed attempt, because undici sends no close event then', async () => {
    const { client, states, errors, sockets } = worldOf()
    client.subscribe(PRICE, () => {})
    await settled()

    sockets[0]?.fail(new Error('refused'))

    expect([states.at(-1), errors.length]).toEqual(['waiting failed 500', 1])
  })

  it('takes an error of a connection as its end, and its close event, which comes later, for nothing', async () => {
    const { client, socket, sockets, clock } = await connected()

    socket.fail(new Error('reset'))
    socket.lose(4403)
    await clock.pass(500)

    expect([client.state, sockets.length]).toEqual(['connecting', 2])
  })
})

describe('an old socket', () => {
  it('is dropped at once: what it tells later is not heard', async () => {
    const world = worldOf()
    const heard: unknown[] = []
    world.client.subscribe(PRICE, (update) => heard.push(update))
    const old = await world.welcome()
    const { onmessage, onclose, onerror } = old
    old.lose()
    await world.clock.pass(500)
    await world.welcome()

    // Some sockets call what they were given, even if it was taken away.
    Object.assign(old, { onmessage, onclose, onerror })
    old.receive({ stream_type: 'PRICE', symbol: 'A', data: 1, timestamp: '2026-01-31T12:00:00.000Z', user_id: null })
    old.receive({ type: 'goodbye', reason: 'draining', reconnect: false })
    old.lose(4403)
    old.fail(new Error('late'))
    await settled()

    expect([heard, world.client.state, world.sockets.length, world.errors]).toEqual([[], 'connected', 2, []])
  })

  it('has no handlers, except one for errors, which ws would throw', async () => {
    const { socket, client } = await connected()

    client.close()

    expect([socket.onmessage, socket.onclose]).toEqual([null, null])
    expect(() => socket.fail(new Error('closed before it was open'))).not.toThrow()
  })

  it('may throw when it is closed', async () => {
    const { socket, client } = await connected()
    socket.close = () => {
      throw new Error('closing already')
    }

    client.close()

    expect(client.state).toBe('closed')
  })
})

describe('the close code', () => {
  it.each([1000, 1002, 1003, 1007, 1009, 1010, 4400, 4403, 4499])('%i stops the client', async (code) => {
    const { client, socket, clock, states } = await connected()

    socket.lose(code, 'why')

    expect([states.at(-1), client.state, clock.pendingTimers]).toEqual(['stopped why', 'stopped', 0])
  })

  it.each([1001, 1005, 1006, 1011, 1012, 1013, 1015, 3000, 4000, 4399, 4408, 4429, 4500])('%i does not stop the client', async (code) => {
    const { client, socket } = await connected()

    socket.lose(code)

    expect(client.state).toBe('waiting')
  })

  it.each([1008, 4401])('%i gets one attempt with new credentials', async (code) => {
    const { client, clock, sockets, welcome } = await connected()

    sockets.at(-1)?.lose(code)
    await clock.pass(500)
    const second = [client.state, sockets.length]
    await welcome()
    sockets.at(-1)?.lose(code)

    expect([second, client.state]).toEqual([['connecting', 2], 'stopped'])
  })

  it('4401 gets another attempt each time that a token expires', async () => {
    const { client, clock, sockets, welcome } = await connected()

    for (let i = 0; i < 3; i++) {
      await clock.pass(3_600_000)
      sockets.at(-1)?.lose(4401)
      await clock.pass(1_000)
      await welcome()
    }

    expect(client.state).toBe('connected')
  })

  it('means what shouldReconnect says, if it says something', async () => {
    const losses: Loss[] = []
    const shouldReconnect = (loss: Loss): boolean | undefined => {
      losses.push(loss)
      return { 4403: true, 1006: false }[loss.code ?? 0]
    }
    const outcomes: string[] = []
    for (const code of [4403, 1006, 4404, 1011]) {
      const { client, socket } = await connected({ shouldReconnect })
      socket.lose(code, 'why')
      outcomes.push(client.state)
    }

    expect(outcomes).toEqual(['waiting', 'stopped', 'stopped', 'waiting'])
    expect(losses[0]).toEqual({ code: 4403, reason: 'why' })
  })

  it('means what it means if shouldReconnect throws, which is told', async () => {
    const { client, socket, errors } = await connected({
      shouldReconnect: () => {
        throw new Error('bug')
      },
    })

    socket.lose(4403)

    expect([client.state, errors.map(({ stage }) => stage)]).toEqual(['stopped', ['listener']])
  })

  it('is forgotten by connect()', async () => {
    const { client, socket, welcome } = await connected()
    socket.lose(4403)

    client.connect()
    await welcome()

    expect(client.state).toBe('connected')
  })
})

describe('a goodbye', () => {
  it('makes the client come back at a random moment between after_ms and within_ms, and stay until then', async () => {
    const { client, clock, socket, sockets, welcome } = await connected()
    clock.randoms = [0.25]

    socket.receive({ type: 'goodbye', reason: 'draining', reconnect: true, after_ms: 1_000, within_ms: 5_000 })
    await clock.pass(1_999)
    const before = [client.state, sockets.length, socket.ending]
    await clock.pass(1)
    await clock.pass(0)
    await welcome()

    expect(before).toEqual(['connected', 1, undefined])
    expect([client.state, sockets.length, socket.ending]).toEqual(['connected', 2, 'close'])
  })

  it('counts more than the close code, and its turn is kept if the server closes before', async () => {
    const { client, clock, socket, states } = await connected()

    socket.receive({ type: 'goodbye', reason: 'draining', reconnect: true, after_ms: 0, within_ms: 5_000 })
    await clock.pass(100)
    socket.lose(4403)

    expect([client.state, states.at(-1)]).toEqual(['waiting', 'waiting draining 2400'])
  })

  it('is no failure', async () => {
    const attempts: number[] = []
    const sockets: TestSocket[] = []
    const { client, clock } = worldOf({
      connect: ({ attempt }) => {
        attempts.push(attempt)
        sockets.push(new TestSocket())
        return sockets.at(-1) as TestSocket
      },
    })
    client.subscribe(PRICE, () => {})
    await settled()
    sockets[0]?.welcome()

    sockets[0]?.receive({ type: 'goodbye', reason: 'draining', reconnect: true, after_ms: 0, within_ms: 10 })
    await clock.pass(10)
    await clock.pass(0)

    expect(attempts).toEqual([0, 0])
  })

  it('stops the client if it says so, once the connection ends', async () => {
    const { client, socket, states } = await connected()

    socket.receive({ type: 'goodbye', reason: 'banned', reconnect: false })
    const before = client.state
    socket.lose(1001)

    expect([before, states.at(-1)]).toEqual(['connected', 'stopped banned'])
  })

  it('counts before the welcome as well', async () => {
    const { client, sockets, states } = worldOf()
    client.subscribe(PRICE, () => {})
    await settled()

    sockets[0]?.receive({ type: 'goodbye', reason: 'full', reconnect: false })
    sockets[0]?.lose(1013)

    expect(states.at(-1)).toBe('stopped full')
  })
})

describe('the welcome', () => {
  it('of a newer version stops the client', async () => {
    const { client, sockets, states, clock } = worldOf()
    client.subscribe(PRICE, () => {})
    await settled()

    sockets[0]?.welcome({ version: 2 })

    expect([states.at(-1), sockets[0]?.ending, clock.pendingTimers]).toEqual(['stopped version', 'close', 0])
  })

  it('may have fields that the client does not know', async () => {
    const { client, welcome } = worldOf()
    client.subscribe(PRICE, () => {})

    await welcome({ region: 'eu' })

    expect(client.state).toBe('connected')
  })
})

describe('frames', () => {
  it('of an unknown type are ignored', async () => {
    const { client, socket, errors } = await connected()

    socket.receive({ type: 'weather', data: 'fine' })
    socket.receive({ type: 'heartbeat' })

    expect([client.state, errors]).toEqual(['connected', []])
  })

  it.each(['no JSON', '17', 'null', '[]'])('that are not JSON objects are told of: %s', async (text) => {
    const { client, socket, errors } = await connected()

    socket.hand(text)

    expect([client.state, errors.map(({ stage }) => stage)]).toEqual(['connected', text === '[]' || text === '17' ? [] : ['frame']])
  })

  it('may be bytes', async () => {
    const world = worldOf()
    const heard: unknown[] = []
    world.client.subscribe(PRICE, (update) => heard.push(update.type === undefined && update.data))
    const socket = await world.welcome()
    const bytes = new TextEncoder().encode('{"stream_type":"PRICE","symbol":"A","data":"€","timestamp":"2026-01-31T12:00:00.000Z","user_id":null}')

    socket.hand(bytes)
    socket.hand(bytes.buffer)
    socket.hand(Buffer.from(bytes))

    expect(heard).toEqual(['€', '€', '€'])
  })
})
