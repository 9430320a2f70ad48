import { describe, expect, it } from 'vitest'
import type { TradingStreams } from '../../../src/index.ts'
import { message, settled, told, worldOf, type TestSocket, type World } from '../../support/scripted-server.ts'

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const

async function connected(): Promise<World<TradingStreams> & { readonly first: TestSocket }> {
  const world = worldOf()
  world.client.connect()
  return Object.assign(world, { first: await world.welcome() })
}

async function read(updates: AsyncIterator<{ readonly type?: string | undefined }>, count: number): Promise<string[]> {
  const results: string[] = []
  for (let i = 0; i < count; i++) {
    const { value, done } = await updates.next()
    results.push(done === true ? 'done' : (told([value])[0] ?? ''))
  }
  return results
}

describe('updates', () => {
  it('has the messages and the gaps of a stream, and not its status', async () => {
    const { client, first } = await connected()
    const updates = client.updates(TRADES)
    await settled()

    first.receive(message('e1:1'))
    first.receive({ type: 'status', stream_type: 'TRADES', symbol: 'A', status: 'ERROR' })
    first.receive(message('e1:4'))

    expect(await read(updates, 3)).toEqual(['e1:1', 'gap 2', 'e1:4'])
  })

  it('waits for what has not come yet, for several readers in order', async () => {
    const { client, first } = await connected()
    const updates = client.updates(TRADES)
    await settled()

    const results = Promise.all([read(updates, 1), read(updates, 1)])
    await settled()
    first.receive(message('e1:1'))
    first.receive(message('e1:2'))

    expect(await results).toEqual([['e1:1'], ['e1:2']])
  })

  it('puts a gap in the place of the oldest ones if too many wait', async () => {
    const { client, first } = await connected()
    const updates = client.updates(TRADES, { maxWaiting: 3 })
    await settled()

    for (let seq = 1; seq <= 6; seq++) first.receive(message(`e1:${seq}`))

    expect(await read(updates, 3)).toEqual(['gap 4', 'e1:5', 'e1:6'])
  })

  it('names in such a gap the symbol of the subscription, because the gap may be of several symbols', async () => {
    const { client, first } = await connected()
    const updates = client.updates({ streamType: 'TRADES' } as never, { maxWaiting: 2 })
    await settled()
    first.receive({ type: 'subscribed', id: 1, stream_type: 'TRADES', symbol: null, position: 'e1:0', recovered: null, contiguous: true, delivery: 'every' })

    const gaps: unknown[] = []
    for (const symbols of ['AAB', 'ABB']) {
      for (const symbol of symbols) first.receive({ ...message('e1:1'), symbol, epoch: undefined, seq: undefined })
      const { value } = await updates.next()
      gaps.push(value)
      await updates.next()
    }

    expect(gaps).toEqual(Array(2).fill({ type: 'gap', streamType: 'TRADES', symbol: undefined, dropped: 2 }))
  })

  it('has only what a reader waits for, and gaps, if none may wait', async () => {
    const { client, first } = await connected()
    const updates = client.updates(TRADES, { maxWaiting: 0 })
    await settled()

    const early = read(updates, 1)
    await settled()
    for (let seq = 1; seq <= 3; seq++) first.receive(message(`e1:${seq}`))

    expect([await early, await read(updates, 1)]).toEqual([['e1:1'], ['gap 2']])
  })

  it('does not know how many are missing if one of the gaps did not say', async () => {
    const { client, first } = await connected()
    const updates = client.updates(TRADES, { maxWaiting: 2 })
    await settled()

    first.receive({ type: 'gap', stream_type: 'TRADES', symbol: 'A', dropped: null })
    for (let seq = 1; seq <= 3; seq++) first.receive(message(`e1:${seq}`))

    expect(await read(updates, 2)).toEqual(['gap ?', 'e1:3'])
  })

  it('lets 1,000 wait by default', async () => {
    const { client, first } = await connected()
    const updates = client.updates(TRADES)
    await settled()

    for (let seq = 1; seq <= 1_000; seq++) first.receive(message(`e1:${seq}`))
    const [whole] = await read(updates, 1)
    for (let seq = 1_001; seq <= 1_002; seq++) first.receive(message(`e1:${seq}`))

    expect([whole, ...(await read(updates, 2))]).toEqual(['e1:1', 'gap 2', 'e1:4'])
  })

  it('unsubscribes when the loop is left', async () => {
    const { client, clock, first } = await connected()
    const updates = client.updates(TRADES)
    await settled()
    first.receive(message('e1:1'))

    for await (const update of updates) {
      expect(told([update])).toEqual(['e1:1'])
      break
    }
    await clock.pass(1_000)

    expect(first.commands.at(-1)?.['command']).toBe('unsubscribe')
    expect(await read(updates, 1)).toEqual(['done'])
  })

  it('ends at once when it is told to return, even if a reader waits', async () => {
    const { client, clock, first } = await connected()
    const updates = client.updates(TRADES)
    const heard: string[] = []
    void read(updates, 1).then((results) => heard.push(...results))
    await settled()

    const result = await updates.return?.()
    await clock.pass(1_000)

    expect([result, heard, first.commands.at(-1)?.['command']]).toEqual([{ done: true, value: undefined }, ['done'], 'unsubscribe'])
  })

  it('is done without an error if it is left after the server has ended the subscription', async () => {
    const { client, first } = await connected()
    const updates = client.updates(TRADES)
    await settled()
    first.receive(message('e1:1'))
    first.receive({ type: 'unsubscribed', stream_type: 'TRADES', symbol: 'A', reason: 'revoked' })

    await updates.return?.()

    expect(await read(updates, 1)).toEqual(['done'])
  })

  it('ends at once when its signal is aborted', async () => {
    const { client, clock, first } = await connected()
    const controller = new AbortController()
    const updates = client.updates(TRADES, { signal: controller.signal })
    await settled()
    first.receive(message('e1:1'))
    const reading = read(updates, 2)
    await settled()

    controller.abort()
    await clock.pass(1_000)

    expect([await reading, first.commands.at(-1)?.['command']]).toEqual([['e1:1', 'done'], 'unsubscribe'])
  })

  it('is over if its signal is aborted already', async () => {
    const { client } = await connected()

    expect(await read(client.updates(TRADES, { signal: AbortSignal.abort() }), 1)).toEqual(['done'])
  })

  it('ends when the client is closed, after what waits', async () => {
    const { client, first } = await connected()
    const updates = client.updates(TRADES)
    await settled()
    first.receive(message('e1:1'))

    client.close()

    expect(await read(updates, 2)).toEqual(['e1:1', 'done'])
  })

  it('ends with the code if the server ends the subscription, after what waits, and is done then', async () => {
    const { client, first } = await connected()
    const updates = client.updates(TRADES)
    await settled()
    first.receive(message('e1:1'))

    first.receive({ type: 'unsubscribed', stream_type: 'TRADES', symbol: 'A', reason: 'revoked' })

    expect(await read(updates, 1)).toEqual(['e1:1'])
    await expect(updates.next()).rejects.toMatchObject({ name: 'ClientError', code: 'revoked' })
    expect(await read(updates, 1)).toEqual(['done'])
  })
})
