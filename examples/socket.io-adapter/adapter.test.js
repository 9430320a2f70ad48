import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { inspect } from 'node:util'
import { ConnectionManager } from 'stream-connection-manager'
import { ManagerAdapter } from './adapter.ts'
import { TestServer } from './testing/server.js'

/** @import { Client } from './testing/client.js' */

const options = { timeout: 60_000 }
const BYTES = Buffer.from([1, 2, 3])

/** @type {TestServer} */
let server
/** @type {Client} */
let alice
/** @type {Client} */
let bob
/** @type {Client} */
let carol

/** The names of the clients that got an event since the last time, in the order of their names. One that got it twice is named twice. */
async function whoGot(/** @type {string} */ event) {
  const names = []
  for (const client of [alice, bob, carol]) {
    for (const [name] of await client.takeReceived()) if (name === event) names.push(client.name)
  }
  return names
}

/** The adapter of a namespace. */
function adapterOf(namespace = '/') {
  return /** @type {ManagerAdapter} */ (server.io.of(namespace).adapter)
}

beforeEach(async () => {
  server = new TestServer({ adapter: ManagerAdapter, cleanupEmptyChildNamespaces: true })
  await server.start()
  alice = await server.connect('alice')
  bob = await server.connect('bob')
  carol = await server.connect('carol')
})

afterEach(async () => {
  mock.restoreAll()
  await server.stop()
})

describe('ManagerAdapter', options, () => {
  describe('everybody but the sender', () => {
    it('is one publish, and no loop over the sockets', async () => {
      const sender = alice.peer
      const { sockets } = server.io.of('/')
      const loops = [sockets, adapterOf().sids].flatMap((map) => [
        mock.method(map, 'forEach'),
        mock.method(map, 'keys'),
        mock.method(map, 'values'),
        mock.method(map, 'entries'),
        mock.method(map, Symbol.iterator),
      ])
      const connections = mock.method(ConnectionManager.prototype, 'connections')
      const connectionsOf = mock.method(ConnectionManager.prototype, 'connectionsOf')
      const publish = mock.method(ConnectionManager.prototype, 'publish')

      sender.broadcast.emit('news')

      assert.deepEqual(loops.map((loop) => loop.mock.callCount()), loops.map(() => 0))
      assert.equal(connections.mock.callCount(), 0)
      assert.deepEqual(connectionsOf.mock.calls.map(({ arguments: [type] }) => type), ['ROOM'], 'only the room of the sender itself is read')
      const [{ arguments: [message, { except }], result }, ...more] = /** @type {any[]} */ (publish.mock.calls)
      assert.deepEqual(more, [])
      assert.deepEqual(message, { streamType: 'NAMESPACE' })
      assert.deepEqual(except.map((/** @type {any} */ each) => each.socket.id), [sender.id])
      assert.equal(result.matched, 2)
      mock.restoreAll()
      assert.deepEqual(await whoGot('news'), ['bob', 'carol'])
    })

    it('in a room is one publish, which does not list the room', async () => {
      server.io.socketsJoin('room')
      const peer = alice.peer
      const connectionsOf = mock.method(ConnectionManager.prototype, 'connectionsOf')
      const publish = mock.method(ConnectionManager.prototype, 'publish')

      peer.to('room').emit('news')

      assert.equal(publish.mock.callCount(), 1)
      assert.equal(connectionsOf.mock.callCount(), 1)
      mock.restoreAll()
      assert.deepEqual(await whoGot('news'), ['bob', 'carol'])
    })
  })

  describe('rooms', () => {
    it('bring one copy to a client in several of them, by one publish a room', async () => {
      alice.peer.join(['one', 'two'])
      bob.peer.join(['two', 'three'])
      const publish = mock.method(ConnectionManager.prototype, 'publish')

      server.io.to(['one', 'two', 'three', 'nobody']).emit('news')

      assert.deepEqual(publish.mock.calls.map(({ result }) => result?.matched), [1, 1, 0])
      assert.deepEqual(await whoGot('news'), ['alice', 'bob'])
    })

    it('that are excepted are left out, whichever rooms their members are in', async () => {
      alice.peer.join(['one', 'two', 'quiet'])
      bob.peer.join('two')

      server.io.to(['one', 'two']).except(['quiet', 'nobody']).emit('some')
      server.io.except('quiet').emit('all')
      server.io.to('one').except('one').emit('none')
      carol.peer.to('two').except('quiet').emit('others')

      assert.deepEqual(names(await alice.takeReceived()), [])
      assert.deepEqual(names(await bob.takeReceived()), ['some', 'all', 'others'])
      assert.deepEqual(names(await carol.takeReceived()), ['all'])
    })

    const hostile = ['', ' ', 'x'.repeat(255), 'x'.repeat(256), 'y'.repeat(100_000), '\ud800', '\udfff', '__proto__', 'constructor', 'a:b', '%3A', '1', 1, null, NaN, {}]
    it('may have any name, and each name is a room of its own', async () => {
      for (const room of /** @type {string[]} */ (hostile)) {
        alice.peer.join(room)
        assert.deepEqual([...alice.peer.rooms], [alice.peer.id, room])
        for (const other of /** @type {string[]} */ (hostile)) server.io.to(other).emit('news', String(other).slice(0, 300), hostile.indexOf(other))
        assert.deepEqual((await alice.takeReceived()).map(([, , index]) => index), [hostile.indexOf(room)])
        alice.peer.leave(room)
      }
      assert.equal(adapterOf().rooms.size, 3)
    })

    it('may be many for one client', async () => {
      alice.peer.join(Array.from({ length: 2_000 }, (_, i) => `room ${i}`))

      server.io.to('room 1999').emit('news')

      assert.equal(alice.peer.rooms.size, 2_001)
      assert.deepEqual(names(await alice.takeReceived()), ['news'])
    })

    it('that all have left are gone, from the manager as well', async () => {
      alice.peer.join(['one', 'two'])
      const { manager } = adapterOf()

      server.io.disconnectSockets()

      assert.deepEqual([adapterOf().rooms.size, adapterOf().sids.size], [0, 0])
      assert.deepEqual([manager.connectionCount, manager.subscriptionCount, manager.streamCount, manager.activeStreams()], [0, 0, 0, []])
    })

    it('are seen as maps that nobody can change', () => {
      alice.peer.join('room')
      const { rooms, sids } = adapterOf()

      assert.deepEqual(rooms.get('room'), new Set([alice.peer.id]))
      assert.deepEqual(sids.get(alice.peer.id), new Set([alice.peer.id, 'room']))
      assert.equal(rooms.get('nobody'), undefined)
      assert.equal(inspect(rooms), inspect(new Map([...rooms])))
      assert.throws(() => rooms.set('room', new Set()), TypeError)
      assert.throws(() => rooms.delete('room'), TypeError)
      assert.throws(() => sids.clear(), TypeError)
    })

    it('outlive a listener that puts somebody in while the last one leaves', () => {
      const adapter = adapterOf()
      alice.peer.join('room')
      adapter.once('leave-room', () => bob.peer.join('room'))
      const deleted = mock.fn()
      adapter.on('delete-room', deleted)

      alice.peer.leave('room')

      assert.deepEqual(adapter.rooms.get('room'), new Set([bob.peer.id]))
      assert.equal(deleted.mock.callCount(), 0)
      bob.peer.leave('room')
      assert.deepEqual(deleted.mock.calls.map(({ arguments: [room] }) => room), ['room'])
    })
  })

  describe('a packet', () => {
    it('is encoded once, for several rooms as well', async () => {
      server.io.socketsJoin('room')
      alice.peer.join('other')
      const encode = mock.method(/** @type {any} */ (server.io).encoder, 'encode')

      server.io.to(['room', 'other']).emit('news', { bytes: [BYTES, 'text', BYTES] })

      assert.equal(encode.mock.callCount(), 1)
      for (const client of [alice, bob, carol]) {
        assert.deepEqual(await client.takeReceived(), [['news', { bytes: [BYTES, 'text', BYTES] }]])
      }
    })

    it('comes after what the socket emitted before, and before what it emits next', async () => {
      bob.peer.emit('1')
      server.io.emit('2', BYTES)
      bob.peer.emit('3')
      server.io.emit('4')

      assert.deepEqual(names(await bob.takeReceived()), ['1', '2', '3', '4'])
    })

    it('that is volatile is lost if the transport is not ready for it', async () => {
      await alice.settled()

      server.io.to(alice.peer.id).emit('1')
      server.io.to(alice.peer.id).volatile.emit('2')
      server.io.to(alice.peer.id).emit('3')

      assert.deepEqual(names(await alice.takeReceived()), ['1', '3'])
    })

    it('comes over HTTP long polling as well', async () => {
      const dora = await server.connect('dora', '/', ['polling'])

      alice.peer.broadcast.emit('news', BYTES, 'text')

      assert.deepEqual(await dora.takeReceived(), [['news', BYTES, 'text']])
    })

    it('reaches the others if writing to one socket throws, and that one is disconnected', async () => {
      const { peer } = alice
      mock.method(/** @type {any} */ (peer).client, 'writeToEngine', () => { throw new Error('broken') })
      adapterOf().manager.on('error', () => {})

      server.io.emit('news')

      assert.deepEqual(names(await bob.takeReceived()), ['news'])
      assert.deepEqual(names(await carol.takeReceived()), ['news'])
      assert.equal(peer.connected, false)
      assert.equal(adapterOf().sids.has(peer.id), false)
      assert.equal(adapterOf().manager.connectionCount, 2)
    })
  })

  describe('answers', () => {
    it('come from each client once', async () => {
      alice.peer.join(['one', 'two'])
      bob.peer.join('two')

      assert.deepEqual((await server.io.timeout(5_000).to(['one', 'two']).emitWithAck('ask')).sort(), ['alice', 'bob'])
      assert.deepEqual((await alice.peer.timeout(5_000).broadcast.emitWithAck('ask', BYTES)).sort(), ['bob', 'carol'])
      assert.deepEqual(await server.io.timeout(5_000).to('nobody').emitWithAck('ask'), [])
    })
  })

  describe('an emit from within another one', () => {
    it('goes out to all after it, and its answers are counted', async () => {
      /** @type {Promise<string[]> | undefined} */
      let answers
      alice.peer.conn.once('packetCreate', () => {
        server.io.emit('second')
        answers = server.io.timeout(5_000).emitWithAck('ask')
      })

      server.io.emit('first')

      for (const client of [alice, bob, carol]) assert.deepEqual(names(await client.takeReceived()), ['first', 'second', 'ask'])
      assert.deepEqual((await answers)?.sort(), ['alice', 'bob', 'carol'])
    })
  })

  describe('a listener for outgoing packets', () => {
    it('may emit: that comes after the packet', async () => {
      alice.peer.onAnyOutgoing((event) => event === 'first' && server.io.emit('second'))

      server.io.emit('first')

      assert.deepEqual(names(await alice.takeReceived()), ['first', 'second'])
      assert.deepEqual(names(await carol.takeReceived()), ['first', 'second'])
    })

    it('may throw: the emit throws when all clients have the packet', async () => {
      alice.peer.onAnyOutgoing(() => { throw new Error('refused') })

      assert.throws(() => server.io.emit('news'), { message: 'refused' })

      alice.peer.offAnyOutgoing()
      assert.deepEqual(await whoGot('news'), ['alice', 'bob', 'carol'])
    })
  })

  describe('a namespace', () => {
    it('has a manager of its own', async () => {
      server.io.of('/admin')
      const eve = await server.connect('eve', '/admin')
      alice.peer.join('room')
      eve.peer.join('room')

      server.io.to('room').emit('public')
      server.io.of('/admin').to('room').emit('secret')

      assert.deepEqual(names(await alice.takeReceived()), ['public'])
      assert.deepEqual(names(await eve.takeReceived()), ['secret'])
      assert.notEqual(adapterOf('/').manager, adapterOf('/admin').manager)
    })

    it('that is dynamic gets what its parent emits', async () => {
      const tenants = server.io.of(/^\/tenant-\d$/)
      const one = await server.connect('one', '/tenant-1')
      const two = await server.connect('two', '/tenant-2')

      tenants.emit('news')

      assert.deepEqual(names(await one.takeReceived()), ['news'])
      assert.deepEqual(names(await two.takeReceived()), ['news'])
    })
  })

  describe('a socket whose middleware runs', () => {
    it('may join rooms, and gets nothing before it is connected', async () => {
      server.io.use((socket, next) => {
        socket.join('room')
        server.io.to('room').emit('too soon')
        next()
      })
      const dora = await server.connect('dora')

      server.io.to('room').emit('news')

      assert.deepEqual(names(await dora.takeReceived()), ['news'])
    })

    it('leaves nothing behind if it is refused', async () => {
      server.io.use((socket, next) => {
        socket.join('room')
        next(new Error('no'))
      })

      await assert.rejects(server.connect('dora'), { message: 'no' })

      assert.equal(adapterOf().rooms.has('room'), false)
      assert.equal(adapterOf().manager.connectionCount, 3)
    })
  })
})

/** @param {readonly unknown[][]} events */
function names(events) {
  return events.map(([name]) => name)
}
