import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ConnectionManager, type Socket, type TradingStreams } from 'stream-connection-manager'
import { createCommandServer } from 'stream-connection-manager/protocol'
import { FakeSocket } from 'stream-connection-manager/testing'
import { admit, authenticate, type Desk } from '../../../examples/hosts/protocol.ts'

// What the recipes share, with sockets of which each does what it is told.

const ALICE = { userId: 'alice' }

function openDesk(options: ConstructorParameters<typeof ConnectionManager<Socket>>[0] = {}): Desk<Socket, TradingStreams> {
  const manager = new ConnectionManager<Socket>(options)
  return { manager, commands: createCommandServer(manager) }
}

describe('authenticate', () => {
  for (const [url, user] of [
    ['/?user=alice', ALICE],
    ['ws://desk.example/live?stream=A&user=alice', ALICE],
    ['//?user=alice', ALICE],
    ['/?user=', undefined],
    ['/', undefined],
    ['?', undefined],
    [undefined, undefined],
  ] as const) {
    it(`knows ${user === undefined ? 'nobody' : user.userId} by ${url}`, () => {
      assert.deepEqual(authenticate({ url }), user)
    })
  }
})

describe('admit', () => {
  const thrown = (): never => {
    throw new Error('closed')
  }
  const rejected = (): Promise<never> => Promise.reject(new Error('closed'))

  it('welcomes a user, and carries out what the client sends', () => {
    const desk = openDesk()
    const socket = new FakeSocket()

    const session = admit(desk, socket, ALICE, { connectionId: 'c1' })
    session?.receive('{"command":"subscribe","id":1,"stream_type":"PRICE","symbol":"A"}')

    assert.equal(session?.connection, desk.manager.getConnection('c1'))
    assert.deepEqual(socket.sent.map((text) => JSON.parse(text).type), ['welcome', 'subscribed'])
  })

  for (const [what, desk, user, code, closeCode] of [
    ['a client that nobody knows', openDesk(), undefined, 'ERR_UNAUTHENTICATED', 4401],
    ['a user with too many connections', openDesk({ quotas: { connectionsPerUser: 0 } }), ALICE, 'ERR_QUOTA_EXCEEDED', 4429],
    ['an invalid user', openDesk(), { userId: 'x'.repeat(300) }, 'ERR_INVALID_ID', 1013],
  ] as const) {
    it(`sends ${what} the reason, and closes the socket with ${closeCode}`, () => {
      const socket = new FakeSocket()

      assert.equal(admit(desk, socket, user), undefined)

      assert.deepEqual(socket.sent, [JSON.stringify({ type: 'refused', code })])
      assert.deepEqual(socket.closedWith, { code: closeCode, reason: code })
      assert.equal(desk.manager.connectionCount, 0)
    })
  }

  for (const [how, send, close] of [
    ['throws', thrown, thrown],
    ['rejects', rejected, rejected],
  ] as const) {
    it(`does not throw if a socket that it refuses ${how}`, async () => {
      let sends = 0

      const session = admit(openDesk(), { send: () => (sends++, send()), close }, undefined)
      await turn()

      assert.equal(session, undefined)
      assert.equal(sends, 1)
    })

    it(`does not throw if a socket that it registered ${how}`, async () => {
      const desk = openDesk()
      let sends = 0

      admit(desk, { send: () => (sends++, send()), close }, ALICE)
      await turn()

      assert.equal(desk.manager.connectionCount, 0)
      assert.equal(sends, 1)
    })
  }
})
