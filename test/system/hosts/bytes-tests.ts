import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectForBytes } from './clients/bytes-client.ts'

/** Publishes each of these to one stream, in one turn. */
export type PublishAll = (payloads: readonly (string | readonly number[])[]) => unknown

export const PRICE = { streamType: 'PRICE', symbol: 'BTCUSDT' } as const

const numbers = (length: number): number[] => Array.from({ length }, (_, i) => i % 256)
const MIXED = ['a', numbers(256), [], '', [0xc3, 0x28], 'é😀', ...[125, 126, 65_535, 65_536].flatMap((length) => [numbers(length), 'x'.repeat(length)]), 'end']

/** Checks that a client gets texts as texts, and bytes as binary messages, each byte of them, in order. */
export async function checkBytes(port: number, publishAll: PublishAll): Promise<void> {
  const client = await connectForBytes(port, PRICE)
  try {
    await publishAll(MIXED)
    await publishAll([[1]]) // one alone is not corked
    const expected = [...MIXED, [1]]
    while (client.received.length < expected.length) await sleep(5)

    assert.deepEqual(client.received, expected)
  } finally {
    client.close()
  }
}
