import { EventEmitter } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { createMemoryBus, memoryBackplane, type BusPort, type MemoryBusOptions } from '../../../src/backplanes/memory/index.ts'
import type { BackplaneClient, BackplaneHarness } from '../../../src/testing/backplane-harness.ts'
import { describeBackplane } from '../../../src/testing/describe-backplane.ts'
import { expectCode } from '../../support/errors.ts'

const UNBREAKABLE = [
  {
    reason: 'it is a part of the process, and ends with it',
    tests: [
      'reports a broker that is gone, and one that is back',
      'refuses what is published while the broker is gone',
      'subscribes again when the broker is back',
      'settles every call when the broker goes',
      'delivers in order what a frozen broker has held back',
      'closes while the broker is frozen',
      'closes while the broker is gone',
    ],
  },
] as const

function harness(connect: (bus: ReturnType<typeof createMemoryBus>) => Omit<BackplaneClient, 'use'>, options?: MemoryBusOptions): BackplaneHarness {
  return {
    async start() {
      const bus = createMemoryBus(options)
      return { connect: () => ({ use: () => {}, ...connect(bus) }), stop: () => {} }
    },
  }
}

const local = harness((bus) => ({ backplane: memoryBackplane(bus), stop: () => {} }))
const scheduled = harness((bus) => ({ backplane: memoryBackplane(bus), stop: () => {} }), { schedule: setImmediate })
const threaded = harness((bus) => {
  const { port1, port2 } = new MessageChannel()
  bus.attach(port1)
  return { backplane: memoryBackplane(port2), stop: () => port1.close() }
})

describeBackplane('a memory bus', local, { describe, it, skip: UNBREAKABLE })
describeBackplane('a memory bus with a scheduler', scheduled, { describe, it, skip: UNBREAKABLE })
describeBackplane('a memory bus by messages', threaded, { describe, it, skip: UNBREAKABLE })

/** Two ends of a way between processes, with the methods of `process` in a child. */
class ProcessEnd extends EventEmitter implements BusPort {
  other!: ProcessEnd
  isConnected = true

  static pair(): [ProcessEnd, ProcessEnd] {
    const [one, other] = [new ProcessEnd(), new ProcessEnd()]
    one.other = other
    other.other = one
    return [one, other]
  }

  send(message: object, callback: (error: Error | null) => void): void {
    const copy: unknown = JSON.parse(JSON.stringify(message))
    setImmediate(() => {
      if (this.isConnected) this.other.emit('message', copy)
      callback(this.isConnected ? null : new Error('channel closed'))
    })
  }
}

async function opened(port: BusPort) {
  const driver = memoryBackplane(port)
  const received: string[] = []
  const statuses: boolean[] = []
  await driver.open((subject, text) => received.push(`${subject}: ${text}`), (isUp) => statuses.push(isUp))
  return { driver, received, statuses }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('a bus that is attached to another process', () => {
  it('carries messages between the nodes of both', async () => {
    const bus = createMemoryBus()
    const [here, there] = ProcessEnd.pair()
    bus.attach(here)
    const node = memoryBackplane(bus)
    await node.open(() => {}, () => {})
    const remote = await opened(there)

    await remote.driver.subscribe(['a', 'b'])
    node.publish('a', 'one')
    remote.driver.publish('b', 'two')
    for (let i = 0; i < 4; i++) await turn()

    expect(remote.received).toEqual(['a: one', 'b: two'])
    expect(await node.subscribers('a')).toBe(1)
  })

  it('keeps two nodes behind one port apart', async () => {
    const [here, there] = ProcessEnd.pair()
    createMemoryBus().attach(here)
    const [one, other] = [await opened(there), await opened(there)]

    await one.driver.subscribe(['a'])
    await other.driver.subscribe(['a'])
    await other.driver.unsubscribe(['a'])
    one.driver.publish('a', 'text')
    for (let i = 0; i < 4; i++) await turn()

    expect([one.received, other.received]).toEqual([['a: text'], []])
  })

  it('leaves the other messages of a port alone', async () => {
    const [here, there] = ProcessEnd.pair()
    createMemoryBus().attach(here)
    const { driver, received } = await opened(there)
    const others: unknown[] = []
    here.on('message', (message) => others.push(message))

    for (const message of [null, 'text', 1, { kind: 'publish' }]) here.emit('message', message)
    for (const message of [null, 'text', 1, { kind: 'deliver' }]) there.emit('message', message)

    expect(others).toEqual([null, 'text', 1, { kind: 'publish' }])
    expect(received).toEqual([])
    await expect(driver.subscribers('a')).resolves.toBe(0)
  })

  it.each(['close', 'exit', 'disconnect'])('forgets a process that ends with the event %s', async (event) => {
    const bus = createMemoryBus()
    const [here, there] = ProcessEnd.pair()
    bus.attach(here)
    const node = memoryBackplane(bus)
    await node.open(() => {}, () => {})
    const { driver } = await opened(there)
    await driver.subscribe(['a'])

    here.emit(event)

    expect(await node.subscribers('a')).toBe(0)
    expect(here.eventNames()).toEqual([])
  })

  it('tells its nodes when it is detached: they report down, and refuse', async () => {
    const [here, there] = ProcessEnd.pair()
    const detach = createMemoryBus().attach(here)
    const { driver, statuses } = await opened(there)
    const counting = driver.subscribers('a')
    const outcome = expect(counting).rejects.toThrow('no link')

    detach()
    await turn()
    await turn()

    expect(statuses).toEqual([true, false])
    expect(() => driver.publish('a', 'text')).toThrow('no link')
    await expect(driver.subscribe(['a'])).rejects.toThrow('no link')
    await outcome
    expect(there.eventNames()).toEqual([])
  })

  it('closes a node after its bus has gone, and tells it nothing more', async () => {
    const [here, there] = ProcessEnd.pair()
    const detach = createMemoryBus().attach(here)
    const { driver, statuses } = await opened(there)
    detach()
    await turn()

    await driver.close()
    await turn()

    expect(statuses).toEqual([true, false])
  })

  it('shares a port with the bus of the other process, and each ignores the messages for the nodes of the other', async () => {
    const [here, there] = ProcessEnd.pair()
    const detach = createMemoryBus().attach(here)
    const own = createMemoryBus()
    own.attach(there)
    const node = memoryBackplane(own)
    await node.open(() => {}, () => {})
    await node.subscribe(['own'])
    const { driver, received, statuses } = await opened(there)
    await driver.subscribe(['a'])

    driver.publish('a', 'text')
    for (let i = 0; i < 4; i++) await turn()
    detach()
    await turn()

    expect([received, statuses]).toEqual([['a: text'], [true, false]])
    expect([await node.subscribers('own'), await node.subscribers('a')]).toEqual([1, 0])
  })

  it('treats a message that could not be sent as the end of the other side', async () => {
    const [here, there] = ProcessEnd.pair()
    createMemoryBus().attach(here)
    const { driver, statuses } = await opened(there)
    there.isConnected = false

    driver.publish('a', 'text')
    await turn()

    expect(statuses).toEqual([true, false])
  })
})

describe('memoryBackplane', () => {
  it('refuses calls before open, and after close', async () => {
    const driver = memoryBackplane(createMemoryBus())
    const refuses = async (): Promise<void> => {
      expect(() => driver.publish('a', 'text')).toThrow('no link')
      await expect(driver.subscribe(['a'])).rejects.toThrow('no link')
      await expect(driver.unsubscribe(['a'])).rejects.toThrow('no link')
      await expect(driver.subscribers('a')).rejects.toThrow('no link')
    }

    await refuses()
    await driver.close()
    await driver.open(() => {}, () => {})
    await driver.close()
    await refuses()
  })

  it.each([null, undefined, 1, {}, { on: () => {} }, { postMessage: () => {} }])('refuses %o, which is neither a bus nor a port', (bus) => {
    expectCode('ERR_INVALID_BACKPLANE', () => memoryBackplane(bus as never))
  })
})
