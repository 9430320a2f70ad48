import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { backoffMs } from '../page/backoff.js'
import { Link } from '../page/link.js'

/** A WebSocket that nothing is behind. */
class FakeSocket {
  /** @type {FakeSocket[]} */
  static all = []
  readyState = 0
  /** @type {string[]} */
  sent = []
  isClosed = false
  /** @type {((event: { data: string }) => void) | null} */
  onmessage = null
  /** @type {(() => void) | null} */
  onclose = null

  /** @param {string} url */
  constructor(url) {
    this.url = url
    FakeSocket.all.push(this)
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(text)
  }

  close() {
    this.isClosed = true
  }

  /** The server says something. @param {string} text */
  says(text) {
    this.readyState = 1
    this.onmessage?.({ data: text })
  }
}

/** @type {Link} */
let link
/** @type {string[]} */
let heard
let now = 0

/** @param {number} ms */
function pass(ms) {
  for (let left = ms; left > 0; left -= 100) {
    now += 100
    mock.timers.tick(100)
  }
}

function latest() {
  return /** @type {FakeSocket} */ (FakeSocket.all.at(-1))
}

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  FakeSocket.all = []
  heard = []
  link = new Link({
    url: () => `ws://desk/${FakeSocket.all.length}`,
    onText: (text) => heard.push(text),
    onChange: () => {},
    WebSocket: /** @type {any} */ (FakeSocket),
    now: () => now,
    chance: () => 1,
  })
})

afterEach(() => {
  link.end()
  mock.timers.reset()
})

describe('backoffMs', () => {
  it('is about twice as long after each failure, up to a quarter of a minute', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 50].map((failures) => backoffMs(failures, 1)), [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  })

  it('is up to half as long by chance', () => {
    assert.deepEqual([0, 0.5, 1].map((chance) => backoffMs(3, chance)), [1_000, 1_500, 2_000])
  })
})

describe('Link', () => {
  it('is connected once the server has said something', () => {
    link.connect()
    assert.equal(link.phase, 'connecting')

    latest().says('hello')

    assert.equal(link.phase, 'connected')
    assert.deepEqual(heard, ['hello'])
  })

  it('sends only while there is somebody to hear it', () => {
    link.connect()
    link.send({ type: 'slow', on: true })
    latest().says('hello')
    link.send({ type: 'slow', on: false })

    assert.deepEqual(latest().sent, ['{"type":"slow","on":false}'])
  })

  it('waits longer after each attempt that fails, and says how long', () => {
    link.connect()
    for (const [wait, seconds] of [[500, 1], [1_000, 1], [2_000, 2], [4_000, 4]]) {
      const attempts = FakeSocket.all.length
      latest().onclose?.()
      assert.deepEqual([link.phase, link.secondsToWait], ['waiting', seconds])
      pass(wait - 100)
      assert.equal(FakeSocket.all.length, attempts)
      pass(100)
      assert.equal(FakeSocket.all.length, attempts + 1)
    }
  })

  it('begins anew with short waits once it was connected', () => {
    link.connect()
    for (let i = 0; i < 4; i++) {
      latest().onclose?.()
      pass(15_000)
    }
    latest().says('hello')

    latest().onclose?.()

    assert.equal(link.secondsToWait, 1)
  })

  it('connects at once when it is told to, and no second time when it is connecting', () => {
    link.connect()
    latest().onclose?.()

    link.connect()
    link.connect()
    pass(10_000)

    assert.deepEqual(FakeSocket.all.map(({ url }) => url), ['ws://desk/0', 'ws://desk/1'])
  })

  it('is stale when nothing came for four seconds, and not when something does', () => {
    link.connect()
    latest().says('hello')

    pass(4_000)
    assert.equal(link.isStale, false)
    pass(1_000)
    assert.deepEqual([link.isStale, link.secondsSilent], [true, 5])

    latest().says('again')
    assert.deepEqual([link.isStale, link.phase], [false, 'connected'])
  })

  it('gives up a server that is silent for too long, connected or not, and hears no more of it', () => {
    link.connect()
    const [mute] = FakeSocket.all
    pass(17_000)
    const silent = latest()
    silent.says('hello')
    pass(17_000)

    assert.ok(mute.isClosed && silent.isClosed)
    assert.equal(FakeSocket.all.length, 3)
    silent.says('too late')
    assert.deepEqual(heard, ['hello'])
  })

  it('does nothing more once it has ended', () => {
    link.connect()
    latest().says('hello')

    link.end()
    pass(60_000)

    assert.ok(latest().isClosed)
    assert.equal(FakeSocket.all.length, 1)
  })
})
