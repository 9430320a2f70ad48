import { describe, expectTypeOf, it } from 'vitest'
import {
  ConnectionManager,
  defineStreams,
  type AuthorizationRequest,
  type Connection,
  type ErrorCode,
  type QuotaName,
  type QuotaOptions,
  type Revocation,
} from '../../../src/index.ts'

interface OwnSocket {
  send(text: string): void
  close(): void
  readonly address: string
}

const streams = defineStreams({ TICKER: { audience: 'public' }, FILLS: { audience: 'private' } })

describe('authorize', () => {
  it('receives the types of the catalogue and of the sockets', () => {
    new ConnectionManager<OwnSocket, typeof streams>({
      streams,
      authorize: ({ userId, streamType, symbol, filters, connection }) => {
        expectTypeOf(userId).toBeString()
        expectTypeOf(streamType).toEqualTypeOf<'TICKER' | 'FILLS'>()
        expectTypeOf(symbol).toEqualTypeOf<string | undefined>()
        expectTypeOf(filters).toEqualTypeOf<Readonly<Record<string, unknown>> | undefined>()
        expectTypeOf(connection).toEqualTypeOf<Connection<OwnSocket, typeof streams> | undefined>()
        return connection?.socket.address === '127.0.0.1'
      },
    })
  })

  it('returns a boolean synchronously', () => {
    // @ts-expect-error a promise is no leave
    new ConnectionManager({ authorize: async () => true })
    // @ts-expect-error nor is anything else
    new ConnectionManager({ authorize: () => 'yes' })
  })

  it('cannot change its argument', () => {
    const authorize = (request: AuthorizationRequest): boolean => {
      // @ts-expect-error a request is read-only
      request.userId = 'bob'
      return true
    }
    new ConnectionManager({ authorize })
  })
})

describe('quotas', () => {
  it('are optional numbers', () => {
    const quotas: QuotaOptions = { connections: 10_000, pendingUsers: Infinity }
    new ConnectionManager({ quotas })
    new ConnectionManager({ quotas: {} })
    expectTypeOf<keyof QuotaOptions>().toEqualTypeOf<QuotaName>()
    // @ts-expect-error there is no such quota
    new ConnectionManager({ quotas: { users: 10 } })
  })

  it('have their own error code', () => {
    expectTypeOf<'ERR_QUOTA_EXCEEDED' | 'ERR_FORBIDDEN'>().toExtend<ErrorCode>()
  })
})

describe('revoke', () => {
  const manager = new ConnectionManager<OwnSocket, typeof streams>({ streams })

  it('accepts any of the three fields, and returns how many subscriptions ended', () => {
    expectTypeOf(manager.revoke({ userId: 'alice' })).toBeNumber()
    manager.revoke({ streamType: 'FILLS' })
    manager.revoke({ symbol: 'BTC' })
    manager.revoke({ userId: 'alice', streamType: 'TICKER', symbol: null })
    const revocation: Revocation<typeof streams> = { userId: undefined, streamType: 'FILLS' }
    manager.revoke(revocation)
  })

  it('accepts only stream types of the catalogue', () => {
    // @ts-expect-error there is no such stream type
    manager.revoke({ streamType: 'PRICE' })
    // @ts-expect-error there is no such field
    manager.revoke({ user: 'alice' })
  })
})
