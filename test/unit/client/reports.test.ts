import { describe, expect, it } from 'vitest'
import type { ClientSocket } from '../../../src/client/index.ts'
import { settled, TestSocket, worldOf } from '../../support/scripted-server.ts'

// What was reported to other clients of this kind, by its symptom.

const PRICE = { streamType: 'PRICE', symbol: 'A' } as const
const TRADES = { streamType: 'TRADES', symbol: 'A' } as const

describe('a client does not', () => {
  // graphql-ws #80
  it('bring all clients back at the same moment when a server restarts, nor try again without waiting while it is down', async () => {
    const clients = Array.from({ length: 100 }, (_, i) => ({ ...worldOf({ connectTimeoutMs: Infinity }), chance: i / 100 }))
    for (const { client, clock, chance } of clients) {
      clock.randoms = [chance]
      client.connect()
    }
    await settled()

    for (const { sockets } of clients) sockets[0]?.lose()
    await Promise.all(clients.map(({ clock }) => clock.pass(99)))
    const early = clients.filter(({ sockets }) => sockets.length > 1)
    for (const { sockets } of early) sockets[1]?.lose()
    await Promise.all(early.map(({ clock }) => clock.pass(0)))

    expect(early.length).toBe(10)
    expect(early.filter(({ client }) => client.state === 'waiting').length).toBe(9)
  })

  // graphql-ws #122
  it('try for ever what the server calls a mistake of the client, unless the application says so', async () => {
    const states: string[] = []
    for (const shouldReconnect of [undefined, () => true]) {
      const { client, welcome } = worldOf({ shouldReconnect })
      client.connect()
      const socket = await welcome()
      socket.lose(4400, 'bad request')
      states.push(client.state)
    }

    expect(states).toEqual(['stopped', 'waiting'])
  })

  // graphql-ws #354
  it('give up because the server is down, however long', async () => {
    const { client, clock, sockets, welcome } = worldOf({ connectTimeoutMs: Infinity })
    client.connect()
    const first = await welcome()
    first.lose(1001)

    for (let attempt = 0; attempt < 20; attempt++) {
      await clock.pass(30_000)
      sockets.at(-1)?.fail(new Error('refused'))
      sockets.at(-1)?.lose(1006)
    }
    await clock.pass(30_000)
    await welcome()

    expect([client.state, sockets.length]).toEqual(['connected', 22])
  })

  // graphql-ws #558
  it('give up for good when its token has expired: it connects once more, with a new one', async () => {
    const tokens: string[] = []
    const sockets: TestSocket[] = []
    const connect = (): Promise<ClientSocket> => {
      tokens.push(`token ${tokens.length + 1}`)
      sockets.push(new TestSocket())
      return Promise.resolve(sockets.at(-1) as ClientSocket)
    }
    const { client, clock } = worldOf({ connect })
    client.connect()
    await settled()
    sockets[0]?.welcome()
    await clock.pass(3_600_000)

    sockets.at(-1)?.lose(4401, 'expired')
    await clock.pass(500)
    sockets.at(-1)?.welcome()

    expect([tokens, client.state]).toEqual([['token 1', 'token 2'], 'connected'])
  })

  // graphql-ws #117
  it('believe in a connection whose end nobody tells of, while it waits for messages', async () => {
    const { client, clock, states, welcome } = worldOf()
    client.subscribe(TRADES, () => {})
    const socket = await welcome()

    socket.isAnswering = false
    await clock.pass(25_000)
    await clock.pass(10_000)

    expect(states.at(-1)).toBe('waiting silent 500')
  })

  // phoenix #4307
  it('close a healthy connection of a hidden tab because its timers fire once a minute', async () => {
    const { client, clock, sockets, welcome } = worldOf({ pingMs: 30_000, pongMs: 30_000 })
    client.subscribe(TRADES, () => {})
    await welcome()

    for (let minute = 0; minute < 12; minute++) {
      await clock.pass(30_000)
      await clock.sleep(30_000, true)
    }

    expect([client.state, sockets.length]).toEqual(['connected', 1])
  })

  // centrifuge-js #46
  it('subscribe again after a reconnect to what was unsubscribed before', async () => {
    const { client, clock, sockets, welcome } = worldOf()
    const { unsubscribe } = client.subscribe(TRADES, () => {})
    client.subscribe(PRICE, () => {})
    await welcome()

    unsubscribe()
    await clock.pass(1_000)
    sockets[0]?.lose()
    await clock.pass(500)
    await welcome()

    expect(sockets[1]?.commands.map(({ command, stream_type }) => `${String(command)} ${String(stream_type)}`)).toEqual(['subscribe PRICE'])
  })

  // centrifuge-js #265
  it('subscribe twice to what is subscribed to while it fetches its credentials', async () => {
    const socket = new TestSocket()
    const { client } = worldOf({
      connect: () => {
        client.subscribe(TRADES, () => {})
        return Promise.resolve(socket)
      },
    })
    client.connect()
    await settled()

    socket.welcome()
    await settled()

    expect([socket.commands.length, client.state]).toEqual([1, 'connected'])
  })

  // partykit #336
  it('open two sockets for a component that Strict Mode mounts twice, nor leave one without its stream', async () => {
    const { client, clock, sockets, welcome } = worldOf()
    const mount = (): (() => void) => client.subscribe(TRADES, () => {}).unsubscribe

    const unmount = mount()
    await welcome()
    unmount()
    const remounted = client.subscribe(TRADES, () => {})
    await clock.pass(5_000)

    expect([sockets.length, sockets[0]?.commands.length, remounted.live]).toEqual([1, 1, true])
  })

  // socket.io-client #1279
  it('send again, at some later time, what was asked for while the connection was lost', async () => {
    const { client, clock, sockets, welcome } = worldOf()
    client.connect()
    const first = await welcome()
    first.isAnswering = false
    const during = client.request('message', 'hello').catch((error: unknown) => error)
    await settled()
    first.lose()
    const without = client.request('message', 'hello again').catch((error: unknown) => error)

    await clock.pass(500)
    await welcome()
    await clock.pass(60_000)

    expect(await Promise.all([during, without])).toMatchObject([{ code: 'ERR_DISCONNECTED' }, { code: 'ERR_NOT_CONNECTED' }])
    expect(sockets[1]?.commands).toEqual([])
  })
})
