import { describe, expect, it } from 'vitest'
import type { ClientOptions } from '../../../src/client/index.ts'
import type { TradingStreams } from '../../../src/index.ts'
import { settled, worldOf, type World } from '../../support/scripted-server.ts'

const PRICE = { streamType: 'PRICE', symbol: 'A' } as const

/** A page, which tells what happens to it. */
class TestPage {
  readonly document = { visibilityState: 'visible' }
  readonly #listeners = new Map<string, Set<(event: never) => void>>()

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(listener))
  }

  removeEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.get(type)?.delete(listener)
  }

  get listenerCount(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0)
  }

  tell(type: string, facts: object = {}): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) listener({ type, ...facts } as never)
  }
}

async function connected(options: Partial<ClientOptions> = {}): Promise<World<TradingStreams> & { readonly page: TestPage }> {
  const page = new TestPage()
  const world = worldOf({ lifecycle: page, ...options })
  world.client.subscribe(PRICE, () => {})
  await world.welcome()
  return Object.assign(world, { page })
}

describe('a client of a page', () => {
  it('comes back at random within minMs once the network is back', async () => {
    const { clock, socket, sockets, page } = await connected({ backoff: { minMs: 1_000, maxMs: 60_000 } })
    clock.randoms = [0.9]
    socket.lose()
    clock.randoms = [0.25]

    page.tell('online')
    await clock.pass(249)
    const before = sockets.length
    await clock.pass(1)

    expect([before, sockets.length]).toEqual([1, 2])
  })

  it('does not try again because the network is gone', async () => {
    const { clock, socket, sockets, page } = await connected()
    socket.lose()

    page.tell('offline')
    await clock.pass(499)

    expect(sockets.length).toBe(1)
  })

  it('keeps its turn of a goodbye', async () => {
    const { clock, socket, sockets, page } = await connected()
    socket.receive({ type: 'goodbye', reason: 'draining', reconnect: true, after_ms: 5_000, within_ms: 5_000 })
    socket.lose()

    page.tell('online')
    page.tell('visibilitychange')
    await clock.pass(4_999)

    expect(sockets.length).toBe(1)
  })

  it.each(['online', 'offline', 'visibilitychange'])('asks whether the server is there: %s', async (type) => {
    const { socket, page } = await connected()

    page.tell(type)
    page.tell(type)

    expect(socket.pings).toBe(1 + Number(socket.isAnswering))
  })

  it('does not ask twice', async () => {
    const { socket, page } = await connected()
    socket.isAnswering = false

    page.tell('offline')
    page.tell('online')

    expect(socket.pings).toBe(1)
  })

  it('notices within pongMs that a connection did not survive a change of the network', async () => {
    const { clock, socket, page, states } = await connected()
    socket.isAnswering = false

    page.tell('offline')
    await clock.pass(10_000)

    expect(states.at(-1)).toBe('waiting silent 500')
  })

  it('connects at once when the page is seen again', async () => {
    const { clock, socket, sockets, page } = await connected()
    socket.lose()

    page.document.visibilityState = 'hidden'
    page.tell('visibilitychange')
    await clock.pass(0)
    const before = sockets.length
    page.document.visibilityState = 'visible'
    page.tell('visibilitychange')
    await clock.pass(0)

    expect([before, sockets.length]).toEqual([1, 2])
  })

  it('has no connection and no timer in the back-forward cache, and connects at once when it comes back', async () => {
    const { client, clock, socket, sockets, page, states } = await connected()

    page.tell('pagehide', { persisted: true })
    await settled()
    const hidden = [client.state, socket.ending, clock.pendingTimers]
    await clock.sleep(3_600_000, true)
    page.tell('pageshow', { persisted: true })
    await clock.pass(0)

    expect([hidden, sockets.length, states.at(-1)]).toEqual([['waiting', 'close', 0], 2, 'connecting'])
  })

  it('goes into the back-forward cache while it waits, and does not wait there', async () => {
    const { clock, socket, sockets, page } = await connected()
    socket.lose()

    page.tell('pagehide', { persisted: true })
    await clock.pass(60_000)

    expect([sockets.length, clock.pendingTimers]).toEqual([1, 0])
  })

  it('stays connected if the page is left for good, because it may not be', async () => {
    const { client, page } = await connected()

    page.tell('pagehide', { persisted: false })

    expect(client.state).toBe('connected')
  })

  it('listens only as long as a connection is needed', async () => {
    const page = new TestPage()
    const { client, clock, welcome } = worldOf({ lifecycle: page })
    const counts = [page.listenerCount]
    const { unsubscribe } = client.subscribe(PRICE, () => {})
    await welcome()
    counts.push(page.listenerCount)
    unsubscribe()
    await clock.pass(1_000)
    counts.push(page.listenerCount)
    client.subscribe(PRICE, () => {})
    await settled()
    counts.push(page.listenerCount)
    client.close()
    counts.push(page.listenerCount)

    expect(counts).toEqual([0, 5, 0, 5, 0])
  })

  it('listens to nothing if lifecycle is null', async () => {
    const page = new TestPage()
    Object.assign(globalThis, { document: {}, addEventListener: page.addEventListener.bind(page) })
    try {
      await connected({ lifecycle: null })
      const none = page.listenerCount
      await connected({ lifecycle: undefined })

      expect([none, page.listenerCount]).toEqual([0, 5])
    } finally {
      Reflect.deleteProperty(globalThis, 'document')
      Reflect.deleteProperty(globalThis, 'addEventListener')
    }
  })
})
