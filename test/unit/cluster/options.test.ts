import { describe, expect, it } from 'vitest'
import { resolvedOptions } from '../../../src/cluster/options.ts'
import { streams } from '../../support/cluster/catalogue.ts'

class Driver {
  readonly calls: unknown[] = []
  open(...facts: unknown[]): Promise<void> {
    this.calls.push(facts)
    return Promise.resolve()
  }
  publish(): void {}
  subscribe(): Promise<void> {
    return Promise.resolve()
  }
  unsubscribe(): Promise<void> {
    return Promise.resolve()
  }
  subscribers(): Promise<number> {
    return Promise.resolve(0)
  }
  close(): Promise<void> {
    return Promise.resolve()
  }
}

const GIVEN = { backplane: new Driver(), prefix: 'desk' }
const read = (options: unknown) => resolvedOptions(options, streams as never)

describe('the options of a cluster', () => {
  it('have defaults', () => {
    const { backplane: _, ...others } = read(GIVEN)

    expect(others).toEqual({
      prefix: 'desk', localTypes: new Set(), probeMs: 1_000, repairTimeoutMs: 1_000, quietAfterMs: 500, idleDelayMs: 1_000, maxUnconfirmedBytes: 4_194_304,
    })
  })

  it('are taken as they are given, 0 included', () => {
    const given = { localTypes: ['PRICE'], probeMs: 1, repairTimeoutMs: 0, quietAfterMs: 1, idleDelayMs: 0, maxUnconfirmedBytes: 0 }

    expect(read({ ...GIVEN, ...given })).toMatchObject({ ...given, localTypes: new Set(['PRICE']) })
  })

  it('read the methods of a backplane once, from a class too, and keep its `this`', async () => {
    const driver = new Driver()
    const { backplane } = read({ ...GIVEN, backplane: driver })
    driver.open = () => Promise.reject(new Error('replaced'))
    await backplane.open('a' as never, 'b' as never)

    expect(driver.calls).toEqual([['a', 'b']])
  })

  it.each<[what: string, options: unknown, option?: string]>([
    ['nothing', undefined],
    ['a text', 'desk'],
    ['an unknown name', { ...GIVEN, probeMS: 1 }, 'probeMS'],
    ['no prefix', { backplane: GIVEN.backplane }, 'prefix'],
    ['an empty prefix', { ...GIVEN, prefix: '' }, 'prefix'],
    ['a prefix that is too long', { ...GIVEN, prefix: 'x'.repeat(256) }, 'prefix'],
    ['a prefix with half a character', { ...GIVEN, prefix: '\ud800' }, 'prefix'],
    ['local types that are no array', { ...GIVEN, localTypes: 'PRICE' }, 'localTypes'],
    ['a local type that there is not', { ...GIVEN, localTypes: ['PRICES'] }, 'localTypes'],
    ['a local type that every object has', { ...GIVEN, localTypes: ['toString'] }, 'localTypes'],
    ['a local type that is no text', { ...GIVEN, localTypes: [1] }, 'localTypes'],
    ['no time between probes', { ...GIVEN, probeMs: 0 }, 'probeMs'],
    ['no time until a channel is quiet', { ...GIVEN, quietAfterMs: 0 }, 'quietAfterMs'],
    ['a negative time', { ...GIVEN, idleDelayMs: -1 }, 'idleDelayMs'],
    ['Infinity', { ...GIVEN, repairTimeoutMs: Infinity }, 'repairTimeoutMs'],
    ['NaN', { ...GIVEN, maxUnconfirmedBytes: NaN }, 'maxUnconfirmedBytes'],
    ['a text as a number', { ...GIVEN, maxUnconfirmedBytes: '1' }, 'maxUnconfirmedBytes'],
  ])('refuse %s', (_, options, option = 'options') => {
    expect(() => read(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }))
  })

  it.each<[what: string, backplane: unknown]>([
    ['no backplane', undefined],
    ['null', null],
    ['a function', () => {}],
    ['an object without methods', {}],
    ['a method that is none', Object.assign(new Driver(), { close: true })],
    ['a getter that throws', Object.defineProperty(new Driver(), 'publish', { get: () => { throw new Error('no') } })],
    ['a proxy that throws', new Proxy(new Driver(), { getPrototypeOf: () => { throw new Error('no') }, get: () => { throw new Error('no') } })],
  ])('refuse a backplane: %s', (_, backplane) => {
    expect(() => read({ ...GIVEN, backplane })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_BACKPLANE' }))
  })
})
