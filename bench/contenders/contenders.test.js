import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bareLoop, meteredLoop, stringifyingLoop } from './bare-loop.js'
import { Churner, inTurns } from './churner.js'
import { ManagerHub, UserManagerHub } from './manager.js'
import { PEERS } from './peers.js'
import { population } from './population.js'
import { counted, socketClasses } from './sockets.js'

const HUBS = { 'this library': () => new ManagerHub(), 'this library, by user': () => new UserManagerHub(), ...PEERS }

function received(newcomers) {
  return newcomers.map(({ socket }) => socket.received)
}

for (const [name, makeHub] of Object.entries(HUBS)) {
  describe(`the contender ${name}`, () => {
    it('brings a text to each subscriber once, and to nobody else', () => {
      const hub = makeHub()
      const newcomers = population({ connections: 4 })
      const members = newcomers.map((newcomer) => hub.join(newcomer))
      for (const member of members.slice(0, 2)) hub.subscribe(member, ['A'])
      hub.subscribe(members[2], ['B'])

      hub.publish('A', 'text')
      hub.publish('A', 'text')
      hub.publish('C', 'text')

      assert.deepEqual(received(newcomers), [2, 2, 0, 0])
    })

    it('brings it to all connections of a user that subscribed', () => {
      const hub = makeHub()
      const newcomers = population({ connections: 6, connectionsPerUser: 3 })
      for (const member of newcomers.map((newcomer) => hub.join(newcomer))) hub.subscribe(member, ['A'])

      hub.publish('A', 'text')

      assert.deepEqual(received(newcomers), [1, 1, 1, 1, 1, 1])
    })

    it('brings nothing more to one that has left, and again to one that came again', () => {
      const hub = makeHub()
      const newcomers = population({ connections: 2 })
      const [first, second] = newcomers.map((newcomer) => hub.join(newcomer))
      for (const member of [first, second]) hub.subscribe(member, ['A', 'B'])

      hub.leave(first)
      hub.publish('A', 'text')
      hub.subscribe(hub.join(newcomers[0]), ['A'])
      hub.publish('A', 'text')
      hub.publish('B', 'text')

      assert.deepEqual(received(newcomers), [1, 3])
    })

    it('brings it to exactly the subscribers while they come and go', async () => {
      const newcomers = population({ connections: 10 })
      const churner = new Churner(makeHub(), newcomers, (n) => ['A', `own ${n}`])

      await inTurns(25, () => churner.churn())

      churner.verify(name, 'A')
      churner.verify(name, 'own 3')
    })
  })
}

describe('the bare loops', () => {
  it('bring a text to each socket once each time', () => {
    const sockets = population({ connections: 3, isMetered: true }).map(({ socket }) => socket)

    bareLoop(sockets, 'text')(2)
    meteredLoop(sockets, 'text')(3)
    stringifyingLoop(sockets, () => 'text')(1)

    assert.deepEqual(sockets.map(({ received }) => received), [6, 6, 6])
  })
})

describe('a population', () => {
  it('has users with several connections', () => {
    const users = population({ connections: 7, connectionsPerUser: 3 }).map(({ userId }) => userId)

    assert.deepEqual(users, ['u0', 'u0', 'u0', 'u1', 'u1', 'u1', 'u2'])
  })

  it('has the same members in another order when it is shuffled', () => {
    const ids = population({ connections: 100 }).map(({ id }) => id)
    const shuffled = population({ connections: 100, isShuffled: true }).map(({ id }) => id)

    assert.notDeepEqual(shuffled, ids)
    assert.deepEqual(shuffled.toSorted(), ids.toSorted())
  })

  for (const isMetered of [false, true]) {
    it(`has sockets of several classes, ${isMetered ? 'with' : 'without'} a bufferedAmount`, () => {
      const sockets = population({ connections: 16, classes: 8, isMetered }).map(({ socket }) => socket)

      assert.equal(new Set(sockets.map((socket) => socket.constructor)).size, 8)
      for (const socket of sockets) assert.equal('bufferedAmount' in socket, isMetered)
      for (const socket of sockets) socket.send('text')
      for (const socket of sockets) assert.equal(socket.received, 1)
    })
  }
})

describe('counting', () => {
  const [Socket] = socketClasses(1)

  it('accepts what brought each socket as many messages as it should', () => {
    const sockets = [new Socket(), new Socket()]

    assert.equal(counted('a loop', sockets, 1, () => { for (const socket of sockets) socket.send('text'); return 'done' }), 'done')
  })

  for (const [what, act] of [
    ['left one out', ([first]) => first.send('text')],
    ['served one twice', ([first, second]) => { for (const socket of [first, first, second]) socket.send('text') }],
  ]) {
    it(`refuses what ${what}`, () => {
      const sockets = [new Socket(), new Socket()]

      assert.throws(() => counted('a loop', sockets, 1, () => act(sockets)), /a loop: a socket got \d messages instead of 1/)
    })
  }

  it('notices a hub that serves somebody who has not subscribed', () => {
    const newcomers = population({ connections: 2 })
    const shout = () => { for (const { socket } of newcomers) socket.send('text') }
    const shouting = { join: ({ socket }) => socket, subscribe() {}, leave() {}, publish: shout }
    const churner = new Churner(shouting, newcomers, (n) => (n === 0 ? ['A'] : ['B']))

    assert.throws(() => churner.verify('shouting', 'A'), /2 got the message instead of 1/)
  })
})
