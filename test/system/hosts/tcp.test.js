import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseStreamMessage, rawJson } from 'stream-connection-manager'
import { listen } from '../../../examples/hosts/tcp.ts'
import { connectTcp } from './clients/tcp-client.ts'
import { leavingTcp } from './clients/leaving.ts'
import { heartbeatElsewhere } from './skips.ts'
import { testRecipe } from './test-recipe.ts'

it('keeps a text with line ends on one line', async () => {
  const { manager, port, stop } = await listen()
  const client = await connectTcp(port, 'alice', [{ streamType: 'PRICE', symbol: 'BTCUSDT' }])

  manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: rawJson('{\n  "bid": 64000\n}') })
  while (client.received.length === 0) await sleep(5)
  await stop()

  assert.deepEqual(client.received.map((text) => parseStreamMessage(text).data), [{ bid: 64_000 }])
})

testRecipe({
  host: 'node:net, JSON lines',
  recipe: 'tcp.ts',
  listen,
  connect: connectTcp,
  connectAndLeave: leavingTcp,
  skip: [heartbeatElsewhere('its heartbeat is TCP keep-alive, which the kernel of the client answers')],
})
