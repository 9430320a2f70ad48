import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ConnectionManager, defineStreams, type Connection, type Socket, type Transport } from 'stream-connection-manager'
import { FakeSocket } from 'stream-connection-manager/testing'
import { admit, obey, obeyUrl, type SendSnapshot } from '../../../examples/hosts/protocol.ts'

// What the recipes share, with sockets of which each does what it is told.

const streams = defineStreams({ BOOK: { audience: 'public' }, FILLS: { audience: 'private' } })
type Manager = ConnectionManager<Socket, typeof streams>

const SUBSCRIBE = JSON.stringify({ command: 'subscribe', streamType: 'BOOK', symbol: 'X' })

/** The sockets that there are to the manager: one sent to at once, and one that is written to at the end of a tick. */
const SOCKETS: readonly [what: string, transport: Transport<Socket> | undefined][] = [
  ['a plain socket', undefined],
  ['a socket that is written to', { write: (socket, texts) => texts.forEach((text) => socket.send(text)) }],
]

function managerWith(transport?: Transport<Socket>, messageUnits = 1_000): Manager {
  return new ConnectionManager<Socket, typeof streams>({ streams, quotas: { messageUnits }, ...(transport && { transport }) })
}

function admitted(manager: Manager, socket: Socket = new FakeSocket(), userId = 'alice'): Connection<Socket, typeof streams> {
  const connection = admit(manager, socket, userId)
  assert.ok(connection !== undefined)
  return connection
}

function bookOf(manager: Manager, data: unknown): SendSnapshot<Socket, typeof streams> {
  return (connection, { symbol = '' }) => void manager.sendToConnection(connection.id, { streamType: 'BOOK', symbol, data })
}

/** What a socket got, in short: answers by their type, messages by their data. */
function heardBy({ sent }: { readonly sent: readonly string[] }): unknown[] {
  return sent.map((text) => JSON.parse(text)).map(({ type, data }) => type ?? data)
}

describe('obey', () => {
  for (const [what, transport] of SOCKETS) {
    it(`answers a subscribe, then sends the snapshot, then the live messages: ${what}`, async () => {
      const manager = managerWith(transport)
      const socket = new FakeSocket()

      obey(admitted(manager, socket), SUBSCRIBE, bookOf(manager, 'snapshot'))
      manager.publish({ streamType: 'BOOK', symbol: 'X', data: 'delta' })
      await turn()

      assert.deepEqual(heardBy(socket), ['welcome', 'subscribed', 'snapshot', 'delta'])
    })

    it(`answers after messages published before, and before those published later: ${what}`, async () => {
      const manager = managerWith(transport)
      const socket = new FakeSocket()
      const connection = admitted(manager, socket)
      connection.subscribe({ streamType: 'BOOK', symbol: 'X' })

      manager.publish({ streamType: 'BOOK', symbol: 'X', data: 'before' })
      obey(connection, 'no command')
      manager.publish({ streamType: 'BOOK', symbol: 'X', data: 'after' })
      await turn()

      assert.deepEqual(heardBy(socket), ['welcome', 'before', 'refused', 'after'])
    })

    it(`sends each connection of a user its snapshot: ${what}`, async () => {
      const manager = managerWith(transport)
      const tabs = [new FakeSocket(), new FakeSocket()]

      for (const tab of tabs) obey(admitted(manager, tab), SUBSCRIBE, bookOf(manager, 'snapshot'))
      await turn()

      for (const tab of tabs) assert.deepEqual(heardBy(tab), ['welcome', 'subscribed', 'snapshot'])
    })

    it(`ends a subscription whose snapshot is too large, with the reason: ${what}`, async () => {
      const manager = managerWith(transport)
      const socket = new FakeSocket()

      obey(admitted(manager, socket), SUBSCRIBE, bookOf(manager, 'x'.repeat(1_001)))
      const { matched } = manager.publish({ streamType: 'BOOK', symbol: 'X', data: 'delta' })
      await turn()

      assert.equal(matched, 0)
      assert.deepEqual(heardBy(socket), ['welcome', 'subscribed', 'refused'])
      assert.equal(JSON.parse(socket.sent.at(-1) ?? '').code, 'ERR_QUOTA_EXCEEDED')
    })
  }

  it('answers first and then sends the snapshot, even if the connection is behind', async () => {
    const manager = managerWith()
    const socket = new FakeSocket({ bufferedAmount: 0 })
    const connection = admitted(manager, socket)
    await turn()
    await turn()
    socket.bufferedAmount = 1_000_000

    obey(connection, SUBSCRIBE, bookOf(manager, 'snapshot'))
    manager.publish({ streamType: 'BOOK', symbol: 'X', data: 'delta' })
    assert.deepEqual(heardBy(socket), ['welcome'])
    socket.bufferedAmount = 0
    connection.drained()

    assert.deepEqual(heardBy(socket), ['welcome', 'subscribed', 'snapshot', 'delta'])
  })

  it('does nothing for a removed connection', () => {
    const manager = managerWith()
    const socket = new FakeSocket()
    const connection = admitted(manager, socket)

    void connection.remove()
    obey(connection, SUBSCRIBE)

    assert.equal(manager.subscriptionCount, 0)
    assert.deepEqual(heardBy(socket), ['welcome'])
  })

  it('disconnects a client whose answer is refused, and does not throw', () => {
    const manager = new ConnectionManager<Socket, typeof streams>({ streams, maxDeferred: 0 })
    const mallory = admitted(manager, new FakeSocket(), 'mallory')
    const alice = admitted(manager, { send: () => obey(mallory, SUBSCRIBE), close() {} })

    alice.send('what makes it answer in the middle of a delivery')

    assert.equal(mallory.removed, true)
    assert.equal(alice.removed, false)
  })

  it('disconnects a client whose socket fails on the answer, and does not throw', () => {
    const manager = managerWith()
    const socket = new FakeSocket()
    const connection = admitted(manager, socket)
    socket.script.send = () => {
      throw new Error('closed')
    }

    obey(connection, SUBSCRIBE)

    assert.equal(connection.removed, true)
    assert.equal(manager.subscriptionCount, 0)
  })
})

describe('obeyUrl', () => {
  it('answers for each stream in a URL, and then sends its snapshot', () => {
    const manager = managerWith()
    const socket = new FakeSocket()

    obeyUrl(admitted(manager, socket), '/?stream=BOOK:X&stream=GOSSIP&stream=:', bookOf(manager, 'snapshot'))

    assert.deepEqual(heardBy(socket), ['welcome', 'subscribed', 'snapshot', 'refused', 'refused'])
  })
})

describe('admit', () => {
  const thrown = (): never => {
    throw new Error('closed')
  }
  const rejected = (): Promise<never> => Promise.reject(new Error('closed'))

  it('sends a refused user the reason, and closes the socket', () => {
    const manager = managerWith()
    const socket = new FakeSocket()

    assert.equal(admit(manager, socket, undefined), undefined)

    assert.deepEqual(socket.sent, ['{"type":"refused","code":"ERR_UNAUTHENTICATED"}'])
    assert.equal(socket.closeCalls, 1)
    assert.equal(manager.connectionCount, 0)
  })

  for (const [how, send, close] of [
    ['throws', thrown, thrown],
    ['rejects', rejected, rejected],
  ] as const) {
    it(`does not throw if a socket that it refuses ${how}`, async () => {
      let sends = 0

      const connection = admit(managerWith(), { send: () => (sends++, send()), close }, undefined)
      await turn()

      assert.equal(connection, undefined)
      assert.equal(sends, 1)
    })

    it(`does not throw if a socket that it registered ${how}`, async () => {
      const manager = managerWith()
      let sends = 0

      admit(manager, { send: () => (sends++, send()), close }, 'alice')
      await turn()

      assert.equal(manager.connectionCount, 0)
      assert.equal(sends, 1)
    })
  }
})
