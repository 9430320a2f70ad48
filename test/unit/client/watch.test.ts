import { describe, expect, it } from 'vitest'
import { settled, TestEventSource, worldOf, type World } from '../../support/scripted-server.ts'
import type { TradingStreams } from '../../../src/index.ts'

const PRICE = { streamType: 'PRICE', symbol: 'A' } as const

async function connected(options: Parameters<typeof worldOf>[0] = {}, welcome = {}): Promise<World<TradingStreams>> {
  const world = worldOf(options)
  world.client.subscribe(PRICE, () => {})
  await world.welcome(welcome)
  return world
}

/** A client with an EventSource, whose server names a heartbeat. */
async function listening(heartbeatMs: number): Promise<World<TradingStreams> & { readonly source: TestEventSource }> {
  const source = new TestEventSource()
  const world = worldOf({
    connect: ({ commands }) => {
      void commands
      return source
    },
  })
  world.client.subscribe(PRICE, () => {})
  await settled()
  source.welcome({ heartbeat_ms: heartbeatMs })
  return Object.assign(world, { source })
}

describe('a connected client', () => {
  it('pings every pingMs, and is satisfied by an answer', async () => {
    const { client, clock, socket } = await connected()

    for (let i = 0; i < 4; i++) await clock.pass(25_000)

    expect([client.state, socket.pings]).toEqual(['connected', 4])
  })

  it('takes the connection as lost if nothing is heard for pongMs after a ping, and cuts it', async () => {
    const { client, clock, socket, states } = await connected()
    socket.isAnswering = false

    await clock.pass(25_000)
    await clock.pass(9_999)
    const before = client.state
    await clock.pass(1)

    expect([before, states.at(-1), socket.ending]).toEqual(['connected', 'waiting silent 500', 'terminate'])
  })

  it('is satisfied by any frame', async () => {
    const { client, clock, socket } = await connected()
    socket.isAnswering = false

    await clock.pass(25_000)
    socket.receive({ type: 'heartbeat' })
    await clock.pass(10_000)

    expect(client.state).toBe('connected')
  })

  it('closes a socket that cannot be cut', async () => {
    const { clock, socket } = await connected()
    socket.isAnswering = false
    socket.terminate = undefined as never

    await clock.pass(35_000)

    expect(socket.ending).toBe('close')
  })

  it('pings as often as pingMs says, and waits as long as pongMs says', async () => {
    const { client, clock, socket } = await connected({ pingMs: 100, pongMs: 50 })
    socket.isAnswering = false

    await clock.pass(149)
    const before = [client.state, socket.pings]
    await clock.pass(1)

    expect([before, client.state]).toEqual([['connected', 1], 'waiting'])
  })

  it('never pings if pingMs is Infinity', async () => {
    const { clock, socket } = await connected({ pingMs: Infinity })

    await clock.pass(86_400_000)

    expect(socket.pings).toBe(0)
  })

  it('pings so often that the server does not take it as idle', async () => {
    const { clock, socket } = await connected({ pingMs: Infinity }, { idle_ms: 1_000 })

    for (let i = 0; i < 10; i++) await clock.pass(500)

    expect(socket.pings).toBe(10)
  })
})

describe('a pause of the client', () => {
  it('by throttled timers is not the silence of the server', async () => {
    const { client, clock, socket } = await connected()
    // The tab is hidden: its timers fire once a minute.
    for (let i = 0; i < 5; i++) {
      await clock.pass(25_000)
      await clock.sleep(60_000, true)
    }

    expect([client.state, socket.ending]).toEqual(['connected', undefined])
  })

  it('that begins while an answer is open gives the server another chance', async () => {
    const { client, clock, socket } = await connected()
    socket.isAnswering = false
    await clock.pass(25_000)

    await clock.sleep(3_600_000, true)
    await clock.pass(10_000)
    const before = [client.state, socket.pings]
    socket.receive({ type: 'pong', id: 0 })
    await clock.pass(10_000)

    expect([before, client.state]).toEqual([['connected', 2], 'connected'])
  })

  it('in which the clock that measures durations stands still takes none of the time for an answer', async () => {
    const { client, clock, socket } = await connected()
    socket.isAnswering = false
    await clock.pass(25_000)

    await clock.sleep(3_600_000, false)
    await clock.pass(9_999)
    const before = client.state
    await clock.pass(1)

    expect([before, client.state]).toEqual(['connected', 'waiting'])
  })

  it('gives the server one more chance, and not one after the other', async () => {
    const { client, clock, socket } = await connected()
    socket.isAnswering = false
    await clock.pass(25_000)

    for (let i = 0; i < 2; i++) {
      await clock.sleep(60_000, true)
      await clock.pass(10_000)
    }

    expect(client.state).toBe('waiting')
  })
})

describe('a client that only receives', () => {
  it('takes the connection as lost if a heartbeat is late by pongMs', async () => {
    const { clock, source, states } = await listening(30_000)

    await clock.pass(29_000)
    source.receive({ type: 'heartbeat' })
    await clock.pass(39_999)
    const before = states.at(-1)
    await clock.pass(1)

    expect([before, states.at(-1)]).toEqual(['connected', 'waiting silent 500'])
  })

  it('waits for ever if the server names no heartbeat', async () => {
    const { client, clock } = await listening(0)

    await clock.pass(86_400_000)

    expect([client.state, clock.pendingTimers]).toEqual(['connected', 0])
  })

  it('gives the server another heartbeat after a pause of its own', async () => {
    const { client, clock } = await listening(30_000)

    await clock.pass(20_000)
    await clock.sleep(3_600_000, true)
    await clock.pass(20_000)

    expect(client.state).toBe('connected')
  })
})
