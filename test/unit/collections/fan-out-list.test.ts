import { describe, expect, it } from 'vitest'
import { SendQueue } from '../../../src/ports/sink.ts'
import { FanOutList } from '../../../src/collections/fan-out-list.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { fanOutList, listed, type Listed } from '../../support/fan-out-list.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { seededRandom } from '../../support/seeded-random.ts'

function crowd(count: number) {
  const { list, connections, add } = fanOutList(count)
  const [first, second, third] = connections as [Listed, Listed, Listed]
  const names = () => list.connections.filter((each, slot) => each !== undefined && list.has(slot)).map((each) => each?.name)
  return { list, connections, add, names, first, second, third }
}

describe('FanOutList', () => {
  it('keeps the order of connections when it is compacted', () => {
    const { list, connections, names } = crowd(100)

    for (const [i, connection] of connections.entries()) if (i % 3 !== 0) list.remove(connection.slot)

    expect(names()).toEqual(Array.from({ length: 34 }, (_, i) => i * 3))
    expect(list.size).toBe(34)
  })

  it('gives a new connection the newest hole, and becomes longer only if it has no hole', () => {
    const { list, add } = crowd(5)
    list.remove(1)
    list.remove(3)

    const newcomers = [5, 6, 7].map((name) => add(listed(name)))

    expect(newcomers.map(({ slot }) => slot)).toEqual([3, 1, 5])
    expect(list.connections.map((each) => each?.name)).toEqual([0, 6, 2, 5, 4, 7])
    expect([list.sockets[3], list.sockets[1]]).toEqual([newcomers[0]?.sink, newcomers[1]?.sink])
    expect(list.size).toBe(6)
  })

  it('adds new connections after all others while it is pinned, and fills its holes afterwards', () => {
    const { list, add } = crowd(5)
    list.remove(1)

    list.pin()
    list.remove(3)
    const [sixth, seventh] = [add(listed(5)), add(listed(6))]
    expect([sixth.slot, seventh.slot]).toEqual([5, 6])
    list.unpin()

    expect([7, 8, 9].map((name) => add(listed(name)).slot)).toEqual([3, 1, 7])
  })

  it('has no hole after it was compacted', () => {
    const { list, add } = crowd(5)
    for (const slot of [0, 1, 2]) list.remove(slot)

    expect(add(listed(5)).slot).toBe(2)
    list.pin()
    for (const slot of [0, 1]) list.remove(slot)
    list.unpin()

    expect(add(listed(6)).slot).toBe(1)
  })

  it('keeps each connection and its sink in one slot, however connections come and go', () => {
    const random = seededRandom(1)
    const { list, connections: present, add } = crowd(0)
    let behind = Infinity
    for (let name = 0; name < 5_000; name++) {
      const action = random()
      if (action < 0.02) {
        behind = list.connections.length
        list.pin()
      } else if (action < 0.05) {
        behind = Infinity
        list.unpin()
      } else if (action < 0.52 - present.length / 1_000) {
        const newcomer = add(listed(name))
        present.push(newcomer)
        if (behind < Infinity) expect(newcomer.slot).toBeGreaterThanOrEqual(behind)
      } else if (present.length > 0) {
        const [gone] = present.splice(Math.floor(random() * present.length), 1)
        list.remove((gone as Listed).slot)
      }

      expect(list.size).toBe(present.length)
      expect(present.every(({ slot, sink }, i) => list.connections[slot] === present[i] && list.sockets[slot] === sink)).toBe(true)
      expect(list.sockets.filter((each) => each !== undefined)).toHaveLength(present.length)
      if (behind === Infinity) expect(list.connections.length).toBeLessThanOrEqual(2 * list.size)
    }
  })

  it('keeps each sink in the slot of its connection after a compaction', () => {
    const { list, connections } = crowd(100)

    for (const [i, connection] of connections.entries()) if (i % 10 !== 0) list.remove(connection.slot)

    expect(list.connections.length).toBeLessThan(25)
    for (const connection of connections.filter((_, i) => i % 10 === 0)) {
      expect(list.connections[connection.slot]).toBe(connection)
      expect(list.sockets[connection.slot]).toBe(connection.sink)
    }
  })

  it.each([
    ['the oldest first', (count: number) => Array.from({ length: count }, (_, i) => i)],
    ['the newest first', (count: number) => Array.from({ length: count }, (_, i) => count - 1 - i)],
    ['in no order', (count: number) => Array.from({ length: count }, (_, i) => (i * 7_919) % count)],
  ])('moves fewer connections in total than there were when all are removed, %s', (_case, order) => {
    const count = 100_000
    let moved = 0
    const connections = Array.from({ length: count }, () => ({ slot: -1 }))
    const sink = new FakeSocket()
    const list = new FanOutList<{ slot: number }>({
      sinkOf: () => sink,
      moved(connection, slot) {
        connection.slot = slot
        moved++
      },
    })
    for (const connection of connections) connection.slot = list.add(connection)

    for (const i of order(count)) list.remove(connections[i]?.slot ?? -1)

    expect(list.size).toBe(0)
    expect(list.connections).toEqual([])
    expect(moved).toBeLessThan(count)
  })

  it('keeps all slots while it is pinned, and compacts afterwards', () => {
    const { list, connections, add, first } = crowd(10)
    const { sockets } = list

    list.pin()
    for (const { slot } of connections.slice(1)) list.remove(slot)
    const newcomer = add(listed(10))

    expect(list.sockets).toBe(sockets)
    expect(sockets.map((socket) => socket !== undefined)).toEqual([true, ...Array<boolean>(9).fill(false), true])
    expect(newcomer.slot).toBe(10)
    expect(list.connections[3]).toBe(connections[3])
    expect([list.has(0), list.has(3), list.has(10)]).toEqual([true, false, true])
    list.unpin()

    expect(list.connections).toEqual([first, newcomer])
    expect(newcomer.slot).toBe(1)
  })

  it('keeps all slots while it is pinned, even if it had holes before', () => {
    const { list, connections } = crowd(6)
    list.remove(0)
    list.remove(1)

    list.pin()
    list.remove(2)
    list.remove(3)
    expect(list.connections).toEqual([undefined, undefined, ...connections.slice(2)])
    list.unpin()

    expect(list.connections).toEqual(connections.slice(4))
  })

  it('does not keep a connection that was removed while it was pinned, even if there is nothing to compact', () => {
    const { list, connections, names } = crowd(10)

    list.pin()
    list.remove(3)
    expect(names()).not.toContain(3)
    list.unpin()

    expect(list.connections).toStrictEqual([...connections.slice(0, 3), undefined, ...connections.slice(4)])
  })

  it('keeps every connection that was not removed while it was pinned', () => {
    const { list, connections } = crowd(2)

    list.pin()
    list.unpin()

    expect(list.connections).toStrictEqual(connections)
  })

  it('compacts only once there are more holes than connections', () => {
    const { list, first, second } = crowd(4)

    list.remove(2)
    list.remove(3)
    expect(list.connections).toHaveLength(4)
    list.remove(second.slot)

    expect(list.connections).toEqual([first])
  })

  it('moves only the connections behind a hole', () => {
    const moved: number[] = []
    const sink = new FakeSocket()
    const list = new FanOutList<{ name: number }>({ sinkOf: () => sink, moved: ({ name }) => moved.push(name) })
    for (const name of [0, 1, 2, 3, 4]) list.add({ name })

    for (const slot of [1, 2, 4]) list.remove(slot)

    expect(list.connections).toEqual([{ name: 0 }, { name: 3 }])
    expect(moved).toEqual([3])
  })

  it('has no sink before a connection is added', () => {
    expect(crowd(0).list.sockets).toEqual([])
  })

  it('takes up only the room of one connection while it has one', async () => {
    const connection = listed(0)
    await collectGarbage()
    const before = process.memoryUsage().heapUsed

    const kept = Array.from({ length: 20_000 }, () => {
      const list = new FanOutList<Listed>({ sinkOf: ({ sink }) => sink, moved() {} })
      list.add(connection)
      return list
    })
    await collectGarbage()

    const bytesEach = (process.memoryUsage().heapUsed - before) / kept.length
    // Sixteen extra places in both arrays would take 256 bytes. The two functions of the test take 128.
    expect(bytesEach).toBeLessThan(500)
  })

  it('applies a refreshed sink to a masked slot when it is unmasked, and ignores it for a removed slot', () => {
    const { list, connections, first, second, third } = crowd(3)
    const old = second.sink
    list.pin()
    list.mask(second.slot)
    list.remove(third.slot)

    for (const connection of connections) connection.sink = new FakeSocket()
    for (const { slot } of connections) list.refreshSink(slot)

    expect(list.sockets).toStrictEqual([first.sink, undefined, undefined])
    list.unmask(second.slot)
    expect(list.sockets[1]).toBe(second.sink)
    expect(list.sockets[1]).not.toBe(old)
  })

  it.each<[string, (list: FanOutList<Listed>) => void]>([
    ['was removed', (list) => list.remove(1)],
    ['was masked', (list) => list.mask(1)],
    ['got another sink', (list) => list.refreshSink(1)],
  ])('knows that a connection %s since it was pinned', (_what, disturb) => {
    const { list, add } = crowd(3)

    list.pin()
    add(listed(3))
    expect(list.isDisturbed).toBe(false)
    disturb(list)
    expect(list.isDisturbed).toBe(true)
    list.unpin()
    list.pin()

    expect(list.isDisturbed).toBe(false)
  })

  it('is not disturbed before it is first pinned', () => {
    expect(crowd(3).list.isDisturbed).toBe(false)
  })

  it('unmasks a slot unless the connection was removed in the meantime', () => {
    const { list, first, second } = crowd(3)
    list.pin()

    list.mask(0)
    list.mask(1)
    expect(list.sockets.slice(0, 2)).toEqual([undefined, undefined])
    list.remove(second.slot)
    list.mask(1)
    list.unmask(0)
    list.unmask(1)

    expect(list.sockets.slice(0, 2)).toEqual([first.sink, undefined])
    expect(Object.keys(list.sockets)).toEqual(['0', '1', '2'])
    expect(list.has(1)).toBe(false)
  })

  it('has no connection in a slot that does not exist', () => {
    const { list } = crowd(1)

    expect([list.has(-1), list.has(1)]).toEqual([false, false])
  })

  describe('with send queues', () => {
    const queueFor = (connection: Listed): FakeQueue => {
      const queue = new FakeQueue()
      Object.assign(connection, { sink: queue })
      return queue
    }

    it('keeps each sink in the list of its kind, in the slot of its connection', () => {
      const { list, first, second } = crowd(2)
      const queue = queueFor(second)
      const third = listed(2)
      const another = queueFor(third)

      list.refreshSink(1)
      list.add(third)

      expect(list.sockets).toEqual([first.sink, undefined, undefined])
      // An array with gaps would be a slow one.
      expect(list.queues).toStrictEqual([undefined, queue, another])
    })

    it('puts the socket back into the slot when the queue is removed', () => {
      const { list, first } = crowd(1)
      queueFor(first)
      list.refreshSink(0)

      Object.assign(first, { sink: first.socket })
      list.refreshSink(0)

      expect([list.sockets, list.queues]).toEqual([[first.socket], [undefined]])
    })

    it('masks, unmasks and moves queues as it does sockets', () => {
      const { list, connections } = fanOutList(5)
      const queues = connections.map(queueFor)
      for (const { slot } of connections) list.refreshSink(slot)

      list.mask(4)
      expect(list.queues[4]).toBeUndefined()
      list.unmask(4)
      for (const slot of [0, 1, 2]) list.remove(slot)

      expect(list.queues).toEqual([queues[3], queues[4]])
      expect(list.sockets).toEqual([undefined, undefined])
    })

    it('has no list of queues until the first queue is added, even if it was compacted', () => {
      const lists = [fanOutList(2).list, fanOutList(5).list]

      for (const slot of [0, 1, 2]) lists[1]?.remove(slot)

      expect(lists.map(({ queues }) => queues)).toEqual([[], []])
      expect(lists[0]?.queues).toBe(lists[1]?.queues)
    })
  })
})

class FakeQueue extends SendQueue {
  readonly waitingUnits = 0
  readonly behindForMs = 0

  accept(): 'sent' {
    return 'sent'
  }

  flush(): boolean {
    return true
  }

  drained(): void {}
  purge(): void {}
  purgeWhere(): void {}
  hasSome(): boolean {
    return false
  }

  waitingStreams(): never[] {
    return []
  }

  end(): void {}
}
