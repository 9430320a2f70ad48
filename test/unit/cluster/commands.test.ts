import { describe, expect, it } from 'vitest'
import { obey } from '../../../src/cluster/commands.ts'

function manager(removal: Promise<number> = Promise.resolve(1)) {
  const calls: unknown[] = []
  return {
    calls,
    revoke: (revocation: unknown) => calls.push(['revoke', revocation]),
    removeUser: (userId: string) => (calls.push(['removeUser', userId]), removal),
    setStreamStatus: (stream: unknown, status: unknown) => calls.push(['setStreamStatus', stream, status]),
    notifyGap: (stream: unknown, dropped: unknown) => calls.push(['notifyGap', stream, dropped]),
  }
}

describe('obey', () => {
  it.each([
    ['revoke', { command: 'revoke', revocation: { userId: 'ann', streamType: null, symbol: null } }, [{ userId: 'ann', streamType: null, symbol: null }]],
    ['removeUser', { command: 'removeUser', userId: 'ann' }, ['ann']],
    ['setStreamStatus', { command: 'setStreamStatus', stream: { streamType: 'PRICE', symbol: 'A', userId: null }, status: 'ERROR' }, [{ streamType: 'PRICE', symbol: 'A' }, 'ERROR']],
    ['setStreamStatus', { command: 'setStreamStatus', stream: { streamType: 'ORDERS', symbol: null, userId: 'ann' }, status: 'ERROR' }, [{ streamType: 'ORDERS', symbol: null, userId: 'ann' }, 'ERROR']],
    ['notifyGap', { command: 'notifyGap', stream: { streamType: 'TRADES', symbol: null, userId: null }, dropped: 3 }, [{ streamType: 'TRADES', symbol: null }, 3]],
    ['notifyGap', { command: 'notifyGap', stream: { streamType: 'ORDERS', symbol: 'A', userId: 'ann' }, dropped: null }, [{ streamType: 'ORDERS', symbol: 'A', userId: 'ann' }, undefined]],
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

  it.each(['', 'null', '[]', '{"command":"shutdown"}', '{"command":"setStreamStatus"}', '{"command":"notifyGap"}', '['.repeat(100_000)])('throws for what is no command: %.20s', (text) => {
    const { calls, ...methods } = manager()

    expect(() => obey(methods as never, text)).toThrow()
    expect(calls).toEqual([])
  })
})
