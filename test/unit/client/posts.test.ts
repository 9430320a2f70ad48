import { describe, expect, it } from 'vitest'
import { message, settled, TestEventSource, worldOf } from '../../support/scripted-server.ts'
import { deferred } from '../protocol/desk.ts'

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const

type Send = (text: string, connectionId: string) => unknown

/** A client of event streams that has its commands POSTed, with a heartbeat from the server in each second. */
async function posting(send: Send) {
  const sources: TestEventSource[] = []
  const connect = (): TestEventSource => {
    const source = new TestEventSource()
    sources.push(source)
    return source
  }
  const world = worldOf({ connect, send })
  const welcome = async (id: string): Promise<void> => {
    await settled()
    sources.at(-1)?.welcome({ connection_id: id })
    await settled()
  }
  const passWithEvents = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      await world.clock.pass(1_000)
      sources.at(-1)?.receive({ type: 'heartbeat' })
    }
  }
  world.client.connect()
  await welcome('c1')
  return { ...world, sources, welcome, passWithEvents }
}

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code

describe('a POST beside an EventSource', () => {
  it.each([
    ['hangs', () => new Promise(() => {})],
    ['is refused with a status that `send` does not look at', () => Promise.resolve({ ok: false, status: 404 })],
  ])('that %s is noticed by the ping, although events still come', async (_, send) => {
    const { client, states, passWithEvents } = await posting(send)

    await passWithEvents(34)
    const before = client.state
    await passWithEvents(1)

    expect([before, states.at(-1)]).toEqual(['connected', 'waiting silent 500'])
  })

  it('is all right as long as the pong of each ping comes', async () => {
    const { client, sources, passWithEvents } = await posting((text) => {
      if (text.includes('ping')) sources[0]?.receive({ type: 'pong', id: 0 })
    })

    await passWithEvents(200)

    expect([client.state, sources.length]).toEqual(['connected', 1])
  })

  it('that waits for one before it is not sent any more once the connection is gone', async () => {
    const posted: string[] = []
    const hanging = deferred<void>()
    const { client, sources } = await posting((text) => {
      posted.push(text)
      return hanging.promise
    })
    const answers = [client.request('quote'), client.request('order')].map((answer) => answer.catch(codeOf))
    await settled()

    sources[0]?.fail(undefined)
    hanging.resolve()
    await settled()

    expect(await Promise.all(answers)).toEqual(['ERR_DISCONNECTED', 'ERR_DISCONNECTED'])
    expect(posted).toEqual([expect.stringContaining('quote')])
  })

  it('that fails after the connection is gone does not touch the next one', async () => {
    const hanging = deferred<void>()
    const { client, clock, sources, errors, welcome } = await posting((_, id) => (id === 'c1' ? hanging.promise : undefined))
    client.subscribe(TRADES, () => {})
    await settled()

    sources[0]?.fail(undefined)
    await clock.pass(500)
    await welcome('c2')
    hanging.reject(new Error('aborted'))
    await settled()

    expect([client.state, sources.length, errors.map(({ stage }) => stage)]).toEqual(['connected', 2, ['connect']])
  })

  it('may be answered by events that come before it is settled', async () => {
    const heard: unknown[] = []
    const hanging = deferred<void>()
    const { client, sources } = await posting(() => hanging.promise)
    client.subscribe(TRADES, (update) => heard.push(update))
    await settled()

    sources[0]?.answer({ command: 'subscribe', id: 1, stream_type: 'TRADES', symbol: 'A' })
    sources[0]?.receive(message('e1:1'))
    hanging.resolve()
    await settled()

    expect(heard).toMatchObject([{ data: 'e1:1' }])
  })
})
