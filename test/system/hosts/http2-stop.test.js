import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectSession } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from '../../../examples/hosts/http2.ts'
import { expectNothingLeftOpen } from './nothing-left-open.ts'
import { AT_ONCE } from './recipe-tests.ts'

/** Of this process, which is server and peer. */
function tcpSocketCount() {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}

describe('the recipe for HTTP/2', { timeout: 30_000 }, () => {
  it('stops although a peer has stopped reading, and leaves no TCP socket behind', async () => {
    const { manager, port, stop } = await listen()
    const tcp = connectTcp(port, '127.0.0.1').on('error', () => {})
    const session = connectSession(`http://127.0.0.1:${port}`, { createConnection: () => tcp }).on('error', () => {})
    const stream = session.request({ ':path': '/?user=alice' }).on('error', () => {})
    stream.resume()
    await once(stream, 'data')
    session.setLocalWindowSize(2 ** 30)
    // Frozen: its system goes on acknowledging, and nobody reads.
    const { _handle: handle } = /** @type {{ _handle: { readStop(): void } }} */ (/** @type {unknown} */ (tcp))
    handle.readStop()
    const [connection] = manager.connections()
    const send = () => manager.sendToUser('alice', { streamType: 'USER_DATA', data: 'x'.repeat(60_000) })
    for (let i = 0; i < 15; i++) send()
    connection?.flush()

    await stop(AT_ONCE)

    assert.equal(manager.connectionCount, 0)
    while (tcpSocketCount() > 1) await sleep(5) // until the peer's own is all that is left
    tcp.destroy()
  })
})

expectNothingLeftOpen()
