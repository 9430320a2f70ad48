import { describe, expect, it, vi } from 'vitest'
import type { ClientOptions, Loss } from '../../../src/client/index.ts'
import { settled, TestSocket, worldOf } from '../../support/scripted-server.ts'

const TRADES = { streamType: 'TRADE_EXECUTIONS', symbol: 'A' } as const

describe('a client that connects', () => {
  it('waits until something is subscribed to', async () => {
    const { client, sockets } = worldOf()
    await settled()
    expect([client.state, sockets.length]).toEqual(['idle', 0])

    client.subscribe({ streamType: 'PRICE', symbol: 'A' }, () => {})
    await settled()

    expect([client.state, sockets.length]).toEqual(['connecting', 1])
  })
})
