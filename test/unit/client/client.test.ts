import { describe, expect, it, vi } from 'vitest'
import { createClient, type ClientSocket, type ConnectContext } from '../../../src/client/index.ts'
import { message, settled, TestEventSource, TestSocket, told, worldOf } from '../../support/scripted-server.ts'

const PRICE = { streamType: 'PRICE', symbol: 'A' } as const
const TRADES = { streamType: 'TRADES', symbol: 'A' } as const

describe('createClient', () => {
  it('needs nothing but connect', async () => {
    const sockets: TestSocket[] = []
    const client = createClient({
      connect: () => {
        sockets.push(new TestSocket())
        return sockets[0] as TestSocket
      },
    })
    client.subscribe(PRICE, () => {})
    await settled()

    sockets[0]?.welcome()

    expect([client.state, sockets[0]?.commands.length]).toEqual(['connected', 1])
    client.close()
  })

  it('opens one socket for a component that is mounted twice', async () => {
    const { client, clock, sockets, welcome } = worldOf()

    client.subscribe(PRICE, () => {}).unsubscribe()
    client.subscribe(PRICE, () => {})
    await welcome()
    await clock.pass(5_000)

    expect([sockets.length, sockets[0]?.commands.length]).toEqual([1, 1])
  })

  it('sets one timer at most', async () => {
    const world = worldOf()
    const counts: number[] = []
    const count = (): unknown => counts.push(world.clock.pendingTimers)
    const subscriptions = [PRICE, TRADES].map((stream) => world.client.subscribe(stream, () => {}))
    await settled()
    count()
    await world.welcome()
    count()
    world.socket.receive({ type: 'goodbye', reason: 'draining', reconnect: true, after_ms: 5_000, within_ms: 5_000 })
    for (const { unsubscribe } of subscriptions) unsubscribe()
    count()
    world.socket.lose()
    count()

    expect(counts).toEqual([1, 1, 1, 1])
  })
})

describe('close()', () => {
  it('leaves no timer, no socket and no listener', async () => {
    const { client, clock, sockets, states, welcome } = worldOf()
    const heard: string[][] = []
    const controller = new AbortController()
    client.subscribe(PRICE, (update) => heard.push(told([update])), { signal: controller.signal })
    await welcome()

    client.close()
    client.close()
    await clock.pass(60_000)
    controller.abort()

    expect([clock.pendingTimers, sockets.length, sockets[0]?.ending, sockets[0]?.onclose]).toEqual([0, 1, 'close', null])
    expect([heard, states.at(-1)]).toEqual([[['ended ERR_CLOSED']], 'closed'])
  })

  it.each(['idle', 'connecting', 'waiting', 'stopped'])('ends a client that is %s', async (state) => {
    const { client, clock, sockets, welcome } = worldOf()
    if (state !== 'idle') client.subscribe(PRICE, () => {})
    await settled()
    if (state === 'waiting' || state === 'stopped') await welcome()
    if (state === 'waiting') sockets[0]?.lose()
    if (state === 'stopped') sockets[0]?.lose(4403)
    expect(client.state).toBe(state)

    client.close()
    await clock.pass(60_000)

    expect([client.state, clock.pendingTimers, sockets.filter(({ onmessage }) => onmessage !== null).length]).toEqual(['closed', 0, 0])
  })

  it('is for good', () => {
    const { client } = worldOf()
    client.close()

    for (const call of [() => client.subscribe(PRICE, () => {}), () => client.updates(PRICE), () => client.connect()]) {
      expect(call).toThrow(expect.objectContaining({ name: 'ClientError', code: 'ERR_CLOSED' }) as Error)
    }
  })

  it.each(['connecting', 'connected', 'waiting', 'stopped'])('may be called by a listener that hears that the client is %s', async (state) => {
    const { client, clock, sockets } = worldOf()
    client.on('state', (change) => change.state === state && client.close())
    client.subscribe(PRICE, () => {})
    await settled()
    sockets[0]?.welcome()
    sockets[0]?.lose(state === 'stopped' ? 4403 : 1006)
    await clock.pass(60_000)

    expect([client.state, clock.pendingTimers, sockets.length]).toEqual(['closed', 0, state === 'connecting' ? 0 : 1])
  })

  it('may be called by a listener of errors, and by shouldReconnect', async () => {
    const onError = worldOf({ connect: () => Promise.reject(new Error('no')) })
    onError.client.on('error', () => onError.client.close())
    onError.client.subscribe(PRICE, () => {})
    await settled()
    const onLoss = worldOf({ shouldReconnect: () => void onLoss.client.close() })
    onLoss.client.subscribe(PRICE, () => {})
    await onLoss.welcome()
    onLoss.socket.lose()

    expect([onError, onLoss].map(({ client, clock }) => [client.state, clock.pendingTimers])).toEqual([['closed', 0], ['closed', 0]])
  })
})

describe('on()', () => {
  it('returns what removes the listener', async () => {
    const { client } = worldOf()
    const heard: string[] = []
    const remove = client.on('state', ({ state }) => heard.push(state))
    client.connect()

    remove()
    client.close()

    expect(heard).toEqual(['connecting'])
  })

  it('takes a listener that throws, and tells of it; one of errors that throws is told to nobody', async () => {
    const { client, errors } = worldOf()
    client.on('state', () => {
      throw new Error('bug')
    })
    client.on('error', () => {
      throw new Error('bug of the reporter')
    })

    client.connect()
    await settled()

    expect([client.state, errors.map(({ stage }) => stage)]).toEqual(['connecting', ['listener']])
  })
})

describe('an EventSource', () => {
  const withSources = (options: object = {}): { readonly world: ReturnType<typeof worldOf>; readonly sources: TestEventSource[]; readonly urls: string[] } => {
    const sources: TestEventSource[] = []
    const urls: string[] = []
    const connect = ({ commands }: ConnectContext): ClientSocket => {
      urls.push(commands)
      sources.push(new TestEventSource())
      return sources.at(-1) as TestEventSource
    }
    return { world: worldOf({ connect, ...options }), sources, urls }
  }
  const stream = (command: string, id: number, { streamType, symbol }: { readonly streamType: string; readonly symbol: string }): object => ({ command, id, stream_type: streamType, symbol })

  it('subscribes by its URL', async () => {
    const { world, sources, urls } = withSources()
    const heard: string[][] = []
    world.client.subscribe(TRADES, (update) => heard.push(told([update])))
    await settled()

    sources[0]?.welcome()
    sources[0]?.answer(JSON.parse(urls[0] ?? '')[0] as never)
    sources[0]?.receive(message('e1:1'))

    expect([JSON.parse(urls[0] ?? ''), heard, urls.length]).toEqual([[stream('subscribe', 1, TRADES)], [['e1:1']], 1])
  })

  it('is made anew if other streams are wanted, and goes on from where it was', async () => {
    const { world, sources, urls } = withSources()
    world.client.subscribe(TRADES, () => {})
    await settled()
    sources[0]?.welcome()
    sources[0]?.answer(JSON.parse(urls[0] ?? '')[0] as never)
    sources[0]?.receive(message('e1:1'))

    world.client.subscribe(PRICE, () => {})
    await settled()

    expect([sources[0]?.ending, JSON.parse(urls[1] ?? '')]).toEqual(['close', [{ ...stream('subscribe', 3, TRADES), position: 'e1:1' }, stream('subscribe', 4, PRICE)]])
  })

  it('comes back at a random moment after an error, and not by itself', async () => {
    const { world, sources } = withSources()
    world.client.subscribe(TRADES, () => {})
    await settled()
    sources[0]?.welcome()

    sources[0]?.fail(undefined)

    expect([sources[0]?.ending, world.states.at(-1)]).toEqual(['close', 'waiting failed 500'])
  })

  it('has its commands sent beside it, with the id of the connection', async () => {
    const posts: string[][] = []
    const sources: TestEventSource[] = []
    const connect = (): ClientSocket => {
      sources.push(new TestEventSource())
      return sources.at(-1) as TestEventSource
    }
    const { client, clock } = worldOf({ connect, send: (text, connectionId) => void posts.push([connectionId, text]) })
    client.subscribe(TRADES, () => {})
    await settled()
    sources[0]?.welcome({ connection_id: 'c7' })
    const answer = client.request('echo')
    await settled()
    sources[0]?.answer({ command: 'echo', id: 2 }, { data: 'back' })
    await clock.pass(25_000)

    expect(posts.map(([id, text]) => [id, JSON.parse(text ?? '')])).toEqual([
      ['c7', [stream('subscribe', 1, TRADES)]],
      ['c7', { command: 'echo', id: 2 }],
      ['c7', { command: 'ping', id: 0 }],
    ])
    expect([await answer, sources.length]).toEqual(['back', 1])
  })

  it('has one text sent beside it at a time, so that none overtakes another', async () => {
    const source = new TestEventSource()
    const posts: string[][] = []
    const done: (() => void)[] = []
    const send = (text: string): Promise<void> => {
      posts.push((JSON.parse(text) as { readonly command: string }[]).map(({ command }) => command))
      return new Promise((resolve) => done.push(resolve))
    }
    const { client, clock } = worldOf({ connect: () => source, send, lingerMs: 0 })
    client.subscribe({ streamType: 'TRADES', symbol: 'B' }, () => {})
    const { unsubscribe } = client.subscribe(TRADES, () => {})
    await settled()
    source.welcome()
    unsubscribe()
    await clock.pass(1)
    client.subscribe(TRADES, () => {})
    await settled()

    expect(posts).toEqual([['subscribe', 'subscribe']])
    done[0]?.()
    await settled()
    expect(posts.slice(1)).toEqual([['unsubscribe']])
    done[1]?.()
    await settled()
    expect(posts.slice(2)).toEqual([['subscribe']])
  })

  it('is made anew if a command cannot be sent beside it', async () => {
    const source = new TestEventSource()
    const { client, states, errors } = worldOf({ connect: () => source, send: () => Promise.reject(new Error('503')) })
    client.subscribe(TRADES, () => {})
    await settled()

    source.welcome()
    await settled()

    expect([states.at(-1), errors.map(({ stage }) => stage)]).toEqual(['waiting send 500', ['send']])
  })

  it('that cannot be told what is wanted is an error, and stays open', async () => {
    const source = new TestEventSource()
    const { client, errors } = worldOf({ connect: () => source })
    client.subscribe(TRADES, () => {})
    await settled()

    source.welcome()

    expect(client.state).toBe('connected')
    expect(errors).toEqual([{ stage: 'send', error: expect.objectContaining({ code: 'ERR_CANNOT_SEND' }) as unknown }])
    await expect(client.request('echo')).rejects.toMatchObject({ code: 'ERR_CANNOT_SEND' })
  })
})

describe('a socket whose send throws', () => {
  it('is lost', async () => {
    const { client, states, errors, welcome } = worldOf()
    client.connect()
    const socket = await welcome()
    const error = new Error('closing')
    socket.send = () => {
      throw error
    }

    client.subscribe(TRADES, () => {})
    await settled()

    expect([states.at(-1), errors]).toEqual(['waiting send 500', [{ stage: 'send', error }]])
  })
})

describe('the module', () => {
  const NAMES = ['document', 'window', 'navigator', 'WebSocket', 'EventSource', 'addEventListener', 'setTimeout', 'clearTimeout', 'setInterval', 'performance']
  const OTHERS = ['queueMicrotask', 'AbortController', 'AbortSignal', 'TextDecoder', 'fetch', 'process', 'console', 'crypto', 'localStorage']

  it('touches no global when it is imported', async () => {
    const touched: string[] = []
    const before = [...NAMES, ...OTHERS].map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
    for (const [name, descriptor] of before) {
      const get = (): unknown => {
        if (new Error().stack?.includes('/src/client/') === true) touched.push(name)
        return descriptor?.get ? Reflect.apply(descriptor.get, globalThis, []) : (descriptor?.value as unknown)
      }
      Object.defineProperty(globalThis, name, { configurable: true, get })
    }
    try {
      vi.resetModules()
      const module = await import('../../../src/client/index.ts')
      const onImport = [...touched]
      const client = module.createClient({ connect: () => new TestSocket() })
      client.connect()
      client.close()

      expect([onImport, touched.includes('AbortController')]).toEqual([[], true])
    } finally {
      for (const [name, descriptor] of before) {
        if (descriptor) Object.defineProperty(globalThis, name, descriptor)
        else Reflect.deleteProperty(globalThis, name)
      }
    }
  })

  it('has timers that do not keep a process alive', async () => {
    const setTimeout = vi.spyOn(globalThis, 'setTimeout')
    const client = createClient({ connect: () => new TestSocket() })

    client.connect()
    await settled()

    const timers = setTimeout.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())
    client.close()
    setTimeout.mockRestore()
    expect(timers).toEqual([false])
  })
})
