import { describe, expect, it } from 'vitest'
import { obey } from '../../../src/cluster/commands.ts'

function manager(removal: Promise<number> = Promise.resolve(1)) {
  const calls: unknown[] = []
  return {
    calls,
    revoke: (revocation: unknown) => calls.push(['revoke', revocation]),
    removeUser: (userId: string) => (calls.push(['removeUser', userId]), removal),
    setStreamStatus: (stream: unknown, status: unknown) => calls.push(['setStreamStatus', stream, status]),
  }
}

describe('obey', () => {
  it.each([
    ['revoke', { command: 'revoke', revocation: { userId: 'ann', streamType: null, symbol: null } }, [{ userId: 'ann', streamType: null, symbol: null }]],
    ['removeUser', { command: 'removeUser', userId: 'ann' }, ['ann']],
    ['setStreamStatus', { command: 'setStreamStatus', stream: { streamType: 'PRICE', symbol: 'A', userId: null }, status: 'ERROR' }, [{ streamType: 'PRICE', symbol: 'A' }, 'ERROR']],
    ['setStreamStatus', { command: 'setStreamStatus', stream: { streamType: 'ORDERS', symbol: null, userId: 'ann' }, status: 'ERROR' }, [{ streamType: 'ORDERS', symbol: null, userId: 'ann' }, 'ERROR']],
  ])('carries out %s', (name, command, facts) => {
    const { calls, ...methods } = manager()
    obey(methods as never, JSON.stringify(command))

    expect(calls).toEqual([[name, ...facts]])
  })

  it('leaves a removal that fails to the manager, which reports it', async () => {
    const { calls, ...methods } = manager(Promise.reject(new Error('busy')))
    obey(methods as never, '{"command":"removeUser","userId":"ann"}')
    await Promise.resolve()

    expect(calls).toEqual([['removeUser', 'ann']])
  })

  it.each(['', 'null', '[]', '{"command":"shutdown"}', '{"command":"setStreamStatus"}', '['.repeat(100_000)])('throws for what is no command: %.20s', (text) => {
    const { calls, ...methods } = manager()

    expect(() => obey(methods as never, text)).toThrow()
    expect(calls).toEqual([])
  })
})
