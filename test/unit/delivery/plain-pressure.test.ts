import { describe, expect, it } from 'vitest'
import type { Ticks } from '../../../src/delivery/end-of-tick.ts'
import { PlainPressure } from '../../../src/delivery/plain-pressure.ts'
import { FakeSocket } from '../../support/fake-socket.ts'

const LIMIT = 1_000

/** A text that takes more than the limit, so the turn in which it is delivered counts for itself. */
const LARGE = 'x'.repeat(1_024)
const LARGE_BYTES = 1_024 * 3 + 1_024 / 64 + 64

const SMALL = 'x'.repeat(12)
const SMALL_BYTES = 12 * 3 + 64

/** Turns that end when the test says so. As in `EndOfTick`, only those whose end is awaited have a number of their own. */
class ManualTicks implements Ticks {
  tick = 1
  isAwaited = false

  await(): void {
    this.isAwaited = true
  }

  end(): void {
    if (this.isAwaited) this.tick++
    this.isAwaited = false
  }
}

function connectionWith(bufferedAmount: number) {
  return { socket: Object.assign(new FakeSocket(), { bufferedAmount }) }
}

function pressure() {
  const ticks = new ManualTicks()
  const plain = new PlainPressure<ReturnType<typeof connectionWith>>(LIMIT, ticks)
  const connection = connectionWith(0)
  /** Whether the connection, or another one, has room with this many bytes buffered. */
  const hasRoom = (buffered: number, of = connection): boolean => {
    of.socket.bufferedAmount = buffered
    return plain.hasRoom(of, buffered)
  }
  return { ticks, plain, connection, hasRoom }
}

describe('PlainPressure', () => {
  describe('room', () => {
    it('ends one byte above the limit if nothing was delivered', () => {
      const { hasRoom } = pressure()

      expect([hasRoom(LIMIT, connectionWith(0)), hasRoom(LIMIT + 1, connectionWith(0))]).toEqual([true, false])
    })

    it('ends one byte above the limit and the bytes of this turn, of all its texts together', () => {
      const { plain, hasRoom } = pressure()

      for (const text of [LARGE, LARGE]) plain.count(text)

      expect(hasRoom(LIMIT + 2 * LARGE_BYTES + 1)).toBe(false)
      expect(hasRoom(LIMIT + 2 * LARGE_BYTES)).toBe(true)
    })

    it('ends one byte above the limit and the bytes of this turn and of the turn before', () => {
      const { ticks, plain, hasRoom } = pressure()

      plain.count(LARGE)
      ticks.end()
      for (const text of [LARGE, LARGE]) plain.count(text)

      expect(hasRoom(LIMIT + 3 * LARGE_BYTES + 1)).toBe(false)
      expect(hasRoom(LIMIT + 3 * LARGE_BYTES)).toBe(true)
    })

    it('takes no bytes into account that are older than the turn before', () => {
      const { ticks, plain, hasRoom } = pressure()

      plain.count(LARGE)
      ticks.end()
      plain.count(LARGE)
      ticks.end()
      plain.count(SMALL)
      ticks.await()
      ticks.end()
      plain.count(LARGE)

      expect(hasRoom(LIMIT + LARGE_BYTES + SMALL_BYTES + 1)).toBe(false)
      expect(hasRoom(LIMIT + LARGE_BYTES + SMALL_BYTES)).toBe(true)
    })

    it('counts the bytes of the turn before also while nothing is delivered in this one', () => {
      const { ticks, plain, hasRoom } = pressure()

      plain.count(LARGE)
      ticks.end()

      expect(hasRoom(LIMIT + LARGE_BYTES + 1)).toBe(false)
      expect(hasRoom(LIMIT + LARGE_BYTES)).toBe(true)
    })

    it('lasts until the turn ends, whatever is buffered by then', () => {
      const { ticks, plain, hasRoom } = pressure()

      plain.count(LARGE)

      expect([hasRoom(LIMIT + 1), hasRoom(1_000_000)]).toEqual([true, true])
      expect(ticks.isAwaited).toBe(true)
    })

    it("is each socket's own", () => {
      const { plain, hasRoom } = pressure()

      plain.count(LARGE)
      hasRoom(LIMIT + 1)

      expect(hasRoom(1_000_000, connectionWith(0))).toBe(false)
    })
  })

  describe('in the turn after', () => {
    it('goes on in doubt for a socket that had room without doubt, at the exact limit as well', () => {
      const { ticks, plain, hasRoom } = pressure()
      plain.count(LARGE)

      hasRoom(LIMIT + LARGE_BYTES)
      ticks.end()
      const next = hasRoom(1_000_000)
      ticks.end()

      expect([next, hasRoom(1_000_000)]).toEqual([true, false])
    })

    it('ends for a socket whose room was in doubt, even if the bytes of the turn before can explain what is buffered', () => {
      const { ticks, plain, hasRoom } = pressure()
      plain.count(LARGE)
      ticks.end()

      const inDoubt = hasRoom(LIMIT + LARGE_BYTES)
      plain.count(LARGE)
      ticks.end()

      expect([inDoubt, hasRoom(LIMIT + LARGE_BYTES)]).toEqual([true, false])
    })

    it('counts for nothing once a turn lies between', () => {
      const { ticks, plain, hasRoom } = pressure()
      plain.count(LARGE)

      hasRoom(LIMIT + 1)
      for (let turn = 0; turn < 2; turn++) {
        ticks.end()
        ticks.await()
      }

      expect(hasRoom(LIMIT + 1)).toBe(false)
    })
  })

  describe('small turns', () => {
    it('are not awaited, and add up to the exact limit', () => {
      const { ticks, plain } = pressure()

      for (let i = 0; i < LIMIT / SMALL_BYTES; i++) plain.count(SMALL)
      const atLimit = ticks.isAwaited
      plain.count('')

      expect([atLimit, ticks.isAwaited]).toEqual([false, true])
    })

    it('can explain what is buffered, together with the bytes of this turn', () => {
      const { plain, hasRoom } = pressure()

      for (const text of [SMALL, SMALL]) plain.count(text)

      expect(hasRoom(LIMIT + 2 * SMALL_BYTES + 1)).toBe(false)
      expect(hasRoom(LIMIT + 2 * SMALL_BYTES)).toBe(true)
    })

    it('count as a part of the first turn that is not small, and only there', () => {
      const { ticks, plain, hasRoom } = pressure()

      plain.count(SMALL)
      plain.count(LARGE)
      expect(hasRoom(LIMIT + SMALL_BYTES + LARGE_BYTES + 1)).toBe(false)
      ticks.end()
      plain.count(LARGE)

      expect(hasRoom(LIMIT + SMALL_BYTES + 2 * LARGE_BYTES + 1)).toBe(false)
      expect(hasRoom(LIMIT + SMALL_BYTES + 2 * LARGE_BYTES)).toBe(true)
    })

    it('are none while the end of the turn is awaited', () => {
      const { ticks, plain, hasRoom } = pressure()

      ticks.await()
      plain.count(SMALL)
      ticks.end()
      ticks.await()
      ticks.end()

      // Its bytes are older than the turn before.
      expect(hasRoom(LIMIT + 1)).toBe(false)
    })
  })

  describe('the estimate of a text', () => {
    it.each([
      ['no', 0, 64],
      ['63', 63, 63 * 3 + 64],
      ['64', 64, 64 * 3 + 1 + 64],
      ['6 400', 6_400, 6_400 * 3 + 100 + 64],
    ])('of %s units is three bytes for each, one for every 64, and 64', (_units, units, bytes) => {
      const { plain, hasRoom } = pressure()

      plain.count('x'.repeat(units))

      expect(hasRoom(LIMIT + bytes + 1)).toBe(false)
      expect(hasRoom(LIMIT + bytes)).toBe(true)
    })
  })

  describe('release', () => {
    it('forgets that a socket had room', () => {
      const { ticks, plain, connection, hasRoom } = pressure()
      plain.count(LARGE)
      hasRoom(LIMIT + LARGE_BYTES)

      plain.release(connection)

      expect(hasRoom(1_000_000)).toBe(false)
      ticks.end()
      expect(hasRoom(1_000_000)).toBe(false)
    })
  })

  describe('review', () => {
    it('forgets that a socket had room in this turn, if it buffers no more than the limit now', () => {
      const { ticks, plain, hasRoom } = pressure()
      const [atLimit, above] = [connectionWith(0), connectionWith(0)]
      plain.count(LARGE)
      for (const each of [atLimit, above]) hasRoom(LIMIT + LARGE_BYTES, each)

      atLimit.socket.bufferedAmount = LIMIT
      above.socket.bufferedAmount = LIMIT + 1
      plain.review()
      ticks.end()

      expect([hasRoom(1_000_000, atLimit), hasRoom(1_000_000, above)]).toEqual([false, true])
    })
  })
})
