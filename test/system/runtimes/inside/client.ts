// client.ts HOST KIND: subscribes to a stream of a server of test/system/client, has its connection cut, resumes, makes a request and closes. It prints
// what it heard. It ends by itself: so no socket is left, and no timer holds the process.
import process from 'node:process'
import { ClientError, createClient } from 'stream-connection-manager/client'
import { overWebSocket, withCommandsByPost, type Implementation } from '../../client/kinds.js'

const [host = '', kind = ''] = process.argv.slice(2)
const { EventSource } = globalThis as unknown as { readonly EventSource: Implementation }
const optionsFor = kind === 'EventSource' ? withCommandsByPost(EventSource) : overWebSocket(WebSocket)

const client = createClient({ ...optionsFor(host), backoff: { minMs: 20 } })
const trades = client.updates({ streamType: 'TRADES', symbol: 'A' })
await new Promise((resolve) => client.on('subscribed', resolve))
const heard: unknown[] = []

await client.request('publish', [1, 2])
await hear(2)
const cut = await client.request('cut', [3, 4]).catch((error: unknown) => error)
await hear(2)
const echo = await client.request('echo', { a: 1 })
client.close()

await waitForDays()
console.log(JSON.stringify({ heard, cut: cut instanceof ClientError && cut.code, echo, state: client.state }))

async function hear(count: number): Promise<void> {
  while (count-- > 0) {
    const { value } = await trades.next()
    heard.push(value?.type ?? value?.data)
  }
}

/** Leaves a client that waits for its next attempt. */
async function waitForDays(): Promise<void> {
  const ms = 1_000_000_000
  const connect = (): never => {
    throw new Error('There is no server')
  }
  const waiting = createClient({ connect, lazy: false, backoff: { minMs: ms, maxMs: ms } })
  await new Promise<void>((resolve) => waiting.on('state', ({ state }) => state === 'waiting' && resolve()))
}
