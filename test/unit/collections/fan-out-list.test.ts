import { describe, expect, it } from 'vitest'
import { Seats } from '../../../src/collections/fan-out-list.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { seatIn } from '../../support/seat.ts'

interface Connection {
  readonly name: number
  readonly sink: FakeSocket
}

function seated(count: number) {
  const seats = new Seats<Connection>()
  const taken = Array.from({ length: count }, (_, name) => seatIn(seats, { name, sink: new FakeSocket() }))
  return { seats, taken, names: () => Array.from(seats.connections(), ({ name }) => name) }
}

describe('Seats', () => {
  it('keep the order in which seats were taken, whoever leaves', () => {
    const { seats, taken, names } = seated(100)

    for (const [i, seat] of taken.entries()) if (i % 3 !== 0) seats.vacate(seat)
    seatIn(seats, { name: 100, sink: new FakeSocket() })

    expect(names()).toEqual([...Array.from({ length: 34 }, (_, i) => i * 3), 100])
    expect(seats.size).toBe(35)
  })

  it('have each outlet in the slot of its seat, after any compaction', () => {
    const { seats, taken } = seated(100)

    for (const [i, seat] of taken.entries()) if (i % 10 !== 0) seats.vacate(seat)

    expect(seats.occupants.length).toBeLessThan(25)
    for (const seat of taken.filter((each) => seats.holds(each))) {
      expect(seats.occupants[seat.slot]).toBe(seat)
      expect(seats.sinks[seat.slot]).toBe(seat.connection.sink)
    }
  })

  it.each([
    ['the oldest first', (count: number) => Array.from({ length: count }, (_, i) => i)],
    ['the newest first', (count: number) => Array.from({ length: count }, (_, i) => count - 1 - i)],
    ['in no order', (count: number) => Array.from({ length: count }, (_, i) => (i * 7_919) % count)],
  ])('move fewer seats than there were when all leave, %s', (_case, order) => {
    const count = 100_000
    const { seats, taken } = seated(count)
    let moved = 0

    for (const i of order(count)) {
      const before = seats.occupants
      const seat = taken[i]
      if (seat !== undefined) seats.vacate(seat)
      if (seats.occupants !== before) moved += seats.occupants.length
    }

    expect(seats.size).toBe(0)
    expect(seats.occupants).toEqual([])
    expect(moved).toBeLessThan(count)
  })

  it('stay where they are while pinned, and are compacted afterwards', () => {
    const { seats, taken } = seated(10)
    const { sinks, occupants } = seats

    seats.pin()
    for (const seat of taken.slice(1)) seats.vacate(seat)
    const newcomer = seatIn(seats, { name: 10, sink: new FakeSocket() })

    expect(seats.sinks).toBe(sinks)
    expect(sinks.map((sink) => sink !== undefined)).toEqual([true, ...Array<boolean>(9).fill(false), true])
    expect(newcomer.slot).toBe(10)
    expect(occupants[3]).toBe(taken[3])
    seats.unpin()

    expect(seats.occupants).toEqual([taken[0], newcomer])
    expect(newcomer.slot).toBe(1)
  })

  it('forget who left while they were pinned, though there is nothing to compact', () => {
    const { seats, taken, names } = seated(10)

    seats.pin()
    if (taken[3] !== undefined) seats.vacate(taken[3])
    expect(names()).not.toContain(3)
    seats.unpin()

    expect(seats.occupants).toStrictEqual([...taken.slice(0, 3), undefined, ...taken.slice(4)])
  })

  it('forget nobody who did not leave, when nobody left while they were pinned', () => {
    const { seats, taken } = seated(2)

    seats.pin()
    seats.unpin()

    expect(seats.occupants).toStrictEqual(taken)
  })

  it('close holes once they outnumber the seats, and not before', () => {
    const { seats, taken } = seated(4)

    for (const seat of taken.slice(2)) seats.vacate(seat)
    expect(seats.occupants).toHaveLength(4)
    seats.vacate(taken[1]!)

    expect(seats.occupants).toEqual([taken[0]])
  })

  it('have no outlet before anybody sits', () => {
    expect(new Seats<Connection>().sinks).toEqual([])
  })

  it('take no more room than one needs where one sits alone', async () => {
    const connection = { name: 0, sink: new FakeSocket() }
    await collectGarbage()
    const before = process.memoryUsage().heapUsed

    const kept = Array.from({ length: 20_000 }, () => {
      const seats = new Seats<Connection>()
      seatIn(seats, connection)
      return seats
    })
    await collectGarbage()

    const bytesEach = (process.memoryUsage().heapUsed - before) / kept.length
    // Sixteen places more than one, in both arrays, would be 256.
    expect(bytesEach).toBeLessThan(400)
  })

  it('count the messages that went out to them, and know when the last one did', () => {
    const { seats } = seated(1)

    seats.served(5)
    seats.served(7)

    expect(seats).toMatchObject({ servings: 2, servedAtMs: 7 })
  })

  it('can be given another outlet, a covered one when it is uncovered, a vacated one not at all', () => {
    const seats = new Seats<{ sink: FakeSocket }>()
    const taken = Array.from({ length: 3 }, () => seatIn(seats, { sink: new FakeSocket() }))
    const [seat, covered, vacated] = taken as [(typeof taken)[0], (typeof taken)[0], (typeof taken)[0]]
    const old = covered.connection.sink
    seats.pin()
    seats.cover(covered)
    seats.vacate(vacated)

    for (const { connection } of taken) connection.sink = new FakeSocket()
    for (const each of taken) seats.renew(each)

    expect(seats.sinks).toStrictEqual([seat.connection.sink, undefined, undefined])
    expect(Object.keys(seats.sinks)).toEqual(['0', '1', '2'])
    seats.uncover(covered)
    expect(seats.sinks[1]).toBe(covered.connection.sink)
    expect(seats.sinks[1]).not.toBe(old)
  })

  it.each<[string, (crowd: ReturnType<typeof seated>) => void]>([
    ['left', ({ seats, taken }) => seats.vacate(taken[1] as (typeof taken)[0])],
    ['was covered', ({ seats, taken }) => seats.cover(taken[1] as (typeof taken)[0])],
    ['was given another outlet', ({ seats, taken }) => seats.renew(taken[1] as (typeof taken)[0])],
  ])('know that somebody %s since they were pinned', (_what, disturb) => {
    const crowd = seated(3)

    crowd.seats.pin()
    seatIn(crowd.seats, { name: 3, sink: new FakeSocket() })
    expect(crowd.seats.isDisturbed).toBe(false)
    disturb(crowd)
    expect(crowd.seats.isDisturbed).toBe(true)
    crowd.seats.unpin()
    crowd.seats.pin()

    expect(crowd.seats.isDisturbed).toBe(false)
  })

  it('can be covered, and uncovered unless they were vacated meanwhile', () => {
    const { seats, taken } = seated(3)
    const [first, second] = taken as [(typeof taken)[0], (typeof taken)[0]]
    seats.pin()

    seats.cover(first)
    seats.cover(second)
    expect(seats.sinks.slice(0, 2)).toEqual([undefined, undefined])
    seats.vacate(second)
    seats.cover(second)
    seats.uncover(first)
    seats.uncover(second)

    expect(seats.sinks.slice(0, 2)).toEqual([first.connection.sink, undefined])
    expect(Object.keys(seats.sinks)).toEqual(['0', '1', '2'])
    expect(seats.holds(second)).toBe(false)
  })
})
