import { describe, expect, it } from 'vitest'
import { trackPositions } from '../../../src/client/index.ts'
import { ConnectionManager, defineStreams, type Connection, type ConnectionManagerOptions, type StreamMessage } from '../../../src/index.ts'
import { createRecovery, type Recovery, type Resumed } from '../../../src/recovery/index.ts'
import { createAudit, FakeSocket, fakeTransport } from '../../../src/testing/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional' },
  ORDERS: { audience: 'private' },
  TAPE: { audience: 'public', symbol: 'required', overflow: 'drop' },
})
type Streams = typeof streams

const A = { streamType: 'TRADES', symbol: 'A' } as const
const B = { streamType: 'TRADES', symbol: 'B' } as const

type Subject = { readonly streamType: 'TRADES' | 'PRICE' | 'TAPE'; readonly symbol: string } | { readonly streamType: 'NEWS'; readonly symbol?: string }

/** A client that reads each text as soon as its socket has it. Its numbers are judged by `trackPositions`. */
class Client {
  readonly name: string
  readonly tracker = trackPositions({ streams })
  /** What was missing without a notice. */
  readonly jumps: string[] = []
  readonly texts: string[] = []
  /** True while its socket takes nothing. */
  isFull = false
  connection!: Connection<FakeSocket, Streams>
  readonly #scene: Scene

  constructor(scene: Scene, name: string) {
    this.#scene = scene
    this.name = name
  }

  connect(options: { readonly isSlow?: boolean } = {}): void {
    const socket: FakeSocket = new FakeSocket({
      ...(options.isSlow === true && { bufferedAmount: 0 }),
      send: (text) => this.#read(text, socket),
      write: (texts) => (this.isFull ? 0 : texts.forEach((text) => this.#read(text, socket))),
    })
    const { manager, audit } = this.#scene
    audit.connected(this.name, 'alice')
    this.connection = manager.addConnection(`${this.name} ${++this.#scene.connections}`, socket, 'alice', options.isSlow === true ? { transport: fakeTransport() } : {})
  }

  /** Its socket takes nothing any more, and something waits for it. */
  fallBehind(): void {
    this.connection.flush()
    this.isFull = true
    this.connection.socket.bufferedAmount = 1_000_000
    this.#scene.direct(this, A, 'a first one')
    this.connection.flush()
    expect(this.connection.waitingBytes).toBeGreaterThan(0)
  }

  cut(): void {
    this.tracker.disconnected()
    this.#scene.audit.disconnected(this.name)
    void this.connection.remove({ close: false })
  }

  resume(subject: Subject, position: string | undefined = this.tracker.position(subject)): Resumed<Streams> {
    this.#scene.audit.subscribing(this.name, subject)
    return this.#scene.recovery.subscribe(this.connection, { ...subject, position } as never)
  }

  /** The answers and the numbers that came of a stream, in short. */
  got({ streamType, symbol }: Subject): string[] {
    const all = this.texts.map((text) => JSON.parse(text) as Record<string, unknown>)
    const own = all.filter((each) => each['stream_type'] === streamType && each['symbol'] === (symbol ?? null))
    return own.map(({ type, position, recovered, seq }) => (type === undefined ? String(seq) : `${String(type)} ${String(position)} ${String(recovered)}`))
  }

  #read(text: string, socket: FakeSocket): void {
    if (socket !== this.connection.socket) return
    this.texts.push(text)
    this.#scene.audit.received(this.name, text)
    const { missing } = this.tracker.receive(text)
    if (missing !== undefined && missing > 0 && !text.includes('"gap"')) this.jumps.push(`${missing} before ${text}`)
    this.#scene.sent(this, text)
  }
}

/** A server whose every message is known to an audit, at the moment at which it is numbered. */
class Scene {
  readonly clock = new ManualClock()
  readonly audit = createAudit({ streams })
  readonly recovery: Recovery<Streams>
  readonly manager: ConnectionManager<FakeSocket, Streams>
  connections = 0
  /** Called for each text that a client has read. */
  sent: (client: Client, text: string) => void = () => {}
  /** Called before a message is numbered. */
  numbering: (data: unknown) => void = () => {}
  readonly clients: Client[] = []
  #identity = 0

  constructor(options: Omit<ConnectionManagerOptions<FakeSocket, Streams>, 'streams' | 'recorder'> = {}) {
    this.recovery = createRecovery<Streams>()
    const { recovery } = this
    const recorder = {
      attach: recovery.attach.bind(recovery),
      skip: recovery.skip.bind(recovery),
      revoked: recovery.revoked.bind(recovery),
      record: (message: StreamMessage<unknown, string>, text: string) => {
        const { data } = JSON.parse(text) as { readonly data: unknown }
        this.numbering(data)
        const stamped = recovery.record(message, text)
        this.audit.published({ ...message, data })
        return stamped
      },
    }
    this.manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock: this.clock, recorder, delivery: { softLimitBytes: 400, hardLimitBytes: 20_000 }, ...options })
  }

  client(name: string, options?: { readonly isSlow?: boolean }): Client {
    const client = new Client(this, name)
    this.clients.push(client)
    client.connect(options)
    return client
  }

  publish(subject: Subject): void {
    this.manager.publish({ ...subject, data: { id: ++this.#identity } } as never)
  }

  /** A message to one client only. */
  direct({ name, connection }: Client, subject: Subject, id: unknown): void {
    this.audit.published({ ...subject, data: { id } }, { to: [name] })
    this.manager.sendToConnection(connection.id, { ...subject, data: { id } } as never)
  }

  /** A message whose `toJSON` does something. */
  publishWith(subject: Subject, act: () => void): void {
    const id = ++this.#identity
    this.manager.publish({ ...subject, data: { toJSON: () => (act(), { id }) } } as never)
  }

  /** Does something once, when a client has read a text of this symbol. */
  atNextTextOf(symbol: string, act: (client: Client) => void): void {
    this.sent = (client, text) => {
      if (!text.includes(`"symbol":"${symbol}"`) || !text.includes('"seq"')) return
      this.sent = () => {}
      act(client)
    }
  }

  /** What is wrong, when everybody has got and read all. */
  faults(): string[] {
    for (let turn = 0; turn < 20; turn++) {
      this.clock.advance(50)
      for (const client of this.clients) {
        const { connection } = client
        client.isFull = false
        if (connection.socket.bufferedAmount !== undefined) connection.socket.bufferedAmount = 0
        connection.drained()
        connection.flush()
      }
    }
    const { faults } = this.audit.report()
    const lines = faults.map(({ kind, client, streamType, symbol, identity }) => `${kind} ${client} ${String(streamType)} ${String(symbol)} ${String(identity)}`)
    return [...lines, ...this.clients.flatMap(({ jumps }) => jumps), ...(this.audit.waiting > 0 ? [`${this.audit.waiting} never came`] : [])]
  }
}

/** Where user code runs in the middle of a delivery, and calls `act` there. */
const MOMENTS: readonly (readonly [string, (scene: Scene, other: Client, act: () => void) => void])[] = [
  [
    'a send of the same stream',
    (scene, _other, act) => {
      scene.atNextTextOf('A', act)
      scene.publish(A)
    },
  ],
  [
    'a send of another stream',
    (scene, _other, act) => {
      scene.atNextTextOf('B', act)
      scene.publish(B)
    },
  ],
  [
    'a send, in the middle of a batch',
    (scene, _other, act) => {
      scene.atNextTextOf('B', act)
      scene.manager.batch(() => {
        for (const subject of [A, B, A]) scene.publish(subject)
      })
    },
  ],
  [
    'a listener that is called within a delivery',
    (scene, _other, act) => {
      scene.manager.on('connectionRemoved', act)
      const broken = scene.manager.addConnection('broken', new FakeSocket({ send: () => { throw new Error('gone') } }), 'bob')
      broken.subscribe(A)
      scene.publish(A)
    },
  ],
  [
    'a toJSON of a message that nobody is subscribed to, yet',
    (scene, _other, act) => scene.publishWith(A, act),
  ],
  [
    'a toJSON of a message that is deferred',
    (scene, _other, act) => {
      scene.atNextTextOf('B', () => scene.publishWith(A, act))
      scene.publish(B)
    },
  ],
  [
    'a toJSON of a message to one connection',
    (scene, other, act) => {
      scene.audit.published({ ...A, data: { id: 'direct' } }, { to: [other.name] })
      scene.manager.sendToConnection(other.connection.id, { ...A, data: { toJSON: () => (act(), { id: 'direct' }) } })
    },
  ],
  [
    'a record, before the message has its number',
    (scene, _other, act) => {
      scene.numbering = () => {
        scene.numbering = () => {}
        act()
      }
      scene.publish(A)
    },
  ],
  [
    'a hook `revoked`',
    (scene, _other, act) => {
      const { recovery } = scene
      const revoked = recovery.revoked.bind(recovery)
      recovery.revoked = (revocation) => (revoked(revocation), act())
      scene.manager.revoke({ userId: 'zoe' })
    },
  ],
]

/** Who resumes, and from where. */
const WHO: readonly (readonly [string, (scene: Scene) => { readonly client: Client; readonly resume: () => void }])[] = [
  [
    'a client that comes back',
    (scene) => {
      const client = comesBack(scene)
      return { client, resume: () => client.resume(A) }
    },
  ],
  [
    'a newcomer',
    (scene) => {
      const client = scene.client('newcomer')
      return { client, resume: () => client.resume(A) }
    },
  ],
  [
    'a client whose position is unknown',
    (scene) => {
      const client = comesBack(scene)
      return { client, resume: () => client.resume(A, 'other:1') }
    },
  ],
  [
    'a client that is behind',
    (scene) => {
      const client = comesBack(scene, true)
      client.fallBehind()
      return { client, resume: () => client.resume(A) }
    },
  ],
  [
    'two clients, the second one in the first one’s answer',
    (scene) => {
      const client = comesBack(scene)
      const second = scene.client('second')
      const resume = () => {
        const { sent } = scene
        scene.sent = (each, text) => {
          if (each !== client || !text.includes('subscribed')) return sent(each, text)
          scene.sent = sent
          scene.publish(A)
          second.resume(A)
          scene.publish(A)
        }
        client.resume(A)
      }
      return { client, resume }
    },
  ],
]

/** A client that has the first two trades of A, and misses the next two. */
function comesBack(scene: Scene, isSlow = false): Client {
  const client = scene.client('phone', { isSlow })
  client.resume(A)
  for (const subject of [A, A]) scene.publish(subject)
  scene.faults()
  client.cut()
  for (const subject of [A, A]) scene.publish(subject)
  client.connect({ isSlow })
  return client
}

const EACH = MOMENTS.flatMap(([moment, at]) => WHO.map(([who, from]) => [who, moment, from, at] as const))

describe('recovery.subscribe within a delivery', () => {
  it.each(EACH)('gives %s in %s the notice, what was missed and what is live, each once and in order', (_who, _moment, from, at) => {
    const scene = new Scene()
    const other = scene.client('other')
    for (const subject of [A, B]) other.resume(subject)
    const { client, resume } = from(scene)
    let calls = 0

    at(scene, other, () => {
      if (calls++ > 0) return
      scene.publish(A)
      resume()
      scene.publish(A)
    })
    scene.publish(A)

    expect([calls > 0, scene.faults()]).toEqual([true, []])
    expect(client.got(A).filter((each) => each.startsWith('subscribed')).length).toBeGreaterThan(0)
  })

  it('says that its answer is deferred, and that nothing is proven yet', () => {
    const scene = new Scene()
    const client = comesBack(scene)
    const newcomer = scene.client('newcomer')
    const answers: Partial<Resumed>[] = []

    scene.atNextTextOf('B', () => {
      for (const each of [client, newcomer]) {
        const { recovered, replayed, deferred } = each.resume(A)
        answers.push({ recovered, replayed, deferred })
      }
    })
    scene.client('other').resume(B)
    scene.publish(B)

    expect(answers).toEqual([
      { recovered: false, replayed: 0, deferred: true },
      { recovered: null, replayed: 0, deferred: true },
    ])
    expect(client.got(A).slice(-3)).toEqual([expect.stringMatching(/^subscribed .*:2 true$/), '3', '4'])
    expect(scene.client('third').resume(A)).toMatchObject({ recovered: null, replayed: 0, deferred: false })
    expect(scene.recovery.stats().resumes).toEqual({ recovered: 1, refused: 0 })
  })

  it('answers a client that asks twice, the second time within its first answer, one after the other', () => {
    const scene = new Scene()
    const client = comesBack(scene)
    const position = client.tracker.position(A)
    scene.sent = (_client, text) => {
      if (!text.includes('subscribed')) return
      scene.sent = () => {}
      scene.publish(A)
      client.resume(A, position)
      scene.publish(A)
    }

    scene.manager.batch(() => {
      client.resume(A, position)
      scene.publish(A)
    })

    const answer = expect.stringMatching(/^subscribed .*:2 true$/) as unknown
    expect(client.got(A).slice(-9)).toEqual([answer, '3', '4', answer, '3', '4', '5', '6', '7'])
    expect(client.jumps).toEqual([])
  })

  it('keeps the order of what a connection is sent: texts before and after it, its answer between them', () => {
    const scene = new Scene()
    const client = comesBack(scene)
    scene.client('other').resume(B)
    scene.atNextTextOf('B', () => {
      client.connection.send('{"type":"before"}')
      scene.publish(A)
      client.resume(A)
      client.connection.send('{"type":"after"}')
    })
    scene.publish(B)

    expect(client.texts.slice(-6).map((text) => (JSON.parse(text) as { readonly type?: string; readonly seq?: number }).type ?? (JSON.parse(text) as { readonly seq: number }).seq)).toEqual(['before', 'subscribed', 3, 4, 5, 'after'])
  })

  it('lets a client without a position that has the stream already go on until its answer', () => {
    const scene = new Scene()
    const client = scene.client('phone')
    client.resume(A)
    scene.atNextTextOf('A', () => {
      scene.publish(A)
      scene.recovery.subscribe(client.connection, A)
      scene.publish(A)
    })
    scene.publish(A)

    expect(client.got(A).slice(1)).toEqual(['1', '2', expect.stringMatching(/^subscribed .*:2 null$/), '3'])
    expect(scene.faults()).toEqual([])
  })

  it.each([[{ streamType: 'NEWS' }, { streamType: 'NEWS', symbol: 'A' }], [{ streamType: 'NEWS', symbol: 'A' }, { streamType: 'NEWS' }]] as const)(
    'keeps what a subscription to %j needs if the client resumes %j',
    (held, resumed) => {
      const scene = new Scene()
      const client = scene.client('phone')
      client.resume(held)
      scene.atNextTextOf('A', () => {
        scene.publish({ streamType: 'NEWS', symbol: 'A' })
        client.resume(resumed)
        scene.publish({ streamType: 'NEWS', symbol: 'A' })
      })
      scene.publish({ streamType: 'NEWS', symbol: 'A' })

      expect(scene.faults()).toEqual([])
      expect(client.texts.filter((text) => text.includes('"seq"')).length).toBe(3)
    },
  )

  it('sends the last value, and not also the message that is being delivered', () => {
    const scene = new Scene()
    const price = { streamType: 'PRICE', symbol: 'A' } as const
    const [other, client] = [scene.client('other'), scene.client('phone')]
    other.resume(price)
    scene.atNextTextOf('A', () => {
      client.resume(price)
      scene.publish(price)
    })
    scene.publish(price)

    expect(client.got(price)).toEqual([expect.stringMatching(/^subscribed .*:0 null$/), '1', '2'])
  })

  it.each<[string, (scene: Scene, client: Client) => void, string[]]>([
    ['ends the subscription', (_scene, { connection }) => void connection.unsubscribe(A), ['subscribed :4 false']],
    ['revokes the stream', ({ manager }) => void manager.revoke({ userId: 'alice', ...A }), ['subscribed :4 false']],
    ['revokes the stream and grants it again', ({ manager }, { connection }) => void [manager.revoke({ userId: 'alice', ...A }), connection.subscribe(A)], ['subscribed :4 false', '5']],
    [
      'publishes, revokes the stream and grants it again',
      (scene, { connection }) => void [scene.publish(A), scene.manager.revoke({ userId: 'alice', ...A }), connection.subscribe(A)],
      ['subscribed :4 false', 'gap', '6'],
    ],
    ['removes the connection', (_scene, { connection }) => void connection.remove(), []],
  ])('%s before the answer: it is answered, if it is there, and gets nothing that it may not have', (_what, act, expected) => {
    const scene = new Scene()
    const client = comesBack(scene)
    scene.client('other').resume(B)
    const before = client.texts.length
    scene.atNextTextOf('B', () => {
      client.resume(A)
      act(scene, client)
    })
    scene.publish(B)
    scene.publish(A)

    const texts = client.texts.slice(before).map((text) => JSON.parse(text) as Record<string, unknown>)
    const labelOf = ({ type, position, recovered, seq }: Record<string, unknown>) => (type === 'subscribed' ? `subscribed ${String(position).replace(/.*:/, ':')} ${String(recovered)}` : String(seq ?? type))
    const got = texts.map(labelOf)
    expect(got).toEqual(expected)
  })

  it('proves nothing to a client that misses nothing, if a message is published and the stream is revoked before the answer', () => {
    const scene = new Scene()
    const client = scene.client('phone')
    client.resume(A)
    scene.publish(A)
    const position = client.tracker.position(A)
    scene.client('other').resume(B)
    scene.atNextTextOf('B', () => {
      client.resume(A, position)
      scene.publish(A)
      scene.manager.revoke({ userId: 'alice', ...A })
      client.connection.subscribe(A)
    })

    scene.publish(B)
    scene.publish(A)

    expect(client.got(A).slice(2)).toEqual([expect.stringMatching(/^subscribed .*:1 false$/), 'gap undefined undefined', '3'])
    expect(scene.recovery.stats().resumes).toEqual({ recovered: 0, refused: 1 })
  })

  it('waits for what was published before a revocation, which does not come to a client that subscribes again', () => {
    const scene = new Scene()
    const client = scene.client('phone')
    client.resume(A)
    scene.atNextTextOf('A', () => {
      scene.publish(A)
      scene.manager.revoke({ userId: 'alice', ...A })
    })

    scene.manager.batch(() => {
      scene.publish(A)
      expect(client.resume(A, 'other:1')).toMatchObject({ recovered: false, deferred: true })
      scene.publish(A)
    })
    scene.publish(A)

    expect(client.got(A).slice(1)).toEqual(['1', expect.stringMatching(/^subscribed .*:3 false$/), '4'])
    expect(client.jumps).toEqual([])
  })

  it('waits for the message that is being serialized if it was published before a revocation', () => {
    const scene = new Scene()
    const client = scene.client('phone')
    client.resume(A)
    scene.publishWith(A, () => {
      scene.manager.revoke({ userId: 'alice', ...A })
      client.resume(A, 'other:1')
      scene.publish(A)
    })
    scene.publish(A)

    expect(client.got(A).slice(1)).toEqual([expect.stringMatching(/^subscribed .*:2 false$/), '3'])
    expect(client.jumps).toEqual([])
  })

  it('does not answer about a private stream of another user', () => {
    const scene = new Scene()
    const client = scene.client('phone')
    scene.client('other').resume(B)
    scene.atNextTextOf('B', () => {
      scene.recovery.subscribe(client.connection, { streamType: 'ORDERS' })
      client.connection.reassign('bob')
      scene.manager.addSubscription({ userId: 'bob', streamType: 'ORDERS' })
      scene.manager.publish({ streamType: 'ORDERS', userId: 'bob', data: { id: 'for bob' } })
    })
    scene.publish(B)

    expect(client.texts.map((text) => (JSON.parse(text) as { readonly data?: unknown }).data)).toEqual([{ id: 'for bob' }])
  })

  it('tells of a gap if only a subscription of the user is left when the answer comes', () => {
    const scene = new Scene()
    const client = scene.client('phone')
    scene.manager.addSubscription({ userId: 'alice', ...A })
    scene.atNextTextOf('A', () => {
      scene.publish(A)
      client.resume(A, 'other:1')
      client.connection.unsubscribe(A)
    })
    scene.publish(A)
    scene.publish(A)

    expect(client.got(A)).toEqual(['1', 'gap undefined undefined', expect.stringMatching(/^subscribed .*:2 false$/), '3'])
  })
})

describe('recovery.subscribe for a client that is behind', () => {
  const TAPE = { streamType: 'TAPE', symbol: 'A' } as const
  const PRICE = { streamType: 'PRICE', symbol: 'A' } as const

  /** A client that has no room, so that everything waits, and what it gets in the end. */
  function behind(stream: Subject, hardLimitBytes = 20_000) {
    const scene = new Scene({ delivery: { softLimitBytes: 10, hardLimitBytes } })
    const client = scene.client('phone', { isSlow: true })
    client.resume(stream)
    client.connection.flush()
    const position = client.tracker.position(stream)
    client.fallBehind()
    const publish = (): void => scene.publish(stream)
    const direct = (): void => scene.direct(client, stream, 'direct')
    /** Asks again. */
    const resume = (from: string | undefined = position): void => {
      scene.audit.subscribing('phone', stream)
      scene.recovery.subscribe(client.connection, { ...stream, position: from } as never)
    }
    /** What it got of the stream since then, and what is wrong. */
    const got = (): unknown[] => {
      const faults = scene.faults()
      const all = client.texts.slice(1).map((text) => JSON.parse(text) as { readonly type?: string; readonly dropped?: number; readonly data: { readonly id?: unknown } })
      const labels = all.map(({ type, dropped, data }) => (type === 'gap' ? `gap ${String(dropped)}` : (type ?? data.id)))
      return [...labels.filter((each) => each !== 'a first one'), ...faults]
    }
    return { scene, client, publish, direct, resume, got }
  }

  it.each<[string, Subject, unknown[]]>([
    ['that keeps every message', A, ['subscribed', 'direct', 1, 2]],
    ['that keeps the latest message', PRICE, ['subscribed', 2]],
    ['that drops messages', TAPE, ['subscribed', 'direct', 1, 2]],
  ])('keeps the direct messages that wait of a stream %s, unless a newer one has replaced them, and sends all others again', (_what, stream, expected) => {
    const { publish, direct, resume, got } = behind(stream)
    for (const act of [publish, direct, publish, resume]) act()

    expect(got()).toEqual(expected)
  })

  it('sends a direct message before the last value that is sent again, which may be older', () => {
    const { publish, direct, resume, got } = behind(PRICE)
    for (const act of [publish, direct, resume]) act()

    expect(got()).toEqual(['subscribed', 'direct', 1])
  })

  it('purges a gap notice, unless it stands for a direct message', () => {
    const { publish, direct, resume, got } = behind(TAPE, 400)
    for (const act of [direct, publish, publish, publish, resume]) act()
    const other = behind(TAPE, 400)
    for (const act of [other.publish, other.publish, other.publish, other.publish, other.resume]) act()

    // There is too much to send it again.
    expect([got(), other.got()]).toEqual([['subscribed', 'gap 2'], ['subscribed']])
  })

  it.each<[string, (scene: Scene, client: Client) => void]>([
    ['an unsubscribe', (_scene, { connection }) => void connection.unsubscribe(A)],
    ['a revocation', ({ manager }) => void manager.revoke({ userId: 'alice', ...A })],
  ])('sends no direct messages after %s', (_what, act) => {
    const { scene, client, direct, resume, got } = behind(A)
    direct()

    act(scene, client)
    resume()
    got()

    expect(client.texts.filter((text) => text.includes('direct'))).toEqual([])
  })

  it('does not tell of a gap if only direct messages wait', () => {
    const { client, scene, direct, got } = behind(A)
    direct()
    scene.recovery.subscribe(client.connection, A)

    expect(got()).toEqual(['subscribed', 'direct'])
  })

  it('tells of a gap if a published message waits behind a direct one', () => {
    const { client, scene, direct, publish, got } = behind(A)
    for (const act of [direct, publish]) act()
    scene.recovery.subscribe(client.connection, A)

    expect(got()).toEqual(['gap null', 'subscribed', 'direct'])
  })

  it('purges what it sent again before, if the client asks once more', () => {
    const { publish, resume, got } = behind(A)
    for (const act of [publish, resume, resume]) act()

    expect(got()).toEqual(['subscribed', 'subscribed', 1])
  })
})
