import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { createCommandServer, type CommandServerOptions } from '../../../src/protocol/index.ts'
import { expectCode } from '../../support/errors.ts'

const throwing = (name: string): object => Object.defineProperty({}, name, { enumerable: true, get: () => { throw new Error('read') } })

/** A function that throws when it is bound. */
const unbindable = new Proxy(() => true, { getPrototypeOf: () => { throw new Error('read') } })

describe('the options of a command server', () => {
  it.each([
    ['options', null],
    ['options', 7],
    ['authorise', { authorise: () => true }],
    ['authorize', { authorize: true }],
    ['authorize', throwing('authorize')],
    ['authorize', { authorize: unbindable }],
    ['recovery', { recovery: {} }],
    ['recovery', { recovery: throwing('subscribe') }],
    ['onSubscribed', { onSubscribed: 'yes' }],
    ['commands', { commands: [] }],
    ['commands', { commands: new Map() }],
    ['commands', { commands: throwing('echo') }],
    ['commands.echo', { commands: { echo: 1 } }],
    ['commands.echo', { commands: { echo: undefined } }],
    ['commands.ping', { commands: { ping: () => {} } }],
    ['commands.subscribe', { commands: { subscribe: () => {} } }],
    ['limits', { limits: 7 }],
    ['limits.perMinute', { limits: { perMinute: 1 } }],
    ['limits.pending', { limits: { pending: 0 } }],
    ['limits.burst', { limits: { burst: NaN } }],
    ['limits.perSecond', { limits: { perSecond: 0 } }],
    ['limits.perSecond', { limits: { perSecond: Infinity } }],
    ['limits.textUnits', { limits: { textUnits: '1' } }],
    ['idleMs', { idleMs: -1 }],
    ['idleMs', { idleMs: Infinity }],
    ['heartbeatMs', { heartbeatMs: NaN }],
    ['onError', { onError: {} }],
    ['clock', { clock: { now: () => 0 } }],
  ])('refuse %s', (option, options) => {
    const error = expectCode('ERR_INVALID_OPTION', () => createCommandServer(new ConnectionManager(), options as CommandServerOptions))

    expect(error['option']).toBe(option)
  })

  it('take undefined for absence, and Infinity for no limit', () => {
    const options: CommandServerOptions = {
      authorize: undefined, recovery: undefined, onSubscribed: undefined, commands: undefined, idleMs: undefined, heartbeatMs: undefined, onError: undefined, clock: undefined,
      limits: { textUnits: Infinity, commandsPerText: Infinity, pending: Infinity, burst: Infinity, maxRefusals: Infinity, commandTimeoutMs: Infinity, perSecond: undefined },
    }

    expect(createCommandServer(new ConnectionManager(), options).sessions).toBe(0)
  })
})
