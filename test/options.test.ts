import { describe, expect, it } from 'vitest'
import { ConnectionManager, type ConnectionManagerOptions } from '../src/index.ts'
import { expectCode } from './support/errors.ts'
import { ManualClock } from './support/manual-clock.ts'

describe('ConnectionManagerOptions', () => {
  it.each([
    ['closeTimeoutMs', -1],
    ['closeTimeoutMs', NaN],
    ['closeTimeoutMs', '5000'],
    ['pendingTtlMs', -1],
    ['pendingTtlMs', null],
    ['maxDeferred', NaN],
    ['maxDeferred', 10n],
    ['serialize', 'JSON'],
    ['serialize', null],
    ['clock', null],
    ['clock', {}],
    ['clock', { now: Date.now, monotonic: Date.now }],
    ['streams', null],
    ['streams', 'PRICE'],
    ['streams', { 'A:B': { audience: 'public' } }],
    ['streams', { A: { audience: 'everybody' } }],
    ['authorize', () => true],
    ['pendingTTL', 1],
    ['__proto__x', 1],
  ])('refuses %s: %o, naming the option', (option, value) => {
    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ [option]: value } as ConnectionManagerOptions))

    expect(error).toMatchObject({ option })
    expect(error.message).toContain(option)
  })

  it('refuses a clock that cannot be read, with the reason', () => {
    const reason = new Error('hostile')

    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ clock: { get now() { throw reason } } as never }))

    expect(error).toMatchObject({ option: 'clock', cause: reason })
  })

  it.each([null, 7, 'options'])('refuses %j as options', (options) => {
    expectCode('ERR_INVALID_OPTION', () => new ConnectionManager(options as never))
  })

  it('takes 0, Infinity, and undefined for absence', () => {
    for (const value of [0, Infinity, undefined]) {
      const manager = new ConnectionManager({ closeTimeoutMs: value, pendingTtlMs: value, maxDeferred: value, streams: undefined })

      expect(manager.connectionCount).toBe(0)
    }
  })

  it('asks a clock as the object it is', () => {
    class OwnClock extends ManualClock {
      readonly #offsetMs = 1_000

      override now(): number {
        return super.now() + this.#offsetMs
      }
    }
    const clock = new OwnClock()

    const { createdAt } = new ConnectionManager({ clock }).addSubscription({ userId: 'alice', streamType: 'USER_DATA' })

    expect(createdAt).toEqual(new Date(clock.now()))
  })
})
