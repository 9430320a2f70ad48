import { setImmediate as nextTick } from 'node:timers/promises'
import { ConnectionManager, type Connection, type Socket, type Transport } from '../../../src/index.ts'
import { EVENT_NAMES } from '../../support/event-names.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { Collection } from './collection.ts'
import { streams, type Streams } from './streams.ts'
import type { Verdict } from './verdict.ts'

const PRICE = { streamType: 'PRICE', symbol: 'BTCUSDT' } as const
const TRADES = { streamType: 'TRADES', symbol: 'BTCUSDT' } as const
const ORDERS = { streamType: 'ORDER_UPDATES' } as const
const LONG_MS = 120_000

interface Behaviour {
  readonly send?: (socket: TestSocket) => unknown
  readonly close?: () => unknown
}

class TestSocket implements Socket {
  bufferedBytes = 0
  accepts = Infinity
  /** What the manager registered to be told of drains. */
  readonly drainListeners: Set<() => void> = new Set()
  readonly #behaviour: Behaviour

  constructor(behaviour: Behaviour = {}) {
    this.#behaviour = behaviour
  }

  send(): void {
    return this.#behaviour.send?.(this) as void
  }

  close(): void {
    return this.#behaviour.close?.() as void
  }
}

type Hooks = Transport<TestSocket>
type Handle = Connection<Socket, Streams>

/** A manager that lives on, with a resident who listens to everything, and what is to be collected although it does. */
class Stage {
  readonly clock = new ManualClock()
  readonly collection = new Collection()
  readonly manager = new ConnectionManager<Socket, Streams>({
    streams,
    clock: this.clock,
    delivery: { softLimitBytes: 100, hardLimitBytes: 2_000 },
    quotas: { connectionsPerUser: 10 },
    authorize: ({ streamType }) => streamType !== 'RISK_ALERTS',
  })
  /** Scenarios that did not go as they are written. */
  readonly failures: string[] = []
  readonly #listeners = new Set<() => void>()
  #scenario = ''
  #joined = 0

  constructor() {
    for (const event of EVENT_NAMES) this.manager.on(event, () => this.#listeners.forEach((listener) => listener()))
    const resident = this.manager.addConnection('resident', new TestSocket(), 'resident')
    for (const stream of [PRICE, TRADES, ORDERS]) resident.subscribe(stream)
  }

  /** Runs a scenario: it must leave nothing behind by itself. */
  async play(name: string, scenario: Scenario): Promise<void> {
    this.#scenario = name
    try {
      await scenario(this)
    } catch (error) {
      this.failures.push(`${name}: ${(error as Error).message}`)
    }
    this.clock.advance(LONG_MS)
    await nextTick()
  }

  /** Something that nobody is to hold once the scenario is over. */
  watch<TThing extends object>(what: string, thing: TThing): TThing {
    this.collection.watch(`${this.#scenario}: ${what}`, thing)
    return thing
  }

  /** A connection that listens to everything, by its own holds and by one of its user's. */
  join(socket = new TestSocket(), hooks?: Hooks, userId = `user ${this.#joined}`): Handle {
    this.watch('the socket', socket)
    if (hooks !== undefined) this.watch('the transport', hooks)
    const connection = this.manager.addConnection(`c${this.#joined++}`, socket, userId, { transport: hooks as Transport<Socket> | undefined })
    this.watch('the handle', connection)
    const filters = { nested: this.watch('the filters', {}) }
    for (const stream of [PRICE, TRADES]) this.watch('the view', connection.subscribe({ ...stream, filters }))
    this.watch('the view of the user’s', this.manager.addSubscription({ ...ORDERS, userId }))
    return connection
  }

  /** Publishes to everybody. */
  price(): void {
    this.manager.publish({ ...PRICE, data: this.data() })
  }

  trade(): void {
    this.manager.publish({ ...TRADES, data: this.data() })
  }

  order(userId: string): void {
    this.manager.publish({ ...ORDERS, userId, data: this.data() })
  }

  /** The data of a message, which nobody is to hold once it is on its way. */
  data(): object {
    return this.watch('a message’s data', { text: 'x'.repeat(50) })
  }

  /** Calls this at each event, until the scenario is over. */
  atEachEvent(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

type Scenario = (stage: Stage) => void | Promise<void>

/** Writes in batches, says how much it accepts and has buffered; polled for drains. */
function batching(): Hooks {
  return {
    write: (socket, frames) => Math.min(socket.accepts, frames.length),
    bufferedBytes: (socket) => socket.bufferedBytes,
  }
}

function reportingDrains(): Hooks {
  return {
    ...batching(),
    onDrain({ drainListeners }, listener) {
      drainListeners.add(listener)
      return () => void drainListeners.delete(listener)
    },
  }
}

function terminating(): Hooks {
  return { ...batching(), terminate: () => {} }
}

function full(): TestSocket {
  const socket = new TestSocket()
  socket.bufferedBytes = 1_000
  return socket
}

function fail(): never {
  throw new Error('failed on purpose')
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'removed by its handle': (stage) => {
    const connection = stage.join()
    stage.price()
    void connection.remove()
  },
  'removed by its id': (stage) => void stage.manager.removeConnection(stage.join().id),
  'removed with its user': (stage) => void stage.manager.removeUser(stage.join().userId),
  'removed as the peer had gone': (stage) => void stage.join().remove({ close: false }),
  'one of several of its user’s': (stage) => {
    const first = stage.join()
    const second = stage.join(new TestSocket(), undefined, first.userId)
    void first.remove()
    stage.order(second.userId)
    void second.remove()
  },
  'removed during the fan-out to it': (stage) => {
    const connection: Handle = stage.join(new TestSocket({ send: () => void connection.remove() }))
    stage.price()
  },
  'removed from a listener': (stage) => {
    const connection = stage.join()
    const stop = stage.atEachEvent(() => void connection.remove())
    stage.manager.addConnection('guest', stage.watch('the guest’s socket', new TestSocket()), 'guest')
    void stage.manager.removeConnection('guest')
    stop()
  },
  'removed with a batch that has not left': (stage) => {
    const connection = stage.join(new TestSocket(), batching())
    stage.price()
    void connection.remove({ close: false })
  },
  'removed after its batch was written': async (stage) => {
    const connection = stage.join(new TestSocket(), batching())
    stage.price()
    await nextTick()
    void connection.remove()
  },
  'removed while it is behind, and polled': async (stage) => {
    const connection = stage.join(full(), batching())
    for (let i = 0; i < 5; i++) {
      stage.price()
      stage.trade()
      stage.order(connection.userId)
    }
    await nextTick()
    stage.clock.advance(500)
    void connection.remove()
  },
  'removed while it is behind, and tells of drains': async (stage) => {
    const socket = full()
    const connection = stage.join(socket, reportingDrains())
    stage.price()
    await nextTick()
    void connection.remove({ close: false })
    if (socket.drainListeners.size > 0) throw new Error('it still has drain listeners')
  },
  'removed after it caught up': async (stage) => {
    const socket = full()
    const connection = stage.join(socket, batching())
    stage.trade()
    await nextTick()
    socket.bufferedBytes = 0
    stage.clock.advance(500)
    void connection.remove()
  },
  'removed while some of its batch was not accepted': async (stage) => {
    const socket = new TestSocket()
    socket.accepts = 1
    const connection = stage.join(socket, batching())
    for (let i = 0; i < 3; i++) stage.trade()
    await nextTick()
    void connection.remove()
  },
  'a slow consumer that is terminated': (stage) => {
    const connection = stage.join(full(), terminating())
    while (!connection.removed) stage.order(connection.userId)
  },
  'a slow consumer that is closed, and hangs': (stage) => {
    const socket = new TestSocket({ close: () => new Promise(() => {}) })
    socket.bufferedBytes = 1_000
    const connection = stage.join(socket, batching())
    while (!connection.removed) stage.order(connection.userId)
  },
  'one whose messages were dropped': (stage) => {
    const connection = stage.join(full(), batching())
    for (let i = 0; i < 30; i++) stage.trade()
    void connection.remove()
  },
  'a send that throws': (stage) => {
    stage.join(new TestSocket({ send: fail }))
    stage.price()
  },
  'a send that rejects later': async (stage) => {
    stage.join(new TestSocket({ send: async () => fail() }))
    stage.price()
    await nextTick()
  },
  'a send that never settles': (stage) => {
    const connection = stage.join(new TestSocket({ send: () => new Promise(() => {}) }))
    stage.price()
    void connection.remove()
  },
  'a write that throws': async (stage) => {
    stage.join(new TestSocket(), { write: fail })
    stage.price()
    await nextTick()
  },
  'a frame that throws': (stage) => {
    const connection = stage.join(new TestSocket(), { ...batching(), frame: fail } as Hooks)
    stage.price()
    void connection.remove()
  },
  'a close that throws': (stage) => void stage.join(new TestSocket({ close: fail })).remove(),
  'a close that rejects': async (stage) => {
    void stage.join(new TestSocket({ close: async () => fail() })).remove()
    await nextTick()
  },
  'a close that hangs past its deadline': (stage) => void stage.join(new TestSocket({ close: () => new Promise(() => {}) })).remove(),
  'a socket whose id was taken': (stage) => {
    const connection = stage.join()
    refused(() => stage.manager.addConnection(connection.id, stage.watch('the refused socket', new TestSocket()), 'somebody'))
    void connection.remove()
  },
  'a socket for which there was no room': (stage) => {
    const { userId } = stage.join()
    for (let i = 1; i < 10; i++) stage.join(new TestSocket(), undefined, userId)
    refused(() => stage.manager.addConnection('one more', stage.watch('the refused socket', new TestSocket()), userId))
    void stage.manager.removeUser(userId)
  },
  'a subscription that was forbidden': (stage) => {
    const connection = stage.join()
    refused(() => connection.subscribe({ streamType: 'RISK_ALERTS', filters: stage.watch('the forbidden filters', {}) }))
    void connection.remove()
  },
  'subscriptions that were let go, their connection lives on': (stage) => {
    const connection = stage.manager.getConnection('resident') as Handle
    stage.watch('the view', connection.subscribe({ streamType: 'PRICE', symbol: 'LET GO' }))
    connection.unsubscribe({ streamType: 'PRICE', symbol: 'LET GO' })
    stage.manager.removeSubscription(stage.watch('the ended view', stage.manager.addSubscription({ userId: 'resident', streamType: 'USER_DATA' })))
    stage.watch('the revoked view', connection.subscribe({ streamType: 'TRADES', symbol: 'REVOKED' }))
    stage.manager.revoke({ symbol: 'REVOKED' })
  },
  'filters that were replaced': (stage) => {
    const connection = stage.manager.getConnection('resident') as Handle
    connection.subscribe({ ...PRICE, filters: { nested: stage.watch('the old filters', {}) } })
    connection.subscribe(PRICE)
  },
  'a pending subscription that expired': (stage) => {
    stage.watch('the view', stage.manager.addSubscription({ ...PRICE, userId: 'nobody', filters: { nested: stage.watch('the filters', {}) } }))
  },
  'messages that were delivered, refused, or for nobody': (stage) => {
    stage.price()
    stage.manager.broadcast({ streamType: 'NEWS', data: stage.data() })
    stage.manager.publish({ streamType: 'PRICE', symbol: 'NOBODY', data: stage.data() })
    stage.manager.sendToUser('nobody', { ...ORDERS, data: stage.data() })
    const cyclic: { self?: object } = stage.watch('cyclic data', {})
    cyclic.self = cyclic
    refused(() => stage.manager.publish({ ...PRICE, data: cyclic }))
  },
  'messages that were deferred': (stage) => {
    let isFirst = true
    const connection = stage.join(new TestSocket({
      send() {
        if (isFirst) stage.manager.publish({ ...TRADES, data: stage.data() })
        isFirst = false
      },
    }))
    stage.price()
    void connection.remove()
  },
  'a listener that was taken back': (stage) => {
    const listener = stage.watch('the listener', () => {})
    const stop = stage.manager.on('connectionAdded', listener)
    void stage.join().remove()
    stop()
  },
  'a manager after its cleanup': async (stage) => {
    const manager = stage.watch('the manager', new ConnectionManager<Socket, Streams>({ streams }))
    manager.on('error', stage.watch('its listener', () => {}))
    const socket = new TestSocket()
    socket.bufferedBytes = 1_000
    const connection = manager.addConnection('c', stage.watch('its socket', socket), 'u', { transport: batching() as Transport<Socket> })
    connection.subscribe(TRADES)
    manager.addSubscription({ ...ORDERS, userId: 'nobody' })
    manager.publish({ ...TRADES, data: {} })
    await manager.cleanup()
  },
}

/** Whether what was removed can be collected while the manager lives on. */
export async function checkCollectability(verdict: Verdict): Promise<void> {
  const stage = new Stage()
  for (const [name, scenario] of Object.entries(SCENARIOS)) await stage.play(name, scenario)
  const watched = stage.collection.size
  const left = await stage.collection.left()
  verdict.note(`collect ${watched} sockets, handles, views, transports and data of messages in ${Object.keys(SCENARIOS).length} scenarios\n`)
  verdict.check('each scenario went as it is written', stage.failures.length === 0, stage.failures)
  verdict.check('what was removed was collected while the manager lived', left.length === 0, left)
  await checkDataOfWaiting(verdict)
  verdict.check('the one who stayed is there', stage.manager.connectionCount === 1)
}

/** A message may wait for long: its text is enough. */
async function checkDataOfWaiting(verdict: Verdict): Promise<void> {
  const stage = new Stage()
  const transport = batching() as Transport<Socket>
  stage.manager.addConnection('behind', full(), 'u', { transport }).subscribe(TRADES)
  for (let i = 0; i < 5; i++) stage.trade()
  const left = await stage.collection.left()
  const { waiting } = stage.manager.stats()
  verdict.check('the data of messages that wait was collected while they wait', waiting === 5 && left.length === 0, [`${waiting} wait`, ...left])
}

function refused(call: () => unknown): void {
  try {
    call()
  } catch {
    return
  }
  throw new Error('an invalid call was not refused')
}
