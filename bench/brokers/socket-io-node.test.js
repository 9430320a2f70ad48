import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tradeEnvelope } from '../market.js'
import { SocketIoNode } from './socket-io-node.js'

describe('a node of socket.io', () => {
  it('hands over each message for its client, and nothing of the handshake', async () => {
    const texts = []
    const node = new SocketIoNode()
    await node.join((text) => texts.push(text))
    const envelope = tradeEnvelope()

    node.publish(envelope)

    assert.deepEqual(texts, [`2${JSON.stringify(['message', envelope])}`])
  })
})
