import { describe, expect, it } from 'vitest'
import { ConnectionManager, type ConnectionManagerOptions } from '../../src/index.ts'
import { resolvedOptions } from '../../src/options.ts'
import { expectCode } from '../support/errors.ts'
import { ManualClock } from '../support/manual-clock.ts'

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
    ['idleDelayMs', -1],
    ['idleDelayMs', NaN],
    ['idleDelayMs', -Infinity],
    ['idleDelayMs', '1000'],
    ['idleDelayMs', null],
    ['idleDelayMs', 1_000n],
    ['transport', null],
    ['transport', 'ws'],
    ['transport', () => ({})],
    ['delivery', null],
    ['delivery', 65_536],
    ['delivery', 'latest'],
    ['delivery', () => ({})],
    ['softLimitBytes', 1],
    ['drainIntervalMs', 1],
    ['authorize', true],
    ['authorize', null],
    ['quotas', null],
    ['quotas', 100],
    ['quotas', () => ({})],
    ['connectionsPerUser', 1],
    ['pendingTTL', 1],
    ['__proto__x', 1],
  ])('refuses %s: %o, naming the option', (option, value) => {
    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ [option]: value } as ConnectionManagerOptions))

    expect(error).toMatchObject({ option })
    expect(error.message).toContain(option)
  })

  it.each(['softLimitBytes', 'hardLimitBytes', 'drainIntervalMs'].flatMap((name) => [-1, NaN, -Infinity, '50', null, true, 50n, {}].map((value) => [name, value] as const)))(
    'refuses delivery.%s: %o, naming the option with its group',
    (name, value) => {
      const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ delivery: { [name]: value } } as ConnectionManagerOptions))

      expect(error).toMatchObject({ option: `delivery.${name}` })
      expect(error.message).toContain(`delivery.${name}`)
    },
  )

  it.each(['connections', 'connectionsPerUser', 'subscriptionsPerUser', 'subscriptionsPerConnection', 'messageUnits', 'pendingUsers', 'filterUnits'])(
    'refuses quotas.%s unless it is a number of at least 0, and uses the default if it is absent',
    (name) => {
      for (const value of [-1, NaN, '100', null, 100n]) {
        const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ quotas: { [name]: value } } as ConnectionManagerOptions))

        expect(error).toMatchObject({ option: `quotas.${name}` })
      }

      expect(resolvedOptions({ quotas: { [name]: 7 } }).quotas).toEqual({ ...resolvedOptions({}).quotas, [name]: 7 })
      expect(resolvedOptions({ quotas: { [name]: undefined } }).quotas).toEqual(resolvedOptions({}).quotas)
    },
  )

  it.each(['connectionPerUser', 'softLimitBytes', '__proto__x'])('refuses the unknown option quotas.%s', (name) => {
    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ quotas: { [name]: 1 } } as ConnectionManagerOptions))

    expect(error).toMatchObject({ option: `quotas.${name}` })
  })

  it.each(['softLimit', 'maxQueuedBytes', 'idleDelayMs', 'toString', '__proto__x'])('refuses the unknown option delivery.%s', (name) => {
    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ delivery: { [name]: 1 } } as ConnectionManagerOptions))

    expect(error).toMatchObject({ option: `delivery.${name}` })
  })

  it.each(['frame', 'write', 'bufferedBytes', 'onDrain', 'close', 'terminate'])('refuses a transport whose %s is not a function, naming the hook', (hook) => {
    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ transport: { [hook]: 'ws' } } as ConnectionManagerOptions))

    expect(error).toMatchObject({ option: `transport.${hook}` })
  })

  it('defaults each delivery option that is absent or undefined', () => {
    const { delivery } = resolvedOptions({ delivery: { hardLimitBytes: 7, drainIntervalMs: undefined } })

    expect(delivery).toEqual({ softLimitBytes: 65_536, hardLimitBytes: 7, drainIntervalMs: 50, maxLagMs: 60_000 })
    expect(resolvedOptions({}).delivery).toEqual({ softLimitBytes: 65_536, hardLimitBytes: 1_048_576, drainIntervalMs: 50, maxLagMs: 60_000 })
    expect(resolvedOptions({}).idleDelayMs).toBe(1_000)
  })

  it('ignores later changes to the objects that it was given', () => {
    const delivery = { softLimitBytes: 1 }
    const options = { delivery, idleDelayMs: 5 }
    const resolved = resolvedOptions(options)

    delivery.softLimitBytes = -1
    options.idleDelayMs = -1

    expect(resolved).toMatchObject({ delivery: { softLimitBytes: 1 }, idleDelayMs: 5 })
  })

  it('refuses a clock that cannot be read, with the thrown error as the cause', () => {
    const reason = new Error('hostile')

    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ clock: { get now() { throw reason } } as never }))

    expect(error).toMatchObject({ option: 'clock', cause: reason })
  })

  it.each([null, 7, 'options'])('refuses %j as options', (options) => {
    expectCode('ERR_INVALID_OPTION', () => new ConnectionManager(options as never))
  })

  it('accepts 0 and Infinity, and treats undefined as absent', () => {
    for (const value of [0, Infinity, undefined]) {
      const manager = new ConnectionManager({
        closeTimeoutMs: value,
        pendingTtlMs: value,
        maxDeferred: value,
        idleDelayMs: value,
        delivery: { softLimitBytes: value, hardLimitBytes: value, drainIntervalMs: value },
        streams: undefined,
        transport: undefined,
      })

      expect(manager.connectionCount).toBe(0)
    }
  })

  it('treats an undefined group as absent', () => {
    expect(resolvedOptions({ delivery: undefined })).toEqual(resolvedOptions({}))
  })

  it("calls a clock's methods on the clock", () => {
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
