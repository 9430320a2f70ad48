import { describe, expect, it } from 'vitest'
import type { TradingStreams } from '../../../src/index.ts'
import { settled, worldOf, type TestSocket, type World } from '../../support/scripted-server.ts'

async function connected(): Promise<World<TradingStreams> & { readonly first: TestSocket }> {
  const world = worldOf()
  world.client.connect()
  const first = await world.welcome()
  first.isAnswering = false
  return Object.assign(world, { first })
}

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code

describe('a request', () => {
  it('returns the answer to its command', async () => {
    const { client, first } = await connected()

    const answers = [client.request('echo', { a: 1 }), client.request('time')]
    await settled()
    const sent = first.commands
    const [echo, time] = first.open
    if (time) first.answer(time, { data: 12 })
    if (echo) first.answer(echo, { data: { a: 1 } })

    expect(sent).toEqual([{ command: 'echo', data: { a: 1 } }, { command: 'time' }])
    expect(await Promise.all(answers)).toEqual([{ a: 1 }, 12])
  })

  it('rejects with the code of a refusal', async () => {
    const { client, first } = await connected()

    const answer = client.request('echo')
    await settled()
    first.refuseNext({ code: 'ERR_RATE', retry_ms: 200 })

    await expect(answer).rejects.toMatchObject({ name: 'ClientError', code: 'ERR_RATE', retryMs: 200 })
  })

  it('rejects without a connection, and is not kept', async () => {
    const { client, welcome } = worldOf()
    const early = client.request('order').catch(codeOf)
    client.connect()

    const socket = await welcome()

    expect([await early, socket.sent]).toEqual(['ERR_NOT_CONNECTED', []])
  })

  it('rejects when the connection ends, and is not repeated', async () => {
    const { client, clock, first, sockets, welcome } = await connected()
    const answer = client.request('order').catch(codeOf)
    await settled()

    first.lose()
    await clock.pass(500)
    await welcome()

    expect([await answer, sockets.length, sockets[1]?.sent]).toEqual(['ERR_DISCONNECTED', 2, []])
  })

  it('rejects when the client is closed', async () => {
    const { client } = await connected()
    const answer = client.request('order').catch(codeOf)
    await settled()

    client.close()

    expect(await answer).toBe('ERR_DISCONNECTED')
  })

  it('rejects when its signal is aborted, with the reason of that', async () => {
    const { client, first } = await connected()
    const controller = new AbortController()
    const answer = client.request('order', undefined, { signal: controller.signal }).catch((error: unknown) => error)
    await settled()

    controller.abort('enough')
    first.answerNext()

    expect(await answer).toBe('enough')
  })

  it('is not sent if its signal is aborted already', async () => {
    const { client, first } = await connected()

    await expect(client.request('order', undefined, { signal: AbortSignal.abort('enough') })).rejects.toBe('enough')

    expect(first.sent).toEqual([])
  })

  it('rejects and is over if its signal is none', async () => {
    const { client, first } = await connected()

    await expect(client.request('order', undefined, { signal: {} as AbortSignal })).rejects.toBeInstanceOf(TypeError)

    const answers = Array.from({ length: 256 }, () => client.request('echo'))
    await settled()
    expect(first.open.map(({ command }) => command)).toEqual(Array.from({ length: 256 }, () => 'echo'))
    for (let i = 0; i < 256; i++) first.answerNext()
    await Promise.all(answers)
  })

  it('is one of 256 at most', async () => {
    const { client, first } = await connected()
    const answers = Array.from({ length: 256 }, () => client.request('echo'))
    await settled()

    await expect(client.request('echo')).rejects.toMatchObject({ code: 'ERR_TOO_MANY_REQUESTS' })

    for (let i = 0; i < 256; i++) first.answerNext()
    await Promise.all(answers)
    const next = client.request('echo')
    await settled()
    first.answerNext({ data: 'again' })
    expect(await next).toBe('again')
  })

  it('keeps a lazy client connected until its answer', async () => {
    const world = worldOf({ lingerMs: 0 })
    const { unsubscribe } = world.client.subscribe({ streamType: 'PRICE', symbol: 'A' }, () => {})
    const socket = await world.welcome()
    socket.isAnswering = false
    const answer = world.client.request('echo')
    unsubscribe()
    await world.clock.pass(1_000)
    const before = world.client.state

    const echo = socket.open.find(({ command }) => command === 'echo')
    if (echo) socket.answer(echo)
    await answer
    await settled()

    expect([before, world.client.state]).toEqual(['connected', 'idle'])
  })

  it('ignores answers that nobody waits for', async () => {
    const { client, first, errors } = await connected()

    first.receive({ type: 'result', id: 99, data: 1 })
    first.receive({ type: 'refused', id: 99, code: 'ERR_FORBIDDEN' })

    expect([client.state, errors]).toEqual(['connected', []])
  })
})
