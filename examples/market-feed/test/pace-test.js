import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pace } from '../pace.js'

/** A server whose only client reads nothing: what is flushed stays in its socket's buffer. */
class Server {
  held = 0
  buffered = 0

  flush() {
    this.buffered += this.held
    this.held = 0
  }

  mostBuffered() {
    return this.buffered
  }
}

/**
 * @param {number} length
 * @returns {import('../timeline.js').TimelineMessage}
 */
function message(length) {
  const data = 'x'.repeat(length)
  return { streamType: 'PRICE', symbol: 'BTC', data, timestampMs: 0, userId: undefined, playAtMs: 0 }
}

describe('Pace', () => {
  for (const length of [10, 1_000, 10_000]) {
    test(`lets no more than 32 KiB wait before the next message, of ${length} characters each`, () => {
      const server = new Server()
      const pace = new Pace(server)
      let published = 0
      while (pace.allowsMore()) {
        assert.ok(server.held + server.buffered <= 32 * 1024)
        pace.note(message(length))
        server.held += length
        published++
      }
      assert.ok(published * length > 6 * 1024)
      server.buffered = server.held = 0
      assert.equal(pace.allowsMore(), true)
    })
  }

  test('waits after one message that is too long by itself, until it has left', () => {
    const server = new Server()
    const pace = new Pace(server)
    pace.note(message(1_000_000))
    server.held = 1_000_000
    assert.equal(pace.allowsMore(), false)
    server.buffered = 0
    assert.equal(pace.allowsMore(), true)
  })
})
